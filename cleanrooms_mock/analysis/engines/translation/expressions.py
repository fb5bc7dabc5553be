"""Expressions: from a node of Spark's tree to a text of DuckDB's, with its type."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from sqlglot import exp

from cleanrooms_mock.analysis.engines.data_types import (
    BINARY,
    BOOLEAN,
    DATE,
    DOUBLE,
    INT,
    NULL,
    STRING,
    TIMESTAMP,
    Type,
    decimal,
    in_duckdb,
    plain,
    text_of,
)
from cleanrooms_mock.analysis.engines.translation import arithmetic, intervals
from cleanrooms_mock.analysis.engines.translation.casts import cast, compared_type, implicit, unified
from cleanrooms_mock.analysis.engines.translation.functions import Call, call, is_aggregate
from cleanrooms_mock.analysis.engines.translation.macros import tries
from cleanrooms_mock.analysis.engines.translation.outputs import Query
from cleanrooms_mock.analysis.engines.translation.scopes import Scope
from cleanrooms_mock.analysis.engines.translation.values import Context, Value, wrong_type
from cleanrooms_mock.analysis.refusals import malformed
from cleanrooms_mock.analysis.types import UnsupportedType, parse_type

#: Characters of an expression.
_LONGEST = 500_000
_ARITHMETIC: dict[type, str] = {exp.Add: "+", exp.Sub: "-", exp.Mul: "*", exp.Div: "/", exp.Mod: "%", exp.IntDiv: "DIV"}
_COMPARISONS: dict[type, str] = {
    exp.EQ: "=",
    exp.NEQ: "<>",
    exp.LT: "<",
    exp.LTE: "<=",
    exp.GT: ">",
    exp.GTE: ">=",
    exp.NullSafeEQ: "IS NOT DISTINCT FROM",
    exp.NullSafeNEQ: "IS DISTINCT FROM",
}
#: Nodes that stand for a call with a syntax of its own.
_CALLS: dict[type, tuple[str, tuple[str, ...]]] = {
    exp.Substring: ("SUBSTRING", ("this", "start", "length")),
    exp.StrPosition: ("LOCATE", ("substr", "this", "position")),
    exp.Overlay: ("OVERLAY", ("this", "expression", "from_", "for_")),
    exp.RegexpLike: ("RLIKE", ("this", "expression")),
    exp.Pow: ("POWER", ("this", "expression")),
    exp.CurrentDate: ("CURRENT_DATE", ()),
    exp.CurrentTimestamp: ("CURRENT_TIMESTAMP", ()),
    exp.CurrentDatetime: ("CURRENT_TIMESTAMP", ()),
}


_VOLATILE = frozenset({"RAND", "RANDOM", "RANDN", "UUID", "SHUFFLE"})


def _cannot_be_tried(node: exp.Expr) -> bool:
    if isinstance(node, exp.Anonymous):
        return node.name.upper() in _VOLATILE or is_aggregate(node.name)
    if isinstance(node, exp.In):
        return node.args.get("query") is not None
    return isinstance(
        node,
        exp.Window | exp.WithinGroup | exp.Filter | exp.IgnoreNulls | exp.RespectNulls | exp.Subquery | exp.Exists,
    )


class Expressions:
    """Translates the expressions of one SELECT.

    :ivar scope: the relations in sight.
    :ivar subquery: translates a query within an expression, which sees the scope.
    """

    def __init__(self, context: Context, scope: Scope, subquery: Callable[[exp.Expr, Scope], Query]) -> None:
        self.context = context
        self.scope = scope
        self.subquery = subquery
        self.windows: dict[str, exp.Expr] = {}
        #: The texts of what rows are grouped by.
        self.keys: set[str] = set()
        self._beside: dict[str, str] | None = None
        self._methods: dict[type, Callable[[Any], Value]] = {
            exp.Literal: self._literal,
            exp.RawString: lambda node: Value(text_of(node.this), STRING, node.this),
            exp.Null: lambda node: Value("NULL", NULL, None),
            exp.Boolean: lambda node: Value("true" if node.this else "false", BOOLEAN, bool(node.this)),
            exp.Column: self._column,
            exp.Identifier: self._identifier,
            exp.Dot: self._dot,
            exp.Paren: lambda node: self(node.this),
            exp.Neg: lambda node: arithmetic.negative(self.context, self(node.this)),
            exp.Not: lambda node: Value(f"(NOT {self.condition(node.this)})", BOOLEAN),
            exp.And: self._connected,
            exp.Or: self._connected,
            exp.Is: self._is,
            exp.Between: self._between,
            exp.In: self._in,
            exp.Like: self._like,
            exp.ILike: self._like,
            exp.Escape: self._escape,
            exp.Case: self._case,
            exp.Cast: lambda node: self._cast(node),
            exp.TryCast: lambda node: self._cast(node),
            exp.Extract: self._extract,
            exp.Trim: self._trim,
            exp.Interval: self._interval,
            exp.Bracket: self._bracket,
            exp.DPipe: self._operands,
            exp.Concat: lambda node: call(self, Call("CONCAT", node.expressions, node)),
            exp.Tuple: self._tuple,
            exp.Exists: lambda node: Value(f"EXISTS ({self._query(node.this).sql})", BOOLEAN),
            exp.Subquery: self._scalar,
            exp.Anonymous: lambda node: self._call(node),
            exp.Window: self._call,
            exp.WithinGroup: self._call,
            exp.Filter: self._call,
            exp.IgnoreNulls: self._call,
            exp.RespectNulls: self._call,
            exp.Alias: lambda node: self(node.this),
            **dict.fromkeys(_ARITHMETIC, self._operands),
            **dict.fromkeys(_COMPARISONS, self._compared),
            **dict.fromkeys(_CALLS, self._call_of_its_own),
        }

    def __call__(self, node: exp.Expr) -> Value:
        """Return what a node becomes.

        :raises Refusal: if it is something that can't be translated; the message names it.
        """
        method = self._methods.get(type(node))
        if method is None:
            raise malformed(f"The query can't be carried out: the engine has no {node.key.upper()}", node)
        beside = self._beside
        if beside is None:
            return _bounded(method(node), node)
        self._beside = None
        value = _bounded(method(node), node)
        self._beside = beside
        if not (_cannot_be_tried(node) or isinstance(node, exp.Column) or value.sql in self.keys):
            return _bounded(method(node), node)
        name = f"v{len(beside)}"
        beside[name] = value.sql
        return Value(f"beside['{name}']", value.type)

    def whole(self, node: exp.Expr) -> Value:
        """Return what a node becomes that isn't part of another expression.

        DuckDB's TRY holds no aggregates, windows, subqueries or random values, nor safely what rows are grouped by: these are made beside it and
        passed in, with the columns, which a lambda can't always reach.
        """
        value = self(node)
        if not tries(value.sql) or not (self.keys or any(map(_cannot_be_tried, node.walk()))):
            return value
        beside: dict[str, str] = {}
        self._beside = beside
        try:
            value = self(node)
        finally:
            self._beside = None
        made = ", ".join(f"{name} := {sql}" for name, sql in beside.items())
        return Value(f"list_transform([struct_pack({made})], lambda beside: {value.sql})[1]", value.type)

    def condition(self, node: exp.Expr) -> str:
        """Return a node as a condition."""
        return self._as_condition(self(node))

    def whole_condition(self, node: exp.Expr) -> str:
        """Return a node as a condition that isn't part of another expression."""
        return self._as_condition(self.whole(node))

    def _as_condition(self, value: Value) -> str:
        return implicit(self.context, value, BOOLEAN, "a condition").sql

    def values(self, nodes: list[exp.Expr]) -> list[Value]:
        return [self(node) for node in nodes]

    # Names and literals

    def _literal(self, node: exp.Literal) -> Value:
        text = node.this
        if node.is_string:
            return Value(text_of(text), STRING, text)
        if "e" in text.lower():
            return Value(f"CAST({text} AS DOUBLE)", DOUBLE, float(text))
        if "." not in text:
            number = int(text)
            for name, limit in (("int", 2**31), ("bigint", 2**63)):
                if number < limit:
                    type_ = Type(name)
                    return Value(f"CAST({number} AS {in_duckdb(type_)})", type_, number)
        exact = Decimal(text)
        digits, scale = len(exact.as_tuple().digits), max(-int(exact.as_tuple().exponent), 0)
        type_ = decimal(max(digits, scale), scale)
        if type_.precision > 38:
            return Value(f"CAST({text_of(text)} AS DOUBLE)", DOUBLE, float(text))
        return Value(f"CAST({text_of(text)} AS {in_duckdb(type_)})", type_, exact)

    def _column(self, node: exp.Column) -> Value:
        return self.path([part.name for part in node.parts])

    def _identifier(self, node: exp.Identifier) -> Value:
        return self.path([node.name])

    def path(self, parts: list[str]) -> Value:
        """Return the column, or the field of one, that a dotted name means.

        :raises Refusal: if it means nothing, or two things.
        """
        value, rest = self.scope.find(parts)
        return self._fields(value, rest)

    def _dot(self, node: exp.Dot) -> Value:
        return self._fields(self(node.this), [node.expression.name])

    def _fields(self, value: Value, names: list[str]) -> Value:
        for name in names:
            value = self.field(value, name)
        return value

    def field(self, value: Value, name: str) -> Value:
        """Return a field of a struct, of each struct of an array, or what a map has under a key."""
        type_ = value.type
        if type_.name == "struct":
            for field, part in zip(type_.fields, type_.parts, strict=True):
                if field.lower() == name.lower():
                    return Value(f"({value.sql})[{text_of(field)}]", part)
            raise malformed(f"The query is invalid: {name} is no field of {type_}")
        if type_.name == "array" and type_.parts[0].name == "struct":
            inner = self.field(Value("e", type_.parts[0]), name)
            return Value(f"list_transform({value.sql}, lambda e: {inner.sql})", Type("array", parts=(inner.type,)))
        if type_.name == "map":
            return Value(f"({value.sql})[{text_of(name)}]", type_.parts[1])
        raise malformed(f"The query is invalid: {name} is no column, and no field of a {type_}")

    # Operators

    def _operands(self, node: exp.Binary) -> Value:
        """Translate a chain such as ``a + b - c`` from its left end, without going as deep as it is long."""
        chain = []
        while type(node) in _ARITHMETIC or isinstance(node, exp.DPipe):
            chain.append(node)
            node = node.this
        value = self(node)
        for link in reversed(chain):
            right = self(link.expression)
            if isinstance(link, exp.DPipe):
                value = concatenated(self.context, value, right)
            else:
                if isinstance(link, exp.Add) and value.type == right.type == STRING:
                    self.context.concatenations.add(id(link))
                value = arithmetic.binary(self.context, _ARITHMETIC[type(link)], value, right)
            _bounded(value, link)
        return value

    def _connected(self, node: exp.Expr) -> Value:
        parts: list[exp.Expr] = []
        kind = type(node)
        pending: list[exp.Expr] = [node]
        while pending:
            part = pending.pop()
            if type(part) is kind:
                pending += [part.expression, part.this]
            else:
                parts.append(part)
        word = " AND " if kind is exp.And else " OR "
        return Value(f"({word.join(map(self.condition, parts))})", BOOLEAN)

    def _compared(self, node: exp.Binary) -> Value:
        right = node.expression
        operator = _COMPARISONS[type(node)]
        if isinstance(right, exp.Any | exp.All):
            return self._quantified(node, operator, right)
        return arithmetic.comparison(self.context, operator, self(node.this), self(right))

    def _quantified(self, node: exp.Binary, operator: str, right: exp.Any | exp.All) -> Value:
        inner = right.this
        query = self._query(inner.this if isinstance(inner, exp.Subquery) else inner)
        left, column = arithmetic.compared(self.context, operator, self(node.this), query.column("x"))
        word = "ANY" if isinstance(right, exp.Any) else "ALL"
        return Value(f"({left.sql} {operator} {word} (SELECT {column.sql} FROM ({query.sql}) x))", BOOLEAN)

    def _is(self, node: exp.Is) -> Value:
        right = node.expression
        negated = isinstance(right, exp.Not)
        right = right.this if negated else right
        if isinstance(right, exp.Null):
            return Value(f"({self(node.this).sql} IS {'NOT ' if negated else ''}NULL)", BOOLEAN)
        if not isinstance(right, exp.Boolean):
            raise malformed("The query is invalid: IS takes NULL, TRUE or FALSE", node)
        word = "TRUE" if right.this else "FALSE"
        return Value(f"({self.condition(node.this)} IS {'NOT ' if negated else ''}{word})", BOOLEAN)

    def _between(self, node: exp.Between) -> Value:
        value, low, high = self(node.this), self(node.args["low"]), self(node.args["high"])
        above = arithmetic.comparison(self.context, ">=", value, low)
        below = arithmetic.comparison(self.context, "<=", value, high)
        return Value(f"({above.sql} AND {below.sql})", BOOLEAN)

    def _in(self, node: exp.In) -> Value:
        query = node.args.get("query")
        if query is not None:
            return self._in_query(node.this, query)
        value, items = self(node.this), self.values(node.expressions)
        if any(item.type != value.type for item in items):
            type_ = compared_type(value.type, items[0].type) if len(items) == 1 else None
            if type_ is None:
                (value, *items), _ = unified(self.context, [value, *items], "IN")
            else:
                value, items = cast(self.context, value, type_), [cast(self.context, items[0], type_)]
        return Value(f"({value.sql} IN ({', '.join(item.sql for item in items)}))", BOOLEAN)

    def _in_query(self, left: exp.Expr, query: exp.Expr) -> Value:
        inner = self._query(query.this if isinstance(query, exp.Subquery) else query)
        value = self(left)
        if value.type.name == "struct" and isinstance(left, exp.Tuple):
            columns = ", ".join(column.sql for column in inner.columns_of("x"))
            return Value(f"({value.sql} IN (SELECT ROW({columns}) FROM ({inner.sql}) x))", BOOLEAN)
        column = inner.column("x")
        if value.type == column.type:
            return Value(f"({value.sql} IN ({inner.sql}))", BOOLEAN)
        value, column = arithmetic.compared(self.context, "IN", value, column)
        return Value(f"({value.sql} IN (SELECT {column.sql} FROM ({inner.sql}) x))", BOOLEAN)

    def _like(self, node: exp.Expr) -> Value:
        return self._matched(node, "\\")

    def _escape(self, node: exp.Escape) -> Value:
        return self._matched(node.this, node.expression.name)

    def _matched(self, node: exp.Expr, escape: str) -> Value:
        word = "ILIKE" if isinstance(node, exp.ILike) else "LIKE"
        value = implicit(self.context, self(node.this), STRING, word)
        patterns, join = node.expression, " OR "
        if isinstance(patterns, exp.Any | exp.All):
            join = " OR " if isinstance(patterns, exp.Any) else " AND "
            inner = patterns.this
            listed = inner.expressions if isinstance(inner, exp.Tuple) else [inner.unnest()]
        else:
            listed = [patterns]
        texts = [implicit(self.context, self(one), STRING, word).sql for one in listed]
        negated = bool(node.args.get("negate"))
        matches = join.join(f"({value.sql} {word} {text} ESCAPE {text_of(escape)})" for text in texts)
        return Value(f"(NOT ({matches}))" if negated else f"({matches})", BOOLEAN)

    def _case(self, node: exp.Case) -> Value:
        subject = node.this
        tested = None if subject is None else self(subject)
        conditions, values = [], []
        for branch in node.args["ifs"]:
            if tested is None:
                conditions.append(self.condition(branch.this))
            else:
                conditions.append(arithmetic.comparison(self.context, "=", tested, self(branch.this)).sql)
            values.append(self(branch.args["true"]))
        default = node.args.get("default")
        values.append(Value("NULL", NULL, None) if default is None else self(default))
        values, type_ = unified(self.context, values, "CASE")
        *results, other = (value.sql for value in values)
        branches = (f"WHEN {test} THEN {result}" for test, result in zip(conditions, results, strict=True))
        return Value(f"CASE {' '.join(branches)} ELSE {other} END", type_)

    # Types and times

    def _cast(self, node: exp.Cast) -> Value:
        to = self.type(node.args["to"])
        value = self(node.this)
        found = cast(self.context, value, to)
        if to in (DATE, TIMESTAMP) and isinstance(value.constant, str):
            return found._replace(constant=value.constant)
        if (
            isinstance(value.constant, int)
            and not isinstance(value.constant, bool)
            and to.name in ("tinyint", "smallint", "int", "bigint")
        ):
            return found._replace(constant=value.constant)
        return found

    def type(self, node: exp.Expr) -> Type:
        """Return the type that the text names.

        :raises Refusal: if it is none.
        """
        text = node.sql("spark")
        try:
            return plain(parse_type(text))
        except UnsupportedType as error:
            raise malformed(f"The query is invalid: there is no type {text}", node) from error

    def _extract(self, node: exp.Extract) -> Value:
        field = Value(text_of(node.name), STRING, node.name)
        return call(self, Call("DATE_PART", [field, self(node.expression)], node))

    def _trim(self, node: exp.Trim) -> Value:
        names = {"LEADING": "LTRIM", "TRAILING": "RTRIM"}
        name = names.get((node.args.get("position") or "").upper(), "BTRIM")
        arguments = [node.this] if node.expression is None else [node.this, node.expression]
        return call(self, Call(name, arguments, node))

    def _interval(self, node: exp.Interval) -> Value:
        return intervals.interval(self, node)

    # Nested data

    def _bracket(self, node: exp.Bracket) -> Value:
        value = self(node.this)
        (position,) = self.values(node.expressions)
        if value.type.name == "array":
            index = implicit(self.context, position, INT, "an index")
            return Value(self.context.macro("spark_element", value.sql, index.sql), value.type.parts[0])
        if value.type.name == "map":
            key = implicit(self.context, position, value.type.parts[0], "a key")
            return Value(f"({value.sql})[{key.sql}]", value.type.parts[1])
        if value.type.name == "struct" and isinstance(position.constant, str):
            return self.field(value, position.constant)
        raise wrong_type("[]", value, position)

    def _tuple(self, node: exp.Tuple) -> Value:
        values = self.values(node.expressions)
        names = tuple(f"col{number}" for number in range(1, len(values) + 1))
        return Value(
            f"ROW({', '.join(value.sql for value in values)})",
            Type("struct", parts=tuple(value.type for value in values), fields=names),
        )

    # Queries and calls

    def _query(self, node: exp.Expr) -> Query:
        return self.subquery(node, self.scope)

    def _scalar(self, node: exp.Subquery) -> Value:
        query = self._query(node)
        return Value(f"({query.sql})", query.columns[0].type)

    def _call_of_its_own(self, node: exp.Expr) -> Value:
        name, members = _CALLS[type(node)]
        arguments = [node.args[member] for member in members if node.args.get(member) is not None]
        return call(self, Call(name, arguments, node))

    def _call(self, node: exp.Expr) -> Value:
        return call(self, Call.of(node))


def _bounded(value: Value, node: exp.Expr) -> Value:
    """Refuse a text that has grown too long: some functions say their arguments several times, and nested, many times."""
    if len(value.sql) > _LONGEST:
        raise malformed("The query can't be carried out: an expression in it is too complex for the engine", node)
    return value


def concatenated(context: Context, left: Value, right: Value) -> Value:
    """Return ``left || right``."""
    if left.type.name == "array" and right.type.name == "array":
        (x, y), type_ = unified(context, [left, right], "||")
        return Value(f"({x.sql} || {y.sql})", type_)
    if left.type == BINARY and right.type == BINARY:
        return Value(f"({left.sql} || {right.sql})", BINARY)
    x, y = implicit(context, left, STRING, "||"), implicit(context, right, STRING, "||")
    return Value(f"({x.sql} || {y.sql})", STRING)
