"""Whatever an accepted query selects, its result doesn't change with the values of disallowed columns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cleanrooms_mock.analysis.refusals import Refusal
from cleanrooms_mock.analysis.tables import Table
from tests.analysis.cast import rule_of
from tests.analysis.custom_rules import judged

COLUMNS = {"e": ("id", "mail", "region", "amount"), "o": ("id", "region", "total")}
DISALLOWED = {"e": ("id", "mail"), "o": ()}
TABLES = {
    name: Table(
        name=name,
        owner="1",
        columns=dict.fromkeys(columns, "string"),
        rule_type="CUSTOM",
        policy={"allowed_analyses": ["ANY_QUERY"], "disallowed_output_columns": DISALLOWED[name]},
    )
    for name, columns in COLUMNS.items()
}
#: ``{n}`` is a value of a disallowed column. Other values are never equal to one.
ROWS: dict[str, list[tuple[str | None, ...]]] = {
    "e": [
        ("{1}", "{1}", "x", "1"), ("{2}", "{3}", "x", "2"), ("{2}", "{4}", "y", "1"), (None, "{5}", "y", "3"), ("{3}", None, "z", "3"),
        ("{4}", "{2}", None, "1"),
    ],
    "o": [("a", "x", "1"), ("b", "x", "2"), ("b", "y", "5"), ("c", None, "3")],
}  # fmt: skip
# They differ in order, length and letters, not in which are equal.
WORLDS = [
    {1: "sa", 2: "sbb", 3: "sccc", 4: "sdddd", 5: "seeeee"},
    {1: "tttttt", 2: "tzz", 3: "TA", 4: "t1", 5: "t0000"},
]


class Query(NamedTuple):
    """A query with the columns that it gives.

    :ivar raw: those that are as they are in their table, so that which of their values are equal doesn't change.
    """

    sql: str
    columns: list[str]
    raw: list[str]


class Writer:
    """Draws queries."""

    def __init__(self, draw: Any) -> None:
        self.draw = draw
        self.ctes: list[str] = []
        self._number = 0

    def name(self, prefix: str = "k") -> str:
        self._number += 1
        return f"{prefix}{self._number}"

    def one(self, values: Sequence[Any]) -> Any:
        return self.draw(st.sampled_from(values))

    def some(self, values: Sequence[Any]) -> list[Any]:
        return [self.one(values) for _ in range(self.draw(st.integers(1, 3)))]

    def relation(self, query: Query, alias: str) -> str:
        if self.draw(st.booleans()):
            return f"({query.sql}) AS {alias}"
        name = self.name("c")
        self.ctes.append(f"{name} AS ({query.sql})")
        return f"{name} AS {alias}"

    def query(self, depth: int) -> Query:
        if depth == 0:
            table = self.one(["e", "e", "o"])
            if self.draw(st.booleans()):
                return Query(f"SELECT * FROM {table}", list(COLUMNS[table]), list(COLUMNS[table]))
            names = [(column, self.name()) for column in self.some(COLUMNS[table])]
            items = ", ".join(f"{column} AS {name}" for column, name in names)
            return Query(f"SELECT {items} FROM {table}", [name for _, name in names], [name for _, name in names])
        kinds = [
            "items",
            "items",
            "items",
            "star",
            "renamed",
            "group",
            "window",
            "distinct",
            "join",
            "using",
            "union",
            "subquery",
        ]
        made: Query = getattr(self, f"_{self.one(kinds)}")(self.query(depth - 1), depth)
        return made

    def item(self, query: Query) -> str:
        a, b = self.one(query.columns), self.one(query.columns)
        forms = [
            "{a}", "{a}", "UPPER({a})", "{a} || '!'", "LENGTH({a})", "COALESCE({a}, {b})", "NULLIF({a}, {b})", "IF({a} = {b}, 1, 2)", "{a} IS NULL",
            "CASE {a} WHEN {b} THEN 1 END", "CASE WHEN {a} > {b} THEN 'm' ELSE 'n' END", "CONCAT({a}, {b})", "{a} IN ({b}, 'x')", "{a} LIKE '%a%'", "MD5({a})", "'x'",
        ]  # fmt: skip
        form = str(self.one(forms)).format(a=f"r.{a}", b=f"r.{b}")
        return form if form == f"r.{a}" else f"CAST({form} AS STRING)"

    def _items(self, query: Query, _: int) -> Query:
        items: list[str] = []
        columns: list[str] = []
        raw: list[str] = []
        for _number in range(self.draw(st.integers(1, 3))):
            name, item = self.name(), self.item(query)
            if columns and self.draw(st.integers(0, 4)) == 0:
                # An alias of the list itself.
                item = f"{columns[-1]} || '?'"
            elif item[2:] in query.raw:
                raw.append(name)
            items.append(f"{item} AS {name}")
            columns.append(name)
        where = f" WHERE {self.one(query.columns)} IS NOT NULL" if self.draw(st.booleans()) else ""
        return Query(f"SELECT {', '.join(items)} FROM {self.relation(query, 'r')}{where}", columns, raw)

    def _star(self, query: Query, _: int) -> Query:
        left_out = self.one(query.columns)
        if len(query.columns) == 1 or self.draw(st.booleans()):
            return query._replace(sql=f"SELECT r.* FROM {self.relation(query, 'r')} ORDER BY {left_out}")
        columns, raw = ([one for one in names if one != left_out] for names in (query.columns, query.raw))
        return Query(f"SELECT * EXCEPT ({left_out}) FROM {self.relation(query, 'r')}", columns, raw)

    def _renamed(self, query: Query, _: int) -> Query:
        names = {column: self.name() for column in query.columns}
        sql = f"SELECT * FROM ({query.sql}) AS r({', '.join(names.values())})"
        return Query(sql, list(names.values()), [names[column] for column in query.raw])

    def _group(self, query: Query, _: int) -> Query:
        a, name, other = self.one(query.columns), self.name(), self.name()
        call = self.one(
            [
                "COUNT({a})",
                "COUNT(*)",
                "COUNT(DISTINCT {a})",
                "MIN({a})",
                "MAX({a})",
                "COUNT(r.*)",
                "COUNT(*) FILTER (WHERE {a} = 'x')",
            ]
        )
        call = f"CAST({call.format(a=f'r.{a}')} AS STRING)"
        if not query.raw:
            return Query(f"SELECT {call} AS {name} FROM {self.relation(query, 'r')}", [name], [])
        key = self.one(query.raw)
        item = self.one([f"r.{key}", "'1'"])
        return Query(
            f"SELECT {item} AS {other}, {call} AS {name} FROM {self.relation(query, 'r')} GROUP BY r.{key}",
            [other, name],
            [other],
        )

    def _window(self, query: Query, _: int) -> Query:
        name, key = self.name(), self.one(query.columns)
        over = f"(PARTITION BY {self.one(query.raw)} ORDER BY r.{key})" if query.raw else f"(ORDER BY r.{key})"
        call = self.one(["RANK()", "ROW_NUMBER()", "DENSE_RANK()"])
        if self.draw(st.booleans()):
            return Query(
                f"SELECT *, CAST({call} OVER w AS STRING) AS {name} FROM {self.relation(query, 'r')} WINDOW w AS {over}",
                [*query.columns, name],
                query.raw,
            )
        return Query(
            f"SELECT CAST({call} OVER {over} AS STRING) AS {name}, r.{key} FROM {self.relation(query, 'r')}",
            [name, key],
            [],
        )

    def _distinct(self, query: Query, _: int) -> Query:
        if not query.raw:
            return query
        columns = list(dict.fromkeys(self.some(query.raw)))
        return Query(f"SELECT DISTINCT {', '.join(columns)} FROM {self.relation(query, 'r')}", columns, columns)

    def _join(self, query: Query, depth: int) -> Query:
        other = self.query(depth - 1)
        a, b = self.name(), self.name()
        kind = self.one(["JOIN", "LEFT JOIN", "FULL JOIN", "LEFT SEMI JOIN"])
        on = f"r.{self.one(query.raw)} = s.{self.one(other.raw)}" if query.raw and other.raw else "TRUE"
        left, right = self.one(query.columns), self.one(other.columns)
        from_ = f"FROM {self.relation(query, 'r')} {kind} {self.relation(other, 's')} ON {on}"
        raw = [name for name, is_raw in ((a, left in query.raw), (b, right in other.raw)) if is_raw]
        if kind == "LEFT SEMI JOIN":
            return Query(f"SELECT r.{left} AS {a} {from_}", [a], [name for name in raw if name == a])
        return Query(f"SELECT r.{left} AS {a}, s.{right} AS {b} {from_}", [a, b], raw)

    def _using(self, query: Query, depth: int) -> Query:
        other = self.query(depth - 1)
        if not query.raw or not other.raw:
            return query
        key, a, b = self.name(), self.one(query.raw), self.one(other.raw)
        more = self.name()
        left = f"(SELECT {a} AS {key}, {self.one(query.columns)} AS {more} FROM {self.relation(query, 'r')})"
        right = f"(SELECT {b} AS {key} FROM {self.relation(other, 's')})"
        join = self.one(
            [
                f"{left} JOIN {right} USING ({key})",
                f"{left} NATURAL JOIN {right}",
                f"{left} FULL JOIN {right} USING ({key})",
            ]
        )
        items = self.one(["*", f"{key}, {more}"])
        return Query(f"SELECT {items} FROM {join}", [key, more], [key])

    def _union(self, query: Query, depth: int) -> Query:
        other = self.query(depth - 1)
        a, b = self.one(query.columns), self.one(other.columns)
        is_raw = a in query.raw and b in other.raw
        kind = self.one(["UNION", "INTERSECT", "EXCEPT"]) if is_raw else "UNION ALL"
        left = f"SELECT CAST({a} AS STRING) AS {a} FROM {self.relation(query, 'r')}"
        right = f"SELECT CAST({b} AS STRING) FROM {self.relation(other, 's')}"
        return Query(f"{left} {kind} {right}", [a], [a] if is_raw else [])

    def _subquery(self, query: Query, depth: int) -> Query:
        other = self.query(depth - 1)
        name, a, b = self.name(), self.one(query.columns), self.one(other.columns)
        if query.raw and other.raw and self.draw(st.booleans()):
            key, found = self.one(query.raw), self.one(other.raw)
            in_ = f"r.{key} IN (SELECT s.{found} FROM {self.relation(other, 's')})"
            if self.draw(st.booleans()):
                return Query(f"SELECT CAST({in_} AS STRING) AS {name} FROM {self.relation(query, 'r')}", [name], [])
            return Query(
                f"SELECT r.{a} AS {name} FROM {self.relation(query, 'r')} WHERE {in_}",
                [name],
                [name] if a in query.raw else [],
            )
        where = f" WHERE s.{self.one(other.raw)} = r.{self.one(query.raw)}" if query.raw and other.raw else ""
        scalar = f"(SELECT MAX(s.{b}) FROM {self.relation(other, 's')}{where})"
        return Query(
            f"SELECT r.{a}, {scalar} AS {name} FROM {self.relation(query, 'r')}",
            [a, name],
            [a] if a in query.raw else [],
        )


@st.composite
def queries(draw: Any) -> str:
    writer = Writer(draw)
    query = writer.query(draw(st.integers(0, 3)))
    return f"WITH {', '.join(writer.ctes)} {query.sql}" if writer.ctes else query.sql


@pytest.fixture(scope="module")
def worlds() -> Iterator[list[duckdb.DuckDBPyConnection]]:
    """The same tables with other values in their disallowed columns."""
    found = []
    for values in WORLDS:
        database = duckdb.connect()
        for name, columns in COLUMNS.items():
            database.execute(f"CREATE TABLE {name} ({', '.join(f'{column} VARCHAR' for column in columns)})")
            for row in ROWS[name]:
                filled = [values[int(cell[1])] if cell is not None and cell[0] == "{" else cell for cell in row]
                database.execute(f"INSERT INTO {name} VALUES ({', '.join('?' for _ in columns)})", filled)
        found.append(database)
    yield found
    for database in found:
        database.close()


@pytest.mark.rule("CUS-30", "CUS-31")
@given(queries())
@settings(max_examples=250, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
def test_results_do_not_depend_on_disallowed_columns(worlds: list[duckdb.DuckDBPyConnection], text: str) -> None:
    """What is accepted gives the same in worlds that differ in disallowed columns alone."""
    try:
        resolution = judged(text, TABLES)
    except Refusal as refusal:
        found = rule_of(refusal)
    else:
        found = None
    if found is not None:
        assert found in ("CUS-30", "CUS-33", "CUS-35"), text
        return
    sql = resolution.parsed.statement.sql("duckdb")
    one, other = (Counter(world.execute(sql).fetchall()) for world in worlds)
    assert one == other, text
