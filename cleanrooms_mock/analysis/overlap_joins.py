"""What the joins of AGGREGATION and LIST queries have in common: they find the overlap of tables, by equal values in the columns that their rules
release for that.

Each of these rules has an id for AGGREGATION and one for LIST; the functions with the ids call the ones here.

That tables are connected needs no search: each JOIN has an ON, and each condition of it takes one column from the new table and one from those before
it, so that whatever stands in one FROM is connected, and a row of a table stays only with a row of each other one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple, NoReturn

from sqlglot import exp

from cleanrooms_mock.analysis.called_functions import without_brackets
from cleanrooms_mock.analysis.column_roles import RolesByTable, Used, not_allowed, not_in_rule, used
from cleanrooms_mock.analysis.names import Relation, Resolution, Select
from cleanrooms_mock.analysis.predicates import conditions
from cleanrooms_mock.analysis.refusals import malformed
from cleanrooms_mock.analysis.tables import RuleType, Table
from cleanrooms_mock.rules import INFERRED, rule


class Member(NamedTuple):
    """A member of a FROM, before names are resolved.

    :ivar name: what qualifies its columns, in lower case.
    """

    name: str
    table: Table | None
    join: exp.Join | None


class Condition(NamedTuple):
    """A condition of an ON.

    :ivar joined: the relation that the JOIN adds.
    """

    node: exp.EQ
    sides: tuple[Used, Used]
    joined: Relation


def members(select: exp.Select, tables: Sequence[Table]) -> list[Member]:
    """Return the members of a FROM that are tables, in order."""
    by_name = {table.name.lower(): table for table in tables}
    from_ = select.args.get("from_")
    nodes = [(from_.this, None)] if from_ is not None else []
    nodes += [(join.this, join) for join in select.args.get("joins") or ()]
    return [
        Member(node.alias_or_name.lower(), by_name.get(node.name.lower()), join)
        for node, join in nodes
        if isinstance(node, exp.Table)
    ]


def joins_are_inner(select: exp.Select, rule_type: RuleType, tables: Sequence[Table]) -> None:
    """Refuse a FROM that isn't ``name [[AS] alias]``, and ``[INNER] JOIN name [[AS] alias] ON …`` any number of times."""
    joined = members(select, tables)
    from_ = select.args.get("from_")
    joins = select.args.get("joins") or ()
    for node in [from_.this, *(join.this for join in joins)] if from_ is not None else ():
        if not _is_plain(node):
            raise not_in_rule("What isn't a table's name, with or without an alias, in FROM", rule_type, tables, node)
    for laterals in select.args.get("laterals") or ():
        raise not_in_rule("LATERAL VIEW", rule_type, tables, laterals)
    for index, join in enumerate(joins, 1):
        other = _other_than_inner(join)
        if other and any(
            member.table is not None and member.table.is_id_mapping for member in _joined_by(join, joined, index)
        ):
            refuse_join_of_mapping_table(other, rule_type, tables, join)
        elif other:
            raise not_in_rule(other, rule_type, tables, join)


@rule(
    "CUS-83",
    source="user guide: ID mapping table analysis rule; inferred: it takes the type of the other tables, and their joins with it",
    status=INFERRED,
    answer="FAILED MALFORMED_QUERY",
)
def refuse_join_of_mapping_table(join: str, rule_type: RuleType, tables: Sequence[Table], node: exp.Expr) -> NoReturn:
    """Beside tables with an AGGREGATION or LIST rule, an ID mapping table is joined as that rule says, with INNER JOIN alone. It connects the tables on
    its two sides, and counts as owned by nobody.
    """
    raise not_in_rule(f"{join} of an ID mapping table", rule_type, tables, node)


def _is_plain(node: exp.Expr) -> bool:
    if not isinstance(node, exp.Table) or not isinstance(node.this, exp.Identifier):
        return False
    alias = node.args.get("alias")
    if alias is not None and alias.args.get("columns"):
        return False
    return not any(value for name, value in node.args.items() if name not in ("this", "alias"))


def _other_than_inner(join: exp.Join) -> str | None:
    """Return what to call a join that is none of ``[INNER] JOIN … ON …``."""
    args = join.args
    words = [args.get("method"), args.get("side"), args.get("kind") if args.get("kind") != "INNER" else None]
    if any(words):
        return f"{' '.join(str(word) for word in words if word)} JOIN"
    if args.get("using"):
        return "JOIN … USING"
    on = args.get("on")
    return "JOIN without ON" if on is None or isinstance(on, exp.Boolean) else None


def _joined_by(join: exp.Join, joined: Sequence[Member], index: int) -> Iterator[Member]:
    """Yield the member that a join adds, and those before it that its condition names, or the only one there is."""
    on = join.args.get("on")
    names = {column.table.lower() for column in on.find_all(exp.Column)} if on is not None else set()
    yield joined[index]
    yield from (member for member in joined[:index] if index == 1 or member.name in names)


def conditions_are_equalities(select: exp.Select, rule_type: RuleType, tables: Sequence[Table]) -> None:
    """Refuse a condition of an ON that isn't ``=`` between two bare columns."""
    for join in select.args.get("joins") or ():
        for condition in conditions(join.args["on"]):
            if not isinstance(condition, exp.EQ) or not all(map(_is_column, (condition.this, condition.expression))):
                what = "A join condition other than = between two columns"
                raise not_in_rule(what, rule_type, tables, condition)


def _is_column(node: exp.Expr) -> bool:
    column = without_brackets(node)
    return isinstance(column, exp.Column) and not isinstance(column.this, exp.Star)


