"""What reaches DuckDB's own parser still reads nothing but the query's folder, and changes nothing of how it is set up."""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from pyarrow import parquet

from cleanrooms_mock.analysis.engines.databases import Database, database


@pytest.fixture
def other(tmp_path: Path) -> Path:
    """The folder of another query, with a table in it."""
    folder = tmp_path / "other"
    folder.mkdir()
    parquet.write_table(pa.table({"secret": [42]}), folder / "t.parquet")
    (folder / "t.csv").write_text("secret\n42\n")
    return folder


@pytest.fixture
def mine() -> Iterator[Database]:
    """The database of a query."""
    with database(1e9, 1e9) as found:
        yield found


HOSTILE = [
    "SELECT * FROM read_csv('/etc/passwd')",
    "SELECT * FROM '/etc/passwd'",
    "SELECT * FROM read_text('/etc/passwd')",
    "SELECT * FROM read_blob('/proc/self/environ')",
    "SELECT * FROM glob('/etc/*')",
    "SELECT * FROM read_parquet('{other}/t.parquet')",
    "SELECT * FROM read_csv('{mine}/../../{other}/t.csv')",
    "SELECT * FROM '{other}/t.parquet'",
    "SELECT * FROM glob('{other}/*')",
    "SELECT * FROM parquet_metadata('{other}/t.parquet')",
    "SELECT * FROM sniff_csv('{other}/t.csv')",
    "SELECT * FROM read_json('{other}/t.json')",
    "COPY (SELECT 1) TO '{other}/out.csv'",
    "COPY (SELECT 1) TO '/tmp/out.csv'",
    "CREATE TABLE t(x VARCHAR); COPY t FROM '/etc/passwd'",
    "EXPORT DATABASE '{other}/all'",
    "IMPORT DATABASE '{other}/all'",
    "ATTACH '{other}/a.duckdb' AS a",
    "ATTACH ':memory:' AS a; ATTACH 'https://example.com/a.duckdb' AS b",
    "SELECT * FROM read_csv('https://example.com/a.csv')",
    "SELECT * FROM 's3://bucket/a.parquet'",
    "INSTALL httpfs",
    "LOAD httpfs",
    "LOAD '{other}/evil.duckdb_extension'",
    "SET enable_external_access = true",
    "SET allowed_directories = ['/']",
    "SET memory_limit = '100GB'",
    "SET lock_configuration = false",
    "RESET memory_limit",
    "SET temp_directory = '/tmp'",
    "PRAGMA memory_limit = '100GB'",
    "PRAGMA threads = 64",
    "SET GLOBAL allow_community_extensions = true",
    "SELECT getenv('HOME')",
    "CREATE SECRET s (TYPE s3, KEY_ID 'a', SECRET 'b')",
    "SELECT * FROM python_variable",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_statement_fails(text: str, mine: Database, other: Path) -> None:
    python_variable = pa.table({"x": [1]})
    assert python_variable.num_rows == 1
    before = sorted(other.iterdir())
    with pytest.raises(duckdb.Error), mine.transaction() as connection:
        connection.execute(text.format(other=other, mine=mine.folder)).fetchall()
    assert sorted(other.iterdir()) == before
    assert not list(mine.folder.iterdir())


def test_what_a_query_needs_is_built_in() -> None:
    text = "SELECT extension_name FROM duckdb_extensions() WHERE loaded AND install_path = '(BUILT-IN)'"
    assert {"icu", "json", "parquet"} <= {name for (name,) in duckdb.connect().execute(text).fetchall()}


def test_the_own_folder_can_be_read(mine: Database) -> None:
    parquet.write_table(pa.table({"mine": [42]}), mine.folder / "t.parquet")
    with mine.transaction() as connection:
        assert connection.execute(f"SELECT mine FROM read_parquet('{mine.folder}/t.parquet')").fetchall() == [(42,)]
