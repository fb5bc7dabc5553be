"""What the AGGREGATION analysis rule lets be done with the columns of its tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NoReturn

from sqlglot import exp

from cleanrooms_mock.analysis.aggregation_query import (
    AggregationQuery,
    aggregates,
    function_around,
    is_allowed,
    spelt,
)
from cleanrooms_mock.analysis.called_functions import (
    function_name,
    is_aggregate,
    is_function,
    is_literal,
    without_brackets,
)
from cleanrooms_mock.analysis.column_roles import Used, must_be_grouped, not_allowed, not_in_rule
from cleanrooms_mock.analysis.names import Clause
from cleanrooms_mock.rules import DOCUMENTED, INFERRED, rule

_GUIDE = "user guide: aggregation analysis rule"
_ANSWER = "FAILED MALFORMED_QUERY"
_IN_WORDS: dict[Clause, str] = {"group": "group by", "order": "order by"}


@rule("AGG-07", source=f"{_GUIDE}; inferred from Spark", status=DOCUMENTED, answer=_ANSWER)
def outputs_are_grouped(query: AggregationQuery) -> None:
    """What is selected beside aggregate functions and literals is in GROUP BY in the same form. What is grouped by needn't be selected."""
    grouped = query.grouped()
    missing = []
    for item in query.expressions("select"):
        if not any(map(is_aggregate, item.walk())) and query.form(item) not in grouped:
            missing += query.columns(item)
    if missing:
        raise must_be_grouped(missing)


def check_columns(query: AggregationQuery) -> None:
    scalar_functions_take_dimensions(query)
    clauses: tuple[Clause, ...] = ("select", "where", "group")
    for clause in clauses:
        columns = [query.used[id(column)] for found, column in query.select.columns if found == clause]
        wrong = [column for column in columns if not _may_stand(query, column)]
        if wrong:
            _refuse_columns(query, wrong, clause)
    having_has_allowed_functions(query)
    order_by_has_outputs(query)


def _may_stand(query: AggregationQuery, column: Used) -> bool:
    around = function_around(column.node)
    if around is not None and is_aggregate(around) and column.table is not None:
        return column.name in query.roles[column.table].functions or query.is_free(column)
    return query.is_free(column)


def _refuse_columns(query: AggregationQuery, wrong: Sequence[Used], clause: Clause) -> NoReturn:
    first = wrong[0]
    roles = None if first.table is None else query.roles[first.table]
    where = _IN_WORDS.get(clause, clause)
    item = first.node.parent
    if clause == "select" and isinstance(item, exp.Alias) and _names_a_dimension(query, item.alias.lower()):
        refuse_behind_alias(wrong, where)
    if roles is not None and first.name in roles.join:
        refuse_join_columns(wrong, where)
    if roles is not None and first.name in roles.functions:
        refuse_aggregate_columns(wrong, where)
    if clause == "where":
        refuse_in_where(wrong)
    refuse_columns_without_role(wrong, where)


def _names_a_dimension(query: AggregationQuery, name: str) -> bool:
    return any(name in query.roles[table].free for table in query.tables)


@rule("AGG-13", source=_GUIDE, status=DOCUMENTED, answer=_ANSWER)
def refuse_columns_without_role(columns: Sequence[Used], where: str) -> NoReturn:
    """Dimension columns may stand in SELECT, WHERE, GROUP BY and ORDER BY. A column that the rule names nowhere can't be used, though it is an allowed
    column of its table.
    """
    raise not_allowed(columns, where)


@rule("AGG-14", source=_GUIDE, status=DOCUMENTED, answer=_ANSWER)
def refuse_join_columns(columns: Sequence[Used], where: str) -> NoReturn:
    """Join columns stand in ON only. One that is an aggregate column too may stand inside that aggregate function."""
    raise not_allowed(columns, where)


@rule("AGG-15", source=_GUIDE, status=DOCUMENTED, answer=_ANSWER)
def refuse_aggregate_columns(columns: Sequence[Used], where: str) -> NoReturn:
    """Aggregate columns stand inside aggregate functions, and nowhere bare."""
    raise not_allowed(columns, where)


