"""Rows for whole queries: two tables of our own, and the tables of statements.yaml."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import yaml
from pyarrow import parquet

from cleanrooms_mock.analysis.engines import Engine, Limits, Work
from cleanrooms_mock.analysis.refusals import Refusal
from cleanrooms_mock.analysis.sources import DataFile, Source, table_source
from cleanrooms_mock.analysis.statements import parse_query
from cleanrooms_mock.analysis.types import arrow_type, parse_type, type_of_arrow
from tests.analysis.engines.values import DATA, plain, type_name

LIMITS = Limits()
CAST: dict[str, Any] = yaml.safe_load((DATA / "statements.yaml").read_text("utf-8"))


def orders() -> pa.Table:
    lines = pa.list_(pa.struct([("sku", pa.string()), ("qty", pa.int32()), ("sizes", pa.list_(pa.string()))]))
    address = pa.struct([("city", pa.string()), ("geo", pa.struct([("lat", pa.float64())]))])
    return pa.table(
        {
            "id": pa.array([1, 2, 3, 4, 5, 6, 7], pa.int32()),
            "pid": pa.array([1, 2, 2, None, 9, 1, 3], pa.int64()),
            "region": ["EU", "EU", "US", None, "US", "EU", "APAC"],
            "city": ["Rome", "Oslo", "NYC", "rome", None, "Rome", "Perth"],
            "total": pa.array([Decimal(x) if x else None for x in ("10.50", "3.25", "7.00", None, "7.00", "-1.10", "0.00")], pa.decimal128(10, 2)),
            "day": pa.array([date(2024, 1, day) if day else None for day in (1, 15, 31, None, 29, 2, 3)]),
            "at": pa.array([datetime(2024, 1, day, 23, 30, tzinfo=timezone.utc) if day else None for day in (1, 15, 31, None, 29, 2, 3)], pa.timestamp("us", tz="UTC")),
            "tags": pa.array([["a", "b"], ["b"], [], None, ["c", None], ["a"], ["b", "b"]]),
            "lines": pa.array(
                [
                    [{"sku": "A", "qty": 1, "sizes": ["s", "m"]}, {"sku": "B", "qty": None, "sizes": None}],
                    [{"sku": "C", "qty": 3, "sizes": []}], [], None, [{"sku": None, "qty": 5, "sizes": ["l"]}], [], [{"sku": "A", "qty": 1, "sizes": ["s"]}],
                ],
                lines,
            ),
            "attrs": pa.array([[("k", "v")], [], None, [("k", None)], [("z", "y")], [("k", "w")], []], pa.map_(pa.string(), pa.string())),
            "addr": pa.array([{"city": "Rome", "geo": {"lat": 41.9}}, None, {"city": None, "geo": None}, {"city": "Oslo", "geo": {"lat": None}}] + [{"city": "Rome", "geo": {"lat": 1.0}}] * 3, address),
        }
    )  # fmt: skip


def products() -> pa.Table:
    return pa.table(
        {
            "pid": pa.array([1, 2, 2, 4, None], pa.int64()),
            "code": ["1", "2", "x", None, "9"],
            "name": ["EU", "US", "nothing", None, "EU"],
        }
    )


def halls() -> pa.Table:
    """Rows with chars, one of them too long, as Parquet lets it be."""
    return pa.table(
        {
            "n": pa.array([1, 2, 3, 4], pa.int32()),
            "c": ["ab   ", "  x  ", None, "abcdefgh"],
            "w": ["ab     ", "x      ", "z      ", "abcdefgh"],
            "v": ["ab", "  x", "ab   ", None],
            "a": pa.array([["ab   "], [], None, ["abcdefgh", None]]),
        }
    )


HALLS = {"n": "int", "c": "char(5)", "w": "char(7)", "v": "varchar(5)", "a": "array<char(5)>", "k": "char(3)"}


def own_sources(folder: Path) -> dict[str, Source]:
    """Return the tables ``o``, in two partitions by ``k``, ``p``, and ``h`` with chars."""
    table = orders()
    files = []
    for part, rows in (("7", table.slice(0, 4)), (None, table.slice(4))):
        path = folder / f"o-{part}.parquet"
        parquet.write_table(rows, path)
        files.append(DataFile(path=path, partition={"k": part}))
    columns = {field.name: str(type_of_arrow(field.type)) for field in table.schema} | {"k": "int"}
    chars = DataFile(path=folder / "h.parquet", partition={"k": "k  "})
    parquet.write_table(halls(), chars.path)
    return {
        "o": Source(columns=columns, files=files, partition_keys=["k"]),
        "p": table_source(products(), folder, "p"),
        "h": Source(columns=HALLS, files=[chars], partition_keys=["k"]),
    }


def cast_sources(folder: Path, tables: list[str]) -> dict[str, Source]:
    """Return tables of statements.yaml with rows of their types, in which few values stand often so that joins find something."""
    found = {}
    for name in tables:
        columns = {column.lower(): type_ for column, type_ in CAST["tables"][name]["columns"].items()}
        arrays = [pa.array(_values(column, type_), arrow_type(parse_type(type_))) for column, type_ in columns.items()]
        found[name.lower()] = table_source(pa.table(arrays, names=list(columns)), folder, name)
    return found


def _values(column: str, type_: str) -> list[Any]:
    # A column's name decides where its values begin, so that equal names share values and others differ.
    first = sum(map(ord, column)) % 5
    return [None if (number + first) % 11 == 10 else _value(type_, (number * 3 + first) % 7) for number in range(40)]


def _value(type_: str, number: int) -> Any:
    name = type_.partition("(")[0]
    if name in ("string", "varchar", "char"):
        return ("EU", "US", "a@x", "Rome", "view", "42", "7")[number]
    if name in ("float", "double"):
        return number * 1.5 - 2
    if name == "decimal":
        return Decimal(number * 7) / 4
    if name == "boolean":
        return number % 2 == 0
    if name == "date":
        return date(2026, 1, 1) + timedelta(days=7 * number)
    if name == "timestamp":
        return datetime(2026, 1, 1, tzinfo=timezone.utc) + timedelta(hours=61 * number)
    return number * 10


def run(
    engine: Engine,
    text: str,
    sources: Mapping[str, Source],
    *,
    limits: Limits = LIMITS,
    time_zone: str = "UTC",
) -> pa.Table:
    """Carry a text out over copies of its tables' files."""
    parsed = parse_query(text)
    with engine.sandbox(limits) as sandbox:
        copied = copies(sources, sandbox.folder)
        cached = list(parsed.cached.items())
        return sandbox.run(Work(statement=parsed.statement, cached=cached, sources=copied, time_zone=time_zone))


