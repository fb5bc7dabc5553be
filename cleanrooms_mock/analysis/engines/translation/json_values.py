"""JSON as Spark reads and writes it."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from datetime import date, datetime, timedelta, timezone
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo

from cleanrooms_mock.analysis.engines.data_types import BITS, Type, is_integral
from cleanrooms_mock.analysis.engines.translation.python_functions import java_text


class _Number(str):
    """A number as it is written."""

    __slots__ = ()


def _constant(text: str) -> Any:
    raise ValueError(text)


def _fraction(text: str) -> _Number:
    """A number with a fraction is a double to Spark."""
    return _Number(java_text(float(text)))


_decoder = json.JSONDecoder(parse_float=_fraction, parse_int=_Number, parse_constant=_constant, strict=False)
_ABSENT = object()
_steps = re.compile(r"\.([^.\[\]'\"]+)|\[(\d+)\]|\['([^']*)'\]|\[(\*)\]|(\.\*)")


def _parsed(text: str) -> Any:
    try:
        return _decoder.decode(text)
    except (ValueError, RecursionError):
        return _ABSENT


def _text(value: Any) -> str:
    """Write a value without blanks, its numbers as they were."""
    if isinstance(value, _Number):
        return str(value)
    if isinstance(value, dict):
        return (
            "{" + ",".join(f"{json.dumps(key, ensure_ascii=False)}:{_text(part)}" for key, part in value.items()) + "}"
        )
    if isinstance(value, list):
        return "[" + ",".join(map(_text, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def found_at(text: str | None, path: str | None) -> str | None:
    """Return what stands at a path such as ``$.a[0].b``, as GET_JSON_OBJECT does."""
    if text is None or path is None or not path.startswith("$"):
        return None
    steps = list(_steps.finditer(path, 1))
    if "".join(step[0] for step in steps) != path[1:]:
        return None
    value = _parsed(text)
    if value is _ABSENT:
        return None
    found = list(_reached(value, steps))
    wild = any(step[4] or step[5] for step in steps)
    if not found or (len(found) == 1 and found[0] is None):
        return None
    if wild and (len(found) > 1 or not isinstance(found[0], dict)):
        return _text(found) if len(found) > 1 else _text(found[0])
    return found[0] if type(found[0]) is str else _text(found[0])


def _reached(value: Any, steps: list[re.Match[str]]) -> Iterator[Any]:
    if not steps:
        yield value
        return
    step, *rest = steps
    if step[4]:
        for element in value if isinstance(value, list) else ():
            yield from _reached(element, rest)
    elif step[5]:
        for element in value.values() if isinstance(value, dict) else ():
            yield from _reached(element, rest)
    elif step[2] is not None:
        index = int(step[2])
        if isinstance(value, list) and index < len(value):
            yield from _reached(value[index], rest)
    else:
        key = step[1] if step[1] is not None else step[3]
        if isinstance(value, dict) and key in value:
            yield from _reached(value[key], rest)
        elif isinstance(value, list):
            for element in value:
                yield from _reached(element, steps)


def array_length(text: str | None) -> int | None:
    value = None if text is None else _parsed(text)
    return len(value) if isinstance(value, list) else None


def object_keys(text: str | None) -> list[str] | None:
    value = None if text is None else _parsed(text)
    return list(value) if isinstance(value, dict) else None


def written(type_: Type, time_zone: str, value: Any) -> str | None:
    """Write a struct, array or map, whose fields that are NULL are left out."""
    return None if value is None else _written(type_, time_zone, value)


def _written(type_: Type, time_zone: str, value: Any) -> str:
    if value is None:
        return "null"
    if type_.name == "struct":
        fields = [
            f"{json.dumps(name, ensure_ascii=False)}:{_written(part, time_zone, value[name])}"
            for name, part in zip(type_.fields, type_.parts, strict=True)
            if value[name] is not None
        ]
        return "{" + ",".join(fields) + "}"
    if type_.name == "array":
        return "[" + ",".join(_written(type_.parts[0], time_zone, one) for one in value) + "]"
    if type_.name == "map":
        key, item = type_.parts
        pairs = value.items() if isinstance(value, dict) else value
        return (
            "{"
            + ",".join(
                f"{json.dumps(_key(key, time_zone, one), ensure_ascii=False)}:{_written(item, time_zone, other)}"
                for one, other in pairs
            )
            + "}"
        )
    if type_.name == "boolean":
        return "true" if value else "false"
    if type_.name in ("float", "double"):
        text = java_text(float(value))
        return text if text[-1].isdigit() else f'"{text}"'
    if type_.name == "decimal":
        return f"{value:f}"
    if is_integral(type_):
        return str(value)
    return json.dumps(_key(type_, time_zone, value), ensure_ascii=False)


def _key(type_: Type, time_zone: str, value: Any) -> str:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, datetime):
        if type_.name == "timestamp_ntz":
            return value.isoformat(timespec="milliseconds")
        shown = value.replace(tzinfo=timezone.utc).astimezone(ZoneInfo(time_zone))
        return shown.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    return str(value)


class _Unfit(Exception):
    """A value that isn't what the schema says."""


