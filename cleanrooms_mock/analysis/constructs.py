"""Looking through a query for what the service's SQL doesn't have: each node as :mod:`cleanrooms_mock.analysis.grammar` lists it, and where it may stand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlglot import exp

from cleanrooms_mock.analysis.cast_types import check_type
from cleanrooms_mock.analysis.clauses import (
    caching_is_for_custom,
    check_at_index,
    check_join,
    check_keys,
    check_limit,
    check_ordered,
    check_select,
    check_set_operation,
    check_table,
)
from cleanrooms_mock.analysis.functions import AGGREGATES, FUNCTIONS, WINDOW_FUNCTIONS, function_name
from cleanrooms_mock.analysis.grammar import OTHER_NODES, PARTS, refuse_node, refuse_part
from cleanrooms_mock.analysis.hints import check_hints
from cleanrooms_mock.analysis.identifiers import check_name
from cleanrooms_mock.analysis.literals import check_interval, check_number, check_typed_literal, read_dates
from cleanrooms_mock.analysis.parameters import parameter_is_bound
from cleanrooms_mock.analysis.statements import ParsedQuery
from cleanrooms_mock.analysis.syntax import construct_exists, text_is_sql
from cleanrooms_mock.analysis.windows import check_window

# Of these a long text makes a deep tree, though nothing in it is nested.
_FLAT = {exp.And, exp.Or, exp.Union, exp.Except, exp.Intersect, exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Mod, exp.DPipe}
_DEPTH = 1000


def check_text(parsed: ParsedQuery, rule_type: str = "CUSTOM") -> list[exp.Expr]:
    """Refuse a query that is built of something that the service's SQL doesn't have.

    Literals of dates, times and intervals in forms beyond Spark's are put into Spark's on the way.

    :param parsed: with its parameters bound.
    :param rule_type: of the tables that it reads.
    :return: the functions that it calls, for :func:`cleanrooms_mock.analysis.functions.check_calls`.
    """
    checker = _Checker(dollars=rule_type == "CUSTOM")
    for query in parsed.cached.values():
        if rule_type != "CUSTOM":
            caching_is_for_custom(rule_type, query)
        checker.check(query)
    checker.check(parsed.statement)
    return checker.calls


class _Checker:
    """A walk through queries."""

    def __init__(self, *, dollars: bool) -> None:
        self.calls: list[exp.Expr] = []
        self._dollars = dollars
        self._good: set[tuple[str, bool, bool]] = set()

    def check(self, query: exp.Expr) -> None:
        """Look at each node of ``query``, in the order of the text."""
        steps: list[exp.Expr] = [query]
        depths = [0]
        take, put, calls, dollars = steps.pop, steps.append, self.calls, self._dollars
        node_class = exp.Expr
        parts_of, handler_of, good = PARTS.get, _HANDLERS.get, self._good
        while steps:
            node = take()
            kind = node.__class__
            depth = depths.pop()
            if kind not in _FLAT:
                depth += 1
                if depth > _DEPTH:
                    text_is_sql("it is nested too deeply", node)
            parts = parts_of(kind)
            meta = node._meta
            if meta is not None and "function" in meta:
                calls.append(node)
                if meta["function"] not in FUNCTIONS and kind not in OTHER_NODES:
                    # It will be refused, and what is in it may be built as for no other.
                    continue
                if parts is None and kind in OTHER_NODES and not isinstance(node, exp.AtTimeZone):
                    refuse_node(node)
                _check_call(node, meta["function"])
                parts = None
            elif parts is None:
                refuse_node(node)
            if kind is exp.Identifier:
                of_table = node.parent.__class__ is exp.Table
                name = node.args["this"], node.args["quoted"], of_table
                if name not in good:
                    check_name(node, of_table=of_table, dollars=dollars)  # type: ignore[arg-type]
                    good.add(name)
                continue
            handle = handler_of(kind)
            if handle is not None and handle(node):
                continue
            for part, value in reversed(node.args.items()):
                if value is None or value is False or value == []:
                    continue
                if parts is not None and part not in parts:
                    refuse_part(node, part)
                if value.__class__ is list:
                    for item in reversed(value):
                        if isinstance(item, node_class):
                            put(item)
                            depths.append(depth)
                elif isinstance(value, node_class):
                    put(value)
                    depths.append(depth)


# Each of these looks at one kind of node, and says whether what is below it has been looked at too.


def _check_call(node: exp.Expr, name: str) -> None:
    if name in WINDOW_FUNCTIONS or name in AGGREGATES:
        return
    if node.args.get("this").__class__ is exp.Distinct:
        construct_exists(f"DISTINCT in {name}", node)
    read_dates(name, node)


def _any(node: exp.Expr) -> bool:
    if not isinstance(node.parent, exp.EQ) or not isinstance(node.this, exp.Subquery | exp.Select):
        construct_exists("ANY that isn't `= ANY (subquery)`", node)
    return False


def _exists(node: exp.Expr) -> bool:
    if not isinstance(node.this, exp.Query):
        construct_exists("EXISTS of something else than a subquery", node)
    return False


def _is(node: exp.Expr) -> bool:
    if not isinstance(node.expression, exp.Null | exp.Boolean):
        text_is_sql("behind IS stands something else than NULL, TRUE, FALSE, UNKNOWN or DISTINCT FROM", node)
    return False


def _star(node: exp.Expr) -> bool:
    of = node.parent.parent if isinstance(node.parent, exp.Column) else node.parent
    if of is None or not (isinstance(of, exp.Select) or function_name(of) == "COUNT"):
        construct_exists("A * in an expression", node)
    return False


def _literal(node: exp.Expr) -> bool:
    if not node.args["is_string"]:
        check_number(node)
    return True


def _dot(node: exp.Expr) -> bool:
    if isinstance(node.expression, exp.Func):
        # The name of a function with that of a database.
        node.expression.meta["function"] = f"{node.this.sql()}.{node.expression.meta.get('function', '')}"
        node.expression.meta.setdefault("arguments", 0)
    return False


def _array(node: exp.Expr) -> bool:
    if "function" not in node.meta and not isinstance(node.parent, exp.VarMap):
        construct_exists("An array in brackets", node)
    return False


def _alias(node: exp.Expr) -> bool:
    alias = node.args.get("alias")
    if isinstance(alias, exp.Placeholder):
        parameter_is_bound(alias.this, alias)
    return False


def _property(node: exp.Expr) -> bool:
    if not isinstance(node.parent, exp.Struct):
        construct_exists(":=", node)
    return False


def _within_group(node: exp.Expr) -> bool:
    if node.this.meta.get("function") not in ("PERCENTILE_CONT", "PERCENTILE_DISC"):
        construct_exists("WITHIN GROUP", node)
    return False


def _cast(node: exp.Expr) -> bool:
    check_type(node.args["to"], node)
    if "literal" in node.meta:
        check_typed_literal(node)
    return False


def _data_type(node: exp.Expr) -> bool:
    if not isinstance(node.parent, exp.Cast):
        construct_exists("A type in the place of a value", node)
    return True


def _var(node: exp.Expr) -> bool:
    # Units of time are one word, and so is the ALL of LIMIT, which is looked at there.
    return True


def _hint(node: exp.Expr) -> bool:
    check_hints(node)  # type: ignore[arg-type]
    return True


def _placeholder(node: exp.Expr) -> bool:
    parameter_is_bound(node.this, node)


def _interval(node: exp.Expr) -> bool:
    check_interval(node)  # type: ignore[arg-type]
    return True


_HANDLERS: dict[type[exp.Expr], Callable[[Any], bool]] = {
    exp.Select: check_select,
    exp.Union: check_set_operation,
    exp.Except: check_set_operation,
    exp.Intersect: check_set_operation,
    exp.Table: check_table,
    exp.Join: check_join,
    exp.Limit: check_limit,
    exp.Offset: check_limit,
    exp.Any: _any,
    exp.AtIndex: check_at_index,
    exp.Exists: _exists,
    exp.Is: _is,
    exp.Dot: _dot,
    exp.Star: _star,
    exp.Group: check_keys,
    exp.Order: check_keys,
    exp.Literal: _literal,
    exp.Array: _array,
    exp.Alias: _alias,
    exp.PropertyEQ: _property,
    exp.Ordered: check_ordered,
    exp.WithinGroup: _within_group,
    exp.Cast: _cast,
    exp.TryCast: _cast,
    exp.DataType: _data_type,
    exp.Var: _var,
    exp.Hint: _hint,
    exp.Placeholder: _placeholder,
    exp.Interval: _interval,
    exp.Window: check_window,
}
