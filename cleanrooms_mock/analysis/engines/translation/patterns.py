"""Patterns of dates and times as Java has them, written and read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from cleanrooms_mock.analysis.engines.data_types import text_of
from cleanrooms_mock.analysis.refusals import Refusal, malformed

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_LONG_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December",
)  # fmt: skip
_LONG_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_PIECES = re.compile(r"'((?:[^']|'')*)'|([A-Za-z])\2*|[^A-Za-z']+")


class _Piece(NamedTuple):
    """A part of a pattern.

    :ivar letters: of a field; empty for a text.
    """

    letters: str
    text: str


def _pieces(pattern: str) -> Iterator[_Piece]:
    end = 0
    for found in _PIECES.finditer(pattern):
        if found.start() != end:
            raise _unknown(pattern)
        end = found.end()
        if found[0].startswith("'"):
            yield _Piece("", found[1].replace("''", "'") or "'")
        elif found[2]:
            yield _Piece(found[0], "")
        else:
            yield _Piece("", found[0])
    if end != len(pattern):
        raise _unknown(pattern)


def _unknown(pattern: str) -> Refusal:
    return malformed(f"The query can't be carried out: the engine has no datetime pattern {pattern!r}")


#: What DuckDB's strftime does alike.
_WRITTEN = {
    "y": "%-Y", "yyyy": "%Y", "yy": "%y", "M": "%-m", "MM": "%m", "MMM": "%b", "MMMM": "%B", "L": "%-m", "LL": "%m",
    "d": "%-d", "dd": "%d", "D": "%-j", "DDD": "%j", "H": "%-H", "HH": "%H", "h": "%-I", "hh": "%I", "m": "%-M", "mm": "%M",
    "s": "%-S", "ss": "%S", "E": "%a", "EE": "%a", "EEE": "%a", "EEEE": "%A", "a": "%p", "SSSSSS": "%f",
}  # fmt: skip


def written(pattern: str, time: str, zone: str) -> str:
    """Return a timestamp, as the session's clock shows it, written by a pattern.

    :param time: the text of a TIMESTAMP.
    :param zone: the session's time zone.
    :raises Refusal: for a pattern that isn't known here.
    """
    parts = []
    for piece in _pieces(pattern):
        letters = piece.letters
        if not letters:
            parts.append(text_of(piece.text))
        elif letters in _WRITTEN:
            parts.append(f"strftime({time}, {text_of(_WRITTEN[letters])})")
        elif set(letters) == {"S"} and len(letters) <= 9:
            parts.append(f"rpad(left(strftime({time}, '%f'), {len(letters)}), {len(letters)}, '0')")
        elif letters in ("Q", "q"):
            parts.append(f"CAST(quarter({time}) AS VARCHAR)")
        elif letters in ("QQ", "qq"):
            parts.append(f"'0' || CAST(quarter({time}) AS VARCHAR)")
        elif letters in ("k", "kk"):
            hour = f"CAST(CASE WHEN hour({time}) = 0 THEN 24 ELSE hour({time}) END AS VARCHAR)"
            parts.append(hour if letters == "k" else f"lpad({hour}, 2, '0')")
        elif letters in ("K", "KK"):
            hour = f"CAST(hour({time}) % 12 AS VARCHAR)"
            parts.append(hour if letters == "K" else f"lpad({hour}, 2, '0')")
        elif letters == "G":
            parts.append("'AD'")
        elif letters == "VV":
            parts.append(text_of(zone))
        elif zone == "UTC" and letters in ("z", "X", "XXX"):
            parts.append("'UTC'" if letters == "z" else "'Z'")
        elif zone == "UTC" and letters in ("Z", "xx", "xxx", "x"):
            parts.append({"Z": "'+0000'", "xx": "'+0000'", "xxx": "'+00:00'", "x": "'+00'"}[letters])
        else:
            raise _unknown(pattern)
    return f"({' || '.join(parts)} || CASE WHEN {time} IS NOT NULL THEN '' END)"


#: Each field's expression, and which part of a time it is.
_READ = {
    "y": (r"[0-9]{1,9}", "y"), "yyyy": (r"[0-9]{4}", "y"), "yy": (r"[0-9]{2}", "yy"),
    "M": (r"[0-9]{1,2}", "m"), "MM": (r"[0-9]{2}", "m"), "L": (r"[0-9]{1,2}", "m"), "LL": (r"[0-9]{2}", "m"),
    "MMM": ("|".join(_MONTHS), "mon"), "MMMM": ("|".join(_LONG_MONTHS), "month"),
    "d": (r"[0-9]{1,2}", "d"), "dd": (r"[0-9]{2}", "d"), "DDD": (r"[0-9]{3}", "doy"), "D": (r"[0-9]{1,3}", "doy"),
    "H": (r"[0-9]{1,2}", "h"), "HH": (r"[0-9]{2}", "h"), "h": (r"[0-9]{1,2}", "h12"), "hh": (r"[0-9]{2}", "h12"),
    "mm": (r"[0-9]{2}", "i"), "m": (r"[0-9]{1,2}", "i"), "ss": (r"[0-9]{2}", "s"), "s": (r"[0-9]{1,2}", "s"),
    "a": ("AM|PM", "ampm"), "E": ("|".join(day[:3] for day in _LONG_DAYS), "dow"), "EEEE": ("|".join(_LONG_DAYS), "dow"),
    "EEE": ("|".join(day[:3] for day in _LONG_DAYS), "dow"), "EE": ("|".join(day[:3] for day in _LONG_DAYS), "dow"),
    "z": ("UTC|GMT|Z", "zone"), "XXX": (r"Z|[+-][0-9]{2}:[0-9]{2}", "zone"), "XX": (r"Z|[+-][0-9]{4}", "zone"), "X": (r"Z|[+-][0-9]{2}(?:[0-9]{2})?", "zone"),
    "xxx": (r"[+-][0-9]{2}:[0-9]{2}", "zone"), "Z": (r"[+-][0-9]{4}", "zone"), "xx": (r"[+-][0-9]{4}", "zone"),
}  # fmt: skip


def read(pattern: str, text: str) -> tuple[str, str | None]:
    """Return a text read by a pattern as a TIMESTAMP, NULL if it doesn't match, and its zone if the pattern has one.

    :raises Refusal: for a pattern that isn't known here.
    """
    expression, fields = "", []
    for piece in _pieces(pattern):
        if not piece.letters:
            expression += re.escape(piece.text).replace("\\ ", " ")
            continue
        if set(piece.letters) == {"S"} and len(piece.letters) <= 9:
            found = rf"[0-9]{{{len(piece.letters)}}}", "f"
        elif piece.letters in _READ:
            found = _READ[piece.letters]
        else:
            raise _unknown(pattern)
        expression += f"({found[0]})"
        fields.append(found[1])
    if len(set(fields)) != len(fields):
        raise _unknown(pattern)
    names = ", ".join(map(text_of, fields))
    parts = f"regexp_extract({text}, {text_of(f'^(?:{expression})$')}, [{names}])"

    def number(name: str, otherwise: int) -> str:
        return f"CAST({parts}.{name} AS BIGINT)" if name in fields else str(otherwise)

    year = f"(2000 + {number('yy', 0)})" if "yy" in fields else number("y", 1970)
    month = number("m", 1)
    for name, listed in (("mon", _MONTHS), ("month", _LONG_MONTHS)):
        if name in fields:
            month = f"list_position([{', '.join(map(text_of, listed))}], {parts}.{name})"
    hour = number("h", 0)
    if "h12" in fields:
        hour = (
            f"({number('h12', 0)} % 12 + CASE WHEN {parts}.ampm = 'PM' THEN 12 ELSE 0 END)"
            if "ampm" in fields
            else f"({number('h12', 0)} % 12)"
        )
    micros = f"CAST(rpad(left({parts}.f, 6), 6, '0') AS BIGINT)" if "f" in fields else "0"
    time = f"make_timestamp({year}, {month}, {number('d', 1)}, {hour}, {number('i', 0)}, CAST({number('s', 0)} AS DOUBLE)) + to_microseconds({micros})"
    if "doy" in fields:
        # A day of the year beyond its last one isn't one.
        day = number("doy", 1)
        time = f"CASE WHEN {day} BETWEEN 1 AND dayofyear(make_date({year}, 12, 31)) THEN {time} + to_days(CAST({day} - 1 AS INTEGER)) END"
    if "h12" in fields:
        time = f"CASE WHEN {number('h12', 0)} BETWEEN 1 AND 12 THEN {time} END"
    matched = f"regexp_full_match({text}, {text_of(expression)})"
    return f"CASE WHEN {matched} THEN TRY({time}) END", f"{parts}.zone" if "zone" in fields else None
