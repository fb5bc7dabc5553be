"""What the names in one SELECT can mean: the relations in its FROM, their columns, and the aliases of its list."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, KeysView, Sequence

from sqlglot import exp

from cleanrooms_mock.analysis.names import Clause, Merge, Output, Reference, Relation, Select
from cleanrooms_mock.analysis.naming import (
    refuse_ambiguous_column,
    refuse_correlation,
    refuse_name_behind_alias,
    refuse_unknown_column,
)
from cleanrooms_mock.analysis.refusals import malformed


class Scope:
    """The names in sight of one SELECT, which come in one after the other.

    :ivar select: the SELECT.
    """

    def __init__(self, select: Select) -> None:
        self.select = select
        self._columns: dict[str, list[Reference]] = {}
        self._aliases: dict[str, Output] = {}

    # What comes into sight

    @property
    def column_names(self) -> KeysView[str]:
        """The names of the columns that can be named without their relation."""
        return self._columns.keys()

    def add(self, relation: Relation) -> None:
        """Bring a relation into sight, behind those that are."""
        self.select.relations.append(relation)
        for output in relation.columns:
            if output.name:
                self._columns.setdefault(output.name, []).append(Reference((output,), relation, self.select))

    def merge(self, join: exp.Join, names: Iterable[str], new: Sequence[Relation]) -> None:
        """Make one column of those of the same name, as USING and NATURAL do.

        :param new: the relations that the join brings.
        """
        for name in names:
            found = self._columns[name]
            if sum(1 for one in found if one.relation not in new) > 1:
                at = new[0].node
                refuse_ambiguous_column(name, at, (one.relation.name for one in found if one.relation is not None))
            left = tuple(output for one in found if one.relation not in new for output in one.outputs)
            right = tuple(output for one in found if one.relation in new for output in one.outputs)
            self.select.merges.append(Merge(join, name, left, right))
            self._columns[name] = [Reference(left + right, None, self.select)]

    def hide(self, relations: Iterable[Relation]) -> None:
        """Take the columns of relations out of sight of all but their ON."""
        for relation in relations:
            relation.hidden = True
        for name, found in self._columns.items():
            self._columns[name] = [one for one in found if one.relation is None or not one.relation.hidden]

    def name(self, alias: str, output: Output) -> None:
        """Bring an alias of the SELECT's list into sight, unless one of that name is."""
        self._aliases.setdefault(alias, output)

    # What a name means

    def find(self, column: exp.Column, clause: Clause) -> Reference | None:
        """Return what a column of this SELECT refers to, ``None`` if it is none of its own."""
        parts = [part.name.lower() for part in column.parts]
        if len(parts) > 1:
            for relation in self.select.relations:
                if relation.name == parts[0] and not (relation.hidden and clause != "on"):
                    output = relation.column(parts[1], column)
                    if output is None:
                        refuse_unknown_column(".".join(parts[:2]), column, (relation.name,))
                    return _whole_or_field(Reference((output,), relation, self.select), parts[2:])
        # In an aggregate a name is that of a column, as outside one it is an alias before.
        first_alias = clause in ("having", "order") and len(parts) == 1 and not _is_aggregated(column)
        alias = self._aliases.get(parts[0]) if clause in ("select", "group", "having", "order") else None
        if first_alias and alias is not None:
            return Reference((alias,), None, self.select)
        found = self._columns.get(parts[0], ())
        if len(found) > 1:
            names = (one.relation.name for one in found if one.relation is not None)
            refuse_ambiguous_column(parts[0], column, names)
        if found:
            return _whole_or_field(found[0], parts[1:])
        if alias is not None and len(parts) == 1:
            return Reference((alias,), None, self.select)
        return None

    def find_outside(self, column: exp.Column) -> Reference:
        """Return what a column that is none of this SELECT's own refers to in the SELECT around it.

        :raises Refusal: if it is none there either.
        """
        query = self.select.query
        outer = query.outer
        if outer is not None:
            found = _in_sight(outer, column)
            if found is not None:
                query.refers_out.append(column)
                return found
            further = outer.query.outer
            while further is not None:
                if _in_sight(further, column) is not None:
                    refuse_correlation("it refers to a query further out than the one around it", column)
                further = further.query.outer
        parts = [part.name.lower() for part in column.parts]
        if len(parts) > 1:
            self._refuse_behind_alias(parts[0], column)
        names = [relation.name for relation in self.select.relations]
        return refuse_unknown_column(".".join(part.name for part in column.parts), column, names)

    def column_of(self, parts: Sequence[exp.Expr]) -> Output | None:
        """Return the column that dotted names in FROM stand for behind an alias of an earlier relation."""
        first, second, *_ = (part.name.lower() for part in parts)
        for relation in self.select.relations:
            if relation.name == first:
                return relation.column(second, parts[0])
        return None

    def relation(self, column: exp.Column) -> Relation:
        """Return the relation that stands before a ``.*``.

        :raises Refusal: if there is none of that name.
        """
        name = column.table.lower()
        for relation in self.select.relations:
            if relation.name == name and not relation.hidden:
                return relation
        self._refuse_behind_alias(name, column)
        return refuse_unknown_column(f"{name}.*", column, (relation.name for relation in self.select.relations))

    def _refuse_behind_alias(self, name: str, column: exp.Column) -> None:
        for relation in self.select.relations:
            if relation.table is not None and relation.table.name.lower() == name != relation.name:
                refuse_name_behind_alias(name, relation.name, column)

    # What a star means

    def shown(self) -> list[Relation]:
        """Return the relations whose columns a ``*`` stands for."""
        return [relation for relation in self.select.relations if not relation.hidden]

    def star(self, star: exp.Star, qualified: exp.Column | None) -> Iterator[Output]:
        """Yield the columns that a ``*`` in the SELECT's list stands for.

        :param qualified: the column that it is a part of, if a relation stands before it.
        """
        merged: set[int] = set()
        relations = self.shown() if qualified is None else [self.relation(qualified)]
        if not relations:
            raise malformed("* needs a FROM", star)
        without = _left_out(star, relations)
        for relation in relations:
            for output in relation.columns:
                one = Reference((output,), relation, self.select)
                if qualified is None:
                    shared = [found for found in self._columns.get(output.name, ()) if found.relation is None]
                    if shared and output in shared[0].outputs:
                        one = shared[0]
                        if id(one) in merged:
                            continue
                        merged.add(id(one))
                if output not in without:
                    yield Output(output.name, one.origins, one.base, qualified or star, one.outputs)


