"""SELECTs and what joins them: relations, clauses and set operators."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any, NamedTuple

from sqlglot import exp

from cleanrooms_mock.analysis.engines.data_types import INT, Type, in_duckdb, name_of
from cleanrooms_mock.analysis.engines.translation import arithmetic
from cleanrooms_mock.analysis.engines.translation.casts import cast, common_type, unified
from cleanrooms_mock.analysis.engines.translation.expressions import Expressions
from cleanrooms_mock.analysis.engines.translation.scopes import Column, Relation, Scope
from cleanrooms_mock.analysis.engines.translation.values import Context, Value
from cleanrooms_mock.analysis.refusals import malformed


class Output(NamedTuple):
    """A column that a query or table gives.

    :ivar name: what Spark calls it; ``None`` if it has no name of its own.
    :ivar key: what DuckDB does, unlike any other of the same query.
    """

    name: str | None
    key: str
    type: Type


@dataclass(frozen=True, slots=True)
class Query:
    """A query of DuckDB's."""

    sql: str
    columns: Sequence[Output]

    def columns_of(self, alias: str) -> list[Value]:
        """Return its columns as seen from outside, under an alias."""
        return [Value(f"{alias}.{name_of(column.key)}", column.type) for column in self.columns]

    def column(self, alias: str) -> Value:
        """Return its only column as seen from outside.

        :raises Refusal: if it has several.
        """
        if len(self.columns) != 1:
            raise malformed(f"The query is invalid: a subquery gives {len(self.columns)} columns where one is wanted")
        return self.columns_of(alias)[0]


Ctes = Mapping[str, tuple[str, Sequence[Output]]]
_SET_OPERATORS: dict[type, str] = {exp.Union: "UNION", exp.Except: "EXCEPT", exp.Intersect: "INTERSECT"}


