"""The structure that a query of tables with differential privacy must have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from cleanrooms_mock.analysis.check import check
from cleanrooms_mock.analysis.differential_privacy import reasons
from cleanrooms_mock.analysis.refusals import Refusal
from cleanrooms_mock.analysis.tables import Reason, Table
from tests.analysis.cast import (
    ADVERTISER,
    MEASURER,
    STATEMENTS,
    TABLES,
    accepted,
    asked,
    question_of,
    refused,
    rule_of,
)

RULES = {"SQL-15", "PQ-26", *(f"CUS-{number}" for number in range(60, 77))}
PRIVATE = {"pub_dp", "pub_dp2"}
OWN = [one for one in STATEMENTS if one["rule"] in RULES or PRIVATE & set(one["tables"])]
USERS = "WITH u AS (SELECT user_id, seconds, channel FROM pub_dp) "
POLICY = TABLES["pub_dp"].policy


def changed(name: str, **changes: object) -> dict[str, Table]:
    """The cast with one table made different."""
    return {**TABLES, name: replace(TABLES[name], **changes)}  # type: ignore[arg-type]  # their types are the table's own


def refused_by(rule: str, text: str, tables: Mapping[str, Table] = TABLES) -> Refusal:
    """Why a query is refused, which a certain rule must say."""
    refusal = refused(text, tables)
    assert (rule_of(refusal), refusal.code) == (rule, "MALFORMED_QUERY"), refusal.message
    return refusal


@pytest.mark.parametrize("statement", OWN, ids=[one["id"] for one in OWN])
@pytest.mark.rule(
    "SQL-15", "CUS-62", "CUS-63", "CUS-64", "CUS-65", "CUS-66", "CUS-68", "CUS-69", "CUS-70", "CUS-71", "CUS-72"
)
def test_statements(statement: dict[str, str]) -> None:
    """Every statement about private tables gets its verdict, for the right reason."""
    if statement["verdict"] == "accepted":
        check(question_of(statement), TABLES)
        return
    with pytest.raises(Refusal) as caught:
        check(question_of(statement), TABLES)
    assert (rule_of(caught.value), caught.value.code) == (statement["rule"], statement["answer"])


@pytest.mark.parametrize(
    "text",
    [
        "SELECT COUNT(*) FROM pub_dp",
        "SELECT UPPER(channel) AS c, COUNT(*) * 2 + 1, CASE WHEN SUM(seconds) > 5 THEN 'x' END FROM pub_dp GROUP BY c",
        "SELECT SUM(CASE WHEN seconds > 5 THEN ABS(seconds) ELSE 0 END) / COUNT(DISTINCT user_id) FROM pub_dp",
        "SELECT STDDEV_SAMP(seconds), STDDEV_POP(seconds), COUNT(seconds), COUNT(1) FROM pub_dp",
        "SELECT DISTINCT channel, COUNT(*) AS n FROM pub_dp GROUP BY channel ORDER BY n DESC, 1 LIMIT 5 OFFSET 2",
        "SELECT COUNT(*) AS n FROM pub_dp HAVING n > 5 AND AVG(seconds) > 1 ORDER BY STDDEV(seconds)",
        USERS + "SELECT channel, AVG(seconds) FROM u GROUP BY channel",
        "SELECT AVG(s) FROM (SELECT user_id AS who, MAX(seconds) AS s FROM pub_dp GROUP BY who)",
        "SELECT AVG(s) FROM (SELECT user_id, MEDIAN(seconds) AS s, channel FROM pub_dp GROUP BY 1, channel)",
        "CACHE TABLE c AS SELECT * FROM pub_dp; SELECT COUNT(*) FROM c",
        "WITH u AS (SELECT * FROM pub_dp), v AS (SELECT u.* FROM u) SELECT COUNT(DISTINCT user_id) FROM v",
        "WITH u(who, s) AS (SELECT user_id, seconds FROM pub_dp) SELECT AVG(x) FROM (SELECT who, SUM(s) AS x FROM u GROUP BY who)",
        "WITH u AS (SELECT user_id, seconds FROM pub_dp EXCEPT SELECT user_id, 1 FROM pub_dp2) SELECT SUM(seconds) FROM u",
        "WITH u AS (SELECT user_id FROM pub_dp UNION ALL SELECT hashed_email FROM adv_orders) SELECT COUNT(*) FROM u",
        "WITH u AS (SELECT * FROM (SELECT user_id FROM pub_dp INTERSECT SELECT user_id FROM pub_dp2)) SELECT COUNT(*) FROM u",
        # Other tables
        (
            "WITH o AS (SELECT hashed_email FROM adv_orders ORDER BY total LIMIT 5) "
            "SELECT COUNT(*) FROM pub_dp d JOIN o ON d.hashed_email = o.hashed_email"
        ),
        (
            "WITH o AS (SELECT hashed_email, SUM(total) AS t FROM adv_orders WHERE hashed_email IN (SELECT hashed_email FROM adv_orders) "
            "GROUP BY hashed_email) SELECT SUM(t) FROM pub_dp d LEFT JOIN o ON d.hashed_email < o.hashed_email"
        ),
        (
            "WITH o AS (SELECT hashed_email, RANK() OVER (ORDER BY total) AS r FROM adv_orders) "
            "SELECT COUNT(*) FROM pub_dp d JOIN o ON d.hashed_email = o.hashed_email WHERE r < 5"
        ),
        "SELECT COUNT(*) FROM pub_dp WHERE hashed_email IN (SELECT hashed_email FROM adv_orders)",
        "SELECT COUNT(*), (SELECT COUNT(*) FROM adv_orders) FROM pub_dp",
        "SELECT COUNT(*) FROM pub_dp HAVING COUNT(*) > (SELECT MAX(total) FROM adv_orders)",
        (
            "WITH u AS (SELECT user_id FROM pub_dp WHERE seconds > (SELECT AVG(total) FROM adv_orders) AND channel IN ('a', 'b')) "
            "SELECT COUNT(*) FROM u"
        ),
        "SELECT COUNT(*) FROM pub_dp d CROSS JOIN adv_orders o",
        "SELECT COUNT(*) FROM adv_orders o LEFT JOIN pub_dp d ON d.hashed_email = o.hashed_email",
        # Joins of private relations
        "SELECT COUNT(*) FROM pub_dp a LEFT JOIN pub_dp2 b ON b.user_id = a.user_id AND a.channel = b.country",
        "SELECT COUNT(*) FROM pub_dp a JOIN pub_dp2 b ON (a.user_id = b.user_id AND a.seconds > 1) OR (b.user_id = a.user_id AND a.seconds < 0)",
        "SELECT COUNT(*) FROM pub_dp a JOIN pub_dp2 b ON a.user_id = b.user_id JOIN pub_dp c ON c.user_id = b.user_id",
        "SELECT COUNT(*) FROM pub_dp a JOIN adv_orders o ON a.hashed_email = o.hashed_email JOIN pub_dp2 b ON a.user_id = b.user_id",
        "SELECT COUNT(*) FROM pub_dp a LEFT SEMI JOIN pub_dp2 b ON a.user_id = b.user_id",
        USERS + "SELECT COUNT(*) FROM u FULL JOIN pub_dp2 b ON u.user_id = b.user_id",
        # Windows
        "WITH w AS (SELECT user_id, SUM(seconds) OVER (PARTITION BY channel, user_id) AS s FROM pub_dp) SELECT AVG(s) FROM w",
        (
            "WITH w AS (SELECT user_id, RANK() OVER v AS r FROM pub_dp WINDOW v AS (PARTITION BY user_id ORDER BY seconds)) "
            "SELECT AVG(r) FROM w"
        ),
        # The identifier
        "SELECT COUNT(DISTINCT user_id), COUNT(user_id) FROM pub_dp WHERE user_id <> 'x' GROUP BY channel",
        "SELECT visits, COUNT(*) FROM (SELECT user_id, COUNT(user_id) AS visits FROM pub_dp GROUP BY user_id) GROUP BY visits",
    ],
)
@pytest.mark.rule(
    "SQL-15", "CUS-62", "CUS-63", "CUS-64", "CUS-65", "CUS-66", "CUS-68", "CUS-69", "CUS-70", "CUS-71", "CUS-72"
)
def test_what_is_allowed(text: str) -> None:
    """Users are prepared for in CTEs and subqueries in FROM, and the last SELECT aggregates over them."""
    assert accepted(text).is_private


@pytest.mark.parametrize(
    ("rule", "text", "part"),
    [
        ("SQL-15", "WITH u AS (SELECT /*+ REPARTITION(2) */ user_id FROM pub_dp) SELECT COUNT(*) FROM u", "Hints"),
        ("CUS-62", "SELECT MAX(seconds) FROM pub_dp", "MAX"),
        ("CUS-62", "SELECT COUNT(*) + MIN(seconds) FROM pub_dp", "MIN"),
        ("CUS-62", "SELECT SUM(DISTINCT seconds) FROM pub_dp", "SUM DISTINCT"),
        ("CUS-62", "SELECT VAR_SAMP(seconds) FROM pub_dp", "VAR_SAMP"),
        ("CUS-62", "SELECT DISTINCT channel FROM pub_dp", "must have AVG, COUNT"),
        ("CUS-62", "SELECT channel FROM pub_dp GROUP BY channel HAVING COUNT(*) > 9", "must have AVG, COUNT"),
        ("CUS-62", "SELECT *, COUNT(*) FROM (SELECT user_id FROM pub_dp) GROUP BY 1", "*"),
        ("CUS-63", "SELECT SUM(n) FROM (SELECT COUNT(*) AS n FROM pub_dp)", "user identifier column"),
        ("CUS-63", "WITH u AS (SELECT MIN(user_id) AS user_id FROM pub_dp) SELECT COUNT(*) FROM u", "u, a query"),
        (
            "CUS-63",
            "CACHE TABLE c AS SELECT channel FROM pub_dp GROUP BY channel; SELECT COUNT(*) FROM c",
            "c, a query",
        ),
        (
            "CUS-63",
            "SELECT COUNT(*) FROM adv_orders o LEFT SEMI JOIN pub_dp d ON o.hashed_email = d.hashed_email",
            "level of users",
        ),
        (
            "CUS-63",
            "SELECT COUNT(*) FROM adv_orders o LEFT ANTI JOIN pub_dp d ON o.hashed_email = d.hashed_email",
            "level of users",
        ),
        ("CUS-64", "SELECT COUNT(*) FROM (SELECT DISTINCT channel FROM pub_dp)", "A subquery in FROM"),
        ("CUS-64", "WITH u AS (SELECT UPPER(user_id) AS user_id FROM pub_dp) SELECT COUNT(*) FROM u", "must select"),
        ("CUS-64", "CACHE TABLE c AS SELECT seconds FROM pub_dp; SELECT COUNT(*) FROM c", "c, a query"),
        (
            "CUS-64",
            "WITH u AS (SELECT user_id, channel FROM pub_dp), v AS (SELECT channel FROM u) SELECT COUNT(*) FROM v",
            "v, a query",
        ),
        ("CUS-64", "WITH u AS (SELECT user_id FROM pub_dp ORDER BY seconds) SELECT COUNT(*) FROM u", "ORDER"),
        ("CUS-64", "WITH u AS (SELECT user_id FROM pub_dp OFFSET 3) SELECT COUNT(*) FROM u", "OFFSET"),
        ("CUS-64", "SELECT COUNT(*) FROM ((SELECT user_id FROM pub_dp) LIMIT 3)", "LIMIT"),
        (
            "CUS-64",
            "WITH u AS ((SELECT user_id FROM pub_dp LIMIT 9) UNION ALL SELECT user_id FROM pub_dp2) SELECT COUNT(*) FROM u",
            "LIMIT",
        ),
        (
            "CUS-64",
            "WITH u AS (SELECT user_id FROM pub_dp WHERE hashed_email IN (SELECT hashed_email FROM adv_orders)) SELECT COUNT(*) FROM u",
            "IN",
        ),
        (
            "CUS-64",
            "WITH u AS (SELECT user_id FROM pub_dp WHERE NOT EXISTS (SELECT 1 FROM adv_orders)) SELECT COUNT(*) FROM u",
            "EXISTS",
        ),
        (
            "CUS-64",
            "WITH u AS (SELECT user_id FROM pub_dp UNION ALL SELECT country FROM pub_dp2) SELECT COUNT(*) FROM u",
            "must select",
        ),
        ("CUS-65", "SELECT COUNT(*) FROM pub_dp WHERE user_id IN (SELECT user_id FROM pub_dp2)", "in FROM only"),
        ("CUS-65", "SELECT COUNT(*) FROM pub_dp HAVING COUNT(*) > (SELECT COUNT(*) FROM pub_dp2)", "in FROM only"),
        (
            "CUS-65",
            "SELECT COUNT(*) FROM pub_dp d JOIN adv_orders o ON o.total > (SELECT COUNT(*) FROM (SELECT user_id FROM pub_dp2))",
            "in FROM only",
        ),
        (
            "CUS-65",
            "SELECT COUNT(*) FROM pub_dp d WHERE seconds > (SELECT MAX(o.total) FROM adv_orders o WHERE o.hashed_email = d.hashed_email)",
            "d.hashed_email of table pub_dp",
        ),
        (
            "CUS-65",
            (
                "WITH o AS (SELECT hashed_email FROM adv_orders WHERE total > (SELECT COUNT(*) FROM pub_dp2)) "
                "SELECT COUNT(*) FROM pub_dp d JOIN o ON d.hashed_email = o.hashed_email"
            ),
            "in FROM only",
        ),
        ("CUS-66", "SELECT COUNT(*) FROM pub_dp a, pub_dp2 b WHERE a.user_id = b.user_id", "between a and b"),
        ("CUS-66", "SELECT COUNT(*) FROM pub_dp a JOIN pub_dp2 b ON a.channel = b.country", "between a and b"),
        ("CUS-66", "SELECT COUNT(*) FROM pub_dp a JOIN pub_dp2 b ON a.user_id = b.country", "between a and b"),
        (
            "CUS-66",
            "SELECT COUNT(*) FROM pub_dp a JOIN pub_dp2 b ON a.user_id = b.user_id OR a.channel = b.country",
            "between a and b",
        ),
        ("CUS-66", "SELECT COUNT(*) FROM pub_dp a JOIN pub_dp2 b ON NOT a.user_id = b.user_id", "between a and b"),
        ("CUS-66", "SELECT COUNT(*) FROM pub_dp a JOIN pub_dp2 b ON UPPER(a.user_id) = b.user_id", "between a and b"),
        ("CUS-66", "SELECT COUNT(*) FROM pub_dp a JOIN pub_dp2 b ON a.user_id = a.user_id", "between a and b"),
        (
            "CUS-66",
            "SELECT COUNT(*) FROM pub_dp a JOIN pub_dp2 b ON a.user_id = b.user_id JOIN pub_dp c ON c.seconds = a.seconds",
            "between a and c",
        ),
        (
            "CUS-66",
            "WITH u AS (SELECT a.user_id FROM pub_dp a CROSS JOIN pub_dp2 b) SELECT COUNT(*) FROM u",
            "between a and b",
        ),
        (
            "CUS-68",
            "WITH w AS (SELECT user_id, RANK() OVER (PARTITION BY channel ORDER BY seconds) AS r FROM pub_dp) SELECT AVG(r) FROM w",
            "PARTITION BY",
        ),
        (
            "CUS-68",
            (
                "WITH w AS (SELECT user_id, RANK() OVER v AS r FROM pub_dp WINDOW v AS (PARTITION BY channel ORDER BY seconds)) "
                "SELECT AVG(r) FROM w"
            ),
            "PARTITION BY",
        ),
        ("CUS-68", "SELECT COUNT(*), RANK() OVER (ORDER BY COUNT(*)) FROM pub_dp GROUP BY channel", "final SELECT"),
        ("CUS-68", "SELECT COUNT(*) FROM pub_dp ORDER BY RANK() OVER (ORDER BY COUNT(*))", "final SELECT"),
        ("CUS-69", "SELECT COUNT(*) FROM pub_dp GROUP BY user_id", "[user_id] is not allowed in group by"),
        ("CUS-69", "SELECT COUNT(*) FROM pub_dp GROUP BY (pub_dp.user_id), channel", "[user_id]"),
        (
            "CUS-69",
            "WITH u AS (SELECT user_id AS who, seconds FROM pub_dp) SELECT who AS x, AVG(seconds) FROM u GROUP BY 1",
            "[x] is not allowed in select",
        ),
        ("CUS-70", "SELECT channel, COUNT(*) FROM pub_dp GROUP BY channel HAVING MIN(seconds) > 1", "MIN"),
        (
            "CUS-70",
            "SELECT channel, COUNT(*) FROM pub_dp GROUP BY channel HAVING SUM(DISTINCT seconds) > 1",
            "SUM DISTINCT",
        ),
        ("CUS-71", "(SELECT COUNT(*) FROM pub_dp) EXCEPT (SELECT 1 FROM adv_orders)", "EXCEPT"),
        (
            "CUS-71",
            "WITH u AS (SELECT user_id, channel FROM pub_dp UNION ALL SELECT country, user_id FROM pub_dp2) SELECT COUNT(*) FROM u",
            "same place",
        ),
        ("CUS-72", "SELECT COUNT(*) FROM pub_dp NATURAL JOIN adv_orders", "NATURAL JOIN"),
        ("CUS-72", "SELECT COUNT(*) FROM pub_dp JOIN adv_orders USING (hashed_email)", "USING"),
        ("CUS-72", "SELECT channel, COUNT(*) FROM pub_dp GROUP BY CUBE (channel)", "CUBE"),
        ("CUS-72", "SELECT channel, COUNT(*) FROM pub_dp GROUP BY GROUPING SETS ((channel), ())", "GROUPING SETS"),
        ("CUS-72", "SELECT SUM(seconds ^ 2) FROM pub_dp", "^"),
        ("CUS-72", "SELECT COUNT(*) FROM pub_dp WHERE ARRAY_CONTAINS(SPLIT(channel, ','), 'x')", "ARRAY_CONTAINS"),
        ("CUS-72", "SELECT COUNT(ARRAY_JOIN(SPLIT(channel, ','), '')) FROM pub_dp", "ARRAY_JOIN"),
        ("CUS-72", "SELECT COUNT(CONVERT(STRING, seconds)) FROM pub_dp", "CONVERT"),
        ("CUS-72", "SELECT COUNT(*) FROM pub_dp WHERE watched_ts > CURRENT_DATE - INTERVAL '1 DAY'", "INTERVAL"),
        (
            "CUS-72",
            (
                "WITH w AS (SELECT user_id, PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY seconds) OVER (PARTITION BY user_id) AS p "
                "FROM pub_dp) SELECT AVG(p) FROM w"
            ),
            "PERCENTILE_CONT",
        ),
    ],
)
@pytest.mark.rule(
    "SQL-15", "CUS-62", "CUS-63", "CUS-64", "CUS-65", "CUS-66", "CUS-68", "CUS-69", "CUS-70", "CUS-71", "CUS-72"
)
def test_what_is_refused(rule: str, text: str, part: str) -> None:
    """Whatever would show one user, or couldn't be hidden by noise, is refused, and the message names it."""
    refusal = refused_by(rule, text)
    assert part in refusal.message
    assert refusal.place is not None


