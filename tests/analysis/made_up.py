"""Made-up tables, rules and queries of the AGGREGATION and LIST grammars, and in plain Python what the rules make of them.

Nothing here asks the code under test: what a rule allows is read from its policy, and a query's result is put together row by row.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import product
from random import Random
from typing import Any, NamedTuple

from hypothesis import strategies as st

from cleanrooms_mock.analysis.tables import Table
from tests.analysis.cast import ADVERTISER, MEASURER, PUBLISHER

COLUMNS = {"k": "string", "j": "string", "d": "string", "e": "string", "n": "int"}
OWNERS = {"p": PUBLISHER, "q": PUBLISHER, "m": MEASURER, "r": ADVERTISER, "s": ADVERTISER}
FUNCTIONS = ["COUNT", "COUNT_DISTINCT", "SUM", "SUM_DISTINCT", "AVG"]

#: The values of each column by its name; or by its relation's alias and its name.
Row = dict[str, Any]
Joined = dict[str, tuple[int, Row]]


class Column(NamedTuple):
    alias: str
    name: str

    def __str__(self) -> str:
        return f"{self.alias}.{self.name}"

    def of(self, row: Joined) -> Any:
        return row[self.alias][1][self.name]


class Aggregate(NamedTuple):
    function: str
    column: Column

    def __str__(self) -> str:
        name, _, distinct = self.function.partition("_")
        return f"{name}({'DISTINCT ' if distinct else ''}{self.column})"

    def of(self, rows: list[Joined]) -> Any:
        values = [value for value in map(self.column.of, rows) if value is not None]
        name, _, distinct = self.function.partition("_")
        if distinct:
            values = list(set(values))
        if name == "COUNT":
            return len(values)
        if not values:
            return None
        return sum(values) if name == "SUM" else sum(values) / len(values)


class Condition(NamedTuple):
    """A condition of WHERE: a column equals a text, differs from another column, or is NULL."""

    column: Column
    other: Column | str | None

    def __str__(self) -> str:
        if self.other is None:
            return f"{self.column} IS NULL"
        return f"{self.column} = '{self.other}'" if isinstance(self.other, str) else f"{self.column} <> {self.other}"

    def holds(self, row: Joined) -> bool:
        value = self.column.of(row)
        if self.other is None:
            return value is None
        if isinstance(self.other, str):
            return bool(value == self.other)
        other = self.other.of(row)
        return value is not None and other is not None and bool(value != other)

    @property
    def columns(self) -> list[Column]:
        return [self.column, self.other] if isinstance(self.other, Column) else [self.column]


class Join(NamedTuple):
    """The ON of a relation: conditions with AND or OR between them."""

    operator: str
    conditions: list[tuple[Column, Column]]

    def __str__(self) -> str:
        return f" {self.operator} ".join(f"{left} = {right}" for left, right in self.conditions)

    def holds(self, row: Joined) -> bool:
        found = [left.of(row) is not None and left.of(row) == right.of(row) for left, right in self.conditions]
        return all(found) if self.operator == "AND" else any(found)


@dataclass(frozen=True)
class Asked:
    """A query.

    :ivar relations: the tables in FROM, by their aliases.
    :ivar joins: the ON of each relation but the first.
    :ivar names: an alias for each item, empty for none.
    """

    kind: str
    relations: dict[str, str]
    joins: list[Join]
    items: list[Column | Aggregate]
    names: list[str]
    where: list[Condition]
    group: list[Column] = field(default_factory=list)
    having: tuple[Aggregate, int] | None = None

    @property
    def text(self) -> str:
        items = [f"{item} AS {name}" if name else str(item) for item, name in zip(self.items, self.names, strict=True)]
        text = f"SELECT {'DISTINCT ' if self.kind == 'LIST' else ''}{', '.join(items)} FROM "
        relations = [f"{table} AS {alias}" for alias, table in self.relations.items()]
        text += " JOIN ".join(
            [relations[0], *(f"{one} ON {on}" for one, on in zip(relations[1:], self.joins, strict=True))]
        )
        if self.where:
            text += " WHERE " + " AND ".join(map(str, self.where))
        if self.group:
            text += " GROUP BY " + ", ".join(map(str, self.group))
        if self.having:
            text += f" HAVING {self.having[0]} > {self.having[1]}"
        return text

    def tricks(self) -> list[str]:
        """The same text, each time with something that the grammar doesn't have."""
        changes = [("SELECT ", "SELECT *, "), ("SELECT ", "SELECT (SELECT 1), "), ("SELECT ", "SELECT 1 + 1, ")]
        if self.joins:
            changes += [(" JOIN ", " LEFT JOIN "), (" JOIN ", " CROSS JOIN "), (" ON ", " ON TRUE OR ")]
            changes += [(" ON ", " ON NOT "), (" = ", " <> "), (" = ", " = 'a' OR 'a' = ")]
        if self.where:
            changes.append((" WHERE ", " WHERE EXISTS (SELECT 1) OR "))
        changes.append(("SELECT DISTINCT", "SELECT") if self.kind == "LIST" else ("SELECT", "SELECT DISTINCT"))
        text = self.text
        return [*(text.replace(old, new, 1) for old, new in changes), f"{text} UNION ALL {text}", f"{text} OFFSET 1"]

    # What the rules say

    def is_allowed(self, tables: dict[str, Table]) -> bool:
        """Whether the advertiser may ask this."""
        policies = {alias: tables[name].policy for alias, name in self.relations.items()}
        columns = [item for item in self.items if isinstance(item, Column)]
        columns += [*self.group, *(column for condition in self.where for column in condition.columns)]
        free = "list_columns" if self.kind == "LIST" else "dimension_columns"
        if any(column.name not in policies[column.alias][free] for column in columns):
            return False
        aggregates = [item for item in self.items if isinstance(item, Aggregate)]
        if self.kind == "AGGREGATION" and not (aggregates and {*columns} <= {*self.group, *self._filtered()}):
            return False
        for function, column in [*aggregates, *([self.having[0]] if self.having else [])]:
            entries = policies[column.alias]["aggregate_columns"]
            if not any(entry["function"] == function and column.name in entry["column_names"] for entry in entries):
                return False
        return self._joins_are_allowed(policies) and self._overlap_is_required(tables, policies)

    def _filtered(self) -> Iterator[Column]:
        selected = {item for item in self.items if isinstance(item, Column)}
        return (column for condition in self.where for column in condition.columns if column not in selected)

    def _joins_are_allowed(self, policies: dict[str, Any]) -> bool:
        aliases = list(self.relations)
        for place, join in enumerate(self.joins, 1):
            for sides in join.conditions:
                before = [side for side in sides if side.alias in aliases[:place]]
                new = [side for side in sides if side.alias == aliases[place]]
                if len(before) != 1 or len(new) != 1:
                    return False
                for side in sides:
                    policy = policies[side.alias]
                    operators = policy.get("allowed_join_operators") or ["AND"]
                    if side.name not in policy["join_columns"]:
                        return False
                    if len(join.conditions) > 1 and join.operator not in operators:
                        return False
        return True

    def _overlap_is_required(self, tables: dict[str, Table], policies: dict[str, Any]) -> bool:
        names = list(self.relations.values())
        if len(set(names)) < len(names):
            return False
        owners = [tables[name].owner for name in names]
        for policy, owner in zip(policies.values(), owners, strict=True):
            alone = ADVERTISER not in owners or (owner == ADVERTISER and len(names) == 1)
            if alone and (self.kind == "LIST" or policy.get("join_required")):
                return False
        return True

    # What it gives

    def joined(self, data: dict[str, list[Row]]) -> list[Joined]:
        """The rows of FROM and WHERE, each with the place of every table's row in it."""
        found = []
        for rows in product(*(enumerate(data[name]) for name in self.relations.values())):
            row: Joined = dict(zip(self.relations, rows, strict=True))
            if all(join.holds(row) for join in self.joins) and all(condition.holds(row) for condition in self.where):
                found.append(row)
        return found

    def groups(self, data: dict[str, list[Row]]) -> list[list[Joined]]:
        """The rows behind each row of the result, before any is dropped."""
        if not self.group:
            return [self.joined(data)]
        groups: dict[tuple[Any, ...], list[Joined]] = defaultdict(list)
        for row in self.joined(data):
            groups[tuple(column.of(row) for column in self.group)].append(row)
        return list(groups.values())

    def result(self, group: list[Joined]) -> tuple[Any, ...]:
        """The row that a group gives; of LIST, that a row gives."""
        return tuple(item.of(group) if isinstance(item, Aggregate) else item.of(group[0]) for item in self.items)