def _whole_or_field(found: Reference, fields: Sequence[str]) -> Reference:
    if not fields:
        return found
    return Reference(tuple(Output(fields[-1], one.origins) for one in found.outputs), found.relation, found.select)


def _is_aggregated(column: exp.Column) -> bool:
    node: exp.Expr | None = column.parent
    while node is not None and not isinstance(node, exp.Select):
        if isinstance(node, exp.AggFunc):
            return True
        node = node.parent
    return False


def _in_sight(select: Select, column: exp.Column) -> Reference | None:
    """Return what a column of a subquery refers to in the SELECT around it."""
    parts = [part.name.lower() for part in column.parts]
    relations = [relation for relation in select.relations if not relation.hidden]
    if len(parts) > 1:
        for relation in relations:
            output = relation.column(parts[1], column) if relation.name == parts[0] else None
            if output is not None:
                return Reference((output,), relation, select)
    found = [relation for relation in relations if parts[0] in relation.outputs]
    if len(found) > 1 and len({relation.outputs[parts[0]] for relation in found}) > 1 and len(parts) == 1:
        refuse_ambiguous_column(parts[0], column, (relation.name for relation in found))
    if found and (output := found[0].column(parts[0], column)) is not None:
        return Reference((output,), found[0], select)
    return None


def _left_out(star: exp.Star, relations: Sequence[Relation]) -> set[Output]:
    """Return the columns that a ``* EXCEPT (…)`` doesn't stand for. A field of a struct is no column, and leaves the struct in sight."""
    if any(star.args.get(part) for part in ("replace", "rename", "ilike")):
        raise malformed("* stands for columns as they are, and takes EXCEPT alone", star)
    without: set[Output] = set()
    for column in star.args.get("except_") or ():
        *qualifier, name = (part.name.lower() for part in getattr(column, "parts", (column,)))
        found = [
            output
            for relation in relations
            if not qualifier or qualifier == [relation.name]
            for output in relation.columns
            if output.name == name
        ]
        if not found:
            refuse_unknown_column(".".join((*qualifier, name)), column, (relation.name for relation in relations))
        without.update(found)
    return without
