"""How a query of private tables is carried out, with DuckDB as it is."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from random import Random
from statistics import fmean
from typing import Any

import pytest
from sqlglot import exp

from cleanrooms_mock.analysis.check import Checked
from cleanrooms_mock.analysis.engines import Limits, Work, engine
from cleanrooms_mock.analysis.private_plan import Plan, value_of_type
from cleanrooms_mock.analysis.private_rewriting import aggregations_of, private
from cleanrooms_mock.analysis.run import run as run_query
from cleanrooms_mock.analysis.sources import Source, table_source
from tests.analysis.cast import accepted
from tests.analysis.engines.rows import copies

pytest.importorskip("duckdb")
pa = pytest.importorskip("pyarrow")

USERS = 300
CHANNELS = ["film", "news", "sport", None]


def data() -> dict[str, Any]:
    """Each user has four rows, one for each channel and of as many seconds as its number; the first has eight."""
    rows = [(number, channel) for number in range(USERS) for channel in CHANNELS]
    rows += [(0, "film")] * 4
    users = [f"u{number}" for number, _ in rows]
    return {
        "pub_dp": pa.table(
            {
                "user_id": users,
                "hashed_email": [f"h{number}" for number, _ in rows],
                "channel": [channel for _, channel in rows],
                "seconds": pa.array([number for number, _ in rows], pa.int32()),
            }
        ),
        "pub_dp2": pa.table({"user_id": [f"u{number}" for number in range(USERS)], "country": ["DE", "FR"] * 150}),
        "adv_orders": pa.table(
            {
                "hashed_email": [f"h{number}" for number in range(100)],
                "total": pa.array([Decimal(number) for number in range(100)], pa.decimal128(10, 2)),
            }
        ),
    }


class Run:
    """Carries texts out; the groups of one are found once, whatever noise they get."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._sources = {name: table_source(table, folder, name) for name, table in data().items()}
        self._engine = engine("duckdb")
        self._found: dict[str, tuple[Checked, Plan, Any]] = {}

    def _run(self, checked: Checked, statement: exp.Expr, sources: Mapping[str, Source]) -> Any:
        cached = list(checked.parsed.cached.items())
        with self._engine.sandbox(Limits()) as sandbox:
            return sandbox.run(Work(statement=statement, sources=copies(sources, sandbox.folder), cached=cached))

    def groups(self, text: str) -> tuple[Checked, Plan, Any]:
        if text not in self._found:
            checked = accepted(text)
            plan = private(checked.resolution, 10)
            self._found[text] = checked, plan, self._run(checked, plan.inner, self._sources)
        return self._found[text]

    def __call__(self, text: str, seed: int = 1) -> list[tuple[Any, ...]]:
        checked, plan, groups = self.groups(text)
        noised = table_source(plan.noised(groups, Random(seed)), self._folder, plan.name)
        result = self._run(checked, plan.outer, {**self._sources, plan.name: noised})
        self.columns = result.column_names
        return list(zip(*(column.to_pylist() for column in result.columns), strict=True))


