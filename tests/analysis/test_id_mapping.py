"""What ID mapping tables are used for."""

from __future__ import annotations

import pytest

from cleanrooms_mock.analysis.tables import Table
from tests.analysis.cast import rule_of
from tests.analysis.custom_rules import judged, refusal_of

SOURCE, TARGET = "111111111111", "222222222222"


def _table(name: str, owner: str) -> Table:
    policy = {"allowed_analyses": ["ANY_QUERY"]}
    return Table(name=name, owner=owner, columns={"id": "string", "x": "string"}, rule_type="CUSTOM", policy=policy)


def _mapping(name: str, *released: str) -> Table:
    columns = ["sourceid", "targetid"]
    return Table(
        name=name,
        owner=SOURCE,
        kind="ID_MAPPING_TABLE",
        columns=dict.fromkeys(columns, "string"),
        rule_type="ID_MAPPING_TABLE",
        policy={
            "join_columns": columns,
            "query_constraints": [
                {"require_overlap": {"columns": [column for column in columns if column not in released]}}
            ],
            "dimension_columns": list(released),
        },
        sides={"sourceid": SOURCE, "targetid": TARGET},
    )


TABLES = {
    **{table.name: table for table in (_table("s", SOURCE), _table("s2", SOURCE), _table("t", TARGET))},
    "third": _table("third", "333333333333"),
    "m": _mapping("m"),
    "source_free": _mapping("source_free", "sourceid"),
    "all_free": _mapping("all_free", "sourceid", "targetid"),
}
BOTH = "s JOIN m ON s.id = m.sourceid JOIN t ON t.id = m.targetid"


@pytest.mark.rule("CUS-80", "CUS-81", "CUS-82")
@pytest.mark.parametrize(
    "text",
    [
        f"SELECT s.x, t.x FROM {BOTH}",
        f"SELECT s.x, COUNT(*) FROM {BOTH} WHERE t.x = 'a' GROUP BY s.x HAVING COUNT(*) > 1 ORDER BY s.x",
        f"SELECT * FROM (SELECT s.x, t.id FROM {BOTH})",
        f"WITH c AS (SELECT s.x AS a FROM {BOTH}) SELECT a FROM c",
        f"SELECT s.x FROM {BOTH} LEFT JOIN third ON third.id = t.id",
        f"SELECT s.* FROM {BOTH}",
        "SELECT s.x FROM m JOIN s ON (m.sourceid) = s.id AND s.x > 'a' JOIN t ON t.id = m.targetid",
        "SELECT s.x FROM s LEFT JOIN m ON s.id = m.sourceid RIGHT OUTER JOIN t ON m.targetid = t.id",
        "SELECT s.x FROM m RIGHT JOIN s ON s.id = m.sourceid JOIN t ON t.id = m.targetid",
        "SELECT s.x FROM s JOIN t ON s.x = t.x JOIN m ON m.sourceid = s.id AND m.targetid = t.id",
        "SELECT s.x FROM s JOIN t ON s.x = t.x LEFT JOIN m ON m.sourceid = s.id AND m.targetid = t.id",
        "SELECT s.x FROM s CROSS JOIN t JOIN m ON m.sourceid = s.id AND m.targetid = t.id",
        "SELECT s.x FROM (s JOIN (m JOIN t ON t.id = m.targetid) ON s.id = m.sourceid)",
        "SELECT s.x FROM s JOIN m ON s.id = m.sourceid JOIN (SELECT id AS k FROM t) d ON d.k = m.targetid",
        "WITH c AS (SELECT id FROM t) SELECT s.x FROM s JOIN m ON s.id = m.sourceid JOIN c ON c.id = m.targetid",
        "SELECT s.x FROM s JOIN m AS m(id, k) USING (id) JOIN t ON t.id = m.k",
        "SELECT s.x FROM s JOIN m ON s.id = m.sourceid LEFT SEMI JOIN t ON t.id = m.targetid",
        "SELECT f.sourceid, COUNT(*) FROM source_free f JOIN t ON t.id = f.targetid WHERE f.sourceid > 'a' GROUP BY f.sourceid",
        "SELECT f.sourceid FROM source_free f LEFT JOIN s ON s.id = f.sourceid JOIN t ON t.id = f.targetid",
        "SELECT * FROM all_free WHERE sourceid = targetid",
    ],
)
def test_joins_of_both_sides(text: str) -> None:
    """The table is joined by its protected columns, on the inner side, to a table of each side."""
    judged(text, TABLES)


