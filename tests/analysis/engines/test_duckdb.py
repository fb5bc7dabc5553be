"""What DuckDB does beyond single expressions: times, zones, names, partitions, and what it says of what it can't do."""

from datetime import date, datetime, timezone
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from cleanrooms_mock.analysis.engines import engine
from cleanrooms_mock.analysis.engines.translation.functions import known_functions
from cleanrooms_mock.analysis.functions import FUNCTIONS
from cleanrooms_mock.analysis.refusals import Refusal
from cleanrooms_mock.analysis.sources import DataFile, Source, table_source
from tests.analysis.engines.rows import own_sources, run

#: Calls that have a syntax of their own, and are other nodes of a tree.
WITH_A_SYNTAX = {"CASE", "CAST", "CONVERT", "EXTRACT", "TRUNCATE", "TRY_CAST"}


def values(text: str, folder: Path, **options: Any) -> list[Any]:
    """Return the first row of a query."""
    table = run(engine("duckdb"), text, own_sources(folder), **options)
    return list(table.slice(0, 1).to_pylist()[0].values())


def refusal(text: str, folder: Path) -> Refusal:
    with pytest.raises(Refusal) as caught:
        run(engine("duckdb"), text, own_sources(folder))
    return caught.value


def test_it_has_every_function_of_the_service() -> None:
    assert FUNCTIONS.keys() - known_functions() == WITH_A_SYNTAX


def test_an_unknown_function_is_named(tmp_path: Path) -> None:
    found = refusal("SELECT JAVA_METHOD('java.util.UUID', 'randomUUID') FROM o", tmp_path)
    assert (found.code, found.message) == (
        "MALFORMED_QUERY",
        "The query can't be carried out: the engine has no function JAVA_METHOD",
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("SELECT nothing FROM o", "The query is invalid: there is no column nothing"),
        ("SELECT id + tags FROM o", "The query can't be carried out: + isn't defined for int and array<string>"),
        ("SELECT UPPER() FROM o", "The query is invalid: UPPER takes 1 arguments, not 0"),
        ("SELECT pid FROM o JOIN p ON true", "The query is invalid: pid is a column of more than one table"),
        (
            "SELECT id FROM o UNION SELECT pid, code FROM p",
            "The query is invalid: UNION joins queries with 1 and 2 columns",
        ),
        ("SELECT SUM(id) OVER w FROM o", "The query is invalid: there is no window w"),
        ("SELECT id FROM o ORDER BY 2", "The query is invalid: there is no selected column 2"),
        ("SELECT LOWER(id) OVER () FROM o", "The query is invalid: LOWER is no aggregate"),
        (
            "SELECT addr.nothing FROM o",
            "The query is invalid: nothing is no field of struct<city:string,geo:struct<lat:double>>",
        ),
    ],
)
def test_what_only_the_engine_finds_is_malformed(text: str, message: str, tmp_path: Path) -> None:
    found = refusal(text, tmp_path)
    assert (found.code, found.message) == ("MALFORMED_QUERY", message)


def test_a_table_that_has_no_data_here_is_not_found(tmp_path: Path) -> None:
    assert refusal("SELECT * FROM missing", tmp_path).code == "RESOURCE_NOT_FOUND"


def test_a_file_that_is_no_parquet_is_an_invalid_resource(tmp_path: Path) -> None:
    (tmp_path / "x.parquet").write_bytes(b"PAR1 nonsense PAR1")
    source = Source(columns={"a": "int"}, files=[DataFile(path=tmp_path / "x.parquet")])
    with pytest.raises(Refusal) as caught:
        run(engine("duckdb"), "SELECT a FROM x", {"x": source})
    assert caught.value.code == "INVALID_RESOURCE"


@pytest.mark.rule("ENG-17", "SQL-09")
def test_the_session_has_a_time_zone(tmp_path: Path) -> None:
    text = "SELECT CAST(at AS STRING), HOUR(at), CAST(at AS DATE), TIMESTAMP '2024-07-01 00:00:00' FROM o WHERE id = 1"
    assert values(text, tmp_path) == [
        "2024-01-01 23:30:00",
        23,
        date(2024, 1, 1),
        datetime(2024, 7, 1, tzinfo=timezone.utc),
    ]
    shown = values(text, tmp_path, time_zone="Europe/Rome")
    assert shown == ["2024-01-02 00:30:00", 0, date(2024, 1, 2), datetime(2024, 6, 30, 22, tzinfo=timezone.utc)]


