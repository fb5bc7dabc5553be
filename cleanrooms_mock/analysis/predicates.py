"""What a condition of AGGREGATION and LIST queries can be made of."""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from cleanrooms_mock.analysis.called_functions import is_constant, is_function, without_brackets
from cleanrooms_mock.analysis.walks import put_children

COMPARISONS = (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE)
ARITHMETIC = (exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Mod, exp.Neg)
_CONNECTORS = (exp.And, exp.Or, exp.Not, exp.Paren)

#: What operators are called; others are called as their nodes are.
_NAMES: dict[type[exp.Expr], str] = {
    exp.Add: "+",
    exp.Sub: "-",
    exp.Neg: "-",
    exp.Mul: "*",
    exp.Div: "/",
    exp.Mod: "%",
    exp.EQ: "=",
    exp.NEQ: "<>",
    exp.GT: ">",
    exp.GTE: ">=",
    exp.LT: "<",
    exp.LTE: "<=",
    exp.NullSafeEQ: "<=>",
    exp.NullSafeNEQ: "IS DISTINCT FROM",
    exp.RegexpLike: "RLIKE",
    exp.DPipe: "||",
    exp.IntDiv: "DIV",
    exp.Pow: "^",
    exp.Tuple: "A list of values",
    exp.Is: "IS other than IS [NOT] NULL",
    exp.Case: "CASE",
}


def conditions(condition: exp.Expr) -> Iterator[exp.Expr]:
    """Yield what AND and OR connect in a condition, in the order of the text."""
    steps = [condition]
    while steps:
        step = without_brackets(steps.pop())
        if isinstance(step, exp.And | exp.Or):
            steps += (step.expression, step.this)
        else:
            yield step


def outside_grammar(condition: exp.Expr) -> Iterator[exp.Expr]:
    """Yield what is in a WHERE beside columns, literals, brackets, arithmetic and the operators that both rules have, in the order of the text.

    The operators are =, >, <, <=, >=, <>, !=, NOT, IN, NOT IN, LIKE, BETWEEN, IS [NOT] NULL, AND and OR. What is inside what is yielded isn't looked
    into.
    """
    steps = [condition]
    while steps:
        step = steps.pop()
        if isinstance(step, exp.Column) or is_constant(step):
            continue
        if is_function(step) or not _is_known(step):
            yield step
        else:
            put_children(steps, step)


def _is_known(node: exp.Expr) -> bool:
    if isinstance(node, exp.Is):
        return isinstance(node.expression, exp.Null)
    if isinstance(node, exp.In):
        return not any(node.args.get(name) for name in ("query", "unnest", "field"))
    if isinstance(node, exp.Escape):
        return isinstance(node.this, exp.Like)
    return isinstance(node, (*COMPARISONS, *ARITHMETIC, *_CONNECTORS, exp.Like, exp.Between))


def operator_name(node: exp.Expr) -> str:
    """Return what to call an operator."""
    return _NAMES.get(type(node)) or node.key.upper()
