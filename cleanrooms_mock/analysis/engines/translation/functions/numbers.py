"""Functions of numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cleanrooms_mock.analysis.engines.data_types import (
    BIGINT,
    DATE,
    DOUBLE,
    FLOAT,
    INT,
    STRING,
    Type,
    decimal,
    in_duckdb,
    is_fractional,
    is_integral,
    is_numeric,
    is_timestamp,
)
from cleanrooms_mock.analysis.engines.translation import arithmetic, number_formats
from cleanrooms_mock.analysis.engines.translation.casts import bounded, cast, implicit, unified, wrapped
from cleanrooms_mock.analysis.engines.translation.functions.calls import Call, arguments, constant, function, templates
from cleanrooms_mock.analysis.engines.translation.values import Value, wrong_type

if TYPE_CHECKING:
    from cleanrooms_mock.analysis.engines.translation.expressions import Expressions

# What lies outside of a function's domain is NaN to Java, or NULL to Spark's logarithms.
templates(
    "d",
    "d",
    ("ACOS", "CASE WHEN abs({0}) <= 1 THEN acos({0}) WHEN {0} IS NOT NULL THEN 'nan'::DOUBLE END"),
    ("ASIN", "CASE WHEN abs({0}) <= 1 THEN asin({0}) WHEN {0} IS NOT NULL THEN 'nan'::DOUBLE END"),
    ("ATAN", "atan({0})"),
    ("COS", "CASE WHEN isinf({0}) THEN 'nan'::DOUBLE ELSE cos({0}) END"),
    ("SIN", "CASE WHEN isinf({0}) THEN 'nan'::DOUBLE ELSE sin({0}) END"),
    ("TAN", "CASE WHEN isinf({0}) THEN 'nan'::DOUBLE ELSE tan({0}) END"),
    ("COT", "CASE WHEN isinf({0}) THEN 'nan'::DOUBLE ELSE 1 / tan({0}) END"),
    ("SEC", "CASE WHEN isinf({0}) THEN 'nan'::DOUBLE ELSE 1 / cos({0}) END"),
    ("CSC", "CASE WHEN isinf({0}) THEN 'nan'::DOUBLE ELSE 1 / sin({0}) END"),
    ("SINH", "sinh({0})"),
    ("COSH", "cosh({0})"),
    ("TANH", "tanh({0})"),
    ("ASINH", "asinh({0})"),
    ("ACOSH", "CASE WHEN {0} >= 1 THEN acosh({0}) WHEN {0} IS NOT NULL THEN 'nan'::DOUBLE END"),
    ("ATANH", "CASE WHEN abs({0}) <= 1 THEN atanh({0}) WHEN {0} IS NOT NULL THEN 'nan'::DOUBLE END"),
    ("CBRT", "cbrt({0})"),
    ("DEGREES", "degrees({0})"),
    ("RADIANS", "radians({0})"),
    ("EXP", "exp({0})"),
    ("EXPM1", "(exp({0}) - 1)"),
    ("LN", "CASE WHEN {0} > 0 THEN ln({0}) END"),
    ("LOG10", "CASE WHEN {0} > 0 THEN log10({0}) END"),
    ("LOG2", "CASE WHEN {0} > 0 THEN log2({0}) END"),
    ("LOG1P", "CASE WHEN {0} > -1 THEN ln(1 + {0}) END"),
    ("SQRT", "CASE WHEN {0} >= 0 THEN sqrt({0}) WHEN {0} IS NOT NULL THEN 'nan'::DOUBLE END"),
    ("SIGN SIGNUM", "CASE WHEN isnan({0}) THEN {0} ELSE CAST(sign({0}) AS DOUBLE) END"),
    ("RINT", "CASE WHEN isnan({0}) OR isinf({0}) THEN {0} ELSE round_even({0}, 0) END"),
)
templates(
    "dd",
    "d",
    ("ATAN2", "atan2({0}, {1})"),
    ("POWER POW", "pow({0}, {1})"),
    ("HYPOT", "sqrt({0} * {0} + {1} * {1})"),
)


@function("PI", least=0)
def _pi(expressions: Expressions, call: Call) -> Value:
    return Value("pi()", DOUBLE)


@function("E", least=0)
def _e(expressions: Expressions, call: Call) -> Value:
    return Value("exp(1::DOUBLE)", DOUBLE)


@function("LOG", least=1, most=2)
def _log(expressions: Expressions, call: Call) -> Value:
    *base, x = arguments(expressions, call, "d")
    if not base:
        return Value(f"CASE WHEN {x.sql} > 0 THEN ln({x.sql}) END", DOUBLE)
    return Value(f"CASE WHEN {x.sql} > 0 AND {base[0].sql} > 0 THEN ln({x.sql}) / ln({base[0].sql}) END", DOUBLE)


def _number(expressions: Expressions, call: Call, value: Value) -> Value:
    """Return an argument as a number; a string becomes a double."""
    if is_numeric(value.type):
        return value
    return implicit(expressions.context, value, DOUBLE, call.name)


@function("ABS", least=1)
def _abs(expressions: Expressions, call: Call) -> Value:
    x = _number(expressions, call, arguments(expressions, call)[0])
    if is_integral(x.type):
        # The least number has no counterpart, and stays.
        return Value(f"coalesce(TRY(abs({x.sql})), {x.sql})", x.type)
    return Value(f"abs({x.sql})", x.type)


@function("NEGATIVE", least=1)
def _negative(expressions: Expressions, call: Call) -> Value:
    return arithmetic.negative(expressions.context, arguments(expressions, call)[0])


@function("POSITIVE", least=1)
def _positive(expressions: Expressions, call: Call) -> Value:
    return _number(expressions, call, arguments(expressions, call)[0])


@function("MOD", least=2)
def _mod(expressions: Expressions, call: Call) -> Value:
    return arithmetic.binary(expressions.context, "%", *arguments(expressions, call))


@function("PMOD", least=2)
def _pmod(expressions: Expressions, call: Call) -> Value:
    x, y = arguments(expressions, call)
    rest = arithmetic.binary(expressions.context, "%", x, y)
    positive = arithmetic.binary(expressions.context, "%", arithmetic.binary(expressions.context, "+", rest, y), y)
    return Value(
        f"CASE WHEN {rest.sql} < 0 THEN {cast(expressions.context, positive, rest.type).sql} ELSE {rest.sql} END",
        rest.type,
    )


@function("DIV", least=2)
def _div(expressions: Expressions, call: Call) -> Value:
    return arithmetic.binary(expressions.context, "DIV", *arguments(expressions, call))


@function("CEIL", "CEILING", "FLOOR", least=1, most=2)
def _ceil(expressions: Expressions, call: Call) -> Value:
    x, *places = arguments(expressions, call)
    x = _number(expressions, call, x)
    word = "floor" if call.name == "FLOOR" else "ceil"
    if places:
        return _rounded_to(expressions, call, x, places[0], word)
    if is_integral(x.type):
        return cast(expressions.context, x, BIGINT)
    if is_fractional(x.type):
        return Value(expressions.context.macro("spark_double_to_long", f"{word}(CAST({x.sql} AS DOUBLE))"), BIGINT)
    type_ = bounded(x.type.precision - x.type.scale + 1, 0)
    return Value(f"CAST({word}({x.sql}) AS {in_duckdb(type_)})", type_)


@function("ROUND", "BROUND", least=1, most=2)
def _round(expressions: Expressions, call: Call) -> Value:
    x, *places = arguments(expressions, call)
    x = _number(expressions, call, x)
    return _rounded_to(
        expressions, call, x, places[0] if places else Value("0", INT, 0), "round" if call.name == "ROUND" else "bround"
    )


def _rounded_to(expressions: Expressions, call: Call, x: Value, places: Value, way: str) -> Value:
    """Round a number to a number of places, which the text has to say: they make the type."""
    n = constant(call, places, int, "the number of places")
    assert isinstance(n, int)
    context = expressions.context
    if is_fractional(x.type) and way in ("ceil", "floor"):
        # Spark takes a double for a decimal here.
        x = cast(context, x, decimal(14, 7) if x.type == FLOAT else decimal(30, 15))
    if is_fractional(x.type):
        exact = Value(
            f"TRY_CAST(CAST({x.sql} AS VARCHAR) AS DECIMAL(38,{max(min(n + 4, 20), 16)}))",
            decimal(38, max(min(n + 4, 20), 16)),
        )
        if n > 15:
            return x
        rounded = _round_decimal(exact.sql, exact.type, n, way)
        back = f"CAST({rounded} AS {in_duckdb(x.type)})"
        return Value(f"CASE WHEN isfinite({x.sql}) THEN coalesce({back}, {x.sql}) ELSE {x.sql} END", x.type)
    if is_integral(x.type):
        if n >= 0 and way in ("round", "bround"):
            return x
        wide = decimal(38, 0)
        rounded = _round_decimal(f"CAST({x.sql} AS DECIMAL(38,0))", wide, n, way)
        if way in ("ceil", "floor"):
            digits = {"tinyint": 3, "smallint": 5, "int": 10, "bigint": 20}[x.type.name]
            type_ = bounded(max(digits + 1, -n + 1), 0)
            return Value(f"CAST({rounded} AS {in_duckdb(type_)})", type_)
        return Value(wrapped(f"CAST({rounded} AS HUGEINT)", x.type), x.type)
    type_ = _rounded_type(x.type, n)
    return Value(f"TRY_CAST({_round_decimal(x.sql, x.type, n, way)} AS {in_duckdb(type_)})", type_)


def _rounded_type(type_: Type, n: int) -> Type:
    whole = type_.precision - type_.scale + 1
    if n < 0:
        return bounded(max(whole, -n + 1), 0)
    scale = min(type_.scale, n)
    return bounded(whole + scale, scale)


def _round_decimal(x: str, type_: Type, n: int, way: str) -> str:
    if n >= type_.scale:
        return x
    if way == "round":
        return f"round({x}, {n})"
    unit = f"CAST(1{'0' * -n} AS DECIMAL(38,0))" if n <= 0 else f"CAST({10**-n:.{n}f} AS DECIMAL({n + 1},{n}))"
    # In integers of the unit, since DuckDB rounds decimals to places in one way only.
    whole = f"CAST({x} AS DECIMAL(38,{type_.scale}))"
    steps = f"CAST(trunc({whole} / {unit}) AS HUGEINT)" if n > 0 else f"CAST(trunc({whole}) AS HUGEINT) // 1{'0' * -n}"
    if n > 0:
        steps = f"CAST(trunc({whole} * 1{'0' * n}) AS HUGEINT)"
    rest = f"({whole} - {steps} * {unit})"
    if way == "ceil":
        moved = f"{steps} + CASE WHEN {rest} > 0 THEN 1 ELSE 0 END"
    elif way == "floor":
        moved = f"{steps} - CASE WHEN {rest} < 0 THEN 1 ELSE 0 END"
    else:
        moved = f"{steps} + CASE WHEN abs({rest}) * 2 > {unit} OR (abs({rest}) * 2 = {unit} AND {steps} % 2 <> 0) THEN sign({x}) ELSE 0 END"
    return f"(CAST({moved} AS DECIMAL({38 - max(n, 0)},0)) * {unit})"


def truncated(expressions: Expressions, call: Call, x: Value) -> Value:
    """Return TRUNC of one argument: what is before the point, or the day of a time."""
    if is_timestamp(x.type) or x.type == DATE:
        return cast(expressions.context, x, DATE)
    x = _number(expressions, call, x)
    if is_integral(x.type):
        return x
    return cast(expressions.context, x, BIGINT)


@function("FACTORIAL", least=1)
def _factorial(expressions: Expressions, call: Call) -> Value:
    (x,) = arguments(expressions, call, "i")
    return Value(f"CASE WHEN {x.sql} BETWEEN 0 AND 20 THEN CAST(factorial({x.sql}) AS BIGINT) END", BIGINT)


@function("RAND", "RANDOM", "RANDN", least=0, most=1)
def _rand(expressions: Expressions, call: Call) -> Value:
    if call.name == "RANDN":
        return Value("(sqrt(-2 * ln(1 - random())) * cos(2 * pi() * random()))", DOUBLE)
    return Value("random()", DOUBLE)


@function("SHIFTLEFT", "SHIFTRIGHT", "SHIFTRIGHTUNSIGNED", least=2)
def _shift(expressions: Expressions, call: Call) -> Value:
    x, by = arguments(expressions, call, "*i")
    if x.type != BIGINT:
        x = implicit(expressions.context, x, INT, call.name)
    bits = 64 if x.type == BIGINT else 32
    places = f"({by.sql} & {bits - 1})"
    if call.name == "SHIFTLEFT":
        return Value(
            wrapped(f"(CAST({x.sql} AS HUGEINT) * CAST(pow(2, {places}) AS HUGEINT))", x.type),
            x.type,
        )
    if call.name == "SHIFTRIGHT":
        return Value(
            f"CAST(floor(CAST({x.sql} AS HUGEINT)::DECIMAL(38,0) / CAST(pow(2, {places}) AS HUGEINT)::DECIMAL(38,0)) AS {in_duckdb(x.type)})"
            if bits == 32
            else f"({x.sql} >> {places})",
            x.type,
        )
    unsigned = f"(CASE WHEN {x.sql} < 0 THEN CAST({x.sql} AS HUGEINT) + {1 << bits}::HUGEINT ELSE {x.sql} END)"
    return Value(wrapped(f"({unsigned} // CAST(pow(2, {places}) AS HUGEINT))", x.type), x.type)


@function("BIN", least=1)
def _bin(expressions: Expressions, call: Call) -> Value:
    (x,) = arguments(expressions, call, "l")
    return Value(f"CASE WHEN {x.sql} = 0 THEN '0' ELSE ltrim(bin({x.sql}), '0') END", STRING)


@function("WIDTH_BUCKET", least=4)
def _width_bucket(expressions: Expressions, call: Call) -> Value:
    x, low, high, number = (value.sql for value in arguments(expressions, call, "dddl"))
    inside = f"CAST(floor({number} * ({x} - {low}) / ({high} - {low})) + 1 AS BIGINT)"
    outside = f"CASE WHEN ({x} < {low}) = ({low} < {high}) THEN 0 ELSE {number} + 1 END"
    return Value(
        f"CASE WHEN {number} <= 0 OR {low} = {high} OR isnan({x}) THEN NULL "
        f"WHEN {x} BETWEEN least({low}, {high}) AND greatest({low}, {high}) AND {x} <> {high} THEN {inside} "
        f"WHEN {x} = {high} THEN {number} + 1 WHEN {x} IS NOT NULL THEN {outside} END",
        BIGINT,
    )


@function("BIT_COUNT", least=1)
def _bit_count(expressions: Expressions, call: Call) -> Value:
    (x,) = arguments(expressions, call, "l")
    return Value(f"CAST(bit_count({x.sql}) AS INTEGER)", INT)


@function("TRY_ADD", "TRY_SUBTRACT", "TRY_MULTIPLY", "TRY_DIVIDE", least=2)
def _try(expressions: Expressions, call: Call) -> Value:
    operator = {"TRY_ADD": "+", "TRY_SUBTRACT": "-", "TRY_MULTIPLY": "*", "TRY_DIVIDE": "/"}[call.name]
    left, right = arguments(expressions, call)
    if operator != "/" and is_integral(left.type) and is_integral(right.type):
        (x, y), type_ = unified(expressions.context, [left, right], call.name)
        return Value(f"TRY({x.sql} {operator} {y.sql})", type_)
    if not (is_numeric(left.type) and is_numeric(right.type)):
        raise wrong_type(call.name, left, right)
    return arithmetic.binary(expressions.context, operator, left, right)


@function("TO_NUMBER", "TRY_TO_NUMBER", least=2)
def _to_number(expressions: Expressions, call: Call) -> Value:
    x, pattern = arguments(expressions, call)
    text = implicit(expressions.context, x, STRING, call.name)
    return number_formats.to_number(expressions.context, text, str(constant(call, pattern, str, "the format")))