@pytest.mark.parametrize(
    "text",
    [
        "SELECT POWER(seconds, 2) FROM {}",
        "SELECT CAST(seconds AS DOUBLE) FROM {}",
        "SELECT watched_ts - INTERVAL '1' DAY FROM {}",
        "SELECT SPLIT(channel, ',') FROM {}",
    ],
)
@pytest.mark.rule("CUS-72")
def test_other_spellings(text: str) -> None:
    """What stands in for a construct that isn't supported is."""
    inside = text.format("pub_dp").replace("SELECT ", "SELECT user_id, ").replace(" FROM", " AS x FROM")
    accepted(f"WITH u AS ({inside}) SELECT COUNT(x) FROM u")


@pytest.mark.rule("CUS-72")
def test_length() -> None:
    """8 KB of text are allowed, counted in bytes, and what the quota says if it says something else."""
    text = "SELECT COUNT(*) FROM pub_dp WHERE channel = '"
    accepted(text + "x" * (8000 - len(text) - 1) + "'")
    assert "8001 bytes" in refused_by("CUS-72", text + "x" * (8000 - len(text)) + "'").message
    assert "bytes" in refused_by("CUS-72", text + "ü" * 4000 + "'").message
    check(asked(text + "ü" * 4000 + "'"), TABLES, most_private_bytes=9000)
    accepted("SELECT COUNT(*) FROM adv_orders -- " + "x" * 8000)


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({"owner": MEASURER}, "different owners"),
        ({"policy": {**POLICY, "differential_privacy": {"columns": [{"name": "country"}]}}}, "user_id and country"),
    ],
)
@pytest.mark.rule("CUS-67")
def test_users_are_the_same(change: dict[str, object], part: str) -> None:
    """Private tables of one query have one owner and one identifier; a table alone has no other."""
    tables = changed("pub_dp2", **change)
    text = "SELECT COUNT(*) FROM pub_dp a JOIN pub_dp2 b ON a.user_id = b.user_id"
    refusal = refused_by("CUS-67", text, tables)
    assert part in refusal.message
    assert refusal.table == "pub_dp2"
    accepted("SELECT COUNT(*) FROM pub_dp2", tables)


