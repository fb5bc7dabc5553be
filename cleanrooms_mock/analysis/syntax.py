"""The rules about what a text is: SQL at all, which commands, and in what order.

They only say no: what reads a text finds out, and calls the rule that is broken.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from cleanrooms_mock.analysis.refusals import Place, malformed
from cleanrooms_mock.rules import DOCUMENTED, INFERRED, behaviour, rule

if TYPE_CHECKING:
    from sqlglot import exp


@rule(
    "PQ-02",
    source="API reference ProtectedQueryError; user guide: query logs; that the query is created all the same is inferred",
    status=DOCUMENTED,
    answer="FAILED MALFORMED_QUERY, ValidationException INVALID_QUERY for a blank text",
)
def text_is_sql(complaint: str, at: exp.Expr | Place | None = None) -> NoReturn:
    """A text that can't be parsed, or that holds nothing but comments, makes a query that fails like one that breaks a rule. A blank one is refused when it
    is sent, which is inferred.
    """
    where = f" (line {at.line}, column {at.column})" if isinstance(at, Place) else ""
    raise malformed(f"The query is invalid: {complaint}{where}", at)


@rule("SQL-01", source="SQL reference: SQL commands", status=DOCUMENTED, answer="FAILED MALFORMED_QUERY")
def command_is_a_query(command: str, at: exp.Expr | Place | None = None) -> NoReturn:
    """The commands are SELECT (with WITH, set operators and VALUES) and CACHE TABLE. No other exists, whether it changes, defines, shows, explains or
    sets something.
    """
    raise malformed(f"The query is invalid: only SELECT and CACHE TABLE are commands here, not {command[:40]}", at)


@rule(
    "SQL-02",
    source="SQL reference: CACHE TABLE; that there is one SELECT is inferred",
    status=DOCUMENTED,
    answer="FAILED MALFORMED_QUERY",
)
def text_has_one_result(complaint: str, at: exp.Expr | Place | None = None) -> NoReturn:
    """A text is any number of CACHE TABLE statements, each ended by a semicolon, and then one SELECT."""
    raise malformed(f"The query is invalid: {complaint}", at)


@rule("SQL-03", source="inferred from SQL reference: CACHE TABLE", status=INFERRED, answer="FAILED MALFORMED_QUERY")
def text_ends_with_its_select(at: Place) -> NoReturn:
    """One semicolon may end the SELECT. Neither a second one nor anything else but comments may follow it, and no statement is empty."""
    raise malformed(f"The query is invalid: it has an empty statement (line {at.line}, column {at.column})", at)


@rule(
    "SQL-04",
    source="SQL reference: CACHE TABLE; that names can't be taken twice is inferred",
    status=DOCUMENTED,
    answer="FAILED MALFORMED_QUERY",
)
def cached_table_is_new(complaint: str, at: exp.Expr | None = None) -> NoReturn:
    """CACHE TABLE takes a name and a query, with or without AS and brackets around the query, and nothing else. The name may have a qualifier. It is
    that of a table for the rest of the text, and none that a table of the collaboration has.
    """
    raise malformed(f"The query is invalid: {complaint}", at)


behaviour(
    "SQL-27",
    "Comments, from `--` to the end of a line or between `/*` and `*/` and nested, may stand between any two words, and change nothing.",
    source="inferred: Spark's grammar",
    status=INFERRED,
)


@rule(
    "SQL-07",
    source="inferred: the SQL reference's lists lack them; user guide: Iceberg, for time travel",
    status=INFERRED,
    answer="FAILED MALFORMED_QUERY",
)
def construct_exists(construct: str, at: exp.Expr | Place | None = None) -> NoReturn:
    """What the SQL reference doesn't have isn't in the dialect, Spark or not: TABLESAMPLE, LATERAL VIEW, PIVOT and UNPIVOT, TRANSFORM, QUALIFY, time
    travel, RECURSIVE, paths in the place of tables, functions in FROM, `SELECT … INTO`, a query that begins with FROM, and other operators and forms.
    """
    raise malformed(f"{construct} isn't supported", at)
