"""DISTINCT and UNION said with GROUP BY, so that more can be asked of the rows that become one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from sqlglot import exp

from cleanrooms_mock.analysis.names import Output, Resolution, Select

_TAILS = ("with_", "order", "limit")


class Groups(NamedTuple):
    """A SELECT that groups the rows of the query in its FROM.

    :ivar columns: what it groups by.
    :ivar others: the columns of the query behind those.
    """

    select: exp.Select
    columns: list[exp.Column]
    others: list[exp.Column]


def quoted(name: str) -> exp.Identifier:
    """Return a name that may hold whatever a name may."""
    return exp.to_identifier(name, quoted=True)


def name_of(output: Output) -> str:
    """Return what a column is called, as it is spelt."""
    return output.item.alias if isinstance(output.item, exp.Alias) else output.name


def grouped(query: exp.Expr, names: Sequence[str], others: int, fresh: Callable[[], str]) -> Groups:
    """Put a SELECT in the place of a query that gives each of its rows once.

    WITH, ORDER BY and LIMIT move outwards.

    :param names: of the query's columns; empty for one without.
    :param others: how many columns behind those don't count for what is equal.
    :param fresh: makes names.
    """
    relation, inner = fresh(), [fresh() for _ in range(len(names) + others)]
    columns = [exp.column(quoted(name), table=quoted(relation)) for name in inner]
    keys = columns[: len(names)]
    items = [
        exp.alias_(key.copy(), quoted(name)) if name else key.copy() for key, name in zip(keys, names, strict=True)
    ]
    select = exp.Select(expressions=items, group=exp.Group(expressions=[key.copy() for key in keys]))
    query.replace(select)
    for tail in _TAILS:
        part = query.args.pop(tail, None)
        if part is not None:
            select.set(tail, part)
    alias = exp.TableAlias(this=quoted(relation), columns=[quoted(name) for name in inner])
    select.set("from_", exp.From(this=exp.Subquery(this=query, alias=alias)))
    return Groups(select, keys, columns[len(names) :])


def order_by_columns(
    resolution: Resolution, select: Select, copies: Mapping[int, exp.Expr], columns: Sequence[exp.Column]
) -> None:
    """Let the ORDER BY of a SELECT DISTINCT that :func:`grouped` has put around name the columns of that.

    :param select: as it was.
    :param copies: of its nodes.
    """
    order = select.node.args.get("order")
    if order is None:
        return
    places: dict[object, int] = {}
    for place, output in enumerate(select.outputs):
        places.setdefault(id(output), place)
        for passed in output.passes:
            places.setdefault(id(passed), place)
        if output.item is not None and not output.passes:
            item = output.item.unalias()
            places.setdefault(item.sql(), place)
            if isinstance(item, exp.Column):
                for behind in resolution.reference(item).outputs:
                    places.setdefault(id(behind), place)
    steps = [ordered.this for ordered in order.expressions]
    while steps:
        step = steps.pop()
        found = places.get(step.sql())
        if found is None and id(step) in resolution.references:
            found = places.get(id(resolution.references[id(step)].outputs[0]))
        if found is None:
            steps += step.iter_expressions()
        else:
            copies[id(step)].replace(columns[found].copy())
