"""Reading Spark SQL with every call of a function as it is written: which function is meant is for the translation to know."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from sqlglot import exp
from sqlglot.errors import SqlglotError

from cleanrooms_mock.analysis.refusals import malformed

if TYPE_CHECKING:
    from sqlglot.dialects.dialect import Dialect

#: Calls whose arguments are more than a list.
_WITH_A_SYNTAX = ("CAST", "EXTRACT", "OVERLAY", "POSITION", "SUBSTR", "SUBSTRING", "TRIM", "TRY_CAST")


@cache
def _dialect() -> Dialect:
    from sqlglot.dialects.spark import Spark

    class Bare(Spark):
        class Parser(Spark.Parser):  # type: ignore[misc, valid-type]
            FUNCTIONS: Any = {}  # noqa: RUF012  as sqlglot has it
            FUNCTION_PARSERS: Any = {  # noqa: RUF012
                name: parse for name, parse in Spark.Parser.FUNCTION_PARSERS.items() if name in _WITH_A_SYNTAX
            }
            NO_PAREN_FUNCTION_PARSERS: Any = {  # noqa: RUF012
                name: parse for name, parse in Spark.Parser.NO_PAREN_FUNCTION_PARSERS.items() if name in ("ANY", "CASE")
            }

    return Bare()


def parse(text: str) -> exp.Expr:
    """Return the tree of a query in Spark SQL, in which a function is an ``Anonymous`` node."""
    try:
        (found,) = _dialect().parse(text)
    except (SqlglotError, ValueError) as error:
        raise malformed("The query can't be carried out: its text isn't Spark SQL") from error
    if found is None:
        raise malformed("The query can't be carried out: it is empty")
    return found
