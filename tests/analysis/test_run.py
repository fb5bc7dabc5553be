"""Queries that are carried out, with what their tables' rules drop or blur."""

from __future__ import annotations

from random import Random
from typing import Any

import pyarrow as pa
import pytest

from cleanrooms_mock.analysis.engines import Limits, engine
from cleanrooms_mock.analysis.refusals import Refusal
from cleanrooms_mock.analysis.run import Result, run
from cleanrooms_mock.analysis.sources import table_source
from tests.analysis.cast import accepted, rule_of


def carried_out(text: str, seed: int = 1, **tables: dict[str, Any]) -> Result:
    """The result of a query over rows that are given by column."""
    checked = accepted(text)
    with engine("duckdb").sandbox(Limits()) as sandbox:
        sources = {name: table_source(pa.table(rows), sandbox.folder, name) for name, rows in tables.items()}
        return run(checked, sources, sandbox, Random(seed), users_noise_per_query=10)


@pytest.mark.rule("AGG-50", "AGG-51", "AGG-55")
def test_groups_below_the_minimum_are_dropped() -> None:
    """A minimum of 50 households: of three cities one has as many."""
    homes: list[tuple[str, str | None]] = [("Rome", str(number)) for number in range(50)]
    homes += [("Oslo", str(number)) for number in range(49)]
    homes += [("Bern", None)] * 60
    rows = {
        "city": pa.array([city for city, _ in homes]),
        "household_id": pa.array([home for _, home in homes], pa.string()),
        "visits": pa.array([1] * len(homes), pa.int32()),
    }
    text = "SELECT city, SUM(visits) FROM pub_reach GROUP BY city HAVING SUM(visits) > 10"
    result = carried_out(text, pub_reach=rows)
    assert result.table.to_pydict() == {"city": ["Rome"], "sum_pub_reach_visits": [50]}


@pytest.mark.rule("CUS-40")
def test_rows_of_too_few_identities_are_suppressed() -> None:
    """At least two users stand behind a row."""
    rows = {"user_id": ["a", "b", "c", "c"], "region": ["EU", "EU", "US", "US"], "cost": [1.0, 2.0, 3.0, 4.0]}
    result = carried_out("SELECT region, SUM(cost) AS c FROM pub_loose GROUP BY region", pub_loose=rows)
    assert result.table.to_pydict() == {"region": ["EU"], "c": [3.0]}


@pytest.mark.rule("CUS-75", "PQ-63")
def test_noise_has_a_seed() -> None:
    """The same seed gives the same values, another one others; the sensitivity of each aggregate is told."""
    rows = {"user_id": [str(n % 40) for n in range(400)], "channel": ["tv", "web"] * 200, "seconds": list(range(400))}
    text = "SELECT channel, COUNT(DISTINCT user_id) AS users, SUM(seconds) AS s FROM pub_dp GROUP BY channel ORDER BY channel"
    first, again, other = (carried_out(text, seed, pub_dp=rows) for seed in (1, 1, 2))
    assert first.table == again.table
    assert first.table != other.table
    assert first.table.column("channel").to_pylist() == ["tv", "web"]
    assert [one["aggregation_type"] for one in first.sensitivity or ()] == ["COUNT_DISTINCT", "SUM"]


def test_noise_on_nothing() -> None:
    """A private table without rows has no groups, and none is made up."""
    rows = {"user_id": pa.array([], pa.string()), "channel": pa.array([], pa.string())}
    result = carried_out("SELECT channel, COUNT(*) AS n FROM pub_dp GROUP BY channel", pub_dp=rows)
    assert result.table.num_rows == 0


@pytest.mark.rule("ENG-19")
def test_sealed_columns() -> None:
    """What the encryption client has sealed is a string that can be counted, and not summed."""
    rows = {"order_id": ["02:enc:AAAA", "02:enc:BBBB", None]}
    counted = carried_out("SELECT COUNT(order_id) AS n FROM adv_orders", adv_orders=rows)
    assert counted.table.to_pydict() == {"n": [2]}
    with pytest.raises(Refusal) as caught:
        carried_out("SELECT SUM(order_id) AS n FROM adv_orders", adv_orders=rows)
    assert (caught.value.code, rule_of(caught.value), caught.value.column) == ("INVALID_RESOURCE", "ENG-19", "order_id")
    clear = {"order_id": ["1", "2", "x"]}
    summed = carried_out("SELECT SUM(order_id) AS n FROM adv_orders", adv_orders=clear)
    assert summed.table.to_pydict() == {"n": [3.0]}
