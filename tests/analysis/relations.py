"""Queries over small tables, each with what it gives and whom each of its rows stands for, computed row by row in plain Python.

Every query gives a text ``k`` and a number ``v``, so that any can stand in any other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from cleanrooms_mock.analysis.tables import Table

Row = tuple[Any, Any]
Identities = tuple[frozenset[str], ...]
#: Of each table, the minimums of the columns that a value is made of.
Needs = dict[str, frozenset[int]]


def _table(name: str, minimum: int | None, overrides: dict[str, int]) -> Table:
    policy: dict[str, Any] = {"allowed_analyses": ["ANY_QUERY"]}
    if minimum is not None:
        policy["aggregation_thresholds"] = [
            {
                "identity_columns": ["user_id"],
                "minimum_identity_count": minimum,
                "type": "COUNT_DISTINCT",
                "allowed_aggregate_expression_type": "ANY_EXPRESSION",
                "output_column_thresholds": [
                    {"output_column_name": column, "minimum_identity_count": count}
                    for column, count in overrides.items()
                ],
            }
        ]
    columns = {"user_id": "string", "region": "string", "cost": "int"}
    return Table(name=name, owner="1", columns=columns, rule_type="CUSTOM", policy=policy)


MINIMUMS = {"p": 2, "q": 3}
OVERRIDES = {"p": {"region": 3, "user_id": 0}, "q": {"cost": 0}}
TABLES = {name: _table(name, MINIMUMS.get(name), OVERRIDES.get(name, {})) for name in ("p", "q", "o")}
COLUMNS = ("user_id", "region", "cost")
#: The user, the region and the cost of each row; some users are in a table more than once, and some rows have no user or no region.
ROWS: dict[str, list[tuple[str | None, str | None, int | None]]] = {
    "p": [
        ("a", "x", 1), ("a", "x", 2), ("b", "x", 1), ("c", "x", 5), ("d", "y", 1), ("e", "y", 1), (None, "y", 4), ("f", "z", 3), (None, "z", 3),
        ("a", None, 2), ("b", None, None), ("g", "y", 7),
    ],
    "q": [("a", "x", 1), ("b", "x", 1), ("c", "x", 2), ("d", "x", 2), ("e", "y", 3), ("e", "y", 4), ("f", "z", 3), ("g", None, 1), ("h", "z", 3)],
    "o": [("a", "x", 1), ("b", "y", 2), ("z", "x", 2), ("c", None, 1), (None, "z", 3)],
}  # fmt: skip


@dataclass
class Relation:
    """A query with what it gives.

    :ivar sql: its text.
    :ivar rows: what it gives, each row with the identities behind it for each of ``tables``.
    :ivar tables: the tables with a minimum that are behind it, one as often as it stands there.
    :ivar shown: what its result may show; if it isn't what the rows are for their identities.
    """

    sql: str
    rows: list[tuple[Row, Identities]]
    tables: tuple[str, ...]
    needs: tuple[Needs, Needs]
    result: list[Row] = field(default_factory=list)


def _shown(rows: Iterable[tuple[Row, Identities]], tables: Sequence[str], needs: Sequence[Needs]) -> list[Row]:
    """The rows that stand for enough identities."""
    minimums = [max((n for need in needs for n in need.get(table, ())), default=MINIMUMS[table]) for table in tables]
    return [
        row for row, behind in rows if all(len(one) >= minimum for one, minimum in zip(behind, minimums, strict=True))
    ]


def _made(
    sql: str, rows: list[tuple[Row, Identities]], tables: tuple[str, ...], needs: tuple[Needs, Needs]
) -> Relation:
    return Relation(sql, rows, tables, needs, _shown(rows, tables, needs))


def _merged(one: Needs, other: Needs) -> Needs:
    return {table: one.get(table, frozenset()) | other.get(table, frozenset()) for table in {*one, *other}}


def _counting(need: Needs, tables: Iterable[str]) -> Needs:
    """What an aggregate over rows of some tables needs: of a table none of whose columns it names, the table's minimum."""
    return {table: need.get(table) or frozenset({MINIMUMS[table]}) for table in {*tables, *need}}


def table(name: str, key: str, where: str | None) -> Relation:
    """Two columns of a table, of all its rows or those of one region."""
    index = COLUMNS.index(key)
    rows: list[tuple[Row, Identities]] = []
    for row in ROWS[name]:
        if where is None or row[1] == where:
            identity = frozenset(() if row[0] is None else (row[0],))
            rows.append(((row[index], row[2]), (identity,) if name in MINIMUMS else ()))
    needs: list[Needs] = [
        {name: frozenset({OVERRIDES[name].get(column, MINIMUMS[name])})} if name in MINIMUMS else {}
        for column in (key, "cost")
    ]
    text = f"SELECT {key} AS k, cost AS v FROM {name}" + ("" if where is None else f" WHERE region = '{where}'")
    return _made(text, rows, (name,) if name in MINIMUMS else (), (needs[0], needs[1]))


def passed_on(source: Relation, name: Callable[[str], str]) -> Relation:
    return _made(
        f"SELECT * FROM {name(source.sql)} s WHERE v > 0",
        [r for r in source.rows if (r[0][1] or 0) > 0],
        source.tables,
        source.needs,
    )


