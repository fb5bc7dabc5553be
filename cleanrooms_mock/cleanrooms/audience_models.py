"""Configured audience model associations: a member's lookalike models in a collaboration."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cleanrooms_mock.cleanrooms.entity_resolution import audience_models
from cleanrooms_mock.cleanrooms.errors import invalid_configuration
from cleanrooms_mock.cleanrooms.ids import now
from cleanrooms_mock.cleanrooms.objects import replace_given
from cleanrooms_mock.cleanrooms.quotas import AUDIENCE_MODEL_ASSOCIATIONS
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
    within_quota,
)
from cleanrooms_mock.cleanrooms.service import Caller, operation
from cleanrooms_mock.cleanrooms.tags import check_tags
from cleanrooms_mock.rules import DOCUMENTED, INFERRED, behaviour, rule

if TYPE_CHECKING:
    from cleanrooms_mock.cleanrooms.memberships import Membership


@dataclass(slots=True, eq=False, kw_only=True)
class ConfiguredAudienceModelAssociation(Resource):
    """A configured audience model that a member offers in a collaboration."""

    kind = Kind(
        "configuredaudiencemodelassociation",
        "configured audience model association",
        quota=AUDIENCE_MODEL_ASSOCIATIONS,
    )

    name: str
    description: str | None
    configured_audience_model_arn: str
    manage_resource_policies: bool


answer_for(
    ConfiguredAudienceModelAssociation,
    "configured_audience_model_association",
    "get",
    "list",
    "delete",
    "get_collaboration",
    "list_collaboration",
)


behaviour(
    "AUD-3",
    "A membership has a quota of configured audience model associations: QUO-11.",
    source="user guide: quotas",
    status=DOCUMENTED,
)


@operation
def create_configured_audience_model_association(
    caller: Caller,
    *,
    membership_identifier: str,
    configured_audience_model_arn: str,
    configured_audience_model_association_name: str,
    manage_resource_policies: bool,
    tags: dict[str, str] | None = None,
    description: str | None = None,
) -> ConfiguredAudienceModelAssociation:
    tags = check_tags(tags)
    membership = active_membership(caller, membership_identifier)
    model_is_own(caller, configured_audience_model_arn)
    model_association_name_is_free(membership, configured_audience_model_association_name)
    within_quota(caller, membership, ConfiguredAudienceModelAssociation)
    association = ConfiguredAudienceModelAssociation(
        **identity(membership, ConfiguredAudienceModelAssociation.kind),
        name=configured_audience_model_association_name,
        description=description,
        configured_audience_model_arn=configured_audience_model_arn,
        manage_resource_policies=manage_resource_policies,
        tags=tags,
    )
    keep(caller, association)
    return association


@rule(
    "AUD-1",
    source="inferred: the owner manages the model's policy (API reference CreateConfiguredAudienceModelAssociation)",
    status=INFERRED,
    answer="ValidationException INVALID_CONFIGURATION",
)
def model_is_own(caller: Caller, arn: str) -> None:
    """The model is of the caller's own account and Region. Whether it exists is looked up only for an account of which the test has registered a
    model, by the handle's `audience_models.add_configured_audience_model`.
    """
    field = "configuredAudienceModelArn"
    if not caller.owns(arn):
        raise invalid_configuration(field, f"the model must be of account {caller.account_id} in {caller.region_name}")
    if audience_models.any_of(caller.account_id) and arn not in audience_models.arns:
        raise invalid_configuration(field, f"model {arn} doesn't exist")


@rule(
    "AUD-2",
    source="inferred, as IDN-3",
    status=INFERRED,
    answer="ConflictException ALREADY_EXISTS",
)
def model_association_name_is_free(membership: Membership, name: str) -> None:
    """A membership's configured audience model associations have different names; the same model may be associated twice."""
    name_is_free(membership, ConfiguredAudienceModelAssociation, name)


@operation
def update_configured_audience_model_association(
    caller: Caller,
    *,
    configured_audience_model_association_identifier: str,
    membership_identifier: str,
    description: str | None = None,
    name: str | None = None,
) -> ConfiguredAudienceModelAssociation:
    association = own_resource_to_change(
        caller,
        membership_identifier,
        ConfiguredAudienceModelAssociation,
        configured_audience_model_association_identifier,
    )
    new_model_association_name_is_free(association, name)
    replace_given(association, name=name, description=description)
    association.update_time = now()
    return association


@rule(
    "AUD-4",
    source="API reference; what a taken name answers is inferred",
    status=DOCUMENTED,
    answer="ValidationException FIELD_VALIDATION_FAILED",
)
def new_model_association_name_is_free(association: ConfiguredAudienceModelAssociation, name: str | None) -> None:
    """What goes in as `configuredAudienceModelAssociationName` comes back as `name`. An update changes name and description, and can't take a name that
    another association of the membership has; an association can always be deleted.
    """
    new_name_is_free(association, name)