@pytest.mark.rule("CUS-67")
def test_identifiers_have_no_case() -> None:
    """The identifier's name is compared without case, as all names."""
    policy = {**POLICY, "differential_privacy": {"columns": [{"name": "USER_ID"}]}}
    tables = changed("pub_dp2", policy=policy)
    accepted("SELECT COUNT(*) FROM pub_dp a JOIN pub_dp2 b ON a.User_Id = b.user_id", tables)
    refused_by("CUS-69", "SELECT user_id, COUNT(*) FROM pub_dp2 GROUP BY user_id", tables)


@pytest.mark.rule("CUS-60")
def test_there_must_be_a_budget() -> None:
    """A private table whose owner has no budget isn't ready."""
    reason = Reason("DIFFERENTIAL_PRIVACY_POLICY_NOT_CONFIGURED", "no template")
    refusal = refused("SELECT COUNT(*) FROM pub_dp", changed("pub_dp", not_ready=(reason,)))
    assert (rule_of(refusal), refusal.code, refusal.table) == ("CUS-60", "INVALID_RESOURCE", "pub_dp")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SELECT COUNT(*) FROM pub_dp", []),
        ("SELECT /*+ COALESCE(1) */ MAX(seconds) FROM pub_dp GROUP BY ROLLUP (channel)", ["Hints", "ROLLUP", "MAX"]),
        (
            "WITH u AS (SELECT channel FROM pub_dp LIMIT 3), v AS (SELECT seconds FROM pub_dp) SELECT MIN(channel) FROM u, v",
            ["LIMIT", "v, a query", "Join on", "MIN"],
        ),
        ("SELECT COUNT(*) FROM pub_dp UNION SELECT user_id FROM pub_dp2", ["UNION"]),
        ("SELECT /*+ COALESCE(1) */ nothing FROM pub_dp", ["Hints", "[nothing] is not found"]),
        ("SELECT MAX(seconds), MAX(seconds) FROM pub_dp --" + "x" * 8000, ["bytes", "MAX"]),
    ],
)
@pytest.mark.rule("CUS-76")
def test_all_reasons(text: str, expected: list[str]) -> None:
    """A template is told everything that is wrong with it, each once."""
    found = reasons(text, TABLES)
    assert len(found) == len(expected)
    for reason, part in zip(found, expected, strict=True):
        assert part in reason


def test_other_tables_are_free() -> None:
    """Nothing of this is asked of a query that reads no private table."""
    text = (
        "WITH o AS (SELECT hashed_email, total FROM adv_orders ORDER BY total LIMIT 5) "
        "SELECT hashed_email, MAX(total) FROM o GROUP BY ROLLUP (hashed_email) UNION SELECT 'x', RANK() OVER (ORDER BY total) FROM o"
    )
    assert not accepted(text, runner=ADVERTISER).is_private
