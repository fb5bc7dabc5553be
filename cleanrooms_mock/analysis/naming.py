"""The rules for names: which tables and columns a query can name, and how."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NoReturn

from sqlglot import exp

from cleanrooms_mock.analysis.refusals import Refusal, malformed
from cleanrooms_mock.rules import DOCUMENTED, INFERRED, behaviour, rule

behaviour(
    "SQL-21",
    "Names of tables, columns and aliases are compared without case. Strings are compared with it, also by LIKE, and without it by ILIKE.",
    source="SQL reference: conditions; that names are is inferred: Spark",
    status=INFERRED,
)
behaviour(
    "SQL-26",
    "What a WITH or a derived table is called hides no table from its rule: rules hold for the tables that data come from, through every CTE, subquery and "
    "cached table.",
    source="user guide: disallowed output columns; inferred: rules are about data, not names",
    status=INFERRED,
)


@rule(
    "PQ-04",
    source="API reference ProtectedQueryError, by the text of the code",
    status=INFERRED,
    answer="FAILED RESOURCE_NOT_FOUND",
)
def refuse_unknown_table(name: str, node: exp.Expr | None) -> NoReturn:
    """A query names tables of its collaboration only: associations, ID mapping tables and intermediate tables."""
    raise Refusal("RESOURCE_NOT_FOUND", f"The collaboration has no table {name}.", table=name, at=node)


@rule(
    "SQL-20",
    source="SQL reference: naming rules, querying nested data; that qualified names aren't found is inferred",
    status=INFERRED,
    answer="FAILED RESOURCE_NOT_FOUND",
)
def refuse_qualified_name(name: str, node: exp.Expr | None) -> NoReturn:
    """A table is called by the name of its association alone: no database or catalog stands before it. Behind the alias of a relation before it in
    FROM, the name is that of an array or map to unnest.
    """
    raise Refusal(
        "RESOURCE_NOT_FOUND",
        f"The collaboration has no table {name}: a table is called by the name of its association alone.",
        table=name,
        at=node,
    )


@rule(
    "SQL-24",
    source="user guide: use-sql-editor; API reference ConfiguredTable; that they can't be told from misspelt ones is inferred",
    status=DOCUMENTED,
    answer="FAILED MALFORMED_QUERY",
)
def refuse_unknown_column(name: str, node: exp.Expr, tables: Iterable[str]) -> NoReturn:
    """A column that isn't an allowed column of its table doesn't exist for a query, in any clause, any more than a misspelt one."""
    where = ", ".join(table for table in tables if table)
    raise malformed(f"Column(s) [{name}] is not found" + (f" in {where}" if where else ""), node, column=name)


@rule(
    "SQL-25",
    source="SQL reference: JOIN, for USING; inferred from Spark",
    status=INFERRED,
    answer="FAILED MALFORMED_QUERY",
)
def refuse_ambiguous_column(name: str, node: exp.Expr, relations: Iterable[str]) -> NoReturn:
    """A name that columns of several relations in FROM have needs a qualifier, unless USING or NATURAL made them one."""
    raise malformed(f"Column(s) [{name}] is ambiguous: it is in {', '.join(relations)}", node, column=name)


@rule("SQL-36", source="SQL reference: FROM clause", status=DOCUMENTED, answer="FAILED MALFORMED_QUERY")
def refuse_name_behind_alias(name: str, alias: str, node: exp.Expr) -> NoReturn:
    """Once a table has an alias, its own name qualifies no column. A derived table needs no alias."""
    raise malformed(f"Table {name} is called {alias} in this query, and its columns are qualified with that", node)


@rule(
    "SQL-30",
    source="inferred: without a table no rule could allow it",
    status=INFERRED,
    answer="FAILED MALFORMED_QUERY",
)
def query_reads_a_table(tables: Iterable[object], node: exp.Expr) -> None:
    """Every query reads at least one table of the collaboration."""
    if not any(True for _ in tables):
        raise malformed("The query reads no table of the collaboration", node)


@rule("SQL-38", source="SQL reference: WITH clause", status=DOCUMENTED, answer="FAILED MALFORMED_QUERY")
def with_is_plain(with_: exp.With, *, inside: bool) -> None:
    """No WITH stands in the query of another WITH, and none gives a name twice. A query in it may refer to the names before its own only."""
    if inside:
        raise malformed("A WITH can't stand in another WITH", with_)
    seen: set[str] = set()
    for cte in with_.expressions:
        name = cte.alias.lower()
        if name in seen:
            raise malformed(f"WITH gives the name {name} twice", cte)
        seen.add(name)


@rule("SQL-37", source="SQL reference: correlated subqueries", status=DOCUMENTED, answer="FAILED MALFORMED_QUERY")
def refuse_correlation(complaint: str, node: exp.Expr) -> NoReturn:
    """A correlated subquery refers to the query right around it and no further, doesn't stand in ON, and has no window function; nothing groups by its
    result. Behind IN no subquery aggregates and groups, unless by MIN and MAX.
    """
    raise malformed(f"Correlated subquery: {complaint}", node)
