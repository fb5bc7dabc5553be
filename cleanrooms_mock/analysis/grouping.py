"""What stands for a group and what for a row: aggregates, windows and GROUP BY where Spark has them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlglot import exp

from cleanrooms_mock.analysis.called_functions import MODIFIERS, without_modifiers
from cleanrooms_mock.analysis.names import Resolution, Select, expression, is_query
from cleanrooms_mock.analysis.refusals import malformed
from cleanrooms_mock.analysis.walks import put_children
from cleanrooms_mock.rules import INFERRED, rule

_GROUPS = (exp.Rollup, exp.Cube, exp.GroupingSets, exp.Tuple, exp.Paren)
Signature = tuple[Any, ...]


def check_grouping(resolution: Resolution) -> None:
    """Refuse what Spark refuses of aggregates, windows and groups in any SELECT.

    :raises Refusal: as MALFORMED_QUERY.
    """
    for select in resolution.selects():
        aggregates_stand_where_groups_are(select)
        columns_are_grouped(resolution, select)


def aggregates_in(node: exp.Expr) -> Iterator[exp.AggFunc]:
    """Yield the aggregates of groups in an expression, subqueries and the functions of windows aside."""
    for part in expression(node):
        if isinstance(part, exp.AggFunc) and not _is_of_a_window(part):
            yield part


def _is_of_a_window(function: exp.Expr) -> bool:
    around = function.parent
    while isinstance(around, MODIFIERS):
        function, around = around, around.parent
    return isinstance(around, exp.Window) and around.this is function


@rule("SQL-35", source="inferred from Spark", status=INFERRED, answer="FAILED MALFORMED_QUERY")
def aggregates_stand_where_groups_are(select: Select) -> None:
    """No aggregate stands in another, in WHERE, ON or GROUP BY, and no window function in WHERE, ON, GROUP BY or HAVING."""
    node = select.node
    joins = [join.args["on"] for join in node.args.get("joins") or () if join.args.get("on") is not None]
    parts = [
        ("WHERE", node.args.get("where")),
        ("GROUP BY", node.args.get("group")),
        ("HAVING", node.args.get("having")),
    ]
    for name, part in [*(("ON", on) for on in joins), *parts]:
        if part is None:
            continue
        for inner in expression(part):
            if isinstance(inner, exp.Window):
                raise malformed(f"A window function can't stand in {name}", inner)
            if isinstance(inner, exp.AggFunc) and name != "HAVING":
                raise malformed(f"{inner.sql_name()} is an aggregate function, which can't stand in {name}", inner)
    for part in of_groups(select):
        for aggregate in aggregates_in(part):
            for inner in aggregates_in(aggregate):
                if inner is not aggregate:
                    raise malformed(f"{inner.sql_name()} is an aggregate in another, {aggregate.sql_name()}", inner)


@rule(
    "SQL-34",
    source="inferred from Spark, against SQL reference: ORDER BY",
    status=INFERRED,
    answer="FAILED MALFORMED_QUERY",
)
def columns_are_grouped(resolution: Resolution, select: Select) -> None:
    """In a SELECT that groups or aggregates, every column outside an aggregate is part of an expression of GROUP BY, in the list, HAVING and ORDER BY.
    NULLs are a group, and come first in an ascending order.
    """
    group = select.node.args.get("group")
    if not is_aggregated(select) or (group is not None and group.args.get("all")):
        return
    keys = {signature(resolution, key) for key in keys_of(resolution, select, group)}
    kinds = {key[0][0] for key in keys}
    missing: dict[str, exp.Column] = {}
    for part in of_groups(select):
        for column in _ungrouped(resolution, select, part, keys, kinds):
            missing.setdefault(_qualified(resolution, column), column)
    if missing:
        names = ", ".join(missing)
        first = next(iter(missing.values()))
        raise malformed(f"Column(s) [{names}] must appear in group by clause", first, column=first.name)


def is_aggregated(select: Select) -> bool:
    """Whether a SELECT gives groups of rows, DISTINCT aside."""
    if select.node.args.get("group") is not None or select.node.args.get("having") is not None:
        return True
    return any(True for part in of_groups(select) for _ in aggregates_in(part))


def of_groups(select: Select) -> list[exp.Expr]:
    """Return the parts of a SELECT that see its groups, if it has any: its list, HAVING and ORDER BY."""
    node = select.node
    order, having = node.args.get("order"), node.args.get("having")
    return [*node.expressions, *(part for part in (having, order) if part is not None)]


def keys_of(resolution: Resolution, select: Select, group: exp.Group | None) -> Iterator[exp.Expr]:
    """Yield what a SELECT groups by, the expressions themselves where aliases or numbers of the list stand for them."""
    steps: list[exp.Expr] = []
    if group is not None:
        steps = [*group.expressions]
        for extension in ("rollup", "cube", "grouping_sets"):
            steps += [part for part in group.args.get(extension) or () if isinstance(part, exp.Expr)]
    while steps:
        step = steps.pop()
        if isinstance(step, _GROUPS):
            steps += step.iter_expressions()
        elif isinstance(step, exp.Literal) and not step.is_string:
            yield _item(select, step).unalias()
        elif isinstance(step, exp.Column):
            reference = resolution.reference(step)
            alias = reference.outputs[0].item
            yield (
                alias.unalias()
                if reference.relation is None and len(reference.outputs) == 1 and alias is not None
                else step
            )
        else:
            yield step


def _item(select: Select, ordinal: exp.Literal) -> exp.Expr:
    number = int(ordinal.this) if ordinal.this.isdecimal() else 0
    items = select.node.expressions
    if not 1 <= number <= len(items):
        raise malformed(f"GROUP BY position {ordinal.this} is not in the list of {len(items)}", ordinal)
    item: exp.Expr = items[number - 1]
    for aggregate in aggregates_in(item):
        raise malformed(f"GROUP BY position {number} has an aggregate, {aggregate.sql_name()}", ordinal)
    return item


def _ungrouped(
    resolution: Resolution, select: Select, part: exp.Expr, keys: set[Signature], kinds: set[Any]
) -> Iterator[exp.Column]:
    steps = [part]
    while steps:
        step = steps.pop()
        if type(step) in kinds and signature(resolution, step) in keys:
            continue
        function = without_modifiers(step)
        if isinstance(function, exp.AggFunc) and not _is_of_a_window(function):
            continue
        if isinstance(step, exp.Column):
            if isinstance(step.this, exp.Star) or _is_of_a_row(resolution, select, step):
                yield step
        elif not is_query(step):
            put_children(steps, step)


def _is_of_a_row(resolution: Resolution, select: Select, column: exp.Column) -> bool:
    reference = resolution.references.get(id(column))
    # An alias is judged where it is made, and what is of the query around is the same in all rows.
    is_alias = reference is not None and reference.relation is None and reference.outputs[0].item is not None
    return reference is not None and reference.select is select and not is_alias


def signature(resolution: Resolution, node: exp.Expr) -> Signature:
    """Return what two expressions have in common that are the same, however they are spelt."""
    return tuple(_tokens(resolution, node))


def _tokens(resolution: Resolution, node: exp.Expr) -> Iterator[Signature]:
    steps: list[exp.Expr] = [node]
    while steps:
        step = steps.pop()
        if isinstance(step, exp.Column) and id(step) in resolution.references:
            outputs = resolution.references[id(step)].outputs
            yield exp.Column, tuple(map(id, outputs)), len(step.parts) > 2 and step.name.lower()
            continue
        if isinstance(step, exp.Paren):
            steps.append(step.this)
            continue
        children = list(step.iter_expressions())
        scalars = tuple(
            (name, value.lower() if isinstance(step, exp.Identifier) and isinstance(value, str) else value)
            for name, value in sorted(step.args.items())
            if isinstance(value, str | bool | int) and name != "quoted"
        )
        yield type(step), scalars, len(children)
        steps += reversed(children)


def _qualified(resolution: Resolution, column: exp.Column) -> str:
    reference = resolution.references.get(id(column))
    relation = None if reference is None else reference.relation
    return f"{relation.name}.{column.name}" if relation is not None and relation.name else column.sql()
