"""Rewriting a query so that its result holds no row that stands for too few identities.

Every inner query over a table with a minimum gives one more column for each time that the table stands behind it: the identity of its row, or, once rows are
grouped, the array of the identities of the group. The SELECTs of the result count them, and leave out what doesn't reach the minimum.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

from sqlglot import exp

from cleanrooms_mock.analysis.grouping import is_aggregated, of_groups
from cleanrooms_mock.analysis.names import Output, Query, Relation, Resolution, Select, bare, combined, expression
from cleanrooms_mock.analysis.statements import ParsedQuery
from cleanrooms_mock.analysis.tables import Table
from cleanrooms_mock.analysis.thresholds import Minimums, Threshold, only_counts, threshold_of
from cleanrooms_mock.analysis.wrapping import grouped, name_of, order_by_columns, quoted


class Carrier(NamedTuple):
    """A column that tells the identities behind a row.

    :ivar column: where the row is read; ``None`` if the query can't know them.
    :ivar is_set: whether it gives the array of a group's identities, or the one of a row.
    """

    threshold: Threshold
    column: exp.Column | None
    is_set: bool


class Slot(NamedTuple):
    """A column that a query must give for a :class:`Carrier`."""

    threshold: Threshold
    is_set: bool
    name: str


def constrained(resolution: Resolution) -> ParsedQuery:
    """Return a query, with those of its CACHE TABLEs, so that its result has only rows that stand for enough identities.

    Names and order of the columns, and the order of the rows, stay. The trees are copies, unless no table has a minimum.
    """
    if not any(threshold_of(table) for table in resolution.base_tables()):
        return resolution.parsed
    return _Suppressor(resolution).rewrite()


class _Suppressor:
    """Changes copies of the trees of one query."""

    def __init__(self, resolution: Resolution) -> None:
        self._resolution = resolution
        self._minimums = Minimums(resolution)
        self._thresholds = {id(table): threshold_of(table) for table in resolution.base_tables()}
        self._selects = {id(select.node): select for select in resolution.selects()}
        self._given: dict[int, list[Slot]] = {}
        self._carriers: dict[int, list[Carrier]] = {}
        self._copies: dict[int, exp.Expr] = {}
        self._taken = {column.lower() for table in resolution.tables.values() for column in table.columns}
        self._number = 0

    def rewrite(self) -> ParsedQuery:
        parsed = self._resolution.parsed
        # In a holder, since even the outermost node may give way to another.
        holders = [exp.Tuple(expressions=[self._copy(one)]) for one in parsed.trees]
        for query in self._resolution.queries:
            for select in query.selects:
                self._read(select)
            if query.role == "final":
                self._suppress(query, (), exempt=True)
            elif query.role == "subquery":
                self._suppress(query, self._counted_outside(query), exempt=False)
            else:
                self._give(query)
        *cached, statement = (holder.expressions[0] for holder in holders)
        return dataclasses.replace(parsed, statement=statement, cached=dict(zip(parsed.cached, cached, strict=True)))

    def _copy(self, tree: exp.Expr) -> exp.Expr:
        copy = tree.copy()
        for node, other in zip(tree.walk(), copy.walk(), strict=True):
            self._copies[id(node)] = other
            if isinstance(node, exp.Identifier):
                self._taken.add(node.name.lower())
        return copy

    def _name(self) -> str:
        """Return a name that nothing has yet."""
        while True:
            self._number += 1
            name = f"identities_{self._number}"
            if name not in self._taken:
                return name

    # What the relations of a SELECT give

    def _read(self, select: Select) -> None:
        """Find out what tells the identities behind the rows of a SELECT, and keep it from the SELECT's ``*``."""
        carriers: list[Carrier] = []
        hidden: dict[int, list[str]] = {}
        seen: set[int] = set()
        for relation in select.relations:
            if relation.table is not None:
                carriers += self._of_table(relation, relation.table)
            elif relation.query is not None and (slots := self._given.get(id(relation.query))):
                names = self._names_of(relation, slots, is_again=id(relation.query) in seen)
                seen.add(id(relation.query))
                hidden[id(relation)] = names
                carriers += (
                    Carrier(slot.threshold, exp.column(quoted(name)), slot.is_set)
                    for slot, name in zip(slots, names, strict=True)
                )
        self._carriers[id(select)] = carriers
        for seen_by_groups in of_groups(select):
            for part in expression(seen_by_groups):
                if isinstance(part, exp.Star) and not isinstance(part.parent, exp.Count):
                    self._leave_out(part, select, hidden)

    def _of_table(self, relation: Relation, table: Table) -> Iterator[Carrier]:
        threshold = self._thresholds[id(table)]
        if threshold is None:
            return
        for output in relation.columns:
            if output.base is not None and output.base.column == threshold.identity:
                yield Carrier(threshold, exp.column(quoted(output.name), table=quoted(relation.name)), False)
                return
        yield Carrier(threshold, None, False)

    def _names_of(self, relation: Relation, slots: Sequence[Slot], *, is_again: bool) -> list[str]:
        """Return what the additional columns of a query are called in one place that reads it. In one FROM each has a name of its own."""
        node = self._copies[id(relation.node)]
        alias = node.args.get("alias")
        if alias is not None and alias.args.get("columns"):
            names = [self._name() for _ in slots]
            alias.set("columns", [*alias.args["columns"], *map(quoted, names)])
            return names
        if not is_again:
            return [slot.name for slot in slots]
        names = [self._name() for _ in slots]
        joins = node.args.pop("joins", None)
        again = exp.Subquery(alias=exp.TableAlias(this=quoted(relation.name)), joins=joins)
        node.replace(again)
        node.set("alias", None)
        star = exp.Star(except_=[exp.column(quoted(slot.name)) for slot in slots])
        renamed = [
            exp.alias_(exp.column(quoted(slot.name)), quoted(name)) for slot, name in zip(slots, names, strict=True)
        ]
        again.set("this", exp.Select(expressions=[star, *renamed], from_=exp.From(this=node)))
        self._copies[id(relation.node)] = again
        return names

    def _leave_out(self, star: exp.Star, select: Select, hidden: dict[int, list[str]]) -> None:
        qualifier = star.parent.table.lower() if isinstance(star.parent, exp.Column) else ""
        names = [
            name
            for relation in select.relations
            if not qualifier or relation.name == qualifier
            for name in hidden.get(id(relation), ())
        ]
        if names:
            left_out = [*(star.args.get("except_") or ()), *(exp.column(quoted(name)) for name in names)]
            self._copies[id(star)].set("except_", [one.copy() for one in left_out])

    # What an inner query gives

    def _give(self, query: Query) -> None:
        slots = [Slot(threshold, is_set, self._name()) for threshold, is_set in self._needs(query.node)]
        if not slots:
            return
        self._given[id(query)] = slots
        self._add(query.node, slots)
        around = query.node.parent
        while isinstance(around, exp.Subquery):
            around = around.parent
        if isinstance(around, exp.CTE):
            alias = self._copies[id(around)].args["alias"]
            if alias.args.get("columns"):
                alias.set("columns", [*alias.args["columns"], *(quoted(slot.name) for slot in slots)])

    def _needs(self, node: exp.Expr) -> list[tuple[Threshold, bool]]:
        """Return what a query can tell of the identities behind its rows, as the columns that it would take."""
        node = bare(node)
        if isinstance(node, exp.Select):
            select = self._selects[id(node)]
            is_grouped = is_aggregated(select) or node.args.get("distinct") is not None
            return [(carrier.threshold, carrier.is_set or is_grouped) for carrier in self._carriers[id(select)]]
        if not isinstance(node, exp.SetOperation):
            return []
        operations, branches = combined(node)
        found: list[tuple[Threshold, bool]] = []
        for needs in map(self._needs, branches):
            free = list(range(len(found)))
            for threshold, is_set in needs:
                place = next((place for place in free if found[place][0] is threshold), None)
                if place is None:
                    found.append((threshold, is_set))
                else:
                    free.remove(place)
                    found[place] = (threshold, is_set or found[place][1])
        is_distinct = any(operation.args.get("distinct") for operation in operations)
        return [(threshold, is_set or is_distinct) for threshold, is_set in found]

    def _add(self, node: exp.Expr, slots: Sequence[Slot]) -> None:
        """Let a query give the columns that slots ask for, behind its own."""
        node = bare(node)
        copy = self._copies[id(node)]
        if isinstance(node, exp.Select):
            self._add_to_select(self._selects[id(node)], copy, slots)
        elif isinstance(node, exp.SetOperation):
            operations, branches = combined(node)
            for branch in branches:
                self._add(branch, slots)
            names = self._output_names(branches[0])
            for operation in operations:
                if operation.args.get("distinct"):
                    again = self._copies[id(operation)]
                    again.set("distinct", False)
                    around = grouped(again, names, len(slots), self._name)
                    _add_told(around.select, slots, around.others, slots)
        else:
            rows = exp.Select(expressions=[exp.Star(), *(_alias(_nothing(slot), slot) for slot in slots)])
            copy.replace(rows)
            rows.set("from_", exp.From(this=copy))

    def _add_to_select(self, select: Select, copy: exp.Expr, slots: Sequence[Slot]) -> None:
        carriers = list(self._carriers[id(select)])
        is_grouped = is_aggregated(select)
        is_distinct = copy.args.get("distinct") is not None
        added: list[Slot] = []
        for slot in slots:
            carrier = next((one for one in carriers if one.threshold is slot.threshold), None)
            if carrier is not None:
                carriers.remove(carrier)
            if is_distinct:
                # Of the rows that become one; what they become is added around them.
                is_set = carrier is not None and (carrier.is_set or is_grouped)
                told = Slot(slot.threshold, is_set, self._name())
            else:
                told = slot
            copy.append("expressions", _alias(_told(carrier, told, is_grouped=is_grouped), told))
            added.append(told)
        if is_distinct:
            copy.set("distinct", None)
            around = grouped(copy, [output.name for output in select.outputs], len(slots), self._name)
            order_by_columns(self._resolution, select, self._copies, around.columns)
            _add_told(around.select, added, around.others, slots)

    def _output_names(self, node: exp.Expr) -> list[str]:
        node = bare(node)
        while isinstance(node, exp.SetOperation):
            node = bare(node.this)
        if isinstance(node, exp.Select):
            return [output.name for output in self._selects[id(node)].outputs]
        row = node.expressions[0]
        return [""] * len(row.expressions if isinstance(row, exp.Tuple) else [row])

    # What the result gives

    def _counted_outside(self, query: Query) -> list[Table]:
        """Return the tables whose identities the SELECT around a subquery counts itself, which the subquery is only a filter of."""
        outer = query.outer
        if outer is None:
            return []
        clause = next((clause for clause, one in outer.subqueries if one is query), None)
        return list(self._minimums.tables.select(outer)) if clause in ("where", "on", "having") else []

    def _suppress(self, query: Query, counted: Collection[Table], *, exempt: bool) -> None:
        for select in query.selects:
            if exempt and only_counts(select):
                continue
            asked = [
                (carrier, minimum)
                for carrier in self._carriers[id(select)]
                if carrier.threshold.table not in counted
                and (minimum := self._minimums.of(select, carrier.threshold)) > 0
            ]
            if asked:
                self._suppress_select(select, asked)

    def _suppress_select(self, select: Select, asked: Sequence[tuple[Carrier, int]]) -> None:
        copy = self._copies[id(select.node)]
        if is_aggregated(select):
            conditions = [_reaches(_number(carrier, is_grouped=True), minimum) for carrier, minimum in asked]
            _also(copy, "having", exp.Having, conditions)
        elif copy.args.get("distinct") is None:
            conditions = [
                _reaches(_number(carrier, is_grouped=False), minimum) if carrier.is_set else exp.false()
                for carrier, minimum in asked
            ]
            _also(copy, "where", exp.Where, conditions)
        else:
            copy.set("distinct", None)
            inner = [Slot(carrier.threshold, carrier.is_set, self._name()) for carrier, _ in asked]
            for (carrier, _), slot in zip(asked, inner, strict=True):
                copy.append("expressions", _alias(_told(carrier, slot, is_grouped=False), slot))
            names = [name_of(output) or _text(output) for output in select.outputs]
            around = grouped(copy, names, len(inner), self._name)
            order_by_columns(self._resolution, select, self._copies, around.columns)
            told = [
                Carrier(slot.threshold, column, slot.is_set) for slot, column in zip(inner, around.others, strict=True)
            ]
            conditions = [
                _reaches(_number(carrier, is_grouped=True), minimum)
                for carrier, (_, minimum) in zip(told, asked, strict=True)
            ]
            _also(around.select, "having", exp.Having, conditions)


