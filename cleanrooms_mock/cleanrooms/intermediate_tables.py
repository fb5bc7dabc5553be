"""Intermediate tables: what a member that can query keeps of an analysis, for further ones."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal

from cleanrooms_mock.cleanrooms.abilities import CAN_QUERY
from cleanrooms_mock.cleanrooms.access import denied, own_membership
from cleanrooms_mock.cleanrooms.errors import ResourceNotFoundException, invalid_configuration, invalid_field
from cleanrooms_mock.cleanrooms.id_mapping_tables import IdMappingTable
from cleanrooms_mock.cleanrooms.ids import now
from cleanrooms_mock.cleanrooms.intermediate_table_constraints import Parent, breach
from cleanrooms_mock.cleanrooms.objects import replace_given
from cleanrooms_mock.cleanrooms.population import base_tables, exactly_one_source
from cleanrooms_mock.cleanrooms.privacy_budgets import differential_privacy_owners
from cleanrooms_mock.cleanrooms.quotas import INTERMEDIATE_TABLES
from cleanrooms_mock.cleanrooms.resources import (
    Kind,
    Resource,
    active_membership,
    answer_for,
    drop,
    identity,
    invalid_state,
    keep,
    member_has_ability,
    own_resource_to_change,
    resources_of,
    within_quota,
)
from cleanrooms_mock.cleanrooms.schemas import Columns, NamedResource, name_is_free_in_collaboration, status_detail
from cleanrooms_mock.cleanrooms.service import Caller, operation
from cleanrooms_mock.cleanrooms.tags import check_tags
from cleanrooms_mock.protocol import Register
from cleanrooms_mock.rules import DOCUMENTED, behaviour, rule

if TYPE_CHECKING:
    from cleanrooms_mock.cleanrooms.intermediate_table_rules import IntermediateTableRule
    from cleanrooms_mock.cleanrooms.intermediate_table_versions import Version
    from cleanrooms_mock.cleanrooms.memberships import Membership

CREATED: Final = "CREATED"
POPULATE_STARTED: Final = "POPULATE_STARTED"
POPULATE_SUCCESS: Final = "POPULATE_SUCCESS"
POPULATE_FAILED: Final = "POPULATE_FAILED"
DISALLOWED: Final = "DISALLOWED_BY_DATA_PROVIDER"
BASE_TABLE_REMOVED: Final = "BASE_TABLE_REMOVED"
EXPIRED: Final = "RETENTION_PERIOD_EXPIRED"
State = Literal[
    "CREATED",
    "POPULATE_STARTED",
    "POPULATE_SUCCESS",
    "POPULATE_FAILED",
    "DISALLOWED_BY_DATA_PROVIDER",
    "BASE_TABLE_REMOVED",
]

_DAYS = 30
_CODES = {
    CREATED: "INTERMEDIATE_TABLE_NOT_POPULATED",
    POPULATE_STARTED: "INTERMEDIATE_TABLE_NOT_POPULATED",
    POPULATE_FAILED: "INTERMEDIATE_TABLE_NOT_POPULATED",
    DISALLOWED: "INTERMEDIATE_TABLE_DISALLOWED_BY_DATA_PROVIDER",
    BASE_TABLE_REMOVED: "INTERMEDIATE_TABLE_BASE_TABLE_REMOVED",
    EXPIRED: "INTERMEDIATE_TABLE_RETENTION_PERIOD_EXPIRED",
}
#: What Spark keeps for itself.
_WORDS = (
    "all and any as authorization both case cast check collate column constraint "
    "create cross current_date current_time current_timestamp current_user distinct else end escape except false "
    "fetch filter for foreign from full grant group having in inner intersect "
    "into is join lateral leading left natural not null offset on only "
    "or order outer overlaps percentile_cont percentile_disc primary references right select session_user some "
    "sql table then time to trailing union unique unknown user using when "
    "where with within "
)
_RESERVED = frozenset(_WORDS.split())


@dataclass(slots=True, eq=False, kw_only=True)
class IntermediateTable(NamedResource):
    """The result of a query or job that its owner wrote down beforehand and populates the table with when it wants to.

    :ivar bases: the tables that the query names, and those that these are built on, each with whether it is named.
    :ivar state: what became of it last; its status is that, unless the data has expired meanwhile.
    :ivar columns: what it has, or ``None`` before it was ever populated.
    :ivar versions: what it was populated with, by id.
    :ivar last_success: the version that queries read, as long as it hasn't expired.
    """

    kind = Kind("intermediatetable", "intermediate table", quota=INTERMEDIATE_TABLES)
    schema_type = "INTERMEDIATE_TABLE"

    population_analysis_configuration: dict[str, Any]
    kms_key_arn: str | None
    retention_in_days: int
    bases: dict[NamedResource, bool]
    state: State = CREATED
    status_reason: str | None = None
    columns: Columns | None = None
    versions: Register[Version] = field(default_factory=Register)
    last_success: Version | None = None
    rule: IntermediateTableRule | None = None

    @property
    def intermediate_table_version(self) -> Version | None:
        return None if self.last_success is None or self.last_success.is_expired else self.last_success

    @property
    def status(self) -> str:
        if self.state == POPULATE_SUCCESS and self.intermediate_table_version is None:
            return EXPIRED
        return self.state

    @property
    def schema(self) -> dict[str, Any] | None:
        return None if self.columns is None else {"columns": self.columns}

    @property
    def analysis_rule_types(self) -> list[str] | None:
        return None if self.rule is None else [self.rule.analysis_rule_type]

    @property
    def table_dependencies(self) -> list[dict[str, Any]] | None:
        return [
            {
                "id": base.id,
                "name": base.name,
                "type": base.schema_type,
                "parent_type": "DIRECT" if is_named else "INDIRECT",
                "creator_account_id": base.creator_account_id,
            }
            for base, is_named in self.bases.items()
        ] or None

    @property
    def parents(self) -> list[NamedResource]:
        """The tables that its query names."""
        return [base for base, is_named in self.bases.items() if is_named]

    @property
    def is_multi_party(self) -> bool:
        """Whether it is built on another member's tables."""
        return any(base.creator_account_id != self.creator_account_id for base in self.bases)

    def depends_on(self, resource: Resource) -> bool:
        """Whether it is built on ``resource``, be it through other intermediate tables."""
        return resource in self.bases

    def lose_base(self, gone: Resource, time: float) -> None:
        for base in self.bases:
            if gone is base or (isinstance(base, IdMappingTable) and gone in base.sources.values()):
                if self.state not in (DISALLOWED, BASE_TABLE_REMOVED):
                    self.lose_data(BASE_TABLE_REMOVED, f"The base table {base.name} was removed.", time)
                return

    def lose_data(self, state: State, reason: str, time: float) -> None:
        """Be of no use any more."""
        self.state, self.status_reason, self.update_time = state, reason, time
        self.columns = self.last_success = None
        self.versions = Register()

    def as_parent(self) -> Parent:
        """What it hands down to a table that is built on it."""
        policy = {} if self.rule is None else self.rule.inner
        version = self.intermediate_table_version
        own = Parent(
            self,
            additional_analyses=policy.get("additional_analyses"),
            allowed_additional_analyses=policy.get("allowed_additional_analyses"),
            allowed_result_receivers=policy.get("allowed_result_receivers"),
            disallowed_output_columns=policy.get("disallowed_output_columns", []),
        )
        return own if version is None or not self.is_multi_party else own.within(version.inherited_constraints)

    @property
    def schema_arn(self) -> str | None:
        return None

    def columns_and_partition_keys(self) -> tuple[Columns, Columns]:
        return self.columns or [], []

    def analysis_rule_type(self) -> str | None:
        return None if self.rule is None else self.rule.analysis_rule_type

    def analysis_rule(self) -> dict[str, Any]:
        assert self.rule is not None
        # In a schema's rule, unlike in the table's own, the allowed analyses are required.
        return {
            "create_time": self.rule.create_time,
            "update_time": self.rule.update_time,
            "policy": {"v1": {"custom": {"allowed_analyses": [], **self.rule.inner}}},
        }

    @property
    def privacy_owner(self) -> Membership | None:
        """Who gives the budget for its own differential privacy, if anybody does: its owner, or else the member that first had one."""
        owners = differential_privacy_owners(self.membership.member.collaboration)
        return self.membership if self.membership in owners else next(iter(owners), None)

    def _is_private(self) -> bool:
        return self.rule is not None and "differential_privacy" in self.rule.inner

    def status_details(self, *, strict: bool) -> list[dict[str, Any]]:
        return [
            status_detail(
                "DIRECT_ANALYSIS",
                list(self._reasons()),
                rule_type=self.analysis_rule_type(),
                configurations=["DIFFERENTIAL_PRIVACY"] if self._is_private() else None,
            )
        ]

    def _reasons(self) -> Iterator[str]:
        version = self.intermediate_table_version
        if self.rule is None:
            yield "INTERMEDIATE_TABLE_ANALYSIS_RULE_MISSING"
        elif not self.rule.inner.get("allowed_analyses"):
            yield "ANALYSIS_TEMPLATES_NOT_CONFIGURED"
        if self._is_private() and self.privacy_owner is None:
            yield "DIFFERENTIAL_PRIVACY_POLICY_NOT_CONFIGURED"
        if version is None:
            yield _CODES[self.status]
        elif self.rule is not None and self.is_multi_party and breach(self.rule.inner, version.inherited_constraints):
            yield "INTERMEDIATE_TABLE_INHERITED_CONSTRAINTS_VIOLATED"

    def type_properties(self) -> dict[str, Any]:
        return {"intermediate_table": {"intermediate_table_id": self.id}}


