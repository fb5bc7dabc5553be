"""Dates, times and intervals in the forms that literals have, and what they are in Spark's."""

from __future__ import annotations

import re
from calendar import month_abbr, month_name
from datetime import date, datetime, time, timedelta, timezone, tzinfo
from decimal import Decimal
from typing import NamedTuple
from zoneinfo import ZoneInfo

_MONTHS = {name.lower(): number for names in (month_name, month_abbr) for number, name in enumerate(names) if name}
_M = r"(?P<name>[A-Za-z]{3,9})"
_DATES = [
    re.compile(pattern)
    for pattern in (
        r"(?P<y>\d{4})(?:-(?P<m>\d{1,2})(?:-(?P<d>\d{1,2}))?)?",
        r"(?P<m>\d{1,2})[-/](?P<d>\d{1,2})[-/](?P<y>\d{4}|\d{2})",
        r"(?P<y>\d{4})/(?P<m>\d{1,2})/(?P<d>\d{1,2})",
        r"(?P<y>\d{4}|\d{2})(?P<m>\d{2})(?P<d>\d{2})",
        r"(?P<y>\d{4})\.(?P<day>\d{3})",
        _M + r"\s+(?P<d>\d{1,2}),?\s*(?P<y>\d{4})",
        _M + r"-(?P<d>\d{1,2})-(?P<y>\d{4})",
        r"(?P<y>\d{4})-" + _M + r"-(?P<d>\d{1,2})",
        r"(?P<d>\d{1,2})[-\s]" + _M + r"[-\s](?P<y>\d{4})",
    )
]
_is_time = re.compile(
    r"(?P<h>\d{1,2}):(?P<m>\d{1,2})(?::(?P<s>\d{1,2})(?P<f>\.\d{0,9})?)?|(?P<h6>\d{2})(?P<m6>\d{2})(?P<s6>\d{2})",
).fullmatch
_halves = re.compile(r"(?P<time>.*?)\s*(?P<half>[AaPp][Mm])", re.DOTALL).fullmatch
_WITH_TIME = re.compile(r"(?P<date>.*?)(?:(?<=\d)T|\s+)(?P<time>\d{1,2}:\d.*|\d{6}(?:\s.*)?)", re.DOTALL)
_OFFSET = re.compile(r"(?:UTC|GMT|UT)?(?P<sign>[+-])(?P<h>\d{1,2})(?::?(?P<m>\d{2}))?", re.IGNORECASE)
_SPECIAL = {"now": 0, "today": 0, "tomorrow": 1, "yesterday": -1}
_zone_after = re.compile(r"(?P<time>[\d:.]+(?:\s*[AaPp][Mm]\b)?)\s*(?P<zone>.*)", re.DOTALL).fullmatch


def is_special(text: str) -> bool:
    """Whether a string names a moment by its distance from now, as ``today`` does."""
    return text.strip().lower() in _SPECIAL


def read_date(text: str) -> date:
    """Return the date that a string says, with or without a time behind it.

    :raises ValueError: if it says none.
    """
    return read_timestamp(text).date()


def read_timestamp(text: str) -> datetime:
    """Return the moment that a string says, with a time zone if it names one.

    :raises ValueError: if it says none.
    """
    text = text.strip()
    days = _SPECIAL.get(text.lower())
    if days is not None:
        # Moto's clock is asked by those few texts that need it: `cleanrooms-mock check` has no moto to wait for.
        from moto.core.utils import utcnow

        now = utcnow()
        return now if text.lower() == "now" else datetime.combine(now.date(), time()) + timedelta(days=days)
    split = _WITH_TIME.fullmatch(text)
    try:
        if split is None:
            return datetime.combine(_date(text), time())
        return datetime.combine(_date(split["date"].rstrip()), *_time(split["time"]))
    except (OverflowError, KeyError) as error:
        raise ValueError(text) from error


def read_time(text: str) -> time:
    """Return the time of day that a string says.

    :raises ValueError: if it says none.
    """
    clock, zone = _time(text.strip())
    return clock.replace(tzinfo=zone)


