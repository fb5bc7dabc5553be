"""TO_CHAR and TO_NUMBER of numbers, by formats such as ``999,999.99``."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Decimal
from functools import partial
from typing import NamedTuple

from cleanrooms_mock.analysis.engines.data_types import STRING, decimal, in_duckdb
from cleanrooms_mock.analysis.engines.translation.casts import cast, decimal_for
from cleanrooms_mock.analysis.engines.translation.values import Context, Value
from cleanrooms_mock.analysis.refusals import malformed

_is_format = re.compile(r"(MI|S)?(\$)?([09]([09,G]*[09])?)(?:[.D]([09]*))?(\$)?(MI|S|PR)?", re.IGNORECASE).fullmatch


class _Format(NamedTuple):
    """A format.

    :ivar whole: what stands before the point, with commas.
    :ivar sign: MI, S or PR where the sign is shown, empty if it isn't.
    """

    whole: str
    places: str | None
    dollar: bool
    sign: str
    leads: bool


def _parsed(text: str) -> _Format:
    found = _is_format(text)
    if found is None or (found[1] and found[7]) or (found[2] and found[6]):
        raise malformed(f"The query can't be carried out: the engine has no number format {text!r}")
    whole = found[3].upper().replace("G", ",")
    return _Format(whole, found[5], bool(found[2] or found[6]), (found[1] or found[7] or "").upper(), bool(found[1]))


def to_number(context: Context, text: Value, pattern: str) -> Value:
    """Return a text as the decimal that a format makes of it, NULL if it doesn't fit."""
    format_ = _parsed(pattern)
    digits, places = len(format_.whole.replace(",", "")), len(format_.places or "")
    type_ = decimal(digits + places, places)
    name = f"to_number_{''.join(f'{ord(letter):x}' for letter in pattern)}"
    return Value(context.python(name, partial(_read, format_), ["VARCHAR"], in_duckdb(type_), text.sql), type_)


def _read(format_: _Format, text: str | None) -> Decimal | None:
    if text is None:
        return None
    found = re.fullmatch(r"([+-]?)(<)?(\$)?([0-9,]*)(?:\.([0-9]*))?([+-]?)(>)?", text.strip())
    if found is None:
        return None
    before, opened, dollar, whole, places, behind, closed = found.groups()
    if bool(dollar) != format_.dollar or bool(opened) != bool(closed) or (opened and format_.sign != "PR"):
        return None
    if (before or behind) and (
        not format_.sign or format_.sign == "PR" or (before and not format_.leads) or (behind and format_.leads)
    ):
        return None
    if (
        not _fits(format_.whole, whole)
        or (places and format_.places is None)
        or len(places or "") > len(format_.places or "")
    ):
        return None
    if not whole and not places:
        return None
    number = Decimal(f"{whole.replace(',', '') or '0'}.{places or '0'}")
    return -number if "-" in (before + behind) or opened else number


def _fits(format_: str, text: str) -> bool:
    """Whether the digits and commas of a text are those of a format, counted from the right."""
    if format_.startswith("0") and len(text) != len(format_):
        return False
    return len(text) <= len(format_) and all(
        (one == ",") == (other == ",") for one, other in zip(reversed(text), reversed(format_), strict=False)
    )


def to_char(context: Context, x: Value, pattern: str) -> Value:
    """Return a number as a format writes it; ``#`` stands for digits that don't fit."""
    format_ = _parsed(pattern)
    type_ = decimal_for(x.type)
    number = cast(context, x, type_ if type_.name == "decimal" else decimal(38, 18))
    name = f"to_char_{''.join(f'{ord(letter):x}' for letter in pattern)}_{number.type.scale}_{number.type.precision}"
    return Value(
        context.python(name, partial(_written, format_), [in_duckdb(number.type)], "VARCHAR", number.sql), STRING
    )


def _written(format_: _Format, number: Decimal | None) -> str | None:
    if number is None:
        return None
    places = len(format_.places or "")
    rounded = abs(number).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
    whole, _, fraction = f"{rounded:f}".partition(".")
    slots = format_.whole.replace(",", "")
    if len(whole.lstrip("0")) > len(slots):
        digits = format_.whole.replace("9", "#").replace("0", "#")
        shown = digits if format_.places is None else f"{digits}.{'#' * places}"
        number = abs(number)
    else:
        shown = _filled(format_.whole, whole.lstrip("0"))
        shown = shown if format_.places is None else f"{shown}.{fraction}"
    return _signed(format_, shown, number < 0)


def _filled(format_: str, digits: str) -> str:
    """Put digits into the slots of a format from the right; what is left of them is 0 or blank."""
    remaining = list(digits)
    found = ""
    zeros = format_.startswith("0")
    for slot in reversed(format_):
        if slot == ",":
            found = ("," if remaining or zeros else " ") + found
        else:
            found = (remaining.pop() if remaining else "0" if zeros else " ") + found
    if not digits and not zeros:
        found = found[:-1] + "0"
    return found


def _signed(format_: _Format, shown: str, negative: bool) -> str:
    blanks = shown[: len(shown) - len(shown.lstrip(" "))]
    shown = shown.lstrip(" ")
    if format_.dollar:
        shown = "$" + shown
    if format_.sign == "PR":
        return f"{blanks}<{shown}>" if negative else f"{blanks}{shown}"
    sign = "-" if negative else "+" if format_.sign == "S" else " " if format_.sign == "MI" else ""
    if format_.sign and not format_.leads:
        return f"{blanks}{shown}{sign}"
    return f"{blanks}{sign}{shown}"
