"""Operators between values: Spark's types of results, its overflow, and NULL for a division by zero."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from functools import partial

from cleanrooms_mock.analysis.engines.data_types import (
    BIGINT,
    BITS,
    BOOLEAN,
    DATE,
    DAY_TIME,
    DOUBLE,
    FLOAT,
    INT,
    STRING,
    TIMESTAMP,
    YEAR_MONTH,
    Type,
    decimal,
    in_duckdb,
    is_fractional,
    is_integral,
    is_numeric,
    is_timestamp,
)
from cleanrooms_mock.analysis.engines.translation.casts import (
    adjusted,
    cast,
    compared_type,
    decimal_of_constant,
    instant,
    local,
    wrapped,
)
from cleanrooms_mock.analysis.engines.translation.python_functions import decimal_operation
from cleanrooms_mock.analysis.engines.translation.values import VARIABLE, Context, Value, wrong_type

_DAY = 86_400_000_000
#: Only texts up to this length are repeated: what repeats what repeats grows beyond all bounds.
_SHORT = 250


def binary(context: Context, operator: str, left: Value, right: Value) -> Value:
    """Return what ``+``, ``-``, ``*``, ``/``, ``%`` or ``DIV`` makes of two values.

    :raises Refusal: for types between which there is no such operation.
    """
    if operator == "+" and left.type == right.type == STRING:
        # The service concatenates where Spark would add.
        return Value(f"({left.sql} || {right.sql})", STRING)
    found = _with_times(context, operator, left, right)
    if found is not None:
        return found
    left, right = (cast(context, value, DOUBLE) if value.type == STRING else value for value in (left, right))
    if left.is_null or right.is_null:
        other = right if left.is_null else left
        left, right = (cast(context, value, other.type) if value.is_null else value for value in (left, right))
        if left.is_null:
            left, right = cast(context, left, DOUBLE), cast(context, right, DOUBLE)
    if not (is_numeric(left.type) and is_numeric(right.type)):
        raise wrong_type(operator, left, right)
    types = left.type, right.type
    if operator == "DIV":
        return _whole_division(context, left, right)
    if any(map(is_fractional, types)) or (operator == "/" and all(map(is_integral, types))):
        narrow = operator != "/" and all(type_ == FLOAT or is_integral(type_) for type_ in types)
        return _fractional(context, operator, left, right, FLOAT if narrow else DOUBLE)
    if all(map(is_integral, types)):
        return _integral(context, operator, left, right)
    return _decimal(context, operator, left, right)


def _fractional(context: Context, operator: str, left: Value, right: Value, type_: Type) -> Value:
    x, y = cast(context, left, type_).sql, cast(context, right, type_).sql
    if operator in ("/", "%"):
        y = f"nullif({y}, 0)"
    sql = f"({x} {operator} {y})"
    return Value(sql if type_ == DOUBLE else f"CAST({sql} AS FLOAT)", type_)


def _integral(context: Context, operator: str, left: Value, right: Value) -> Value:
    type_ = max(left.type, right.type, key=lambda one: BITS[one.name])
    x, y = cast(context, left, type_).sql, cast(context, right, type_).sql
    if operator == "%":
        # The remainder of the least number by -1 is the one that DuckDB can't take.
        return Value(f"CAST(CASE WHEN {y} = -1 THEN 0 ELSE {x} % nullif({y}, 0) END AS {in_duckdb(type_)})", type_)
    wide = "HUGEINT" if type_ == BIGINT else "BIGINT"
    exact = f"(CAST({x} AS {wide}) {operator} CAST({y} AS {wide}))"
    cut = wrapped(exact, type_)
    if type_ == BIGINT and len(exact) < _SHORT:
        # To cut integers of 128 bits is slow, and seldom needed.
        return Value(
            f"CASE WHEN {exact} BETWEEN -{1 << 63}::HUGEINT AND {(1 << 63) - 1} THEN CAST({exact} AS BIGINT) ELSE {cut} END",
            type_,
        )
    return Value(cut, type_)


def _whole_division(context: Context, left: Value, right: Value) -> Value:
    if any(is_fractional(value.type) for value in (left, right)):
        raise wrong_type("DIV", left, right)
    if all(is_integral(value.type) for value in (left, right)):
        x, y = cast(context, left, BIGINT).sql, cast(context, right, BIGINT).sql
        return Value(wrapped(f"(CAST({x} AS HUGEINT) // nullif({y}, 0))", BIGINT), BIGINT)
    of, by = decimal_of_constant(left), decimal_of_constant(right)
    call = _exactly(context, "DIV", of, by, decimal(38, 0), cast(context, left, of).sql, cast(context, right, by).sql)
    return Value(wrapped(f"CAST({call} AS HUGEINT)", BIGINT), BIGINT)


def _decimal(context: Context, operator: str, left: Value, right: Value) -> Value:
    of, by = decimal_of_constant(left), decimal_of_constant(right)
    type_ = _decimal_result(operator, of, by)
    x, y = cast(context, left, of).sql, cast(context, right, by).sql
    scale = max(of.scale, by.scale)
    fits = max(of.precision - of.scale, by.precision - by.scale) + scale < 38
    if operator in ("+", "-") and fits:
        return Value(f"CAST(({x} {operator} {y}) AS {in_duckdb(type_)})", type_)
    if operator == "*" and of.precision + by.precision <= 38:
        # The product of two decimals of 64 bits has to be told that it may need 128.
        wide = in_duckdb(decimal(of.precision + by.precision, of.scale))
        return Value(f"CAST((CAST({x} AS {wide}) * {y}) AS {in_duckdb(type_)})", type_)
    if operator == "%" and fits:
        return Value(f"CAST(({x} % nullif({y}, 0)) AS {in_duckdb(type_)})", type_)
    if operator == "/":
        digits = of.precision + type_.scale - of.scale + by.scale
        if digits <= 36 and type_.precision <= 38 and by.precision <= 36:
            return Value(_divided(x, y, of, by, type_), type_)
    return Value(_exactly(context, operator, of, by, type_, x, y), type_)


def _decimal_result(operator: str, left: Type, right: Type) -> Type:
    whole = max(left.precision - left.scale, right.precision - right.scale)
    scale = max(left.scale, right.scale)
    if operator in ("+", "-"):
        return adjusted(whole + scale + 1, scale)
    if operator == "*":
        return adjusted(left.precision + right.precision + 1, left.scale + right.scale)
    if operator == "/":
        scale = max(6, left.scale + right.precision + 1)
        return adjusted(left.precision - left.scale + right.scale + scale, scale)
    return adjusted(min(left.precision - left.scale, right.precision - right.scale) + scale, scale)


def _divided(x: str, y: str, of: Type, by: Type, to: Type) -> str:
    """Divide as integers of 128 bits, rounding half up, which is exact where the digits suffice."""
    dividend = (
        f"CAST({x} * CAST(1{'0' * of.scale} AS DECIMAL(38,0)) AS HUGEINT)" if of.scale else f"CAST({x} AS HUGEINT)"
    )
    divisor = (
        f"CAST({y} * CAST(1{'0' * by.scale} AS DECIMAL(38,0)) AS HUGEINT)" if by.scale else f"CAST({y} AS HUGEINT)"
    )
    shift = to.scale - of.scale + by.scale
    n, d = f"({dividend} * 1{'0' * shift}::HUGEINT)", f"nullif({divisor}, 0)"
    rounded = f"(CASE WHEN ({x} < 0) = ({y} < 0) THEN 1 ELSE -1 END * ((2 * abs({n}) + abs({d})) // (2 * abs({d}))))"
    return _scaled(rounded, to)


def _scaled(x: str, to: Type) -> str:
    """Put the point into an integer of 128 bits."""
    return f"TRY_CAST(CASE WHEN {x} < 0 THEN '-' ELSE '' END || CAST(abs({x}) // 1{'0' * to.scale}::HUGEINT AS VARCHAR) || '.' || lpad(CAST(abs({x}) % 1{'0' * to.scale}::HUGEINT AS VARCHAR), {to.scale}, '0') AS {in_duckdb(to)})"


def _exactly(context: Context, operator: str, left: Type, right: Type, to: Type, x: str, y: str) -> str:
    """Leave it to Python's decimals, where a result may have more than 38 digits on the way."""
    words = {"+": "plus", "-": "minus", "*": "times", "/": "by", "%": "modulo", "DIV": "div"}
    name = f"decimal_{words[operator]}_{left.precision}_{left.scale}_{right.precision}_{right.scale}_{to.precision}_{to.scale}"
    function = partial(decimal_operation, operator, to.precision, to.scale)
    return context.python(name, function, [in_duckdb(left), in_duckdb(right)], in_duckdb(to), x, y)


