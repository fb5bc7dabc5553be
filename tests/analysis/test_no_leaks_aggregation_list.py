"""Whatever tables, rules and queries there are: AGGREGATION gives no row for too few, and LIST none from outside of the overlap.

What the rules allow and what a query gives is worked out once more in :mod:`tests.analysis.made_up`, and compared with what is accepted and with what
DuckDB makes of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from sqlglot import exp

from cleanrooms_mock.analysis.check import check
from cleanrooms_mock.analysis.names import Resolution
from cleanrooms_mock.analysis.output_constraints import constrained
from cleanrooms_mock.analysis.refusals import Refusal
from cleanrooms_mock.analysis.tables import Table
from tests.analysis.cast import asked
from tests.analysis.made_up import COLUMNS, Aggregate, Asked, Row, asked_of, in_the_overlap

bounded = settings(
    max_examples=250,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as opened:
        for name in "pqmrs":
            opened.execute(f"CREATE TABLE {name} (k VARCHAR, j VARCHAR, d VARCHAR, e VARCHAR, n INTEGER)")
        yield opened


def resolution_of(text: str, tables: dict[str, Table]) -> Resolution | None:
    """What a query means that may run, ``None`` for one that may not."""
    try:
        return check(asked(text), tables).resolution
    except Refusal:
        return None


def rows_of(
    connection: duckdb.DuckDBPyConnection, statement: exp.Expr, query: Asked, data: dict[str, list[Row]]
) -> list[tuple[Any, ...]]:
    for name in query.relations.values():
        connection.execute(f"DELETE FROM {name}")
        values = ", ".join("(" + ", ".join(_literal(row[column]) for column in COLUMNS) + ")" for row in data[name])
        if values:
            connection.execute(f"INSERT INTO {name} VALUES {values}")
    return connection.execute(statement.sql("duckdb")).fetchall()


def _literal(value: str | int | None) -> str:
    return "NULL" if value is None else repr(value)


@pytest.mark.rule("AGG-11", "AGG-50", "AGG-51", "AGG-52", "AGG-53", "AGG-54", "AGG-55")
def test_no_group_is_too_small(connection: duckdb.DuckDBPyConnection) -> None:
    """A query is accepted if the rules allow it and no trick is played, and gives the rows of groups that are large enough, no other and no less."""
    seen: Counter[str] = Counter()

    @bounded
    @given(asked_of("AGGREGATION"))
    def examine(made_up: tuple[Asked, str, dict[str, Table], dict[str, list[Row]]]) -> None:
        query, trick, tables, data = made_up
        resolution = resolution_of(query.text, tables)
        assert (resolution is not None) == query.is_allowed(tables), query.text
        assert resolution_of(trick, tables) is None, trick
        if resolution is None:
            seen["refused"] += 1
            return
        kept = []
        for group in query.groups(data):
            counts = [
                (len({row[alias][1][one["column_name"]] for row in group} - {None}), one["minimum"])
                for alias, name in query.relations.items()
                for one in tables[name].policy["output_constraints"]
            ]
            found = None if query.having is None else query.having[0].of(group)
            if all(count >= minimum for count, minimum in counts):
                seen["large"] += 1
                if query.having is None or (found is not None and found > query.having[1]):
                    kept.append(query.result(group))
            else:
                seen["small"] += 1
        assert Counter(rows_of(connection, constrained(resolution), query, data)) == Counter(kept), query.text

    examine()
    assert min(seen[kind] for kind in ("refused", "large", "small")) > 20, seen


@pytest.mark.rule("LST-04", "LST-10", "LST-11", "LST-13", "LST-17")
def test_no_row_is_outside_of_the_overlap(connection: duckdb.DuckDBPyConnection) -> None:
    """A query is accepted if the rules allow it and no trick is played, and lists what matches, of rows that are linked to one of the runner's."""
    seen: Counter[str] = Counter()

    @bounded
    @given(asked_of("LIST"))
    def examine(made_up: tuple[Asked, str, dict[str, Table], dict[str, list[Row]]]) -> None:
        query, trick, tables, data = made_up
        resolution = resolution_of(query.text, tables)
        assert (resolution is not None) == query.is_allowed(tables), query.text
        assert resolution_of(trick, tables) is None, trick
        if resolution is None:
            seen["refused"] += 1
            return
        statement = resolution.final.node
        rows = rows_of(connection, statement, query, data)
        expected = {query.result([row]) for row in query.joined(data)}
        assert Counter(rows) == Counter(expected), query.text
        inside = in_the_overlap(data, tables, list(query.relations.values()))
        for place, item in enumerate(query.items):
            assert not isinstance(item, Aggregate)
            name = query.relations[item.alias]
            linked = {row[item.name] for number, row in enumerate(data[name]) if (name, number) in inside}
            assert {row[place] for row in rows} <= linked
        seen["rows"] += len(rows)
        seen["left out"] += sum(len(data[name]) for name in query.relations.values()) - len(inside)

    examine()
    assert min(seen[kind] for kind in ("refused", "rows", "left out")) > 20, seen
