"""Finding out what the names in a query mean: every column found in its table, and what every column of the result is made of.

Here are the queries, with WITH, set operators and VALUES. What is in each SELECT is in :mod:`cleanrooms_mock.analysis.resolving_select`.
"""

from __future__ import annotations

from collections.abc import Mapping

from sqlglot import exp

from cleanrooms_mock.analysis.clauses import queries_can_be_combined
from cleanrooms_mock.analysis.names import (
    Output,
    Query,
    Reference,
    Resolution,
    Role,
    Select,
    bare,
    combined,
    expression,
    is_query,
)
from cleanrooms_mock.analysis.naming import query_reads_a_table, refuse_unknown_column, with_is_plain
from cleanrooms_mock.analysis.refusals import malformed
from cleanrooms_mock.analysis.resolving_from import renamed
from cleanrooms_mock.analysis.resolving_select import SelectResolver
from cleanrooms_mock.analysis.statements import ParsedQuery
from cleanrooms_mock.analysis.tables import Table


def resolve(parsed: ParsedQuery, tables: Mapping[str, Table]) -> Resolution:
    """Find what every name in a query means.

    :param tables: those that it may name, by their names in lower case.
    :raises Refusal: for a name that means nothing, or more than one thing.
    """
    resolution = Resolution(parsed, tables)
    resolver = _Resolver(resolution)
    for name, cached in parsed.cached.items():
        resolver.cached[name] = resolver.query(cached, "cached", {}, name=name)
    resolution.final = resolver.query(parsed.statement, "final", {})
    query_reads_a_table(resolution.base_tables(), parsed.statement)
    return resolution


class _Resolver:
    """Goes through the queries of one text, from the innermost outwards."""

    def __init__(self, resolution: Resolution) -> None:
        self.resolution = resolution
        self.cached: dict[str, Query] = {}
        self._with_depth = 0

    def query(
        self, node: exp.Expr, role: Role, ctes: Mapping[str, Query], *, name: str = "", outer: Select | None = None
    ) -> Query:
        """Resolve a query.

        :param ctes: what WITH has named around it.
        """
        inner = bare(node)
        query = Query(inner, role, name, outer)
        wrappers = []
        while node is not inner:
            wrappers.append(node)
            node = node.this
        for wrapper in wrappers:
            ctes = self._with(wrapper, ctes, role)
        ctes = self._with(inner, ctes, role)
        self._body(inner, query, ctes)
        for wrapper in reversed(wrappers):
            self._tail(wrapper, query, ctes)
        self.resolution.by_node[id(inner)] = query
        self.resolution.queries.append(query)
        return query

    def _with(self, node: exp.Expr, ctes: Mapping[str, Query], role: Role) -> Mapping[str, Query]:
        with_ = node.args.get("with_")
        if with_ is None:
            return ctes
        with_is_plain(with_, inside=self._with_depth > 0)
        named = dict(ctes)
        for cte in with_.expressions:
            self._with_depth += 1
            name = cte.alias.lower()
            made = self.query(cte.this, "cte", named, name=name)
            self._with_depth -= 1
            made.outputs = renamed(made.outputs, cte.args.get("alias"))
            named[name] = made
        return named

    def _body(self, node: exp.Expr, query: Query, ctes: Mapping[str, Query]) -> None:
        if isinstance(node, exp.Select):
            query.outputs = self._select(node, query, ctes)
        elif isinstance(node, exp.SetOperation):
            self._set_operation(node, query, ctes)
            self._tail(node, query, ctes)
        elif isinstance(node, exp.Values):
            query.outputs = self._values(node, query, ctes)
        else:
            raise malformed("The query can't be read", node)

    def _select(self, node: exp.Select, query: Query, ctes: Mapping[str, Query]) -> list[Output]:
        select = Select(node, query)
        query.selects.append(select)
        SelectResolver(self, select, ctes).resolve()
        return select.outputs

    def _set_operation(self, node: exp.SetOperation, query: Query, ctes: Mapping[str, Query]) -> None:
        operations, (first, *others) = combined(node)
        for inner in reversed(operations[:-1]):
            ctes = self._with(inner, ctes, query.role)
        outputs = self._branch(first, query, ctes)
        for operation, branch in zip(operations, others, strict=True):
            other = self._branch(branch, query, ctes)
            if any(operation.args.get(part) for part in ("by_name", "side", "kind", "on")):
                raise malformed(f"{operation.key.upper()} takes columns by their position alone", operation)
            _have_as_many_columns(operation, len(outputs), len(other))
            outputs = [
                Output(one.name, one.origins | two.origins, None, one.item, (one, two))
                for one, two in zip(outputs, other, strict=True)
            ]
        query.outputs = outputs

    def _branch(self, node: exp.Expr, query: Query, ctes: Mapping[str, Query]) -> list[Output]:
        if isinstance(node, exp.Select) and node.args.get("with_") is None:
            return self._select(node, query, ctes)
        # What is in brackets may have a WITH, an ORDER BY or branches of its own.
        inner = self.query(node, query.role, ctes, name=query.name, outer=query.outer)
        query.selects.extend(inner.selects)
        query.refers_out.extend(inner.refers_out)
        self.resolution.queries.remove(inner)
        return inner.outputs

    def _values(self, node: exp.Values, query: Query, ctes: Mapping[str, Query]) -> list[Output]:
        rows = [row.expressions if isinstance(row, exp.Tuple) else [row] for row in node.expressions]
        select = Select(exp.Select(), query)
        for row in rows:
            for value in row:
                for part in expression(value):
                    if isinstance(part, exp.Column):
                        refuse_unknown_column(part.name, part, ())
                    elif is_query(part):
                        select.subqueries.append(("select", self.query(part, "subquery", ctes, outer=select)))
        origins = [self.resolution.origins(value) for value in rows[0]]
        for row in rows[1:]:
            _have_as_many_columns(node, len(origins), len(row))
            origins = [one | self.resolution.origins(value) for one, value in zip(origins, row, strict=True)]
        outputs = [Output(f"col{number}", one, None, node) for number, one in enumerate(origins, 1)]
        return renamed(outputs, node.args.get("alias"))

    def _tail(self, node: exp.Expr, query: Query, ctes: Mapping[str, Query]) -> None:
        """Resolve the ORDER BY behind brackets or a set operation, where only the columns of the result are in sight."""
        order = node.args.get("order")
        if order is None:
            return
        names = {output.name: output for output in query.outputs}
        # A select of its own, since what stands here is in none of the branches.
        select = Select(exp.Select(), query, outputs=query.outputs)
        for part in expression(order):
            if isinstance(part, exp.Column):
                output = names.get(part.name.lower())
                if output is None or part.table:
                    refuse_unknown_column(part.sql(), part, ())
                self.resolution.references[id(part)] = Reference((output,), None, select)
                select.columns.append(("order", part))
            elif is_query(part):
                select.subqueries.append(("order", self.query(part, "subquery", ctes, outer=select)))


def _have_as_many_columns(node: exp.Expr, first: int, other: int) -> None:
    if first != other:
        queries_can_be_combined(f"{node.key.upper()} combines queries with {first} and {other} columns", node)