def quotient(context: Context, dividend: Value, divisor: Value, to: Type) -> Value:
    """Return a decimal divided and rounded half up, as AVG of decimals is."""
    x, y = dividend.type, decimal(20, 0)
    of = cast(context, divisor, y)
    return Value(_exactly(context, "/", x, y, to, dividend.sql, of.sql), to)


def _with_times(context: Context, operator: str, left: Value, right: Value) -> Value | None:
    """Return what is made of dates, timestamps and intervals, ``None`` if there is none of them."""
    kinds = left.type, right.type
    if operator == "+" and (right.type == DATE or is_timestamp(right.type)):
        left, right = right, left
    times = left.type == DATE or is_timestamp(left.type)
    if times and right.type in (YEAR_MONTH, DAY_TIME) and operator in ("+", "-"):
        return _shifted(context, left, right, -1 if operator == "-" else 1)
    if left.type == DATE and (is_integral(right.type) or (right.is_null and operator == "+")):
        if operator not in ("+", "-"):
            raise wrong_type(operator, left, right)
        return Value(f"CAST({left.sql} {operator} CAST({cast(context, right, INT).sql} AS INTEGER) AS DATE)", DATE)
    if operator == "-" and times:
        return _difference(context, left, right)
    if left.type in (YEAR_MONTH, DAY_TIME) and left.type == right.type and operator in ("+", "-"):
        return Value(f"({left.sql} {operator} {right.sql})", left.type, VARIABLE, left.whole_days and right.whole_days)
    if operator == "*" and right.type in (YEAR_MONTH, DAY_TIME):
        left, right = right, left
    if left.type in (YEAR_MONTH, DAY_TIME) and is_numeric(right.type) and operator in ("*", "/"):
        factor = cast(context, right, DOUBLE).sql
        y = f"nullif({factor}, 0)" if operator == "/" else factor
        return Value(f"CAST(round({left.sql} {operator} {y}) AS {in_duckdb(left.type)})", left.type)
    if any(type_ == DATE or is_timestamp(type_) or type_ in (YEAR_MONTH, DAY_TIME) for type_ in kinds):
        raise wrong_type(operator, left, right)
    return None