@pytest.fixture(name="run", scope="module")
def run_fixture(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return Run(tmp_path_factory.mktemp("data"))


@pytest.mark.parametrize(
    ("text", "exact", "within"),
    [
        ("SELECT COUNT(*) FROM pub_dp", 1204, 8),
        ("SELECT COUNT(DISTINCT user_id) FROM pub_dp", 300, 2),
        ("SELECT COUNT(seconds) FROM pub_dp", 1204, 8),
        ("SELECT COUNT(DISTINCT channel, seconds) FROM pub_dp WHERE channel IS NOT NULL", 900, 10),
        ("SELECT AVG(s) FROM (SELECT user_id, MAX(seconds) AS s FROM pub_dp GROUP BY user_id)", 149.5, 8),
        ("WITH u AS (SELECT DISTINCT user_id, seconds FROM pub_dp) SELECT SUM(seconds) FROM u", 44850, 700),
        ("WITH u AS (SELECT DISTINCT user_id, seconds FROM pub_dp) SELECT STDDEV_POP(seconds) FROM u", 86.6, 8),
        ("SELECT COUNT(DISTINCT d.user_id) FROM pub_dp d JOIN adv_orders o ON d.hashed_email = o.hashed_email", 100, 2),
        (
            "SELECT COUNT(DISTINCT a.user_id) FROM pub_dp a JOIN pub_dp2 b ON a.user_id = b.user_id AND country = 'DE'",
            150,
            2,
        ),
        ("(WITH u AS (SELECT user_id FROM pub_dp2) SELECT COUNT(user_id) FROM u)", 300, 2),
    ],
)
@pytest.mark.rule("CUS-75")
def test_results_are_near(run: Run, text: str, exact: float, within: float) -> None:
    """A result is what it would be without noise, and noise around it whose mean over many seeds is that."""
    values = [float(run(text, seed=seed)[0][0]) for seed in range(25)]
    assert fmean(values) == pytest.approx(exact, abs=within)
    assert len(set(values)) > 5
    assert run(text, seed=3) == run(text, seed=3)


@pytest.mark.rule("CUS-75", "CUS-70")
def test_everything_is_made_of_noisy_values(run: Run) -> None:
    """The list, HAVING and ORDER BY have one noise for one aggregate, however it is spelt, and LIMIT goes by it."""
    text = (
        "SELECT channel, COUNT(*) * 2 + 1 AS twice, count(*) AS once, CASE WHEN COUNT( * ) > 300 THEN 'more' ELSE 'less' END FROM pub_dp p "
        "GROUP BY p.channel HAVING once >= 250 AND COUNT(*) <= 350 ORDER BY COUNT(*) DESC, twice LIMIT 3"
    )
    seen = set()
    for seed in range(30):
        rows = run(text, seed=seed)
        assert len(rows) <= 3
        counts = [once for _, _, once, _ in rows]
        assert counts == sorted(counts, reverse=True)
        for channel, twice, once, word in rows:
            assert twice == 2 * once + 1
            assert 250 <= once <= 350
            assert word == ("more" if once > 300 else "less")
            seen.add(channel)
    assert seen == set(CHANNELS)
    assert run.columns[:3] == ["channel", "twice", "once"]
    assert len(sensitivity(run, text)) == 1


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("SELECT seconds % 2 AS odd, COUNT(*) FROM pub_dp GROUP BY odd ORDER BY 1", [(0,), (1,)]),
        ("SELECT seconds % 2 + 1, COUNT(*) FROM pub_dp GROUP BY seconds % 2 ORDER BY seconds % 2 DESC", [(2,), (1,)]),
        (
            "SELECT UPPER(channel) || '!' AS c, COUNT(*) FROM pub_dp GROUP BY UPPER(channel) HAVING c > 'N' ORDER BY c",
            [("NEWS!",), ("SPORT!",)],
        ),
        (
            "SELECT channel, COUNT(*) FROM pub_dp WHERE channel < 'o' GROUP BY 1 ORDER BY channel",
            [("film",), ("news",)],
        ),
        ("SELECT DISTINCT 'all' AS a, 1 + COUNT(*) - COUNT(*) FROM pub_dp GROUP BY channel ORDER BY a", [("all",)]),
        (
            "(SELECT channel AS c, COUNT(*) FROM pub_dp WHERE channel IS NOT NULL GROUP BY 1) ORDER BY c LIMIT 2",
            [("film",), ("news",)],
        ),
        ("SELECT (SELECT COUNT(*) FROM adv_orders), COUNT(*) FROM pub_dp", [(100,)]),
        (
            (
                "WITH o AS (SELECT MAX(total) AS m FROM adv_orders) SELECT country, COUNT(*) FROM pub_dp2 GROUP BY country "
                "HAVING COUNT(*) > (SELECT m FROM o) AND country IN (SELECT 'DE' FROM o)"
            ),
            [("DE",)],
        ),
        ("SELECT 1, COUNT(*) FROM pub_dp HAVING COUNT(*) < 0", []),
        (
            (
                "CACHE TABLE c AS SELECT user_id, country AS k FROM pub_dp2; CACHE TABLE o AS SELECT MAX(total) AS m FROM adv_orders; "
                "SELECT k, COUNT(*) FROM c GROUP BY k HAVING COUNT(*) > (SELECT m FROM o) ORDER BY k"
            ),
            [("DE",), ("FR",)],
        ),
    ],
)
def test_the_rest_of_the_query(run: Run, text: str, columns: list[tuple[Any, ...]]) -> None:
    """What isn't an aggregate is what it is without noise."""
    assert [row[:-1] for row in run(text)] == columns


