"""The clauses of a query, its joins and set operators."""

from __future__ import annotations

from typing import NoReturn

from sqlglot import exp

from cleanrooms_mock.analysis.refusals import malformed
from cleanrooms_mock.analysis.syntax import construct_exists, text_is_sql
from cleanrooms_mock.rules import DOCUMENTED, INFERRED, rule

#: Clauses of others, by what sqlglot calls that part of a node.
CLAUSES = {
    "sort": "SORT BY",
    "cluster": "CLUSTER BY",
    "distribute": "DISTRIBUTE BY",
    "connect": "CONNECT BY",
    "locks": "FOR UPDATE",
    "on": "DISTINCT ON",
    "all": "GROUP BY ALL",
    "totals": "WITH TOTALS",
    "exclude": "EXCLUDE",
    "except_": "* EXCEPT",
    "replace": "* REPLACE",
    "rename": "* RENAME",
    "kind": "SELECT AS",
}
_FORMATS = frozenset(
    [
        "avro",
        "binaryfile",
        "csv",
        "delta",
        "hudi",
        "iceberg",
        "jdbc",
        "json",
        "kafka",
        "libsvm",
        "orc",
        "parquet",
        "text",
        "xml",
    ]
)
_BRANCH = ("order", "limit", "offset")


@rule(
    "SQL-05",
    source="inferred: the grammar of their queries is one SELECT",
    status=INFERRED,
    answer="FAILED MALFORMED_QUERY",
)
def caching_is_for_custom(rule_type: str, at: exp.Expr) -> NoReturn:
    """CACHE TABLE belongs to queries under CUSTOM rules, and is refused with tables under others."""
    raise malformed(f"CACHE TABLE isn't allowed in a query of tables with the analysis rule {rule_type}", at)


@rule(
    "SQL-06",
    source="SQL reference: SELECT; that TOP is none of them is inferred",
    status=DOCUMENTED,
    answer="FAILED MALFORMED_QUERY",
)
def clause_exists(clause: str, at: exp.Expr) -> NoReturn:
    """A query has a SELECT list and may have WITH, FROM, JOIN, WHERE, GROUP BY (also ROLLUP, CUBE and GROUPING SETS), HAVING, set operators, ORDER BY,
    LIMIT, OFFSET, VALUES and subqueries, correlated ones too. TOP is no clause.
    """
    raise malformed(f"{clause} is no clause of the service's SQL", at)


@rule(
    "SQL-11",
    source="SQL reference: JOIN; user guide: SQL capabilities",
    status=DOCUMENTED,
    answer="FAILED MALFORMED_QUERY",
)
def join_exists(join: str, at: exp.Expr) -> NoReturn:
    """Under CUSTOM rules joins are INNER, LEFT, RIGHT and FULL OUTER, CROSS, LEFT SEMI and LEFT ANTI, with ON or USING, or NATURAL, or a comma."""
    raise malformed(f"{join} is no join of the service's SQL", at)


@rule("SQL-12", source="SQL reference: set operators", status=DOCUMENTED, answer="FAILED MALFORMED_QUERY")
def queries_can_be_combined(complaint: str, at: exp.Expr) -> NoReturn:
    """UNION, INTERSECT, EXCEPT and MINUS, each with ALL too, combine queries with the same number of columns, of types of one category. ORDER BY, LIMIT
    and OFFSET behind the last query belong to the whole; another has them in brackets only.
    """
    raise malformed(complaint, at)


# Each of these looks at one kind of node, and says whether what is below it has been looked at too.


def check_select(node: exp.Expr) -> bool:
    """Refuse a query that begins with FROM."""
    if "from_first" in node.meta:
        construct_exists("A query that begins with FROM", node)
    return False


def check_table(node: exp.Expr) -> bool:
    """Refuse what isn't a table's name in the place of one."""
    this = node.this
    if this.__class__ is not exp.Identifier:
        construct_exists("A name of five parts" if isinstance(this, exp.Dot) else "A function in FROM", node)
    database = node.args.get("db")
    if database is not None and database.name.lower() in _FORMATS:
        construct_exists("A path in the place of a table", node)
    return False


def check_at_index(node: exp.Expr) -> bool:
    """Refuse AT behind anything but an array that is unnested."""
    if not isinstance(node.parent, exp.Join) or not isinstance(node.this.unalias(), exp.Column):
        construct_exists("AT", node)
    return False


def check_keys(node: exp.Expr) -> bool:
    """Refuse a GROUP BY or ORDER BY of nothing."""
    if not any(node.args.values()):
        text_is_sql("it has a GROUP BY or ORDER BY of nothing", node)
    return False


def check_set_operation(node: exp.Expr) -> bool:
    """Refuse a branch without brackets that is ordered or cut."""
    for branch in (node.this, node.expression):
        if isinstance(branch, exp.Select | exp.SetOperation) and any(branch.args.get(part) for part in _BRANCH):
            queries_can_be_combined(
                f"ORDER BY, LIMIT and OFFSET stand in a query of {node.key.upper()} in brackets only", branch
            )
    return False


def check_join(node: exp.Expr) -> bool:
    """Refuse a join of another kind."""
    args = node.args
    method, side, kind = (args.get("method") or ""), (args.get("side") or ""), (args.get("kind") or "")
    joins = " ".join(word for word in (method, side, kind, "JOIN") if word)
    if (
        method not in ("", "NATURAL")
        or side not in ("", "LEFT", "RIGHT", "FULL")
        or kind not in ("", "INNER", "OUTER", "CROSS", "SEMI", "ANTI")
        or (side and kind in ("INNER", "CROSS"))
        or (side in ("RIGHT", "FULL") and kind in ("SEMI", "ANTI"))
        or (not side and kind == "OUTER")
    ):
        join_exists(joins, node)
    if method and ((args.get("on") is not None and not isinstance(args["on"], exp.Boolean)) or args.get("using")):
        join_exists(f"{joins} with a condition", node)
    return False


def check_limit(node: exp.Expr) -> bool:
    """Refuse TOP, and a LIMIT or OFFSET that is no whole number."""
    if "top" in node.meta:
        clause_exists("TOP", node)
    value = node.args.get("expression")
    if isinstance(value, exp.Var) and value.name == "ALL" and isinstance(node, exp.Limit):
        return False
    if isinstance(value, exp.Placeholder):
        return False
    if not isinstance(value, exp.Literal) or value.args["is_string"] or not value.this.isdigit():
        _not_a_limit(node)
    return False


def _not_a_limit(node: exp.Expr) -> NoReturn:
    clause_exists(f"{node.key.upper()} without a whole number", node)


def check_ordered(node: exp.Expr) -> bool:
    """Refuse ORDER BY ALL."""
    if isinstance(node.this, exp.Var):
        clause_exists("ORDER BY ALL", node)
    return False
