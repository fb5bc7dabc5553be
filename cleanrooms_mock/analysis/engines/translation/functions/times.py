"""Functions of dates and times."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from cleanrooms_mock.analysis.engines.data_types import (
    BIGINT,
    DATE,
    DAY_TIME,
    DOUBLE,
    INT,
    STRING,
    TIMESTAMP,
    TIMESTAMP_NTZ,
    YEAR_MONTH,
    decimal,
    is_integral,
    is_numeric,
    is_timestamp,
    text_of,
)
from cleanrooms_mock.analysis.engines.translation import arithmetic, number_formats, patterns
from cleanrooms_mock.analysis.engines.translation.casts import cast, implicit, instant, local
from cleanrooms_mock.analysis.engines.translation.functions.calls import Call, arguments, constant, function
from cleanrooms_mock.analysis.engines.translation.functions.numbers import truncated
from cleanrooms_mock.analysis.engines.translation.intervals import unit_of
from cleanrooms_mock.analysis.engines.translation.values import Value, wrong_type
from cleanrooms_mock.analysis.refusals import malformed

if TYPE_CHECKING:
    from cleanrooms_mock.analysis.engines.translation.expressions import Expressions


def _date(expressions: Expressions, call: Call, value: Value) -> str:
    return implicit(expressions.context, value, DATE, call.name).sql


def _time(expressions: Expressions, call: Call, value: Value) -> Value:
    """Return an argument as a timestamp, its own kind if it is one."""
    return value if is_timestamp(value.type) else implicit(expressions.context, value, TIMESTAMP, call.name)


def _shown(expressions: Expressions, call: Call, value: Value) -> str:
    """Return a time as the session's clock shows it."""
    time = _time(expressions, call, value)
    return local(expressions.context, time.sql, time.type)


@function("CURRENT_TIMESTAMP", "NOW", "GETDATE", "SYSDATE", least=0)
def _current_timestamp(expressions: Expressions, call: Call) -> Value:
    return Value(f"TIMESTAMP {text_of(expressions.context.now.isoformat(' '))}", TIMESTAMP)


@function("LOCALTIMESTAMP", least=0)
def _local_timestamp(expressions: Expressions, call: Call) -> Value:
    now = _current_timestamp(expressions, call)
    return Value(local(expressions.context, now.sql, TIMESTAMP), TIMESTAMP_NTZ)


@function("CURRENT_DATE", "CURDATE", least=0)
def _current_date(expressions: Expressions, call: Call) -> Value:
    return cast(expressions.context, _current_timestamp(expressions, call), DATE)


@function("CURRENT_TIMEZONE", least=0)
def _current_timezone(expressions: Expressions, call: Call) -> Value:
    return Value(text_of(expressions.context.time_zone), STRING)


_OF_DATES = {
    "YEAR": "year",
    "QUARTER": "quarter",
    "MONTH": "month",
    "DAY": "day",
    "DAYOFMONTH": "day",
    "DAYOFYEAR": "dayofyear",
    "WEEKOFYEAR": "weekofyear",
}


@function(*_OF_DATES, least=1)
def _of_date(expressions: Expressions, call: Call) -> Value:
    (x,) = arguments(expressions, call)
    return Value(f"CAST({_OF_DATES[call.name]}({_date(expressions, call, x)}) AS INTEGER)", INT)


@function("DAYOFWEEK", "WEEKDAY", least=1)
def _weekday(expressions: Expressions, call: Call) -> Value:
    """Sunday is 1 of DAYOFWEEK, Monday 0 of WEEKDAY."""
    (x,) = arguments(expressions, call)
    day = _date(expressions, call, x)
    return Value(
        f"CAST(dayofweek({day}) + 1 AS INTEGER)" if call.name == "DAYOFWEEK" else f"CAST(isodow({day}) - 1 AS INTEGER)",
        INT,
    )


@function("DAYNAME", "MONTHNAME", least=1)
def _name(expressions: Expressions, call: Call) -> Value:
    (x,) = arguments(expressions, call)
    return Value(f"left({call.name.lower()}({_date(expressions, call, x)}), 3)", STRING)


@function("HOUR", "MINUTE", "SECOND", least=1)
def _of_time(expressions: Expressions, call: Call) -> Value:
    (x,) = arguments(expressions, call)
    return Value(f"CAST({call.name.lower()}({_shown(expressions, call, x)}) AS INTEGER)", INT)