def read(type_: Type, time_zone: str, text: str | None) -> Any:
    """Read a text by a schema. A value that doesn't fit is NULL, and so is all that is no JSON."""
    if text is None or not text.strip():
        return None
    value = _parsed(text)
    if value is _ABSENT:
        # A broken text makes a struct whose fields are all NULL.
        return dict.fromkeys(type_.fields) if type_.name == "struct" else None
    if type_.name == "struct" and isinstance(value, list):
        value = value[0] if len(value) == 1 else {}
    if type_.name == "array" and isinstance(value, dict):
        value = [value]
    try:
        return _read(type_, time_zone, value)
    except _Unfit:
        return dict.fromkeys(type_.fields) if type_.name == "struct" else None


def _read(type_: Type, time_zone: str, value: Any) -> Any:
    if value is None:
        return None
    if type_.name == "struct":
        if not isinstance(value, dict):
            raise _Unfit
        return {
            name: _field(part, time_zone, value.get(name)) for name, part in zip(type_.fields, type_.parts, strict=True)
        }
    if type_.name == "array":
        if not isinstance(value, list):
            raise _Unfit
        return [_read(type_.parts[0], time_zone, one) for one in value]
    if type_.name == "map":
        if not isinstance(value, dict):
            raise _Unfit
        return [(key, _field(type_.parts[1], time_zone, one)) for key, one in value.items()]
    return _scalar(type_, time_zone, value)


def _field(type_: Type, time_zone: str, value: Any) -> Any:
    try:
        return _read(type_, time_zone, value)
    except _Unfit:
        return None


def _scalar(type_: Type, time_zone: str, value: Any) -> Any:
    name = type_.name
    if name == "string":
        return value if type(value) is str else _text(value)
    if name == "boolean" and isinstance(value, bool):
        return value
    if isinstance(value, _Number):
        return _number(type_, value)
    if type(value) is str:
        return _of_text(type_, time_zone, value)
    raise _Unfit


def _number(type_: Type, value: _Number) -> Any:
    if is_integral(type_) and re.fullmatch(r"-?\d+", value):
        limit = 1 << (BITS[type_.name] - 1)
        if -limit <= int(value) < limit:
            return int(value)
    elif type_.name in ("float", "double"):
        return float(value)
    elif type_.name == "decimal":
        try:
            rounded = Decimal(value).quantize(Decimal(1).scaleb(-type_.scale), ROUND_HALF_UP)
        except InvalidOperation:
            raise _Unfit from None
        if len(rounded.as_tuple().digits) <= type_.precision:
            return rounded
    raise _Unfit


def _of_text(type_: Type, time_zone: str, value: str) -> Any:
    try:
        if type_.name == "date":
            return date.fromisoformat(value)
        if type_.name in ("timestamp", "timestamp_ntz"):
            found = datetime.fromisoformat(value.replace("Z", "+00:00"))
            if type_.name == "timestamp_ntz":
                return found.replace(tzinfo=None)
            found = found if found.tzinfo is not None else found.replace(tzinfo=ZoneInfo(time_zone))
            return found.astimezone(timezone(timedelta())).replace(tzinfo=None)
        if type_.name == "binary":
            return base64.b64decode(value, validate=True)
    except ValueError:
        pass
    if type_.name in ("float", "double") and value in ("NaN", "Infinity", "-Infinity", "INF", "-INF"):
        return float(value)
    raise _Unfit