class Queries:
    """Translates queries.

    :ivar tables: the tables that are read, in lower case, each by its alias in the text.
    """

    def __init__(self, context: Context, table: Callable[[str], Sequence[Output]]) -> None:
        self._context = context
        self._table = table
        self._numbers = count()
        self.tables: dict[str, str] = {}

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
            name = f"c{next(self._numbers)}"
            columns = _renamed(query.columns, cte.args.get("alias"))
            texts.append(f"{name} AS ({query.sql})")
            ctes[cte.alias.lower()] = name, columns
        return f"WITH {', '.join(texts)} "

    # Set operators and VALUES

    def _set_operation(self, node: exp.SetOperation, outer: Scope | None, ctes: Ctes) -> Query:
        """Translate a chain of set operators from its left end."""
        chain: list[exp.SetOperation] = []
        first: exp.Expr = node
        while isinstance(first, exp.SetOperation) and (first is node or not _has_modifiers(first)):
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
        return Query(f"SELECT * FROM {sql} {self._alias()}", columns)

    def _as(self, query: Query, types: Sequence[Type], keys: Sequence[str]) -> str:
        """Return a query whose columns are cast to types."""
        if all(column.type == type_ for column, type_ in zip(query.columns, types, strict=True)):
            return query.sql
        alias = self._alias()
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
        return Query(f"SELECT * FROM (VALUES {', '.join(texts)}) {self._alias()}({names})", outputs)

    def _ordered(self, node: exp.Expr, query: Query, outer: Scope | None, ctes: Ctes) -> Query:
        """Add ORDER BY, LIMIT and OFFSET to what isn't a SELECT."""
        if not _has_modifiers(node):
            return query
        alias = self._alias()
        scope = Scope(outer)
        _add(scope, None, [column._replace(key=column.key) for column in query.columns], alias)
        tail = self._tail(node, self._expressions(scope, ctes), len(query.columns), {})
        return Query(f"SELECT * FROM ({query.sql}) {alias}{tail}", query.columns)

    # SELECT

    def _select(self, node: exp.Select, outer: Scope | None, ctes: Ctes) -> Query:
        for clause in ("laterals", "pivots", "match", "qualify", "cluster", "distribute", "sort", "into", "sample"):
            if node.args.get(clause):
                raise malformed(f"The query can't be carried out: the engine has no {clause.upper()}", node)
        scope = Scope(outer)
        expressions = self._expressions(scope, ctes)
        from_ = self._from(node, scope, expressions, ctes)
        where = node.args.get("where")
        parts = [] if where is None else [f"WHERE {expressions.whole_condition(where.this)}"]
        expressions.windows = {window.name.lower(): window for window in node.args.get("windows") or ()}
        items = self._items(node, expressions)
        outputs = _outputs(items)
        group = node.args.get("group")
        if group is not None:
            parts.append(self._group(group, expressions, items))
        having = node.args.get("having")
        if having is not None:
            parts.append(f"HAVING {expressions.whole_condition(having.this)}")
        distinct = node.args.get("distinct")
        if distinct is not None and distinct.args.get("on") is not None:
            raise malformed("The query can't be carried out: the engine has no DISTINCT ON", node)
        scope.aliases_first = True
        selected = {value.sql: number for number, (_, value) in reversed(list(enumerate(items, 1)))}
        parts.append(self._tail(node, expressions, len(items), selected))
        listed = ", ".join(
            f"{value.sql} AS {name_of(output.key)}" for (_, value), output in zip(items, outputs, strict=True)
        )
        sql = f"SELECT {'DISTINCT ' if distinct is not None else ''}{listed}{from_} {' '.join(filter(None, parts))}"
        return Query(sql.rstrip(), outputs)

    def _expressions(self, scope: Scope, ctes: Ctes) -> Expressions:
        return Expressions(self._context, scope, lambda node, within: self.query(node, within, ctes))

    def _alias(self) -> str:
        return f"r{next(self._numbers)}"

    def _items(self, node: exp.Select, expressions: Expressions) -> list[tuple[str | None, Value]]:
        found: list[tuple[str | None, Value]] = []
        scope = expressions.scope
        for item in node.expressions:
            bare = item.unalias()
            if isinstance(bare, exp.Star):
                found += [(column.name, Value(column.sql, column.type)) for column in _starred(bare, scope.star)]
            elif isinstance(bare, exp.Column) and isinstance(bare.this, exp.Star):
                columns = scope.columns_of(bare.table)
                if columns is None:
                    raise malformed(f"The query is invalid: there is no table {bare.table}", item)
                found += [(column.name, Value(column.sql, column.type)) for column in _starred(bare.this, columns)]
            else:
                value = expressions.whole(bare)
                name = item.alias or _own_name(bare)
                found.append((name, value))
                if item.alias:
                    scope.aliases.setdefault(item.alias.lower(), value._replace(constant=value.constant))
        if not found:
            raise malformed("The query is invalid: it selects nothing", node)
        return found

    def _group(self, group: exp.Group, expressions: Expressions, items: list[tuple[str | None, Value]]) -> str:
        def grouped(node: exp.Expr) -> str:
            inner = node.unnest()
            if isinstance(inner, exp.Rollup | exp.Cube):
                return f"{inner.key.upper()} ({', '.join(map(grouped, inner.expressions))})"
            if isinstance(inner, exp.GroupingSets):
                return f"GROUPING SETS ({', '.join(self._grouping_set(one, grouped) for one in inner.expressions)})"
            if isinstance(inner, exp.Literal) and not inner.is_string and inner.name.isdigit():
                return items[_ordinal(inner, len(items)) - 1][1].sql
            if isinstance(inner, exp.Tuple):
                return f"({', '.join(map(grouped, inner.expressions))})"
            return expressions.whole(node).sql

        if group.args.get("all"):
            return "GROUP BY ALL"
        texts = [grouped(node) for node in group.expressions]
        for word in ("rollup", "cube"):
            if group.args.get(word):
                # GROUP BY a, b WITH ROLLUP
                texts = [f"{word.upper()} ({', '.join(texts)})"]
        return f"GROUP BY {', '.join(texts)}"

    def _grouping_set(self, node: exp.Expr, grouped: Callable[[exp.Expr], str]) -> str:
        if isinstance(node, exp.Rollup | exp.Cube):
            return f"{node.key.upper()} ({', '.join(map(grouped, node.expressions))})"
        if isinstance(node, exp.Tuple):
            return f"({', '.join(map(grouped, node.expressions))})"
        return f"({grouped(node.unnest())})"

    def _tail(self, node: exp.Expr, expressions: Expressions, width: int, selected: Mapping[str, int]) -> str:
        """Return ORDER BY, LIMIT and OFFSET.

        :param width: the number of selected columns.
        :param selected: the number of each by its text.
        """
        parts = []
        order = node.args.get("order")
        if order is not None:
            parts.append(
                f"ORDER BY {', '.join(self._ordering(one, expressions, width, selected) for one in order.expressions)}"
            )
        limit, offset = node.args.get("limit"), node.args.get("offset")
        if limit is not None and limit.expression.name.upper() != "ALL":
            parts.append(f"LIMIT {self._number(limit.expression, expressions)}")
        if offset is not None:
            parts.append(f"OFFSET {self._number(offset.expression, expressions)}")
        return f" {' '.join(parts)}" if parts else ""

    def _ordering(self, node: exp.Expr, expressions: Expressions, width: int, selected: Mapping[str, int]) -> str:
        inner = node.this if isinstance(node, exp.Ordered) else node
        if isinstance(inner, exp.Literal) and not inner.is_string and inner.name.isdigit():
            text = str(_ordinal(inner, width))
        else:
            sql = expressions.whole(inner).sql
            text = str(selected[sql]) if sql in selected else sql
        return text + direction(node)

    def _number(self, node: exp.Expr, expressions: Expressions) -> str:
        value = expressions(node)
        if value.type != INT:
            raise malformed("The query is invalid: LIMIT and OFFSET take an integer", node)
        return value.sql

    # FROM

    def _from(self, node: exp.Select, scope: Scope, expressions: Expressions, ctes: Ctes) -> str:
        from_ = node.args.get("from_")
        if from_ is None:
            return ""
        text = self._relation(from_.this, scope, expressions, ctes)
        return f" FROM {self._joined(text, [*(from_.this.args.get('joins') or ()), *(node.args.get('joins') or ())], scope, expressions, ctes)}"

    def _joined(self, text: str, joins: Sequence[exp.Join], scope: Scope, expressions: Expressions, ctes: Ctes) -> str:
        for join in joins:
            text = self._join(text, join, scope, expressions, ctes)
            nested = join.this.args.get("joins") if isinstance(join.this, exp.Table) else None
            if nested:
                text = self._joined(text, nested, scope, expressions, ctes)
        return text

    def _join(self, left: str, join: exp.Join, scope: Scope, expressions: Expressions, ctes: Ctes) -> str:
        unnested = self._unnested(join.this, scope, expressions)
        if unnested is not None:
            return f"{left} CROSS JOIN LATERAL {unnested}"
        before, relations = list(scope.star), len(scope.relations)
        right = self._relation(join.this, scope, expressions, ctes)
        added = scope.star[len(before) :]
        side, kind = join.side.upper(), join.kind.upper()
        keys = [identifier.name for identifier in join.args.get("using") or ()]
        if join.method.upper() == "NATURAL":
            names = [column.name.lower() for column in added]
            keys = [column.name for column in before if column.name.lower() in names]
        condition = self._condition(join, before, added, keys, expressions)
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

    def _condition(
        self, join: exp.Join, left: list[Column], right: list[Column], keys: list[str], expressions: Expressions
    ) -> str | None:
        if keys:
            return " AND ".join(
                arithmetic.comparison(self._context, "=", _value(_named(left, key)), _value(_named(right, key))).sql
                for key in keys
            )
        on = join.args.get("on")
        return None if on is None else expressions.whole_condition(on)

    def _merged(self, left: list[Column], right: list[Column], keys: list[str], side: str) -> list[Column]:
        """Return what ``*`` means once USING or NATURAL has made one column of two."""
        merged = []
        for key in keys:
            one, other = _named(left, key), _named(right, key)
            if side == "FULL":
                (x, y), type_ = unified(self._context, [_value(one), _value(other)], "USING")
                merged.append(Column(one.name, f"coalesce({x.sql}, {y.sql})", type_))
            else:
                merged.append(other if side == "RIGHT" else one)
        folded = {key.lower() for key in keys}
        return merged + [column for column in (*left, *right) if column.name.lower() not in folded]

    def _relation(self, node: exp.Expr, scope: Scope, expressions: Expressions, ctes: Ctes) -> str:
        """Return a relation of a FROM as a text, and add it to the scope."""
        alias = self._alias()
        if isinstance(node, exp.Table):
            if isinstance(node.this, exp.Func) or len(node.parts) == 0:
                raise malformed("The query can't be carried out: the engine has no table functions", node)
            name = ".".join(part.name for part in node.parts).lower()
            if name in ctes:
                table, columns = ctes[name]
            else:
                table, columns = name_of(name), self._table(name)
                self.tables[alias] = name
            called = node.alias or node.parts[-1].name
            _add(scope, called.lower(), _renamed(columns, node.args.get("alias")), alias)
            return f"{table} AS {alias}"
        if isinstance(node, exp.Subquery) and isinstance(node.this, exp.Table) and not node.alias:
            inner = node.this
            text = self._relation(inner, scope, expressions, ctes)
            return f"({self._joined(text, inner.args.get('joins') or (), scope, expressions, ctes)})"
        if isinstance(node, exp.Subquery | exp.Values):
            bare = node.this if isinstance(node, exp.Subquery) and not _has_modifiers(node) else node
            query = self.query(bare, scope.outer, ctes)
            _add(scope, node.alias.lower() or None, _renamed(query.columns, node.args.get("alias")), alias)
            return f"({query.sql}) AS {alias}"
        raise malformed(f"The query can't be carried out: the engine has no {node.key.upper()} in FROM", node)

    def _unnested(self, node: exp.Expr, scope: Scope, expressions: Expressions) -> str | None:
        """Return the elements of an array that is a column of a relation before, as in ``FROM orders o, o.lines l``."""
        if not isinstance(node, exp.Table) or isinstance(node.this, exp.Func):
            return None
        parts = [part.name for part in node.parts]
        if not any(
            relation.name == parts[0].lower() and (len(parts) > 1 or relation.is_unnested)
            for relation in scope.relations
        ):
            return None
        value, rest = scope.find(parts)
        for name in rest:
            value = expressions.field(value, name)
        called = node.alias or parts[-1]
        alias = self._alias()
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
        scope.relations.append(Relation(called.lower(), columns, True))
        scope.star += columns
        return f"(SELECT unnest({listed}) AS e, CAST(generate_subscripts({listed}, 1) - 1 AS INTEGER) AS i) AS {alias}"


