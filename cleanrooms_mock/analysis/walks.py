"""Walks over a tree of sqlglot's, with a stack of the nodes that are still to come."""

from __future__ import annotations

from sqlglot import exp


def put_children(steps: list[exp.Expr], node: exp.Expr) -> None:
    """Put the nodes right below one on a stack, so that the first of them is taken off first.

    It is what ``node.iter_expressions()`` does from the other end, which is too slow for what nearly every rule asks.
    """
    put, node_class = steps.append, exp.Expr
    for value in reversed(node.args.values()):
        if value.__class__ is list:
            for item in reversed(value):
                if isinstance(item, node_class):
                    put(item)
        elif isinstance(value, node_class):
            put(value)
