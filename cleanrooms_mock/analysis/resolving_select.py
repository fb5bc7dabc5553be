"""Finding out what the names in one SELECT mean."""

from __future__ import annotations

from collections.abc import Mapping

from sqlglot import exp

from cleanrooms_mock.analysis.hints import PARTITIONING_HINTS, hint_takes, hints_of
from cleanrooms_mock.analysis.names import Clause, Output, Query, Reference, Select, expression, is_query
from cleanrooms_mock.analysis.naming import refuse_correlation
from cleanrooms_mock.analysis.resolving_from import FromResolver, Queries
from cleanrooms_mock.analysis.scope import Scope


class SelectResolver:
    """Resolves one SELECT, clause by clause, in the order in which SQL sees them."""

    def __init__(self, queries: Queries, select: Select, ctes: Mapping[str, Query]) -> None:
        """:param ctes: what WITH has named around it."""
        self._queries = queries
        self._resolution = queries.resolution
        self._select = select
        self._ctes = ctes
        self._scope = Scope(select)

    def resolve(self) -> None:
        """Find out everything about the SELECT."""
        node = self._select.node
        reads = FromResolver(self._queries, self._scope, self._ctes, self._expression)
        from_ = node.args.get("from_")
        if from_ is not None:
            reads.member(from_.this, None)
        for join in node.args.get("joins") or ():
            reads.join(join)
        for window in node.args.get("windows") or ():
            self._expression(window, "window")
        for item in node.expressions:
            self._item(item)
        distinct = node.args.get("distinct")
        if distinct is not None and distinct.args.get("on") is not None:
            self._expression(distinct.args["on"], "select")
        for clause in ("where", "group", "having", "order"):
            part = node.args.get(clause)
            if part is not None:
                self._expression(part, clause)
        for clause in ("limit", "offset"):
            part = node.args.get(clause)
            if part is not None:
                self._expression(part, "limit")
        self._hints()

    def _hints(self) -> None:
        given = {output.name for output in self._select.outputs}
        for hint in hints_of(self._select.node):
            for column in hint.columns if hint.name in PARTITIONING_HINTS else ():
                if hint.name != "REBALANCE":
                    if self._scope.find(column, "where") is None:
                        hint_takes(
                            f"The hint {hint.name} names {column.sql()}, which isn't a column of the input", column
                        )
                elif column.name.lower() not in given:
                    hint_takes(f"The hint REBALANCE names {column.sql()}, which isn't a column of the output", column)

    def _item(self, item: exp.Expr) -> None:
        """Resolve one item of the SELECT's list, and add what it gives."""
        unaliased = item.unalias()
        if isinstance(unaliased, exp.Star):
            self._select.outputs.extend(self._scope.star(unaliased, None))
            return
        if isinstance(unaliased, exp.Column) and isinstance(unaliased.this, exp.Star):
            self._select.outputs.extend(self._scope.star(unaliased.this, unaliased))
            return
        self._expression(item, "select")
        alias = item.alias.lower() if isinstance(item, exp.Alias) else ""
        base = None
        if isinstance(unaliased, exp.Column):
            base = self._resolution.reference(unaliased).base
        name = alias or (unaliased.name.lower() if isinstance(unaliased, exp.Column | exp.Dot) else "")
        output = Output(name, self._resolution.origins(item, self._select), base, item)
        self._select.outputs.append(output)
        if alias:
            self._scope.name(alias, output)

    def _expression(self, node: exp.Expr, clause: Clause) -> None:
        for part in expression(node):
            if isinstance(part, exp.Column):
                self._column(part, clause)
            elif is_query(part):
                self._subquery(part, clause)
            elif isinstance(part, exp.Star) and not isinstance(part.parent, exp.Column | exp.Count):
                # COUNT(*) counts rows; any other function takes every column in the place of its *.
                outputs = tuple(output for relation in self._scope.shown() for output in relation.columns)
                if outputs:
                    self._resolution.references[id(part)] = Reference(outputs, None, self._select)

    def _column(self, column: exp.Column, clause: Clause) -> None:
        if isinstance(column.this, exp.Star):
            relation = self._scope.relation(column)
            outputs = tuple(relation.columns)
            self._resolution.references[id(column)] = Reference(outputs, relation, self._select)
            return
        found = self._scope.find(column, clause) or self._scope.find_outside(column)
        self._resolution.references[id(column)] = found
        self._select.columns.append((clause, column))

    def _subquery(self, node: exp.Expr, clause: Clause) -> None:
        query = self._queries.query(node, "subquery", self._ctes, outer=self._select)
        self._select.subqueries.append((clause, query))
        if query.refers_out:
            if clause == "on":
                refuse_correlation("it stands in ON", query.refers_out[0])
            if clause == "group":
                refuse_correlation("nothing can be grouped by its result", query.refers_out[0])
            for window in query.node.find_all(exp.Window):
                refuse_correlation("it has a window function", window)
        if isinstance(node.parent, exp.In):
            _refuse_grouped_aggregates(query)


def _refuse_grouped_aggregates(query: Query) -> None:
    for select in query.selects:
        if select.node.args.get("group") is None:
            continue
        for item in select.node.expressions:
            for part in expression(item):
                if isinstance(part, exp.AggFunc) and not isinstance(part, exp.Min | exp.Max):
                    refuse_correlation("behind IN it can't aggregate and group", part)
