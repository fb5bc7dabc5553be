"""Functions that shift times, tell them apart and cut them off: DATEADD, DATEDIFF, DATE_TRUNC and their like."""

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
    YEAR_MONTH,
    is_integral,
    is_numeric,
    is_timestamp,
)
from cleanrooms_mock.analysis.engines.translation import arithmetic
from cleanrooms_mock.analysis.engines.translation.casts import cast, implicit, instant, local
from cleanrooms_mock.analysis.engines.translation.functions.calls import Call, arguments, constant, function
from cleanrooms_mock.analysis.engines.translation.functions.numbers import truncated
from cleanrooms_mock.analysis.engines.translation.functions.times import clock_of, date_of, time_of
from cleanrooms_mock.analysis.engines.translation.intervals import unit_of
from cleanrooms_mock.analysis.engines.translation.values import Value, wrong_type
from cleanrooms_mock.analysis.refusals import malformed

if TYPE_CHECKING:
    from cleanrooms_mock.analysis.engines.translation.expressions import Expressions


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
        f"CAST({date_of(expressions, call, start)} {sign} {cast(expressions.context, days, INT).sql} AS DATE)", DATE
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
    time = time_of(expressions, call, start)
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
        last, first = (date_of(expressions, call, value) for value in arguments(expressions, call))
        return Value(f"CAST({last} - {first} AS INTEGER)", INT)
    unit = _unit(call)
    begin, end = (
        clock_of(expressions, call, one if isinstance(one, Value) else expressions(one)) for one in call.arguments[1:]
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
    return Value(f"CAST({date_of(expressions, call, start)} + to_months({number}) AS DATE)", DATE)


@function("MONTHS_BETWEEN", least=2, most=3)
def _months_between(expressions: Expressions, call: Call) -> Value:
    end, start, *rounded = arguments(expressions, call)
    x, y = clock_of(expressions, call, end), clock_of(expressions, call, start)
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
    return Value(f"last_day({date_of(expressions, call, x)})", DATE)


@function("NEXT_DAY", least=2)
def _next_day(expressions: Expressions, call: Call) -> Value:
    x, day = arguments(expressions, call)
    date = date_of(expressions, call, x)
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
    date = date_of(expressions, call, x)
    if unit.is_null:
        return Value("CAST(NULL AS DATE)", DATE, None)
    name = _TRUNCATED.get(str(constant(call, unit, str, "the unit")).upper())
    return Value("CAST(NULL AS DATE)" if name is None else f"CAST(date_trunc('{name}', {date}) AS DATE)", DATE)


@function("DATE_TRUNC", least=2)
def _date_trunc(expressions: Expressions, call: Call) -> Value:
    unit, x = arguments(expressions, call)
    time = time_of(expressions, call, x)
    if unit.is_null:
        return Value("CAST(NULL AS TIMESTAMP)", TIMESTAMP, None)
    name = _TRUNCATED_TIMES.get(str(constant(call, unit, str, "the unit")).upper())
    if name is None:
        return Value("CAST(NULL AS TIMESTAMP)", TIMESTAMP)
    cut = f"CAST(date_trunc('{name}', {local(expressions.context, time.sql, time.type)}) AS TIMESTAMP)"
    return Value(instant(expressions.context, cut) if time.type == TIMESTAMP else cut, time.type)
