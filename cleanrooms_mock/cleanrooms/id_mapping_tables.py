"""ID mapping tables: which ids of two namespaces stand for the same."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cleanrooms_mock.cleanrooms.entity_resolution import entity_resolution
from cleanrooms_mock.cleanrooms.errors import invalid_configuration
from cleanrooms_mock.cleanrooms.id_namespaces import SOURCE, TARGET, IdNamespaceAssociation
from cleanrooms_mock.cleanrooms.ids import new_id, now
from cleanrooms_mock.cleanrooms.objects import replace_given
from cleanrooms_mock.cleanrooms.quotas import ID_MAPPING_TABLES
from cleanrooms_mock.cleanrooms.resources import (
    Kind,
    Resource,
    active_membership,
    answer_for,
    identity,
    keep,
    own_resource_to_change,
    resources_of,
    within_quota,
)
from cleanrooms_mock.cleanrooms.schemas import Columns, NamedResource, name_is_free_in_collaboration, status_detail
from cleanrooms_mock.cleanrooms.service import Caller, operation
from cleanrooms_mock.cleanrooms.tags import check_tags
from cleanrooms_mock.rules import DOCUMENTED, INFERRED, behaviour, rule

if TYPE_CHECKING:
    from cleanrooms_mock.cleanrooms.entity_resolution import IdMappingWorkflow
    from cleanrooms_mock.cleanrooms.memberships import Membership

_COLUMNS = {SOURCE: "sourceid", TARGET: "targetid"}
_WORKFLOW = "inputReferenceConfig.inputReferenceArn"


@dataclass(slots=True, eq=False, kw_only=True)
class IdMappingTable(NamedResource):
    """A table of two columns, made by a workflow from two ID namespaces.

    :ivar sources: the two ID namespace associations, by type.
    :ivar populated: whether it has data.
    :ivar rows: its pairs of sourceid and targetid.
    """

    kind = Kind("idmappingtable", "ID mapping table", quota=ID_MAPPING_TABLES)
    schema_type = "ID_MAPPING_TABLE"

    input_reference_config: dict[str, Any]
    sources: dict[str, IdNamespaceAssociation]
    kms_key_arn: str | None
    populated: bool = False
    rows: tuple[tuple[str, str], ...] = ()

    @property
    def input_reference_properties(self) -> dict[str, Any]:
        return {"id_mapping_table_input_source": self._input_sources()}

    @property
    def sides(self) -> dict[str, str]:
        """The account that each column's ids are of, by the column's name."""
        return {_COLUMNS[kind]: association.creator_account_id for kind, association in self.sources.items()}

    def _input_sources(self) -> list[dict[str, str]]:
        return [
            {"id_namespace_association_id": association.id, "type": kind} for kind, association in self.sources.items()
        ]

    def lose_base(self, gone: Resource, time: float) -> None:
        if gone in self.sources.values():
            self.populated, self.rows = False, ()

    def columns_and_partition_keys(self) -> tuple[Columns, Columns]:
        return [{"name": name, "type": "string"} for name in _COLUMNS.values()], []

    def analysis_rule_type(self) -> str:
        return "ID_MAPPING_TABLE"

    def analysis_rule(self) -> dict[str, Any]:
        released = [_COLUMNS[kind] for kind, association in self.sources.items() if association.is_dimension]
        guarded = [column for column in _COLUMNS.values() if column not in released]
        policy = {
            "join_columns": list(_COLUMNS.values()),
            "query_constraints": [{"require_overlap": {"columns": guarded}}],
            "dimension_columns": released,
        }
        return {
            "create_time": self.create_time,
            "update_time": self.update_time,
            "policy": {"v1": {"id_mapping_table": policy}},
        }

    def status_details(self, *, strict: bool) -> list[dict[str, Any]]:
        codes = [] if self.populated else ["ID_MAPPING_TABLE_NOT_POPULATED"]
        return [status_detail("DIRECT_ANALYSIS", codes, rule_type=self.analysis_rule_type())]

    def type_properties(self) -> dict[str, Any]:
        sources = self._input_sources()
        return {"id_mapping_table": {"id_mapping_table_id": self.id, "id_mapping_table_input_source": sources}}


answer_for(IdMappingTable, "id_mapping_table", "get", "list", "delete")


behaviour(
    "SCH-12",
    "An ID mapping table's schema is NOT_READY until it has been populated, an intermediate table's for what its status says, and for a rule of its own "
    "that is missing or breaks a constraint that its base tables handed down.",
    source="API reference SchemaStatusReason; which status has which code is inferred",
    status=DOCUMENTED,
)
behaviour(
    "SCH-15",
    "The service makes the analysis rule of an ID mapping table: `sourceid` and `targetid` are join columns, those whose namespace association allows it "
    "are dimension columns, and the others need an overlap. The columns' spelling in lower case is ours.",
    source="user guide: ID mapping table rule",
    status=DOCUMENTED,
)
behaviour(
    "IDM-3",
    "An ID mapping table's name is one table's in the collaboration, see ASSOC-5, and a membership has a quota of them: QUO-9.",
    source="user guide: create intermediate table, quotas",
    status=DOCUMENTED,
)
behaviour(
    "IDM-4",
    "Any member makes ID mapping tables, and alone sees its own by the operations on memberships; everybody sees the schemas, whose analysis rule can't "
    "be edited.",
    source="user guide: ID mapping table rule",
    status=DOCUMENTED,
)


@operation
def create_id_mapping_table(
    caller: Caller,
    *,
    membership_identifier: str,
    name: str,
    input_reference_config: dict[str, Any],
    description: str | None = None,
    tags: dict[str, str] | None = None,
    kms_key_arn: str | None = None,
) -> IdMappingTable:
    tags = check_tags(tags)
    membership = active_membership(caller, membership_identifier)
    sources = both_namespaces(membership)
    sources = namespaces_of_workflow(caller, membership, input_reference_config["input_reference_arn"], sources)
    name_is_free_in_collaboration(membership, name)
    within_quota(caller, membership, IdMappingTable)
    table = IdMappingTable(
        **identity(membership, IdMappingTable.kind),
        name=name,
        description=description,
        input_reference_config=input_reference_config,
        sources=sources,
        kms_key_arn=kms_key_arn,
        tags=tags,
    )
    keep(caller, table)
    return table


@rule(
    "IDM-1",
    source="user guide: create ID mapping table; the exception is inferred",
    status=DOCUMENTED,
    answer="ValidationException INVALID_CONFIGURATION",
)
def both_namespaces(membership: Membership) -> dict[str, IdNamespaceAssociation]:
    """The collaboration must have ID namespace associations of both types, SOURCE and TARGET, from whichever members."""
    found: dict[str, IdNamespaceAssociation] = {}
    for association in resources_of(membership.member.collaboration, IdNamespaceAssociation):
        found.setdefault(association.id_namespace_type, association)
    for kind in (SOURCE, TARGET):
        if kind not in found:
            raise invalid_configuration(_WORKFLOW, f"the collaboration has no ID namespace association of type {kind}")
    return {kind: found[kind] for kind in (SOURCE, TARGET)}


@rule(
    "IDM-2",
    source="inferred: API reference IdMappingTableInputReferenceConfig",
    status=INFERRED,
    answer="ValidationException INVALID_CONFIGURATION",
)
def namespaces_of_workflow(
    caller: Caller, membership: Membership, workflow_arn: str, oldest: dict[str, IdNamespaceAssociation]
) -> dict[str, IdNamespaceAssociation]:
    """The workflow is of the caller's account. Its namespaces are those that the test has registered for it, which must be associated with the
    collaboration, or else the collaboration's oldest of either type.
    """
    if workflow_arn.split(":")[4] != caller.account_id:
        raise invalid_configuration(_WORKFLOW, f"workflow {workflow_arn} belongs to another account")
    workflow = entity_resolution.workflows.get(workflow_arn)
    if workflow is None:
        return oldest
    by_namespace: dict[str, IdNamespaceAssociation] = {}
    for association in resources_of(membership.member.collaboration, IdNamespaceAssociation):
        by_namespace.setdefault(association.input_reference_config["input_reference_arn"], association)
    for arn in (workflow.source, workflow.target):
        if arn not in by_namespace:
            raise invalid_configuration(
                _WORKFLOW, f"namespace {arn} of the workflow isn't associated with the collaboration"
            )
    return {SOURCE: by_namespace[workflow.source], TARGET: by_namespace[workflow.target]}


behaviour(
    "IDM-7",
    "An update changes description and KMS key. A deletion is never blocked; intermediate tables built on the table lose their data.",
    source="user guide: delete intermediate table",
    status=DOCUMENTED,
)


@operation
def update_id_mapping_table(
    caller: Caller,
    *,
    id_mapping_table_identifier: str,
    membership_identifier: str,
    description: str | None = None,
    kms_key_arn: str | None = None,
) -> IdMappingTable:
    table = own_resource_to_change(caller, membership_identifier, IdMappingTable, id_mapping_table_identifier)
    replace_given(table, description=description, kms_key_arn=kms_key_arn)
    table.update_time = now()
    return table


@operation
def populate_id_mapping_table(
    caller: Caller, *, id_mapping_table_identifier: str, membership_identifier: str, job_type: str | None = None
) -> str:
    table = own_resource_to_change(caller, membership_identifier, IdMappingTable, id_mapping_table_identifier)
    both_namespaces_still_exist(table)
    workflow = entity_resolution.workflows.get(table.input_reference_config["input_reference_arn"])
    job_type_is_for_rules(workflow, job_type)
    table.populated = True
    table.rows = () if workflow is None else workflow.rows
    return new_id()


@rule(
    "IDM-5",
    source="inferred: API reference PopulateIdMappingTable",
    status=INFERRED,
    answer="ValidationException INVALID_CONFIGURATION",
)
def both_namespaces_still_exist(table: IdMappingTable) -> None:
    """The owner populates the table, as long as both ID namespace associations exist, and is answered the id of a job of Entity Resolution, which no
    operation of this service reads. Here the job is done at once, so that no other can meet it.
    """
    present = resources_of(table.membership.member.collaboration, IdNamespaceAssociation)
    for kind, association in table.sources.items():
        if association.id not in present:
            raise invalid_configuration(_WORKFLOW, f"the ID namespace association of type {kind} is gone")


@rule(
    "IDM-6",
    source="API reference PopulateIdMappingTable; the exception is inferred",
    status=DOCUMENTED,
    answer="ValidationException INVALID_CONFIGURATION",
)
def job_type_is_for_rules(workflow: IdMappingWorkflow | None, job_type: str | None) -> None:
    """`jobType` is for workflows by rules, and refused for one that is registered as a provider's."""
    if job_type is not None and workflow is not None and workflow.provider:
        raise invalid_configuration("jobType", "a workflow of a provider takes no job type")
