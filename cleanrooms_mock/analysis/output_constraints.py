"""The output constraints of the AGGREGATION analysis rule: rows that stand for too few are dropped, without a word."""

from __future__ import annotations

from sqlglot import exp

from cleanrooms_mock.analysis.names import Resolution, Select
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


#: The name of a relation, and a column of it.
QualifiedColumn = tuple[str, str]


def constrained(resolution: Resolution) -> exp.Expr:
    """Return a copy of the final statement, with the output constraints of all its tables in its HAVING.

    :param resolution: of a query that the AGGREGATION rule has let pass.
    """
    (select,) = resolution.final.selects
    statement = select.node.copy()
    conditions = [_at_least(*place, minimum) for place, minimum in _minimums(resolution, select).items()]
    having = statement.args.get("having")
    if having is not None:
        conditions.insert(0, having.this)
    if conditions:
        statement.set("having", exp.Having(this=exp.and_(*conditions)))
    return statement


def _minimums(resolution: Resolution, select: Select) -> dict[QualifiedColumn, int]:
    """Return the least number of distinct values by relation and column.

    Of columns that a join has made equal one is counted, for the largest minimum, and rather one that the query counts anyway: to count is what
    a large query takes its time for.
    """
    classes = _equal_columns(resolution, select)
    counted = {
        _place(resolution, aggregate.this.expressions[0])
        for item in select.node.expressions
        for aggregate in item.find_all(exp.Count)
        if isinstance(aggregate.this, exp.Distinct)
    }
    found: dict[QualifiedColumn, int] = {}
    for relation in select.relations:
        policy = {} if relation.table is None else relation.table.policy
        for entry in policy.get("output_constraints") or ():
            place = relation.name, entry["column_name"].lower()
            alike = classes.get(place, [place])
            place = next((one for one in alike if one in counted), alike[0])
            found[place] = max(found.get(place, 0), entry["minimum"])
    return found


def _equal_columns(resolution: Resolution, select: Select) -> dict[QualifiedColumn, list[QualifiedColumn]]:
    """Return for each column that a join compares all those that it is equal to in every row, itself among them."""
    classes: dict[QualifiedColumn, list[QualifiedColumn]] = {}
    for join in select.node.args.get("joins") or ():
        pending = [join.args["on"]]
        while pending:
            condition = pending.pop().unnest()
            if isinstance(condition, exp.And):
                pending += [condition.this, condition.expression]
            elif isinstance(condition, exp.EQ):
                sides = [_place(resolution, side) for side in (condition.this, condition.expression)]
                # Of one type, since a string and a number may be equal where two strings differ.
                if None not in sides and _types(resolution, condition) == 1:
                    together = [place for side in sides if side is not None for place in classes.get(side, [side])]
                    together = list(dict.fromkeys(together))
                    classes.update(dict.fromkeys(together, together))
    return classes


def _place(resolution: Resolution, column: exp.Expr) -> QualifiedColumn | None:
    reference = resolution.references.get(id(column.unnest()))
    if reference is None or reference.relation is None or reference.base is None:
        return None
    return reference.relation.name, reference.base.column


def _types(resolution: Resolution, condition: exp.EQ) -> int:
    """Return how many types the two sides of a condition have."""
    bases = [resolution.references[id(side.unnest())].base for side in (condition.this, condition.expression)]
    return len({base.table.columns[base.column].lower() for base in bases if base is not None})


def _at_least(relation: str, column: str, minimum: int) -> exp.Expr:
    # With its qualifier the column can't be taken for an alias of the SELECT list, which HAVING may see too.
    counted = exp.Distinct(expressions=[exp.column(column, relation, quoted=True)])
    return exp.GTE(this=exp.Count(this=counted, big_int=True), expression=exp.Literal.number(minimum))