@rule("AGG-16", source="inferred from how SQL resolves names", status=INFERRED, answer=_ANSWER)
def refuse_behind_alias(columns: Sequence[Used], where: str) -> NoReturn:
    """A column is judged by the rule of its own table, though another table has one of the same name, and though its alias is the name of a column that
    would be allowed.
    """
    raise not_allowed(columns, where)


@rule("AGG-40", source=_GUIDE, status=DOCUMENTED, answer=_ANSWER)
def refuse_in_where(columns: Sequence[Used]) -> NoReturn:
    """WHERE has conditions over dimension columns of all tables, allowed scalar functions of them, literals and arithmetic, by =, >, <, <=, >=, <>, !=, NOT,
    IN, NOT IN, LIKE and IS [NOT] NULL, with AND, OR and brackets. Two dimensions can be compared.
    """
    raise not_allowed(columns, "where")


@rule("AGG-21", source=_GUIDE, status=DOCUMENTED, answer=_ANSWER)
def scalar_functions_take_dimensions(query: AggregationQuery) -> None:
    """A scalar function takes dimension columns, strings and numbers. There is no scalar function inside another, and nothing else is computed inside one."""
    for node, clause in query.scalars:
        where = f"scalar function {function_name(node)} in {_IN_WORDS.get(clause, clause)}"
        for argument in map(without_brackets, node.iter_expressions()):
            if isinstance(argument, exp.Column):
                column = query.used[id(argument)]
                if not query.is_free(column):
                    raise not_allowed([column], where)
            elif not (is_aggregate(argument) or is_literal(argument) or isinstance(argument, exp.Var | exp.DataType)):
                what = f"An argument other than a column, a string or a number of {where}"
                raise not_in_rule(what, "AGGREGATION", query.tables, argument)


@rule("AGG-42", source=_GUIDE, status=DOCUMENTED, answer=_ANSWER)
def having_has_allowed_functions(query: AggregationQuery) -> None:
    """HAVING compares aggregate functions of one column that the column's table allows, selected or not, with numbers, by =, >, <, <=, >=, <> and !=, with
    AND and OR.
    """
    having = query.select.node.args.get("having")
    for node, column in aggregates(query, [having] if having is not None else []):
        if not is_allowed(query, node, column):
            raise not_allowed([column], f"aggregate function {spelt(node)} in having")


@rule("AGG-44", source=f"{_GUIDE}; inferred for aliases, ordinals and NULLS", status=DOCUMENTED, answer=_ANSWER)
def order_by_has_outputs(query: AggregationQuery) -> None:
    """ORDER BY has what the select list may have: dimensions that are grouped by, scalar functions of them, and aggregate functions; or aliases of that
    list. It has no ordinals, no other expressions, and neither NULLS FIRST nor NULLS LAST.
    """
    order = query.select.node.args.get("order")
    aliases = {item.alias.lower() for item in query.select.node.expressions if isinstance(item, exp.Alias)}
    grouped = query.grouped()
    for ordered in order.expressions if order is not None else ():
        if "nulls" in ordered.meta:
            raise not_in_rule("NULLS FIRST or LAST in order by", "AGGREGATION", query.tables, ordered)
        item = without_brackets(ordered.this)
        if isinstance(item, exp.Column) and not item.table and item.name.lower() in aliases:
            continue
        if not (isinstance(item, exp.Column) or is_function(item)):
            what = "Anything but columns, aliases and functions in order by"
            raise not_in_rule(what, "AGGREGATION", query.tables, ordered)
        wrong = [column for column in query.columns(item) if not _may_stand(query, column)]
        if wrong and wrong[0].table is not None and wrong[0].name in query.roles[wrong[0].table].join:
            refuse_join_columns(wrong, "order by")
        if wrong:
            raise not_allowed(wrong, "order by")
        if not any(map(is_aggregate, item.walk())) and query.columns(item) and query.form(item) not in grouped:
            raise must_be_grouped(query.columns(item))
