"""COALESCE, IF, NULLIF and the like."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cleanrooms_mock.analysis.engines.data_types import BOOLEAN, is_fractional
from cleanrooms_mock.analysis.engines.translation import arithmetic
from cleanrooms_mock.analysis.engines.translation.casts import cast, implicit, unified
from cleanrooms_mock.analysis.engines.translation.functions.calls import Call, arguments, function
from cleanrooms_mock.analysis.engines.translation.values import Value
from cleanrooms_mock.analysis.types import parse_type

if TYPE_CHECKING:
    from cleanrooms_mock.analysis.engines.translation.expressions import Expressions


@function("COALESCE", "NVL", "IFNULL", least=1, open_end=True)
def _coalesce(expressions: Expressions, call: Call) -> Value:
    values, type_ = unified(expressions.context, arguments(expressions, call), call.name)
    return Value(f"coalesce({', '.join(value.sql for value in values)})", type_)


@function("NVL2", least=3)
def _nvl2(expressions: Expressions, call: Call) -> Value:
    tested, *rest = arguments(expressions, call)
    (some, none), type_ = unified(expressions.context, rest, call.name)
    return Value(f"CASE WHEN {tested.sql} IS NOT NULL THEN {some.sql} ELSE {none.sql} END", type_)


@function("IF", "IFF", least=3)
def _if(expressions: Expressions, call: Call) -> Value:
    test, *rest = arguments(expressions, call)
    condition = implicit(expressions.context, test, BOOLEAN, call.name)
    (yes, no), type_ = unified(expressions.context, rest, call.name)
    return Value(f"CASE WHEN {condition.sql} THEN {yes.sql} ELSE {no.sql} END", type_)


@function("NULLIF", least=2)
def _nullif(expressions: Expressions, call: Call) -> Value:
    left, right = arguments(expressions, call)
    equal = arithmetic.comparison(expressions.context, "=", left, right)
    return Value(f"CASE WHEN {equal.sql} THEN NULL ELSE {left.sql} END", left.type)


@function("NANVL", least=2)
def _nanvl(expressions: Expressions, call: Call) -> Value:
    (x, y), type_ = unified(expressions.context, arguments(expressions, call), call.name)
    return Value(f"CASE WHEN isnan({x.sql}) THEN {y.sql} ELSE {x.sql} END" if is_fractional(type_) else x.sql, type_)


@function("GREATEST", "LEAST", least=2, open_end=True)
def _greatest(expressions: Expressions, call: Call) -> Value:
    values, type_ = unified(expressions.context, arguments(expressions, call), call.name)
    return Value(f"{call.name.lower()}({', '.join(value.sql for value in values)})", type_)


@function("ISNULL", "IS_NULL", least=1)
def _is_null(expressions: Expressions, call: Call) -> Value:
    return Value(f"({arguments(expressions, call)[0].sql} IS NULL)", BOOLEAN)


@function("ISNOTNULL", "IS_NOT_NULL", least=1)
def _is_not_null(expressions: Expressions, call: Call) -> Value:
    return Value(f"({arguments(expressions, call)[0].sql} IS NOT NULL)", BOOLEAN)


@function("ISNAN", least=1)
def _is_nan(expressions: Expressions, call: Call) -> Value:
    (value,) = arguments(expressions, call, "d")
    return Value(f"coalesce(isnan({value.sql}), false)", BOOLEAN)


_TYPES = ("TINYINT", "SMALLINT", "INT", "BIGINT", "FLOAT", "DOUBLE", "DECIMAL", "BOOLEAN", "STRING", "BINARY")


@function(*_TYPES, least=1)
def _conversion(expressions: Expressions, call: Call) -> Value:
    """A type called as a function is a CAST."""
    (x,) = arguments(expressions, call)
    return cast(expressions.context, x, parse_type(call.name.lower()))._replace(width=0)
