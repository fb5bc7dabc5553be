"""What the policies of analysis rules of every type have in common: the columns they name, lists without repeats, and their size.

A policy is here the inner part that its type names, such as ``policy["v1"]["custom"]``, in snake_case as it was sent.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from cleanrooms_mock.cleanrooms.errors import invalid_configuration, invalid_field
from cleanrooms_mock.rules import INFERRED, rule

Policy = Mapping[str, Any]

_KILOBYTE = 1024
_LISTS_OF_COLUMNS = frozenset(
    {
        "join_columns",
        "list_columns",
        "dimension_columns",
        "column_names",
        "identity_columns",
        "disallowed_output_columns",
        "allowed_literal_comparison_columns",
        "allowed_column_comparison_columns",
    }
)
_NAMES_OF_COLUMNS = frozenset({"column_name", "output_column_name"})
_SETS = (
    "join_columns",
    "allowed_join_operators",
    "dimension_columns",
    "list_columns",
    "scalar_functions",
    "allowed_analyses",
    "allowed_analysis_providers",
    "disallowed_output_columns",
    "comparison_controls.allowed_literal_comparison_columns",
    "comparison_controls.allowed_column_comparison_columns",
)


def inner_of(whole: Mapping[str, Any]) -> Policy:
    """Return the part of a whole policy that stands under its type."""
    (policy,) = whole["v1"].values()
    return policy  # type: ignore[no-any-return]


def path_of(rule_type: str, *steps: str | int) -> str:
    """Return the path of a field in the policy of a rule of that type, with items of lists counted from 1."""
    names = ["analysisRulePolicy", "v1", rule_type.lower()]
    names += [f"member.{step}" if isinstance(step, int) else wire_name(step) for step in steps]
    return ".".join(names)


def wire_name(name: str) -> str:
    """Return the wire's spelling of a member."""
    first, *others = name.split("_")
    return first + "".join(other.capitalize() for other in others)


def refuse_another_type(rule_type: str, whole: Mapping[str, Any]) -> None:
    """Refuse a whole policy that isn't of its rule's type; which rule says so is the caller's."""
    (given,) = whole["v1"]
    if given != rule_type.lower():
        raise invalid_configuration(
            "analysisRulePolicy", f"a policy of the type {given.upper()} for a rule of the type {rule_type}"
        )


def columns_named(policy: Policy) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Yield every column that ``policy`` names, with where it does."""
    yield from _columns_in(policy, ())


def _columns_in(value: Any, steps: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    for name, item in value.items():
        here = (*steps, name)
        if name in _LISTS_OF_COLUMNS:
            yield from (((*here, number), column) for number, column in enumerate(item, 1))
        elif name in _NAMES_OF_COLUMNS:
            yield here, item
        elif name == "differential_privacy":
            columns = enumerate(item["columns"], 1)
            yield from (((*here, "columns", number, "name"), column["name"]) for number, column in columns)
        elif isinstance(item, Mapping):
            yield from _columns_in(item, here)
        elif isinstance(item, Sequence):
            for number, entry in enumerate(item, 1):
                if isinstance(entry, Mapping):
                    yield from _columns_in(entry, (*here, number))


@rule(
    "RULE-7",
    source="inferred: API reference ConfiguredTable, by which no other column can be used",
    status=INFERRED,
    answer="ValidationException INVALID_CONFIGURATION",
)
def columns_are_allowed(rule_type: str, policy: Policy, allowed: Collection[str]) -> None:
    """Every column that a policy names, wherever it does, is an allowed column of its table."""
    for steps, column in columns_named(policy):
        if column not in allowed:
            raise invalid_configuration(path_of(rule_type, *steps), f"{column} isn't an allowed column of the table")


@rule(
    "RULE-8",
    source="inferred: they are sets",
    status=INFERRED,
    answer="ValidationException FIELD_VALIDATION_FAILED",
)
def nothing_is_listed_twice(rule_type: str, policy: Policy) -> None:
    """No list has an entry twice: join, dimension, list, disallowed and comparison columns, scalar functions, join operators, analyses,
    providers.
    """
    for place in _SETS:
        steps = place.split(".")
        entries: Any = policy
        for step in steps:
            entries = entries.get(step) or {}
        seen = set()
        for number, entry in enumerate(entries, 1):
            if entry in seen:
                raise invalid_field(path_of(rule_type, *steps, number), f"{entry} is listed twice")
            seen.add(entry)


def kilobytes(policy: Policy) -> float:
    """Return the size of a whole policy, written as JSON without spaces."""
    text = json.dumps(on_the_wire(policy), separators=(",", ":"), ensure_ascii=False)
    return len(text.encode()) / _KILOBYTE


def on_the_wire(value: Any) -> Any:
    """Return a policy, or a part of one, with the wire's spelling of its members."""
    if isinstance(value, Mapping):
        return {wire_name(name): on_the_wire(item) for name, item in value.items()}
    return [on_the_wire(item) for item in value] if isinstance(value, list) else value
