"""Functions that make times: the present, parts put together, numbers of seconds, and other time zones."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cleanrooms_mock.analysis.engines.data_types import (
    BIGINT,
    DATE,
    INT,
    STRING,
    TIMESTAMP,
    TIMESTAMP_NTZ,
    is_integral,
    is_numeric,
    is_timestamp,
    text_of,
)
from cleanrooms_mock.analysis.engines.translation.casts import cast, implicit, instant, local
from cleanrooms_mock.analysis.engines.translation.functions.calls import Call, arguments, function
from cleanrooms_mock.analysis.engines.translation.values import Value, wrong_type

if TYPE_CHECKING:
    from cleanrooms_mock.analysis.engines.translation.expressions import Expressions


def date_of(expressions: Expressions, call: Call, value: Value) -> str:
    """Return an argument as a date."""
    return implicit(expressions.context, value, DATE, call.name).sql


def time_of(expressions: Expressions, call: Call, value: Value) -> Value:
    """Return an argument as a timestamp, its own kind if it is one."""
    return value if is_timestamp(value.type) else implicit(expressions.context, value, TIMESTAMP, call.name)


def clock_of(expressions: Expressions, call: Call, value: Value) -> str:
    """Return a time as the session's clock shows it."""
    time = time_of(expressions, call, value)
    return local(expressions.context, time.sql, time.type)


@function("CURRENT_TIMESTAMP", "NOW", "GETDATE", "SYSDATE", least=0)
def current_timestamp(expressions: Expressions, call: Call) -> Value:
    """Return the time of the query."""
    return Value(f"TIMESTAMP {text_of(expressions.context.now.isoformat(' '))}", TIMESTAMP)


@function("LOCALTIMESTAMP", least=0)
def _local_timestamp(expressions: Expressions, call: Call) -> Value:
    now = current_timestamp(expressions, call)
    return Value(local(expressions.context, now.sql, TIMESTAMP), TIMESTAMP_NTZ)


@function("CURRENT_DATE", "CURDATE", least=0)
def _current_date(expressions: Expressions, call: Call) -> Value:
    return cast(expressions.context, current_timestamp(expressions, call), DATE)


@function("CURRENT_TIMEZONE", least=0)
def _current_timezone(expressions: Expressions, call: Call) -> Value:
    return Value(text_of(expressions.context.time_zone), STRING)


@function("TIMESTAMP_SECONDS", "TIMESTAMP_MILLIS", "TIMESTAMP_MICROS", least=1)
def _timestamp_of(expressions: Expressions, call: Call) -> Value:
    (x,) = arguments(expressions, call)
    factor = {"TIMESTAMP_SECONDS": 1_000_000, "TIMESTAMP_MILLIS": 1_000, "TIMESTAMP_MICROS": 1}[call.name]
    if not is_numeric(x.type) and not x.is_null:
        raise wrong_type(call.name, x)
    number = f"CAST({x.sql} AS BIGINT)" if is_integral(x.type) else x.sql
    return Value(f"make_timestamp(CAST(trunc({number} * {factor}) AS BIGINT))", TIMESTAMP)


@function("UNIX_SECONDS", "UNIX_MILLIS", "UNIX_MICROS", least=1)
def _unix(expressions: Expressions, call: Call) -> Value:
    (x,) = arguments(expressions, call, "T")
    factor = {"UNIX_SECONDS": 1_000_000, "UNIX_MILLIS": 1_000, "UNIX_MICROS": 1}[call.name]
    return Value(
        f"CAST(floor(epoch_us({x.sql})::DECIMAL(38,0) / {factor}) AS BIGINT)" if factor > 1 else f"epoch_us({x.sql})",
        BIGINT,
    )


@function("UNIX_DATE", least=1)
def _unix_date(expressions: Expressions, call: Call) -> Value:
    (x,) = arguments(expressions, call, "D")
    return Value(f"CAST({x.sql} - DATE '1970-01-01' AS INTEGER)", INT)


@function("DATE_FROM_UNIX_DATE", least=1)
def _date_from_unix_date(expressions: Expressions, call: Call) -> Value:
    (x,) = arguments(expressions, call, "i")
    return Value(f"CAST(DATE '1970-01-01' + {x.sql} AS DATE)", DATE)


@function("MAKE_DATE", least=3)
def _make_date(expressions: Expressions, call: Call) -> Value:
    parts = ", ".join(f"CAST({value.sql} AS BIGINT)" for value in arguments(expressions, call, "i"))
    return Value(f"TRY(make_date({parts}))", DATE)


@function("MAKE_TIMESTAMP", least=6)
def _make_timestamp(expressions: Expressions, call: Call) -> Value:
    *parts, seconds = arguments(expressions, call, "iiiiid")
    numbers = ", ".join(f"CAST({value.sql} AS BIGINT)" for value in parts)
    return Value(instant(expressions.context, f"TRY(make_timestamp({numbers}, {seconds.sql}))"), TIMESTAMP)


# Zones


@function("FROM_UTC_TIMESTAMP", "TO_UTC_TIMESTAMP", least=2)
def _utc_timestamp(expressions: Expressions, call: Call) -> Value:
    x, zone = arguments(expressions, call)
    time = cast(expressions.context, time_of(expressions, call, x), TIMESTAMP).sql
    name = implicit(expressions.context, zone, STRING, call.name).sql
    if call.name == "FROM_UTC_TIMESTAMP":
        return Value(f"timezone({name}, timezone('UTC', {time}))", TIMESTAMP)
    return Value(f"timezone('UTC', timezone({name}, {time}))", TIMESTAMP)


@function("CONVERT_TIMEZONE", least=2, most=3)
def _convert_timezone(expressions: Expressions, call: Call) -> Value:
    *zones, x = arguments(expressions, call)
    names = [implicit(expressions.context, zone, STRING, call.name).sql for zone in zones]
    of = names[0] if len(names) > 1 else text_of(expressions.context.time_zone)
    time = cast(expressions.context, time_of(expressions, call, x), TIMESTAMP_NTZ).sql
    return Value(f"timezone({names[-1]}, timezone({of}, {time}))", TIMESTAMP_NTZ)
