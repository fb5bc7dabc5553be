"""Queries: WITH, set operators, VALUES, and what is in brackets."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlglot import exp

from cleanrooms_mock.analysis.engines.data_types import Type, in_duckdb, name_of
from cleanrooms_mock.analysis.engines.translation.casts import cast, common_type, unified
from cleanrooms_mock.analysis.engines.translation.expressions import Expressions
from cleanrooms_mock.analysis.engines.translation.from_clause import Ctes, From, Tables, add
from cleanrooms_mock.analysis.engines.translation.ordering import is_modified, tail
from cleanrooms_mock.analysis.engines.translation.outputs import Output, Query, renamed
from cleanrooms_mock.analysis.engines.translation.scopes import Scope
from cleanrooms_mock.analysis.engines.translation.selects import clauses_exist, select
from cleanrooms_mock.analysis.engines.translation.values import Context
from cleanrooms_mock.analysis.refusals import malformed

_SET_OPERATORS: dict[type, str] = {exp.Union: "UNION", exp.Except: "EXCEPT", exp.Intersect: "INTERSECT"}


class Queries:
    """Translates queries.

    :ivar tables: those that they read.
    """

    def __init__(self, context: Context, columns_of: Callable[[str], Sequence[Output]]) -> None:
        """:param columns_of: tells the columns of a table by its name in lower case."""
        self._context = context
        self.tables = Tables(columns_of)

    def query(self, node: exp.Expr, outer: Scope | None = None, ctes: Ctes | None = None) -> Query:
        """Translate a query.

        :param outer: what its expressions see of the query around it.
        :param ctes: the CTEs in sight, by name in lower case.
        """
        ctes = dict(ctes or {})
        prefix = self._with(node, outer, ctes)
        if isinstance(node, exp.Subquery):
            found = self.query(node.this, outer, ctes)
            found = self._ordered(node, Query(f"({found.sql})", found.columns), outer, ctes)
        elif isinstance(node, exp.Select):
            found = self._select(node, outer, ctes)
        elif isinstance(node, exp.SetOperation):
            found = self._ordered(node, self._set_operation(node, outer, ctes), outer, ctes)
        elif isinstance(node, exp.Values):
            found = self._ordered(node, self._values(node, outer, ctes), outer, ctes)
        elif isinstance(node, exp.Table):
            found = self._select(exp.Select(expressions=[exp.Star()], from_=exp.From(this=node)), outer, ctes)
        else:
            raise malformed(f"The query can't be carried out: the engine has no {node.key.upper()}", node)
        return Query(prefix + found.sql, found.columns)

    def _with(self, node: exp.Expr, outer: Scope | None, ctes: dict[str, tuple[str, Sequence[Output]]]) -> str:
        with_ = node.args.get("with_")
        if with_ is None:
            return ""
        if with_.args.get("recursive"):
            raise malformed("The query can't be carried out: the engine has no WITH RECURSIVE", node)
        texts = []
        for cte in with_.expressions:
            query = self.query(cte.this, outer, ctes)
            name = f"c{self.tables.number()}"
            columns = renamed(query.columns, cte.args.get("alias"))
            texts.append(f"{name} AS ({query.sql})")
            ctes[cte.alias.lower()] = name, columns
        return f"WITH {', '.join(texts)} "

    # Set operators and VALUES

    def _set_operation(self, node: exp.SetOperation, outer: Scope | None, ctes: Ctes) -> Query:
        """Translate a chain of set operators from its left end."""
        chain: list[exp.SetOperation] = []
        first: exp.Expr = node
        while isinstance(first, exp.SetOperation) and (first is node or not is_modified(first)):
            chain.append(first)
            first = first.this
        found = self.query(first, outer, ctes)
        for link in reversed(chain):
            right = self.query(link.expression, outer, ctes)
            found = self._combined(link, found, right)
        return found

    def _combined(self, node: exp.SetOperation, left: Query, right: Query) -> Query:
        if len(left.columns) != len(right.columns):
            raise malformed(
                f"The query is invalid: {node.key.upper()} joins queries with {len(left.columns)} and {len(right.columns)} columns",
                node,
            )
        types = []
        for number, (one, other) in enumerate(zip(left.columns, right.columns, strict=True), 1):
            type_ = common_type(one.type, other.type)
            if type_ is None:
                raise malformed(
                    f"The query is invalid: column {number} of {node.key.upper()} is {one.type} on one side and {other.type} on the other",
                    node,
                )
            types.append(type_)
        operator = _SET_OPERATORS[type(node)] + ("" if node.args.get("distinct") else " ALL")
        columns = [column._replace(type=type_) for column, type_ in zip(left.columns, types, strict=True)]
        keys = [column.key for column in columns]
        sql = f"(({self._as(left, types, keys)}) {operator} ({self._as(right, types, keys)}))"
        return Query(f"SELECT * FROM {sql} {self.tables.alias()}", columns)

    def _as(self, query: Query, types: Sequence[Type], keys: Sequence[str]) -> str:
        """Return a query whose columns are cast to types."""
        if all(column.type == type_ for column, type_ in zip(query.columns, types, strict=True)):
            return query.sql
        alias = self.tables.alias()
        items = (
            f"{cast(self._context, value, type_).sql} AS {name_of(key)}"
            for value, type_, key in zip(query.columns_of(alias), types, keys, strict=True)
        )
        return f"SELECT {', '.join(items)} FROM ({query.sql}) {alias}"

    def _values(self, node: exp.Values, outer: Scope | None, ctes: Ctes) -> Query:
        expressions = self._expressions(Scope(outer), ctes)
        rows = [
            expressions.values(row.expressions if isinstance(row, exp.Tuple) else [row]) for row in node.expressions
        ]
        if len({len(row) for row in rows}) != 1:
            raise malformed("The query is invalid: the rows of VALUES differ in their number of columns", node)
        columns, outputs = [], []
        for number, column in enumerate(zip(*rows, strict=True), 1):
            values, type_ = unified(self._context, column, "VALUES")
            columns.append([f"CAST({value.sql} AS {in_duckdb(type_)})" for value in values])
            outputs.append(Output(f"col{number}", f"col{number}", type_))
        texts = (f"({', '.join(row)})" for row in zip(*columns, strict=True))
        names = ", ".join(name_of(output.key) for output in outputs)
        return Query(f"SELECT * FROM (VALUES {', '.join(texts)}) {self.tables.alias()}({names})", outputs)

    def _ordered(self, node: exp.Expr, query: Query, outer: Scope | None, ctes: Ctes) -> Query:
        """Add ORDER BY, LIMIT and OFFSET to what isn't a SELECT."""
        if not is_modified(node):
            return query
        alias = self.tables.alias()
        scope = Scope(outer)
        add(scope, None, query.columns, alias)
        ordered = tail(node, self._expressions(scope, ctes), len(query.columns), {})
        return Query(f"SELECT * FROM ({query.sql}) {alias}{ordered}", query.columns)

    # SELECT

    def _select(self, node: exp.Select, outer: Scope | None, ctes: Ctes) -> Query:
        clauses_exist(node)
        expressions = self._expressions(Scope(outer), ctes)
        reads = From(self.tables, ctes, expressions, lambda inner: self.query(inner, outer, ctes))
        return select(node, expressions, reads.text(node))

    def _expressions(self, scope: Scope, ctes: Ctes) -> Expressions:
        return Expressions(self._context, scope, lambda node: self.query(node, scope, ctes))