def written(moment: datetime) -> str:
    """Return a moment as Spark and DuckDB read it."""
    return moment.isoformat(" ")


def _date(text: str) -> date:
    for pattern in _DATES:
        found = pattern.fullmatch(text)
        if found is None:
            continue
        parts = found.groupdict()
        year = int(parts["y"])
        if len(parts["y"]) == 2:
            year += 2000 if year < 70 else 1900
        if parts.get("day"):
            number = int(parts["day"])
            last = (date(year, 12, 31) - date(year, 1, 1)).days + 1
            if not 1 <= number <= last:
                raise ValueError(text)
            return date(year, 1, 1) + timedelta(days=number - 1)
        month = _MONTHS[parts["name"].lower()] if parts.get("name") else int(parts.get("m") or 1)
        return date(year, month, int(parts.get("d") or 1))
    raise ValueError(text)


def _time(text: str) -> tuple[time, tzinfo | None]:
    found = _zone_after(text)
    if found is None:
        raise ValueError(text)
    clock, half = found["time"].strip(), ""
    if halves := _halves(clock):
        clock, half = halves["time"], halves["half"].upper()
    parts = _is_time(clock)
    if parts is None:
        raise ValueError(text)
    hour = int(parts["h"] or parts["h6"])
    if half:
        if not 1 <= hour <= 12:
            raise ValueError(text)
        hour = hour % 12 + (12 if half == "PM" else 0)
    micro = int(f"{(parts['f'] or '.')[1:]:0<6.6}")
    minute, second = int(parts["m"] or parts["m6"]), int(parts["s"] or parts["s6"] or 0)
    return time(hour, minute, second, micro), _zone(found["zone"].strip())


def _zone(name: str) -> tzinfo | None:
    if not name:
        return None
    if name.upper() in ("Z", "UTC", "GMT"):
        return timezone.utc
    if offset := _OFFSET.fullmatch(name):
        hours, minutes = int(offset["h"]), int(offset["m"] or 0)
        if hours > 18 or minutes > 59:
            raise ValueError(name)
        away = timedelta(hours=hours, minutes=minutes)
        return timezone(-away if offset["sign"] == "-" else away)
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError) as error:
        raise ValueError(name) from error


class Interval(NamedTuple):
    """A span of time: of months, or of days and smaller units in microseconds."""

    months: int
    micros: int


_SECOND = 1_000_000
_DAY = 86_400 * _SECOND
#: What a unit is of: months or microseconds.
_UNITS: dict[str, tuple[int, int]] = {}
for _names, _months, _micros in (
    ("millennium millennia mil mils", 12_000, 0),
    ("century centuries c cent cents", 1200, 0),
    ("decade decades dec decs", 120, 0),
    ("year years y yr yrs", 12, 0),
    ("quarter quarters qtr qtrs", 3, 0),
    ("month months mon mons", 1, 0),
    ("week weeks w", 0, 7 * _DAY),
    ("day days d", 0, _DAY),
    ("hour hours h hr hrs", 0, 3600 * _SECOND),
    ("minute minutes m min mins", 0, 60 * _SECOND),
    ("second seconds s sec secs", 0, _SECOND),
    ("millisecond milliseconds ms msec msecs msecond mseconds millisec millisecs millisecon", 0, 1000),
    ("microsecond microseconds us usec usecs usecond useconds microsec microsecs", 0, 1),
):
    _UNITS.update(dict.fromkeys(_names.split(), (_months, _micros)))
_part = re.compile(r"\s*,?\s*(?P<n>[+-]?\s*(?:\d+(?:\.\d*)?|\.\d+))\s*(?P<unit>[A-Za-z]*)").match
_years_and_months = re.compile(r"(?P<sign>[+-]?)(?P<y>\d{1,9})-(?P<m>\d{1,2})").fullmatch
_days_and_time = re.compile(
    r"(?P<sign>[+-]?)(?:(?P<d>\d{1,9})\s+)?(?P<clock>\d{1,9}(?::\d{1,2}){0,2}(?:\.\d*)?)"
).fullmatch
#: The units that may stand behind a string, from the largest to the smallest.
QUALIFIERS = ["YEAR", "MONTH", "DAY", "HOUR", "MINUTE", "SECOND"]
_LONGEST = 10**9