answer_for(IntermediateTable, "intermediate_table", "get", "list")


behaviour(
    "INT-1",
    "Intermediate tables are for the member with CAN_QUERY, see LIFE-26, and a membership has a quota of them: QUO-25.",
    source="API reference CreateIntermediateTable; the exception is inferred",
    status=DOCUMENTED,
)
behaviour(
    "INT-6",
    "A new intermediate table is CREATED, keeps its data for 30 days unless it says otherwise, and tells its dependencies: DIRECT are the tables that "
    "its query names, INDIRECT those that these are built on. Schema, version and rule are absent until there are any.",
    source="user guide: create intermediate table",
    status=DOCUMENTED,
)


@operation
def create_intermediate_table(
    caller: Caller,
    *,
    membership_identifier: str,
    name: str,
    population_analysis_configuration: dict[str, Any],
    description: str | None = None,
    kms_key_arn: str | None = None,
    retention_in_days: int | None = None,
    tags: dict[str, str] | None = None,
) -> IntermediateTable:
    tags = check_tags(tags)
    membership = active_membership(caller, membership_identifier)
    member_has_ability(membership, CAN_QUERY)
    exactly_one_source(population_analysis_configuration)
    name_is_no_word_of_sql(name)
    named = base_tables(membership.member.collaboration, population_analysis_configuration)
    name_is_free_in_collaboration(membership, name)
    within_quota(caller, membership, IntermediateTable)
    table = IntermediateTable(
        **identity(membership, IntermediateTable.kind),
        name=name,
        description=description,
        population_analysis_configuration=population_analysis_configuration,
        kms_key_arn=kms_key_arn,
        retention_in_days=_DAYS if retention_in_days is None else retention_in_days,
        bases=_with_theirs(named),
        tags=tags,
    )
    keep(caller, table)
    return table