def _shifted(context: Context, time: Value, by: Value, sign: int) -> Value:
    amount = by.sql if sign == 1 else f"-({by.sql})"
    if by.type == YEAR_MONTH:
        if time.type == DATE:
            return Value(f"CAST({time.sql} + to_months({amount}) AS DATE)", DATE)
        shifted = f"({local(context, time.sql, time.type)} + to_months({amount}))"
        return Value(instant(context, shifted) if time.type == TIMESTAMP else shifted, time.type)
    if time.type == DATE and by.whole_days:
        return Value(f"CAST({time.sql} + CAST(({amount}) // {_DAY} AS INTEGER) AS DATE)", DATE)
    if time.type == DATE:
        time = cast(context, time, TIMESTAMP)
    return Value(f"({time.sql} + to_microseconds({amount}))", time.type)


def _difference(context: Context, left: Value, right: Value) -> Value:
    if left.type == DATE and right.type == DATE:
        return Value(f"(CAST({left.sql} - {right.sql} AS BIGINT) * {_DAY})", DAY_TIME, VARIABLE, True)
    if right.type in (STRING, DATE) or is_timestamp(right.type) or right.is_null:
        type_ = left.type if is_timestamp(left.type) else right.type if is_timestamp(right.type) else TIMESTAMP
        x, y = cast(context, left, type_).sql, cast(context, right, type_).sql
        return Value(f"(epoch_us({x}) - epoch_us({y}))", DAY_TIME)
    raise wrong_type("-", left, right)


def negative(context: Context, value: Value) -> Value:
    """Return ``-value``."""
    if value.type == STRING:
        value = cast(context, value, DOUBLE)
    if isinstance(value.constant, int | float | Decimal) and not isinstance(value.constant, bool):
        return Value(f"(-{value.sql})", value.type, -value.constant)
    if is_integral(value.type):
        return _integral(context, "-", Value("0", value.type), value)
    if value.is_null or is_numeric(value.type) or value.type in (YEAR_MONTH, DAY_TIME):
        return Value(f"(-{value.sql})", value.type, VARIABLE, value.whole_days)
    raise wrong_type("-", value)


def comparison(context: Context, operator: str, left: Value, right: Value) -> Value:
    """Return what ``=``, ``<``, ``IS DISTINCT FROM`` … says of two values."""
    x, y = compared(context, operator, left, right)
    return Value(f"({x.sql} {operator} {y.sql})", BOOLEAN)


def padded_comparison(context: Context, operator: str, left: Value, right: Value) -> Value:
    """Return what a comparison says, for which a char is as long as the other char or the constant that it is compared with."""
    return comparison(context, operator, *padded([left, right]))


def padded(values: Sequence[Value]) -> list[Value]:
    """Return chars and constant strings padded to the same length, and values as they are where one is neither, or none a char."""
    widths = [_width(value) for value in values]
    if None in widths or not any(value.width for value in values):
        return list(values)
    widest = max(filter(None, widths))
    return [
        value if width == widest else value._replace(sql=f"rpad({value.sql}, {widest}, ' ')", width=0)
        for value, width in zip(values, widths, strict=True)
    ]


def _width(value: Value) -> int | None:
    if value.width:
        return value.width
    return len(value.constant) if value.type == STRING and isinstance(value.constant, str) else None


def compared(context: Context, operator: str, left: Value, right: Value) -> tuple[Value, Value]:
    """Return two values in the type in which they are compared."""
    type_ = compared_type(left.type, right.type)
    if type_ is None or (type_.name == "map"):
        raise wrong_type(operator, left, right)
    return cast(context, left, type_), cast(context, right, type_)
