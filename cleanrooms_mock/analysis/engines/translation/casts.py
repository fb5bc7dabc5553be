"""CAST, and the types that two values are brought to before they meet: Spark's rules without ANSI mode."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from functools import reduce

from cleanrooms_mock.analysis.engines.data_types import (
    BIGINT,
    BINARY,
    BITS,
    BOOLEAN,
    DATE,
    DOUBLE,
    FLOAT,
    INT,
    INTEGRAL,
    NULL,
    STRING,
    TIMESTAMP,
    TIMESTAMP_NTZ,
    Type,
    decimal,
    in_duckdb,
    is_fractional,
    is_integral,
    is_interval,
    is_numeric,
    is_timestamp,
    name_of,
    text_of,
)
from cleanrooms_mock.analysis.engines.translation.python_functions import decimal_text
from cleanrooms_mock.analysis.engines.translation.values import Context, Value, wrong_type


def cast(context: Context, value: Value, to: Type) -> Value:
    """Return ``value`` as CAST makes it; what doesn't fit is NULL."""
    if value.type == to:
        return value
    if value.is_null:
        return Value(f"CAST(NULL AS {in_duckdb(to)})", to, None)
    sql = _literal(context, value, to) or _cast(context, value.sql, value.type, to)
    if sql is None:
        raise wrong_type(f"CAST to {to}", value)
    return Value(sql, to)


_is_usual = re.compile(r"\d{4}-\d{2}-\d{2}(?: \d{2}:\d{2}:\d{2}(?:\.\d{6}|\.\d{3})?)?").fullmatch


def _literal(context: Context, value: Value, to: Type) -> str | None:
    """Return a date or time that the query's text says in the usual way as a literal, by which DuckDB skips what it needn't read."""
    if not isinstance(value.constant, str) or value.type != STRING or not (to == DATE or is_timestamp(to)):
        return None
    if _is_usual(value.constant) is None:
        return None
    try:
        found = datetime.fromisoformat(value.constant)
    except ValueError:
        return None
    if to == DATE:
        return f"DATE '{found.date()}'"
    literal = f"TIMESTAMP '{found.isoformat(' ')}'"
    return literal if to == TIMESTAMP_NTZ else instant(context, literal)


def _cast(context: Context, x: str, of: Type, to: Type) -> str | None:
    """Return the cast of a text, or ``None`` if there is no such."""
    if of == to:
        return x
    if of == NULL:
        return f"CAST(NULL AS {in_duckdb(to)})"
    if of.is_nested or to.is_nested:
        return _nested(context, x, of, to)
    if to == STRING:
        return to_text(context, x, of)
    if to == BOOLEAN:
        if of == STRING:
            return context.macro("spark_boolean", x)
        return f"({x} <> 0)" if is_numeric(of) else None
    if is_integral(to):
        return _to_integral(context, x, of, to)
    if is_fractional(to):
        return _to_fractional(context, x, of, to)
    if to.name == "decimal":
        return _to_decimal(context, x, of, to)
    if to == BINARY:
        return f"encode({x})" if of == STRING else None
    if to == DATE:
        if of == STRING:
            return context.macro("spark_date", x)
        if is_timestamp(of):
            return f"CAST({local(context, x, of)} AS DATE)"
        return None
    if is_timestamp(to):
        return _to_timestamp(context, x, of, to)
    return None


def to_text(context: Context, x: str, of: Type) -> str | None:
    """Return a value as a string."""
    if is_integral(of) or of in (BOOLEAN, DATE):
        return f"CAST({x} AS VARCHAR)"
    if is_fractional(of):
        return context.macro("spark_double_text" if of == DOUBLE else "spark_float_text", x)
    if of.name == "decimal":
        if of.scale <= 6:
            return f"CAST({x} AS VARCHAR)"
        return context.python("decimal_text", decimal_text, [in_duckdb(decimal(38, of.scale))], "VARCHAR", x)
    if of == BINARY:
        return f"TRY(decode({x}))"
    if is_timestamp(of):
        return context.macro("spark_timestamp_text", local(context, x, of))
    return None


