"""The output constraints of the AGGREGATION analysis rule: rows that stand for too few are dropped, without a word."""

from __future__ import annotations

from sqlglot import exp

from cleanrooms_mock.analysis.names import Relation, Resolution
from cleanrooms_mock.rules import DOCUMENTED, INFERRED, SEEN, behaviour

_GUIDE = "user guide: aggregation analysis rule"

behaviour(
    "AGG-50",
    "Output constraints refuse no query: they drop rows of the result. For each constraint of each table, the rows behind a row of the result, after JOIN "
    "and WHERE, have at least the minimum of distinct values in the constraint's column, or the row isn't returned.",
    source=f"{_GUIDE}; seen in the tests of a public client",
    status=SEEN,
)
behaviour(
    "AGG-51",
    "A constraint holds though the query doesn't mention its column, which needn't be an aggregate column.",
    source=f"{_GUIDE}; seen in the tests of a public client",
    status=SEEN,
)
behaviour(
    "AGG-52",
    "NULL is no distinct value to a constraint; its type is always COUNT_DISTINCT.",
    source="API reference: AggregationConstraint; inferred from COUNT(DISTINCT …)",
    status=INFERRED,
)
behaviour(
    "AGG-53",
    "All constraints hold, of one table and of all tables: on columns that are joined the largest minimum decides.",
    source="user guide: analysis rules",
    status=DOCUMENTED,
)
behaviour(
    "AGG-54",
    "Without GROUP BY the one row is dropped as others are; the query succeeds with an empty result.",
    source="user guide: analysis rules; inferred for the empty result",
    status=DOCUMENTED,
)
behaviour(
    "AGG-55",
    "HAVING and ORDER BY work on true values. A condition of HAVING comes on top of the constraints, and lowers none.",
    source="inferred: both filters apply",
    status=INFERRED,
)


def constrained(resolution: Resolution) -> exp.Expr:
    """Return a copy of the final statement, with the output constraints of all its tables in its HAVING.

    :param resolution: of a query that the AGGREGATION rule has let pass.
    """
    (select,) = resolution.final.selects
    statement = select.node.copy()
    conditions = [condition for relation in select.relations for condition in _constraints(relation)]
    having = statement.args.get("having")
    if having is not None:
        conditions.insert(0, having.this)
    if conditions:
        statement.set("having", exp.Having(this=exp.and_(*conditions)))
    return statement


def _constraints(relation: Relation) -> list[exp.Expr]:
    constraints = relation.table.policy.get("output_constraints") or () if relation.table is not None else ()
    return [_at_least(relation.name, entry["column_name"].lower(), entry["minimum"]) for entry in constraints]


def _at_least(relation: str, column: str, minimum: int) -> exp.Expr:
    # With its qualifier the column can't be taken for an alias of the SELECT list, which HAVING may see too.
    counted = exp.Distinct(expressions=[exp.column(column, relation, quoted=True)])
    return exp.GTE(this=exp.Count(this=counted, big_int=True), expression=exp.Literal.number(minimum))
