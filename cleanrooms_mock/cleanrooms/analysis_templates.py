"""Analysis templates: queries and jobs that a member writes down once, for others to review and run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cleanrooms_mock.cleanrooms.errors import ResourceNotFoundException
from cleanrooms_mock.cleanrooms.ids import now
from cleanrooms_mock.cleanrooms.objects import replace_given
from cleanrooms_mock.cleanrooms.quotas import ANALYSIS_TEMPLATES
from cleanrooms_mock.cleanrooms.resources import (
    Kind,
    Resource,
    active_membership,
    answer_for,
    identity,
    keep,
    name_is_free,
    own_resource_to_change,
    shared_resources,
    within_quota,
)
from cleanrooms_mock.cleanrooms.service import Caller, operation
from cleanrooms_mock.cleanrooms.tags import check_tags
from cleanrooms_mock.cleanrooms.template_sources import (
    SQL,
    Artifact,
    artifacts_are_stored,
    detailed_errors_are_for_pyspark,
    metadata_of,
    parameters_are_declared,
    pyspark_is_for_receivers,
    pyspark_needs_spark,
    referenced_tables,
    source_fits_the_format,
    synthetic_data_is_for_sql,
    text_is_one_select,
)
from cleanrooms_mock.cleanrooms.template_validations import validations_of
from cleanrooms_mock.rules import DOCUMENTED, INFERRED, behaviour, rule

if TYPE_CHECKING:
    from cleanrooms_mock.cleanrooms.memberships import Membership
    from cleanrooms_mock.protocol import Register


@dataclass(slots=True, eq=False, kw_only=True)
class AnalysisTemplate(Resource):
    """A query or a job, with parameters.

    :ivar artifacts: the files of a PySpark template, the entry point first.
    """

    kind = Kind("analysistemplate", "analysis template", quota=ANALYSIS_TEMPLATES)

    name: str
    description: str | None
    format: str
    source: dict[str, Any]
    schema: dict[str, list[str]]
    analysis_parameters: list[dict[str, Any]] | None
    error_message_configuration: dict[str, Any] | None
    synthetic_data_parameters: dict[str, Any] | None
    artifacts: tuple[Artifact, ...] = ()

    @property
    def source_metadata(self) -> dict[str, Any] | None:
        return metadata_of(self.artifacts)

    @property
    def is_synthetic_data(self) -> bool:
        return self.synthetic_data_parameters is not None

    @property
    def validations(self) -> list[dict[str, Any]] | None:
        if self.format != SQL:
            return None
        tables = self.schema["referenced_tables"]
        return validations_of(self.membership.member.collaboration, tables, self.source["text"])


answer_for(AnalysisTemplate, "analysis_template", "get", "list", "delete", "list_collaboration")


behaviour(
    "TPL-13",
    "A template's summaries say in `isSyntheticData` whether it has parameters for synthetic data.",
    source="inferred from recorded answers, which have booleans that are false",
    status=INFERRED,
)


@operation
def create_analysis_template(
    caller: Caller,
    *,
    membership_identifier: str,
    name: str,
    format: str,
    source: dict[str, Any],
    description: str | None = None,
    tags: dict[str, str] | None = None,
    analysis_parameters: list[dict[str, Any]] | None = None,
    schema: dict[str, Any] | None = None,
    error_message_configuration: dict[str, Any] | None = None,
    synthetic_data_parameters: dict[str, Any] | None = None,
) -> AnalysisTemplate:
    tags = check_tags(tags)
    membership = active_membership(caller, membership_identifier)
    collaboration = membership.member.collaboration
    pyspark_is_for_receivers(membership, format)
    source_fits_the_format(format, source)
    query = text_is_one_select(collaboration, source["text"]) if format == SQL else None
    parameters_are_declared(query, analysis_parameters or [])
    synthetic_data_is_for_sql(format, synthetic_data_parameters)
    detailed_errors_are_for_pyspark(format, error_message_configuration)
    pyspark_needs_spark(collaboration, format)
    artifacts = artifacts_are_stored(caller, source["artifacts"]) if format != SQL else []
    template_name_is_free(membership, name)
    within_quota(caller, membership, AnalysisTemplate)

    template = AnalysisTemplate(
        **identity(membership, AnalysisTemplate.kind),
        tags=tags,
        name=name,
        description=description,
        format=format,
        source=source,
        schema={"referenced_tables": referenced_tables(query, schema)},
        analysis_parameters=analysis_parameters,
        error_message_configuration=error_message_configuration,
        synthetic_data_parameters=synthetic_data_parameters,
        artifacts=tuple(artifacts),
    )
    keep(caller, template)
    return template


@rule(
    "TPL-4",
    source="inferred: ConflictException is modelled; user guide: allowed analyses, for the ARN",
    status=INFERRED,
    answer="ConflictException ALREADY_EXISTS",
)
def template_name_is_free(membership: Membership, name: str) -> None:
    """The templates of a membership have different names; another member's may have the same. A template's ARN is that of its membership, followed
    by `analysistemplate` and its id.
    """
    name_is_free(membership, AnalysisTemplate, name)


behaviour(
    "TPL-5",
    "A membership has a quota of analysis templates: QUO-7.",
    source="user guide: quotas",
    status=DOCUMENTED,
)
behaviour(
    "TPL-16",
    "A template is read, changed, deleted and listed under the membership that created it, where it isn't found under another. Every active member "
    "reads it in the collaboration, with `creatorAccountId` in place of the membership.",
    source="API reference CollaborationAnalysisTemplate",
    status=DOCUMENTED,
)


behaviour(
    "TPL-14",
    "A template doesn't change, but for its description, which stays if an update has none. Every update moves `updateTime`.",
    source="API reference UpdateAnalysisTemplate; that every update does is inferred",
    status=DOCUMENTED,
)


@operation
def update_analysis_template(
    caller: Caller, *, membership_identifier: str, analysis_template_identifier: str, description: str | None = None
) -> AnalysisTemplate:
    template = own_resource_to_change(caller, membership_identifier, AnalysisTemplate, analysis_template_identifier)
    replace_given(template, description=description)
    template.update_time = now()
    return template


behaviour(
    "TPL-19",
    "Nothing blocks the deletion of a template, neither analysis rules that allow it nor tables that are built with it. Rules keep its ARN; what is "
    "run with it afterwards fails.",
    source="inferred: the service model has no ConflictException there",
    status=INFERRED,
)


class OthersTemplate:
    """A PySpark template as members see it that didn't create it: all but its source."""

    __slots__ = ("_template",)
    source = None

    def __init__(self, template: AnalysisTemplate) -> None:
        self._template = template

    def __getattr__(self, name: str) -> Any:
        return getattr(self._template, name)


