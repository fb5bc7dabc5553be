"""The AGGREGATION analysis rule: which tables have to be joined and how, and which functions its tables allow."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlglot import exp

from cleanrooms_mock.analysis import overlap_joins
from cleanrooms_mock.analysis.aggregation_columns import check_columns, outputs_are_grouped
from cleanrooms_mock.analysis.aggregation_query import AggregationQuery, aggregates, is_allowed, spelt
from cleanrooms_mock.analysis.aggregation_shape import shape
from cleanrooms_mock.analysis.called_functions import function_name, is_aggregate, without_brackets
from cleanrooms_mock.analysis.column_roles import Used, not_allowed, not_in_rule
from cleanrooms_mock.analysis.names import Resolution
from cleanrooms_mock.analysis.overlap_joins import Condition
from cleanrooms_mock.analysis.refusals import malformed
from cleanrooms_mock.analysis.tables import Question, Table
from cleanrooms_mock.rules import DOCUMENTED, INFERRED, SEEN, rule

__all__ = ["check", "shape"]

_GUIDE = "user guide: aggregation analysis rule"
_ANSWER = "FAILED MALFORMED_QUERY"


def check(resolution: Resolution, question: Question) -> None:
    """Refuse a query that breaks the AGGREGATION rule of a table, once :func:`shape` has let it pass.

    :raises Refusal: for the first breach, in the order of columns, joins and functions.
    """
    (select,) = resolution.final.selects
    query = AggregationQuery(resolution, select)
    outputs_are_grouped(query)
    check_columns(query)
    _check_joins(query, question.runner)
    _check_functions(query)


def _check_joins(query: AggregationQuery, runner: str) -> None:
    joins = overlap_joins.join_conditions(query.resolution, query.select)
    partners_differ(query, joins)
    tables_can_be_joined(query, joins)
    columns_can_be_joined(query, joins)
    operators_are_allowed(query, joins)
    runner_is_joined(query, runner)
    own_table_is_joined(query, runner)


@rule("AGG-35", source=_GUIDE, status=DOCUMENTED, answer=_ANSWER)
def partners_differ(query: AggregationQuery, joins: Sequence[Condition]) -> None:
    """A table is joined with other configured tables, and never with itself."""
    overlap_joins.partners_differ(joins, query.select)


@rule(
    "AGG-38",
    source="API reference: AnalysisRuleAggregation; inferred: nothing can stand in ON",
    status=INFERRED,
    answer=_ANSWER,
)
def tables_can_be_joined(query: AggregationQuery, joins: Sequence[Condition]) -> None:
    """A table whose rule has no join columns can't be joined."""
    for column in (side for condition in joins for side in condition.sides):
        if column.table is not None and not query.roles[column.table].join:
            raise not_allowed([column], f"on: table {column.table.name} has no join columns")


@rule("AGG-32", source=_GUIDE, status=DOCUMENTED, answer=_ANSWER)
def columns_can_be_joined(query: AggregationQuery, joins: Sequence[Condition]) -> None:
    """Both columns of a condition in ON are join columns of their tables; dimension and aggregate columns are refused there."""
    overlap_joins.columns_can_be_joined(joins, query.roles)


@rule(
    "AGG-34",
    source="API reference: AnalysisRuleAggregation; inferred: of both tables, and that an empty list is none",
    status=DOCUMENTED,
    answer=_ANSWER,
)
def operators_are_allowed(query: AggregationQuery, joins: Sequence[Condition]) -> None:
    """Several conditions in ON are connected by AND or OR if allowedJoinOperators of both tables have it. Without any, that is AND."""
    overlap_joins.operators_are_allowed(joins, query.roles)


@rule("AGG-36", source=f"{_GUIDE}; seen in a public lab", status=SEEN, answer=_ANSWER)
def runner_is_joined(query: AggregationQuery, runner: str) -> None:
    """A table of another member whose rule has joinRequired QUERY_RUNNER is joined to a table of the runner, directly or through others. Without joinRequired
    it can be queried alone.
    """
    for table in _requiring_join(query):
        if table.owner != runner and not overlap_joins.has_table_of(runner, query.select):
            overlap_joins.refuse_without_runner(table, query.select.node)


@rule("AGG-37", source=f"{_GUIDE}; seen in the tests of a public client", status=SEEN, answer=_ANSWER)
def own_table_is_joined(query: AggregationQuery, runner: str) -> None:
    """A table of the runner whose rule has joinRequired is joined to at least one other table, which may be the runner's too."""
    for table in _requiring_join(query):
        if table.owner == runner and not overlap_joins.has_other_table(table, query.select):
            overlap_joins.refuse_alone(table, query.select.node)


def _requiring_join(query: AggregationQuery) -> Iterator[Table]:
    return (table for table in query.tables if table.policy.get("join_required") == "QUERY_RUNNER")


def _check_functions(query: AggregationQuery) -> None:
    aggregate_functions_are_allowed(query)
    scalar_functions_are_allowed(query)
    functions_over_aggregates_are_allowed(query)


@rule("AGG-11", source="API reference: AggregateColumn", status=DOCUMENTED, answer=_ANSWER)
def aggregate_functions_are_allowed(query: AggregationQuery) -> None:
    """An aggregate function of a column is allowed if an entry of aggregateColumns has that function and that column. COUNT isn't COUNT_DISTINCT, and SUM
    isn't SUM_DISTINCT.
    """
    for node, column in aggregates(query, [*query.expressions("select"), *query.expressions("order")]):
        if not is_allowed(query, node, column):
            raise not_allowed([column], f"aggregate function {spelt(node)}")


@rule(
    "AGG-20",
    source="API reference: AnalysisRuleAggregation; inferred for two tables",
    status=DOCUMENTED,
    answer=_ANSWER,
)
def scalar_functions_are_allowed(query: AggregationQuery) -> None:
    """A scalar function of a column is one of scalarFunctions of the column's table; of columns of two tables, of both; without a column, of all tables of the
    query.
    """
    for node, _ in query.scalars:
        if not any(map(is_aggregate, node.walk())):
            columns = query.columns(node)
            _refuse_scalar(query, node, columns)
            if not columns:
                for table in query.tables:
                    if not table.is_id_mapping and function_name(node) not in query.roles[table].scalars:
                        raise not_in_rule(f"Scalar function {function_name(node)}", "AGGREGATION", [table], node)


@rule(
    "AGG-22",
    source="API reference: AnalysisRuleAggregation; the guide has no function on another",
    status=DOCUMENTED,
    answer=_ANSWER,
)
def functions_over_aggregates_are_allowed(query: AggregationQuery) -> None:
    """A scalar function of scalarFunctions may be put over an aggregate function, with literals beside it."""
    for node, _ in query.scalars:
        if any(map(is_aggregate, node.walk())):
            beside = [part for part in node.iter_expressions() if isinstance(without_brackets(part), exp.Column)]
            if beside:
                raise not_allowed(
                    query.columns(beside[0]), f"scalar function {function_name(node)} of an aggregate function"
                )
            _refuse_scalar(query, node, query.columns(node))


def _refuse_scalar(query: AggregationQuery, node: exp.Expr, columns: Sequence[Used]) -> None:
    name = function_name(node)
    wrong = [column for column in columns if column.table is None or name not in query.roles[column.table].scalars]
    if wrong:
        table = wrong[0].table
        names = ", ".join(dict.fromkeys(column.name for column in wrong))
        raise malformed(
            f"Scalar function {name} is not allowed on column(s) [{names}]"
            + ("" if table is None else f" of table {table.name}"),
            node,
            table=None if table is None else table.name,
            column=wrong[0].name,
        )
