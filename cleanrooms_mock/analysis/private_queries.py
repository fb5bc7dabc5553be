"""Differential privacy on the way to the last SELECT: every query keeps its users apart."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import NoReturn

from sqlglot import exp

from cleanrooms_mock.analysis.grouping import aggregates_in, keys_of
from cleanrooms_mock.analysis.names import Query, Select, expression
from cleanrooms_mock.analysis.private_data import PrivateData, identifier_of, is_private
from cleanrooms_mock.analysis.refusals import malformed
from cleanrooms_mock.analysis.tables import Table
from cleanrooms_mock.rules import DOCUMENTED, rule

_TAILS = ("order", "sort", "cluster", "distribute", "limit", "offset")


def _named(query: Query) -> str:
    """Return what a message calls a query."""
    return f"{query.name}, a query of a table with differential privacy," if query.name else "A subquery in FROM"


@rule(
    "CUS-67",
    source="API reference DifferentialPrivacyConfiguration; user guide: differential privacy",
    status=DOCUMENTED,
    answer="FAILED MALFORMED_QUERY",
)
def users_are_the_same(tables: Iterable[Table]) -> None:
    """The tables with differential privacy in a query are one owner's, whose budget it takes from, and their rules name the same user identifier column."""
    private = sorted(filter(is_private, tables), key=lambda table: table.name)
    for first, second in pairwise(private):
        if first.owner != second.owner:
            raise malformed(
                f"Tables {first.name} and {second.name} have differential privacy and different owners",
                table=second.name,
            )
        one, other = identifier_of(first), identifier_of(second)
        if one != other:
            raise malformed(
                f"Tables {first.name} and {second.name} have different user identifier columns: {one} and {other}",
                table=second.name,
                column=other,
            )


@rule(
    "CUS-65",
    source="user guide: SQL capabilities of differential privacy",
    status=DOCUMENTED,
    answer="FAILED MALFORMED_QUERY",
)
def subquery_reads_nothing_private(data: PrivateData, query: Query) -> None:
    """Subqueries that read tables with differential privacy stand in FROM and JOIN only. In SELECT, WHERE, HAVING and ON a subquery reads other tables, and
    refers to no column of those.
    """
    if data.is_private(query):
        raise malformed("A subquery that reads a table with differential privacy can stand in FROM only", query.node)
    for column in query.refers_out:
        for base in data.resolution.reference(column).origins:
            if is_private(base.table):
                raise malformed(
                    f"A subquery can't refer to {column.sql()} of table {base.table.name}, which has differential privacy",
                    column,
                    table=base.table.name,
                    column=base.column,
                )


def windows(select: Select) -> Iterator[exp.Window]:
    """Yield the window functions of a SELECT."""
    order = select.node.args.get("order")
    for part in (*select.node.expressions, *([] if order is None else [order])):
        for node in expression(part):
            if isinstance(node, exp.Window):
                yield node


@rule(
    "CUS-68",
    source="user guide: SQL capabilities of differential privacy",
    status=DOCUMENTED,
    answer="FAILED MALFORMED_QUERY",
)
def window_is_within_users(data: PrivateData, select: Select, window: exp.Window) -> None:
    """Window functions over data with differential privacy stand in CTEs and subqueries in FROM, with the user identifier column in PARTITION BY; never in
    the last SELECT.
    """
    if select.query.role == "final":
        raise malformed("Window functions are not allowed in the final SELECT with differential privacy", window)
    keys = list(window.args.get("partition_by") or ())
    if (named := window.args.get("alias")) is not None:
        for other in select.node.args.get("windows") or ():
            if other.name.lower() == named.name.lower():
                keys += other.args.get("partition_by") or ()
    if not any(map(data.is_identifier, keys)):
        raise malformed("The user identifier column must appear in PARTITION BY with differential privacy", window)


@rule(
    "CUS-63",
    source="user guide: differential privacy query tips",
    status=DOCUMENTED,
    answer="FAILED MALFORMED_QUERY",
)
def data_stay_at_user_level(data: PrivateData, select: Select) -> None:
    """The aggregates of the last SELECT run on data of single users: it reads tables with differential privacy themselves, or CTEs and subqueries over them
    that, where they aggregate, group by the user identifier column. A semi-join alone, which shows no users, isn't enough.
    """
    if select.query.role == "final":
        if all(relation.hidden for relation in data.relations(select)):
            raise malformed(
                "The final SELECT must read data at the level of users with differential privacy", select.node
            )
        return
    group = select.node.args.get("group")
    aggregates = [aggregate for item in select.node.expressions for aggregate in aggregates_in(item)]
    if group is None and not aggregates:
        return
    if group is None or not any(map(data.is_identifier, keys_of(data.resolution, select, group))):
        raise malformed(
            f"{_named(select.query)} must group by the user identifier column, so that its data stay at the level of users",
            group if group is not None else aggregates[0],
        )


