"""What a query or job says that it is: a text or an analysis template, with values for its parameters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from cleanrooms_mock.cleanrooms.analysis_templates import AnalysisTemplate, template_by_arn, template_not_found
from cleanrooms_mock.cleanrooms.errors import ValidationException, invalid_configuration, invalid_field
from cleanrooms_mock.cleanrooms.quotas import QUERY_TEXT, Quotas
from cleanrooms_mock.cleanrooms.resources import resources_of
from cleanrooms_mock.cleanrooms.template_sources import SQL, invalid_query, reads_as
from cleanrooms_mock.rules import DOCUMENTED, INFERRED, behaviour, rule

if TYPE_CHECKING:
    from cleanrooms_mock.cleanrooms.collaborations import Collaboration

#: The type and the value of each parameter.
Values = dict[str, tuple[str, str]]

_SQL, _JOB = "sqlParameters", "jobParameters"

behaviour(
    "PQ-27",
    "A query's text is kept as it was sent, letter by letter; one by a template has the template's ARN and the parameters that were given, without "
    "defaults and text. There is no client token: the same request twice makes two queries.",
    source="API reference ProtectedQuery; what is echoed is inferred",
    status=DOCUMENTED,
)


@rule(
    "PQ-21",
    source="inferred: API reference ProtectedQuerySQLParameters",
    status=INFERRED,
    answer="ValidationException FIELD_VALIDATION_FAILED",
)
def text_or_template(parameters: Mapping[str, Any]) -> None:
    """A query has either a text or an analysis template."""
    if ("query_string" in parameters) == ("analysis_template_arn" in parameters):
        raise invalid_field(_SQL, "must have one of queryString and analysisTemplateArn")


@rule(
    "PQ-22",
    source="inferred: user guide: analysis templates",
    status=INFERRED,
    answer="ValidationException FIELD_VALIDATION_FAILED",
)
def only_templates_have_parameters(parameters: Mapping[str, Any]) -> None:
    """Parameters go with an analysis template, not with a text."""
    if "parameters" in parameters and "analysis_template_arn" not in parameters:
        raise invalid_field(f"{_SQL}.parameters", "only an analysis template has parameters")


def text_is_not_blank(text: str) -> None:
    """Refuse a text that says nothing at all (PQ-02)."""
    if not text.strip():
        error = invalid_query(f"{_SQL}.queryString is blank")
        error.rule = "PQ-02"
        raise error


@rule(
    "PQ-26",
    source="user guide: quotas; the exception is inferred",
    status=DOCUMENTED,
    answer="ValidationException FIELD_VALIDATION_FAILED",
)
def text_is_short_enough(text: str, quotas: Quotas) -> None:
    """A query's text has up to 500 KB (QUO-20), and up to 8 KB if it reads a table with differential privacy (QUO-22), without which it ends FAILED
    with MALFORMED_QUERY.
    """
    if len(text.encode()) > quotas[QUERY_TEXT.name] * 1000:
        raise invalid_field(f"{_SQL}.queryString", f"has more than {quotas[QUERY_TEXT.name]:g} KB")


def query_template(collaboration: Collaboration, arn: str) -> AnalysisTemplate:
    """Return the template of a query."""
    template = template_by_arn(resources_of(collaboration, AnalysisTemplate), arn)
    return template_is_sql(collaboration, template, arn)


@rule(
    "PQ-23",
    source="inferred: user guide: allowed analyses, by which templates are a collaboration's",
    status=INFERRED,
    answer="ResourceNotFoundException or ValidationException INVALID_CONFIGURATION",
)
def template_is_sql(collaboration: Collaboration, template: AnalysisTemplate | None, arn: str) -> AnalysisTemplate:
    """The template of a query is one of its collaboration, whichever member's, in SQL."""
    if template is None:
        raise template_not_found(collaboration.id, arn)
    if template.format != SQL:
        raise invalid_configuration(f"{_SQL}.analysisTemplateArn", f"the template is in {template.format}")
    return template


@rule(
    "PJ-03",
    source="inferred: API reference AnalysisFormat",
    status=INFERRED,
    answer="ResourceNotFoundException or ValidationException INVALID_CONFIGURATION",
)
def job_template(collaboration: Collaboration, arn: str) -> AnalysisTemplate:
    """The template of a job is one of its collaboration, whichever member's, in PySpark."""
    template = template_by_arn(resources_of(collaboration, AnalysisTemplate), arn)
    if template is None:
        raise template_not_found(collaboration.id, arn)
    if template.format == SQL:
        raise invalid_configuration(f"{_JOB}.analysisTemplateArn", "the template is in SQL")
    return template


@rule(
    "PQ-24",
    source="API reference AnalysisParameter, ParameterType; user guide: custom rule; the exception is inferred",
    status=DOCUMENTED,
    answer="ValidationException FIELD_VALIDATION_FAILED",
)
def values_for_query(template: AnalysisTemplate, given: Mapping[str, str]) -> Values:
    """Values are given for parameters that the template declares, for each that has no default, and read as the parameter's type. A value that is
    given stands in place of the default.
    """
    return values_of(template, given, f"{_SQL}.parameters")


@rule(
    "PJ-04",
    source="user guide: run-jobs; the exception is inferred",
    status=DOCUMENTED,
    answer="ValidationException FIELD_VALIDATION_FAILED",
)
def values_for_job(template: AnalysisTemplate, given: Mapping[str, str]) -> Values:
    """A job's parameters are strings, for names that its template declares, and one for each that has no default."""
    return values_of(template, given, f"{_JOB}.parameters")


def values_of(template: AnalysisTemplate | None, given: Mapping[str, str], field: str) -> Values:
    """Return the type and value of every parameter of a template, defaults filled in; which rule refuses is the caller's.

    :raises ValidationException: for a name that isn't declared, one without a value, or a value that doesn't read as its type.
    """
    declared = {one["name"]: one for one in (template and template.analysis_parameters) or ()}
    for name in given:
        if name not in declared:
            raise _invalid(field, name, "the analysis declares no such parameter")
    values: Values = {}
    for name, parameter in declared.items():
        value = given.get(name, parameter.get("default_value"))
        if value is None:
            raise _invalid(field, name, "has no default, and no value was given")
        if not reads_as(parameter["type"], value):
            raise _invalid(field, name, f"{value!r} is no {parameter['type']}")
        values[name] = parameter["type"], value
    return values


def _invalid(field: str, name: str, complaint: str) -> ValidationException:
    return invalid_field(f"{field}.{name}", complaint)
