"""Which tables a query may use at all: those that go together, are ready, and are allowed to this analysis and its receivers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from cleanrooms_mock.analysis.refusals import Refusal, malformed
from cleanrooms_mock.analysis.tables import Question, Table
from cleanrooms_mock.rules import DOCUMENTED, INFERRED, SEEN, behaviour, rule

ANY_QUERY = "ANY_QUERY"
_DIRECT_QUERY = "DIRECT_QUERY"

behaviour(
    "CUS-03",
    "Rules hold for every runner, also for a table's owner, and in a collaboration of one member.",
    source="user guide: analysis rules; tests of aws-sdk-pandas, whose only member meets the minimum of its own table",
    status=SEEN,
)
behaviour(
    "CUS-04",
    "What every table of a query allows is allowed, and no more; of several minimums the largest counts.",
    source="user guide: analysis rules",
    status=DOCUMENTED,
)
behaviour(
    "CUS-10",
    "A query is checked against the rule of each table together with the rule of its association: the consolidated policy of that table in that "
    "collaboration.",
    source="API reference AnalysisRule, ConsolidatedPolicy",
    status=DOCUMENTED,
)
behaviour(
    "CUS-09",
    "`allowedAdditionalAnalyses` don't touch queries whose results members receive.",
    source="API reference ConfiguredTableAssociationAnalysisRuleAggregation",
    status=DOCUMENTED,
)


def rule_type_of(tables: Iterable[Table]) -> str:
    """Return the type of the analysis rules that hold for a query of these tables.

    :raises Refusal: if they don't go together.
    """
    tables = list(tables)
    for table in tables:
        table_has_a_rule(table)
    tables_have_one_rule_type(tables)
    return next((str(table.rule_type) for table in tables if not table.is_id_mapping), "CUSTOM")


def tables_can_be_queried(tables: Sequence[Table], question: Question) -> None:
    """Refuse a query of tables that aren't ready for it, or don't allow it to this runner, by this text, for these receivers.

    :raises Refusal: at the first reason, all tables being looked at for one before the next.
    """
    for check in (
        table_is_for_direct_analyses,
        table_is_for_queries,
        association_has_a_rule,
        some_analysis_is_allowed,
        mapping_is_populated,
        privacy_is_configured,
        table_is_ready,
    ):
        for table in tables:
            check(table)
    for table in tables:
        if table.rule_type == "CUSTOM":
            if question.template is None:
                text_is_allowed(table, question.runner)
            else:
                template_is_allowed(table, question.template.arn, question.template.creator)
    for table in tables:
        receivers_are_allowed(table, question.receivers)


@rule(
    "CUS-02",
    source="user guide: analysis rules; the code is inferred",
    status=DOCUMENTED,
    answer="FAILED INVALID_RESOURCE",
)
def table_has_a_rule(table: Table) -> None:
    """A table without an analysis rule can't be queried by anyone, its owner included."""
    if table.rule_type is None:
        raise _unusable(table, "has no analysis rule")


@rule(
    "CUS-01",
    source="user guide: analysis rules; the code is inferred",
    status=DOCUMENTED,
    answer="FAILED INVALID_RESOURCE",
)
def tables_have_one_rule_type(tables: Iterable[Table]) -> None:
    """All tables of a query have analysis rules of one type, the runner's own included."""
    types: dict[str, Table] = {}
    for table in tables:
        if not table.is_id_mapping:
            types.setdefault(str(table.rule_type), table)
    if len(types) > 1:
        (one_type, one), (other_type, other), *_ = types.items()
        raise _unusable(
            other,
            f"has an analysis rule of type {other_type}, and {one.name} of type {one_type}: they can't be in one query",
        )


behaviour(
    "CUS-05",
    "ID mapping tables go with tables of any rule type, provided that those agree.",
    source="user guide: ID mapping table rule",
    status=DOCUMENTED,
)


@rule(
    "CUS-08",
    source="inferred: API reference AdditionalAnalyses, by its name",
    status=INFERRED,
    answer="FAILED RESOURCE_ACCESS_DENIED",
)
def table_is_for_direct_analyses(table: Table) -> None:
    """A table whose rule requires additional analyses can't be in a query whose results members receive."""
    if table.rule_type != "AGGREGATION" and table.policy.get("additional_analyses") == "REQUIRED":
        raise _denied(table, "feeds additional analyses only, by its analysis rule")