def _add_told(select: exp.Select, inner: Sequence[Slot], columns: Sequence[exp.Column], slots: Sequence[Slot]) -> None:
    """Give the identities of the groups of a SELECT, by the columns that tell them of its rows."""
    for told, column, slot in zip(inner, columns, slots, strict=True):
        carrier = Carrier(told.threshold, column, told.is_set)
        select.append("expressions", _alias(_told(carrier, slot, is_grouped=True), slot))


def _alias(value: exp.Expr, slot: Slot) -> exp.Expr:
    return exp.alias_(value, quoted(slot.name))


def _told(carrier: Carrier | None, slot: Slot, *, is_grouped: bool) -> exp.Expr:
    """Return what gives the identities that a slot asks for, from what a row or a group tells."""
    if carrier is None or carrier.column is None or (is_grouped and not slot.is_set):
        # A group is asked for one identity only where its table isn't behind it.
        return _nothing(slot)
    column = carrier.column.copy()
    if is_grouped:
        return _union(column) if carrier.is_set else exp.ArrayUniqueAgg(this=column)
    if slot.is_set and not carrier.is_set:
        # NULL is no identity, and an array with it in it would have one.
        is_none = exp.If(this=exp.Is(this=column, expression=exp.null()), true=exp.null())
        return exp.Case(ifs=[is_none], default=exp.Array(expressions=[column.copy()]))
    return column


