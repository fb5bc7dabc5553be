"""Whether an answer keeps to the service model: what botocore doesn't check of what it receives."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator
from typing import Any

from cleanrooms_mock.protocol.patterns import compile_pattern

#: What names a place outside of the partition `aws`, for which the model leaves no room (ERR-20).
_PLACES = ("CollaborationArn", "MembershipArn", "SupportedS3Region")
_ELSEWHERE = re.compile(r"arn:aws-|arn:aws:[^:]*:(?!..-[a-z]+-\d:)|cn-|us-gov-|us-iso|eu-isoe-|eusc-")

#: ARNs for which the model's own pattern and length can't be right (ASSOC-9, PRIV-22).
_WRONG = ("ConfiguredTableAssociationArn", "PrivacyBudgetTemplateArn")


def breaches(shape: Any, value: Any, path: str = "") -> Iterator[str]:
    """Yield what in ``value`` isn't as ``shape`` has it; times may be numbers or datetimes."""
    kind = shape.type_name
    constraints = shape.metadata
    if getattr(shape, "is_document_type", False):
        return
    if kind == "structure":
        if not isinstance(value, dict):
            yield f"{path} is no structure: {value!r}"
            return
        yield from (f"{path}.{name} isn't in the model" for name in value if name not in shape.members)
        yield from (f"{path}.{name} is missing" for name in shape.required_members if name not in value)
        if shape.is_tagged_union and len(value) != 1:
            yield f"{path} is a union with {len(value)} members"
        for name, item in value.items():
            if name in shape.members:
                yield from breaches(shape.members[name], item, f"{path}.{name}")
        return
    if kind == "list":
        yield from _outside(constraints, len(value), path)
        for index, item in enumerate(value):
            yield from breaches(shape.member, item, f"{path}[{index}]")
    elif kind == "map":
        yield from _outside(constraints, len(value), path)
        for key, item in value.items():
            yield from breaches(shape.key, key, f"{path} key")
            yield from breaches(shape.value, item, f"{path}[{key}]")
    elif kind == "string":
        if not isinstance(value, str):
            yield f"{path} is no string: {value!r}"
            return
        if shape.name in _WRONG or (shape.name in _PLACES and _ELSEWHERE.match(value)):
            return
        if shape.enum and value not in shape.enum:
            yield f"{path} is {value}, not one of {shape.enum}"
        yield from _outside(constraints, len(value), path)
        if "pattern" in constraints and not compile_pattern(constraints["pattern"])(value):
            yield f"{path} is {value}, which doesn't match {constraints['pattern']}"
    elif kind == "timestamp":
        if type(value) not in (float, int) and not isinstance(value, datetime.datetime):
            yield f"{path} is no time: {value!r}"
    elif kind == "boolean":
        if type(value) is not bool:
            yield f"{path} is no boolean: {value!r}"
    elif type(value) not in (int, float):
        yield f"{path} is no number: {value!r}"
    else:
        yield from _outside(constraints, value, path)


def _outside(constraints: Any, size: float, path: str) -> Iterator[str]:
    if not constraints.get("min", float("-inf")) <= size <= constraints.get("max", float("inf")):
        yield f"{path} has {size}, outside of {constraints.get('min')} to {constraints.get('max')}"
