"""What a SELECT reads: the relations in its FROM, and how they are joined."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import count

from sqlglot import exp

from cleanrooms_mock.analysis.engines.data_types import INT, Type, name_of
from cleanrooms_mock.analysis.engines.translation import arithmetic
from cleanrooms_mock.analysis.engines.translation.casts import unified
from cleanrooms_mock.analysis.engines.translation.expressions import Expressions
from cleanrooms_mock.analysis.engines.translation.ordering import is_modified
from cleanrooms_mock.analysis.engines.translation.outputs import Output, Query, renamed
from cleanrooms_mock.analysis.engines.translation.scopes import Column, Relation, Scope
from cleanrooms_mock.analysis.refusals import malformed

#: The CTEs in sight, by name in lower case: what each is called in DuckDB, and its columns.
Ctes = Mapping[str, tuple[str, Sequence[Output]]]


class Tables:
    """The tables that the queries of one analysis read.

    :ivar columns_of: tells the columns of a table by its name in lower case.
    :ivar read: the tables that are read, in lower case, each by its alias in the text.
    """

    def __init__(self, columns_of: Callable[[str], Sequence[Output]]) -> None:
        self.columns_of = columns_of
        self.read: dict[str, str] = {}
        self._numbers = count()

    def number(self) -> int:
        """Return a number that no name in the text has yet."""
        return next(self._numbers)

    def alias(self) -> str:
        """Return an alias for a relation."""
        return f"r{self.number()}"


class From:
    """Translates the FROM of one SELECT."""

    def __init__(
        self, tables: Tables, ctes: Ctes, expressions: Expressions, query: Callable[[exp.Expr], Query]
    ) -> None:
        """:param expressions: of the SELECT, to whose scope the relations are added.
        :param query: translates a query that is a relation.
        """
        self._tables = tables
        self._ctes = ctes
        self._expressions = expressions
        self._context = expressions.context
        self._scope = expressions.scope
        self._query = query

    def text(self, node: exp.Select) -> str:
        """Return FROM with all its joins and a blank before it, or nothing if there is none."""
        from_ = node.args.get("from_")
        if from_ is None:
            return ""
        joins = [*(from_.this.args.get("joins") or ()), *(node.args.get("joins") or ())]
        return f" FROM {self._joined(self._relation(from_.this), joins)}"

    def _joined(self, text: str, joins: Sequence[exp.Join]) -> str:
        for join in joins:
            text = self._join(text, join)
            nested = join.this.args.get("joins") if isinstance(join.this, exp.Table) else None
            if nested:
                text = self._joined(text, nested)
        return text

    def _join(self, left: str, join: exp.Join) -> str:
        unnested = self._unnested(join.this)
        if unnested is not None:
            return f"{left} CROSS JOIN LATERAL {unnested}"
        scope = self._scope
        before, relations = list(scope.star), len(scope.relations)
        right = self._relation(join.this)
        added = scope.star[len(before) :]
        side, kind = join.side.upper(), join.kind.upper()
        keys = [identifier.name for identifier in join.args.get("using") or ()]
        if join.method.upper() == "NATURAL":
            names = [column.name.lower() for column in added]
            keys = [column.name for column in before if column.name.lower() in names]
        condition = self._condition(join, before, added, keys)
        if keys:
            scope.star = self._merged(before, added, keys, side)
        if kind in ("SEMI", "ANTI"):
            scope.star = before
            del scope.relations[relations:]
            return f"{left} {kind} JOIN {right} ON {condition or 'true'}"
        if condition is None:
            word = f"{side} JOIN" if side else "CROSS JOIN"
            return f"{left} {word} {right}{' ON true' if side else ''}"
        return f"{left} {side or 'INNER'} JOIN {right} ON {condition}"

    def _condition(self, join: exp.Join, left: list[Column], right: list[Column], keys: list[str]) -> str | None:
        if keys:
            return " AND ".join(
                arithmetic.padded_comparison(self._context, "=", _named(left, key).value, _named(right, key).value).sql
                for key in keys
            )
        on = join.args.get("on")
        return None if on is None else self._expressions.whole_condition(on)

    def _merged(self, left: list[Column], right: list[Column], keys: list[str], side: str) -> list[Column]:
        """Return what ``*`` means once USING or NATURAL has made one column of two."""
        merged = []
        for key in keys:
            one, other = _named(left, key), _named(right, key)
            if side == "FULL":
                (x, y), type_ = unified(self._context, [one.value, other.value], "USING")
                merged.append(Column(one.name, f"coalesce({x.sql}, {y.sql})", type_))
            else:
                merged.append(other if side == "RIGHT" else one)
        folded = {key.lower() for key in keys}
        return merged + [column for column in (*left, *right) if column.name.lower() not in folded]

    def _relation(self, node: exp.Expr) -> str:
        """Return a relation as a text, and add it to the scope."""
        alias = self._tables.alias()
        if isinstance(node, exp.Table):
            if isinstance(node.this, exp.Func) or len(node.parts) == 0:
                raise malformed("The query can't be carried out: the engine has no table functions", node)
            name = ".".join(part.name for part in node.parts).lower()
            if name in self._ctes:
                table, columns = self._ctes[name]
            else:
                table, columns = name_of(name), self._tables.columns_of(name)
                self._tables.read[alias] = name
            called = node.alias or node.parts[-1].name
            add(self._scope, called.lower(), renamed(columns, node.args.get("alias")), alias)
            return f"{table} AS {alias}"
        if isinstance(node, exp.Subquery) and isinstance(node.this, exp.Table) and not node.alias:
            inner = node.this
            return f"({self._joined(self._relation(inner), inner.args.get('joins') or ())})"
        if isinstance(node, exp.Subquery | exp.Values):
            bare = node.this if isinstance(node, exp.Subquery) and not is_modified(node) else node
            query = self._query(bare)
            add(self._scope, node.alias.lower() or None, renamed(query.columns, node.args.get("alias")), alias)
            return f"({query.sql}) AS {alias}"
        raise malformed(f"The query can't be carried out: the engine has no {node.key.upper()} in FROM", node)

    def _unnested(self, node: exp.Expr) -> str | None:
        """Return the elements of an array that is a column of a relation before, as in ``FROM orders o, o.lines l``."""
        if not isinstance(node, exp.Table) or isinstance(node.this, exp.Func):
            return None
        parts = [part.name for part in node.parts]
        if not any(
            relation.name == parts[0].lower() and (len(parts) > 1 or relation.is_unnested)
            for relation in self._scope.relations
        ):
            return None
        value = self._expressions.path(parts)
        called = node.alias or parts[-1]
        alias = self._tables.alias()
        if value.type.name == "array":
            listed, element = value.sql, value.type.parts[0]
        elif value.type.name == "map":
            listed = f"map_entries({value.sql})"
            element = Type("struct", parts=value.type.parts, fields=("key", "value"))
        else:
            raise malformed(f"The query is invalid: {'.'.join(parts)} is no array", node)
        alias_ = node.args.get("alias")
        index = alias_.columns[1].name if alias_ is not None and len(alias_.columns) > 1 else None
        columns = [Column(called, f'{alias}."e"', element)]
        if index is not None:
            columns.append(Column(index, f'{alias}."i"', INT))
        self._scope.add(Relation(called.lower(), columns, True))
        return f"(SELECT unnest({listed}) AS e, CAST(generate_subscripts({listed}, 1) - 1 AS INTEGER) AS i) AS {alias}"


def add(scope: Scope, name: str | None, columns: Sequence[Output], alias: str) -> None:
    """Bring the columns of a query or table into sight.

    :param name: of the relation, in lower case.
    :param alias: what DuckDB calls it.
    """
    found = [
        Column(column.name or column.key, f"{alias}.{name_of(column.key)}", column.type, column.width)
        for column in columns
    ]
    scope.add(Relation(name, found))


def _named(columns: Sequence[Column], name: str) -> Column:
    matches = [column for column in columns if column.name.lower() == name.lower()]
    if len(matches) != 1:
        raise malformed(
            f"The query is invalid: {name} is {'no' if not matches else 'more than one'} column of a table joined by it"
        )
    return matches[0]