def _with_theirs(named: list[NamedResource]) -> dict[NamedResource, bool]:
    theirs = [base for table in named if isinstance(table, IntermediateTable) for base in table.bases]
    return {**dict.fromkeys(named, True), **{base: False for base in theirs if base not in named}}


@rule(
    "INT-2",
    source="user guide: create intermediate table; that case is kept is inferred",
    status=DOCUMENTED,
    answer="ValidationException FIELD_VALIDATION_FAILED",
)
def name_is_no_word_of_sql(name: str) -> None:
    """An intermediate table's name is no reserved word of SQL, and one table's in the collaboration, see ASSOC-5. It is kept as it was written,
    and found in any case.
    """
    if name.lower() in _RESERVED:
        raise invalid_field("name", f"{name} is a reserved word of SQL")


behaviour(
    "INT-22",
    "An intermediate table, its versions and its rule are read and changed by its owner only; it isn't found under other memberships, whose members "
    "see the schema.",
    source="API reference GetIntermediateTable; the exception is inferred",
    status=DOCUMENTED,
)


@operation
def update_intermediate_table(
    caller: Caller,
    *,
    intermediate_table_identifier: str,
    membership_identifier: str,
    description: str | None = None,
    kms_key_arn: str | None = None,
    columns: list[dict[str, str]] | None = None,
) -> IntermediateTable:
    table = own_resource_to_change(caller, membership_identifier, IntermediateTable, intermediate_table_identifier)
    if columns:
        table.columns = columns_with_types(table, columns)
    replace_given(table, description=description, kms_key_arn=kms_key_arn)
    table.update_time = now()
    return table


