"""Where values come from, step by step: through aliases, stars, CTEs, derived and cached tables, and the branches of set operations."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from sqlglot import exp

from cleanrooms_mock.analysis.names import Base, Output, Query, Resolution, Select, is_query
from cleanrooms_mock.analysis.tables import Table

#: Yields the parts of an expression that matter for its value, in any order.
Parts = Callable[[exp.Expr], Iterable[exp.Expr]]


def all_parts(node: exp.Expr) -> Iterable[exp.Expr]:
    """Yield all parts of an expression."""
    return node.iter_expressions()


def behind(output: Output) -> Iterator[Output]:
    """Yield the columns that a column passes on as they are, or itself if it is made where it stands."""
    steps, seen = [output], {id(output)}
    while steps:
        step = steps.pop()
        if not step.passes:
            yield step
        for passed in step.passes:
            if id(passed) not in seen:
                seen.add(id(passed))
                steps.append(passed)


def made_of(resolution: Resolution, node: exp.Expr | Output, parts: Parts = all_parts) -> frozenset[Base]:
    """Return the columns of tables that a value is made of.

    :param node: an expression, or a column that a query gives.
    :param parts: what of an expression counts.
    """
    found: set[Base] = set()
    steps: list[exp.Expr | Output] = [node]
    seen: set[int] = set()
    while steps:
        step = steps.pop()
        if id(step) in seen:
            continue
        seen.add(id(step))
        if isinstance(step, Output):
            for output in behind(step):
                if output.base is not None:
                    found.add(output.base)
                elif output.item is None:
                    found |= output.origins
                else:
                    steps.append(output.item)
        elif id(step) in resolution.references:
            steps += resolution.references[id(step)].outputs
        elif is_query(step):
            steps += resolution.query_of(step).outputs
        else:
            steps += parts(step)
    return frozenset(found)


class TablesBehind:
    """Which tables the rows of a query come from, those that its expressions ask aside."""

    def __init__(self, resolution: Resolution) -> None:
        self._of: dict[int, dict[int, Table]] = {}
        for query in resolution.queries:
            self._of[id(query)] = {id(table): table for select in query.selects for table in self.select(select)}

    def query(self, query: Query) -> Iterable[Table]:
        """Return the tables behind a query."""
        return self._of.get(id(query), {}).values()

    def select(self, select: Select) -> Iterator[Table]:
        """Yield the tables behind one SELECT, one more than once if it stands in FROM more than once."""
        for relation in select.relations:
            if relation.table is not None:
                yield relation.table
            elif relation.query is not None:
                yield from self.query(relation.query)
