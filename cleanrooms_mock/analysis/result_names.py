"""What the columns of a result are called."""

from __future__ import annotations

from sqlglot import exp
from sqlglot.dialects.spark import Spark

from cleanrooms_mock.analysis.names import Output, Resolution

_IN_BRACKETS = (exp.Binary, exp.Between, exp.In, exp.Not)


def result_names(resolution: Resolution, rule_type: str) -> list[str]:
    """Return the names of the columns that a query gives, in their order."""
    return [_name(resolution, output, rule_type) for output in resolution.final.outputs]


def _name(resolution: Resolution, output: Output, rule_type: str) -> str:
    if output.name or output.item is None:
        return output.item.alias if isinstance(output.item, exp.Alias) else output.name
    item = output.item.unalias()
    argument = next(iter(item.find_all(exp.Column)), None)
    if rule_type == "AGGREGATION" and isinstance(item, exp.AggFunc) and argument is not None:
        base = resolution.reference(argument).base
        if base is not None:
            return f"{item.key}_{base.table.name}_{base.column}"
    return _in_the_words_of_spark(item)


def _in_the_words_of_spark(item: exp.Expr) -> str:
    root = exp.Paren(this=item.copy())
    for node in reversed(list(root.this.walk())):
        plain = _plain(node)
        if plain is not node:
            node.replace(plain)
    return Spark().generate(root.this, copy=False, normalize_functions="lower", comments=False)


def _plain(node: exp.Expr) -> exp.Expr:
    """Return a node as Spark prints it: operators in brackets, names without what qualifies them, strings without quotes."""
    if isinstance(node, exp.Paren):
        return node.this if isinstance(node.this, exp.Paren) else node
    if isinstance(node, exp.Column) and not isinstance(node.this, exp.Star):
        return exp.column(exp.to_identifier(node.name.lower(), quoted=False))
    if isinstance(node, exp.Star) and isinstance(node.parent, exp.Count):
        return exp.Literal.number(1)
    if isinstance(node, exp.Literal) and node.is_string:
        return exp.Var(this=node.this)
    if isinstance(node, exp.Subquery):
        return exp.Var(this="scalarsubquery()")
    if isinstance(node, _IN_BRACKETS) and not isinstance(node, exp.Dot):
        return exp.Paren(this=node.copy())
    return node