def is_unit(name: str) -> bool:
    """Whether a word is a unit of time."""
    return name.lower() in _UNITS


def read_interval(text: str, unit: str | None = None, last: str | None = None) -> Interval:
    """Return the span of time that a literal says.

    :param text: what stands in its quotes: numbers with units, or what is counted in ``unit``.
    :param unit: the unit behind the quotes.
    :param last: the unit behind that and ``TO``.
    :raises ValueError: if it says none, or one of months and smaller units together.
    """
    text = text.strip()
    if len(text) > 200:
        raise ValueError(text[:200])
    if last is not None:
        return _range(text, str(unit).upper(), last.upper())
    months = micros = Decimal(0)
    position = 0
    parts = 0
    while position < len(text):
        found = _part(text, position)
        if found is None:
            raise ValueError(text)
        name = found["unit"] or (unit if unit and not parts else "second")
        if name.lower() not in _UNITS:
            raise ValueError(text)
        of_months, of_micros = _UNITS[name.lower()]
        number = Decimal(found["n"].replace(" ", ""))
        if abs(number) > _LONGEST:
            raise ValueError(text)
        months += number * of_months
        micros += number * of_micros
        position = found.end()
        parts += 1
        if not found["unit"] and position < len(text.rstrip()):
            raise ValueError(text)
    if not parts or (months and micros) or months % 1:
        raise ValueError(text)
    whole = Interval(int(months), int(micros))
    return whole if unit is None or not is_unit(unit) else _cut(whole, unit)


def _cut(interval: Interval, unit: str) -> Interval:
    """Drop what is smaller than the unit behind the quotes."""
    of_months, of_micros = _UNITS[unit.lower()]
    months, micros = interval
    if of_months:
        return Interval(int(months / of_months) * of_months, 0) if not micros else _mixed(unit)
    return (
        Interval(0, int(Decimal(micros) / of_micros) * of_micros if of_micros != _SECOND else micros)
        if not months
        else _mixed(unit)
    )


def _mixed(unit: str) -> Interval:
    raise ValueError(unit)


def _range(text: str, first: str, last: str) -> Interval:
    if first not in QUALIFIERS or last not in QUALIFIERS or QUALIFIERS.index(first) >= QUALIFIERS.index(last):
        raise ValueError(f"{first} TO {last}")
    if first == "YEAR":
        found = _years_and_months(text)
        if last != "MONTH" or found is None or int(found["m"]) > 11:
            raise ValueError(text)
        months = int(found["y"]) * 12 + int(found["m"])
        return Interval(-months if found["sign"] == "-" else months, 0)
    found = _days_and_time(text)
    if first == "MONTH" or found is None or (found["d"] is not None) != (first == "DAY"):
        raise ValueError(text)
    units = QUALIFIERS[QUALIFIERS.index("HOUR" if first == "DAY" else first) : QUALIFIERS.index(last) + 1]
    numbers = found["clock"].split(":")
    if len(numbers) != len(units) or ("." in numbers[-1] and last != "SECOND"):
        raise ValueError(text)
    micros = Decimal(int(found["d"] or 0)) * _DAY
    for number, name in zip(numbers, units, strict=True):
        micros += Decimal(number) * _UNITS[name.lower()][1]
    return Interval(0, int(-micros if found["sign"] == "-" else micros))


def shown(interval: Interval) -> tuple[str, str]:
    """Return a number and the unit that it counts, for a span of time: months, days or seconds."""
    if interval.months:
        return str(interval.months), "MONTH"
    if interval.micros % _DAY == 0:
        return str(interval.micros // _DAY), "DAY"
    seconds = Decimal(interval.micros) / _SECOND
    return f"{seconds:f}".rstrip("0").rstrip(".") if "." in f"{seconds:f}" else f"{seconds:f}", "SECOND"
