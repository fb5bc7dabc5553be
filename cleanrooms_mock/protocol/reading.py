"""From wire names to keyword arguments: every constraint of an input shape, as one closure for each shape.

A compiled check takes a JSON value, where it stands, and the list to which it adds a fault for each broken member; it returns the
value with snake_case names. One broken member makes one fault, the first of its constraints that doesn't hold.
"""

from __future__ import annotations

import base64
import binascii
import sys
from collections.abc import Callable, Mapping
from math import isfinite
from threading import RLock
from typing import Any

from botocore import xform_name
from botocore.model import Shape
from botocore.utils import parse_timestamp

from cleanrooms_mock.protocol.errors import Fault
from cleanrooms_mock.protocol.patterns import Predicate, compile_pattern

# A linked list, so that naming a place costs one tuple and is spelled out only if there is a fault: (parent, member or index).
Where = tuple[Any, ...]
Check = Callable[[Any, Where, list[Fault]], Any]
Constraints = Mapping[str, Any]

TOP: Where = ()


def spell(where: Where) -> str:
    """``((((), "members"), 0), "accountId")`` as ``members.member.1.accountId``."""
    steps: list[str] = []
    while where:
        where, step = where
        steps.append(f"member.{step + 1}" if isinstance(step, int) else step)
    return ".".join(reversed(steps))


class InputCompiler:
    """Compiles input shapes, each once.

    :param overrides: constraints by shape name that replace single ones of the model's where the model is known to be wrong.
    """

    def __init__(self, overrides: Mapping[str, Constraints]) -> None:
        self._overrides = overrides
        self._compiled: dict[str, Check] = {}
        self._lock = RLock()

    def compile(self, shape: Shape) -> Check:
        """Return the check of ``shape``."""
        # Nobody else is to find the closure that a shape stands by while it is being compiled.
        with self._lock:
            return self._compile(shape)

    def _compile(self, shape: Shape) -> Check:
        name = shape.name
        if name not in self._compiled:
            # A shape that contains itself finds this while it is being compiled, and by the first call the real check stands there.
            self._compiled[name] = lambda value, where, faults: self._compiled[name](value, where, faults)
            constraints = {**shape.metadata, **self._overrides.get(name, {})}
            make = getattr(self, f"_{'document' if constraints.get('document') else shape.type_name}")
            self._compiled[name] = make(shape, constraints)
        return self._compiled[name]

    def _document(self, shape: Any, constraints: Constraints) -> Check:
        def check(value: Any, where: Where, faults: list[Fault]) -> Any:
            return _fault(where, faults, "Member must not be null") if value is None else value

        return check

    def _structure(self, shape: Any, constraints: Constraints) -> Check:
        required_members = set(shape.required_members)
        members = tuple(
            (_key(name, member), xform_name(name), self._compile(member), name in required_members)
            for name, member in shape.members.items()
        )
        exactly_one = ", ".join(shape.members) if shape.is_tagged_union else None

        def check(value: Any, where: Where, faults: list[Fault]) -> Any:
            if type(value) is not dict:
                return _fault(where, faults, "Member must be a JSON object")
            result = {}
            for name, attribute, check_member, required in members:
                member = value.get(name)
                if member is not None:
                    result[attribute] = check_member(member, (where, name), faults)
                elif required:
                    _fault((where, name), faults, "Member must not be null")
            if exactly_one is not None and len(result) != 1:
                _fault(where, faults, f"Member must have exactly one of the keys: [{exactly_one}]")
            return result

        return check

    def _list(self, shape: Any, constraints: Constraints) -> Check:
        check_item = self._compile(shape.member)
        shortest, longest = constraints.get("min", 0), constraints.get("max", sys.maxsize)
        bounds = _length_bounds(constraints)

        def check(value: Any, where: Where, faults: list[Fault]) -> Any:
            if type(value) is not list:
                return _fault(where, faults, "Member must be a JSON array")
            if not shortest <= len(value) <= longest and (broken := bounds(len(value))) is not None:
                return _fault(where, faults, broken)
            before = len(faults)
            checked = [check_item(item, where, faults) for item in value]
            if len(faults) > before:
                # Almost never, and only now does it matter which item it was.
                del faults[before:]
                for index, item in enumerate(value):
                    if item is None:
                        _fault((where, index), faults, "Member must not be null")
                    else:
                        check_item(item, (where, index), faults)
            return checked

        return check

    def _map(self, shape: Any, constraints: Constraints) -> Check:
        check_key, check_value = self._compile(shape.key), self._compile(shape.value)
        bounds = _length_bounds(constraints)

        def check(value: Any, where: Where, faults: list[Fault]) -> Any:
            if type(value) is not dict:
                return _fault(where, faults, "Member must be a JSON object")
            if (broken := bounds(len(value))) is not None:
                return _fault(where, faults, broken)
            broken_keys: list[Fault] = []
            broken_values: list[Fault] = []
            result = {}
            for key, item in value.items():
                if item is None:
                    _fault(where, broken_values, "Member must not be null")
                else:
                    result[check_key(key, where, broken_keys)] = check_value(item, where, broken_values)
            for kind, broken_ones in (("keys", broken_keys), ("value", broken_values)):
                if broken_ones:
                    _fault(where, faults, f"Map {kind} must satisfy constraint: [{broken_ones[0].message}]")
            return result

        return check

    def _string(self, shape: Any, constraints: Constraints) -> Check:
        if "enum" in constraints:
            return _enumeration(constraints["enum"])
        shortest, longest = constraints.get("min", 0), constraints.get("max", sys.maxsize)
        bounds, pattern = _length_bounds(constraints), constraints.get("pattern")
        matches: Predicate | None = None

        def check(value: Any, where: Where, faults: list[Fault]) -> Any:
            nonlocal matches
            if type(value) is not str:
                return _fault(where, faults, "Member must be a string")
            # Strings and lists are most of what is checked, so the bounds are asked only about those that keep none.
            if not shortest <= len(value) <= longest and (broken := bounds(len(value))) is not None:
                return _fault(where, faults, broken)
            if pattern is not None:
                if matches is None:
                    matches = compile_pattern(pattern)
                if not matches(value):
                    return _fault(where, faults, f"Member must satisfy regular expression pattern: {pattern}")
            return value

        return check

    def _integer(self, shape: Any, constraints: Constraints) -> Check:
        bounds = _bounds(constraints, "value")

        def check(value: Any, where: Where, faults: list[Fault]) -> Any:
            if type(value) is not int:
                return _fault(where, faults, "Member must be an integer")
            if (broken := bounds(value)) is not None:
                return _fault(where, faults, broken)
            return value

        return check

    _long = _integer

    def _double(self, shape: Any, constraints: Constraints) -> Check:
        bounds = _bounds(constraints, "value")

        def check(value: Any, where: Where, faults: list[Fault]) -> Any:
            try:
                finite = type(value) in (float, int) and isfinite(value)
            except OverflowError:
                finite = False
            if not finite:
                return _fault(where, faults, "Member must be a number")
            if (broken := bounds(value)) is not None:
                return _fault(where, faults, broken)
            return float(value)

        return check

    _float = _double

    def _boolean(self, shape: Any, constraints: Constraints) -> Check:
        def check(value: Any, where: Where, faults: list[Fault]) -> Any:
            return value if type(value) is bool else _fault(where, faults, "Member must be a boolean")

        return check

    def _timestamp(self, shape: Any, constraints: Constraints) -> Check:
        def check(value: Any, where: Where, faults: list[Fault]) -> Any:
            try:
                if type(value) is bool:
                    raise ValueError(value)
                return parse_timestamp(value).timestamp()
            except (ValueError, TypeError, OverflowError, RuntimeError):
                return _fault(where, faults, "Member must be a timestamp")

        return check

    def _blob(self, shape: Any, constraints: Constraints) -> Check:
        bounds = _length_bounds(constraints)

        def check(value: Any, where: Where, faults: list[Fault]) -> Any:
            try:
                decoded = base64.b64decode(value, validate=True)
            except (binascii.Error, TypeError, ValueError):
                return _fault(where, faults, "Member must be base64-encoded")
            if (broken := bounds(len(decoded))) is not None:
                return _fault(where, faults, broken)
            return decoded

        return check


