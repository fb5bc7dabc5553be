"""Values of columns out of text: of a CSV file's fields and of JSON. What doesn't fit its column's type is NULL, as Spark casts."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Context, Decimal, DecimalException
from typing import Any

from cleanrooms_mock.analysis.types import Type
from cleanrooms_mock.rules import DOCUMENTED, INFERRED, behaviour

behaviour(
    "ENG-05",
    "OpenCSV reads each field as a string, which is cast to the column's type as Spark casts: a value that doesn't fit, and a field that a line "
    "doesn't have, becomes NULL. An empty field is an empty string. JSON is cast from its text in the same way.",
    source="inferred from what the serde does",
    status=INFERRED,
)
behaviour(
    "ENG-06",
    "A timestamp in a text file is written as `yyyy-MM-dd HH:mm:ss.SSSSSS`, with all six digits, and is in UTC; one that is written otherwise is NULL, "
    "which is inferred.",
    source="user guide: data-formats",
    status=DOCUMENTED,
)

Convert = Callable[[Any], Any]

_timestamp = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}").fullmatch
_date = re.compile(r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})(?:[ T].*)?", re.DOTALL).fullmatch
_integer = re.compile(r"([+-]?[0-9]{1,40})(?:\.[0-9]*)?").fullmatch
_number = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,6})?").fullmatch
_BITS: Mapping[str, int] = {"tinyint": 8, "smallint": 16, "int": 32, "bigint": 64}
_BOOLEANS: Mapping[str, bool] = {
    **dict.fromkeys(("t", "true", "y", "yes", "1"), True),
    **dict.fromkeys(("f", "false", "n", "no", "0"), False),
}
_FLOATS: Mapping[str, float] = {
    "nan": float("nan"),
    **{f"{sign}{name}": float(f"{sign}inf") for sign in ("", "+", "-") for name in ("inf", "infinity")},
}


def converter(type_: Type) -> Convert:
    """Return what makes a column's value, as Arrow takes it, of a string or of what JSON has in its place."""
    if type_.name == "array":
        element = converter(type_.parts[0])
        return lambda value: [element(one) for one in value] if isinstance(value, list) else None
    if type_.name == "map":
        key, item = map(converter, type_.parts)
        return lambda value: _map(value, key, item) if isinstance(value, dict) else None
    if type_.name == "struct":
        fields = {name: converter(part) for name, part in zip(type_.fields, type_.parts, strict=True)}
        return lambda value: _struct(value, fields) if isinstance(value, dict) else None
    of_text = _of_text(type_)

    def convert(value: Any) -> Any:
        return None if value is None else of_text(value if isinstance(value, str) else _text(value))

    return convert


def _of_text(type_: Type) -> Convert:
    if type_.name in _BITS:
        return _integers(_BITS[type_.name])
    if type_.name == "decimal":
        return _decimals(type_.precision, type_.scale)
    if type_.name == "varchar":
        return lambda text: text[: type_.length]
    if type_.name == "char":
        return lambda text: text[: type_.length].ljust(type_.length)
    simple: Mapping[str, Convert] = {
        "string": lambda text: text,
        "float": _float,
        "double": _float,
        "boolean": lambda text: _BOOLEANS.get(text.strip().lower()),
        "binary": str.encode,
        "date": _day,
        "timestamp": _instant,
        "timestamp_ntz": _instant,
    }
    return simple[type_.name]


def _integers(bits: int) -> Convert:
    least, most = -(1 << bits - 1), (1 << bits - 1) - 1

    def convert(text: str) -> int | None:
        found = _integer(text.strip())
        value = None if found is None else int(found[1])
        return value if value is not None and least <= value <= most else None

    return convert


def _decimals(precision: int, scale: int) -> Convert:
    context = Context(prec=precision, rounding=ROUND_HALF_UP)
    step = Decimal(1).scaleb(-scale)

    def convert(text: str) -> Decimal | None:
        text = text.strip()
        if _number(text) is None:
            return None
        try:
            return context.quantize(Decimal(text), step)
        except DecimalException:
            return None

    return convert


def _float(text: str) -> float | None:
    text = text.strip()
    return float(text) if _number(text) else _FLOATS.get(text.lower())


def _day(text: str) -> date | None:
    found = _date(text.strip())
    if found is None:
        return None
    try:
        return date(int(found[1]), int(found[2]), int(found[3]))
    except ValueError:
        return None


def _instant(text: str) -> datetime | None:
    if _timestamp(text) is None:
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _map(value: dict[str, Any], key: Convert, item: Convert) -> list[tuple[Any, Any]]:
    pairs = ((key(name), item(one)) for name, one in value.items())
    return [(name, one) for name, one in pairs if name is not None]


def _struct(value: dict[str, Any], fields: Mapping[str, Convert]) -> dict[str, Any]:
    folded = {name.lower(): one for name, one in value.items()}
    return {name: convert(folded.get(name.lower())) for name, convert in fields.items()}


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | dict):
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False, default=float)
    return str(value)
