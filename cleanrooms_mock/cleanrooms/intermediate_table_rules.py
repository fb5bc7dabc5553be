"""Analysis rules of intermediate tables: who may do what with them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cleanrooms_mock.cleanrooms.analysis_rules import policy_within_quota
from cleanrooms_mock.cleanrooms.custom_rules import CUSTOM, check_custom_policy
from cleanrooms_mock.cleanrooms.errors import (
    ResourceNotFoundException,
    invalid_configuration,
    invalid_field,
)
from cleanrooms_mock.cleanrooms.ids import now
from cleanrooms_mock.cleanrooms.intermediate_table_constraints import breach
from cleanrooms_mock.cleanrooms.intermediate_tables import IntermediateTable
from cleanrooms_mock.cleanrooms.objects import shown
from cleanrooms_mock.cleanrooms.policies import Policy, inner_of, kilobytes, path_of
from cleanrooms_mock.cleanrooms.quotas import ANALYSIS_RULE_SIZE
from cleanrooms_mock.cleanrooms.resources import already_exists, own_resource, own_resource_to_change
from cleanrooms_mock.cleanrooms.service import Caller, operation
from cleanrooms_mock.rules import DOCUMENTED, INFERRED, behaviour, rule


@dataclass(slots=True, eq=False)
class IntermediateTableRule:
    """The one analysis rule of an intermediate table."""

    table: IntermediateTable
    analysis_rule_policy: dict[str, Any]
    create_time: float
    update_time: float

    intermediate_table_identifier = shown("table.id")
    intermediate_table_arn = shown("table.arn")

    @property
    def analysis_rule_type(self) -> str:
        return CUSTOM

    @property
    def inner(self) -> Policy:
        """The part of the policy that counts."""
        return inner_of(self.analysis_rule_policy)


@operation
def create_intermediate_table_analysis_rule(
    caller: Caller,
    *,
    membership_identifier: str,
    intermediate_table_identifier: str,
    analysis_rule_type: str,
    analysis_rule_policy: dict[str, Any],
) -> IntermediateTableRule:
    table = own_resource_to_change(caller, membership_identifier, IntermediateTable, intermediate_table_identifier)
    one_rule_for_an_intermediate_table(table)
    _check_policy(caller, table, analysis_rule_policy)
    policy_within_quota(caller, analysis_rule_policy)
    time = now()
    table.rule = IntermediateTableRule(table, analysis_rule_policy, time, time)
    return table.rule


@rule(
    "INT-30",
    source="API reference IntermediateTableAnalysisRuleCustom; the exception is inferred",
    status=DOCUMENTED,
    answer="ConflictException ALREADY_EXISTS",
)
def one_rule_for_an_intermediate_table(table: IntermediateTable) -> None:
    """An intermediate table has one analysis rule, of the type CUSTOM, for which holds what holds for a configured table's (RULE-40 to RULE-47, RULE-49 to
    RULE-54), against the columns that the table has, once it has any. `allowedAnalyses` may be absent, which is as good as empty, and
    differential privacy doesn't ask where the data lies.
    """
    if table.rule is not None:
        raise already_exists(table, f"Intermediate table {table.id} has an analysis rule.")


def _check_policy(caller: Caller, table: IntermediateTable, whole: dict[str, Any]) -> None:
    policy = inner_of(whole)
    types = None if table.columns is None else {column["name"]: column["type"] for column in table.columns}
    check_custom_policy(policy, types, world=caller.world)
    constraints_hold(table, policy)


behaviour(
    "INT-32",
    "A rule that is made while there is no version is held against no constraints. If it breaks those of a later version it stays, and the table's schema "
    "is NOT_READY with INTERMEDIATE_TABLE_INHERITED_CONSTRAINTS_VIOLATED.",
    source="inferred: API reference SchemaStatusReason has the code",
    status=INFERRED,
)


@rule(
    "INT-31",
    source="user guide: intermediate table rule; the exception is inferred",
    status=DOCUMENTED,
    answer="ValidationException INVALID_CONFIGURATION",
)
def constraints_hold(table: IntermediateTable, policy: Policy) -> None:
    """The rule of a table that is built on other members' tables keeps to what its active version inherited: no receivers and additional analyses but
    those that are allowed, all disallowed columns, and additionalAnalyses as strict or stricter, of REQUIRED, ALLOWED, NOT_ALLOWED in this order. A
    table that is built on its owner's tables only is free.
    """
    version = table.intermediate_table_version
    if version is None or not table.is_multi_party:
        return
    if found := breach(policy, version.inherited_constraints):
        member, complaint = found
        raise invalid_configuration(path_of(CUSTOM, member), complaint)


@operation
def get_intermediate_table_analysis_rule(
    caller: Caller, *, membership_identifier: str, intermediate_table_identifier: str, analysis_rule_type: str
) -> IntermediateTableRule:
    return rule_of(own_resource(caller, membership_identifier, IntermediateTable, intermediate_table_identifier))


@rule(
    "INT-33",
    source="API reference DeleteIntermediateTableAnalysisRule; the exception is inferred",
    status=DOCUMENTED,
    answer="ResourceNotFoundException",
)
def rule_of(table: IntermediateTable) -> IntermediateTableRule:
    """An intermediate table whose rule was deleted can't be queried until it has a new one; a rule that it doesn't have isn't found, as a MEMBERSHIP with
    the table's id.
    """
    if table.rule is None:
        raise ResourceNotFoundException(
            table.kind.resource_type, table.id, f"Intermediate table {table.id} has no analysis rule."
        )
    return table.rule


@operation
def update_intermediate_table_analysis_rule(
    caller: Caller,
    *,
    membership_identifier: str,
    intermediate_table_identifier: str,
    analysis_rule_type: str,
    analysis_rule_policy: dict[str, Any],
) -> IntermediateTableRule:
    table = own_resource_to_change(caller, membership_identifier, IntermediateTable, intermediate_table_identifier)
    table_rule = rule_of(table)
    _check_policy(caller, table, analysis_rule_policy)
    # The operation models no exception for a quota.
    if kilobytes(analysis_rule_policy) > (largest := caller.controls.quotas[ANALYSIS_RULE_SIZE.name]):
        raise invalid_field("analysisRulePolicy", f"is larger than {largest:g} KB")
    table_rule.analysis_rule_policy = analysis_rule_policy
    table_rule.update_time = now()
    return table_rule


@operation
def delete_intermediate_table_analysis_rule(
    caller: Caller, *, membership_identifier: str, intermediate_table_identifier: str, analysis_rule_type: str
) -> None:
    table = own_resource(caller, membership_identifier, IntermediateTable, intermediate_table_identifier)
    rule_of(table)
    table.rule = None