def _fault(where: Where, faults: list[Fault], message: str) -> Any:
    """Add a fault; what is returned stands in for the value until the faults are raised."""
    faults.append(Fault(spell(where), message))
    return None


def _key(name: str, member: Shape) -> str:
    """Where the arguments have a member: by its wire name in a body, by its name in the model if it came from elsewhere."""
    located = "location" in member.serialization
    return name if located else str(member.serialization.get("name", name))


def _enumeration(values: list[str]) -> Check:
    # One text for each word, however often it's kept.
    words = {value: value for value in values}
    message = f"Member must satisfy enum value set: [{', '.join(values)}]"

    def check(value: Any, where: Where, faults: list[Fault]) -> Any:
        # An unhashable value is of the wrong type, and no member of the set either.
        word = words.get(value) if type(value) is str else None
        return _fault(where, faults, message) if word is None else word

    return check


def _length_bounds(constraints: Constraints) -> Callable[[float], str | None]:
    return _bounds(constraints, "length")


def _bounds(constraints: Constraints, quantity: str) -> Callable[[float], str | None]:
    low, high = constraints.get("min", float("-inf")), constraints.get("max", float("inf"))

    def broken(number: float) -> str | None:
        if low <= number <= high:
            return None
        side, bound = ("greater", low) if number < low else ("less", high)
        return f"Member must have {quantity} {side} than or equal to {bound}"

    return broken
