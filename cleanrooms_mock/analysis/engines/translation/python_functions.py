"""Functions of Spark's that DuckDB has nothing like, for values of one row."""

from __future__ import annotations

import decimal
import re
from collections.abc import Callable, Sequence
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal
from inspect import Parameter, Signature
from math import isfinite
from typing import Any

from cleanrooms_mock.analysis.engines.translation.regular_expressions import compiled

# Enough for the product and the quotient of two decimals of 38 digits.
_exact = decimal.Context(prec=120, rounding=ROUND_HALF_UP, Emax=9999, Emin=-9999)


def vectorised(function: Callable[..., Any], arity: int, type_: Any) -> Callable[..., Any]:
    """Return a function of Arrow arrays that applies another to each row.

    :param arity: the number of arguments.
    :param type_: the Arrow type of its result.
    """
    import pyarrow as pa

    def apply(*columns: Any) -> Any:
        return pa.array(list(map(function, *(column.to_pylist() for column in columns))), type_)

    # DuckDB counts the parameters that it is shown.
    names = [f"column_{number}" for number in range(arity)]
    parameters = [Parameter(name, Parameter.POSITIONAL_OR_KEYWORD) for name in names]
    apply.__signature__ = Signature(parameters)  # type: ignore[attr-defined]
    return apply


def decimal_text(value: Decimal | None) -> str | None:
    """Write a decimal as Java's BigDecimal does, which both do alike."""
    return None if value is None else str(value)


def decimal_operation(
    operator: str, precision: int, scale: int, x: Decimal | None, y: Decimal | None
) -> Decimal | None:
    """Reckon with all digits, and round once."""
    if x is None or y is None or (not y and operator in ("/", "%", "DIV")):
        return None
    if operator == "+":
        found = _exact.add(x, y)
    elif operator == "-":
        found = _exact.subtract(x, y)
    elif operator == "*":
        found = _exact.multiply(x, y)
    elif operator == "/":
        found = _exact.divide(x, y)
    elif operator == "%":
        found = _exact.remainder(x, y)
    else:
        found = _exact.divide(x, y).quantize(Decimal(1), ROUND_DOWN, _exact)
    found = found.quantize(Decimal(1).scaleb(-scale), ROUND_HALF_UP, _exact)
    return found if len(found.as_tuple().digits) <= precision else None


_is_conversion = re.compile(r"%([-+ 0,]*)(\d+)?(?:\.(\d+))?([a-zA-Z%])")


def formatted(pattern: str, values: Sequence[Any]) -> str:
    """Write values into a pattern of printf's."""
    remaining = iter(values)

    def write(found: re.Match[str]) -> str:
        flags, width, precision, kind = found[1], found[2] or "", found[3], found[4]
        if kind == "%":
            return "%"
        if kind == "n":
            return "\n"
        value = next(remaining)
        if value is None or kind in "sSb":
            text = "null" if value is None else _java_text(value)
            text = (
                ("false" if value is None else "true") if kind == "b" else text[: int(precision)] if precision else text
            )
            text = text.upper() if kind == "S" else text
            return text.ljust(int(width or 0)) if "-" in flags else text.rjust(int(width or 0))
        if kind in "dc":
            text = (
                chr(value)
                if kind == "c"
                else format(int(value), f"{'+' if '+' in flags else ''}{',' if ',' in flags else ''}")
            )
        elif kind in "xX":
            text = format(int(value) % (1 << 64) if int(value) < 0 else int(value), kind)
        elif isinstance(value, float) and not isfinite(value):
            text, flags = java_text(value), flags.replace("0", "")
        elif kind in "fe":
            exact = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
            text = (
                _fixed(exact, int(precision or 6), flags)
                if kind == "f"
                else format(float(value), f".{precision or 6}e")
            )
        else:
            text = format(float(value), f".{precision or 6}{kind}")
        if "0" in flags and len(text) < int(width or 0):
            sign = text[0] if text[0] in "+-" else ""
            return sign + text[len(sign) :].rjust(int(width) - len(sign), "0")
        return text.ljust(int(width or 0)) if "-" in flags else text.rjust(int(width or 0))

    return _is_conversion.sub(write, pattern)


def _fixed(value: Decimal, places: int, flags: str) -> str:
    rounded = value.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP, _exact)
    return format(rounded, f"{'+' if '+' in flags else ''}{',' if ',' in flags else ''}f")


def java_text(value: float) -> str:
    """Write a double as Java does: with a point, and with an exponent outside of [1e-3, 1e7)."""
    if not isfinite(value):
        return "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"
    if value == 0 or 1e-3 <= abs(value) < 1e7:
        text = f"{Decimal(repr(value)):f}"
        return text if "." in text else f"{text}.0"
    sign, digits, _ = Decimal(repr(value)).as_tuple()
    mantissa = "".join(map(str, digits)).rstrip("0")
    return f"{'-' if sign else ''}{mantissa[0]}.{mantissa[1:] or '0'}E{Decimal(repr(value)).adjusted()}"


def _java_text(value: Any) -> str:
    if isinstance(value, float):
        return java_text(value)
    return str(value)


_SOUNDS = {
    **dict.fromkeys("BFPV", "1"),
    **dict.fromkeys("CGJKQSXZ", "2"),
    **dict.fromkeys("DT", "3"),
    "L": "4",
    **dict.fromkeys("MN", "5"),
    "R": "6",
}


def soundex(text: str | None) -> str | None:
    """Return the four characters that stand for how a word sounds; what begins with no letter stays as it is."""
    if not text or not (text[0].isascii() and text[0].isalpha()):
        return text
    word = text.upper()
    found, last = word[0], _SOUNDS.get(word[0], "")
    for letter in word[1:]:
        sound = _SOUNDS.get(letter, "")
        if sound and sound != last:
            found += sound
        if letter not in "HW":
            last = sound
    return found[:4].ljust(4, "0")


def str_to_map(text: str | None, pairs: str | None, keys: str | None) -> list[tuple[str, str | None]] | None:
    """Cut a text into pairs, and each into a key and a value."""
    if text is None or pairs is None or keys is None:
        return None
    found: dict[str, str | None] = {}
    for pair in compiled(pairs).split(text):
        key, *value = compiled(keys).split(pair, 1)
        if key in found:
            raise ValueError(f"STR_TO_MAP meets the key {key!r} twice")
        found[key] = value[0] if value else None
    return list(found.items())
