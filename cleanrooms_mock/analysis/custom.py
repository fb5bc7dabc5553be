"""The rules for queries of tables with CUSTOM analysis rules."""

from __future__ import annotations

from collections.abc import Sequence

from cleanrooms_mock.analysis.comparison_controls import check_comparisons
from cleanrooms_mock.analysis.disallowed_columns import check_outputs
from cleanrooms_mock.analysis.names import Resolution
from cleanrooms_mock.analysis.narrow_sql import sql_is_narrow, values_stand_beside_counts
from cleanrooms_mock.analysis.statements import ParsedQuery
from cleanrooms_mock.analysis.tables import Question, Table
from cleanrooms_mock.analysis.thresholds import aggregates_take_columns
from cleanrooms_mock.rules import DOCUMENTED, behaviour

behaviour(
    "CUS-26",
    "Among tables with CUSTOM rules all of SQL is free: outer joins, CTEs, subqueries, windows, set operations, any aggregate, LIMIT and `*`. No join and no "
    "threshold is asked for unless a rule says so.",
    source="user guide: custom analysis rule",
    status=DOCUMENTED,
)


def shape(parsed: ParsedQuery, tables: Sequence[Table]) -> None:
    """Refuse what the text alone shows to be wrong.

    :param tables: those that the query names.
    :raises Refusal: as MALFORMED_QUERY.
    """
    sql_is_narrow(parsed, tables)


def check(resolution: Resolution, question: Question) -> None:
    """Refuse what the rules of its tables don't let a query do.

    :raises Refusal: as MALFORMED_QUERY.
    """
    check_outputs(resolution)
    aggregates_take_columns(resolution)
    values_stand_beside_counts(resolution)
    check_comparisons(resolution)