@pytest.mark.rule("CUS-80")
@pytest.mark.parametrize(
    ("text", "clause"),
    [
        (f"SELECT m.sourceid FROM {BOTH}", "select"),
        (f"SELECT COUNT(m.targetid) AS n FROM {BOTH}", "select"),
        (f"SELECT * FROM {BOTH}", "select"),
        (f"SELECT COUNT(m.*) FROM {BOTH}", "select"),
        (f"SELECT COUNT(*) OVER (PARTITION BY m.sourceid) FROM {BOTH}", "select"),
        (f"SELECT x FROM (SELECT s.x, m.sourceid FROM {BOTH})", "select"),
        (f"WITH c AS (SELECT m.targetid AS k, s.x FROM {BOTH}) SELECT x FROM c", "select"),
        ("SELECT id FROM s JOIN m AS m(id, k) USING (id) JOIN t ON t.id = m.k".replace("SELECT id", "SELECT m.id"), "select"),
        ("SELECT x FROM s WHERE id IN (SELECT sourceid FROM m)", "select"),
        ("SELECT x FROM s WHERE EXISTS (SELECT 1 FROM m WHERE m.sourceid = s.id)", "where"),
        ("SELECT s.x FROM s, m, t WHERE s.id = m.sourceid AND t.id = m.targetid", "where"),
        (f"SELECT s.x FROM {BOTH} WHERE EXISTS (SELECT 1 FROM third WHERE third.id = m.sourceid)", "where"),
        (f"SELECT COUNT(*) FROM {BOTH} GROUP BY m.sourceid", "group by"),
        (f"SELECT COUNT(*) FROM {BOTH} HAVING MIN(m.sourceid) > '7'", "having"),
        (f"SELECT COUNT(*) FROM {BOTH} HAVING COUNT(m.*) > 1", "having"),
        (f"SELECT COUNT(*) FROM {BOTH} HAVING COUNT(DISTINCT *) > 1", "having"),
        (f"SELECT s.x FROM {BOTH} ORDER BY m.targetid", "order by"),
        (f"SELECT COUNT(*) OVER w FROM {BOTH} WINDOW w AS (PARTITION BY s.x), v AS (PARTITION BY m.sourceid)", "window"),
        ("SELECT f.targetid FROM source_free f JOIN t ON t.id = f.targetid", "select"),
    ],
)  # fmt: skip
def test_used_otherwise(text: str, clause: str) -> None:
    """A protected column stands in ON alone, wherever the table is."""
    refusal = refusal_of(text, TABLES)
    assert rule_of(refusal) == "CUS-80"
    assert refusal.message == f"Column(s) [{refusal.column}] is not allowed in {clause}"
    assert refusal.table in ("m", "source_free")


@pytest.mark.rule("CUS-82")
@pytest.mark.parametrize(
    "text",
    [
        "SELECT s.x FROM m LEFT JOIN s ON s.id = m.sourceid JOIN t ON t.id = m.targetid",
        "SELECT s.x FROM s RIGHT JOIN m ON s.id = m.sourceid JOIN t ON t.id = m.targetid",
        "SELECT s.x FROM s FULL JOIN m ON s.id = m.sourceid JOIN t ON t.id = m.targetid",
        "SELECT s.x FROM s JOIN m ON s.id = m.sourceid LEFT JOIN t ON t.id = m.targetid",
        "SELECT s.x FROM s JOIN m ON s.id = m.sourceid FULL JOIN t ON t.id = m.targetid",
        "SELECT s.x FROM s JOIN m ON s.id = m.sourceid LEFT ANTI JOIN t ON t.id = m.targetid",
        "SELECT s.x FROM s LEFT ANTI JOIN m ON s.id = m.sourceid",
        f"SELECT s.x FROM {BOTH} LEFT JOIN s2 ON s2.id = m.sourceid",
        "SELECT s.x FROM s JOIN (m LEFT JOIN t ON t.id = m.targetid) ON s.id = m.sourceid",
        "SELECT s.x FROM m AS m(id, k) LEFT JOIN s USING (id) JOIN t ON t.id = m.k",
        "SELECT x FROM (SELECT s.x FROM m LEFT JOIN s ON s.id = m.sourceid JOIN t ON t.id = m.targetid)",
    ],
)
def test_outer_side(text: str) -> None:
    """What is mapped without a partner never shows."""
    refusal = refusal_of(text, TABLES)
    assert rule_of(refusal) == "CUS-82"
    assert refusal.table == "m"
    assert "inner side" in refusal.message


