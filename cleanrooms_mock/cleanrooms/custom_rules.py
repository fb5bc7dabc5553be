"""What a CUSTOM policy may say, of a configured table as of an intermediate one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from cleanrooms_mock.cleanrooms.analysis_templates import AnalysisTemplate, template_by_arn
from cleanrooms_mock.cleanrooms.configured_tables import DIRECT_JOB, DIRECT_QUERY, GLUE, MULTIPLE
from cleanrooms_mock.cleanrooms.errors import invalid_configuration, invalid_field
from cleanrooms_mock.cleanrooms.policies import Policy, columns_are_allowed, nothing_is_listed_twice, path_of
from cleanrooms_mock.cleanrooms.resources import resources_of
from cleanrooms_mock.cleanrooms.template_sources import SQL
from cleanrooms_mock.rules import DOCUMENTED, INFERRED, SEEN, behaviour, rule

if TYPE_CHECKING:
    from cleanrooms_mock.cleanrooms.world import World

CUSTOM = "CUSTOM"
ANY_QUERY = "ANY_QUERY"
ANY_JOB = "ANY_JOB"
#: What a wildcard lets anybody write, and what a table's analysisMethod must be for that.
METHODS = {ANY_QUERY: DIRECT_QUERY, ANY_JOB: DIRECT_JOB}
_TEXT = re.compile(r"(string|varchar|char)\s*(\(.*\))?", re.IGNORECASE)

behaviour(
    "RULE-40",
    "CUSTOM: `allowedAnalyses` is required and may be empty; then nothing may run on the table.",
    source="user guide: allowed analyses",
    status=DOCUMENTED,
)
behaviour(
    "CUS-50",
    "Differential privacy goes with neither thresholds nor comparison controls on one table, and these not with rules that allow jobs alone, which is "
    "refused when the rule is made: RULE-50, RULE-53.",
    source="API reference AnalysisRuleCustom",
    status=DOCUMENTED,
)
behaviour(
    "RULE-44",
    "CUSTOM: providers may be any accounts, members or not, the table's owner included.",
    source="terraform-provider-aws PR 38462",
    status=SEEN,
)
behaviour(
    "RULE-45",
    "CUSTOM: analysis templates that are named aren't looked up. One that is deleted, or was never there, stays in the list and allows nothing.",
    source="inferred: a table is the account's, a template a membership's",
    status=INFERRED,
)
behaviour(
    "RULE-46",
    "CUSTOM: `disallowedOutputColumns` are among the table's allowed columns, by RULE-7, and may be all of them.",
    source="inferred, as RULE-7; user guide: disallowed columns",
    status=INFERRED,
)
behaviour(
    "RULE-49",
    "CUSTOM: tables with differential privacy in one collaboration need the same identifier column, which is checked when a query joins them and "
    "not when their rules are made.",
    source="API reference DifferentialPrivacyConfiguration; the moment is inferred: a rule knows no collaboration",
    status=DOCUMENTED,
)
behaviour(
    "RULE-55",
    "CUSTOM: `allowedResultReceivers` and `allowedAdditionalAnalyses` may stand in the rule of a table, and are stored and returned.",
    source="inferred: API reference AnalysisRuleCustom has them, and says nothing of tables",
    status=INFERRED,
)


def check_custom_policy(
    policy: Policy,
    columns: Mapping[str, str] | None,
    *,
    world: World,
    analysis_method: str | None = None,
    table_type: str = GLUE,
) -> None:
    """Refuse a CUSTOM policy that is wrong by itself or doesn't fit its table.

    :param policy: what stands under ``v1.custom``.
    :param columns: the columns that it may name with their types, or ``None`` if the table has none yet.
    :param world: where analysis templates are, to tell queries from jobs.
    :param analysis_method: the table's, or ``None`` if it has none.
    :param table_type: where a configured table lies; an intermediate table is taken as it is.
    """
    nothing_is_listed_twice(CUSTOM, policy)
    thresholds_name_a_column_once(policy)
    wildcard_needs_providers(policy)
    templates_or_accounts(policy)
    providers_need_a_wildcard(policy)
    only_jobs = allows_only_jobs(policy, world)
    thresholds_are_for_plain_queries(policy, only_jobs)
    comparison_controls_are_for_plain_queries(policy, only_jobs)
    identity_is_not_compared_to_literals(policy)
    if columns is not None:
        columns_are_allowed(CUSTOM, policy, columns)
    if analysis_method is not None:
        wildcards_fit_the_method(policy, analysis_method)
    differential_privacy_fits_the_table(policy, analysis_method, table_type)
    if columns is not None:
        identity_is_text(policy, columns)


def wildcards(policy: Policy) -> list[str]:
    """Return which of ANY_QUERY and ANY_JOB a CUSTOM policy allows."""
    return [analysis for analysis in policy.get("allowed_analyses", ()) if analysis in METHODS]


def allows_only_jobs(policy: Policy, world: World) -> bool:
    """Whether there is something that a CUSTOM policy allows, and all of that is jobs."""
    analyses = policy.get("allowed_analyses", ())
    return bool(analyses) and all(one == ANY_JOB or _is_job(one, world) for one in analyses)


def _is_job(template_arn: str, world: World) -> bool:
    for collaboration in world.collaborations.values():
        template = template_by_arn(resources_of(collaboration, AnalysisTemplate), template_arn)
        if template is not None:
            return template.format != SQL
    return False


def _refusal(complaint: str, *steps: str | int) -> Exception:
    return invalid_configuration(path_of(CUSTOM, *steps), complaint)


@rule(
    "RULE-52",
    source="API reference OutputColumnThreshold; the reason is inferred",
    status=DOCUMENTED,
    answer="ValidationException FIELD_VALIDATION_FAILED",
)
def thresholds_name_a_column_once(policy: Policy) -> None:
    """CUSTOM: `outputColumnThresholds` name each column once. A `minimumIdentityCount` there is 0, which exempts the column, or at least 2."""
    for number, threshold in enumerate(policy.get("aggregation_thresholds", ()), 1):
        named = set()
        for place, override in enumerate(threshold.get("output_column_thresholds", ()), 1):
            steps = ("aggregation_thresholds", number, "output_column_thresholds", place)
            column = override["output_column_name"]
            if column in named:
                raise invalid_field(path_of(CUSTOM, *steps, "output_column_name"), f"{column} is named twice")
            if override["minimum_identity_count"] == 1:
                path = path_of(CUSTOM, *steps, "minimum_identity_count")
                raise invalid_field(path, "must be 0, to exempt the column, or at least 2")
            named.add(column)


@rule(
    "RULE-41",
    source="API reference AnalysisRuleCustom; for ANY_JOB it is inferred",
    status=DOCUMENTED,
    answer="ValidationException INVALID_CONFIGURATION",
)
def wildcard_needs_providers(policy: Policy) -> None:
    """CUSTOM: ANY_QUERY and ANY_JOB need `allowedAnalysisProviders`, at least one."""
    if (any_of := wildcards(policy)) and not policy.get("allowed_analysis_providers"):
        raise _refusal(f"{any_of[0]} needs an account that may analyse", "allowed_analysis_providers")


@rule(
    "RULE-42",
    source="user guide: allowed analyses; that both wildcards go together is inferred",
    status=DOCUMENTED,
    answer="ValidationException INVALID_CONFIGURATION",
)
def templates_or_accounts(policy: Policy) -> None:
    """CUSTOM: a rule allows analysis templates or accounts, never both: no template stands beside a wildcard or providers. ANY_QUERY and ANY_JOB
    may stand together.
    """
    accounts = wildcards(policy) or policy.get("allowed_analysis_providers")
    for number, analysis in enumerate(policy.get("allowed_analyses", ()), 1):
        if analysis not in METHODS and accounts:
            complaint = f"{analysis} is a template, and the rule allows accounts to analyse"
            raise _refusal(complaint, "allowed_analyses", number)


@rule(
    "RULE-43",
    source="inferred from RULE-42",
    status=INFERRED,
    answer="ValidationException INVALID_CONFIGURATION",
)
def providers_need_a_wildcard(policy: Policy) -> None:
    """CUSTOM: providers need ANY_QUERY or ANY_JOB. An empty list of providers is as good as none."""
    if policy.get("allowed_analysis_providers") and not wildcards(policy):
        raise _refusal("accounts may analyse only by ANY_QUERY or ANY_JOB", "allowed_analysis_providers")


@rule(
    "RULE-50",
    source="API reference AnalysisRuleCustom; the reason is inferred",
    status=DOCUMENTED,
    answer="ValidationException INVALID_CONFIGURATION",
)
def thresholds_are_for_plain_queries(policy: Policy, only_jobs: bool) -> None:
    """CUSTOM: `aggregationThresholds` don't go with differential privacy, nor with allowed analyses that are all jobs: ANY_JOB or PySpark
    templates.
    """
    _is_for_plain_queries("aggregation_thresholds", policy, only_jobs)


@rule(
    "RULE-53",
    source="API reference ComparisonControls; the reason is inferred",
    status=DOCUMENTED,
    answer="ValidationException INVALID_CONFIGURATION",
)
def comparison_controls_are_for_plain_queries(policy: Policy, only_jobs: bool) -> None:
    """CUSTOM: `comparisonControls` don't go with differential privacy, nor with allowed analyses that are all jobs. An empty list in them blocks
    every comparison of its kind.
    """
    _is_for_plain_queries("comparison_controls", policy, only_jobs)


def _is_for_plain_queries(name: str, policy: Policy, only_jobs: bool) -> None:
    if name in policy and ("differential_privacy" in policy or only_jobs):
        other = "with allowed analyses that are jobs" if only_jobs else "with differential privacy"
        raise _refusal(f"can't be used {other}", name)


@rule(
    "RULE-54",
    source="API reference ComparisonControls; the reason is inferred",
    status=DOCUMENTED,
    answer="ValidationException INVALID_CONFIGURATION",
)
def identity_is_not_compared_to_literals(policy: Policy) -> None:
    """CUSTOM: the identity column of a threshold isn't among the `allowedLiteralComparisonColumns`."""
    identities = {column for _, column in _identities(policy)}
    compared = policy.get("comparison_controls", {}).get("allowed_literal_comparison_columns", ())
    for number, column in enumerate(compared, 1):
        if column in identities:
            steps = ("comparison_controls", "allowed_literal_comparison_columns", number)
            raise _refusal(f"{column} is the identity column of a threshold", *steps)


