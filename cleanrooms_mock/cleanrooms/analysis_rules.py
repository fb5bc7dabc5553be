"""Analysis rules of configured tables: who may do what with a table, in whatever collaboration."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cleanrooms_mock.cleanrooms.aggregation_and_list_rules import (
    AGGREGATION,
    check_aggregation_policy,
    check_list_policy,
)
from cleanrooms_mock.cleanrooms.configured_tables import (
    DIRECT_JOB,
    DIRECT_QUERY,
    GLUE,
    ConfiguredTable,
    own_table,
    types_of,
)
from cleanrooms_mock.cleanrooms.custom_rules import CUSTOM, METHODS, check_custom_policy, wildcards
from cleanrooms_mock.cleanrooms.errors import (
    ConflictException,
    ResourceNotFoundException,
    ServiceQuotaExceededException,
    invalid_configuration,
)
from cleanrooms_mock.cleanrooms.ids import now
from cleanrooms_mock.cleanrooms.objects import shown
from cleanrooms_mock.cleanrooms.policies import (
    Policy,
    columns_are_allowed,
    columns_named,
    inner_of,
    kilobytes,
    refuse_another_type,
)
from cleanrooms_mock.cleanrooms.quotas import ANALYSIS_RULE_SIZE
from cleanrooms_mock.cleanrooms.service import Caller, operation
from cleanrooms_mock.rules import DOCUMENTED, INFERRED, SEEN, behaviour, rule

if TYPE_CHECKING:
    from collections.abc import Mapping

behaviour(
    "RULE-11",
    "The answer has the policy as it was sent, with lists in their order and nothing filled in, the table's id and ARN, the type and both times.",
    source="API reference ConfiguredTableAnalysisRule; that nothing is filled in is inferred",
    status=DOCUMENTED,
)


@dataclass(slots=True, eq=False)
class AnalysisRule:
    """The one analysis rule of a configured table.

    :ivar type: AGGREGATION, LIST or CUSTOM.
    :ivar policy: as it was sent.
    """

    table: ConfiguredTable
    type: str
    policy: dict[str, Any]
    create_time: float
    update_time: float

    configured_table_id = shown("table.id")
    configured_table_arn = shown("table.arn")

    @property
    def inner(self) -> Policy:
        """The part of the policy that counts."""
        return inner_of(self.policy)

    @property
    def columns(self) -> set[str]:
        """The columns that it names."""
        return {column for _, column in columns_named(self.inner)}

    @property
    def needs_glue(self) -> bool:
        """Whether its table has to be in Glue."""
        return self.type != CUSTOM or "differential_privacy" in self.inner

    @property
    def methods(self) -> set[str]:
        """The methods of analysis that its table has to allow."""
        policy = self.inner
        queries = self.type != CUSTOM or "differential_privacy" in policy
        return {METHODS[analysis] for analysis in wildcards(policy)} | ({DIRECT_QUERY} if queries else set())


behaviour(
    "RULE-3",
    "A rule is created, updated and deleted with and without associations of its table.",
    source="AWS's CloudFormation handlers, UpdateHandler of configuredtable",
    status=SEEN,
)
behaviour(
    "RULE-56",
    "The order of checks: the table exists; it has no rule yet, or one of that type; the policy is of the type; single values; what contradicts "
    "each other in the policy; what doesn't fit the table; the size.",
    source="inferred from ERR-16",
    status=INFERRED,
)


@operation
def create_configured_table_analysis_rule(
    caller: Caller, *, configured_table_identifier: str, analysis_rule_type: str, analysis_rule_policy: dict[str, Any]
) -> AnalysisRule:
    table = own_table(caller, configured_table_identifier)
    one_rule_for_a_table(table)
    _check_policy(caller, table, analysis_rule_type, analysis_rule_policy)

    time = now()
    table.rule = AnalysisRule(table, analysis_rule_type, analysis_rule_policy, time, time)
    return table.rule


@rule(
    "RULE-1",
    source="API reference CreateConfiguredTableAnalysisRule; the exception is inferred",
    status=DOCUMENTED,
    answer="ConflictException ALREADY_EXISTS",
)
def one_rule_for_a_table(table: ConfiguredTable) -> None:
    """A table has one analysis rule; while it has any, no other is created, be it of the same type."""
    if table.rule is not None:
        message = f"Configured table {table.id} has an analysis rule of the type {table.rule.type}."
        raise ConflictException("ALREADY_EXISTS", "CONFIGURED_TABLE", table.id, message)


def _check_policy(caller: Caller, table: ConfiguredTable, rule_type: str, whole: Mapping[str, Any]) -> None:
    policy_is_of_the_type(rule_type, whole)
    policy = inner_of(whole)
    types = types_of(table)
    if rule_type == CUSTOM:
        check_custom_policy(
            policy,
            types,
            world=caller.world,
            analysis_method=table.analysis_method,
            table_type=table.table_type,
        )
    else:
        (check_aggregation_policy if rule_type == AGGREGATION else check_list_policy)(policy)
        columns_are_allowed(rule_type, policy, types)
        queries_run_on_the_table(rule_type, table)
        table_is_in_glue(rule_type, table)
    policy_within_quota(caller, whole)


@rule(
    "RULE-2",
    source="inferred: the type addresses the policy",
    status=INFERRED,
    answer="ValidationException INVALID_CONFIGURATION",
)
def policy_is_of_the_type(rule_type: str, whole: Mapping[str, Any]) -> None:
    """The policy has the member that `analysisRuleType` names: aggregation, list or custom."""
    refuse_another_type(rule_type, whole)


@rule(
    "RULE-9",
    source="inferred: both types speak of SQL; user guide: analysis rules",
    status=INFERRED,
    answer="ValidationException INVALID_CONFIGURATION",
)
def queries_run_on_the_table(rule_type: str, table: ConfiguredTable) -> None:
    """AGGREGATION and LIST need a table on which queries run: one with the analysis method DIRECT_QUERY or MULTIPLE."""
    if table.analysis_method == DIRECT_JOB:
        raise invalid_configuration("analysisRuleType", f"{rule_type} is for queries, and only jobs run on the table")


behaviour(
    "ENG-14",
    "Tables in Athena and Snowflake are queried under CUSTOM rules only, since they take no other: RULE-10.",
    source="user guide: add analysis rule",
    status=DOCUMENTED,
)


@rule(
    "RULE-10",
    source="user guide: add analysis rule",
    status=DOCUMENTED,
    answer="ValidationException INVALID_CONFIGURATION",
)
def table_is_in_glue(rule_type: str, table: ConfiguredTable) -> None:
    """Tables in Athena, Snowflake and Databricks take CUSTOM rules only."""
    if table.table_type != GLUE:
        raise invalid_configuration("analysisRuleType", f"{rule_type} isn't for a table of the type {table.table_type}")


@rule("RULE-6", source="user guide: quotas", status=DOCUMENTED, answer="ServiceQuotaExceededException")
def policy_within_quota(caller: Caller, whole: Mapping[str, Any]) -> None:
    """The JSON of a policy has a largest size."""
    largest = caller.controls.quotas[ANALYSIS_RULE_SIZE.name]
    if kilobytes(whole) > largest:
        raise ServiceQuotaExceededException(ANALYSIS_RULE_SIZE.name, largest)


@rule(
    "RULE-4",
    source="API reference GetConfiguredTableAnalysisRule; the resource type is inferred",
    status=DOCUMENTED,
    answer="ResourceNotFoundException",
)
def own_rule(caller: Caller, table_id: str, rule_type: str) -> AnalysisRule:
    """A rule is addressed by its table and its type: where the table has none of that type, it isn't found."""
    table = own_table(caller, table_id)
    if table.rule is None or table.rule.type != rule_type:
        raise ResourceNotFoundException(
            "CONFIGURED_TABLE", table_id, f"Configured table {table_id} has no analysis rule of the type {rule_type}."
        )
    return table.rule