def _nothing(slot: Slot) -> exp.Expr:
    return exp.cast(exp.null(), "ARRAY<STRING>" if slot.is_set else "STRING", dialect="spark")


def _union(column: exp.Expr) -> exp.Expr:
    """Return the array of all values in the arrays of a group."""
    return exp.ArrayDistinct(this=exp.Flatten(this=exp.ArrayAgg(this=column, nulls_excluded=True)))


def _number(carrier: Carrier, *, is_grouped: bool) -> exp.Expr | None:
    """Return how many identities there are behind a group, or behind a row that was a group before; ``None`` if nothing can tell."""
    if carrier.column is None:
        return None
    column = carrier.column.copy()
    if not carrier.is_set:
        return exp.Count(this=exp.Distinct(expressions=[column]), big_int=True)
    return exp.ArraySize(this=_union(column) if is_grouped else column)


def _reaches(number: exp.Expr | None, minimum: int) -> exp.Expr:
    return exp.false() if number is None else exp.GTE(this=number, expression=exp.Literal.number(minimum))


def _also(select: exp.Expr, clause: str, kind: type[exp.Expr], conditions: Sequence[exp.Expr]) -> None:
    """Add conditions to a WHERE or HAVING."""
    before = select.args.get(clause)
    select.set(clause, kind(this=exp.and_(*([] if before is None else [before.this]), *conditions)))


def _text(output: Output) -> str:
    return "" if output.item is None else output.item.sql("spark")