def _to_integral(context: Context, x: str, of: Type, to: Type) -> str | None:
    if is_integral(of):
        return wrapped(x, to) if BITS[of.name] > BITS[to.name] else f"CAST({x} AS {in_duckdb(to)})"
    if of == STRING:
        return f"TRY_CAST({context.macro('spark_whole', x)} AS {in_duckdb(to)})"
    if of == BOOLEAN:
        return f"CAST({x} AS {in_duckdb(to)})"
    if is_fractional(of):
        if to == BIGINT:
            return context.macro("spark_double_to_long", x)
        whole = context.macro("spark_double_to_int", x)
        return whole if to == INT else wrapped(whole, to)
    if of.name == "decimal":
        return wrapped(f"CAST(trunc({x}) AS HUGEINT)", to)
    if of == TIMESTAMP:
        return wrapped(f"CAST(floor(epoch_us({x}) / 1000000) AS BIGINT)", to)
    return None


def wrapped(x: str, to: Type) -> str:
    """Return what is left of a wider integer in a narrower one: its low bits, as in Java. The text stands in it once, so that it can grow no faster than it is nested."""
    half, wide = 1 << (BITS[to.name] - 1), "HUGEINT" if to == BIGINT else "BIGINT"
    low = f"CAST({x} % {2 * half}::HUGEINT AS {wide})" if to == BIGINT else f"CAST({x} % {2 * half} AS BIGINT)"
    return f"CAST(({low} + {3 * half}::{wide}) % {2 * half}::{wide} - {half}::{wide} AS {in_duckdb(to)})"


def _to_fractional(context: Context, x: str, of: Type, to: Type) -> str | None:
    if of == STRING:
        return f"CAST({context.macro('spark_double', x)} AS {in_duckdb(to)})"
    if is_numeric(of) or of == BOOLEAN:
        return f"CAST({x} AS {in_duckdb(to)})"
    if of == TIMESTAMP:
        return f"CAST(epoch_us({x}) / 1000000 AS {in_duckdb(to)})"
    return None


def _to_decimal(context: Context, x: str, of: Type, to: Type) -> str | None:
    if of == STRING:
        return f"TRY_CAST({context.macro('spark_number', x)} AS {in_duckdb(to)})"
    if is_fractional(of):
        # What counts is how the number is written, not what it is: 0.285 has three digits.
        return f"TRY_CAST(CAST({x} AS VARCHAR) AS {in_duckdb(to)})"
    if of.name == "decimal":
        if to.scale >= of.scale and to.precision - to.scale >= of.precision - of.scale:
            return f"CAST({x} AS {in_duckdb(to)})"
        return f"TRY_CAST({x} AS {in_duckdb(to)})"
    if is_integral(of):
        return f"TRY_CAST({x} AS {in_duckdb(to)})"
    if of == BOOLEAN:
        return f"TRY_CAST(CAST({x} AS INTEGER) AS {in_duckdb(to)})"
    if of == TIMESTAMP:
        return f"TRY_CAST(CAST(epoch_us({x}) AS DECIMAL(38,6)) / 1000000 AS {in_duckdb(to)})"
    return None


def _to_timestamp(context: Context, x: str, of: Type, to: Type) -> str | None:
    if of == STRING:
        if to == TIMESTAMP_NTZ:
            return context.macro("spark_timestamp_ntz", x)
        return context.macro("spark_timestamp", x, text_of(context.time_zone))
    if of == DATE:
        at_midnight = f"CAST({x} AS TIMESTAMP)"
        return at_midnight if to == TIMESTAMP_NTZ else instant(context, at_midnight)
    if is_timestamp(of):
        return local(context, x, of) if to == TIMESTAMP_NTZ else instant(context, x)
    if to == TIMESTAMP_NTZ:
        return None
    if is_integral(of):
        return f"TRY(make_timestamp(CAST({x} AS BIGINT) * 1000000))"
    if is_fractional(of):
        return f"TRY(make_timestamp(CAST(trunc({x} * 1000000) AS BIGINT)))"
    if of.name == "decimal":
        return f"TRY(make_timestamp(CAST(trunc({x} * 1000000) AS BIGINT)))"
    return None


