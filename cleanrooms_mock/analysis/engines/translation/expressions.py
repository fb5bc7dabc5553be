"""Expressions: from a node of Spark's tree to a text of DuckDB's, with its type."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from functools import reduce
from typing import Any

from sqlglot import exp

from cleanrooms_mock.analysis.engines.data_types import (
    BINARY,
    BOOLEAN,
    DATE,
    DOUBLE,
    NULL,
    STRING,
    TIMESTAMP,
    Type,
    decimal,
    in_duckdb,
    is_integral,
    plain,
    text_of,
)
from cleanrooms_mock.analysis.engines.translation import arithmetic, intervals
from cleanrooms_mock.analysis.engines.translation.casts import cast, implicit, unified
from cleanrooms_mock.analysis.engines.translation.functions import Call, call, is_aggregate
from cleanrooms_mock.analysis.engines.translation.macros import tries
from cleanrooms_mock.analysis.engines.translation.nested import bracket, field, row
from cleanrooms_mock.analysis.engines.translation.outputs import Query
from cleanrooms_mock.analysis.engines.translation.predicates import PREDICATES
from cleanrooms_mock.analysis.engines.translation.scopes import Scope
from cleanrooms_mock.analysis.engines.translation.values import Context, Value
from cleanrooms_mock.analysis.refusals import malformed
from cleanrooms_mock.analysis.types import UnsupportedType, parse_type

#: Characters of an expression.
_LONGEST = 500_000
_ARITHMETIC: dict[type, str] = {exp.Add: "+", exp.Sub: "-", exp.Mul: "*", exp.Div: "/", exp.Mod: "%", exp.IntDiv: "DIV"}
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

    def __init__(self, context: Context, scope: Scope, subquery: Callable[[exp.Expr], Query]) -> None:
        self.context = context
        self.scope = scope
        self.subquery: Callable[[exp.Expr], Query] = subquery
        self.windows: dict[str, exp.Expr] = {}
        #: The texts of what rows are grouped by.
        self.keys: set[str] = set()
        self._beside: dict[str, str] | None = None

    def __call__(self, node: exp.Expr) -> Value:
        """Return what a node becomes.

        :raises Refusal: if it is something that can't be translated; the message names it.
        """
        translate = _TRANSLATED.get(type(node))
        if translate is None:
            raise malformed(f"The query can't be carried out: the engine has no {node.key.upper()}", node)
        beside = self._beside
        if beside is None:
            return _bounded(translate(self, node), node)
        self._beside = None
        value = _bounded(translate(self, node), node)
        self._beside = beside
        if not (_cannot_be_tried(node) or isinstance(node, exp.Column) or value.sql in self.keys):
            return _bounded(translate(self, node), node)
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
        return reduce(field, rest, value)

    def _dot(self, node: exp.Dot) -> Value:
        return field(self(node.this), node.expression.name)

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
                value = _concatenated(self.context, value, right)
            else:
                if isinstance(link, exp.Add) and value.type == right.type == STRING:
                    self.context.concatenations.add(id(link))
                value = arithmetic.binary(self.context, _ARITHMETIC[type(link)], value, right)
            _bounded(value, link)
        return value

    def _case(self, node: exp.Case) -> Value:
        subject = node.this
        tested = None if subject is None else self(subject)
        conditions, values = [], []
        for branch in node.args["ifs"]:
            if tested is None:
                conditions.append(self.condition(branch.this))
            else:
                conditions.append(arithmetic.padded_comparison(self.context, "=", tested, self(branch.this)).sql)
            values.append(self(branch.args["true"]))
        default = node.args.get("default")
        values.append(Value("NULL", NULL, None) if default is None else self(default))
        values, type_ = unified(self.context, values, "CASE")
        *results, other = (value.sql for value in values)
        branches = (f"WHEN {test} THEN {result}" for test, result in zip(conditions, results, strict=True))
        return Value(f"CASE {' '.join(branches)} ELSE {other} END", type_)

    # Types and times

    def _cast(self, node: exp.Cast) -> Value:
        to = self._type(node.args["to"])
        value = self(node.this)
        found = cast(self.context, value, to)._replace(width=0)
        if to == STRING and isinstance(value.constant, str):
            return found._replace(constant=value.constant)
        if to in (DATE, TIMESTAMP) and isinstance(value.constant, str):
            return found._replace(constant=value.constant)
        if isinstance(value.constant, int) and not isinstance(value.constant, bool) and is_integral(to):
            return found._replace(constant=value.constant)
        return found

    def _type(self, node: exp.Expr) -> Type:
        """Return the type that the text names.

        :raises Refusal: if it is none.
        """
        text = node.sql("spark")
        try:
            return plain(parse_type(text))
        except UnsupportedType as error:
            raise malformed(f"The query is invalid: there is no type {text}", node) from error

    def _extract(self, node: exp.Extract) -> Value:
        part = Value(text_of(node.name), STRING, node.name)
        return call(self, Call("DATE_PART", [part, self(node.expression)], node))

    def _trim(self, node: exp.Trim) -> Value:
        names = {"LEADING": "LTRIM", "TRAILING": "RTRIM"}
        name = names.get((node.args.get("position") or "").upper(), "BTRIM")
        arguments = [node.this] if node.expression is None else [node.this, node.expression]
        return call(self, Call(name, arguments, node))

    # Queries and calls

    def _scalar(self, node: exp.Subquery) -> Value:
        query = self.subquery(node)
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


def _concatenated(context: Context, left: Value, right: Value) -> Value:
    """Return ``left || right``."""
    if left.type.name == "array" and right.type.name == "array":
        (x, y), type_ = unified(context, [left, right], "||")
        return Value(f"({x.sql} || {y.sql})", type_)
    if left.type == BINARY and right.type == BINARY:
        return Value(f"({left.sql} || {right.sql})", BINARY)
    x, y = implicit(context, left, STRING, "||"), implicit(context, right, STRING, "||")
    return Value(f"({x.sql} || {y.sql})", STRING)


#: What translates each kind of node.
_TRANSLATED: dict[type, Callable[[Expressions, Any], Value]] = {
    exp.Literal: Expressions._literal,
    exp.RawString: lambda _, node: Value(text_of(node.this), STRING, node.this),
    exp.Null: lambda _, node: Value("NULL", NULL, None),
    exp.Boolean: lambda _, node: Value("true" if node.this else "false", BOOLEAN, bool(node.this)),
    exp.Column: Expressions._column,
    exp.Identifier: Expressions._identifier,
    exp.Dot: Expressions._dot,
    exp.Paren: lambda expressions, node: expressions(node.this),
    exp.Alias: lambda expressions, node: expressions(node.this),
    exp.Neg: lambda expressions, node: arithmetic.negative(expressions.context, expressions(node.this)),
    exp.DPipe: Expressions._operands,
    exp.Case: Expressions._case,
    exp.Cast: Expressions._cast,
    exp.TryCast: Expressions._cast,
    exp.Extract: Expressions._extract,
    exp.Trim: Expressions._trim,
    exp.Interval: intervals.interval,
    exp.Bracket: bracket,
    exp.Concat: lambda expressions, node: call(expressions, Call("CONCAT", node.expressions, node)),
    exp.Tuple: row,
    exp.Subquery: Expressions._scalar,
    exp.Anonymous: Expressions._call,
    exp.Window: Expressions._call,
    exp.WithinGroup: Expressions._call,
    exp.Filter: Expressions._call,
    exp.IgnoreNulls: Expressions._call,
    exp.RespectNulls: Expressions._call,
    **PREDICATES,
    **dict.fromkeys(_ARITHMETIC, Expressions._operands),
    **dict.fromkeys(_CALLS, Expressions._call_of_its_own),
}