@pytest.mark.rule("CUS-81")
@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ("SELECT COUNT(*) FROM m", "sourceid, targetid"),
        ("SELECT COUNT(*) FROM s JOIN m ON s.id = m.sourceid", "targetid"),
        ("SELECT COUNT(*) FROM s, m, t", "sourceid, targetid"),
        ("SELECT COUNT(*) FROM s CROSS JOIN m JOIN t ON t.id = m.targetid", "sourceid"),
        ("SELECT COUNT(*) FROM s CROSS JOIN m JOIN t ON t.id = m.targetid AND s.id = m.sourceid", "sourceid"),
        # To a table of the other side, or of none.
        ("SELECT COUNT(*) FROM t JOIN m ON t.id = m.sourceid JOIN s ON s.id = m.targetid", "sourceid, targetid"),
        ("SELECT COUNT(*) FROM s JOIN m ON s.id = m.sourceid JOIN third ON third.id = m.targetid", "targetid"),
        ("SELECT COUNT(*) FROM s JOIN m ON s.id = m.sourceid JOIN (SELECT COALESCE(t.id, s2.id) AS k FROM t JOIN s2 ON t.x = s2.x) ON k = m.targetid", "targetid"),
        ("SELECT COUNT(*) FROM s JOIN m ON s.id = m.sourceid JOIN (SELECT '7' AS k) ON k = m.targetid", "targetid"),
        ("SELECT COUNT(*) FROM m JOIN m AS n ON m.sourceid = n.sourceid AND m.targetid = n.targetid", "sourceid, targetid"),
        # By something else than equality, or not by that alone.
        ("SELECT COUNT(*) FROM s JOIN m ON s.id >= m.sourceid JOIN t ON t.id = m.targetid", "sourceid"),
        ("SELECT COUNT(*) FROM s JOIN m ON s.id = m.sourceid OR s.x = 'a' JOIN t ON t.id = m.targetid", "sourceid"),
        ("SELECT COUNT(*) FROM s JOIN m ON NOT s.id = m.sourceid JOIN t ON t.id = m.targetid", "sourceid"),
        ("SELECT COUNT(*) FROM s JOIN m ON UPPER(s.id) = m.sourceid JOIN t ON t.id = m.targetid", "sourceid"),
        ("SELECT COUNT(*) FROM s JOIN m ON m.sourceid = '7' JOIN t ON t.id = m.targetid", "sourceid"),
        ("SELECT f.sourceid FROM source_free f JOIN s ON s.id = f.sourceid", "targetid"),
        # Each time that it stands in FROM.
        (f"SELECT s.x FROM {BOTH} JOIN m AS n ON n.sourceid = s.id", "targetid"),
        ("SELECT a FROM (SELECT s.x AS a FROM s JOIN m ON s.id = m.sourceid) JOIN t ON t.id = a", "targetid"),
    ],
)  # fmt: skip
def test_a_side_is_missing(text: str, missing: str) -> None:
    """Without a table of each side that is joined, what has no overlap would be counted."""
    refusal = refusal_of(text, TABLES)
    assert rule_of(refusal) == "CUS-81"
    assert f"[{missing}] is not joined" in refusal.message
    assert refusal.code == "MALFORMED_QUERY"
