"""Which nodes of an expression are functions, and what they were called as."""

from __future__ import annotations

from sqlglot import exp

from cleanrooms_mock.analysis import functions

#: Names that are another's.
_SAME = {"CEIL": "CEILING", "SUBSTR": "SUBSTRING"}
#: What may stand around a call, inside of its OVER.
MODIFIERS = (exp.Filter, exp.WithinGroup, exp.IgnoreNulls, exp.RespectNulls)
_AGGREGATES: dict[type[exp.Expr], str] = {exp.Count: "COUNT", exp.Sum: "SUM", exp.Avg: "AVG"}


def without_brackets(node: exp.Expr) -> exp.Expr:
    """Return an expression without the brackets around it."""
    while isinstance(node, exp.Paren):
        node = node.this
    return node


def without_modifiers(node: exp.Expr) -> exp.Expr:
    """Return a call without FILTER, WITHIN GROUP, IGNORE NULLS and RESPECT NULLS around it."""
    while isinstance(node, MODIFIERS):
        node = node.this
    return node


def is_function(node: exp.Expr) -> bool:
    """Whether a node is a call, CASE or a cast, in whatever form it is written; a literal such as ``DATE '2026-01-01'`` is none."""
    if "literal" in node.meta:
        return False
    if functions.function_name(node) is not None:
        return True
    return isinstance(node, exp.Func) and not isinstance(node, exp.Binary | exp.Connector | exp.Predicate)


def function_name(node: exp.Expr) -> str:
    """Return what a function was called as, in capitals; of several names for the same, the first in the service model."""
    name = functions.function_name(node)
    if name is None:
        # Written as `x::type`, or a part of CASE.
        return "CAST" if isinstance(node, exp.Cast) else node.key.upper()
    return _SAME.get(name, name)


def is_aggregate(node: exp.Expr) -> bool:
    """Whether a node is an aggregate function."""
    return isinstance(node, exp.AggFunc)


def aggregate_name(node: exp.Expr) -> str:
    """Return the name of an aggregate function as ``AggregateFunctionName`` spells it, such as COUNT_DISTINCT."""
    name = _AGGREGATES.get(type(node)) or function_name(node)
    return f"{name}_DISTINCT" if isinstance(node.this, exp.Distinct) else name


def aggregated(node: exp.Expr) -> exp.Column | None:
    """Return the one column that an aggregate function is of, ``None`` if it is of anything else."""
    argument = node.this
    if node.args.get("expressions"):
        return None
    if isinstance(argument, exp.Distinct):
        if len(argument.expressions) != 1 or argument.args.get("on") is not None:
            return None
        argument = argument.expressions[0]
    argument = without_brackets(argument) if isinstance(argument, exp.Expr) else argument
    return argument if isinstance(argument, exp.Column) and not isinstance(argument.this, exp.Star) else None


def is_literal(node: exp.Expr) -> bool:
    """Whether a node is a string, or a number with or without a sign."""
    node = without_brackets(node)
    if isinstance(node, exp.Neg):
        node = without_brackets(node.this)
        return isinstance(node, exp.Literal) and not node.is_string
    return isinstance(node, exp.Literal)


def is_number(node: exp.Expr) -> bool:
    """Whether a node is a number with or without a sign."""
    return is_literal(node) and not without_brackets(node).is_string


def is_constant(node: exp.Expr) -> bool:
    """Whether a node is a literal of any type."""
    if isinstance(node, exp.Interval):
        return node.this is not None and is_literal(node.this)
    return is_literal(node) or isinstance(node, exp.Boolean | exp.Null) or "literal" in node.meta