def test_private_tables_are_read_once() -> None:
    """The outer statement keeps a WITH only for what subqueries of it read."""
    text = "WITH u AS (SELECT user_id FROM pub_dp), o AS (SELECT * FROM adv_orders) SELECT COUNT(*){} FROM u"
    for more in ("", ", (SELECT COUNT(*) FROM o)"):
        plan = private(accepted(text.format(more)).resolution, 10)
        assert ("WITH" in plan.outer.sql()) == plan.reads_more == bool(more)


def test_names_dont_clash(run: Run) -> None:
    """The table of noisy groups has a name that nothing else has."""
    text = "WITH noisy_groups AS (SELECT user_id FROM pub_dp), noisy_groups1 AS (SELECT 1 FROM adv_orders) SELECT COUNT(*) FROM noisy_groups"
    assert private(accepted(text).resolution, 10).name == "noisy_groups2"
    assert run(text)


@pytest.mark.rule("CUS-75")
def test_order_of_groups_is_no_matter(run: Run) -> None:
    """An engine may give the groups in any order: a seed's noise goes by what the groups are."""
    _, plan, groups = run.groups("SELECT channel, seconds, COUNT(*), SUM(seconds) FROM pub_dp GROUP BY 1, 2")
    order = list(range(groups.num_rows))
    Random(3).shuffle(order)
    assert plan.noised(groups, Random(1)).equals(plan.noised(groups.take(order), Random(1)))


@pytest.mark.rule("CUS-75")
def test_types_stay(run: Run) -> None:
    """Noisy values have the types of the aggregates; a value of nothing stays NULL."""
    text = (
        "SELECT COUNT(*), SUM(seconds), AVG(seconds), SUM(total), AVG(CASE WHEN seconds < 0 THEN 1 END) "
        "FROM pub_dp d JOIN adv_orders o ON d.hashed_email = o.hashed_email"
    )
    ((count, total, mean, decimals, nothing),) = run(text)
    assert (type(count), type(mean), nothing) == (int, float, None)
    assert total == int(total)
    assert isinstance(decimals, Decimal)
    _, plan, groups = run.groups(text)
    for field in plan.noised(groups, Random(1)).schema:
        assert field.type == groups.schema.field(field.name).type


@pytest.mark.parametrize(
    ("type_", "value", "expected"),
    [
        (pa.int8(), 300.0, 127),
        (pa.int64(), -1e30, -(2**63) + 1),
        (pa.int64(), 2.6, 3),
        (pa.decimal128(5, 2), 1e9, Decimal("999.99")),
        (pa.decimal128(5, 2), -1e9, Decimal("-999.99")),
        (pa.decimal128(38, 6), 1 / 3, Decimal("0.333333")),
        (pa.float64(), 0.5, 0.5),
        (pa.int64(), None, None),
    ],
)
@pytest.mark.rule("CUS-75")
def test_values_fit_their_types(type_: Any, value: float | None, expected: object) -> None:
    """Noise can't make a value larger than its type has room for."""
    assert value_of_type(value, type_) == expected


Entry = dict[str, Any]


def sensitivity(run: Run, text: str) -> list[Entry]:
    _, plan, groups = run.groups(text)
    return plan.sensitivity(groups)


