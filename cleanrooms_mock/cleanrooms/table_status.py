"""What may be done with an associated table now, and what keeps it from that: its schema's status."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cleanrooms_mock.cleanrooms.custom_rules import wildcards
from cleanrooms_mock.cleanrooms.policies import Policy
from cleanrooms_mock.cleanrooms.privacy_budgets import differential_privacy_template
from cleanrooms_mock.cleanrooms.schemas import status_detail
from cleanrooms_mock.rules import DOCUMENTED, INFERRED, SEEN, behaviour

if TYPE_CHECKING:
    from cleanrooms_mock.cleanrooms.associations import ConfiguredTableAssociation

_NOT_ALLOWED = "NOT_ALLOWED"

behaviour(
    "SCH-9",
    "A schema has a status for direct analysis, and one for additional analyses if the table's rule lets them or the association's names some. What "
    "is READY has no reasons; a configuration is told where the rule has differential privacy.",
    source="API reference SchemaStatusDetail; when there are two is inferred",
    status=DOCUMENTED,
)
behaviour(
    "SCH-10",
    "Direct analysis of a table waits for an analysis rule; then for an association's rule of the same type, an allowed analysis, a provider that is a "
    "member, a privacy budget, receivers where the association has a rule, and that rule where additional analyses are allowed. Where they are "
    "required nobody receives direct results.",
    source="inferred from the names of the codes: API reference SchemaStatusReason; user guide: differential privacy policy",
    status=INFERRED,
)
behaviour(
    "SCH-11",
    "Additional analyses wait for an association's rule that names some and a table's rule that lets them, and for all that direct analysis waits for "
    "but receivers.",
    source="inferred from the names of the codes: API reference SchemaStatusReason",
    status=INFERRED,
)
behaviour(
    "ASSOC-27",
    'Without an association\'s rule a table is analysed directly, unless its own rule lets additional analyses. With `references="strict"` it waits for '
    "one in any case, as the guide has it since July 2024.",
    source="the cleanrooms stack of aws-sdk-pandas, against user guide: add-collaboration-analysis-rule",
    status=SEEN,
)


def table_status(association: ConfiguredTableAssociation, *, strict: bool) -> list[dict[str, Any]]:
    """Return the ``schemaStatusDetails`` of an associated table.

    :param strict: whether direct analysis waits for the association's rule in any case.
    """
    rule = association.table.rule
    if rule is None:
        return [status_detail("DIRECT_ANALYSIS", ["ANALYSIS_RULE_MISSING"], rule_type=None)]
    policy = rule.inner
    added = None if association.rule is None else association.rule.inner
    # An AGGREGATION rule's word on additional analyses has no effect (RULE-27).
    additional = _NOT_ALLOWED if rule.type == "AGGREGATION" else policy.get("additional_analyses", _NOT_ALLOWED)
    named = [] if added is None else added.get("allowed_additional_analyses", [])
    private = ["DIFFERENTIAL_PRIVACY"] if "differential_privacy" in policy else None
    shared = _reasons(association, rule.type, policy)
    direct = _direct_reasons(added, additional, strict=strict)
    details = [status_detail("DIRECT_ANALYSIS", [*shared, *direct], rule_type=rule.type, configurations=private)]
    if additional != _NOT_ALLOWED or named:
        reasons = [*shared, *_additional_reasons(added, additional, named)]
        details.append(status_detail("ADDITIONAL_ANALYSIS", reasons, rule_type=rule.type, configurations=private))
    return details


def _reasons(association: ConfiguredTableAssociation, rule_type: str, policy: Policy) -> list[str]:
    """What keeps every kind of analysis from the table."""
    reasons = []
    if association.rule is not None and association.rule.type != rule_type:
        reasons.append("ANALYSIS_RULE_TYPES_NOT_COMPATIBLE")
    analyses = policy.get("allowed_analyses")
    if analyses == []:
        reasons.append("ANALYSIS_TEMPLATES_NOT_CONFIGURED")
    if analyses and wildcards(policy):
        members = association.membership.member.collaboration.members
        providers = [members.get(account_id) for account_id in policy.get("allowed_analysis_providers", [])]
        if not any(member is not None and member.participates for member in providers):
            reasons.append("ANALYSIS_PROVIDERS_NOT_CONFIGURED")
    if "differential_privacy" in policy and differential_privacy_template(association.membership) is None:
        reasons.append("DIFFERENTIAL_PRIVACY_POLICY_NOT_CONFIGURED")
    return reasons


def _direct_reasons(added: Policy | None, additional: str, *, strict: bool) -> list[str]:
    reasons = []
    if added is not None and not added.get("allowed_result_receivers"):
        reasons.append("RESULT_RECEIVERS_NOT_CONFIGURED")
    if additional == "REQUIRED":
        reasons.append("RESULT_RECEIVERS_NOT_ALLOWED")
    if added is None and (strict or additional != _NOT_ALLOWED):
        reasons.append("COLLABORATION_ANALYSIS_RULE_NOT_CONFIGURED")
    return reasons


def _additional_reasons(added: Policy | None, additional: str, named: list[str]) -> list[str]:
    reasons = []
    if added is None:
        reasons.append("COLLABORATION_ANALYSIS_RULE_NOT_CONFIGURED")
    elif not named:
        reasons.append("ADDITIONAL_ANALYSES_NOT_CONFIGURED")
    if additional == _NOT_ALLOWED:
        reasons.append("ADDITIONAL_ANALYSES_NOT_ALLOWED")
    return reasons
