"""Literals of intervals: months, or microseconds."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING

from sqlglot import exp

from cleanrooms_mock.analysis.engines.data_types import DAY_TIME, DOUBLE, INT, YEAR_MONTH, is_integral
from cleanrooms_mock.analysis.engines.translation.casts import cast
from cleanrooms_mock.analysis.engines.translation.values import VARIABLE, Value
from cleanrooms_mock.analysis.refusals import Refusal, malformed

if TYPE_CHECKING:
    from cleanrooms_mock.analysis.engines.translation.expressions import Expressions

_MONTHS = {"year": 12, "quarter": 3, "month": 1}
_SECOND = 1_000_000
_MICROSECONDS = {
    "week": 7 * 86_400 * _SECOND,
    "day": 86_400 * _SECOND,
    "hour": 3_600 * _SECOND,
    "minute": 60 * _SECOND,
    "second": _SECOND,
    "millisecond": 1_000,
    "microsecond": 1,
}
_ABBREVIATIONS = {
    "y": "year", "yr": "year", "yrs": "year", "mon": "month", "mons": "month", "qtr": "quarter", "w": "week", "d": "day",
    "h": "hour", "hr": "hour", "hrs": "hour", "m": "minute", "min": "minute", "mins": "minute", "s": "second", "sec": "second",
    "secs": "second", "ms": "millisecond", "msec": "millisecond", "us": "microsecond", "usec": "microsecond",
}  # fmt: skip
_is_part = re.compile(r"\s*,?\s*([+-]?[0-9]*\.?[0-9]+)\s*([A-Za-z]+)").match
_spans = {
    ("year", "month"): re.compile(r"([+-]?)(\d+)-(\d+)"),
    ("day", "hour"): re.compile(r"([+-]?)(\d+) (\d+)"),
    ("day", "minute"): re.compile(r"([+-]?)(\d+) (\d+):(\d+)"),
    ("day", "second"): re.compile(r"([+-]?)(\d+) (\d+):(\d+):(\d+(?:\.\d+)?)"),
    ("hour", "minute"): re.compile(r"([+-]?)(\d+):(\d+)"),
    ("hour", "second"): re.compile(r"([+-]?)(\d+):(\d+):(\d+(?:\.\d+)?)"),
    ("minute", "second"): re.compile(r"([+-]?)(\d+):(\d+(?:\.\d+)?)"),
}


def unit_of(word: str) -> str | None:
    """Return the unit that a word means, as ``month``, or ``None``."""
    word = word.lower()
    word = _ABBREVIATIONS.get(word, word)
    for candidate in (word, word.removesuffix("s")):
        if candidate in _MONTHS or candidate in _MICROSECONDS:
            return candidate
    return None


def interval(expressions: Expressions, node: exp.Interval) -> Value:
    """Return the interval that a literal says, or that an expression and a unit make."""
    amount, unit = node.this, node.args.get("unit")
    if isinstance(unit, exp.IntervalSpan):
        return _span(node, amount.name, unit.name.lower(), unit.expression.name.lower())
    if unit is None:
        return _listed(node, amount.name if amount is not None else "")
    name = unit_of(unit.name)
    if name is None:
        raise _invalid(node)
    if isinstance(amount, exp.Literal | exp.Neg):
        text = f"-{amount.this.name}" if isinstance(amount, exp.Neg) else amount.name
        try:
            return _of(Decimal(text.strip()), name)
        except ArithmeticError:
            raise _invalid(node) from None
    value = expressions(amount)
    if name in _MONTHS:
        return Value(f"({cast(expressions.context, value, INT).sql} * {_MONTHS[name]})", YEAR_MONTH)
    number = value if is_integral(value.type) else cast(expressions.context, value, DOUBLE)
    return Value(
        f"CAST({number.sql} * CAST({_MICROSECONDS[name]} AS BIGINT) AS BIGINT)",
        DAY_TIME,
        VARIABLE,
        name in ("day", "week") and is_integral(value.type),
    )


def _of(amount: Decimal, unit: str) -> Value:
    if unit in _MONTHS:
        return Value(f"CAST({int(amount * _MONTHS[unit])} AS INTEGER)", YEAR_MONTH)
    whole = amount * _MICROSECONDS[unit]
    days = unit in ("day", "week") and whole % _MICROSECONDS["day"] == 0
    return Value(f"CAST({int(whole)} AS BIGINT)", DAY_TIME, VARIABLE, days)


def _span(node: exp.Interval, text: str, first: str, last: str) -> Value:
    pattern = _spans.get((first, last))
    found = None if pattern is None else pattern.fullmatch(text.strip())
    if found is None:
        raise _invalid(node)
    sign, *numbers = found.groups()
    units = list({**_MONTHS, **_MICROSECONDS}) if first == "year" else list(_MICROSECONDS)
    if first == "year":
        amount = int(numbers[0]) * 12 + int(numbers[1])
        return Value(f"CAST({-amount if sign == '-' else amount} AS INTEGER)", YEAR_MONTH)
    start = units.index(first)
    total = sum(
        (Decimal(number) * _MICROSECONDS[unit] for number, unit in zip(numbers, units[start:], strict=False)),
        Decimal(0),
    )
    return Value(f"CAST({int(-total if sign == '-' else total)} AS BIGINT)", DAY_TIME)


def _listed(node: exp.Interval, text: str) -> Value:
    """Read what has its units in the text, as ``'1w, 1h'``."""
    months, microseconds, end = Decimal(0), Decimal(0), 0
    kinds = set()
    while found := _is_part(text, end):
        unit = unit_of(found[2])
        if unit is None:
            raise _invalid(node)
        kinds.add(unit in _MONTHS)
        if unit in _MONTHS:
            months += Decimal(found[1]) * _MONTHS[unit]
        else:
            microseconds += Decimal(found[1]) * _MICROSECONDS[unit]
        end = found.end()
    if text[end:].strip() or len(kinds) != 1:
        raise _invalid(node)
    if kinds == {True}:
        return Value(f"CAST({int(months)} AS INTEGER)", YEAR_MONTH)
    return Value(f"CAST({int(microseconds)} AS BIGINT)", DAY_TIME, VARIABLE, microseconds % _MICROSECONDS["day"] == 0)


def _invalid(node: exp.Interval) -> Refusal:
    return malformed(f"The query is invalid: {node.sql('spark')} is no interval", node)
