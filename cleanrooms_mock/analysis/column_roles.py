"""What an AGGREGATION or LIST analysis rule, or the one of an ID mapping table, lets be done with the columns of its table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlglot import exp

from cleanrooms_mock.analysis.names import Reference, Select
from cleanrooms_mock.analysis.refusals import Refusal, malformed, place_of
from cleanrooms_mock.analysis.tables import RuleType, Table


@dataclass(frozen=True, slots=True)
class Roles:
    """What a rule says, with all names of columns in lower case.

    :ivar join: the columns that may stand in ON.
    :ivar free: those that may be selected and filtered by: dimension columns, list columns, and what an ID mapping table releases.
    :ivar functions: the aggregate functions that a column may stand in, by the column.
    :ivar scalars: the scalar functions that free columns may stand in.
    :ivar operators: what may stand between the conditions of an ON.
    """

    join: frozenset[str]
    free: frozenset[str]
    functions: Mapping[str, frozenset[str]]
    scalars: frozenset[str]
    operators: frozenset[str]


class RolesByTable(dict[Table, Roles]):
    """The roles of each table, worked out when first asked for."""

    def __missing__(self, table: Table) -> Roles:
        roles = self[table] = _roles(table.policy)
        return roles


def _roles(policy: Mapping[str, Any]) -> Roles:
    functions: dict[str, frozenset[str]] = {}
    for entry in policy.get("aggregate_columns") or ():
        for name in _lower(entry["column_names"]):
            functions[name] = functions.get(name, frozenset()) | {entry["function"]}
    return Roles(
        join=_lower(policy.get("join_columns")),
        free=_lower(policy.get("dimension_columns")) | _lower(policy.get("list_columns")),
        functions=functions,
        scalars=frozenset(policy.get("scalar_functions") or ()),
        operators=frozenset(policy.get("allowed_join_operators") or ("AND",)),
    )


def _lower(names: Iterable[str] | None) -> frozenset[str]:
    return frozenset(name.lower() for name in names or ())


@dataclass(frozen=True, slots=True)
class Used:
    """A column where a query uses it.

    :ivar name: what it is called in its table.
    :ivar relation: what qualifies it in the query.
    :ivar table: the table that it is a column of; ``None`` if it is none's, but an alias of the SELECT list.
    """

    node: exp.Column
    name: str
    relation: str = ""
    table: Table | None = None

    @property
    def qualified(self) -> str:
        """Its name behind its relation's."""
        return f"{self.relation}.{self.name}" if self.relation else self.name


def used(column: exp.Column, reference: Reference) -> Used:
    """Return what a column in an expression of the final SELECT stands for."""
    relation = reference.relation
    if relation is None:
        return Used(column, column.name.lower())
    # A field of a column has no role of its own, whatever it is called.
    name = reference.base.column if reference.base is not None else ".".join(part.name.lower() for part in column.parts)
    return Used(column, name, relation.name, relation.table)


def behind_alias(column: Used, select: Select) -> Used:
    """Return the column of a table that has the name of an alias, if there is one: inside a function that is what the name means."""
    found = [relation for relation in select.relations if column.name in relation.outputs]
    if column.table is not None or len(found) != 1:
        return column
    return Used(column.node, column.name, found[0].name, found[0].table)


def not_allowed(columns: Sequence[Used], where: str) -> Refusal:
    """Columns that can't stand where they do, as the service puts it: by their bare names, all of them.

    :param where: such as ``select``.
    """
    names = ", ".join(dict.fromkeys(column.name for column in columns))
    first = columns[0]
    table = None if first.table is None else first.table.name
    return malformed(f"Column(s) [{names}] is not allowed in {where}", first.node, table=table, column=first.name)


def must_be_grouped(columns: Sequence[Used]) -> Refusal:
    """Columns that are selected, and not grouped by, as the service puts it: by their qualified names."""
    names = ", ".join(dict.fromkeys(column.qualified for column in columns))
    first = columns[0]
    table = None if first.table is None else first.table.name
    return malformed(f"Column(s) [{names}] must appear in group by clause", first.node, table=table, column=first.name)


def not_in_rule(what: str, rule_type: RuleType, tables: Iterable[Table], at: exp.Expr) -> Refusal:
    """Something that the grammar of a rule doesn't have.

    :param what: as it can begin a sentence.
    :param tables: those of the query.
    :param at: the part that it is; a mere keyword has no place of its own, and is looked for around it.
    """
    while place_of(at) is None and at.parent is not None:
        at = at.parent
    names = list(dict.fromkeys(table.name for table in tables if table.rule_type == rule_type))
    message = f"{what} is not allowed by the {rule_type} analysis rule of table(s) [{', '.join(names)}]"
    return malformed(message, at, table=names[0] if names else None)