def local(context: Context, x: str, of: Type) -> str:
    """Return a timestamp as the session's clock shows it."""
    if of == TIMESTAMP_NTZ or context.time_zone == "UTC":
        return x
    return f"timezone({text_of(context.time_zone)}, timezone('UTC', {x}))"


def instant(context: Context, x: str) -> str:
    """Return the instant at which the session's clock shows this."""
    if context.time_zone == "UTC":
        return x
    return f"timezone('UTC', timezone({text_of(context.time_zone)}, {x}))"


def _nested(context: Context, x: str, of: Type, to: Type) -> str | None:
    if to == STRING:
        return _nested_text(context, x, of)
    if of.name != to.name or len(of.parts) != len(to.parts):
        return None
    if of.name == "struct":
        fields = []
        for name, field, part, into in zip(of.fields, to.fields, of.parts, to.parts, strict=True):
            inner = _cast(context, f"({x})[{text_of(name)}]", part, into)
            if inner is None:
                return None
            fields.append(f"{name_of(field)} := {inner}")
        return f"CASE WHEN {x} IS NOT NULL THEN struct_pack({', '.join(fields)}) END"
    if of.name == "array":
        inner = _cast(context, "e", of.parts[0], to.parts[0])
        return None if inner is None else f"list_transform({x}, lambda e: {inner})"
    key, value = (
        _cast(context, f"e.{part}", type_, into)
        for part, type_, into in zip(("key", "value"), of.parts, to.parts, strict=True)
    )
    if key is None or value is None:
        return None
    return f"map_from_entries(list_transform(map_entries({x}), lambda e: struct_pack(k := {key}, v := {value})))"


def _nested_text(context: Context, x: str, of: Type) -> str | None:
    if of.name == "struct":
        parts = [
            _nested_part(context, f"({x})[{text_of(name)}]", part)
            for name, part in zip(of.fields, of.parts, strict=True)
        ]
        listed = " || ', ' || ".join(parts)
        return f"CASE WHEN {x} IS NOT NULL THEN '{{' || {listed} || '}}' END"
    if of.name == "array":
        items = f"list_transform({x}, lambda e: {_nested_part(context, 'e', of.parts[0])})"
        return f"('[' || {_joined(context, items)} || ']')"
    entry = (
        f"{_nested_part(context, 'e.key', of.parts[0])} || ' -> ' || {_nested_part(context, 'e.value', of.parts[1])}"
    )
    entries = f"list_transform(map_entries({x}), lambda e: {entry})"
    return f"('{{' || {_joined(context, entries)} || '}}')"


def _joined(context: Context, parts: str) -> str:
    return context.macro("spark_joined", parts, "', '")


def _nested_part(context: Context, x: str, of: Type) -> str:
    return f"coalesce({_cast(context, x, of, STRING)}, 'null')"


def decimal_for(type_: Type) -> Type:
    """Return the decimal that holds any integer of a type, or the decimal itself."""
    return decimal(INTEGRAL[type_.name], 0) if is_integral(type_) else type_


def decimal_of_constant(value: Value) -> Type:
    """Return the decimal that a value takes part in arithmetic as: an integer of the text with just its own digits."""
    if is_integral(value.type) and isinstance(value.constant, int) and not isinstance(value.constant, bool):
        return decimal(max(len(str(abs(value.constant))), 1), 0)
    return decimal_for(value.type)