@rule(
    "INT-20",
    source="API reference UpdateIntermediateTable; the exception is inferred",
    status=DOCUMENTED,
    answer="ValidationException FIELD_VALIDATION_FAILED or INVALID_CONFIGURATION",
)
def columns_with_types(table: IntermediateTable, given: list[dict[str, str]]) -> Columns:
    """An update changes description, KMS key, which holds from the next populate on, and types of columns, for which the table must have a schema
    with these columns.
    """
    if table.columns is None:
        raise invalid_configuration("columns", "the table has no schema until it has been populated")
    types = {column["name"]: column["type"] for column in table.columns}
    for number, column in enumerate(given, 1):
        if column["name"] not in types:
            raise invalid_field(f"columns.member.{number}.name", f"the table has no column {column['name']}")
        types[column["name"]] = column["type"]
    return [{"name": name, "type": type_} for name, type_ in types.items()]


@operation
def delete_intermediate_table(
    caller: Caller, *, membership_identifier: str, intermediate_table_identifier: str
) -> None:
    membership = own_membership(caller, membership_identifier)
    table = resources_of(membership, IntermediateTable).get(intermediate_table_identifier)
    if table is not None:
        is_not_being_populated(table)
        drop(caller, table)


@rule(
    "INT-21",
    source="API reference DeleteIntermediateTable; user guide: working-with-intermediate-tables; the conflict is inferred",
    status=DOCUMENTED,
    answer="ConflictException INVALID_STATE",
)
def is_not_being_populated(table: IntermediateTable) -> None:
    """Deleting an intermediate table is idempotent: one that isn't there is deleted, too. It waits until the table isn't being populated. Tables built on it
    lose their data and become BASE_TABLE_REMOVED.
    """
    if table.state == POPULATE_STARTED:
        raise invalid_state(table, f"Intermediate table {table.id} is being populated.")


behaviour(
    "INT-41",
    "A disallowed table is DISALLOWED_BY_DATA_PROVIDER and loses its data and versions, and so do those that are built on it, unless includeDescendants "
    "is false. Nothing allows it again, and disallowing it again changes nothing; that there is no way back is inferred.",
    source="user guide: delete intermediate table",
    status=DOCUMENTED,
)


@operation
def disallow_intermediate_table(
    caller: Caller, *, membership_identifier: str, intermediate_table_name: str, include_descendants: bool = True
) -> None:
    membership = active_membership(caller, membership_identifier)
    table = table_on_own_data(membership, intermediate_table_name)
    time = now()
    for other in resources_of(membership.member.collaboration, IntermediateTable):
        concerned = other is table or (include_descendants and other.depends_on(table))
        if concerned and other.state != DISALLOWED:
            reason = f"Account {membership.member.account_id} disallowed the intermediate table {table.name}."
            other.lose_data(DISALLOWED, reason, time)


@rule(
    "INT-40",
    source="API reference DisallowIntermediateTable; the exceptions are inferred",
    status=DOCUMENTED,
    answer="ResourceNotFoundException or AccessDeniedException INSUFFICIENT_PERMISSIONS",
)
def table_on_own_data(membership: Membership, name: str) -> IntermediateTable:
    """A member disallows an intermediate table, by its name, that is built on a table of its own, be it through other intermediate tables. To own the
    intermediate table itself isn't enough.
    """
    table: NamedResource | None = membership.member.collaboration.names.get(name.lower())
    if not isinstance(table, IntermediateTable):
        raise ResourceNotFoundException(
            "MEMBERSHIP", name, f"The collaboration has no intermediate table named {name}."
        )
    if not any(base.membership is membership for base in table.bases if not isinstance(base, IntermediateTable)):
        raise denied(membership.member.account_id, f"intermediate table {name} is built on no table of yours")
    return table
