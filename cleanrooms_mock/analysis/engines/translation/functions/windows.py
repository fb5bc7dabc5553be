"""OVER, and the functions that only windows have."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from cleanrooms_mock.analysis.engines.data_types import DOUBLE, INT
from cleanrooms_mock.analysis.engines.translation.casts import implicit, unified
from cleanrooms_mock.analysis.engines.translation.functions.calls import Call, arguments, function
from cleanrooms_mock.analysis.engines.translation.ordering import direction
from cleanrooms_mock.analysis.engines.translation.values import Value
from cleanrooms_mock.analysis.refusals import malformed

if TYPE_CHECKING:
    from cleanrooms_mock.analysis.engines.translation.expressions import Expressions


def behind(expressions: Expressions, call: Call, condition: str | None = None) -> str:
    """Return what stands behind an aggregate: FILTER and OVER.

    :param condition: one more that a row has to meet.
    """
    if call.ignore_nulls and call.window is None and condition is None and call.name != "ANY_VALUE":
        raise malformed(f"The query is invalid: {call.name} doesn't ignore NULLs", call.node)
    conditions = [] if condition is None else [condition]
    if call.condition is not None:
        conditions.append(expressions.condition(call.condition))
    filter_ = f" FILTER (WHERE {' AND '.join(conditions)})" if conditions else ""
    return filter_ + ("" if call.window is None else f" OVER ({_window(expressions, call.window)})")


def _window(expressions: Expressions, node: exp.Expr) -> str:
    name = node.args.get("alias")
    if name is not None:
        described = expressions.windows.get(name.name.lower())
        if described is None:
            raise malformed(f"The query is invalid: there is no window {name.name}", node)
        return _window(expressions, _without_a_name(described))
    parts = []
    partition = node.args.get("partition_by")
    if partition:
        parts.append(f"PARTITION BY {', '.join(expressions.whole(one).sql for one in partition)}")
    order = node.args.get("order")
    if order is not None:
        parts.append(order_of(expressions, order))
    spec = node.args.get("spec")
    if spec is not None:
        bounds = (_bound(expressions, spec, "start"), _bound(expressions, spec, "end"))
        parts.append(f"{spec.args['kind']} BETWEEN {bounds[0]} AND {bounds[1] or 'CURRENT ROW'}")
    return " ".join(parts)


def _without_a_name(window: exp.Expr) -> exp.Expr:
    found = window.copy()
    # The definition of a named window carries its own name where a use has the name it refers to.
    found.set("alias", None)
    return found


def _bound(expressions: Expressions, spec: exp.Expr, which: str) -> str | None:
    bound, side = spec.args.get(which), spec.args.get(f"{which}_side")
    if bound is None:
        return None
    text = expressions(bound).sql if isinstance(bound, exp.Expr) else str(bound)
    return f"{text} {side}" if side else text


def order_of(expressions: Expressions, order: exp.Expr) -> str:
    """Return an ORDER BY."""
    return f"ORDER BY {', '.join(expressions.whole(one.this if isinstance(one, exp.Ordered) else one).sql + direction(one) for one in order.expressions)}"


def _needs_window(call: Call) -> None:
    if call.window is None:
        raise malformed(f"The query is invalid: {call.name} wants OVER (…)", call.node)


@function("ROW_NUMBER", "RANK", "DENSE_RANK", least=0, aggregate=True)
def _rank(expressions: Expressions, call: Call) -> Value:
    _needs_window(call)
    return Value(f"CAST({call.name.lower()}(){behind(expressions, call)} AS INTEGER)", INT)


@function("CUME_DIST", "PERCENT_RANK", least=0, aggregate=True)
def _relative_rank(expressions: Expressions, call: Call) -> Value:
    _needs_window(call)
    return Value(f"{call.name.lower()}(){behind(expressions, call)}", DOUBLE)


@function("NTILE", least=1, aggregate=True)
def _ntile(expressions: Expressions, call: Call) -> Value:
    _needs_window(call)
    (number,) = arguments(expressions, call, "i")
    return Value(f"CAST(ntile({number.sql}){behind(expressions, call)} AS INTEGER)", INT)


@function("LAG", "LEAD", least=1, most=3, aggregate=True)
def _lag(expressions: Expressions, call: Call) -> Value:
    _needs_window(call)
    x, *rest = arguments(expressions, call)
    offset = implicit(expressions.context, rest[0], INT, call.name).sql if rest else "1"
    nulls = " IGNORE NULLS" if call.ignore_nulls else ""
    if len(rest) < 2:
        return Value(f"{call.name.lower()}({x.sql}, {offset}{nulls}){behind(expressions, call)}", x.type)
    (x, other), type_ = unified(expressions.context, [x, rest[1]], call.name)
    return Value(f"{call.name.lower()}({x.sql}, {offset}, {other.sql}{nulls}){behind(expressions, call)}", type_)


@function("NTH_VALUE", least=2, most=3, aggregate=True)
def _nth_value(expressions: Expressions, call: Call) -> Value:
    _needs_window(call)
    x, number, *rest = arguments(expressions, call)
    ignoring = call.ignore_nulls or bool(rest and rest[0].constant)
    place = implicit(expressions.context, number, INT, call.name).sql
    return Value(f"nth_value({x.sql}, {place}{' IGNORE NULLS' if ignoring else ''}){behind(expressions, call)}", x.type)
