"""Databases that are kept between queries: what the next one finds is as new, and nothing stays when they are closed."""

import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from threading import Barrier

import duckdb
import pyarrow as pa
import pytest
from pyarrow import parquet

from cleanrooms_mock import mock_cleanrooms
from cleanrooms_mock.analysis.engines import Limits, databases, engine
from cleanrooms_mock.analysis.engines.databases import MOST_KEPT, Database, database
from cleanrooms_mock.analysis.refusals import Refusal
from cleanrooms_mock.analysis.sources import table_source
from tests.analysis.engines.rows import own_sources, run

MEMORY, DISK = 200_000_000, 100_000_000


@pytest.fixture(autouse=True)
def all_closed() -> Iterator[None]:
    databases.close_all()
    yield
    databases.close_all()


def execute(text: str) -> Database:
    """Carry a text out as one query does, and return what did it."""
    with database(MEMORY, DISK) as found, found.transaction() as connection:
        connection.execute(text).fetchall()
    return found


#: What a query makes, and how another one would look at it.
MADE = [
    ("CREATE TABLE t AS SELECT 42 AS secret", "SELECT secret FROM t"),
    ("CREATE TEMP TABLE t AS SELECT 42 AS secret", "SELECT secret FROM t"),
    ("CREATE VIEW t AS SELECT 42 AS secret", "SELECT secret FROM t"),
    ("CREATE TEMP VIEW t AS SELECT 42 AS secret", "SELECT secret FROM t"),
    ("CREATE MACRO secret() AS 42", "SELECT secret()"),
    ("CREATE TEMP MACRO secret() AS 42", "SELECT secret()"),
    ("CREATE MACRO secret() AS TABLE SELECT 42", "FROM secret()"),
    ("CREATE SEQUENCE s; SELECT nextval('s')", "SELECT currval('s')"),
    ("CREATE SEQUENCE s START 42", "SELECT nextval('s')"),
    ("CREATE TEMP SEQUENCE s START 42", "SELECT nextval('s')"),
    ("CREATE TYPE secret AS ENUM ('42')", "SELECT CAST('42' AS secret)"),
    ("CREATE SCHEMA other", "CREATE TABLE other.t(i INT)"),
    ("ATTACH ':memory:' AS other", "CREATE TABLE other.t(i INT)"),
    ("ATTACH ':memory:' AS other; CREATE TABLE other.t AS SELECT 42", "FROM other.t"),
    ("PREPARE secret AS SELECT 42", "EXECUTE secret"),
]


@pytest.mark.parametrize(("made", "seen"), MADE)
def test_what_a_query_makes_is_gone(made: str, seen: str) -> None:
    first = execute(made)
    with database(MEMORY, DISK) as second:
        assert second is first
        with pytest.raises(duckdb.Error, match=r"secret|other|\b[ts]\b"), second.transaction() as connection:
            connection.execute(seen)


@pytest.mark.parametrize(
    ("made", "seen"),
    [
        ("SET VARIABLE secret = 42", "SELECT getvariable('secret')"),
        ("CREATE SCHEMA secret; USE secret", "SELECT current_schema()"),
        ("ATTACH ':memory:' AS secret; USE secret", "SELECT current_database()"),
        ("CREATE TABLE t(i INT); COMMENT ON TABLE t IS 'secret'", "FROM duckdb_tables()"),
        ("CREATE MACRO abs(x) AS 42", "SELECT abs(-1)"),
        ("CREATE TABLE duckdb_tables AS SELECT 42 AS secret", "FROM duckdb_tables"),
        ("SELECT 42 AS secret", "FROM duckdb_logs"),
        ("CREATE TEMP TABLE t AS SELECT range FROM range(1000000)", "FROM duckdb_temporary_files()"),
    ],
)
def test_a_query_changes_nothing_for_the_next(made: str, seen: str) -> None:
    def answer() -> list[tuple[object, ...]]:
        with database(MEMORY, DISK) as found, found.transaction() as connection:
            answers.append(found)
            return connection.execute(seen).fetchall()

    answers: list[Database] = []
    before = answer()
    assert execute(made) is answers[0]
    assert answer() == before
    # DuckDB before 2.0 can't roll back over a database that is attached and used, so that its own isn't kept.
    assert answers[0] is answers[1] or "ATTACH" in made


