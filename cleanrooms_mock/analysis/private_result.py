"""Differential privacy in the last SELECT: it gives aggregates that noise can be put on, and no users."""

from __future__ import annotations

from sqlglot import exp

from cleanrooms_mock.analysis.grouping import aggregates_in, keys_of
from cleanrooms_mock.analysis.names import Select
from cleanrooms_mock.analysis.noise import Aggregation
from cleanrooms_mock.analysis.private_data import PrivateData
from cleanrooms_mock.analysis.private_syntax import called
from cleanrooms_mock.analysis.refusals import malformed
from cleanrooms_mock.rules import DOCUMENTED, INFERRED, rule

_DEVIATIONS = (exp.Stddev, exp.StddevSamp, exp.StddevPop)


def kind_of(aggregate: exp.Expr) -> Aggregation | None:
    """Return the kind of an aggregate, ``None`` if the last SELECT of a private query can't have it."""
    if isinstance(aggregate, exp.Count):
        return "COUNT_DISTINCT" if isinstance(aggregate.this, exp.Distinct) else "COUNT"
    if isinstance(aggregate.this, exp.Distinct):
        return None
    if isinstance(aggregate, exp.Sum):
        return "SUM"
    if isinstance(aggregate, exp.Avg):
        return "AVG"
    return "STDDEV" if isinstance(aggregate, _DEVIATIONS) else None


@rule(
    "CUS-62",
    source="user guide: custom analysis rule with differential privacy, SQL capabilities of differential privacy; public lab aws-clean-rooms-lab",
    status=DOCUMENTED,
    answer="FAILED MALFORMED_QUERY",
)
def final_select_aggregates(select: Select) -> None:
    """With differential privacy the list of the last SELECT has at least one aggregate, and of aggregates AVG, COUNT, COUNT DISTINCT, STDDEV and SUM only,
    in any expressions and of any expressions. Other columns are in GROUP BY, and there is no `*`. Queries before it may use any aggregate.
    """
    aggregates = [aggregate for item in select.node.expressions for aggregate in aggregates_in(item)]
    for aggregate in aggregates:
        if kind_of(aggregate) is None:
            raise malformed(
                f"{_spelt(aggregate)} is not allowed in the final SELECT with differential privacy", aggregate
            )
    for item in select.node.expressions:
        if item.is_star:
            raise malformed("* is not allowed in the final SELECT with differential privacy", item)
    if not aggregates:
        raise malformed(
            "The final SELECT must have AVG, COUNT, COUNT DISTINCT, STDDEV or SUM with differential privacy",
            select.node,
        )


@rule(
    "CUS-70",
    source="user guide: custom analysis rule with differential privacy",
    status=DOCUMENTED,
    answer="FAILED MALFORMED_QUERY",
)
def groups_are_judged_by_aggregates(select: Select) -> None:
    """With differential privacy the last SELECT may have GROUP BY, HAVING, ORDER BY, LIMIT and OFFSET, which go by the noisy values. Aggregates in HAVING
    and ORDER BY are those that its list may have.
    """
    for clause, part in (("HAVING", select.node.args.get("having")), ("ORDER BY", select.node.args.get("order"))):
        for aggregate in () if part is None else aggregates_in(part):
            if kind_of(aggregate) is None:
                raise malformed(f"{_spelt(aggregate)} is not allowed in {clause} with differential privacy", aggregate)


@rule(
    "CUS-69",
    source="inferred from user guide: differential privacy, since it would single out users",
    status=INFERRED,
    answer="FAILED MALFORMED_QUERY",
)
def users_are_no_output(data: PrivateData, select: Select) -> None:
    """With differential privacy the user identifier column is neither an output column of the last SELECT nor a key of its GROUP BY."""
    for output in select.outputs:
        if data.is_identifier_output(output):
            raise malformed(f"Column(s) [{output.name}] is not allowed in select", output.item, column=output.name)
    group = select.node.args.get("group")
    for key in keys_of(data.resolution, select, group):
        if data.is_identifier(key):
            raise malformed(f"Column(s) [{key.name}] is not allowed in group by", key, column=key.name)


def _spelt(aggregate: exp.Expr) -> str:
    distinct = " DISTINCT" if isinstance(aggregate.this, exp.Distinct) else ""
    return f"{called(aggregate)}{distinct}"
