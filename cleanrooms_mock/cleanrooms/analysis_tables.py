"""The tables of a collaboration as analyses meet them: their columns and types, and what the rules of their owners say."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from cleanrooms_mock.analysis.refusals import Refusal
from cleanrooms_mock.analysis.tables import Reason, Table
from cleanrooms_mock.cleanrooms.associations import ConfiguredTableAssociation
from cleanrooms_mock.cleanrooms.configured_tables import DIRECT_JOB, DIRECT_QUERY, MULTIPLE
from cleanrooms_mock.cleanrooms.id_mapping_tables import IdMappingTable
from cleanrooms_mock.cleanrooms.intermediate_tables import IntermediateTable
from cleanrooms_mock.cleanrooms.policies import inner_of
from cleanrooms_mock.cleanrooms.privacy_budgets import privacy_is_left, take_access, take_privacy
from cleanrooms_mock.rules import DOCUMENTED, behaviour, rule

if TYPE_CHECKING:
    from cleanrooms_mock.analysis.noise import Aggregation
    from cleanrooms_mock.cleanrooms.collaborations import Collaboration
    from cleanrooms_mock.cleanrooms.memberships import Membership
    from cleanrooms_mock.cleanrooms.schemas import NamedResource

_BOTH = frozenset({DIRECT_QUERY, DIRECT_JOB})
#: What base tables say of who learns of a result isn't looked at when an intermediate table is populated, but handed down to it (INT-7).
_HANDED_DOWN = frozenset(
    {"additional_analyses", "allowed_additional_analyses", "allowed_result_receivers", "disallowed_output_columns"}
)
_OF_RECEIVERS = frozenset(
    {
        "RESULT_RECEIVERS_NOT_CONFIGURED",
        "RESULT_RECEIVERS_NOT_ALLOWED",
        "COLLABORATION_ANALYSIS_RULE_NOT_CONFIGURED",
    }
)


def tables_of(collaboration: Collaboration, *, strict: bool, populates: bool = False) -> dict[str, Table]:
    """Return all tables that queries and jobs can name, by their names in lower case.

    :param strict: as :meth:`~cleanrooms_mock.cleanrooms.schemas.NamedResource.status_details` takes it.
    :param populates: whether the analysis populates an intermediate table, which its receivers are no matter of.
    """
    tables = (table_of(resource, strict=strict, populates=populates) for resource in collaboration.names)
    return {table.name: table for table in tables}


def table_of(resource: NamedResource, *, strict: bool, populates: bool = False) -> Table:
    """Return one table, as :func:`tables_of` does all."""
    columns, partition_keys = resource.columns_and_partition_keys()
    rule_type: Any = resource.analysis_rule_type()
    policy, association_policy = _policies(resource)
    reasons = _reasons(resource, strict=strict)
    if populates:
        policy = {name: value for name, value in policy.items() if name not in _HANDED_DOWN}
        association_policy = None
        reasons = [reason for reason in reasons if reason.code not in _OF_RECEIVERS]
    return Table(
        name=resource.name.lower(),
        kind=resource.schema_type,
        owner=resource.creator_account_id,
        owner_name=resource.membership.member.display_name,
        columns={column["name"].lower(): column["type"] for column in columns + partition_keys},
        rule_type=rule_type,
        policy=policy,
        association_policy=association_policy,
        methods=_methods(resource),
        not_ready=reasons,
        configured_table=resource.table.id if isinstance(resource, ConfiguredTableAssociation) else None,
        sides=resource.sides if isinstance(resource, IdMappingTable) else {},
    )


def _policies(resource: NamedResource) -> tuple[Mapping[str, Any], Mapping[str, Any] | None]:
    """Return what its own rule says, and its association's."""
    if resource.analysis_rule_type() is None:
        return {}, None
    rules = resource.analysis_rule()
    shared = rules.get("collaboration_policy")
    return inner_of(rules["policy"]), None if shared is None else inner_of(shared)


def _reasons(resource: NamedResource, *, strict: bool) -> list[Reason]:
    return [
        Reason(reason["code"], reason["message"])
        for detail in resource.status_details(strict=strict)
        if detail["analysis_type"] == "DIRECT_ANALYSIS"
        for reason in detail["reasons"] or ()
    ]


def _methods(resource: NamedResource) -> frozenset[str]:
    method = resource.analysis_method
    if method is None:
        return _BOTH
    return frozenset(resource.selected_analysis_methods or ()) if method == MULTIPLE else frozenset({method})


behaviour(
    "INT-14",
    "Populating gives a table its schema, its rows and a version, with the constraints that its base tables hand down at that time, which stay as they are until "
    "the table is populated again, and with the end of its retention. It is a query or a job, with their rules and quotas, and takes from the budgets of its "
    "base tables, of differential privacy too. To that its rows are new data: a query on it takes of such a budget only if its own rule has differential "
    "privacy, and then of its owner's, or of another member's if the owner has none. Whose, where several members have one, is inferred.",
    source="user guide: intermediate table rule, populate, working-with-intermediate-tables",
    status=DOCUMENTED,
)


def take_budgets(resources: Collection[NamedResource], aggregations: Collection[Aggregation]) -> int:
    """Take what an analysis costs from the budgets of the tables that it reads: all of it, or nothing.

    :param aggregations: what it computes over tables with differential privacy, each as often as it does.
    :returns: how many users its noise must hide, 0 if no table is private.
    :raises Refusal: if a budget hasn't enough left.
    """
    read = dict.fromkeys(resources)
    for resource in resources:
        if isinstance(resource, IntermediateTable):
            read.update(dict.fromkeys(resource.bases))
    owners = dict.fromkeys(filter(None, map(_privacy_owner, resources))) if aggregations else {}
    for owner in owners:
        privacy_is_left(owner, aggregations)
    access_budgets_are_left(list(read))
    return max((take_privacy(owner, aggregations) for owner in owners), default=0)


def _privacy_owner(resource: NamedResource) -> Membership | None:
    """Return the member whose budget a table's differential privacy takes from, ``None`` if it has none."""
    if "differential_privacy" not in _policies(resource)[0]:
        return None
    return resource.privacy_owner if isinstance(resource, IntermediateTable) else resource.membership


@rule(
    "PQ-74",
    source="API reference AccessBudget; moment and code are inferred",
    status=DOCUMENTED,
    answer="FAILED RESOURCE_ACCESS_DENIED",
)
def access_budgets_are_left(resources: Collection[NamedResource]) -> None:
    """A query or job takes 1 from the access budget of every table that it reads, and of those under an intermediate table, when it has been found valid; it
    isn't given back. One without anything left refuses it, and then nothing is taken.
    """
    exhausted = take_access(resources)
    if exhausted is not None:
        message = f"The access budget of table {exhausted.name} is used up."
        raise Refusal("RESOURCE_ACCESS_DENIED", message, table=exhausted.name.lower())