def test_its_settings_cannot_be_changed() -> None:
    with database(MEMORY, DISK) as found, found.transaction() as connection:
        text = "SELECT name, value FROM duckdb_settings() ORDER BY name"
        settings = dict(connection.execute(text).fetchall())
        assert (settings["TimeZone"], settings["lock_configuration"]) == ("UTC", "true")
    with database(MEMORY, DISK) as found:
        for setting in ("TimeZone = 'Europe/Rome'", "threads = 1", "memory_limit = '1GB'"):
            with pytest.raises(duckdb.Error, match="locked"), found.transaction() as connection:
                connection.execute(f"SET {setting}")
    with database(MEMORY, DISK) as found, found.transaction() as connection:
        again = dict(connection.execute(text).fetchall())
    assert {name for name in settings if again[name] != settings[name]} <= {
        "allowed_directories",
        "secret_directory",
        "temp_directory",
    }


def test_its_files_are_gone() -> None:
    """The folder is the same, and there only while a query has it."""
    with database(MEMORY, DISK) as first:
        (first.folder / "deep").mkdir()
        parquet.write_table(pa.table({"secret": [42]}), first.folder / "deep" / "t.parquet")
        with first.transaction() as connection:
            text = f"FROM read_parquet('{first.folder}/deep/t.parquet')"
            assert connection.execute(text).fetchall() == [(42,)]
            connection.execute(f"COPY (SELECT 42 AS secret) TO '{first.folder}/out.csv'")
    assert not first.folder.exists()
    with database(MEMORY, DISK) as second:
        assert second is first
        assert second.folder.stat().st_mode & 0o777 == 0o700
        assert not list(second.folder.iterdir())
        with pytest.raises(duckdb.IOException), second.transaction() as connection:
            connection.execute(text)


def test_files_of_the_same_name_are_read_anew() -> None:
    for number in range(3):
        with database(MEMORY, DISK) as found, found.transaction() as connection:
            parquet.write_table(pa.table({"n": [number] * (number + 1)}), found.folder / "t.parquet")
            text = f"SELECT max(n), count(*) FROM read_parquet('{found.folder}/t.parquet')"
            assert connection.execute(text).fetchone() == (number, number + 1)


def test_functions_of_pythons_are_gone(tmp_path: Path) -> None:
    """Each query has its own, of the same name or not."""
    sources = own_sources(tmp_path)
    for text in ("SELECT SHA2(city, 256) AS x FROM o", "SELECT SOUNDEX(city) AS x FROM o") * 2:
        assert run(engine("duckdb"), text, sources)["x"].null_count == 1
    limits = Limits()
    with database(limits.memory, limits.disk) as found, found.transaction() as connection:
        for name in ("python_sha256", "python_soundex"):
            with pytest.raises(duckdb.CatalogException, match=name):
                connection.sql(f"SELECT {name}('a')")
        text = "SELECT count(*) FROM duckdb_functions() WHERE function_name IN ('python_sha256', 'python_soundex')"
        assert connection.execute(text).fetchone() == (0,)


@pytest.mark.parametrize(
    "text",
    [
        "COMMIT",
        "ROLLBACK",
        "COMMIT; CREATE TABLE t AS SELECT 42; BEGIN",
        "ROLLBACK; ATTACH ':memory:' AS other; BEGIN",
        "CREATE TEMP TABLE t AS SELECT hash(range), repeat('x', 100) FROM range(3000000)",
    ],
)
def test_a_database_in_doubt_is_not_kept(text: str) -> None:
    """Such as one that was taken out of its transaction, or has temporary files."""
    first = execute(text)
    assert not first.folder.exists()
    with database(MEMORY, DISK) as second:
        assert second is not first


def test_secrets_are_not_kept() -> None:
    """DuckDB's own, which a transaction doesn't hold."""
    with suppress(duckdb.Error):
        execute("CREATE SECRET mine (TYPE http, EXTRA_HTTP_HEADERS MAP {'a': '42'})")
    with database(MEMORY, DISK) as found, found.transaction() as connection:
        assert connection.execute("FROM duckdb_secrets()").fetchall() == []


@pytest.mark.parametrize("limits", [Limits(seconds=0.05), Limits(output=10), Limits(memory=20_000_000, disk=1)])
def test_a_query_that_was_cut_off_leaves_no_database(limits: Limits, tmp_path: Path) -> None:
    source = table_source(pa.table({"i": pa.array(range(20_000), pa.int64())}), tmp_path, "t")
    text = "SELECT DISTINCT a.i + b.i + c.i AS n, REPEAT('x', 100) AS x FROM t a, t b, t c"
    if limits.output == 10:
        text = "SELECT i FROM t"
    with pytest.raises(Refusal) as caught:
        run(engine("duckdb"), text, {"t": source}, limits=limits)
    assert caught.value.code == "INSUFFICIENT_COMPUTE"
    assert databases._kept == []


