"""ID namespace associations: Entity Resolution's namespaces in a collaboration."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cleanrooms_mock.cleanrooms.entity_resolution import entity_resolution
from cleanrooms_mock.cleanrooms.errors import invalid_configuration
from cleanrooms_mock.cleanrooms.ids import now
from cleanrooms_mock.cleanrooms.objects import replace_given
from cleanrooms_mock.cleanrooms.quotas import ID_NAMESPACE_ASSOCIATIONS
from cleanrooms_mock.cleanrooms.resources import (
    Kind,
    Resource,
    active_membership,
    answer_for,
    identity,
    keep,
    name_is_free,
    new_name_is_free,
    own_resource_to_change,
    resources_of,
    within_quota,
)
from cleanrooms_mock.cleanrooms.service import Caller, operation
from cleanrooms_mock.cleanrooms.tags import check_tags
from cleanrooms_mock.rules import DOCUMENTED, INFERRED, behaviour, rule

if TYPE_CHECKING:
    from cleanrooms_mock.cleanrooms.memberships import Membership

SOURCE, TARGET = "SOURCE", "TARGET"


@dataclass(slots=True, eq=False, kw_only=True)
class IdNamespaceAssociation(Resource):
    """An ID namespace that a member brings into a collaboration."""

    kind = Kind("idnamespaceassociation", "ID namespace association", quota=ID_NAMESPACE_ASSOCIATIONS)

    name: str
    description: str | None
    input_reference_config: dict[str, Any]
    input_reference_properties: dict[str, Any]
    id_mapping_config: dict[str, bool] | None

    @property
    def id_namespace_type(self) -> str:
        return str(self.input_reference_properties["id_namespace_type"])

    @property
    def is_dimension(self) -> bool:
        """Whether queries may use its ids as a dimension."""
        return bool((self.id_mapping_config or {}).get("allow_use_as_dimension_column"))


answer_for(
    IdNamespaceAssociation,
    "id_namespace_association",
    "get",
    "list",
    "delete",
    "get_collaboration",
    "list_collaboration",
)


behaviour(
    "IDN-4",
    "A membership has a quota of ID namespace associations: QUO-10.",
    source="user guide: quotas",
    status=DOCUMENTED,
)


@operation
def create_id_namespace_association(
    caller: Caller,
    *,
    membership_identifier: str,
    input_reference_config: dict[str, Any],
    name: str,
    tags: dict[str, str] | None = None,
    description: str | None = None,
    id_mapping_config: dict[str, bool] | None = None,
) -> IdNamespaceAssociation:
    tags = check_tags(tags)
    membership = active_membership(caller, membership_identifier)
    namespace_is_own(caller, input_reference_config["input_reference_arn"])
    association_name_is_free(membership, name)
    within_quota(caller, membership, IdNamespaceAssociation)
    association = IdNamespaceAssociation(
        **identity(membership, IdNamespaceAssociation.kind),
        name=name,
        description=description,
        input_reference_config=input_reference_config,
        input_reference_properties=properties_of_namespace(membership, input_reference_config["input_reference_arn"]),
        id_mapping_config=id_mapping_config,
        tags=tags,
    )
    keep(caller, association)
    return association


@rule(
    "IDN-1",
    source="API reference IdNamespaceAssociationInputReferenceConfig; the exception is inferred",
    status=DOCUMENTED,
    answer="ValidationException INVALID_CONFIGURATION",
)
def namespace_is_own(caller: Caller, arn: str) -> None:
    """The namespace is of the caller's own account and Region."""
    if not caller.owns(arn):
        raise invalid_configuration(
            "inputReferenceConfig.inputReferenceArn",
            f"the namespace must be of account {caller.account_id} in {caller.region_name}",
        )


@rule(
    "IDN-3",
    source="inferred: names are shown to members",
    status=INFERRED,
    answer="ConflictException ALREADY_EXISTS",
)
def association_name_is_free(membership: Membership, name: str) -> None:
    """A membership's ID namespace associations have different names; the same namespace may be associated twice."""
    name_is_free(membership, IdNamespaceAssociation, name)


@rule("IDN-2", source="inferred: moto has no Entity Resolution", status=INFERRED)
def properties_of_namespace(membership: Membership, arn: str) -> dict[str, Any]:
    """What a namespace is, a test tells the mock's handle by `entity_resolution.add_id_namespace`. One that it hasn't told of is a SOURCE if it is the
    collaboration's first and a TARGET otherwise, and supports no workflows.
    """
    registered = entity_resolution.namespaces.get(arn)
    if registered is not None:
        workflows = [dict(workflow) for workflow in registered.id_mapping_workflows]
        return {"id_namespace_type": registered.type, "id_mapping_workflows_supported": workflows}
    is_first = not len(resources_of(membership.member.collaboration, IdNamespaceAssociation))
    return {"id_namespace_type": SOURCE if is_first else TARGET, "id_mapping_workflows_supported": []}


@operation
def update_id_namespace_association(
    caller: Caller,
    *,
    id_namespace_association_identifier: str,
    membership_identifier: str,
    name: str | None = None,
    description: str | None = None,
    id_mapping_config: dict[str, bool] | None = None,
) -> IdNamespaceAssociation:
    association = own_resource_to_change(
        caller, membership_identifier, IdNamespaceAssociation, id_namespace_association_identifier
    )
    new_association_name_is_free(association, name)
    replace_given(association, name=name, description=description, id_mapping_config=id_mapping_config)
    association.update_time = now()
    return association


@rule(
    "IDN-5",
    source="API reference IdMappingConfig; what a taken name answers is inferred",
    status=DOCUMENTED,
    answer="ValidationException FIELD_VALIDATION_FAILED",
)
def new_association_name_is_free(association: IdNamespaceAssociation, name: str | None) -> None:
    """An update changes name, description and `idMappingConfig`, and can't take a name that another association of the membership has. An
    `idMappingConfig` that was never given is absent, and means false.
    """
    new_name_is_free(association, name)


behaviour(
    "IDN-6",
    "An ID namespace association can always be deleted; ID mapping tables made from it lose their data and can't be populated any more.",
    source="user guide: disassociate-id-namespace-association; what schemas say is inferred",
    status=DOCUMENTED,
)