@rule("CUS-11", source="inferred: API reference AnalysisMethod", status=INFERRED, answer="FAILED INVALID_RESOURCE")
def table_is_for_queries(table: Table) -> None:
    """The analysis methods of a table include DIRECT_QUERY."""
    if table.kind == "TABLE" and _DIRECT_QUERY not in table.methods:
        raise _unusable(table, f"is configured for {', '.join(sorted(table.methods))} only")


@rule(
    "CUS-07",
    source="the cleanrooms stack of aws-sdk-pandas, which queries without one, against user guide: add-collaboration-analysis-rule",
    status=SEEN,
    answer="FAILED INVALID_RESOURCE",
)
def association_has_a_rule(table: Table) -> None:
    """A table that additional analyses may use waits for its association's analysis rule; others are queried without one."""
    additional = table.policy.get("additional_analyses", "NOT_ALLOWED")
    for_additional = table.rule_type != "AGGREGATION" and additional != "NOT_ALLOWED"
    if table.kind == "TABLE" and for_additional and table.association_policy is None:
        raise _unusable(table, "is associated without an analysis rule, which additional analyses need")


@rule(
    "CUS-20",
    source="user guide: allowed analyses; the code is inferred",
    status=DOCUMENTED,
    answer="FAILED INVALID_RESOURCE",
)
def some_analysis_is_allowed(table: Table) -> None:
    """A table whose CUSTOM rule allows no analyses can't be queried."""
    if table.rule_type == "CUSTOM" and not table.policy.get("allowed_analyses"):
        raise _unusable(table, "allows no analyses, by its analysis rule")


@rule(
    "CUS-84",
    source="API reference SchemaStatusReason; the code is inferred",
    status=DOCUMENTED,
    answer="FAILED INVALID_RESOURCE",
)
def mapping_is_populated(table: Table) -> None:
    """An ID mapping table that was never populated can't be queried."""
    if any(reason.code == "ID_MAPPING_TABLE_NOT_POPULATED" for reason in table.not_ready):
        raise _unusable(table, "has not been populated")


@rule(
    "CUS-60",
    source="API reference SchemaStatusReason; user guide: differential privacy; the code is inferred",
    status=DOCUMENTED,
    answer="FAILED INVALID_RESOURCE",
)
def privacy_is_configured(table: Table) -> None:
    """A table with differential privacy can't be queried before its owner's membership has a privacy budget template of type DIFFERENTIAL_PRIVACY; for an
    intermediate table any member's will do (INT-14).
    """
    if any(reason.code == "DIFFERENTIAL_PRIVACY_POLICY_NOT_CONFIGURED" for reason in table.not_ready):
        raise _unusable(table, "has differential privacy, and its owner has no privacy budget for that")


@rule(
    "PQ-05",
    source="API reference ProtectedQueryError, SchemaStatusReason; the code is inferred from its text",
    status=INFERRED,
    answer="FAILED INVALID_RESOURCE",
)
def table_is_ready(table: Table) -> None:
    """A query uses tables only whose schemas are READY for direct analysis; the message has the first reason why one isn't."""
    for reason in table.not_ready:
        raise _unusable(table, f"is not ready: {reason.message} ({reason.code})")


@rule(
    "CUS-21",
    source="user guide: allowed analyses",
    status=DOCUMENTED,
    answer="FAILED RESOURCE_ACCESS_DENIED",
)
def template_is_allowed(table: Table, arn: str, creator: str) -> None:
    """A CUSTOM rule allows an analysis template if it lists the template's ARN, or ANY_QUERY and the template's creator among the providers."""
    allowed = table.policy.get("allowed_analyses", ())
    if arn not in allowed and not (ANY_QUERY in allowed and creator in _providers(table)):
        raise _denied(table, f"doesn't allow analysis template {arn}, by its analysis rule")


