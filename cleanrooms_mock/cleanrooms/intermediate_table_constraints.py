"""What the tables under an intermediate table hand down to it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from functools import reduce
from typing import TYPE_CHECKING, Any

from cleanrooms_mock.rules import DOCUMENTED, behaviour

if TYPE_CHECKING:
    from cleanrooms_mock.cleanrooms.associations import ConfiguredTableAssociation
    from cleanrooms_mock.cleanrooms.schemas import NamedResource

Constraints = Mapping[str, Any]

#: From the least to the most strict, as the guide prints it.
_STRICTNESS = ("NOT_ALLOWED", "ALLOWED", "REQUIRED")
_LISTS = ("allowed_additional_analyses", "allowed_result_receivers")

behaviour(
    "INT-7",
    "What base tables say of result receivers, disallowed output columns and additional analyses doesn't keep an intermediate table from being created "
    "or populated, but is handed down to it: who is allowed by all of them, what is disallowed by any, and the strictest of REQUIRED, ALLOWED and "
    "NOT_ALLOWED.",
    source="user guide: intermediate tables",
    status=DOCUMENTED,
)


@dataclass(frozen=True, slots=True)
class Parent:
    """A table and what it hands down to an intermediate table that names it; ``None`` is no constraint."""

    table: NamedResource
    additional_analyses: str | None = None
    allowed_additional_analyses: Sequence[str] | None = None
    allowed_result_receivers: Sequence[str] | None = None
    disallowed_output_columns: Sequence[str] = ()

    def within(self, constraints: Constraints) -> Parent:
        """Return it with what was handed down to itself."""
        handed: dict[str, Any] = {name: part["value"] for name, part in constraints.items()}
        lists: dict[str, Any] = {name: _common(_given(getattr(self, name), handed.get(name))) for name in _LISTS}
        columns = dict.fromkeys([*self.disallowed_output_columns, *handed.get("disallowed_output_columns", ())])
        return replace(
            self,
            additional_analyses=_strictest(_given(self.additional_analyses, handed.get("additional_analyses"))),
            disallowed_output_columns=list(columns),
            **lists,
        )


def _given(*values: Any) -> list[Any]:
    return [value for value in values if value is not None]


def parent_of_association(association: ConfiguredTableAssociation) -> Parent:
    """Return what an associated table hands down: what its own rule says, and the association's, whose absent lists are empty."""
    table_rule, rule = association.table.rule, association.rule
    policy = {} if table_rule is None else table_rule.inner
    lists: dict[str, Any] = {
        name: _common(_given(policy.get(name), None if rule is None else rule.inner.get(name, []))) for name in _LISTS
    }
    has_effect = table_rule is not None and table_rule.type != "AGGREGATION"
    return Parent(
        association,
        additional_analyses=policy.get("additional_analyses") if has_effect else None,
        disallowed_output_columns=policy.get("disallowed_output_columns", []),
        **lists,
    )


def _strictest(values: Iterable[str]) -> str | None:
    return max(values, key=_STRICTNESS.index, default=None)


def _common(lists: Sequence[Sequence[str]]) -> list[str] | None:
    return reduce(_both, (list(one) for one in lists)) if lists else None


def _both(one: list[str], other: list[str]) -> list[str]:
    """Return what both lists allow, where the entries may have wildcards."""
    allowed = [entry for entry in one if _is_covered(entry, other)] + [
        entry for entry in other if _is_covered(entry, one)
    ]
    return list(dict.fromkeys(allowed))


def _is_covered(entry: str, allowed: Iterable[str]) -> bool:
    return any(fnmatchcase(entry, pattern) for pattern in allowed)


def inherited(parents: Sequence[Parent], columns: Mapping[str, Collection[tuple[str, str]]]) -> dict[str, Any]:
    """Return the constraints that parents hand down to a table.

    :param columns: what each of its columns is made of, tables by their names in lower case and columns of them.
    """
    found: dict[str, Any] = {}
    for name in ("additional_analyses", *_LISTS):
        of = [(parent, value) for parent in parents if (value := getattr(parent, name)) is not None]
        if of:
            values = [value for _, value in of]
            found[name] = {
                "value": _common(values) if name in _LISTS else _strictest(values),
                "sources": [{**_source(parent, "source_account_id"), "value": value} for parent, value in of],
            }
    lineage = [
        {
            "column": name,
            "source_column": source_column,
            "source_name": parent.table.name,
            "source_id": parent.table.id,
            "source_type": parent.table.schema_type,
            "source_account_id": parent.table.creator_account_id,
        }
        for name, origins in columns.items()
        for parent in parents
        for source_column in parent.disallowed_output_columns
        if (parent.table.name.lower(), source_column) in origins
    ]
    if lineage:
        disallowed = list(dict.fromkeys(entry["column"] for entry in lineage))
        found["disallowed_output_columns"] = {"value": disallowed, "column_lineage": lineage}
    return found


def _source(parent: Parent, account: str) -> dict[str, Any]:
    table = parent.table
    return {"name": table.name, "id": table.id, "type": table.schema_type, account: table.creator_account_id}


def breach(policy: Mapping[str, Any], constraints: Constraints) -> tuple[str, str] | None:
    """Return which member of a CUSTOM policy breaks the constraints, and how; ``None`` if none does."""
    handed: dict[str, Any] = {name: part["value"] for name, part in constraints.items()}
    for name in reversed(_LISTS):
        for entry in policy.get(name, ()):
            if name in handed and not _is_covered(entry, handed[name]):
                return name, f"{entry} isn't allowed by all base tables"
    for column in handed.get("disallowed_output_columns", ()):
        if column not in policy.get("disallowed_output_columns", ()):
            return "disallowed_output_columns", f"{column} is disallowed by a base table"
    own, least = policy.get("additional_analyses", "NOT_ALLOWED"), handed.get("additional_analyses", "NOT_ALLOWED")
    if _STRICTNESS.index(own) < _STRICTNESS.index(least):
        return "additional_analyses", f"{own} is less strict than {least}, which a base table says"
    return None