@pytest.mark.rule("SQL-09")
def test_now_is_motos_and_stands_still(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("moto.core.utils.utcnow", lambda: datetime(2024, 2, 29, 23, 59, 59, 500000))  # noqa: DTZ001
    text = "SELECT CURRENT_DATE, CURRENT_TIMESTAMP, CURRENT_TIMESTAMP() = GETDATE() FROM o"
    assert values(text, tmp_path) == [date(2024, 2, 29), datetime(2024, 2, 29, 23, 59, 59, 500000, timezone.utc), True]


def test_random_values_differ(tmp_path: Path) -> None:
    table = run(engine("duckdb"), "SELECT RAND() AS r, UUID() AS u FROM o", own_sources(tmp_path))
    rows = table.to_pylist()
    assert len({row["r"] for row in rows}) == len({row["u"] for row in rows}) == 7
    assert all(0 <= row["r"] < 1 and len(row["u"]) == 36 for row in rows)


@pytest.mark.rule("SQL-21")
def test_case_counts_in_strings_and_not_in_names(tmp_path: Path) -> None:
    text = (
        "SELECT 'Rome' = 'rome', 'Rome' LIKE 'r%', 'Rome' LIKE 'R%', 'Rome' ILIKE 'r%', 'Rome' NOT ILIKE 'ROM_' FROM o "
        "WHERE ID = 1"
    )
    assert values(text, tmp_path) == [False, False, True, True, False]


def test_what_is_not_read_may_be_anything(tmp_path: Path) -> None:
    parquet.write_table(pa.table({"a": [1]}), tmp_path / "t.parquet")
    source = Source(
        columns={"a": "bigint", "b": "uniontype<int,string>"}, files=[DataFile(path=tmp_path / "t.parquet")]
    )
    assert run(engine("duckdb"), "SELECT a FROM t", {"t": source}).to_pylist() == [{"a": 1}]
    with pytest.raises(Refusal) as caught:
        run(engine("duckdb"), "SELECT b FROM t", {"t": source})
    assert (caught.value.code, caught.value.column) == ("INVALID_RESOURCE", "b")


def test_a_table_without_files_has_no_rows(tmp_path: Path) -> None:
    sources = {"t": Source(columns={"a": "int", "k": "string"}, files=[], partition_keys=["k"])}
    assert run(engine("duckdb"), "SELECT a, k FROM t", sources).num_rows == 0
    assert run(engine("duckdb"), "SELECT COUNT(*) AS n FROM t", sources).to_pylist() == [{"n": 0}]


def test_names_that_need_quotes(tmp_path: Path) -> None:
    table = pa.table({"loyalty number": [1], 'a"b': [2]})
    source = table_source(table, tmp_path, "x")
    given = run(engine("duckdb"), 'SELECT "loyalty number" FROM "pub-clicks"', {"pub-clicks": source})
    assert given.to_pylist() == [{"loyalty number": 1}]


def test_quotes_in_a_literal_stay_data(tmp_path: Path) -> None:
    assert values(r"SELECT 'it''s', 'a\'b', '\\', '); DROP TABLE o; --' FROM o", tmp_path) == [
        "it's",
        "a'b",
        "\\",
        "); DROP TABLE o; --",
    ]


def test_long_chains(tmp_path: Path) -> None:
    conditions = " OR ".join(f"id = {number}" for number in range(1000))
    parts = " || ".join(["region"] * 150)
    assert values(
        f"SELECT {' + '.join(['id'] * 40)} AS s, LENGTH({parts}) AS n FROM o WHERE {conditions}", tmp_path
    ) == [40, 300]


def test_what_grows_beyond_bounds_is_refused(tmp_path: Path) -> None:
    text = "SELECT " + "LN(" * 15 + "id" + ")" * 15 + " FROM o"
    assert "too complex" in refusal(text, tmp_path).message


TCF = "COtybn4PA_zT4KjACBENAPCIAEBAAECAAIAAAAAAAAAA"


def test_a_consent_string_is_decoded(tmp_path: Path) -> None:
    (found,) = values(f"SELECT consent_tcf_v2_decode('{TCF}') FROM o", tmp_path)
    assert (found["version"], found["cmpId"], found["cmpVersion"], found["consentScreen"]) == (2, 675, 2, 1)
    assert (found["consentLanguage"], found["vendorListVersion"], found["publisherCountryCode"]) == ("EN", 15, "AA")
    assert values("SELECT consent_tcf_v2_decode('nonsense') FROM o", tmp_path) == [None]
    assert values(f"SELECT consent_tcf_v2_decode('{TCF}').cmpId FROM o", tmp_path) == [675]


def test_the_european_section_of_a_privacy_string_is_decoded(tmp_path: Path) -> None:
    (found,) = values(f"SELECT consent_gpp_v1_decode('DBABMA~{TCF}') FROM o", tmp_path)
    assert (found["version"], found["cmpId"], found["consentLanguage"]) == (1, 675, "EN")
    assert values("SELECT consent_gpp_v1_decode('nonsense') FROM o", tmp_path) == [None]


def test_a_sketch_has_an_estimate_and_no_bytes(tmp_path: Path) -> None:
    text = "SELECT HLL_SKETCH_ESTIMATE(HLL_UNION_AGG(s)) FROM (SELECT region, HLL_SKETCH_AGG(city) AS s FROM o GROUP BY region) x"
    assert values(text, tmp_path) == [5]
    assert "no sketch" in refusal("SELECT HLL_SKETCH_AGG(city) FROM o", tmp_path).message