@function("DATE_PART", "DATEPART", least=2)
def _date_part(expressions: Expressions, call: Call) -> Value:
    field, x = call.arguments
    name = field.name if isinstance(field, exp.Expr) else str(field.constant)
    return _part(expressions, call, name.upper(), x if isinstance(x, Value) else expressions(x))


_PARTS = {
    **dict.fromkeys(("YEAR", "Y", "YEARS", "YR", "YRS"), "year"),
    "YEAROFWEEK": "isoyear",
    **dict.fromkeys(("QUARTER", "QTR"), "quarter"),
    **dict.fromkeys(("MONTH", "MON", "MONS", "MONTHS"), "month"),
    **dict.fromkeys(("WEEK", "W", "WEEKS"), "weekofyear"),
    **dict.fromkeys(("DAY", "D", "DAYS"), "day"),
    "DOY": "dayofyear",
}
_CLOCK = {
    **dict.fromkeys(("HOUR", "H", "HOURS", "HR", "HRS"), "hour"),
    **dict.fromkeys(("MINUTE", "M", "MIN", "MINS", "MINUTES"), "minute"),
}
_SECONDS = ("SECOND", "S", "SEC", "SECONDS", "SECS")


def _part(expressions: Expressions, call: Call, name: str, x: Value) -> Value:
    if x.type in (DAY_TIME, YEAR_MONTH):
        return _interval_part(call, name, x)
    if name in _PARTS:
        return Value(f"CAST({_PARTS[name]}({_date(expressions, call, x)}) AS INTEGER)", INT)
    if name in ("DAYOFWEEK", "DOW"):
        return Value(f"CAST(dayofweek({_date(expressions, call, x)}) + 1 AS INTEGER)", INT)
    if name in ("DAYOFWEEK_ISO", "DOW_ISO"):
        return Value(f"CAST(isodow({_date(expressions, call, x)}) AS INTEGER)", INT)
    if name in _CLOCK:
        return Value(f"CAST({_CLOCK[name]}({_shown(expressions, call, x)}) AS INTEGER)", INT)
    if name in _SECONDS:
        time = _shown(expressions, call, x)
        return Value(
            f"CAST(CAST(epoch_us({time}) - epoch_us(date_trunc('minute', {time})) AS DECIMAL(18,0)) * 0.000001 AS DECIMAL(8,6))",
            decimal(8, 6),
        )
    raise malformed(f"The query is invalid: a time has no field {name}", call.node)


def _interval_part(call: Call, name: str, x: Value) -> Value:
    from cleanrooms_mock.analysis.engines.data_types import TINYINT

    if x.type == YEAR_MONTH and name in ("YEAR", "Y", "YEARS", "YR", "YRS"):
        return Value(f"({x.sql} // 12)", INT)
    if x.type == YEAR_MONTH and name in ("MONTH", "MON", "MONS", "MONTHS"):
        return Value(f"CAST({x.sql} % 12 AS TINYINT)", TINYINT)
    if x.type == DAY_TIME and name in ("DAY", "D", "DAYS"):
        return Value(f"CAST({x.sql} // 86400000000 AS INTEGER)", INT)
    if x.type == DAY_TIME and name in _CLOCK:
        unit, most = (3_600_000_000, 24) if _CLOCK[name] == "hour" else (60_000_000, 60)
        return Value(f"CAST({x.sql} // {unit} % {most} AS TINYINT)", TINYINT)
    if x.type == DAY_TIME and name in _SECONDS:
        return Value(f"CAST(CAST({x.sql} % 60000000 AS DECIMAL(18,0)) * 0.000001 AS DECIMAL(8,6))", decimal(8, 6))
    raise malformed(f"The query is invalid: an interval has no field {name}", call.node)


# Arithmetic


@function("DATE_ADD", "DATEADD", "DATE_SUB", "TIMESTAMPADD", least=2, most=3)
def _date_add(expressions: Expressions, call: Call) -> Value:
    if len(call.arguments) == 3:
        return _timestamp_add(expressions, call)
    start, days = arguments(expressions, call)
    sign = "-" if call.name == "DATE_SUB" else "+"
    if days.type in (DAY_TIME, YEAR_MONTH):
        start = (
            start
            if start.type == DATE or is_timestamp(start.type)
            else implicit(expressions.context, start, DATE, call.name)
        )
        return arithmetic.binary(expressions.context, sign, start, days)
    if not (is_integral(days.type) or days.type == STRING or days.is_null):
        raise wrong_type(call.name, start, days)
    return Value(
        f"CAST({_date(expressions, call, start)} {sign} {cast(expressions.context, days, INT).sql} AS DATE)", DATE
    )


