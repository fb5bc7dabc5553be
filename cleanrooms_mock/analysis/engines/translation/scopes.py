"""Which relations and columns an expression can name."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from cleanrooms_mock.analysis.engines.data_types import Type
from cleanrooms_mock.analysis.engines.translation.values import Value
from cleanrooms_mock.analysis.refusals import malformed


class Column(NamedTuple):
    """A column.

    :ivar name: what the query calls it.
    :ivar sql: what DuckDB does, with its relation.
    :ivar width: the length to which its values are padded, if it is a char.
    """

    name: str
    sql: str
    type: Type
    width: int = 0

    @property
    def value(self) -> Value:
        return Value(self.sql, self.type, width=self.width)


@dataclass(slots=True)
class Relation:
    """What a FROM names.

    :ivar name: its alias, in lower case; ``None`` if it has none.
    :ivar is_unnested: whether it is the elements of an array.
    """

    name: str | None
    columns: list[Column]
    is_unnested: bool = False

    def find(self, name: str) -> Column | None:
        return next((column for column in self.columns if column.name.lower() == name), None)


@dataclass(slots=True)
class Scope:
    """The relations of one SELECT, and around it those of the query that it stands in.

    :ivar star: the columns that ``*`` means, and that can be named without their relation.
    :ivar aliases: what the SELECT list calls its own columns, where they can be named.
    """

    outer: Scope | None = None
    relations: list[Relation] = field(default_factory=list)
    star: list[Column] = field(default_factory=list)
    aliases: dict[str, Value] = field(default_factory=dict)
    aliases_first: bool = False

    def add(self, relation: Relation) -> None:
        """Bring a relation into sight."""
        self.relations.append(relation)
        self.star += relation.columns

    def find(self, parts: list[str]) -> tuple[Value, list[str]]:
        """Return what the first parts of a dotted name mean, and the parts left, which are fields.

        :raises Refusal: if they mean nothing, or two things.
        """
        scope: Scope | None = self
        while scope is not None:
            found = scope._find(parts)
            if found is not None:
                return found
            scope = scope.outer
        raise malformed(f"The query is invalid: there is no column {'.'.join(parts)}")

    def _find(self, parts: list[str]) -> tuple[Value, list[str]] | None:
        first, *rest = [part.lower() for part in parts]
        if self.aliases_first and not rest and first in self.aliases:
            return self.aliases[first], []
        if rest:
            relation = next((relation for relation in self.relations if relation.name == first), None)
            column = None if relation is None else relation.find(rest[0])
            if column is not None:
                return column.value, parts[2:]
        matches = [column for column in self.star if column.name.lower() == first]
        if len(matches) > 1:
            raise malformed(f"The query is invalid: {parts[0]} is a column of more than one table")
        if matches:
            return matches[0].value, parts[1:]
        if first in self.aliases:
            return self.aliases[first], parts[1:]
        return None

    def columns_of(self, name: str) -> list[Column] | None:
        """Return the columns of the relation that is called so here."""
        return next((relation.columns for relation in self.relations if relation.name == name.lower()), None)
