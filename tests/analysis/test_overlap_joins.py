"""What the joins of AGGREGATION and LIST queries have in common, tried with both."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from cleanrooms_mock.analysis.tables import Table
from tests.analysis.cast import ADVERTISER, MEASURER, PUBLISHER, breach, breach_of_shape, refused, rule_of

#: The rule of LIST that is the same as one of AGGREGATION.
SAME = {
    "AGG-30": "LST-12",
    "AGG-31": "LST-13",
    "AGG-32": "LST-13",
    "AGG-33": "LST-13",
    "AGG-34": "LST-14",
    "AGG-35": "LST-15",
    "AGG-36": "LST-10",
    "AGG-37": "LST-11",
    "AGG-38": "LST-13",
    "CUS-83": "CUS-83",
}
COLUMNS = {"k": "string", "j": "string", "d": "string", "n": "int", "x": "string"}
KINDS = ("AGGREGATION", "LIST")


def table(kind: Any, name: str, owner: str, **policy: Any) -> Table:
    """A table that is joined by k and j, and has to be."""
    roles: dict[str, dict[str, Any]] = {
        "AGGREGATION": {
            "aggregate_columns": [{"column_names": ["n"], "function": "SUM"}],
            "dimension_columns": ["d"],
            "scalar_functions": ["UPPER"],
            "output_constraints": [{"column_name": "k", "minimum": 2, "type": "COUNT_DISTINCT"}],
            "join_required": "QUERY_RUNNER",
        },
        "LIST": {"list_columns": ["d"]},
    }
    inner = {"join_columns": ["K", "j"], **roles[kind], **policy}
    return Table(name=name, owner=owner, columns=COLUMNS, rule_type=kind, policy=inner)


def mapping(owner: str) -> Table:
    """An ID mapping table with both columns protected."""
    return Table(
        name="ids",
        owner=owner,
        kind="ID_MAPPING_TABLE",
        columns={"sourceid": "string", "targetid": "string"},
        rule_type="ID_MAPPING_TABLE",
        policy={
            "join_columns": ["sourceid", "targetid"],
            "query_constraints": [{"require_overlap": {"columns": ["sourceid", "targetid"]}}],
            "dimension_columns": [],
        },
        sides={"sourceid": PUBLISHER, "targetid": ADVERTISER},
    )


def tables(kind: Any, **changes: Table) -> dict[str, Table]:
    """Two tables each of the publisher and the runner, one of the measurer, and an ID mapping table."""
    either = ["OR", "AND"]
    return {
        "p": table(kind, "p", PUBLISHER),
        "pub-2": table(kind, "pub-2", PUBLISHER, allowed_join_operators=either),
        "m": table(kind, "m", MEASURER, allowed_join_operators=[]),
        "r": table(kind, "r", ADVERTISER, allowed_join_operators=either),
        "r2": table(kind, "r2", ADVERTISER, allowed_join_operators=["OR"]),
        "ids": mapping(PUBLISHER),
        **changes,
    }


def query(kind: str, rest: str, name: str = "p") -> str:
    return f"SELECT {f'SUM({name}.n)' if kind == 'AGGREGATION' else f'DISTINCT {name}.d'} FROM {rest}"


def expected(kind: str, rule: str | None) -> str | None:
    return rule if rule is None or kind == "AGGREGATION" else SAME[rule]


JOINED = "p JOIN r ON p.k = r.k"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("rest", "rule"),
    [
        (JOINED, None),
        ("r INNER JOIN p ON p.k = r.j", None),
        ("r AS a INNER JOIN p ON p.k = a.k", None),
        ('R JOIN P ON "P"."K" = "r".J', None),
        ("p LEFT JOIN r ON p.k = r.k", "AGG-30"),
        ("p RIGHT OUTER JOIN r ON p.k = r.k", "AGG-30"),
        ("p FULL JOIN r ON p.k = r.k", "AGG-30"),
        ("p LEFT SEMI JOIN r ON p.k = r.k", "AGG-30"),
        ("p LEFT ANTI JOIN r ON p.k = r.k", "AGG-30"),
        ("p CROSS JOIN r", "AGG-30"),
        ("p, r", "AGG-30"),
        ("p JOIN r", "AGG-30"),
        ("p JOIN r ON TRUE", "AGG-30"),
        ("p JOIN r USING (k)", "AGG-30"),
        ("p NATURAL JOIN r", "AGG-30"),
        ("p AS p(k, j, d, n, x) JOIN r ON p.k = r.k", "AGG-30"),
        ("(p JOIN r ON p.k = r.k)", "AGG-30"),
        ("p JOIN r2 JOIN r ON r2.k = r.k ON p.k = r.k", "AGG-30"),
        (f"{JOINED} LATERAL VIEW EXPLODE(ARRAY(1)) e AS c", "AGG-30"),
        (f"{JOINED}, VALUES (1)", "AGG-30"),
        ("p TABLESAMPLE (5 ROWS) JOIN r ON p.k = r.k", "AGG-30"),
    ],
)
@pytest.mark.rule("AGG-30", "LST-12")
def test_inner_joins(kind: str, rest: str, rule: str | None) -> None:
    """Tables are joined by INNER JOIN with ON, and in no other way."""
    text = query(kind, rest)
    # VALUES has a rule of its own in the list rule.
    found = breach_of_shape(text, tables(kind))
    assert found == ("LST-09" if kind == "LIST" and "VALUES" in rest else expected(kind, rule))
    assert (breach(text, tables(kind)) is None) == (rule is None)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("on", "rule"),
    [
        ("p.k = r.k", None),
        ("(p.k) = ((r.j))", None),
        ("((p.k = r.k))", None),
        ("p.k == r.k", None),
        ("p.k <> r.k", "AGG-31"),
        ("p.k <=> r.k", "AGG-31"),
        ("p.k < r.k", "AGG-31"),
        ("p.k LIKE r.k", "AGG-31"),
        ("p.k IN (r.k)", "AGG-31"),
        ("p.k BETWEEN r.k AND r.j", "AGG-31"),
        ("NOT p.k = r.k", "AGG-31"),
        ("p.k = r.k AND p.j IS NULL", "AGG-31"),
        ("p.k = 'x'", "AGG-31"),
        ("p.k = r.k OR 1 = 1", "AGG-31"),
        ("p.k = r.k OR TRUE", "AGG-31"),
        ("UPPER(p.k) = r.k", "AGG-31"),
        ("p.k::VARCHAR(3) = r.k", "AGG-31"),
        ("p.k = r.k + 1", "AGG-31"),
        ("p.d = r.k", "AGG-32"),
        ("p.k = r.n", "AGG-32"),
        ("p.k = r.k AND p.x = r.j", "AGG-32"),
        ("p.k = p.j", "AGG-33"),
        ("p.k = p.k", "AGG-33"),
        ("r.k = r.j", "AGG-33"),
        ("p.k = r.k AND r.k = r.j", "AGG-33"),
    ],
)
@pytest.mark.rule("AGG-31", "AGG-32", "AGG-33", "LST-13")
def test_conditions(kind: str, on: str, rule: str | None) -> None:
    """Each condition is an equality of two bare join columns, one of each side."""
    assert breach(query(kind, f"p JOIN r ON {on}"), tables(kind)) == expected(kind, rule)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.rule("AGG-32", "LST-13")
def test_what_is_said_of_a_condition(kind: str) -> None:
    """The message names the columns, and the place is theirs."""
    text = query(kind, "p JOIN r ON p.k = r.k AND p.d = r.n")
    error = refused(text, tables(kind, p=table(kind, "p", PUBLISHER, allowed_join_operators=["AND"])))
    assert error.message == "Column(s) [d, n] is not allowed in on"
    assert (error.table, error.column) == ("p", "d")
    assert error.place is not None
    assert text[error.place.start : error.place.end] == "p.d"
    error = refused(query(kind, "p JOIN r ON UPPER(p.k) = r.k"), tables(kind))
    what = "A join condition other than = between two columns"
    assert error.message == f"{what} is not allowed by the {kind} analysis rule of table(s) [p, r]"
    error = refused(query(kind, "p JOIN r ON p.k = p.j"), tables(kind))
    assert error.message.startswith("Column(s) [k, j] is not allowed in on: ")
    assert error.table == "r"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("rest", "rule"),
    [
        ("p JOIN r ON p.k = r.k JOIN m ON m.k = r.k", None),
        ("p JOIN r ON p.k = r.k JOIN m ON r.k = m.k", None),
        ("p JOIN r ON p.k = m.k JOIN m ON m.k = r.k", "AGG-33"),
        ("p JOIN r ON p.k = r.k JOIN m ON p.k = r.j", "AGG-33"),
        ("p JOIN m ON p.k = m.k JOIN r ON p.k = m.j", "AGG-33"),
        ("p JOIN r x ON p.k = x.k JOIN m x ON x.k = x.k", "AGG-33"),
        ("p JOIN r p ON p.k = p.k", "AGG-33"),
        ("p JOIN nojoin ON p.k = lonely JOIN r ON lonely = r.k", None),
        ("p JOIN r ON p.k = lonely JOIN nojoin ON lonely = r.k", "AGG-33"),
        ("p JOIN r ON p.k = k", "SQL-25"),
        ("p JOIN r ON p.k = r.nothing", "SQL-24"),
        ("p JOIN r ON p.k = nobody.k", "SQL-24"),
    ],
)
@pytest.mark.rule("AGG-33", "LST-13")
def test_sides(kind: str, rest: str, rule: str | None) -> None:
    """A condition compares what is joined with what was there before; names without a meaning are refused as such."""
    other = table(kind, "nojoin", MEASURER)
    other = replace(other, columns={"lonely": "string"}, policy={**other.policy, "join_columns": ["lonely"]})
    if rule is not None and rule.startswith("AGG"):
        rule = expected(kind, rule)
    assert breach(query(kind, rest), tables(kind, nojoin=other)) == rule


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("rest", "rule", "who"),
    [
        ('"pub-2" q JOIN r ON q.k = r.k AND q.j = r.j', None, ""),
        ('"pub-2" q JOIN r ON q.k = r.k OR q.j = r.j', None, ""),
        ('"pub-2" q JOIN r ON (q.k = r.k OR (q.j = r.j AND q.k = r.j)) AND q.j = r.k', None, ""),
        ("p q JOIN r ON q.k = r.k AND q.j = r.j", None, ""),
        ("p q JOIN r ON q.k = r.k OR q.j = r.j", "AGG-34", "p"),
        ("r q JOIN p ON q.k = p.k OR q.j = p.j", "AGG-34", "p"),
        ("p q JOIN r ON q.k = r.k AND (q.j = r.j OR q.k = r.j)", "AGG-34", "p"),
        ("m q JOIN r ON q.k = r.k AND q.j = r.j", None, ""),
        ("m q JOIN r ON q.k = r.k OR q.j = r.j", "AGG-34", "m"),
        ('"pub-2" q JOIN r2 ON q.k = r2.k OR q.j = r2.j', None, ""),
        ('"pub-2" q JOIN r2 ON q.k = r2.k AND q.j = r2.j', "AGG-34", "r2"),
        ('"pub-2" q JOIN r ON q.k = r.k JOIN p ON p.k = q.k AND p.j = r.j', None, ""),
        ('"pub-2" q JOIN r ON q.k = r.k JOIN p ON p.k = q.k OR p.j = r.j', "AGG-34", "p"),
        ('p JOIN r ON p.k = r.k JOIN "pub-2" q ON q.k = r.k OR q.j = r.j', None, ""),
        ('p JOIN r ON p.k = r.k JOIN "pub-2" q ON q.k = r.k OR q.j = p.j', "AGG-34", "p"),
    ],
)
@pytest.mark.rule("AGG-34", "LST-14", "RULE-28")
def test_operators(kind: str, rest: str, rule: str | None, who: str) -> None:
    """AND and OR connect conditions if all tables in them allow it; a table that says nothing allows AND."""
    text = query(kind, rest, "q")
    assert breach(text, tables(kind)) == expected(kind, rule)
    if rule is not None:
        operator = "AND" if who == "r2" else "OR"
        error = refused(text, tables(kind))
        assert (error.message, error.table) == (
            f"Logical operator {operator} is not allowed in on for table {who}",
            who,
        )


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.rule("AGG-35", "LST-15")
def test_self_joins(kind: str) -> None:
    """No configured table is joined with itself, under whatever names, directly or through another."""
    twin = replace(table(kind, "twin", PUBLISHER), configured_table="one")
    all_tables = tables(kind, p=replace(table(kind, "p", PUBLISHER), configured_table="one"), twin=twin)
    for rest in (
        f"{JOINED} JOIN p b ON b.k = p.k",
        f"{JOINED} JOIN p b ON b.k = r.k",
        f"{JOINED} JOIN twin ON twin.k = p.k",
        f"{JOINED} JOIN twin ON twin.k = r.k",
        f"{JOINED} JOIN ids ON ids.sourceid = p.k JOIN ids b ON b.sourceid = ids.targetid",
    ):
        assert breach(query(kind, rest), all_tables) == expected(kind, "AGG-35"), rest
    error = refused(query(kind, f"{JOINED} JOIN twin ON twin.k = p.k"), all_tables)
    assert (error.message, error.table) == ("Self join is not allowed for table twin", "twin")
    assert breach(query(kind, f'{JOINED} JOIN "pub-2" q ON q.k = p.k'), all_tables) is None
    both = f"{JOINED} JOIN ids ON ids.sourceid = p.k AND ids.targetid = r.k JOIN ids b ON b.sourceid = p.j AND b.targetid = r.j"
    assert breach(query(kind, both), all_tables) is None


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("rest", "rule", "who"),
    [
        ("p", "AGG-36", "p"),
        ('p JOIN "pub-2" q ON p.k = q.k', "AGG-36", "p"),
        ("m JOIN p ON p.k = m.k", "AGG-36", "m"),
        ("p JOIN m ON p.k = m.k JOIN r ON r.k = m.k", None, ""),
        ("r JOIN m ON r.k = m.k JOIN p ON p.j = m.j", None, ""),
        ("r AS p", "AGG-37", "r"),
        ("r AS p JOIN r2 ON p.k = r2.k", None, ""),
        ("r AS p JOIN m ON p.k = m.k", None, ""),
    ],
)
@pytest.mark.rule("AGG-36", "AGG-37", "LST-10", "LST-11")
def test_the_runner_is_joined(kind: str, rest: str, rule: str | None, who: str) -> None:
    """What others own is joined to what the runner owns, through others too; what the runner owns is joined to anything."""
    text = query(kind, rest)
    assert breach(text, tables(kind)) == expected(kind, rule)
    if rule is not None:
        error = refused(text, tables(kind))
        whose = "query runner" if rule == "AGG-36" else "another"
        assert (error.message, error.table) == (f"Inner join to {whose} table required for table {who}", who)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.rule("AGG-36", "LST-10")
def test_the_runner_decides(kind: str) -> None:
    """Which tables are the runner's depends on who asks."""
    text = query(kind, 'p JOIN "pub-2" q ON p.k = q.k')
    assert breach(text, tables(kind), PUBLISHER) is None
    assert breach(query(kind, JOINED), tables(kind), MEASURER) == expected(kind, "AGG-36")


