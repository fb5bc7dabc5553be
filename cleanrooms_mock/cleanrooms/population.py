"""What an intermediate table is populated by: a query or a job, and the tables that it reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cleanrooms_mock.cleanrooms.analysis_templates import AnalysisTemplate, template_by_arn, template_not_found
from cleanrooms_mock.cleanrooms.errors import invalid_configuration, invalid_field
from cleanrooms_mock.cleanrooms.resources import resources_of
from cleanrooms_mock.cleanrooms.template_sources import SQL, invalid_query, read_text
from cleanrooms_mock.rules import DOCUMENTED, INFERRED, rule

if TYPE_CHECKING:
    from cleanrooms_mock.analysis.statements import ParsedQuery
    from cleanrooms_mock.cleanrooms.collaborations import Collaboration
    from cleanrooms_mock.cleanrooms.schemas import NamedResource

_FIELD = "populationAnalysisConfiguration"


def is_job(configuration: dict[str, Any]) -> bool:
    """Whether a job populates the table, and not a query."""
    return "job_parameters" in configuration


@rule(
    "INT-3",
    source="API reference PopulationAnalysisSqlParameters, PopulationAnalysisJobParameters; that it is exactly one is inferred",
    status=DOCUMENTED,
    answer="ValidationException FIELD_VALIDATION_FAILED",
)
def exactly_one_source(configuration: dict[str, Any]) -> None:
    """An intermediate table is populated by a query, whose sqlParameters have either a text or an analysis template, or by a job, whose jobParameters
    have an analysis template.
    """
    if not is_job(configuration) and len(configuration["sql_parameters"]) != 1:
        raise invalid_field(f"{_FIELD}.sqlParameters", "must have one of queryString and analysisTemplateArn")


@rule(
    "INT-4",
    source="inferred: API reference PopulateIntermediateTable, PopulationAnalysisJobParameters",
    status=INFERRED,
    answer="ResourceNotFoundException or ValidationException INVALID_CONFIGURATION",
)
def template_of(collaboration: Collaboration, configuration: dict[str, Any]) -> AnalysisTemplate | None:
    """The analysis template of an intermediate table is one of its collaboration, in SQL for a query and in PySpark for a job, when the table is
    created and when it is populated.
    """
    (parameters,) = configuration.values()
    arn = parameters.get("analysis_template_arn")
    if arn is None:
        return None
    template = template_by_arn(resources_of(collaboration, AnalysisTemplate), arn)
    if template is None:
        raise template_not_found(collaboration.id, arn)
    if (template.format == SQL) == is_job(configuration):
        name = "jobParameters" if is_job(configuration) else "sqlParameters"
        raise invalid_configuration(f"{_FIELD}.{name}.analysisTemplateArn", f"the template is in {template.format}")
    return template


def query_of(
    collaboration: Collaboration, configuration: dict[str, Any], template: AnalysisTemplate | None
) -> ParsedQuery:
    """Return the query that populates a table, read."""
    text = configuration["sql_parameters"]["query_string"] if template is None else template.source["text"]
    return read_text(collaboration, text)


@rule(
    "INT-5",
    source="inferred: dependencies must be found",
    status=INFERRED,
    answer="ValidationException INVALID_QUERY",
)
def base_tables(collaboration: Collaboration, configuration: dict[str, Any]) -> list[NamedResource]:
    """The query of an intermediate table is one that an analysis template takes, and every table that it names, or that the template of its job
    references, is in the collaboration.
    """
    template = template_of(collaboration, configuration)
    if template is not None and is_job(configuration):
        names = template.schema["referenced_tables"]
    else:
        names = query_of(collaboration, configuration, template).tables
    found = {name: collaboration.names.get(name.lower()) for name in names}
    for name, table in found.items():
        if table is None:
            raise invalid_query(f"The collaboration has no table {name}")
    return list(dict.fromkeys(table for table in found.values() if table is not None))
