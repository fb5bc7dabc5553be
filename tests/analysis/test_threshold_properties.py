"""Whatever the query, a result has all rows that stand for enough identities, and no other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from cleanrooms_mock.analysis.names import bare
from cleanrooms_mock.analysis.resolving import resolve
from cleanrooms_mock.analysis.statements import parse_query
from cleanrooms_mock.analysis.suppression import constrained
from tests.analysis import relations
from tests.analysis.relations import Relation


class Texts:
    """Names of the queries inside a query: as derived tables, or in one WITH."""

    def __init__(self, draw: Callable[[st.SearchStrategy[bool]], bool]) -> None:
        self._draw = draw
        self.ctes: dict[str, str] = {}

    def __call__(self, sql: str) -> str:
        if self._draw(st.booleans()):
            return f"({sql})"
        # Equal queries are one CTE, which then is read more than once.
        return self.ctes.setdefault(sql, f"c{len(self.ctes)}")

    def whole(self, sql: str) -> str:
        ctes = ", ".join(f"{name} AS ({query})" for query, name in self.ctes.items())
        return f"WITH {ctes} {sql}" if ctes else sql


@st.composite
def queries(draw: Any) -> tuple[str, Relation]:
    """A query over any of the tables, up to four steps deep."""
    texts = Texts(draw)
    tables = st.builds(
        relations.table,
        st.sampled_from(["p", "p", "q", "o"]),
        st.sampled_from(["region", "user_id"]),
        st.sampled_from([None, None, "x"]),
    )
    steps = [
        relations.passed_on,
        relations.without_key,
        relations.windowed,
        relations.distinct,
        relations.summed,
        relations.counted,
        relations.totalled,
    ]

    def build(depth: int) -> Relation:
        if depth == 0:
            found: Relation = draw(tables)
            return found
        kind = draw(st.integers(0, 9))
        if kind < 6:
            step: Callable[[Relation, Texts], Relation] = draw(st.sampled_from(steps))
            return step(build(depth - 1), texts)
        left = build(depth - 1)
        right = left if draw(st.integers(0, 3)) == 0 else build(draw(st.integers(0, depth - 1)))
        if kind < 8:
            return relations.joined(left, right, draw(st.sampled_from(["JOIN", "LEFT JOIN"])), texts)
        return relations.united(left, right, draw(st.booleans()))

    relation = build(draw(st.integers(0, 4)))
    return texts.whole(relation.sql), relation


@pytest.fixture(scope="module")
def database() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        for name, rows in relations.ROWS.items():
            connection.execute(f"CREATE TABLE {name} (user_id VARCHAR, region VARCHAR, cost INT)")
            connection.executemany(f"INSERT INTO {name} VALUES (?, ?, ?)", rows)
        yield connection


@pytest.mark.rule("CUS-40", "CUS-41", "CUS-42")
@given(queries())
@example(("SELECT region AS k, cost AS v FROM p", relations.table("p", "region", None)))
@settings(max_examples=150, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
def test_a_row_stands_for_enough_identities(database: duckdb.DuckDBPyConnection, query: tuple[str, Relation]) -> None:
    """The engine's result of a rewritten query is what the rows' identities, followed one by one, let through."""
    text, expected = query
    statement = constrained(resolve(parse_query(text), relations.TABLES)).statement
    got = database.execute(statement.sql("duckdb"))
    assert [column[0] for column in got.description or ()] == ["k", "v"]
    assert Counter(map(tuple, got.fetchall())) == Counter(expected.result), bare(statement).sql("duckdb")
