"""Associations: a member's configured tables in a collaboration, under the name that queries use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cleanrooms_mock.cleanrooms.configured_tables import ConfiguredTable, columns_of, own_table
from cleanrooms_mock.cleanrooms.ids import now
from cleanrooms_mock.cleanrooms.objects import replace_given, shown
from cleanrooms_mock.cleanrooms.quotas import TABLE_ASSOCIATIONS
from cleanrooms_mock.cleanrooms.resources import (
    Kind,
    active_membership,
    answer_for,
    identity,
    keep,
    own_resource_to_change,
    within_quota,
)
from cleanrooms_mock.cleanrooms.roles import own_role, trusts_the_service
from cleanrooms_mock.cleanrooms.schemas import Columns, NamedResource, name_is_free_in_collaboration
from cleanrooms_mock.cleanrooms.service import Caller, operation
from cleanrooms_mock.cleanrooms.table_status import table_status
from cleanrooms_mock.cleanrooms.tags import check_tags
from cleanrooms_mock.rules import DOCUMENTED, INFERRED, behaviour, rule

if TYPE_CHECKING:
    from cleanrooms_mock.cleanrooms.association_rules import AssociationRule

behaviour(
    "ASSOC-2",
    "Any member associates tables, whatever its abilities.",
    source="API reference MemberSpecification",
    status=DOCUMENTED,
)
behaviour(
    "ASSOC-3",
    "A table needs no analysis rule to be associated; until it has one its schema is NOT_READY.",
    source="user guide: analysis rules",
    status=DOCUMENTED,
)
behaviour(
    "ASSOC-4",
    "An association's name is stored and returned in lower case.",
    source="API reference ConfiguredTableAssociation",
    status=DOCUMENTED,
)
behaviour(
    "ASSOC-6",
    "A table may be associated with many collaborations, and with one of them under several names, which is inferred.",
    source="user guide: configured tables",
    status=DOCUMENTED,
)
behaviour(
    "ASSOC-9",
    "An association's ARN is that of its membership, followed by `configuredtableassociation` and its id; the model's own pattern for it can't be "
    "right, since it is longer than its own maximum.",
    source="inferred from the patterns of other operations' parameters",
    status=INFERRED,
)
behaviour(
    "ASSOC-10",
    "`analysisRuleTypes` and `childResources` are absent while they are empty. Children are the intermediate tables that are built on the table, "
    "with id and status for their owner only.",
    source="inferred from recorded answers, which leave optional members out",
    status=INFERRED,
)
behaviour(
    "ASSOC-13",
    "An association that doesn't exist, or is under another membership, isn't found: see LIFE-24.",
    source="inferred",
    status=INFERRED,
)


@dataclass(slots=True, eq=False, kw_only=True)
class ConfiguredTableAssociation(NamedResource):
    """A configured table in a collaboration; the table itself may be gone by now, and has no rule then."""

    kind = Kind(
        "configuredtableassociation", "configured table association", "CONFIGURED_TABLE_ASSOCIATION", TABLE_ASSOCIATIONS
    )
    schema_type = "TABLE"

    table: ConfiguredTable
    role_arn: str
    rule: AssociationRule | None = None

    configured_table_arn = shown("table.arn")

    @property
    def configured_table_id(self) -> str:
        return self.table.id

    analysis_method = shown("table.analysis_method")
    selected_analysis_methods = shown("table.selected_analysis_methods")

    @property
    def analysis_rule_types(self) -> list[str] | None:
        return None if self.rule is None else [self.rule.type]

    def columns_and_partition_keys(self) -> tuple[Columns, Columns]:
        return columns_of(self.table)

    def analysis_rule_type(self) -> str | None:
        return None if self.table.rule is None else self.table.rule.type

    def analysis_rule(self) -> dict[str, Any]:
        table_rule = self.table.rule
        assert table_rule is not None
        ((kind, policy),) = table_rule.policy["v1"].items()
        added = {} if self.rule is None or self.rule.type != table_rule.type else self.rule.policy["v1"][kind]
        return {
            "create_time": table_rule.create_time,
            "update_time": table_rule.update_time,
            "policy": table_rule.policy,
            "collaboration_policy": None if self.rule is None else self.rule.policy,
            "consolidated_policy": {"v1": {kind: {**policy, **added}}},
        }

    def status_details(self, *, strict: bool) -> list[dict[str, Any]]:
        return table_status(self, strict=strict)

    def type_properties(self) -> dict[str, Any]:
        return {"configured_table_association": {"configured_table_association_id": self.id}}


answer_for(ConfiguredTableAssociation, "configured_table_association", "get", "list", "delete")


behaviour(
    "SCH-4",
    "A table's schema has its allowed columns only, with the source's types in lower case, in the order of allowedColumns; allowed partition "
    "columns stand in `partitionKeys` instead. Order and split are inferred.",
    source="API reference Schema",
    status=DOCUMENTED,
)
behaviour(
    "SCH-5",
    "Types are read when they are asked for. A table that is gone from the catalog keeps those it had; what the catalog never had is a `string`.",
    source="inferred: the service reads the catalog with the association's role",
    status=INFERRED,
)
behaviour(
    "SCH-7",
    "The methods of analysis are the table's; other schemas have none.",
    source="API reference Schema",
    status=DOCUMENTED,
)


@operation
def create_configured_table_association(
    caller: Caller,
    *,
    name: str,
    membership_identifier: str,
    configured_table_identifier: str,
    role_arn: str,
    description: str | None = None,
    tags: dict[str, str] | None = None,
) -> ConfiguredTableAssociation:
    tags = check_tags(tags)
    membership = active_membership(caller, membership_identifier)
    table = own_table(caller, configured_table_identifier)
    role_reads_the_table(caller, role_arn)
    name_is_free_in_collaboration(membership, name)
    within_quota(caller, membership, ConfiguredTableAssociation)
    association = ConfiguredTableAssociation(
        **identity(membership, ConfiguredTableAssociation.kind),
        name=name.lower(),
        description=description,
        table=table,
        role_arn=role_arn,
        tags=tags,
    )
    keep(caller, association)
    return association


behaviour(
    "ASSOC-1",
    "Table and membership are the caller's own; the membership is looked up first.",
    source="inferred: API reference CreateConfiguredTableAssociation",
    status=INFERRED,
)
behaviour(
    "ASSOC-8",
    "A membership has a quota of associations: QUO-6.",
    source="user guide: quotas",
    status=DOCUMENTED,
)


@rule(
    "ASSOC-7",
    source="AWS's CloudFormation handlers, for PassRole; the rest is inferred: API reference ValidationException",
    status=INFERRED,
    answer="ValidationException INVALID_CONFIGURATION",
)
def role_reads_the_table(caller: Caller, role_arn: str) -> None:
    """`roleArn` is a role of the caller's account. As soon as the account has made any role, or with `references="strict"`, it must exist and trust
    cleanrooms.amazonaws.com.
    """
    role = own_role(caller, "roleArn", role_arn)
    if role is not None:
        trusts_the_service(role, "roleArn")


behaviour(
    "ASSOC-11",
    "An update changes description and role, and moves updateTime even if it changes nothing.",
    source="API reference UpdateConfiguredTableAssociation; the last is inferred",
    status=DOCUMENTED,
)


@operation
def update_configured_table_association(
    caller: Caller,
    *,
    configured_table_association_identifier: str,
    membership_identifier: str,
    description: str | None = None,
    role_arn: str | None = None,
) -> ConfiguredTableAssociation:
    association = own_resource_to_change(
        caller, membership_identifier, ConfiguredTableAssociation, configured_table_association_identifier
    )
    if role_arn is not None:
        role_reads_the_table(caller, role_arn)
    replace_given(association, description=description, role_arn=role_arn)
    association.update_time = now()
    return association


behaviour(
    "ASSOC-12",
    "A deleted association is gone at once, with its analysis rule, its tags, its schema and its access budget; intermediate tables built on it lose "
    "their data. What goes along is inferred.",
    source="user guide: delete intermediate table",
    status=DOCUMENTED,
)
behaviour(
    "LIFE-14",
    "An association outlives its table, in whatever status its membership is.",
    source="inferred, as TAB-22",
    status=INFERRED,
)