@operation
def get_configured_table_analysis_rule(
    caller: Caller, *, configured_table_identifier: str, analysis_rule_type: str
) -> AnalysisRule:
    return own_rule(caller, configured_table_identifier, analysis_rule_type)


behaviour(
    "RULE-5",
    "UpdateConfiguredTableAnalysisRule replaces the whole policy, keeps createTime and moves updateTime. The type can't change.",
    source="API reference UpdateConfiguredTableAnalysisRule",
    status=DOCUMENTED,
)


@operation
def update_configured_table_analysis_rule(
    caller: Caller, *, configured_table_identifier: str, analysis_rule_type: str, analysis_rule_policy: dict[str, Any]
) -> AnalysisRule:
    analysis_rule = own_rule(caller, configured_table_identifier, analysis_rule_type)
    _check_policy(caller, analysis_rule.table, analysis_rule_type, analysis_rule_policy)

    analysis_rule.policy = analysis_rule_policy
    analysis_rule.update_time = now()
    return analysis_rule


behaviour(
    "RULE-12",
    "A rule is deleted while its table is associated, too; the rules of its associations stay.",
    source="user guide: delete analysis rule; that they stay is inferred",
    status=DOCUMENTED,
)
behaviour(
    "RULE-13",
    "After a rule was deleted one of another type may be created, although an association has a rule of the old type.",
    source="inferred: API reference SchemaStatusReason has a code for it",
    status=INFERRED,
)


@operation
def delete_configured_table_analysis_rule(
    caller: Caller, *, configured_table_identifier: str, analysis_rule_type: str
) -> None:
    own_rule(caller, configured_table_identifier, analysis_rule_type).table.rule = None
