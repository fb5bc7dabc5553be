"""A table with an AGGREGATION rule that has columns of every role, some with names that need quotes or have capitals."""

from __future__ import annotations

from typing import Any

from cleanrooms_mock.analysis.tables import Table
from tests.analysis import cast
from tests.analysis.cast import PUBLISHER

VISITS = Table(
    name="web-visits",
    owner=PUBLISHER,
    columns={
        "id": "string",
        "person id": "string",
        "City": "string",
        "order": "string",
        "day": "date",
        "pages": "int",
        "spend": "double",
        "secret": "string",
        "place": "struct<city:string>",
    },
    rule_type="AGGREGATION",
    policy={
        "aggregate_columns": [
            {"column_names": ["Pages"], "function": "SUM"},
            {"column_names": ["spend"], "function": "AVG"},
            {"column_names": ["person id"], "function": "COUNT_DISTINCT"},
        ],
        "join_columns": ["person id", "id"],
        "dimension_columns": ["City", "order", "day"],
        "scalar_functions": ["UPPER", "CAST", "ROUND", "COALESCE", "RTRIM", "DATEADD", "EXTRACT", "CEILING"],
        "output_constraints": [{"column_name": "id", "minimum": 2, "type": "COUNT_DISTINCT"}],
    },
)
OF_VISITS = {VISITS.name: VISITS}


def visits(rest: str, select: str = "SUM(pages)") -> str:
    return f'SELECT {select} FROM "web-visits" {rest}'


def breach(text: str, tables: Any = OF_VISITS) -> str | None:
    """The rule that a query about the table breaks, ``None`` if it may run."""
    return cast.breach(text, tables)