behaviour(
    "TPL-17",
    "The text of an SQL template is shown to every active member, for review. Where the artifacts of a PySpark template lie is shown to its creator; "
    "others see `sourceMetadata`.",
    source="inferred: `source` is optional in API reference CollaborationAnalysisTemplate",
    status=INFERRED,
)


def _seen_by(caller: Caller, template: AnalysisTemplate) -> AnalysisTemplate | OthersTemplate:
    if template.format == SQL or template.creator_account_id == caller.account_id:
        return template
    return OthersTemplate(template)


@operation
def get_collaboration_analysis_template(
    caller: Caller, *, collaboration_identifier: str, analysis_template_arn: str
) -> AnalysisTemplate | OthersTemplate:
    templates = shared_resources(caller, collaboration_identifier, AnalysisTemplate)
    return _seen_by(caller, template_of_collaboration(templates, collaboration_identifier, analysis_template_arn))


@operation
def batch_get_collaboration_analysis_template(
    caller: Caller, *, collaboration_identifier: str, analysis_template_arns: list[str]
) -> dict[str, list[Any]]:
    templates = shared_resources(caller, collaboration_identifier, AnalysisTemplate)
    answer: dict[str, list[Any]] = {"collaboration_analysis_templates": [], "errors": []}
    for arn in dict.fromkeys(analysis_template_arns):
        template = template_by_arn(templates, arn)
        if template is not None:
            answer["collaboration_analysis_templates"].append(_seen_by(caller, template))
        else:
            error = template_not_found(collaboration_identifier, arn)
            answer["errors"].append({"arn": arn, "code": error.code, "message": error.message})
    return answer


@rule(
    "TPL-18",
    source="API reference BatchGetCollaborationAnalysisTemplate; the resource type and repeated ARNs are inferred",
    status=DOCUMENTED,
    answer="ResourceNotFoundException",
)
def template_of_collaboration(
    templates: Register[AnalysisTemplate], collaboration_id: str, arn: str
) -> AnalysisTemplate:
    """In a collaboration a template is asked for by its ARN; one of another collaboration isn't found, as a COLLABORATION with the ARN. In a batch it
    makes an entry in `errors`, and an ARN that is given twice is answered once.
    """
    template = template_by_arn(templates, arn)
    if template is None:
        raise template_not_found(collaboration_id, arn)
    return template


def template_by_arn(templates: Register[AnalysisTemplate], arn: str) -> AnalysisTemplate | None:
    """Return the template that has an ARN, or ``None``."""
    template = templates.get(arn.rsplit("/", 1)[-1])
    return template if template is not None and template.arn == arn else None


def template_not_found(collaboration_id: str, arn: str) -> ResourceNotFoundException:
    """Return what an ARN is answered by that no template of a collaboration has."""
    return ResourceNotFoundException(
        "COLLABORATION", arn, f"Collaboration {collaboration_id} has no analysis template {arn}."
    )
