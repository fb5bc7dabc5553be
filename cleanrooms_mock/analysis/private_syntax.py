"""What the text of a query may not have if a table of it has differential privacy."""

from __future__ import annotations

from sqlglot import exp

from cleanrooms_mock.analysis.called_functions import without_modifiers
from cleanrooms_mock.analysis.refusals import malformed
from cleanrooms_mock.rules import DOCUMENTED, rule

#: How many bytes the text of a query of private tables may have; a KB is a thousand here, as 500 KB are 500 000 characters in the service model.
LONGEST_TEXT = 8_000

_NAMES = ("CONVERT", "SYSDATE")
_PERCENTILES = (exp.PercentileCont, exp.PercentileDisc)


@rule(
    "SQL-15",
    source="SQL reference: hints; that rules of other types take them is inferred",
    status=DOCUMENTED,
    answer="FAILED MALFORMED_QUERY",
)
def private_tables_take_no_hints(node: exp.Hint) -> None:
    """A query of tables with differential privacy has no hints. With AGGREGATION and LIST rules they are allowed, and without effect."""
    raise malformed("Hints are not allowed with differential privacy", node)


@rule(
    "CUS-72",
    source="user guide: SQL capabilities of differential privacy, quotas; SQL reference: hints; API reference StartAnalysisLogExport",
    status=DOCUMENTED,
    answer="FAILED MALFORMED_QUERY",
)
def construct_is_supported(what: str, node: exp.Expr) -> None:
    """A query of tables with differential privacy has no ROLLUP, CUBE or GROUPING SETS, no USING and no NATURAL, no array functions, none of `x::type`,
    `CONVERT(type, x)`, `^`, SYSDATE and TOP, no INTERVAL with its unit inside the string, and neither LISTAGG nor PERCENTILE_CONT or PERCENTILE_DISC as
    a window. Its text has no more than 8 KB, and its log can't be exported.
    """
    raise malformed(f"{what} is not allowed with differential privacy", node)


def text_is_short(text: str, statement: exp.Expr, most_bytes: float) -> None:
    """Refuse a text that has too many bytes (CUS-72)."""
    size = len(text.encode("utf-8", "surrogatepass"))
    if size > most_bytes:
        construct_is_supported(f"A text of {size} bytes, {most_bytes:g} being the most,", statement)


def unsupported(node: exp.Expr) -> str | None:
    """Return what a node is that no query of private tables may have, ``None`` if it may."""
    if isinstance(node, exp.Group | exp.Rollup | exp.Cube | exp.GroupingSets):
        for name in ("rollup", "cube", "grouping_sets"):
            if node.args.get(name) or node.key == name.replace("_", ""):
                return name.replace("_", " ").upper()
    elif isinstance(node, exp.Join):
        if node.args.get("using"):
            return "JOIN … USING"
        return "NATURAL JOIN" if node.method == "NATURAL" else None
    elif isinstance(node, exp.Cast) and node.meta.get("double_colon"):
        return f"A cast with ::{node.to.sql()}"
    elif isinstance(node, exp.Interval) and node.meta.get("in_one"):
        return "An INTERVAL with its unit inside the string"
    elif isinstance(node, exp.Limit) and node.meta.get("top"):
        return "TOP"
    elif isinstance(node, exp.BitwiseXor) or (isinstance(node, exp.Pow) and not node.meta.get("function")):
        return "^"
    elif isinstance(node, exp.Window):
        function = without_modifiers(node.this)
        if isinstance(function, exp.GroupConcat):
            return "LISTAGG as a window function"
        return f"{function.sql_name()} as a window function" if isinstance(function, _PERCENTILES) else None
    name = called(node)
    return name if name in _NAMES or (name.startswith("ARRAY_") and not isinstance(node, exp.AggFunc)) else None


def called(node: exp.Expr) -> str:
    """Return the name, in capitals, with which a function was called; empty for other nodes."""
    name = node.meta.get("function")
    if name is not None:
        return str(name)
    if isinstance(node, exp.Anonymous):
        return node.name.upper()
    return node.sql_name() if isinstance(node, exp.Func) and not isinstance(node, exp.Cast) else ""