def direction(node: exp.Expr) -> str:
    """Return in which order to sort, and where NULL goes: first in ascending order unless the text says otherwise."""
    descending = bool(node.args.get("desc")) if isinstance(node, exp.Ordered) else False
    first = node.args.get("nulls_first") if isinstance(node, exp.Ordered) else True
    return f"{' DESC' if descending else ' ASC'} NULLS {'FIRST' if first else 'LAST'}"


def _has_modifiers(node: exp.Expr) -> bool:
    return any(node.args.get(clause) is not None for clause in ("order", "limit", "offset", "with_"))


def _ordinal(node: exp.Expr, width: int) -> int:
    number = int(node.name)
    if not 1 <= number <= width:
        raise malformed(f"The query is invalid: there is no selected column {number}", node)
    return number


def _own_name(node: exp.Expr) -> str | None:
    """Return the name of a column or field."""
    if isinstance(node, exp.Column):
        return node.name
    return node.expression.name if isinstance(node, exp.Dot) else None


def _outputs(items: Sequence[tuple[str | None, Value]]) -> list[Output]:
    taken: set[str] = set()
    found = []
    for number, (name, value) in enumerate(items):
        key = name or f"_c{number}"
        while key.lower() in taken:
            key += "_"
        taken.add(key.lower())
        found.append(Output(name, key, value.type))
    return found


