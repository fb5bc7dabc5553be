"""A query that reaches a limit ends, and leaves nothing."""

import tempfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pytest

from cleanrooms_mock.analysis.engines import Limits, databases, engine, spark
from cleanrooms_mock.analysis.engines.limits import Deadline
from cleanrooms_mock.analysis.refusals import Refusal
from cleanrooms_mock.analysis.sources import Source, table_source
from tests.analysis.engines.rows import run

#: Takes minutes unless it is stopped.
ENDLESS = "SELECT COUNT(*) FROM t a, t b, t c, t d WHERE a.i + b.i + c.i + d.i = -1"


@pytest.fixture
def sources(tmp_path: Path) -> dict[str, Source]:
    return {"t": table_source(pa.table({"i": pa.array(range(20_000), pa.int64())}), tmp_path, "t")}


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the folders of new databases are."""
    databases.close_all()
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def refusal(text: str, sources: dict[str, Source], temporary: Path, limits: Limits) -> Refusal:
    with pytest.raises(Refusal) as caught:
        run(engine("duckdb"), text, sources, limits=limits)
    assert not list(temporary.iterdir())
    return caught.value


@pytest.mark.rule("ENG-15")
def test_the_time_is_up(sources: dict[str, Source], temporary: Path) -> None:
    found = refusal(ENDLESS, sources, temporary, Limits(seconds=0.2))
    assert (found.code, found.message) == (
        "INSUFFICIENT_COMPUTE",
        "The query was interrupted at its limit of time: 0.2 seconds",
    )


@pytest.mark.rule("ENG-15")
def test_the_time_of_a_function_of_pythons_counts_too(sources: dict[str, Source], temporary: Path) -> None:
    text = "SELECT MAX(XXHASH64(a.i, b.i)) FROM t a, t b"
    assert refusal(text, sources, temporary, Limits(seconds=0.2)).code == "INSUFFICIENT_COMPUTE"


@pytest.mark.rule("ENG-15")
def test_memory_and_temporary_files_run_out(sources: dict[str, Source], temporary: Path) -> None:
    text = (
        "SELECT COUNT(*) FROM (SELECT DISTINCT a.i, b.i, REPEAT('x', 50) FROM t a JOIN t b ON a.i % 200 = b.i % 200) u"
    )
    found = refusal(text, sources, temporary, Limits(memory=20_000_000, disk=1_000_000))
    assert (found.code, found.message) == (
        "INSUFFICIENT_COMPUTE",
        "The query was interrupted at its limit of memory or temporary files",
    )


@pytest.mark.rule("ENG-15")
def test_the_output_is_too_large(sources: dict[str, Source], temporary: Path) -> None:
    text = "SELECT a.i, REPEAT('x', 100) AS x FROM t a JOIN t b ON a.i % 1000 = b.i % 1000"
    found = refusal(text, sources, temporary, Limits(output=1_000_000))
    assert (found.code, found.message) == (
        "INSUFFICIENT_COMPUTE",
        "The query was interrupted at its limit of output: its result is larger than 1000000 bytes",
    )


def test_within_the_limits_nothing_is_refused(sources: dict[str, Source], temporary: Path) -> None:
    assert run(engine("duckdb"), "SELECT SUM(i) AS s FROM t", sources).to_pylist() == [{"s": 199990000}]


@pytest.mark.rule("ENG-15")
@pytest.mark.parametrize("said", ["java.lang.OutOfMemoryError: Java heap space", "No space left on device"])
def test_what_spark_says_when_resources_run_out(said: str) -> None:
    errors = pytest.importorskip("pyspark.errors")
    with pytest.raises(Refusal) as caught, spark._refusals(Deadline(600)):
        raise errors.PySparkException(said)
    assert (caught.value.code, caught.value.message) == (
        "INSUFFICIENT_COMPUTE",
        "The query was interrupted at its limit of memory or temporary files",
    )


@pytest.mark.rule("ENG-15")
def test_the_output_of_spark_is_limited_too() -> None:
    rows = SimpleNamespace(toArrow=lambda: pa.table({"c0": range(100)}))
    frame: Any = SimpleNamespace(schema=SimpleNamespace(fields=[]), toDF=lambda *names: rows)
    work: Any = None
    with pytest.raises(Refusal) as caught:
        spark._fetch(frame, work, Limits(output=799))
    assert (caught.value.code, caught.value.message) == (
        "INSUFFICIENT_COMPUTE",
        "The query was interrupted at its limit of output: its result is larger than 799 bytes",
    )