@pytest.mark.rule("AGG-36", "AGG-37")
def test_joins_that_nobody_requires() -> None:
    """Without joinRequired a table can be queried alone, and so can its owner's."""
    alone = table("AGGREGATION", "p", PUBLISHER, join_required=None)
    own = table("AGGREGATION", "r", ADVERTISER, join_required=None)
    all_tables = tables("AGGREGATION", p=alone, r=own)
    assert breach(query("AGGREGATION", "p"), all_tables) is None
    assert breach(query("AGGREGATION", "r p"), all_tables) is None
    assert breach(query("AGGREGATION", "p JOIN m ON p.k = m.k"), all_tables) == "AGG-36"
    assert refused(query("AGGREGATION", "p JOIN m ON p.k = m.k"), all_tables).table == "m"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("owner", [PUBLISHER, ADVERTISER])
@pytest.mark.parametrize(
    ("rest", "rule"),
    [
        ("p JOIN ids ON p.k = ids.sourceid JOIN r ON ids.targetid = r.k", None),
        ("r JOIN ids i ON r.k = i.targetid JOIN p ON p.k = i.sourceid", None),
        ("p JOIN ids ON p.k = ids.sourceid JOIN r ON ids.targetid = r.k AND r.k = p.k", None),
        ("p LEFT JOIN ids ON p.k = ids.sourceid JOIN r ON ids.targetid = r.k", "CUS-83"),
        ("ids RIGHT JOIN p ON p.k = ids.sourceid JOIN r ON ids.targetid = r.k", "CUS-83"),
        ("p JOIN ids ON p.k = ids.sourceid LEFT JOIN r ON ids.targetid = r.k", "CUS-83"),
        ("p JOIN ids ON p.k = ids.sourceid FULL JOIN r ON p.k = r.k", "AGG-30"),
        ("p JOIN ids ON p.k = ids.sourceid OR p.j = ids.sourceid JOIN r ON ids.targetid = r.k", "AGG-34"),
        ("p JOIN ids ON p.k = ids.sourceid", "AGG-36"),
        ("p JOIN ids ON p.k = ids.sourceid JOIN m ON ids.targetid = m.k", "AGG-36"),
        ("r p JOIN ids ON p.k = ids.targetid", "AGG-37"),
        ("p JOIN ids ON p.d = ids.sourceid JOIN r ON ids.targetid = r.k", "AGG-32"),
        ("p JOIN ids ON p.k = ids.sourceid JOIN r ON ids.targetid = ids.sourceid", "AGG-33"),
    ],
)
@pytest.mark.rule("CUS-83", "AGG-36", "AGG-37", "LST-10", "LST-11")
def test_mapping_tables(kind: str, owner: str, rest: str, rule: str | None) -> None:
    """They are joined as the others are and connect them, and are nobody's, though somebody owns them."""
    assert breach(query(kind, rest), tables(kind, ids=mapping(owner))) == expected(kind, rule)


@pytest.mark.rule("AGG-38")
def test_tables_that_cant_be_joined() -> None:
    """A table without join columns says so."""
    closed = table("AGGREGATION", "p", PUBLISHER, join_columns=[])
    error = refused(query("AGGREGATION", JOINED), tables("AGGREGATION", p=closed))
    assert rule_of(error) == "AGG-38"
    assert error.message == "Column(s) [k] is not allowed in on: table p has no join columns"
    assert error.table == "p"


@pytest.mark.parametrize("kind", KINDS)
def test_a_long_condition(kind: str) -> None:
    """Many conditions are gone through without recursion."""
    both = table(kind, "p", PUBLISHER, allowed_join_operators=["AND"])
    on = " AND ".join(["p.k = r.k"] * 3000)
    assert breach(query(kind, f"p JOIN r ON {on}"), tables(kind, p=both)) is None
    assert breach(query(kind, f"p JOIN r ON {on} OR p.j = r.j"), tables(kind, p=both)) == expected(kind, "AGG-34")
