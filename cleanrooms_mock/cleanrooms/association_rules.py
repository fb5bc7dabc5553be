"""Analysis rules of associations: what a table's owner adds for one collaboration."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cleanrooms_mock.cleanrooms.abilities import CAN_RECEIVE_RESULTS
from cleanrooms_mock.cleanrooms.associations import ConfiguredTableAssociation
from cleanrooms_mock.cleanrooms.errors import (
    ResourceNotFoundException,
    invalid_configuration,
    invalid_field,
)
from cleanrooms_mock.cleanrooms.ids import now
from cleanrooms_mock.cleanrooms.objects import shown
from cleanrooms_mock.cleanrooms.policies import Policy, inner_of, path_of, refuse_another_type
from cleanrooms_mock.cleanrooms.resources import already_exists, own_resource, own_resource_to_change
from cleanrooms_mock.cleanrooms.service import Caller, operation
from cleanrooms_mock.rules import DOCUMENTED, INFERRED, behaviour, rule

if TYPE_CHECKING:
    from cleanrooms_mock.cleanrooms.collaborations import Collaboration

_RECEIVERS = "allowed_result_receivers"

behaviour(
    "ASSOC-25",
    "`allowedAdditionalAnalyses` is stored as given for every type, and nothing in it is looked up.",
    source="inferred, as RULE-27: API reference ConfiguredTableAssociationAnalysisRuleAggregation",
    status=INFERRED,
)
behaviour(
    "ASSOC-26",
    "Additional analyses may be named although the table's rule forbids them; the schema says so.",
    source="inferred: API reference SchemaStatusReason has a code for it",
    status=INFERRED,
)


@dataclass(slots=True, eq=False)
class AssociationRule:
    """The one analysis rule of an association."""

    association: ConfiguredTableAssociation
    type: str
    policy: dict[str, Any]
    create_time: float
    update_time: float

    membership_identifier = shown("association.membership_id")
    configured_table_association_id = shown("association.id")
    configured_table_association_arn = shown("association.arn")

    @property
    def inner(self) -> Policy:
        """The part of the policy that counts."""
        return inner_of(self.policy)


@operation
def create_configured_table_association_analysis_rule(
    caller: Caller,
    *,
    membership_identifier: str,
    configured_table_association_identifier: str,
    analysis_rule_type: str,
    analysis_rule_policy: dict[str, Any],
) -> AssociationRule:
    association = own_resource_to_change(
        caller, membership_identifier, ConfiguredTableAssociation, configured_table_association_identifier
    )
    one_rule_for_an_association(association)
    _check(association, analysis_rule_type, analysis_rule_policy)
    table_has_a_rule_of_the_type(association, analysis_rule_type)
    time = now()
    association.rule = AssociationRule(association, analysis_rule_type, analysis_rule_policy, time, time)
    return association.rule


def _check(association: ConfiguredTableAssociation, rule_type: str, policy: dict[str, Any]) -> None:
    policy_is_of_the_type(rule_type, policy)
    receivers = inner_of(policy).get(_RECEIVERS, [])
    receivers_can_receive(association.membership.member.collaboration, receivers, path_of(rule_type, _RECEIVERS))


@rule(
    "ASSOC-21",
    source="CloudFormation reference ConfiguredTableAssociation; the exception is inferred",
    status=DOCUMENTED,
    answer="ConflictException ALREADY_EXISTS",
)
def one_rule_for_an_association(association: ConfiguredTableAssociation) -> None:
    """An association has one analysis rule, of whatever type."""
    if association.rule is not None:
        raise already_exists(
            association, f"Association {association.id} has an analysis rule of type {association.rule.type}."
        )


@rule("ASSOC-22", source="inferred, as RULE-2", status=INFERRED, answer="ValidationException INVALID_CONFIGURATION")
def policy_is_of_the_type(rule_type: str, policy: dict[str, Any]) -> None:
    """The policy's member under `v1` is the one of the rule's type."""
    refuse_another_type(rule_type, policy)


@rule(
    "ASSOC-24",
    source="inferred: user guide: collaboration analysis rule has members chosen who can receive results",
    status=INFERRED,
    answer="ValidationException INVALID_CONFIGURATION or FIELD_VALIDATION_FAILED",
)
def receivers_can_receive(collaboration: Collaboration, receivers: list[str], field: str) -> None:
    """`allowedResultReceivers` names, each once, INVITED or ACTIVE members that have CAN_RECEIVE_RESULTS. Without any, nobody receives results."""
    if len(set(receivers)) < len(receivers):
        raise invalid_field(field, "an account is listed twice")
    for account_id in receivers:
        member = collaboration.members.get(account_id)
        if member is None or not member.participates or CAN_RECEIVE_RESULTS not in member.abilities:
            raise invalid_configuration(
                field, f"{account_id} is no member of the collaboration that can receive results"
            )


@rule(
    "ASSOC-20",
    source="inferred: user guide: collaboration analysis rule adds it after the table's",
    status=INFERRED,
    answer="ValidationException INVALID_CONFIGURATION",
)
def table_has_a_rule_of_the_type(association: ConfiguredTableAssociation, rule_type: str) -> None:
    """The table must have an analysis rule first, of the same type."""
    if association.analysis_rule_type() != rule_type:
        raise invalid_configuration(
            "analysisRuleType", f"the configured table has no analysis rule of type {rule_type}"
        )


@operation
def get_configured_table_association_analysis_rule(
    caller: Caller,
    *,
    membership_identifier: str,
    configured_table_association_identifier: str,
    analysis_rule_type: str,
) -> AssociationRule:
    association = own_resource(
        caller, membership_identifier, ConfiguredTableAssociation, configured_table_association_identifier
    )
    return rule_of_the_type(association, analysis_rule_type)


@rule("ASSOC-23", source="inferred, as RULE-4", status=INFERRED, answer="ResourceNotFoundException")
def rule_of_the_type(association: ConfiguredTableAssociation, rule_type: str) -> AssociationRule:
    """A rule is addressed by its type too; another type isn't found, as a CONFIGURED_TABLE_ASSOCIATION."""
    if association.rule is None or association.rule.type != rule_type:
        raise ResourceNotFoundException(
            "CONFIGURED_TABLE_ASSOCIATION",
            association.id,
            f"Association {association.id} has no analysis rule of type {rule_type}.",
        )
    return association.rule


behaviour(
    "ASSOC-28",
    "An update replaces the policy and keeps createTime; answers have the policy as it was sent.",
    source="API reference ConfiguredTableAssociationAnalysisRule",
    status=DOCUMENTED,
)


@operation
def update_configured_table_association_analysis_rule(
    caller: Caller,
    *,
    membership_identifier: str,
    configured_table_association_identifier: str,
    analysis_rule_type: str,
    analysis_rule_policy: dict[str, Any],
) -> AssociationRule:
    association = own_resource_to_change(
        caller, membership_identifier, ConfiguredTableAssociation, configured_table_association_identifier
    )
    association_rule = rule_of_the_type(association, analysis_rule_type)
    _check(association, analysis_rule_type, analysis_rule_policy)
    association_rule.policy = analysis_rule_policy
    association_rule.update_time = now()
    return association_rule


@operation
def delete_configured_table_association_analysis_rule(
    caller: Caller,
    *,
    membership_identifier: str,
    configured_table_association_identifier: str,
    analysis_rule_type: str,
) -> None:
    association = own_resource(
        caller, membership_identifier, ConfiguredTableAssociation, configured_table_association_identifier
    )
    rule_of_the_type(association, analysis_rule_type)
    association.rule = None