@rule(
    "CUS-64",
    source="user guide: custom analysis rule with differential privacy, SQL capabilities of differential privacy",
    status=DOCUMENTED,
    answer="FAILED MALFORMED_QUERY",
)
def users_stay_in_the_query(data: PrivateData, query: Query) -> None:
    """A CTE, cached table or subquery in FROM over data with differential privacy selects the user identifier column, has no LIMIT and no OFFSET, an ORDER BY
    in windows only, and no subquery behind IN or EXISTS.
    """
    for select in query.selects:
        for tail in _tails(select) if data.relations(select) else ():
            raise malformed(f"{_named(query)} can't have {tail.key.upper()} with differential privacy", tail)
        for _, inner in select.subqueries:
            around = inner.node.parent
            while isinstance(around, exp.Subquery):
                around = around.parent
            if isinstance(around, exp.In | exp.Exists):
                raise malformed(f"{_named(query)} can't have a subquery behind {around.key.upper()}", inner.node)
    for select, places in data.branches(query):
        if not places:
            raise malformed(f"{_named(query)} must select the user identifier column", select.node)


def _tails(select: Select) -> Iterator[exp.Expr]:
    """Yield the ORDER BY, LIMIT and OFFSET of a SELECT, and of the brackets and set operators around it."""
    node: exp.Expr | None = select.node
    while isinstance(node, exp.Query):
        for name in _TAILS:
            if isinstance(tail := node.args.get(name), exp.Expr):
                yield tail
        node = node.parent


def users_stay_in_place(data: PrivateData, query: Query) -> None:
    """Refuse set operators whose branches have the user identifier column in different places (CUS-71)."""
    places = [found for _, found in data.branches(query)]
    if all(places) and not set.intersection(*places):
        set_operation_keeps_users("The branches must have the user identifier column in the same place", query.node)


@rule(
    "CUS-71",
    source="user guide: SQL capabilities of differential privacy",
    status=DOCUMENTED,
    answer="FAILED MALFORMED_QUERY",
)
def set_operation_keeps_users(complaint: str, node: exp.Expr) -> NoReturn:
    """With differential privacy UNION, INTERSECT, EXCEPT and MINUS stand in CTEs and in FROM only, where each branch has the user identifier column in the
    same place. The last SELECT is one.
    """
    raise malformed(f"{complaint} with differential privacy", node)


@rule(
    "CUS-66",
    source="user guide: SQL capabilities of differential privacy",
    status=DOCUMENTED,
    answer="FAILED MALFORMED_QUERY",
)
def private_relations_are_joined(data: PrivateData, select: Select) -> None:
    """Where data with differential privacy are joined to each other, each join has the equality of their user identifier columns among the conditions of its
    ON; a cross or comma join has none. Other tables are joined on anything.
    """
    relations = data.relations(select)
    groups = {id(relation): {id(relation)} for relation in relations}
    for relation in select.relations:
        on = None if relation.join is None else relation.join.args.get("on")
        for one, other in () if on is None else _equated(data, on):
            if one in groups and other in groups:
                merged = groups[one] | groups[other]
                for member in merged:
                    groups[member] = merged
    for relation in relations[1:]:
        if id(relations[0]) not in groups[id(relation)]:
            raise malformed(
                f"Join on the user identifier column required between {relations[0].name} and {relation.name}",
                relation.node if relation.join is None else relation.join,
            )


def _equated(data: PrivateData, condition: exp.Expr) -> set[tuple[int, int]]:
    """Return the pairs of relations whose user identifier columns are equal where a condition holds."""
    condition = condition.unnest()
    if isinstance(condition, exp.And):
        return set().union(*(_equated(data, part) for part in condition.flatten()))
    if isinstance(condition, exp.Or):
        return set.intersection(*(_equated(data, part) for part in condition.flatten()))
    if isinstance(condition, exp.EQ):
        sides = [side.unnest() for side in (condition.this, condition.expression) if data.is_identifier(side)]
        relations = [data.resolution.reference(side).relation for side in sides if isinstance(side, exp.Column)]
        if len(relations) == 2:
            first, second = sorted(map(id, relations))
            return {(first, second)}
    return set()