def test_an_error_is_not_forgotten() -> None:
    """A query may go on after one of its statements failed; nobody gets the database after it."""
    with database(MEMORY, DISK) as first:
        with pytest.raises(duckdb.Error), first.transaction() as connection:
            connection.execute("SELECT nothing")
        with first.transaction() as connection:
            assert connection.execute("SELECT 42").fetchone() == (42,)
    with database(MEMORY, DISK) as second:
        assert second is not first


def test_what_never_came_to_the_database_leaves_it_alone(tmp_path: Path) -> None:
    """A query that is refused before anything runs doesn't cost the next one its database."""
    sources = own_sources(tmp_path)
    run(engine("duckdb"), "SELECT id FROM o", sources)
    (kept,) = databases._kept
    with pytest.raises(Refusal):
        run(engine("duckdb"), "SELECT nothing FROM o", sources)
    assert databases._kept == [kept]


def test_limits_are_its_own() -> None:
    first = execute("SELECT 42")
    with database(MEMORY * 2, DISK) as larger, larger.transaction() as connection:
        assert larger is not first
        assert connection.execute("SELECT current_setting('memory_limit')").fetchone() == ("381.4 MiB",)


def test_two_at_a_time_have_nothing_in_common() -> None:
    with database(MEMORY, DISK) as one, database(MEMORY, DISK) as other:
        assert one is not other
        parquet.write_table(pa.table({"secret": [42]}), one.folder / "t.parquet")
        with one.transaction() as first, other.transaction() as second:
            first.execute("CREATE TABLE t AS SELECT 42")
            with pytest.raises(duckdb.CatalogException):
                second.execute("FROM t")
        with pytest.raises(duckdb.PermissionException), other.transaction() as second:
            second.execute(f"FROM read_parquet('{one.folder}/t.parquet')")


def test_threads_have_databases_of_their_own() -> None:
    """As many run at a time as there are threads, and few are kept."""
    together = Barrier(6, timeout=60)

    def work(number: int) -> tuple[Database, object]:
        with database(MEMORY, DISK) as found, found.transaction() as connection:
            together.wait()
            connection.execute(f"CREATE TABLE t AS SELECT {number} AS n")
            return found, connection.execute("SELECT n FROM t").fetchall()

    with ThreadPoolExecutor(6) as pool:
        for _ in range(3):
            found, answers = zip(*pool.map(work, range(6)), strict=True)
            assert len(set(found)) == 6
            assert list(answers) == [[(number,)] for number in range(6)]
            assert len(databases._kept) == MOST_KEPT
            assert not any(one.folder.exists() for one in found)


def test_a_folder_that_somebody_else_has_is_left_alone() -> None:
    """Whoever takes the name while nobody has the database keeps what is there."""
    first = execute("SELECT 42")
    first.folder.mkdir()
    try:
        (first.folder / "theirs").touch()
        with database(MEMORY, DISK) as second:
            assert second is not first
        assert [path.name for path in first.folder.iterdir()] == ["theirs"]
    finally:
        (first.folder / "theirs").unlink()
        first.folder.rmdir()


def test_what_was_taken_before_all_are_closed_is_closed_after_it() -> None:
    with database(MEMORY, DISK) as found:
        with found.transaction() as connection:
            connection.execute("SELECT 42")
        databases.close_all()
    assert databases._kept == []
    assert not found.folder.exists()


def test_none_outlives_the_last_mock(tmp_path: Path) -> None:
    with mock_cleanrooms():
        with mock_cleanrooms():
            run(engine("duckdb"), "SELECT id FROM o", own_sources(tmp_path))
        (kept,) = databases._kept
    assert databases._kept == []
    with pytest.raises(duckdb.ConnectionException):
        kept._connection.cursor()  # type: ignore[union-attr]


PROCESS = """
import os, signal, sys
from cleanrooms_mock.analysis.engines.databases import _kept, database

def query():
    with database(1e8, 1e8) as found, found.transaction() as connection:
        (found.folder / "file").touch()
        assert connection.execute("SELECT sum(range) FROM range(1000000)").fetchone() == (499999500000,)
    assert _kept

query()
if "fork" in sys.argv:
    child = os.fork()
    assert not _kept
    query()
    if child == 0:
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
if "kill" in sys.argv:
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
@pytest.mark.parametrize(("end", "status"), [("exit", 0), ("fork", 0), ("kill", -9)])
def test_a_process_leaves_no_files(end: str, status: int, tmp_path: Path) -> None:
    """A child has databases of its own, and what is kept has no folder that somebody would have to remove."""
    environment = {**os.environ, "TMPDIR": str(tmp_path), "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    finished = subprocess.run([sys.executable, "-c", PROCESS, end], env=environment, capture_output=True, timeout=120)
    assert (finished.returncode, finished.stdout) == (status, b""), finished.stderr
    assert not list(tmp_path.iterdir())
