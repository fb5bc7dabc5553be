"""Which tables a job may use."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from cleanrooms_mock.analysis.access import receivers_are_allowed, table_has_a_rule, table_is_ready
from cleanrooms_mock.analysis.naming import refuse_unknown_table
from cleanrooms_mock.analysis.refusals import Refusal
from cleanrooms_mock.analysis.tables import Table, Template
from cleanrooms_mock.rules import DOCUMENTED, INFERRED, rule

_FOR_SQL_ONLY = {
    "differential_privacy": "differential privacy",
    "aggregation_thresholds": "aggregation thresholds",
    "comparison_controls": "comparison controls",
}


def check_job(
    names: Iterable[str], tables: Mapping[str, Table], template: Template, receivers: Sequence[str]
) -> tuple[Table, ...]:
    """Find out whether a job may use the tables that its template references.

    :param names: what the template calls them.
    :param tables: all tables of the collaboration, by their names in lower case.
    :returns: those that it references, each once.
    :raises Refusal: if it may not, with the first reason.
    """
    names = list(dict.fromkeys(name.lower() for name in names))
    for name in names:
        if name not in tables:
            refuse_unknown_table(name, None)
    used = tuple(tables[name] for name in names)
    for table in used:
        table_has_a_rule(table)
    for table in used:
        table_is_for_jobs(table)
    for table in used:
        controls_are_for_queries(table)
    for table in used:
        table_is_ready(table)
    for table in used:
        job_is_allowed(table, template)
    for table in used:
        receivers_are_allowed(table, receivers)
    return used


@rule(
    "PJ-05",
    source="user guide: run-jobs; API reference AnalysisRuleCustom; the code is inferred",
    status=DOCUMENTED,
    answer="FAILED RESOURCE_ACCESS_DENIED",
)
def job_is_allowed(table: Table, template: Template) -> None:
    """Every table that a job's template references has a CUSTOM rule, which lists the template's ARN, or ANY_JOB and the template's creator among the
    providers.
    """
    allowed = table.policy.get("allowed_analyses", ())
    creators = table.policy.get("allowed_analysis_providers", ())
    if table.is_id_mapping:
        return
    if template.arn not in allowed and not ("ANY_JOB" in allowed and template.creator in creators):
        message = f"Table {table.name} doesn't allow analysis template {template.arn}, by its analysis rule."
        raise Refusal("RESOURCE_ACCESS_DENIED", message, table=table.name)


@rule("PJ-06", source="inferred: API reference AnalysisMethod", status=INFERRED, answer="FAILED INVALID_RESOURCE")
def table_is_for_jobs(table: Table) -> None:
    """The analysis methods of a job's tables include DIRECT_JOB."""
    if "DIRECT_JOB" not in table.methods:
        message = f"Table {table.name} is configured for {', '.join(sorted(table.methods))} only."
        raise Refusal("INVALID_RESOURCE", message, table=table.name)


@rule(
    "PJ-07",
    source="inferred: API reference AnalysisRuleCustom, whose controls are about SQL",
    status=INFERRED,
    answer="FAILED INVALID_RESOURCE",
)
def controls_are_for_queries(table: Table) -> None:
    """A table with differential privacy, aggregation thresholds or comparison controls can't be used by a job."""
    for member, name in _FOR_SQL_ONLY.items():
        if member in table.policy:
            message = f"Table {table.name} has {name} in its analysis rule, which jobs can't keep to."
            raise Refusal("INVALID_RESOURCE", message, table=table.name)