def _unit(call: Call) -> str:
    node = call.arguments[0]
    name = node.name if isinstance(node, exp.Expr) else str(node.constant)
    unit = {"dayofyear": "day"}.get(name.lower()) or unit_of(name)
    if unit is None:
        raise malformed(f"The query is invalid: {name} is no unit of time", call.node)
    return unit


def _timestamp_add(expressions: Expressions, call: Call) -> Value:
    unit = _unit(call)
    amount, start = (one if isinstance(one, Value) else expressions(one) for one in call.arguments[1:])
    number = implicit(expressions.context, amount, BIGINT, call.name).sql
    time = _time(expressions, call, start)
    if unit in ("year", "quarter", "month"):
        months = {"year": 12, "quarter": 3, "month": 1}[unit]
        return arithmetic.binary(
            expressions.context, "+", time, Value(f"CAST({number} * {months} AS INTEGER)", YEAR_MONTH)
        )
    if unit in ("day", "week"):
        # A day later is at the same time of the clock.
        moved = f"({local(expressions.context, time.sql, time.type)} + to_days(CAST({number} * {7 if unit == 'week' else 1} AS INTEGER)))"
        return Value(instant(expressions.context, moved) if time.type == TIMESTAMP else moved, time.type)
    size = {"hour": 3_600_000_000, "minute": 60_000_000, "second": 1_000_000, "millisecond": 1_000, "microsecond": 1}[
        unit
    ]
    return Value(f"({time.sql} + to_microseconds({number} * {size}))", time.type)


@function("DATEDIFF", "DATE_DIFF", "TIMESTAMPDIFF", least=2, most=3)
def _date_diff(expressions: Expressions, call: Call) -> Value:
    if len(call.arguments) == 2:
        last, first = (_date(expressions, call, value) for value in arguments(expressions, call))
        return Value(f"CAST({last} - {first} AS INTEGER)", INT)
    unit = _unit(call)
    begin, end = (
        _shown(expressions, call, one if isinstance(one, Value) else expressions(one)) for one in call.arguments[1:]
    )
    if unit in ("year", "quarter", "month"):
        # Only whole ones count.
        months = f"((year({end}) - year({begin})) * 12 + month({end}) - month({begin}))"
        into = "(epoch_us({0}) - epoch_us(date_trunc('month', {0})))"
        part = f"sign({into.format(end)} - {into.format(begin)})"
        whole = f"({months} - CASE WHEN {months} > 0 AND {part} < 0 THEN 1 WHEN {months} < 0 AND {part} > 0 THEN -1 ELSE 0 END)"
        size = {"year": 12, "quarter": 3, "month": 1}[unit]
        return Value(f"CAST({whole} // {size} AS BIGINT)", BIGINT)
    unit_size = {
        "week": 604_800_000_000, "day": 86_400_000_000, "hour": 3_600_000_000, "minute": 60_000_000, "second": 1_000_000,
        "millisecond": 1_000, "microsecond": 1,
    }[unit]  # fmt: skip
    return Value(f"CAST((epoch_us({end}) - epoch_us({begin})) // {unit_size} AS BIGINT)", BIGINT)


@function("ADD_MONTHS", least=2)
def _add_months(expressions: Expressions, call: Call) -> Value:
    start, months = arguments(expressions, call)
    number = implicit(expressions.context, months, INT, call.name).sql
    return Value(f"CAST({_date(expressions, call, start)} + to_months({number}) AS DATE)", DATE)


@function("MONTHS_BETWEEN", least=2, most=3)
def _months_between(expressions: Expressions, call: Call) -> Value:
    end, start, *rounded = arguments(expressions, call)
    x, y = _shown(expressions, call, end), _shown(expressions, call, start)
    months = f"((year({x}) - year({y})) * 12 + month({x}) - month({y}))"
    last = f"day({x}) = day(last_day({x})) AND day({y}) = day(last_day({y}))"
    seconds = (
        f"((day({x}) - day({y})) * 86400 + epoch({x} - date_trunc('day', {x})) - epoch({y} - date_trunc('day', {y})))"
    )
    parts = f"CASE WHEN day({x}) = day({y}) OR ({last}) THEN CAST({months} AS DOUBLE) ELSE {months} + floor({seconds}) / 2678400.0::DOUBLE END"
    if rounded and rounded[0].constant is False:
        return Value(parts, DOUBLE)
    return Value(f"round({parts}, 8)", DOUBLE)