def without_key(source: Relation, name: Callable[[str], str]) -> Relation:
    rows: list[tuple[Row, Identities]] = [(("c", row[1]), behind) for row, behind in source.rows]
    return _made(f"SELECT 'c' AS k, s.v FROM {name(source.sql)} AS s", rows, source.tables, ({}, source.needs[1]))


def windowed(source: Relation, name: Callable[[str], str]) -> Relation:
    rows: list[tuple[Row, Identities]] = []
    for row, behind in source.rows:
        same = [other[1] for other, _ in source.rows if other[0] == row[0] and other[1] is not None]
        rows.append(((row[0], sum(same) if same else None), behind))
    text = f"SELECT k, CAST(SUM(v) OVER w AS BIGINT) AS v FROM {name(source.sql)} WINDOW w AS (PARTITION BY k)"
    return _made(text, rows, source.tables, (source.needs[0], _counting(source.needs[1], source.tables)))


def _unite(rows: Iterable[tuple[Row, Identities]]) -> list[tuple[Row, Identities]]:
    """Equal rows as one, which stands for the identities of all."""
    found: dict[Row, Identities] = {}
    for row, behind in rows:
        before = found.get(row)
        found[row] = behind if before is None else tuple(a | b for a, b in zip(before, behind, strict=True))
    return list(found.items())


def distinct(source: Relation, name: Callable[[str], str]) -> Relation:
    text = f"SELECT DISTINCT s.k, v FROM {name(source.sql)} AS s ORDER BY s.k, v LIMIT 100"
    return _made(text, _unite(source.rows), source.tables, source.needs)


def _grouped(source: Relation, sql: str, value: Callable[[list[Any]], Any], needs: Needs, by_key: bool) -> Relation:
    groups: dict[Any, tuple[list[Any], list[frozenset[str]]]] = {}
    if not by_key:
        groups["all"] = [], [frozenset() for _ in source.tables]
    for row, behind in source.rows:
        values, united = groups.setdefault(row[0] if by_key else "all", ([], [frozenset() for _ in source.tables]))
        values.append(row[1])
        united[:] = [a | b for a, b in zip(united, behind, strict=True)]
    rows: list[tuple[Row, Identities]] = [
        ((key, value(values)), tuple(united)) for key, (values, united) in groups.items()
    ]
    return _made(sql, rows, source.tables, (source.needs[0] if by_key else {}, needs))


def summed(source: Relation, name: Callable[[str], str]) -> Relation:
    text = f"SELECT k, CAST(SUM(v) AS BIGINT) AS v FROM {name(source.sql)} GROUP BY k"
    return _grouped(source, text, _sum, _counting(source.needs[1], source.tables), True)


def counted(source: Relation, name: Callable[[str], str]) -> Relation:
    text = f"SELECT x.k, COUNT(*) AS v FROM {name(source.sql)} x(k, v) GROUP BY 1 HAVING COUNT(*) > 0 OR COUNT(*) < 0"
    return _grouped(source, text, len, _counting({}, source.tables), True)


def totalled(source: Relation, name: Callable[[str], str]) -> Relation:
    text = f"SELECT 'all' AS k, CAST(SUM(v) AS BIGINT) AS v FROM {name(source.sql)}"
    return _grouped(source, text, _sum, _counting(source.needs[1], source.tables), False)


def _sum(values: list[Any]) -> Any:
    numbers = [value for value in values if value is not None]
    return sum(numbers) if numbers else None


def joined(left: Relation, right: Relation, kind: str, name: Callable[[str], str]) -> Relation:
    rows: list[tuple[Row, Identities]] = []
    nobody = tuple(frozenset[str]() for _ in right.tables)
    for row, behind in left.rows:
        matches = [one for one in right.rows if row[0] is not None and one[0][0] == row[0]]
        if not matches and kind == "LEFT JOIN":
            matches = [((None, None), nobody)]
        rows += [((row[0], other[1]), behind + also) for other, also in matches]
    text = f"SELECT a.k, b.v FROM {name(left.sql)} a {kind} {name(right.sql)} AS b ON a.k = b.k"
    return _made(text, rows, left.tables + right.tables, (left.needs[0], right.needs[1]))


def united(left: Relation, right: Relation, is_distinct: bool) -> Relation:
    tables: list[str] = list(left.tables)
    places: list[int] = []
    free = list(range(len(tables)))
    for one in right.tables:
        place = next((place for place in free if tables[place] == one), None)
        if place is None:
            tables.append(one)
            place = len(tables) - 1
        else:
            free.remove(place)
        places.append(place)
    rows: list[tuple[Row, Identities]] = []
    for row, behind in left.rows:
        rows.append((row, behind + tuple(frozenset[str]() for _ in tables[len(behind) :])))
    for row, behind in right.rows:
        all_behind = [frozenset[str]() for _ in tables]
        for place, one_behind in zip(places, behind, strict=True):
            all_behind[place] = one_behind
        rows.append((row, tuple(all_behind)))
    text = f"({left.sql}) UNION{'' if is_distinct else ' ALL'} ({right.sql})"
    needs = (_merged(left.needs[0], right.needs[0]), _merged(left.needs[1], right.needs[1]))
    # What a result shows is decided in each branch.
    result = left.result + right.result
    if is_distinct:
        return Relation(text, _unite(rows), tuple(tables), needs, list(dict.fromkeys(result)))
    return Relation(text, rows, tuple(tables), needs, result)
