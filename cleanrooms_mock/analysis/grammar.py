"""What a tree may be built of.

A tree has the kinds of nodes that sqlglot knows of all dialects. Those of the service's, and of each the parts that it has there, are listed here; whatever
else a text brings is refused, so nothing gets by because nobody has thought of it.
"""

from __future__ import annotations

from typing import NoReturn

from sqlglot import exp

from cleanrooms_mock.analysis.clauses import CLAUSES, clause_exists, join_exists
from cleanrooms_mock.analysis.functions import function_exists
from cleanrooms_mock.analysis.syntax import construct_exists
from cleanrooms_mock.rules import DOCUMENTED, behaviour

behaviour(
    "SQL-40",
    "Operators are those of Spark that the reference lists, and `==` beside `=`, `!x` beside NOT, `~~` and `!~~` beside LIKE, IS [NOT] UNKNOWN beside IS [NOT] "
    "NULL, `= ANY (subquery)`, and `^`, which is a power. LIMIT takes a number, 0 too, or ALL.",
    source="SQL reference: operators, conditions, LIMIT",
    status=DOCUMENTED,
)


_OPERATORS = (
    exp.Neg, exp.Not, exp.And, exp.Or, exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Mod, exp.IntDiv, exp.Pow, exp.DPipe, exp.EQ, exp.NEQ, exp.NullSafeEQ,
    exp.NullSafeNEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Is, exp.Like, exp.ILike, exp.RegexpLike, exp.Escape,
)  # fmt: skip
_MODIFIERS = "with_ order limit offset"
#: The nodes that there may be without the name of a function, and which parts of each.
PARTS: dict[type[exp.Expr], frozenset[str]] = {
    node: frozenset(parts.split())
    for nodes, parts in (
        (exp.Select, f"hint distinct expressions from_ joins where group having windows {_MODIFIERS}"),
        ((exp.Union, exp.Except, exp.Intersect), f"this expression distinct {_MODIFIERS}"),
        (exp.Subquery, f"this alias joins {_MODIFIERS}"),
        (exp.With, "expressions"),
        ((exp.CTE, exp.Alias), "this alias"),
        (exp.TableAlias, "this columns"),
        ((exp.From, exp.Where, exp.Having, exp.Paren, exp.Any, exp.Exists), "this"),
        (exp.Join, "this side kind method on using"),
        (exp.Group, "expressions rollup cube grouping_sets"),
        ((exp.Rollup, exp.Cube, exp.GroupingSets, exp.Order, exp.Tuple, exp.Distinct), "expressions"),
        (exp.Ordered, "this desc nulls_first"),
        ((exp.Limit, exp.Offset), "expression"),
        (exp.Values, "expressions alias"),
        (exp.Table, "this db catalog alias joins"),
        (exp.AtIndex, "this expression"),
        (exp.Column, "this table db catalog"),
        (exp.Identifier, "this quoted"),
        (exp.Star, ""),
        (exp.Dot, "this expression"),
        (exp.Bracket, "this expressions"),
        ((exp.Literal, exp.Boolean), "this is_string"),
        (exp.Null, ""),
        (_OPERATORS, "this expression negate safe typed"),
        (exp.In, "this expressions query"),
        (exp.Between, "this low high"),
        (exp.Case, "this ifs default"),
        (exp.If, "this true"),
        ((exp.Cast, exp.TryCast), "this to safe"),
        (exp.Interval, "this unit fraction_in_string"),
        (exp.Window, "this partition_by order spec alias over"),
        (exp.WindowSpec, "kind start start_side end end_side"),
        (exp.WithinGroup, "this expression"),
        ((exp.IgnoreNulls, exp.RespectNulls), "this"),
        (exp.PropertyEQ, "this expression"),
        (exp.TsOrDsToDate, "this safe"),
        (exp.Array, "expressions"),
        (exp.Placeholder, "this"),
        (exp.Hint, "expressions"),
        (exp.DataType, "this expressions nested kind values"),
        (exp.Var, "this"),
    )
    for node in (nodes if isinstance(nodes, tuple) else (nodes,))
}  # fmt: skip
#: What messages call parts of nodes that other dialects have.
_CONSTRUCTS = {
    "laterals": "LATERAL VIEW",
    "pivots": "PIVOT",
    "qualify": "QUALIFY",
    "recursive": "WITH RECURSIVE",
    "sample": "TABLESAMPLE",
    "version": "Time travel",
    "into": "SELECT … INTO",
}
#: What they call nodes of other dialects.
OTHER_NODES = {
    exp.Lateral: "LATERAL",
    exp.QueryTransform: "TRANSFORM",
    exp.TableSample: "TABLESAMPLE",
    exp.Pivot: "PIVOT",
    exp.Version: "Time travel",
    exp.AtTimeZone: "AT TIME ZONE",
    exp.Unnest: "UNNEST",
    exp.Filter: "FILTER",
    exp.SimilarTo: "SIMILAR TO",
    exp.BitwiseLeftShift: "<<",
    exp.BitwiseRightShift: ">>",
    exp.Slice: "A slice of an array",
    exp.Lambda: "A lambda",
}


def refuse_node(node: exp.Expr) -> NoReturn:
    """Refuse a kind of node that the service's SQL doesn't have."""
    for kind, construct in OTHER_NODES.items():
        if isinstance(node, kind):
            construct_exists(construct, node)
    if isinstance(node, exp.CurrentUser | exp.SessionUser | exp.CurrentRole):
        function_exists(node.sql_name(), node)
    construct_exists(node.key.upper(), node)


def refuse_part(node: exp.Expr, part: str) -> NoReturn:
    """Refuse a part of a node that it doesn't have in the service's SQL."""
    if part in _CONSTRUCTS:
        construct_exists(_CONSTRUCTS[part], node)
    if part in CLAUSES:
        clause_exists(CLAUSES[part], node)
    if isinstance(node, exp.Join):
        join_exists(f"{part.upper()} JOIN", node)
    construct_exists(f"{node.key.upper()} with {part.strip('_').upper().replace('_', ' ')}", node)
