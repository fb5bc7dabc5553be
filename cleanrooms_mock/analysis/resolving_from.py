"""Finding out what a FROM reads: tables, CTEs, cached and derived tables, arrays that are unnested, and how they are joined."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from sqlglot import exp

from cleanrooms_mock.analysis.names import Base, Clause, Output, Query, Relation, Resolution, Role, Select, bare
from cleanrooms_mock.analysis.naming import refuse_qualified_name, refuse_unknown_column, refuse_unknown_table
from cleanrooms_mock.analysis.refusals import malformed
from cleanrooms_mock.analysis.scope import Scope


class Queries(Protocol):
    """The queries of one text, each of which is resolved where a SELECT comes by it.

    :ivar cached: those of CACHE TABLEs, by their names in lower case.
    """

    resolution: Resolution
    cached: dict[str, Query]

    def query(
        self, node: exp.Expr, role: Role, ctes: Mapping[str, Query], *, name: str = "", outer: Select | None = None
    ) -> Query:
        """Resolve a query.

        :param ctes: what WITH has named around it.
        """


class FromResolver:
    """Resolves the FROM of one SELECT, from left to right."""

    def __init__(
        self, queries: Queries, scope: Scope, ctes: Mapping[str, Query], expression: Callable[[exp.Expr, Clause], None]
    ) -> None:
        """:param expression: resolves an expression, for those in ON."""
        self._queries = queries
        self._scope = scope
        self._ctes = ctes
        self._expression = expression

    def join(self, join: exp.Join) -> None:
        """Add what a JOIN brings."""
        before = set(self._scope.column_names)
        relations = self._scope.select.relations
        first = len(relations)
        self.member(join.this, join)
        new = relations[first:]
        if join.args.get("method") == "NATURAL":
            shared = [name for relation in new for name in relation.outputs if name in before]
            self._scope.merge(join, dict.fromkeys(shared), new)
        elif join.args.get("using"):
            names: dict[str, None] = {}
            for identifier in join.args["using"]:
                name = identifier.name.lower()
                if name not in before or not any(name in relation.outputs for relation in new):
                    refuse_unknown_column(name, identifier, (relation.name for relation in relations))
                names[name] = None
            self._scope.merge(join, names, new)
        on = join.args.get("on")
        if on is not None:
            self._expression(on, "on")
        if join.kind in ("SEMI", "ANTI"):
            self._scope.hide(new)

    def member(self, node: exp.Expr, join: exp.Join | None) -> None:
        """Add what one member of FROM brings: a relation, or several in brackets."""
        if isinstance(node, exp.Subquery) and isinstance(bare(node), exp.Table):
            if node.alias:
                raise malformed("Joined tables in brackets can't have an alias", node)
            self.member(node.this, join)
        elif isinstance(node, exp.Table) and not isinstance(node.this, exp.Func):
            self._scope.add(self._table(node, join))
        elif isinstance(node, exp.Subquery | exp.Values):
            name = node.alias.lower()
            query = self._queries.query(node, "derived", self._ctes, name=name)
            # Of VALUES the alias belongs to the query itself, which has named its columns already.
            outputs = (
                renamed(query.outputs, node.args.get("alias")) if isinstance(node, exp.Subquery) else query.outputs
            )
            self._scope.add(Relation(name, node, outputs, query=query, join=join))
        elif (unnested := _unnested(node)) is not None:
            self._unnest(*unnested, node, join)
        else:
            raise malformed(f"{node.key.upper()} can't stand in FROM", node)
        for inner in node.args.get("joins") or ():
            self.join(inner)

    def _table(self, node: exp.Table, join: exp.Join | None) -> Relation:
        own = ".".join(part.name for part in node.parts).lower()
        alias = node.alias.lower()
        query = self._ctes.get(own) if len(node.parts) == 1 else None
        query = query or self._queries.cached.get(own)
        if query is not None:
            outputs = renamed(query.outputs, node.args.get("alias"))
            return Relation(alias or own, node, outputs, query=query, join=join)
        table = self._queries.resolution.tables.get(own) if len(node.parts) == 1 else None
        if table is not None:
            columns = [
                Output(name, frozenset((Base(table, name),)), Base(table, name))
                for name in map(str.lower, table.columns)
            ]
            outputs = renamed(columns, node.args.get("alias"))
            return Relation(alias or own, node, outputs, table=table, join=join)
        if len(node.parts) > 1:
            found = self._scope.column_of(node.parts)
            if found is not None:
                index = node.args.get("ordinality")
                index = index.name.lower() if isinstance(index, exp.Identifier) else None
                return _opened(alias or node.parts[-1].name.lower(), found, node, join, index)
            refuse_qualified_name(own, node)
        return refuse_unknown_table(own, node)

    def _unnest(self, path: exp.Column, alias: str, index: str | None, node: exp.Expr, join: exp.Join | None) -> None:
        found = self._scope.column_of(path.parts)
        if found is None:
            refuse_qualified_name(".".join(part.name for part in path.parts), path)
        self._scope.add(_opened(alias or path.parts[-1].name.lower(), found, node, join, index))


def _opened(alias: str, column: Output, node: exp.Expr, join: exp.Join | None, index: str | None) -> Relation:
    """Return the elements of a column as a relation."""
    element = Output(alias, column.origins)
    position = [Output(index, frozenset())] if index else []
    return Relation(alias, node, [element, *position], join=join, opened=element)


def _unnested(node: Any) -> tuple[exp.Column, str, str | None] | None:
    """Return the column, the alias and the name of the index of what is unnested, as in ``o.lines AS l AT i``."""
    index = None
    if isinstance(node, exp.AtIndex):
        index, node = node.expression.name.lower(), node.this
    alias = ""
    if isinstance(node, exp.Alias):
        alias, node = node.alias.lower(), node.this
    return (node, alias, index) if isinstance(node, exp.Column) and len(node.parts) > 1 else None


def renamed(outputs: list[Output], alias: exp.Expr | None) -> list[Output]:
    """Return columns under the names that an alias such as ``AS t(a, b)`` gives them.

    :raises Refusal: if it names more or fewer than there are.
    """
    names = [] if alias is None else alias.args.get("columns") or []
    if not names:
        return outputs
    if len(names) != len(outputs):
        raise malformed(f"An alias names {len(names)} columns of {len(outputs)}", alias)
    return [
        Output(name.name.lower(), output.origins, output.base, output.item, output.passes)
        for name, output in zip(names, outputs, strict=True)
    ]