@function("LAST_DAY", least=1)
def _last_day(expressions: Expressions, call: Call) -> Value:
    (x,) = arguments(expressions, call)
    return Value(f"last_day({_date(expressions, call, x)})", DATE)


@function("NEXT_DAY", least=2)
def _next_day(expressions: Expressions, call: Call) -> Value:
    x, day = arguments(expressions, call)
    date = _date(expressions, call, x)
    name = f"upper({implicit(expressions.context, day, STRING, call.name).sql})"
    names = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY")
    branches = " ".join(
        f"WHEN {name} IN ('{one}', '{one[:3]}', '{one[:2]}') THEN {number}" for number, one in enumerate(names, 1)
    )
    wanted = f"CASE {branches} END"
    return Value(f"CAST({date} + CAST(({wanted} - isodow({date}) + 6) % 7 + 1 AS INTEGER) AS DATE)", DATE)


_TRUNCATED = {
    **dict.fromkeys(("YEAR", "YYYY", "YY"), "year"),
    "QUARTER": "quarter",
    **dict.fromkeys(("MONTH", "MM", "MON"), "month"),
    "WEEK": "week",
}
_TRUNCATED_TIMES = {
    **_TRUNCATED,
    **dict.fromkeys(("DAY", "DD"), "day"),
    "HOUR": "hour",
    "MINUTE": "minute",
    "SECOND": "second",
    "MILLISECOND": "millisecond",
    "MICROSECOND": "microsecond",
}


@function("TRUNC", least=1, most=2)
def _trunc(expressions: Expressions, call: Call) -> Value:
    """Of a date to the first day of a month, say; of a number to places."""
    if len(call.arguments) == 1:
        (x,) = arguments(expressions, call)
        expressions.context.truncations[id(call.node)] = x.type
        return truncated(expressions, call, x)
    x, unit = arguments(expressions, call)
    if is_numeric(x.type) and is_integral(unit.type):
        places = int(str(constant(call, unit, int, "the number of places")))
        number = cast(expressions.context, x, DOUBLE).sql
        return Value(f"(trunc({number} * pow(10, {places})) / pow(10, {places}))", DOUBLE)
    date = _date(expressions, call, x)
    if unit.is_null:
        return Value("CAST(NULL AS DATE)", DATE, None)
    name = _TRUNCATED.get(str(constant(call, unit, str, "the unit")).upper())
    return Value("CAST(NULL AS DATE)" if name is None else f"CAST(date_trunc('{name}', {date}) AS DATE)", DATE)


@function("DATE_TRUNC", least=2)
def _date_trunc(expressions: Expressions, call: Call) -> Value:
    unit, x = arguments(expressions, call)
    time = _time(expressions, call, x)
    if unit.is_null:
        return Value("CAST(NULL AS TIMESTAMP)", TIMESTAMP, None)
    name = _TRUNCATED_TIMES.get(str(constant(call, unit, str, "the unit")).upper())
    if name is None:
        return Value("CAST(NULL AS TIMESTAMP)", TIMESTAMP)
    cut = f"CAST(date_trunc('{name}', {local(expressions.context, time.sql, time.type)}) AS TIMESTAMP)"
    return Value(instant(expressions.context, cut) if time.type == TIMESTAMP else cut, time.type)


# Texts


@function("DATE_FORMAT", "TO_CHAR", "TO_VARCHAR", least=2)
def _date_format(expressions: Expressions, call: Call) -> Value:
    x, pattern = arguments(expressions, call)
    if call.name != "DATE_FORMAT" and is_numeric(x.type):
        return number_formats.to_char(expressions.context, x, str(constant(call, pattern, str, "the format")))
    time = _shown(expressions, call, x)
    if pattern.is_null:
        return Value("CAST(NULL AS VARCHAR)", STRING, None)
    return Value(
        patterns.written(str(constant(call, pattern, str, "the pattern")), time, expressions.context.time_zone), STRING
    )


