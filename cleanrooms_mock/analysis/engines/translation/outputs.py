"""What a query becomes: a text of DuckDB's, and the columns that it gives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlglot import exp

from cleanrooms_mock.analysis.engines.data_types import Type, name_of
from cleanrooms_mock.analysis.engines.translation.values import Value
from cleanrooms_mock.analysis.refusals import malformed


class Output(NamedTuple):
    """A column that a query or table gives.

    :ivar name: what Spark calls it; ``None`` if it has no name of its own.
    :ivar key: what DuckDB does, unlike any other of the same query.
    :ivar width: the length to which its values are padded, if it is a char.
    """

    name: str | None
    key: str
    type: Type
    width: int = 0


@dataclass(frozen=True, slots=True)
class Query:
    """A query of DuckDB's."""

    sql: str
    columns: Sequence[Output]

    def columns_of(self, alias: str) -> list[Value]:
        """Return its columns as seen from outside, under an alias."""
        return [Value(f"{alias}.{name_of(column.key)}", column.type) for column in self.columns]

    def column(self, alias: str) -> Value:
        """Return its only column as seen from outside.

        :raises Refusal: if it has several.
        """
        if len(self.columns) != 1:
            raise malformed(f"The query is invalid: a subquery gives {len(self.columns)} columns where one is wanted")
        return self.columns_of(alias)[0]


def keyed(items: Sequence[tuple[str | None, Value]]) -> list[Output]:
    """Return the columns that named values are, with a key for each."""
    taken: set[str] = set()
    found = []
    for number, (name, value) in enumerate(items):
        key = name or f"_c{number}"
        while key.lower() in taken:
            key += "_"
        taken.add(key.lower())
        found.append(Output(name, key, value.type, value.width))
    return found


def renamed(columns: Sequence[Output], alias: Any) -> list[Output]:
    """Return columns with the names of an alias such as ``t(a, b)``.

    :raises Refusal: if it names more or fewer than there are.
    """
    names = [] if not isinstance(alias, exp.TableAlias) else [column.name for column in alias.columns]
    if not names:
        return list(columns)
    if len(names) != len(columns):
        raise malformed(f"The query is invalid: {alias.name} names {len(names)} columns of {len(columns)}")
    return [column._replace(name=name) for column, name in zip(columns, names, strict=True)]
