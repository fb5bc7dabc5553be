"""Where in a query data with differential privacy are, and where the column goes that tells their users apart.

A relation, SELECT or query is called private here if data of a table with differential privacy are in it.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from cleanrooms_mock.analysis.names import Output, Query, Relation, Resolution, Select
from cleanrooms_mock.analysis.tables import Table


def is_private(table: Table) -> bool:
    """Whether the rule of a table has differential privacy."""
    return bool(table.policy.get("differential_privacy"))


def identifier_of(table: Table) -> str:
    """Return the column, in lower case, that tells the users of a private table apart."""
    return str(table.policy["differential_privacy"]["columns"][0]["name"]).lower()


class PrivateData:
    """What in a resolved query is private.

    :ivar resolution: the query.
    """

    def __init__(self, resolution: Resolution) -> None:
        self.resolution = resolution
        #: By the id of a query, for each of its private SELECTs the places of the columns that are the identifier.
        self._branches: dict[int, list[tuple[Select, set[int]]]] = {}
        #: The columns, by their ids, that are the identifier.
        self._identifiers: set[int] = set()
        for query in resolution.queries:
            branches = [(select, self._places_in(select)) for select in query.selects if self.relations(select)]
            if branches:
                self._branches[id(query)] = branches

    def is_private(self, query: Query) -> bool:
        """Whether a query reads private tables, those in its expressions aside."""
        return id(query) in self._branches

    def relations(self, select: Select) -> list[Relation]:
        """Return the private relations in the FROM of a SELECT."""
        return [
            relation
            for relation in select.relations
            if (relation.table is not None and is_private(relation.table))
            or (relation.query is not None and self.is_private(relation.query))
        ]

    def branches(self, query: Query) -> list[tuple[Select, set[int]]]:
        """Return each private SELECT of a query with the places of its columns that are the identifier."""
        return self._branches.get(id(query), [])

    def is_identifier(self, node: exp.Expr) -> bool:
        """Whether an expression is the user identifier column itself."""
        node = node.unnest()
        if not isinstance(node, exp.Column) or isinstance(node.this, exp.Star):
            return False
        return any(id(output) in self._identifiers for output in self.resolution.reference(node).outputs)

    def is_identifier_output(self, output: Output) -> bool:
        """Whether a column of a SELECT is the user identifier column itself."""
        return id(output) in self._identifiers

    def identifiers(self, select: Select) -> Iterator[exp.Column]:
        """Yield the user identifier column of each private relation of a SELECT that shows its columns."""
        for relation in self.relations(select):
            if not relation.hidden:
                for output in relation.columns:
                    if id(output) in self._identifiers:
                        yield exp.column(output.name, relation.name or None, quoted=True)
                        break

    def _places_in(self, select: Select) -> set[int]:
        for relation in self.relations(select):
            if relation.table is not None:
                name = identifier_of(relation.table)
                places = {number for number, column in enumerate(relation.table.columns) if column.lower() == name}
            else:
                assert relation.query is not None
                places = set.intersection(*(places for _, places in self.branches(relation.query)))
            self._identifiers |= {id(relation.columns[place]) for place in places}
        found = set()
        for place, output in enumerate(select.outputs):
            if self._gives_identifier(select, output):
                self._identifiers.add(id(output))
                found.add(place)
        return found

    def _gives_identifier(self, select: Select, output: Output) -> bool:
        item = None if output.item is None else output.item.unalias()
        if item is None:
            return False
        if not isinstance(item, exp.Star) and not isinstance(item.this, exp.Star):
            return self.is_identifier(item)
        # What a star stands for are columns of the same names and origins.
        return any(
            id(one) in self._identifiers and one.name == output.name and one.origins == output.origins
            for relation in select.relations
            for one in relation.columns
        )