def bounded(precision: int, scale: int) -> Type:
    """Return a decimal of at most 38 digits, all behind the point kept or cut off."""
    return decimal(min(precision, 38), min(scale, 38))


def adjusted(precision: int, scale: int) -> Type:
    """Return a decimal of at most 38 digits in which those before the point go first, and six behind it are kept if there were as many."""
    if precision <= 38:
        return decimal(precision, scale)
    return decimal(38, max(38 - (precision - scale), min(scale, 6)))


def wider_decimal(left: Type, right: Type) -> Type:
    scale = max(left.scale, right.scale)
    return bounded(max(left.precision - left.scale, right.precision - right.scale) + scale, scale)


def _wider(left: Type, right: Type) -> Type | None:
    """Return the type that holds values of both without a text."""
    if left == right or right == NULL:
        return left
    if left == NULL:
        return right
    if is_numeric(left) and is_numeric(right):
        if is_integral(left) and is_integral(right):
            return max(left, right, key=lambda type_: BITS[type_.name])
        if DOUBLE in (left, right):
            return DOUBLE
        if FLOAT in (left, right):
            return DOUBLE if "decimal" in (left.name, right.name) else FLOAT
        return wider_decimal(decimal_for(left), decimal_for(right))
    names = {left.name, right.name}
    if names <= {"date", "timestamp", "timestamp_ntz"}:
        return TIMESTAMP if "timestamp" in names else TIMESTAMP_NTZ
    return None


def common_type(left: Type, right: Type) -> Type | None:
    """Return the type that CASE, COALESCE, IN, UNION and arrays bring two values to, ``None`` if there is none."""
    found = _wider(left, right)
    if found is not None:
        return found
    for one, other in ((left, right), (right, left)):
        if one == STRING and not other.is_nested and other not in (BINARY, BOOLEAN) and not is_interval(other):
            return STRING
    if left.name == right.name and left.is_nested and len(left.parts) == len(right.parts):
        parts = [common_type(one, other) for one, other in zip(left.parts, right.parts, strict=True)]
        if all(part is not None for part in parts):
            return Type(left.name, parts=tuple(filter(None, parts)), fields=left.fields)
    return None


def compared_type(left: Type, right: Type) -> Type | None:
    """Return the type in which two values are compared: a string becomes what the other one is."""
    for one, other in ((left, right), (right, left)):
        if one == STRING and other != STRING:
            if other.name == "decimal":
                return DOUBLE
            if other.is_nested or is_interval(other):
                return None
            return STRING if other == NULL else other
        if one == BOOLEAN and is_numeric(other):
            return other
    return common_type(left, right)


def unified(context: Context, values: Iterable[Value], what: str) -> tuple[list[Value], Type]:
    """Return values brought to one type, and that type."""
    values = list(values)

    def meet(type_: Type, value: Value) -> Type:
        found = common_type(type_, value.type)
        if found is None:
            raise wrong_type(what, *values)
        return found

    # Strings come last, since they take in whatever the others have become.
    ordered = sorted(values, key=lambda value: value.type == STRING)
    type_ = reduce(meet, ordered, NULL)
    return [cast(context, value, type_) for value in values], type_


def implicit(context: Context, value: Value, to: Type, what: str) -> Value:
    """Return the argument of a function as the type that the function wants.

    :raises Refusal: if nothing brings it there.
    """
    of = value.type
    allowed = (
        of == to
        or value.is_null
        or (is_numeric(to) and (is_numeric(of) or of == STRING))
        or (to == STRING and not of.is_nested)
        or (to == BINARY and of == STRING)
        or (to == BOOLEAN and of == STRING)
        or (to == DATE and (of == STRING or is_timestamp(of)))
        or (is_timestamp(to) and (of in (STRING, DATE) or is_timestamp(of)))
        or (of.is_nested and of.name == to.name)
    )
    if not allowed:
        raise wrong_type(what, value)
    return cast(context, value, to)