def refusal(engine: Engine, text: str, sources: Mapping[str, Source], *, limits: Limits = LIMITS) -> Refusal:
    """Carry a text out that fails, and return why it does."""
    with pytest.raises(Refusal) as caught:
        run(engine, text, sources, limits=limits)
    return caught.value


def copies(sources: Mapping[str, Source], folder: Path) -> dict[str, Source]:
    """Copy the files of tables into a folder."""
    found = {}
    for name, source in sources.items():
        files = [
            replace(file, path=Path(shutil.copyfile(file.path, folder / f"{name}.{number}.parquet")))
            for number, file in enumerate(source.files)
        ]
        found[name] = replace(source, files=files)
    return found


def queries() -> list[str]:
    lines = (DATA / "queries.sql").read_text("utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("--")]


def is_ordered(text: str) -> bool:
    return " ORDER BY " in text.rpartition(")")[2]


def statements() -> list[tuple[str, str, list[str]]]:
    """Return the accepted statements that are the same at each run: their id, text and tables."""
    return [
        (one["id"], one["sql"], one["tables"])
        for one in CAST["statements"]
        if one["verdict"] == "accepted" and "sql" in one and "RAND()" not in one["sql"]
    ]


def outcome(table: pa.Table, ordered: bool) -> dict[str, Any]:
    """Return a result as JSON has it, its rows sorted if they have no order."""
    rows = [list(row) for row in zip(*(plain(column) for column in table.columns), strict=True)]
    return {
        "columns": [[field.name, type_name(field.type)] for field in table.schema],
        "rows": rows if ordered else sorted(rows, key=repr),
    }
