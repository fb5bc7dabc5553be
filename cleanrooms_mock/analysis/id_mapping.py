"""The rule of ID mapping tables: what they map is joined by, and never seen."""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from cleanrooms_mock.analysis.names import Base, Output, Relation, Resolution, Select, expression
from cleanrooms_mock.analysis.refusals import malformed
from cleanrooms_mock.analysis.tables import Table
from cleanrooms_mock.rules import DOCUMENTED, rule

_SOURCE = "user guide: ID mapping table analysis rule"


def must_overlap(table: Table) -> frozenset[str]:
    """Return the columns of an ID mapping table in lower case that must be joined, each to a table of its side."""
    return frozenset(
        column.lower()
        for constraint in table.policy.get("query_constraints") or ()
        for column in (constraint.get("require_overlap") or {}).get("columns") or ()
    )


def is_protected(base: Base) -> bool:
    """Whether a column of an ID mapping table is for joins alone."""
    released = base.table.policy.get("dimension_columns") or ()
    return base.table.is_id_mapping and all(base.column != column.lower() for column in released)


def check(resolution: Resolution) -> None:
    """Refuse a query that uses an ID mapping table otherwise than to join tables of both its sides.

    :raises Refusal: as MALFORMED_QUERY.
    """
    for select in resolution.selects():
        protected_columns_are_joined_by(resolution, select)
        for relation in select.relations:
            if relation.table is not None and relation.table.is_id_mapping:
                mapping_is_inside(resolution, select, relation)
                sides_overlap(resolution, select, relation, relation.table)


@rule("CUS-80", source=_SOURCE, status=DOCUMENTED, answer="FAILED MALFORMED_QUERY")
def protected_columns_are_joined_by(resolution: Resolution, select: Select) -> None:
    """The columns of an ID mapping table stand in ON only: not in SELECT, WHERE, GROUP BY, HAVING or ORDER BY, of no subquery and no CTE either. A column
    that its ID namespace association releases is in `dimensionColumns`, and free.
    """
    for output in select.outputs:
        for base in output.origins:
            if is_protected(base):
                raise malformed(
                    f"Column(s) [{base.column}] is not allowed in select",
                    output.item,
                    table=base.table.name,
                    column=base.column,
                )
    for clause, node in _used(resolution, select):
        for base in resolution.references[id(node)].origins:
            if is_protected(base):
                words = {"group": "group by", "order": "order by"}
                raise malformed(
                    f"Column(s) [{base.column}] is not allowed in {words.get(clause, clause)}",
                    node,
                    table=base.table.name,
                    column=base.column,
                )


def _used(resolution: Resolution, select: Select) -> Iterator[tuple[str, exp.Expr]]:
    """Yield what refers to columns outside ON and the list, each ``*`` in a function too, with the clause it stands in."""
    yield from ((clause, column) for clause, column in select.columns if clause not in ("on", "select"))
    for clause in ("having", "order"):
        part = select.node.args.get(clause)
        for node in () if part is None else expression(part):
            if id(node) in resolution.references:
                yield clause, node


@rule("CUS-82", source=_SOURCE, status=DOCUMENTED, answer="FAILED MALFORMED_QUERY")
def mapping_is_inside(resolution: Resolution, select: Select, mapping: Relation) -> None:
    """An ID mapping table is on the inner side of the joins by its protected columns: `t LEFT JOIN m`, `m RIGHT JOIN t` and inner joins, not `m LEFT JOIN t`,
    `t RIGHT JOIN m`, FULL JOIN or an anti-join. What it maps for rows of neither table would show.
    """
    for join, equal in _joins(resolution, select):
        for column, _ in equal:
            base = column.base
            if base is None or not is_protected(base) or column not in mapping.columns:
                continue
            if not _is_inner(select, join, mapping):
                raise malformed(
                    f"ID mapping table {base.table.name} must be on the inner side of a join, which a {join.side or join.kind} JOIN isn't here",
                    join,
                    table=base.table.name,
                    column=base.column,
                )


@rule("CUS-81", source=_SOURCE, status=DOCUMENTED, answer="FAILED MALFORMED_QUERY")
def sides_overlap(resolution: Resolution, select: Select, mapping: Relation, table: Table) -> None:
    """Each column of an ID mapping table that `requireOverlap` lists must be joined, by `=`, to a table of the member whose identifiers it holds. CROSS
    JOIN, a comma and an OR don't join. If it lists none, nothing is enforced.
    """
    joined: set[str] = set()
    for join, equal in _joins(resolution, select):
        new = _relations_of(select, join)
        for column, other in equal:
            if column not in mapping.columns or column.base is None:
                continue
            is_brought = mapping in new or any(other in relation.columns for relation in new)
            if is_brought and _is_of_side(table, column.base.column, other):
                joined.add(column.base.column)
    missing = sorted(must_overlap(table) - joined)
    if missing:
        raise malformed(
            f"Inner join to a table of each side required for ID mapping table {table.name}: Column(s) [{', '.join(missing)}] is not joined",
            mapping.node,
            table=table.name,
            column=missing[0],
        )


def _is_of_side(table: Table, column: str, other: Output) -> bool:
    """Whether a column comes from a table of the account whose identifiers a column of an ID mapping table holds."""
    owners = {base.table.owner for base in other.origins if not base.table.is_id_mapping}
    side = table.sides.get(column)
    return bool(owners) and (side is None or owners == {side})


def _joins(resolution: Resolution, select: Select) -> Iterator[tuple[exp.Join, list[tuple[Output, Output]]]]:
    """Yield each join with the columns that it makes equal, each pair in both orders."""
    for join in _nodes(select):
        equal: list[tuple[Output, Output]] = []
        for condition in _conjuncts(join.args.get("on")):
            if isinstance(condition, exp.EQ):
                left, right = condition.this.unnest(), condition.expression.unnest()
                if id(left) in resolution.references and id(right) in resolution.references:
                    for one in resolution.references[id(left)].outputs:
                        equal += [(one, other) for other in resolution.references[id(right)].outputs]
        for merge in select.merges:
            if merge.join is join:
                equal += [(one, other) for one in merge.left for other in merge.right]
        yield join, equal + [(other, one) for one, other in equal]


def _nodes(select: Select) -> list[exp.Join]:
    joins: dict[int, exp.Join] = {}
    for join in select.node.find_all(exp.Join):
        if join.find_ancestor(exp.Select) is select.node:
            joins[id(join)] = join
    return list(joins.values())


def _conjuncts(condition: exp.Expr | None) -> Iterator[exp.Expr]:
    steps = [] if condition is None else [condition]
    while steps:
        step = steps.pop()
        if isinstance(step, exp.And | exp.Paren):
            steps += step.iter_expressions()
        else:
            yield step


def _relations_of(select: Select, join: exp.Join) -> list[Relation]:
    """Return the relations that a join brings."""
    inside = {id(node) for node in join.this.walk()}
    return [relation for relation in select.relations if id(relation.node) in inside]


def _is_inner(select: Select, join: exp.Join, mapping: Relation) -> bool:
    """Whether a join drops the rows of an ID mapping table that have no partner."""
    if join.kind == "ANTI" or join.side == "FULL":
        return False
    is_new = mapping in _relations_of(select, join)
    return join.side != ("RIGHT" if is_new else "LEFT") or join.kind == "SEMI"
