"""What is true or false: comparisons, tests, and what AND, OR and NOT make of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from sqlglot import exp

from cleanrooms_mock.analysis.engines.data_types import BOOLEAN, STRING, text_of
from cleanrooms_mock.analysis.engines.translation import arithmetic
from cleanrooms_mock.analysis.engines.translation.casts import cast, compared_type, implicit, unified
from cleanrooms_mock.analysis.engines.translation.outputs import Query
from cleanrooms_mock.analysis.engines.translation.values import Value
from cleanrooms_mock.analysis.refusals import malformed

if TYPE_CHECKING:
    from cleanrooms_mock.analysis.engines.translation.expressions import Expressions

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


def _connected(expressions: Expressions, node: exp.Expr) -> Value:
    """Translate a chain of AND or of OR, without going as deep as it is long."""
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
    return Value(f"({word.join(map(expressions.condition, parts))})", BOOLEAN)


def _not(expressions: Expressions, node: exp.Not) -> Value:
    return Value(f"(NOT {expressions.condition(node.this)})", BOOLEAN)


def _compared(expressions: Expressions, node: exp.Binary) -> Value:
    right = node.expression
    operator = _COMPARISONS[type(node)]
    if isinstance(right, exp.Any | exp.All):
        return _quantified(expressions, node, operator, right)
    return arithmetic.padded_comparison(expressions.context, operator, expressions(node.this), expressions(right))


def _quantified(expressions: Expressions, node: exp.Binary, operator: str, right: exp.Any | exp.All) -> Value:
    query = _subquery(expressions, right.this)
    left, column = arithmetic.compared(expressions.context, operator, expressions(node.this), query.column("x"))
    word = "ANY" if isinstance(right, exp.Any) else "ALL"
    return Value(f"({left.sql} {operator} {word} (SELECT {column.sql} FROM ({query.sql}) x))", BOOLEAN)


def _is(expressions: Expressions, node: exp.Is) -> Value:
    right = node.expression
    negated = isinstance(right, exp.Not)
    right = right.this if negated else right
    if isinstance(right, exp.Null):
        return Value(f"({expressions(node.this).sql} IS {'NOT ' if negated else ''}NULL)", BOOLEAN)
    if not isinstance(right, exp.Boolean):
        raise malformed("The query is invalid: IS takes NULL, TRUE or FALSE", node)
    word = "TRUE" if right.this else "FALSE"
    return Value(f"({expressions.condition(node.this)} IS {'NOT ' if negated else ''}{word})", BOOLEAN)


def _between(expressions: Expressions, node: exp.Between) -> Value:
    value, low, high = expressions(node.this), expressions(node.args["low"]), expressions(node.args["high"])
    above = arithmetic.comparison(expressions.context, ">=", value, low)
    below = arithmetic.comparison(expressions.context, "<=", value, high)
    return Value(f"({above.sql} AND {below.sql})", BOOLEAN)


def _in(expressions: Expressions, node: exp.In) -> Value:
    query = node.args.get("query")
    if query is not None:
        return _in_query(expressions, node.this, query)
    value, items = expressions(node.this), expressions.values(node.expressions)
    if value.width and len({bool(item.width) for item in items}) == 1:
        value, *items = arithmetic.padded([value, *items])
    if any(item.type != value.type for item in items):
        type_ = compared_type(value.type, items[0].type) if len(items) == 1 else None
        if type_ is None:
            (value, *items), _ = unified(expressions.context, [value, *items], "IN")
        else:
            value, items = cast(expressions.context, value, type_), [cast(expressions.context, items[0], type_)]
    return Value(f"({value.sql} IN ({', '.join(item.sql for item in items)}))", BOOLEAN)


def _in_query(expressions: Expressions, left: exp.Expr, query: exp.Expr) -> Value:
    inner = _subquery(expressions, query)
    value = expressions(left)
    if value.type.name == "struct" and isinstance(left, exp.Tuple):
        columns = ", ".join(column.sql for column in inner.columns_of("x"))
        return Value(f"({value.sql} IN (SELECT ROW({columns}) FROM ({inner.sql}) x))", BOOLEAN)
    column = inner.column("x")
    if value.type == column.type:
        return Value(f"({value.sql} IN ({inner.sql}))", BOOLEAN)
    value, column = arithmetic.compared(expressions.context, "IN", value, column)
    return Value(f"({value.sql} IN (SELECT {column.sql} FROM ({inner.sql}) x))", BOOLEAN)


def _subquery(expressions: Expressions, node: exp.Expr) -> Query:
    return expressions.subquery(node.this if isinstance(node, exp.Subquery) else node)


def _like(expressions: Expressions, node: exp.Expr) -> Value:
    return _matched(expressions, node, "\\")


def _escape(expressions: Expressions, node: exp.Escape) -> Value:
    return _matched(expressions, node.this, node.expression.name)


def _matched(expressions: Expressions, node: exp.Expr, escape: str) -> Value:
    word = "ILIKE" if isinstance(node, exp.ILike) else "LIKE"
    value = implicit(expressions.context, expressions(node.this), STRING, word)
    patterns, join = node.expression, " OR "
    if isinstance(patterns, exp.Any | exp.All):
        join = " OR " if isinstance(patterns, exp.Any) else " AND "
        inner = patterns.this
        listed = inner.expressions if isinstance(inner, exp.Tuple) else [inner.unnest()]
    else:
        listed = [patterns]
    texts = [implicit(expressions.context, expressions(one), STRING, word).sql for one in listed]
    negated = bool(node.args.get("negate"))
    matches = join.join(f"({value.sql} {word} {text} ESCAPE {text_of(escape)})" for text in texts)
    return Value(f"(NOT ({matches}))" if negated else f"({matches})", BOOLEAN)


#: What translates each kind of node.
PREDICATES: Mapping[type, Callable[[Expressions, Any], Value]] = {
    exp.And: _connected,
    exp.Or: _connected,
    exp.Not: _not,
    exp.Is: _is,
    exp.Between: _between,
    exp.In: _in,
    exp.Like: _like,
    exp.ILike: _like,
    exp.Escape: _escape,
    exp.Exists: lambda expressions, node: Value(f"EXISTS ({expressions.subquery(node.this).sql})", BOOLEAN),
    **dict.fromkeys(_COMPARISONS, _compared),
}
