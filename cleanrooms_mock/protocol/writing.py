"""From domain objects to wire names: an output shape as one closure, for either of two readers.

``JSON`` makes what is encoded and sent, for errors at least: answers go from objects to text at once, by :mod:`text`. ``PARSED`` makes what
botocore's parser would have made of that on the other side.
"""

from __future__ import annotations

import base64
import datetime
import time
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from functools import lru_cache
from operator import attrgetter
from threading import RLock
from typing import Any

from botocore import xform_name
from botocore.model import Shape
from botocore.utils import parse_timestamp

Write = Callable[[Any], Any]


def _as_is(value: Any) -> Any:
    return value


def _parse_time(value: float) -> Any:
    # An object's times are read more often than they change, and to parse one costs as much as all the rest of a small answer. The zone and
    # the class are in the key because a test may move the former and freeze the latter.
    return _parsed_time(value, (time.tzname, time.timezone, time.altzone), datetime.datetime)


@lru_cache(maxsize=256)
def _parsed_time(value: float, zone: tuple[object, ...], kind: type) -> Any:
    # Clocks change at whole seconds, so what botocore makes of a second holds for every time in it; and most times are of the present second.
    microseconds = round(value % 1 * 1_000_000)
    if value < 0 or microseconds == 1_000_000:
        return parse_timestamp(value)  # type: ignore[arg-type]  # it takes numbers
    return _parsed_second(int(value), zone, kind).replace(microsecond=microseconds)


@lru_cache(maxsize=64)
def _parsed_second(value: int, zone: tuple[object, ...], kind: type) -> Any:
    return parse_timestamp(value)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Reader:
    """Who reads an answer: how times and blobs look to it, and whether it goes by the names on the wire or in the model."""

    timestamp: Write
    blob: Write
    wire_names: bool


JSON = Reader(timestamp=_as_is, blob=lambda value: base64.b64encode(value).decode("ascii"), wire_names=True)
PARSED = Reader(timestamp=_parse_time, blob=_as_is, wire_names=False)


class OutputCompiler:
    """Compiles output shapes for one reader, each once.

    A structure is written from a dict, or from any object that has attributes named like the members in snake_case; ``None``
    and a member that the object doesn't have are left out, so a model that is newer than a class does no harm. All objects of a
    class are taken to have the same attributes.
    """

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._compiled: dict[str, Write | None] = {}
        self._lock = RLock()

    def compile(self, shape: Shape) -> Write:
        """Return what writes ``shape``."""
        # Nobody else is to find the closure that a shape stands by while it is being compiled.
        with self._lock:
            return self._compile(shape) or _as_is

    def compile_answer(self, shape: Any) -> Write:
        """Return what writes ``shape``, the structure of an answer, from the value of its one member if it has no more."""
        if len(shape.members) > 1:
            return self.compile(shape)
        ((name, member),) = shape.members.items()
        key = self._key(name, member)
        write = self.compile(member)
        return lambda value: {} if value is None else {key: write(value)}

    def _key(self, name: str, member: Shape) -> str:
        return str(member.serialization.get("name", name)) if self._reader.wire_names else name

    def _compile(self, shape: Shape) -> Write | None:
        """As :meth:`compile`, with ``None`` for what is written as it stands, so that nothing has to be called for it."""
        name = shape.name
        if name not in self._compiled:
            # A shape that contains itself finds this while it is being compiled, and by the first call the real closure stands there.
            self._compiled[name] = lambda value: (self._compiled[name] or _as_is)(value)
            self._compiled[name] = self._make(shape)
        return self._compiled[name]

    def _make(self, shape: Any) -> Write | None:
        if shape.type_name == "structure":
            return deepcopy if shape.is_document_type else self._structure(shape)
        if shape.type_name == "list":
            return self._list(shape)
        if shape.type_name == "map":
            return self._map(shape)
        return {
            "timestamp": self._reader.timestamp,
            "blob": self._reader.blob,
            "double": float,
            "float": float,
        }.get(shape.type_name)

    def _structure(self, shape: Any) -> Write:
        members = tuple(
            (
                xform_name(name),
                self._key(name, member),
                self._compile(member),
            )
            for name, member in shape.members.items()
        )
        plans: dict[type, tuple[Write, tuple[tuple[str, Write | None], ...]]] = {}

        def plan(value: Any) -> tuple[Write, tuple[tuple[str, Write | None], ...]]:
            present = [entry for entry in members if hasattr(value, entry[0])]
            attributes = [attribute for attribute, _, _ in present]
            made = plans[type(value)] = (
                attrgetter(*attributes)
                if len(attributes) > 1
                else lambda value: [getattr(value, name) for name in attributes],
                tuple((name, write) for _, name, write in present),
            )
            return made

        def write_structure(value: Any) -> dict[str, Any]:
            answer = {}
            kind = type(value)
            if kind is dict:
                for attribute, name, write in members:
                    item = value.get(attribute)
                    if item is not None:
                        answer[name] = item if write is None else write(item)
                return answer
            get, fields = plans.get(kind) or plan(value)
            for item, (name, write) in zip(get(value), fields, strict=True):
                if item is not None:
                    answer[name] = item if write is None else write(item)
            return answer

        return write_structure

    def _list(self, shape: Any) -> Write:
        write = self._compile(shape.member)
        if write is None:
            return list
        return lambda value: [write(item) for item in value]

    def _map(self, shape: Any) -> Write:
        write = self._compile(shape.value)
        if write is None:
            return dict
        return lambda value: {key: write(item) for key, item in value.items()}