@rule(
    "CUS-22",
    source="user guide: custom analysis rule, allowed analyses; that the owner isn't implied is inferred",
    status=DOCUMENTED,
    answer="FAILED RESOURCE_ACCESS_DENIED",
)
def text_is_allowed(table: Table, runner: str) -> None:
    """A CUSTOM rule allows a query that the runner wrote if it lists ANY_QUERY, and the runner among the providers: the owner of the table isn't one by
    itself.
    """
    if ANY_QUERY not in table.policy.get("allowed_analyses", ()):
        text_is_no_approved_template(table)
    if runner not in _providers(table):
        raise _denied(table, f"doesn't allow queries of account {runner}, by its analysis rule")


@rule(
    "CUS-23",
    source="inferred: user guide, custom analysis rule, by which templates are approved",
    status=INFERRED,
    answer="FAILED RESOURCE_ACCESS_DENIED",
)
def text_is_no_approved_template(table: Table) -> None:
    """What is approved is a template and not its text: a query that says the same needs ANY_QUERY."""
    query_is_no_job(table)
    raise _denied(table, "allows certain analysis templates only, by its analysis rule, and no other query")


@rule(
    "CUS-24",
    source="API reference AnalysisRuleCustom",
    status=DOCUMENTED,
    answer="FAILED RESOURCE_ACCESS_DENIED",
)
def query_is_no_job(table: Table) -> None:
    """ANY_JOB allows jobs and no queries, ANY_QUERY queries and no jobs; a rule may list both."""
    if "ANY_JOB" in table.policy.get("allowed_analyses", ()):
        raise _denied(table, "allows jobs and no such query, by its analysis rule")


behaviour(
    "PQ-06",
    "A query that an owner hasn't approved, by its template, its provider or its receivers, ends FAILED with RESOURCE_ACCESS_DENIED.",
    source="inferred: API reference ProtectedQueryError, by the text of the code",
    status=INFERRED,
)
behaviour(
    "CUS-25",
    "One table that doesn't allow an analysis keeps it from all.",
    source="user guide: analysis rules",
    status=DOCUMENTED,
)


@rule(
    "CUS-06",
    source="API reference ConfiguredTableAssociationAnalysisRule; user guide: collaboration analysis rule; the empty list and both lists at once are inferred",
    status=DOCUMENTED,
    answer="FAILED RESOURCE_ACCESS_DENIED or INVALID_RESOURCE",
)
def receivers_are_allowed(table: Table, receivers: Sequence[str]) -> None:
    """Where an association has an analysis rule, every receiver is one of its allowedResultReceivers, for every table; without any, nobody is. The table's
    own rule may name some too, and then they are in both.
    """
    lists = [_receivers(policy) for policy in (table.association_policy, table.policy)]
    if table.association_policy is not None and not lists[0]:
        raise _unusable(table, "names no result receivers in its association's analysis rule")
    for allowed in lists:
        for receiver in receivers:
            if allowed and receiver not in allowed:
                raise _denied(table, f"doesn't allow account {receiver} to receive results, by its analysis rule")


@rule("PQ-73", source="user guide: quotas; what counts is inferred", status=DOCUMENTED, answer="FAILED MALFORMED_QUERY")
def tables_are_within_the_quota(tables: Iterable[Table], quota: float) -> None:
    """A query uses no more configured tables than the quota `Configured tables per protected query` allows: 15, unless it was raised. One that is used
    twice counts once, and an ID mapping table doesn't count.
    """
    used = {table.configured_table or table.name for table in tables if not table.is_id_mapping}
    if len(used) > quota:
        raise malformed(f"The query uses {len(used)} configured tables; it may use {quota:g}")


def _receivers(policy: Any) -> Sequence[str]:
    return (policy or {}).get("allowed_result_receivers") or ()


def _providers(table: Table) -> Sequence[str]:
    providers: Sequence[str] = table.policy.get("allowed_analysis_providers", ())
    return providers


def _unusable(table: Table, why: str) -> Refusal:
    return Refusal("INVALID_RESOURCE", f"Table {table.name} {why}.", table=table.name)


def _denied(table: Table, why: str) -> Refusal:
    return Refusal("RESOURCE_ACCESS_DENIED", f"Table {table.name} {why}.", table=table.name)