def sides_are_two(select: exp.Select, tables: Sequence[Table]) -> None:
    """Refuse a condition that doesn't compare a column of the table that its JOIN adds with one of the tables before it.

    Names that mean nothing, or several things, are left to what resolves names.
    """
    joined = members(select, tables)
    for index, (name, table, join) in enumerate(joined):
        if join is None:
            continue
        if any(member.name == name for member in joined[:index]):
            # Which of the two a condition means couldn't be told, and it might leave one of them unjoined.
            raise malformed(f"Two tables in from are called {name}", join)
        for condition in conditions(join.args["on"]):
            columns = list(condition.find_all(exp.Column))
            # What stands behind isn't in sight, and is asked for last.
            sides = [_place_of(column, joined[: index + 1], joined) for column in columns]
            places = [side for side in sides if side is not None]
            if len(places) < len(sides) or min(places) < index == max(places):
                continue
            names = ", ".join(column.name.lower() for column in columns)
            raise malformed(
                f"Column(s) [{names}] is not allowed in on: a condition compares a column of {name}, which is joined, "
                "with a column of a table before it",
                condition,
                table=None if table is None else table.name,
            )


def _place_of(column: exp.Column, *ranges: Sequence[Member]) -> int | None:
    """Return the place in FROM of what a column belongs to, by the first of ``ranges`` that has it; ``None`` if that can't be told."""
    for members_ in ranges:
        found = [place for place, member in enumerate(members_) if _has(member, column)]
        if found:
            return found[0] if len(found) == 1 else None
    return None


def _has(member: Member, column: exp.Column) -> bool:
    if column.table:
        return column.table.lower() == member.name
    return member.table is not None and column.name.lower() in map(str.lower, member.table.columns)


def member_of(column: exp.Column, joined: Sequence[Member]) -> Member | None:
    """Return what a column belongs to, ``None`` if that can't be told."""
    place = _place_of(column, joined)
    return None if place is None else joined[place]


def join_conditions(resolution: Resolution, select: Select) -> list[Condition]:
    """Return all conditions of all joins, in the order of the text."""
    found = []
    for relation in select.relations:
        for node in conditions(relation.join.args["on"]) if relation.join is not None else ():
            assert isinstance(node, exp.EQ)
            left, right = (_side(resolution, side) for side in (node.this, node.expression))
            found.append(Condition(node, (left, right), relation))
    return found


def _side(resolution: Resolution, node: exp.Expr) -> Used:
    column = without_brackets(node)
    assert isinstance(column, exp.Column)
    return used(column, resolution.reference(column))


def columns_can_be_joined(joins: Sequence[Condition], roles: RolesByTable) -> None:
    """Refuse what isn't a join column in an ON."""
    for condition in joins:
        others = [side for side in condition.sides if side.table is None or side.name not in roles[side.table].join]
        if others:
            raise not_allowed(others, "on")


def operators_are_allowed(joins: Sequence[Condition], roles: RolesByTable) -> None:
    """Refuse an AND or OR between conditions that a table with a column in them doesn't allow."""
    sides = {id(condition.node): condition.sides for condition in joins}
    for join in dict.fromkeys(condition.joined.join for condition in joins):
        assert join is not None
        for node in join.args["on"].find_all(exp.And, exp.Or):
            if type(_above(node)) is type(node):
                continue
            name = node.key.upper()
            for side in [side for condition in conditions(node) for side in sides[id(condition)]]:
                if side.table is not None and name not in roles[side.table].operators:
                    raise malformed(
                        f"Logical operator {name} is not allowed in on for table {side.table.name}",
                        node,
                        table=side.table.name,
                    )


def _above(node: exp.Expr) -> exp.Expr | None:
    above = node.parent
    while isinstance(above, exp.Paren):
        above = above.parent
    return above


def partners_differ(joins: Sequence[Condition], select: Select) -> None:
    """Refuse a configured table that is joined with itself, be it under the names of two associations.

    An ID mapping table is none, and may link several pairs of tables.
    """
    seen: set[str] = set()
    for relation in select.relations:
        if relation.table is not None and not relation.table.is_id_mapping:
            if _configured(relation.table) in seen:
                _refuse_self_join(relation.table, relation.node)
            seen.add(_configured(relation.table))
    for condition in joins:
        left, right = (side.table for side in condition.sides)
        if left is not None and right is not None and _configured(left) == _configured(right):
            _refuse_self_join(left, condition.node)


def _configured(table: Table) -> str:
    return table.configured_table or table.name


def _refuse_self_join(table: Table, node: exp.Expr) -> NoReturn:
    raise malformed(f"Self join is not allowed for table {table.name}", node, table=table.name)


def has_table_of(runner: str, select: Select) -> bool:
    """Whether a FROM has a table that the runner owns."""
    return any(
        relation.table is not None and relation.table.owner == runner and not relation.table.is_id_mapping
        for relation in select.relations
    )


def has_other_table(table: Table, select: Select) -> bool:
    """Whether a FROM has another table than ``table``, of whomever but nobody."""
    return any(
        relation.table is not None and relation.table is not table and not relation.table.is_id_mapping
        for relation in select.relations
    )


def refuse_without_runner(table: Table, node: exp.Expr) -> NoReturn:
    """Refuse a query whose runner has no table joined to ``table``."""
    raise malformed(f"Inner join to query runner table required for table {table.name}", node, table=table.name)


def refuse_alone(table: Table, node: exp.Expr) -> NoReturn:
    """Refuse a query of the runner's own ``table`` without another one."""
    raise malformed(f"Inner join to another table required for table {table.name}", node, table=table.name)