def entry(kind: str, text: str, limit: int, *bounds: float) -> Entry:
    found: Entry = {"aggregation_type": kind, "aggregation_expression": text, "user_contribution_limit": limit}
    return found | dict(zip(("min_column_value", "max_column_value"), bounds, strict=False))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "SELECT AVG(seconds) AS a, COUNT(*), STDDEV(seconds), SUM(seconds * 2) FROM pub_dp",
            [
                entry("AVG", "AVG(seconds)", 8, 0, 299),
                entry("COUNT", "COUNT(*)", 8),
                entry("STDDEV", "STDDEV(seconds)", 8, 0, 299),
                entry("SUM", "SUM(seconds * 2)", 8, 0, 598),
            ],
        ),
        ("SELECT COUNT(DISTINCT user_id) FROM pub_dp", [entry("COUNT_DISTINCT", "COUNT(DISTINCT user_id)", 1)]),
        (
            "SELECT channel, COUNT(DISTINCT user_id) FROM pub_dp GROUP BY channel",
            [entry("COUNT_DISTINCT", "COUNT(DISTINCT user_id)", 4)],
        ),
        (
            "SELECT COUNT(DISTINCT channel) FROM pub_dp WHERE seconds > 0",
            [entry("COUNT_DISTINCT", "COUNT(DISTINCT channel)", 4)],
        ),
        ("SELECT SUM(seconds) FROM pub_dp WHERE 1 = 0", [entry("SUM", "SUM(seconds)", 1)]),
        (
            "SELECT COUNT(*) FROM adv_orders o LEFT JOIN pub_dp d ON o.hashed_email = d.hashed_email AND d.seconds = 3",
            [entry("COUNT", "COUNT(*)", 4)],
        ),
    ],
)
@pytest.mark.rule("PQ-63")
def test_sensitivity(run: Run, text: str, expected: list[Entry]) -> None:
    """What one user can change is told of each aggregate; rows without a user are nobody's."""
    assert sensitivity(run, text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SELECT COUNT(*) FROM pub_dp", ["COUNT"]),
        ("SELECT COUNT(*), COUNT(*) + 1 AS n FROM pub_dp HAVING n > 1 ORDER BY count(*)", ["COUNT"]),
        (
            "SELECT COUNT(DISTINCT user_id) FROM pub_dp GROUP BY channel HAVING AVG(seconds) > 1",
            ["COUNT_DISTINCT", "AVG"],
        ),
        ("SELECT SUM(seconds), SUM(seconds + 1) FROM pub_dp ORDER BY STDDEV(seconds)", ["SUM", "SUM", "STDDEV"]),
        ("SELECT SUM(s) FROM (SELECT user_id, COUNT(*) AS s FROM pub_dp GROUP BY user_id)", ["SUM"]),
    ],
)
@pytest.mark.rule("CUS-73")
def test_aggregations(text: str, expected: list[str]) -> None:
    """A query takes from the budget for each aggregate of its last SELECT, HAVING and ORDER BY included, once however often it stands there."""
    assert aggregations_of(accepted(text).resolution) == expected


def test_run() -> None:
    """A query runs with its noise from first to last, and has its columns' names."""
    text = (
        "CACHE TABLE o AS SELECT COUNT(*) AS n FROM adv_orders; "
        "SELECT channel, COUNT(*), (SELECT n FROM o) AS n FROM pub_dp GROUP BY channel HAVING COUNT(*) > (SELECT n FROM o) ORDER BY 1"
    )
    checked = accepted(text)
    results = []
    for seed in (1, 1, 2):
        with engine("duckdb").sandbox(Limits()) as sandbox:
            sources = {name: table_source(table, sandbox.folder, name) for name, table in data().items()}
            results.append(run_query(checked, sources, sandbox, Random(seed), users_noise_per_query=10))
    assert results[0].table.equals(results[1].table)
    assert not results[0].table.equals(results[2].table)
    assert results[0].table.column("n").to_pylist() == [100] * results[0].table.num_rows
    assert results[0].sensitivity == [entry("COUNT", "COUNT(*)", 8)]
