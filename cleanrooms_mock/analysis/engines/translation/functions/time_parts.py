"""Functions that give a part of a time: a year, a weekday, a minute."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from cleanrooms_mock.analysis.engines.data_types import (
    DAY_TIME,
    INT,
    STRING,
    TINYINT,
    YEAR_MONTH,
    decimal,
)
from cleanrooms_mock.analysis.engines.translation.functions.calls import Call, arguments, function
from cleanrooms_mock.analysis.engines.translation.functions.times import clock_of, date_of
from cleanrooms_mock.analysis.engines.translation.values import Value
from cleanrooms_mock.analysis.refusals import malformed

if TYPE_CHECKING:
    from cleanrooms_mock.analysis.engines.translation.expressions import Expressions


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
    return Value(f"CAST({_OF_DATES[call.name]}({date_of(expressions, call, x)}) AS INTEGER)", INT)


@function("DAYOFWEEK", "WEEKDAY", least=1)
def _weekday(expressions: Expressions, call: Call) -> Value:
    """Sunday is 1 of DAYOFWEEK, Monday 0 of WEEKDAY."""
    (x,) = arguments(expressions, call)
    day = date_of(expressions, call, x)
    return Value(
        f"CAST(dayofweek({day}) + 1 AS INTEGER)" if call.name == "DAYOFWEEK" else f"CAST(isodow({day}) - 1 AS INTEGER)",
        INT,
    )


@function("DAYNAME", "MONTHNAME", least=1)
def _name(expressions: Expressions, call: Call) -> Value:
    (x,) = arguments(expressions, call)
    return Value(f"left({call.name.lower()}({date_of(expressions, call, x)}), 3)", STRING)


@function("HOUR", "MINUTE", "SECOND", least=1)
def _of_time(expressions: Expressions, call: Call) -> Value:
    (x,) = arguments(expressions, call)
    return Value(f"CAST({call.name.lower()}({clock_of(expressions, call, x)}) AS INTEGER)", INT)


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
        return Value(f"CAST({_PARTS[name]}({date_of(expressions, call, x)}) AS INTEGER)", INT)
    if name in ("DAYOFWEEK", "DOW"):
        return Value(f"CAST(dayofweek({date_of(expressions, call, x)}) + 1 AS INTEGER)", INT)
    if name in ("DAYOFWEEK_ISO", "DOW_ISO"):
        return Value(f"CAST(isodow({date_of(expressions, call, x)}) AS INTEGER)", INT)
    if name in _CLOCK:
        return Value(f"CAST({_CLOCK[name]}({clock_of(expressions, call, x)}) AS INTEGER)", INT)
    if name in _SECONDS:
        time = clock_of(expressions, call, x)
        return Value(
            f"CAST(CAST(epoch_us({time}) - epoch_us(date_trunc('minute', {time})) AS DECIMAL(18,0)) * 0.000001 AS DECIMAL(8,6))",
            decimal(8, 6),
        )
    raise malformed(f"The query is invalid: a time has no field {name}", call.node)


def _interval_part(call: Call, name: str, x: Value) -> Value:
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