@function("TO_NUMBER", "TRY_TO_NUMBER", least=2)
def _to_number(expressions: Expressions, call: Call) -> Value:
    x, pattern = arguments(expressions, call)
    text = implicit(expressions.context, x, STRING, call.name)
    return number_formats.to_number(expressions.context, text, str(constant(call, pattern, str, "the format")))


@function("TO_DATE", "DATE", "TRY_TO_DATE", least=1, most=2)
def _to_date(expressions: Expressions, call: Call) -> Value:
    x, *pattern = arguments(expressions, call)
    if not pattern or x.type == DATE or is_timestamp(x.type):
        return implicit(expressions.context, x, DATE, call.name)
    text = implicit(expressions.context, x, STRING, call.name).sql
    time, _ = patterns.read(str(constant(call, pattern[0], str, "the pattern")), text)
    return Value(f"CAST({time} AS DATE)", DATE)


@function("TO_TIMESTAMP", "TIMESTAMP", "TRY_TO_TIMESTAMP", "TO_TIMESTAMP_LTZ", "TO_TIMESTAMP_NTZ", least=1, most=2)
def _to_timestamp(expressions: Expressions, call: Call) -> Value:
    x, *pattern = arguments(expressions, call)
    type_ = TIMESTAMP_NTZ if call.name == "TO_TIMESTAMP_NTZ" else TIMESTAMP
    if not pattern or x.type == DATE or is_timestamp(x.type):
        return cast(expressions.context, x, type_)
    text = implicit(expressions.context, x, STRING, call.name).sql
    return _read(expressions, call, text, str(constant(call, pattern[0], str, "the pattern")), type_ == TIMESTAMP)


def _read(expressions: Expressions, call: Call, text: str, pattern: str, is_instant: bool) -> Value:
    time, zone = patterns.read(pattern, text)
    if not is_instant:
        return Value(time, TIMESTAMP_NTZ)
    if zone is None:
        return Value(instant(expressions.context, time), TIMESTAMP)
    return Value(expressions.context.macro("spark_in_zone", time, zone), TIMESTAMP)


@function("UNIX_TIMESTAMP", "TO_UNIX_TIMESTAMP", least=0, most=2)
def _unix_timestamp(expressions: Expressions, call: Call) -> Value:
    values = arguments(expressions, call)
    if not values:
        time = _current_timestamp(expressions, call)
    elif values[0].type == DATE or is_timestamp(values[0].type):
        time = cast(expressions.context, values[0], TIMESTAMP)
    else:
        text = implicit(expressions.context, values[0], STRING, call.name).sql
        pattern = str(constant(call, values[1], str, "the pattern")) if len(values) > 1 else "yyyy-MM-dd HH:mm:ss"
        time = _read(expressions, call, text, pattern, True)
    return Value(f"(epoch_us({time.sql}) // 1000000)", BIGINT)


@function("FROM_UNIXTIME", least=1, most=2)
def _from_unixtime(expressions: Expressions, call: Call) -> Value:
    x, *pattern = arguments(expressions, call, "ls")
    text = str(constant(call, pattern[0], str, "the pattern")) if pattern else "yyyy-MM-dd HH:mm:ss"
    time = local(expressions.context, f"make_timestamp({x.sql} * 1000000)", TIMESTAMP)
    return Value(patterns.written(text, time, expressions.context.time_zone), STRING)


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
    time = cast(expressions.context, _time(expressions, call, x), TIMESTAMP).sql
    name = implicit(expressions.context, zone, STRING, call.name).sql
    if call.name == "FROM_UTC_TIMESTAMP":
        return Value(f"timezone({name}, timezone('UTC', {time}))", TIMESTAMP)
    return Value(f"timezone('UTC', timezone({name}, {time}))", TIMESTAMP)


@function("CONVERT_TIMEZONE", least=2, most=3)
def _convert_timezone(expressions: Expressions, call: Call) -> Value:
    *zones, x = arguments(expressions, call)
    names = [implicit(expressions.context, zone, STRING, call.name).sql for zone in zones]
    of = names[0] if len(names) > 1 else text_of(expressions.context.time_zone)
    time = cast(expressions.context, _time(expressions, call, x), TIMESTAMP_NTZ).sql
    return Value(f"timezone({names[-1]}, timezone({of}, {time}))", TIMESTAMP_NTZ)