@rule(
    "RULE-47",
    source="inferred: the method is closed otherwise",
    status=INFERRED,
    answer="ValidationException INVALID_CONFIGURATION",
)
def wildcards_fit_the_method(policy: Policy, analysis_method: str) -> None:
    """CUSTOM: ANY_QUERY needs a table with the analysis method DIRECT_QUERY or MULTIPLE, ANY_JOB one with DIRECT_JOB or MULTIPLE."""
    for number, analysis in enumerate(policy.get("allowed_analyses", ()), 1):
        if analysis in METHODS and analysis_method not in (METHODS[analysis], MULTIPLE):
            complaint = f"{analysis} can't run on a table with the analysis method {analysis_method}"
            raise _refusal(complaint, "allowed_analyses", number)


@rule(
    "RULE-48",
    source="user guide: differential privacy; terraform-provider-aws PR 38462; for jobs it is inferred",
    status=DOCUMENTED,
    answer="ValidationException INVALID_CONFIGURATION",
)
def differential_privacy_fits_the_table(policy: Policy, analysis_method: str | None, table_type: str) -> None:
    """CUSTOM: `differentialPrivacy` is for tables in Glue and S3 on which queries run, with ANY_QUERY as with templates. It needs no privacy budget
    template yet.
    """
    if "differential_privacy" not in policy:
        return
    if table_type != GLUE:
        raise _refusal(f"can't be used for a table of the type {table_type}", "differential_privacy")
    if analysis_method == DIRECT_JOB:
        raise _refusal("can't be used for a table on which only jobs run", "differential_privacy")


@rule(
    "RULE-51",
    source="API reference AggregationThreshold; the reason is inferred",
    status=DOCUMENTED,
    answer="ValidationException INVALID_CONFIGURATION",
)
def identity_is_text(policy: Policy, types: Mapping[str, str]) -> None:
    """CUSTOM: the identity column of a threshold has the type string, varchar or char, of whatever length."""
    for steps, column in _identities(policy):
        if not _TEXT.fullmatch(types[column]):
            raise _refusal(f"{column} is {types[column]}, not string, varchar or char", *steps)


def _identities(policy: Policy) -> list[tuple[tuple[str | int, ...], str]]:
    return [
        (("aggregation_thresholds", number, "identity_columns", place), column)
        for number, threshold in enumerate(policy.get("aggregation_thresholds", ()), 1)
        for place, column in enumerate(threshold["identity_columns"], 1)
    ]
