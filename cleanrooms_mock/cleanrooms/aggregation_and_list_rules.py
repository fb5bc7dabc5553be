"""What AGGREGATION and LIST policies may say."""

from __future__ import annotations

from cleanrooms_mock.cleanrooms.errors import invalid_configuration, invalid_field
from cleanrooms_mock.cleanrooms.policies import Policy, nothing_is_listed_twice, path_of
from cleanrooms_mock.rules import DOCUMENTED, INFERRED, SEEN, behaviour, rule

AGGREGATION = "AGGREGATION"
LIST = "LIST"

behaviour(
    "RULE-20",
    "AGGREGATION: a join column may be an aggregate column, too.",
    source="aws-sdk-pandas, its stack for tests; terraform-provider-aws PR 38462",
    status=SEEN,
)
behaviour(
    "RULE-23",
    "AGGREGATION: `joinColumns`, `dimensionColumns` and `scalarFunctions` may be empty.",
    source="aws-sdk-pandas, its stack for tests",
    status=SEEN,
)
behaviour(
    "RULE-27",
    "AGGREGATION: `additionalAnalyses` is stored and returned, whatever it is, and has no effect.",
    source="inferred: user guide: add analysis rule; API reference AnalysisRuleAggregation",
    status=INFERRED,
)
behaviour(
    "RULE-28",
    "AGGREGATION and LIST: `allowedJoinOperators` absent or empty mean AND. They may stand with a single join column, or with none.",
    source="API reference; terraform-provider-aws PR 38462",
    status=SEEN,
)
behaviour(
    "RULE-30",
    "LIST: `listColumns` may be empty; at least one join column is needed.",
    source="API reference AnalysisRuleList",
    status=DOCUMENTED,
)
behaviour(
    "RULE-32",
    "LIST: `additionalAnalyses` may be ALLOWED, REQUIRED or NOT_ALLOWED, which it is where it is absent.",
    source="API reference AnalysisRuleList; the default is inferred",
    status=DOCUMENTED,
)


def check_aggregation_policy(policy: Policy) -> None:
    """Refuse an AGGREGATION policy that is wrong by itself."""
    nothing_is_listed_twice(AGGREGATION, policy)
    function_and_column_go_together_once(policy)
    one_constraint_for_a_column(policy)
    join_columns_are_no_dimensions(policy)
    aggregate_columns_are_no_dimensions(policy)
    required_join_has_columns(policy)


def check_list_policy(policy: Policy) -> None:
    """Refuse a LIST policy that is wrong by itself."""
    nothing_is_listed_twice(LIST, policy)
    join_columns_are_not_listed(policy)


@rule(
    "RULE-25",
    source="terraform-provider-aws PR 38462; aws-sdk-pandas, its stack for tests; the refusal is inferred",
    status=SEEN,
    answer="ValidationException FIELD_VALIDATION_FAILED",
)
def function_and_column_go_together_once(policy: Policy) -> None:
    """AGGREGATION: entries of `aggregateColumns` may name the same function for other columns, and the same column for other functions, but not
    the same function for the same column.
    """
    seen = set()
    for number, entry in enumerate(policy["aggregate_columns"], 1):
        for place, column in enumerate(entry["column_names"], 1):
            pair = entry["function"], column
            if pair in seen:
                path = path_of(AGGREGATION, "aggregate_columns", number, "column_names", place)
                raise invalid_field(path, f"{entry['function']} of {column} is allowed twice")
            seen.add(pair)


@rule(
    "RULE-26",
    source="terraform-provider-aws PR 38462; the refusal is inferred",
    status=SEEN,
    answer="ValidationException FIELD_VALIDATION_FAILED",
)
def one_constraint_for_a_column(policy: Policy) -> None:
    """AGGREGATION: output constraints name each column once. It may be any allowed column: a join column, or one that no other list has."""
    seen = set()
    for number, constraint in enumerate(policy["output_constraints"], 1):
        column = constraint["column_name"]
        if column in seen:
            path = path_of(AGGREGATION, "output_constraints", number, "column_name")
            raise invalid_field(path, f"{column} has two constraints")
        seen.add(column)


@rule(
    "RULE-21",
    source="API reference AnalysisRuleAggregation; the reason is inferred",
    status=DOCUMENTED,
    answer="ValidationException INVALID_CONFIGURATION",
)
def join_columns_are_no_dimensions(policy: Policy) -> None:
    """AGGREGATION: a join column isn't a dimension column."""
    _apart(AGGREGATION, "dimension_columns", policy, set(policy["join_columns"]), "is a join column")


@rule(
    "RULE-22",
    source="user guide: aggregation rule; the reason is inferred",
    status=DOCUMENTED,
    answer="ValidationException INVALID_CONFIGURATION",
)
def aggregate_columns_are_no_dimensions(policy: Policy) -> None:
    """AGGREGATION: an aggregate column isn't a dimension column."""
    aggregated = {column for entry in policy["aggregate_columns"] for column in entry["column_names"]}
    _apart(AGGREGATION, "dimension_columns", policy, aggregated, "is an aggregate column")


@rule(
    "RULE-24",
    source="user guide: add analysis rule; the reason is inferred",
    status=DOCUMENTED,
    answer="ValidationException INVALID_CONFIGURATION",
)
def required_join_has_columns(policy: Policy) -> None:
    """AGGREGATION: `joinRequired` needs join columns; without it they may be missing."""
    if policy.get("join_required") is not None and not policy["join_columns"]:
        raise invalid_configuration(
            path_of(AGGREGATION, "join_required"), "a join is required, and there are no join columns"
        )


@rule(
    "RULE-31",
    source="user guide: list rule; the reason is inferred",
    status=DOCUMENTED,
    answer="ValidationException INVALID_CONFIGURATION",
)
def join_columns_are_not_listed(policy: Policy) -> None:
    """LIST: a column isn't both a join column and a list column."""
    _apart(LIST, "list_columns", policy, set(policy["join_columns"]), "is a join column")


def _apart(rule_type: str, name: str, policy: Policy, others: set[str], complaint: str) -> None:
    for number, column in enumerate(policy[name], 1):
        if column in others:
            raise invalid_configuration(path_of(rule_type, name, number), f"{column} {complaint}")
