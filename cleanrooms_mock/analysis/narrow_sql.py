"""What SQL is left where a table has minimum aggregation thresholds or comparison controls."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from sqlglot import exp

from cleanrooms_mock.analysis.functions import function_name
from cleanrooms_mock.analysis.lineage import TablesBehind
from cleanrooms_mock.analysis.names import Resolution, expression
from cleanrooms_mock.analysis.refusals import malformed
from cleanrooms_mock.analysis.statements import ParsedQuery
from cleanrooms_mock.analysis.tables import Table
from cleanrooms_mock.rules import DOCUMENTED, behaviour, rule

_CONSTRUCTS: dict[type[exp.Expr], str] = {
    exp.Exists: "EXISTS",
    exp.Cube: "GROUP BY CUBE",
    exp.Rollup: "GROUP BY ROLLUP",
    exp.GroupingSets: "GROUP BY GROUPING SETS",
    exp.Cluster: "CLUSTER BY",
    exp.Distribute: "DISTRIBUTE BY",
    exp.Sort: "SORT BY",
    exp.Lateral: "LATERAL",
    exp.Pivot: "PIVOT",
    exp.Intersect: "INTERSECT",
    exp.Except: "EXCEPT",
    exp.Offset: "OFFSET",
    exp.NullSafeEQ: "<=>",
}
_FUNCTIONS = frozenset(
    [
        "ANY_VALUE",
        "BOOL_AND",
        "BOOL_OR",
        "FIRST",
        "FIRST_VALUE",
        "LAST",
        "LAST_VALUE",
        "NTH_VALUE",
        "CUME_DIST",
        "PERCENT_RANK",
        "NTILE",
        "ARRAY_EXCEPT",
        "TO_CHAR",
        "TO_NUMBER",
        "DAYOFYEAR",
        "DATE_ADD",
        "ADD_MONTHS",
        "TRUNCATE",
        "CBRT",
        "PI",
        "RADIANS",
        "DEGREES",
        "ACOS",
        "ASIN",
        "ATAN",
        "ATAN2",
        "COS",
        "COT",
        "SIN",
        "TAN",
        "REVERSE",
        "TRANSLATE",
        "REGEXP_COUNT",
        "REGEXP_INSTR",
        "SPLIT_PART",
        "AES_ENCRYPT",
        "AES_DECRYPT",
        "HLL_SKETCH_AGG",
        "HLL_UNION_AGG",
        "HLL_SKETCH_ESTIMATE",
        "HLL_UNION",
    ]
)
_SHOW_ONE_VALUE = frozenset(
    [
        "MIN",
        "MAX",
        "PERCENTILE",
        "PERCENTILE_CONT",
        "PERCENTILE_DISC",
        "APPROX_PERCENTILE",
        "MEDIAN",
        "COLLECT_LIST",
        "COLLECT_SET",
        "LAG",
        "LEAD",
    ]
)
_QUALIFY = frozenset({"AVG", "COUNT", "SUM"})

behaviour(
    "CUS-49",
    "Under minimum aggregation thresholds and comparison controls there still are CTEs, subqueries in FROM, VALUES, CACHE TABLE, hints, all joins but semi- "
    "and anti-joins, UNION, LIMIT, IN, LIKE, RLIKE, BETWEEN, IS TRUE, IS DISTINCT FROM, and the aggregates AVG, COUNT, SUM, MIN, MAX, STDDEV, VARIANCE, "
    "SKEWNESS, APPROX_COUNT_DISTINCT, PERCENTILE, APPROX_PERCENTILE, MEDIAN, COLLECT_LIST and COLLECT_SET with their relatives.",
    source="user guide: SQL capabilities for minimum aggregation and comparison controls",
    status=DOCUMENTED,
)


def thresholds(table: Table) -> Sequence[Mapping[str, Any]]:
    """Return the minimum aggregation thresholds of a table, of which the service takes one."""
    found: Sequence[Mapping[str, Any]] | None = table.policy.get("aggregation_thresholds")
    return found or ()


def is_controlled(table: Table) -> bool:
    """Whether a table has minimum aggregation thresholds or comparison controls."""
    return bool(thresholds(table)) or table.policy.get("comparison_controls") is not None


@rule(
    "CUS-48",
    source="user guide: SQL capabilities for minimum aggregation and comparison controls",
    status=DOCUMENTED,
    answer="FAILED MALFORMED_QUERY",
)
def sql_is_narrow(parsed: ParsedQuery, tables: Iterable[Table]) -> None:
    """With a table that has minimum aggregation thresholds or comparison controls, a query has no EXISTS, CUBE, ROLLUP, GROUPING SETS, CLUSTER BY,
    DISTRIBUTE BY, SORT BY, LATERAL, PIVOT, WITH RECURSIVE, semi- or anti-join, INTERSECT, EXCEPT, OFFSET or `<=>`, spelt IS NOT DISTINCT FROM or not; and
    none of the functions ANY_VALUE, BOOL_AND, BOOL_OR, FIRST, LAST, NTH_VALUE, CUME_DIST, PERCENT_RANK, NTILE, ARRAY_EXCEPT, TO_CHAR, TO_NUMBER,
    DAYOFYEAR, DATE_ADD, ADD_MONTHS, TRUNCATE, CBRT, PI, RADIANS, DEGREES, REVERSE, TRANSLATE, REGEXP_COUNT, REGEXP_INSTR, SPLIT_PART, nor those of
    trigonometry, encryption and HyperLogLog.
    """
    controlled = next(filter(is_controlled, tables), None)
    if controlled is None:
        return
    for statement in parsed.trees:
        for node in statement.walk(bfs=False):
            for found in _left_out(node):
                raise malformed(
                    f"{found} is not supported with the minimum aggregation thresholds or comparison controls of table {controlled.name}",
                    node,
                    table=controlled.name,
                )


def _left_out(node: exp.Expr) -> Iterator[str]:
    construct = _CONSTRUCTS.get(type(node))
    if construct is not None:
        yield construct
    if isinstance(node, exp.Join) and node.kind in ("SEMI", "ANTI"):
        yield f"{node.kind} JOIN"
    if isinstance(node, exp.With) and node.args.get("recursive"):
        yield "WITH RECURSIVE"
    if (name := function_name(node)) in _FUNCTIONS:
        yield str(name)


@rule(
    "CUS-51",
    source="user guide: SQL capabilities for minimum aggregation and comparison controls",
    status=DOCUMENTED,
    answer="FAILED MALFORMED_QUERY",
)
def values_stand_beside_counts(resolution: Resolution) -> None:
    """Under a minimum aggregation threshold, the final SELECT has MIN, MAX, a percentile, MEDIAN, COLLECT_LIST, COLLECT_SET, LAG or LEAD only beside AVG,
    COUNT or SUM, with or without a window: they show the values of single rows.
    """
    tables = TablesBehind(resolution)
    for select in resolution.final.selects:
        controlled = next((table for table in tables.select(select) if thresholds(table)), None)
        if controlled is None:
            continue
        parts = [part for item in select.node.expressions for part in expression(item)]
        functions = {name: part for part in parts if (name := function_name(part)) is not None}
        shown = [name for name in functions if name in _SHOW_ONE_VALUE]
        if shown and _QUALIFY.isdisjoint(functions):
            raise malformed(
                f"Function(s) [{', '.join(shown)}] must be combined with AVG, COUNT or SUM under the minimum aggregation threshold of table "
                f"{controlled.name}",
                functions[shown[0]],
                table=controlled.name,
            )