def in_the_overlap(data: dict[str, list[Row]], tables: dict[str, Table], used: list[str]) -> set[tuple[str, int]]:
    """The rows, by table and place, that share a value of join columns with a row of the runner, or with one that does, among the tables ``used``."""
    reached = {(name, place) for name in used if tables[name].owner == ADVERTISER for place, _ in enumerate(data[name])}
    steps = list(reached)
    while steps:
        name, place = steps.pop()
        row = data[name][place]
        values = {row[column] for column in tables[name].policy["join_columns"]} - {None}
        for other in used:
            for there, candidate in enumerate(data[other]):
                theirs = {candidate[column] for column in tables[other].policy["join_columns"]}
                if other != name and (other, there) not in reached and values & theirs:
                    reached.add((other, there))
                    steps.append((other, there))
    return reached


# Making them up


def rows(random: Random) -> list[Row]:
    """Rows of a table. They come from a seed, since to draw each value would take most of the time that there is."""
    texts, numbers = ["a", "b", "c", None], [0, 1, 2, 3, None]
    return [
        {name: random.choice(numbers if name == "n" else texts) for name in COLUMNS}
        for _ in range(random.choice([0, 5, 9, 13]))
    ]


@st.composite
def policies(draw: Any, kind: str) -> dict[str, Any]:
    """A rule: which of the columns it names for what."""
    policy: dict[str, Any] = {
        "join_columns": draw(st.sampled_from([["k", "j"], ["k", "j"], ["k"], ["j"]])),
        "allowed_join_operators": draw(
            st.sampled_from([["AND", "OR"], ["OR", "AND"], ["AND", "OR"], ["AND"], ["OR"], [], None])
        ),
    }
    free = draw(st.sampled_from([["d", "e"], ["d", "e"], ["d"], ["e"]]))
    if kind == "LIST":
        return {**policy, "list_columns": free}
    functions = draw(st.lists(st.sampled_from(FUNCTIONS), min_size=1, max_size=4, unique=True))
    counted = draw(
        st.lists(st.sampled_from(list(COLUMNS)), min_size=1, max_size=1 + draw(st.integers(0, 5)) // 5, unique=True)
    )
    return {
        **policy,
        "dimension_columns": free,
        "scalar_functions": [],
        "aggregate_columns": [
            {"column_names": ["n"] if "COUNT" not in function else ["n", "k"], "function": function}
            for function in functions
        ],
        "join_required": draw(st.sampled_from(["QUERY_RUNNER", None, None])),
        "output_constraints": [
            {"column_name": name, "minimum": draw(st.sampled_from([2, 2, 3])), "type": "COUNT_DISTINCT"}
            for name in counted
        ],
    }


@st.composite
def queries(draw: Any, kind: str, tables: dict[str, Table]) -> Asked:
    """A query that mostly keeps to the rules."""

    def rarely() -> bool:
        # Neither of the ends, which come up more often than chance has it.
        return bool(draw(st.integers(0, 20)) == 11)

    names = draw(st.lists(st.sampled_from("ppqmrrs"), min_size=1, max_size=3, unique=not rarely()))
    relations = {f"t{place}": name for place, name in enumerate(names)}
    aliases = list(relations)

    def column(member: str, among: list[str]) -> Column:
        alias = draw(st.sampled_from(among))
        allowed = tables[relations[alias]].policy.get(member) or []
        keeps = allowed and not rarely()
        return Column(alias, draw(st.sampled_from(allowed if keeps else list(COLUMNS))))

    def aggregate() -> Aggregate:
        alias = draw(st.sampled_from(aliases))
        entry = draw(st.sampled_from(tables[relations[alias]].policy["aggregate_columns"]))
        if rarely():
            return Aggregate(draw(st.sampled_from(FUNCTIONS[:2])), column("join_columns", aliases))
        return Aggregate(entry["function"], Column(alias, draw(st.sampled_from(entry["column_names"]))))

    joins = []
    for place in range(1, len(aliases)):
        conditions = []
        for _ in range(draw(st.sampled_from([1, 1, 2]))):
            fair = not rarely()
            sides = [
                column("join_columns", aliases[:place] if fair else aliases),
                column("join_columns", [aliases[place]] if fair else aliases),
            ]
            conditions.append(tuple(draw(st.permutations(sides))))
        joins.append(Join(draw(st.sampled_from(["AND", "OR"])), conditions))
    free = "list_columns" if kind == "LIST" else "dimension_columns"
    where = [
        Condition(column(free, aliases), draw(st.sampled_from(["a", "b", None, column(free, aliases)])))
        for _ in range(draw(st.sampled_from([0, 0, 1, 0, 2])))
    ]
    columns = [
        column(free, aliases) for _ in range(draw(st.sampled_from([1, 1, 2] if kind == "LIST" else [0, 1, 1, 2])))
    ]
    group, items, having = [], list[Column | Aggregate](columns), None
    if kind == "AGGREGATION":
        group = [one for one in columns if not rarely()]
        if draw(st.integers(0, 4)) == 2:
            group.append(column(free, aliases))
        items += [aggregate() for _ in range(draw(st.sampled_from([1, 1, 2, 0])))]
        items = draw(st.permutations(items)) or [aggregate()]
        if draw(st.integers(0, 2)) == 0:
            having = aggregate(), draw(st.integers(0, 2))
    aliased = st.sampled_from(["", "", "a", *COLUMNS])
    return Asked(kind, relations, joins, items, [draw(aliased) for _ in items], where, group, having)


@st.composite
def asked_of(draw: Any, kind: Any) -> tuple[Asked, str, dict[str, Table], dict[str, list[Row]]]:
    """A query, the same with something that can't be accepted, and the tables and rows that they are about."""
    tables = {
        name: Table(name=name, owner=owner, columns=COLUMNS, rule_type=kind, policy=draw(policies(kind)))
        for name, owner in OWNERS.items()
    }
    query = draw(queries(kind, tables))
    random = Random(draw(st.integers(0, 10_000)))
    return query, draw(st.sampled_from(query.tricks())), tables, {name: rows(random) for name in tables}
