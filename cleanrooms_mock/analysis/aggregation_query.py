"""The one SELECT of a query under the AGGREGATION analysis rule, as the rule's checks look at it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlglot import exp

from cleanrooms_mock.analysis.called_functions import (
    aggregate_name,
    aggregated,
    is_aggregate,
    is_function,
    without_brackets,
)
from cleanrooms_mock.analysis.column_roles import RolesByTable, Used, behind_alias, used
from cleanrooms_mock.analysis.names import Clause, Resolution, Select
from cleanrooms_mock.analysis.tables import Table


class AggregationQuery:
    """The one SELECT of a query, with what its columns stand for.

    :ivar used: what each column stands for, by the node's id.
    :ivar scalars: its scalar functions, each with the clause that it stands in; there are none in ON and HAVING.
    """

    def __init__(self, resolution: Resolution, select: Select) -> None:
        self.resolution = resolution
        self.select = select
        self.roles = RolesByTable()
        self.used: dict[int, Used] = {}
        for clause, column in select.columns:
            found = used(column, resolution.reference(column))
            if clause in ("having", "order") and function_around(column) is not None:
                found = behind_alias(found, select)
            self.used[id(column)] = found
        self.scalars = list(_scalars(select.node))

    @property
    def tables(self) -> list[Table]:
        return [relation.table for relation in self.select.relations if relation.table is not None]

    def columns(self, node: exp.Expr) -> list[Used]:
        """Return the columns in an expression."""
        return [self.used[id(column)] for column in node.find_all(exp.Column)]

    def expressions(self, clause: str) -> list[exp.Expr]:
        """Return what stands in the list of a clause, without aliases and brackets."""
        node = self.select.node
        if clause == "select":
            items = node.expressions
        else:
            part = node.args.get(clause)
            items = [] if part is None else part.expressions
        items = [item.this if isinstance(item, exp.Ordered) else item.unalias() for item in items]
        return [without_brackets(item) for item in items]

    def is_free(self, column: Used) -> bool:
        """Whether a column is a dimension."""
        return column.table is not None and column.name in self.roles[column.table].free

    def form(self, node: exp.Expr) -> Any:
        """Return what is equal for expressions that are written the same way, but for case, qualifiers and brackets."""
        parts: list[Any] = []
        steps: list[tuple[str | None, exp.Expr]] = [(None, node)]
        while steps:
            place, step = steps.pop()
            step = without_brackets(step)
            if isinstance(step, exp.Column):
                column = self.used[id(step)]
                parts.append((place, column.relation, column.name))
                continue
            children = list(step.iter_expressions())
            said: Any = step.name.upper()
            if not isinstance(step, exp.Var):
                said = tuple(item for item in step.args.items() if not isinstance(item[1], exp.Expr | list))
            parts.append((place, type(step), said, len(children)))
            steps += ((child.arg_key, child) for child in reversed(children))
        return tuple(parts)

    def grouped(self) -> set[Any]:
        """Return the forms of what GROUP BY has."""
        return {self.form(key) for key in self.expressions("group")}


def _scalars(select: exp.Select) -> Iterator[tuple[exp.Expr, Clause]]:
    clauses: tuple[Clause, ...] = ("select", "where", "group", "order")
    for clause in clauses:
        part = select.args.get(clause)
        for item in select.expressions if clause == "select" else [] if part is None else [part]:
            for node in item.walk():
                if is_function(node) and not is_aggregate(node):
                    yield node, clause


def function_around(column: exp.Column) -> exp.Expr | None:
    """Return the innermost function that a column stands in, ``None`` if it stands in none."""
    node = column.parent
    while node is not None and not isinstance(node, exp.Select):
        if is_function(node):
            return node
        node = node.parent
    return None


def aggregates(query: AggregationQuery, nodes: Sequence[exp.Expr]) -> Iterator[tuple[exp.Expr, Used]]:
    """Yield the aggregate functions in expressions, with the column that each is of."""
    for part in (part for node in nodes for part in node.walk() if is_aggregate(part)):
        column = aggregated(part)
        assert column is not None
        yield part, query.used[id(column)]


def is_allowed(query: AggregationQuery, node: exp.Expr, column: Used) -> bool:
    roles = None if column.table is None else query.roles[column.table]
    return roles is not None and aggregate_name(node) in roles.functions.get(column.name, ())


def spelt(node: exp.Expr) -> str:
    return aggregate_name(node).replace("_", " ")