def _renamed(columns: Sequence[Output], alias: Any) -> list[Output]:
    """Return columns with the names of an alias such as ``t(a, b)``."""
    names = [] if not isinstance(alias, exp.TableAlias) else [column.name for column in alias.columns]
    if not names:
        return list(columns)
    if len(names) != len(columns):
        raise malformed(f"The query is invalid: {alias.name} names {len(names)} columns of {len(columns)}")
    return [column._replace(name=name) for column, name in zip(columns, names, strict=True)]


def _add(scope: Scope, name: str | None, columns: Sequence[Output], alias: str) -> None:
    found = [Column(column.name or column.key, f"{alias}.{name_of(column.key)}", column.type) for column in columns]
    scope.relations.append(Relation(name, found))
    scope.star += found


def _starred(star: exp.Star, columns: Sequence[Column]) -> list[Column]:
    excepted = {node.name.lower() for node in star.args.get("except_") or star.args.get("except") or ()}
    return [column for column in columns if column.name.lower() not in excepted]


def _named(columns: Sequence[Column], name: str) -> Column:
    matches = [column for column in columns if column.name.lower() == name.lower()]
    if len(matches) != 1:
        raise malformed(
            f"The query is invalid: {name} is {'no' if not matches else 'more than one'} column of a table joined by it"
        )
    return matches[0]


def _value(column: Column) -> Value:
    return Value(column.sql, column.type)
