"""What is left of privacy budgets: how much an analysis takes, and when a budget is full again."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from fractions import Fraction
from math import floor
from typing import TYPE_CHECKING, Any, Literal

from cleanrooms_mock.analysis.noise import WEIGHTS, Aggregation
from cleanrooms_mock.cleanrooms.errors import invalid_field
from cleanrooms_mock.cleanrooms.ids import now
from cleanrooms_mock.cleanrooms.resources import active_membership
from cleanrooms_mock.cleanrooms.service import Caller, operation
from cleanrooms_mock.protocol import Listing
from cleanrooms_mock.rules import DOCUMENTED, INFERRED, behaviour, rule

if TYPE_CHECKING:
    from cleanrooms_mock.cleanrooms.privacy_budgets import PrivacyBudgetTemplate

PrivacyBudgetType = Literal["DIFFERENTIAL_PRIVACY", "ACCESS_BUDGET"]
AccessBudgetType = Literal["CALENDAR_DAY", "CALENDAR_WEEK", "CALENDAR_MONTH", "LIFETIME"]

#: The member of ``parameters`` and ``budget`` for each type.
MEMBERS: dict[PrivacyBudgetType, str] = {
    "DIFFERENTIAL_PRIVACY": "differential_privacy",
    "ACCESS_BUDGET": "access_budget",
}

behaviour(
    "PRIV-18",
    "The periods of access budgets are those of the calendar in UTC: the day, the week from Sunday 00:00, the month. A period whose autoRefresh is "
    "ENABLED begins anew by itself with its whole budget; a DISABLED one stays with its rest, past its end too, until the template is updated. A "
    "budget of 0 is allowed.",
    source="user guide: add-access-budget; API reference AccessBudgetDetails",
    status=DOCUMENTED,
)


def period(budget_type: AccessBudgetType, time: float) -> tuple[float, float | None]:
    """Return when the period that ``time`` lies in begins, and when the next one does; a lifetime begins at once and has no next."""
    if budget_type == "LIFETIME":
        return time, None
    start = datetime.fromtimestamp(time, timezone.utc).replace(hour=0, minute=0, second=0, microsecond=0)
    if budget_type == "CALENDAR_DAY":
        end = start + timedelta(days=1)
    elif budget_type == "CALENDAR_WEEK":
        start -= timedelta(days=start.isoweekday() % 7)
        end = start + timedelta(days=7)
    else:
        start = start.replace(day=1)
        end = (start + timedelta(days=31)).replace(day=1)
    return start.timestamp(), end.timestamp()


@dataclass(slots=True, eq=False)
class AccessBudgetDetails:
    """One of the limits of an access budget, that of a period or that of a lifetime."""

    budget_type: AccessBudgetType
    budget: int
    auto_refresh: str | None
    start_time: float
    end_time: float | None
    remaining_budget: int


behaviour(
    "PRIV-17",
    "Each query, job and ML input channel takes 1 from the access budget of every table that it reads and of all base tables under an intermediate "
    "table, and so does populating one. A table with 0 left, of its period or of its lifetime, can't be used. It is taken at validation and not given "
    "back, which is inferred.",
    source="user guide: data access budget, intermediate tables",
    status=DOCUMENTED,
)


@dataclass(slots=True, eq=False)
class AccessBudget:
    """How often a table may still be used."""

    resource_arn: str
    details: list[AccessBudgetDetails]
    update_time: float

    @property
    def aggregate_remaining_budget(self) -> int:
        return min(limit.remaining_budget for limit in self.details)

    def renew(self, time: float) -> None:
        """Begin the periods anew that are over by ``time``."""
        for limit in self.details:
            if limit.auto_refresh == "ENABLED" and limit.end_time is not None and time >= limit.end_time:
                limit.start_time, limit.end_time = period(limit.budget_type, time)
                limit.remaining_budget = limit.budget
                self.update_time = max(self.update_time, limit.start_time)

    def affords(self, aggregations: Collection[Aggregation]) -> bool:
        """Tell whether the table can be used once more, whatever is computed over it."""
        return self.aggregate_remaining_budget > 0

    def take(self, aggregations: Collection[Aggregation], time: float) -> None:
        """Count one use of the table."""
        for limit in self.details:
            limit.remaining_budget -= 1
        self.update_time = time


def access_budget(resource_arn: str, budget_parameters: Sequence[dict[str, Any]], time: float) -> AccessBudget:
    """Return a full access budget, beginning at ``time``."""
    details = []
    for parameter in budget_parameters:
        start, end = period(parameter["type"], time)
        refresh = None if end is None else parameter.get("auto_refresh") or "DISABLED"
        details.append(
            AccessBudgetDetails(parameter["type"], parameter["budget"], refresh, start, end, parameter["budget"])
        )
    return AccessBudget(resource_arn, details, time)


def check_budget_parameters(budget_parameters: Sequence[dict[str, Any]]) -> None:
    """Refuse parameters that make no access budget."""
    path = "parameters.accessBudget.budgetParameters"
    one_period_and_one_lifetime(budget_parameters, path)
    lifetime_is_not_refreshed(budget_parameters, path)


@rule(
    "PRIV-6",
    source="API reference AccessBudget; the exception is inferred",
    status=DOCUMENTED,
    answer="ValidationException FIELD_VALIDATION_FAILED",
)
def one_period_and_one_lifetime(budget_parameters: Sequence[dict[str, Any]], path: str) -> None:
    """An access budget has at most one budget for a period (CALENDAR_DAY, CALENDAR_WEEK or CALENDAR_MONTH) and at most one for a LIFETIME."""
    lifetimes = sum(parameter["type"] == "LIFETIME" for parameter in budget_parameters)
    if lifetimes > 1 or len(budget_parameters) - lifetimes > 1:
        raise invalid_field(path, "there can be one budget for a period and one for a lifetime, not two of either")


@rule(
    "PRIV-7",
    source="API reference AccessBudgetDetails; that a period isn't renewed without it is inferred",
    status=DOCUMENTED,
    answer="ValidationException FIELD_VALIDATION_FAILED",
)
def lifetime_is_not_refreshed(budget_parameters: Sequence[dict[str, Any]], path: str) -> None:
    """A LIFETIME budget has no autoRefresh. A period's is DISABLED unless it is given."""
    for number, parameter in enumerate(budget_parameters, 1):
        if parameter["type"] == "LIFETIME" and parameter.get("auto_refresh") is not None:
            raise invalid_field(f"{path}.member.{number}.autoRefresh", "a lifetime budget isn't refreshed")


behaviour(
    "PRIV-20",
    "How many aggregations of a kind a differential privacy budget allows is not published. Here maxCount is epsilon x usersNoisePerQuery x w / 10, "
    "rounded down, where w is 5 for COUNT_DISTINCT, 4 for COUNT, 3 for SUM, 2 for AVG and 1 for STDDEV: it grows with both inputs, as documented. "
    "One aggregation uses 1/maxCount of the whole budget, and remainingCount is what the rest allows, rounded down.",
    source="inferred: user guide: differential privacy policy, for what it grows with",
    status=INFERRED,
)


def max_count(aggregation: Aggregation, epsilon: int, users_noise_per_query: int) -> int:
    """Return how many aggregations of a kind a whole budget allows."""
    return epsilon * users_noise_per_query * WEIGHTS[aggregation] // 10


def max_counts(epsilon: int, users_noise_per_query: int) -> list[dict[str, Any]]:
    """Return how many aggregations of each kind a whole budget allows."""
    return [{"type": kind, "max_count": max_count(kind, epsilon, users_noise_per_query)} for kind in WEIGHTS]


behaviour(
    "PRIV-19",
    "A differential privacy template is one budget for all tables of its owner. Each query over such a table uses some of it, in the measure of its "
    "aggregations; one for which too little is left is refused and uses nothing. CALENDAR_MONTH gives a whole budget on the first of each month, in UTC, "
    "which is inferred.",
    source="user guide: differential privacy policy",
    status=DOCUMENTED,
)
behaviour(
    "PRIV-11",
    "Raising epsilon adds the difference to what is left; what was used stays used.",
    source="user guide: edit differential privacy policy",
    status=DOCUMENTED,
)


@dataclass(slots=True, eq=False)
class DifferentialPrivacyBudget:
    """How much may still be learned from all of a member's tables.

    What was spent is kept in epsilon, so that a raise adds to the rest (PRIV-11), and as a fraction, so that n of maxCount aggregations leave
    exactly maxCount - n.

    :ivar renewed_at: when it is whole again, or ``None`` if never.
    :ivar was_used: whether a query ever used some of it, since it was last renewed or before.
    """

    epsilon: int
    users_noise_per_query: int
    renewed_at: float | None
    update_time: float
    spent: Fraction = Fraction(0)
    was_used: bool = False

    @property
    def aggregations(self) -> list[dict[str, Any]]:
        rest = 1 - self.spent / self.epsilon
        counts = max_counts(self.epsilon, self.users_noise_per_query)
        return [{**entry, "remaining_count": floor(rest * entry["max_count"])} for entry in counts]

    def renew(self, time: float) -> None:
        """Make it whole again, if that is due by ``time``."""
        if self.renewed_at is not None and time >= self.renewed_at:
            start, self.renewed_at = period("CALENDAR_MONTH", time)
            self.spent = Fraction(0)
            self.update_time = max(self.update_time, start)

    def affords(self, aggregations: Collection[Aggregation]) -> bool:
        """Tell whether enough is left for these aggregations, one of a kind as often as it is computed."""
        return self.spent + self._cost(aggregations) <= self.epsilon

    def take(self, aggregations: Collection[Aggregation], time: float) -> None:
        """Spend what these aggregations cost."""
        self.spent += self._cost(aggregations)
        self.was_used = True
        self.update_time = time

    def _cost(self, aggregations: Collection[Aggregation]) -> Fraction:
        shares = (
            Fraction(self.epsilon, max_count(kind, self.epsilon, self.users_noise_per_query)) for kind in aggregations
        )
        return sum(shares, Fraction(0))


def differential_privacy_budget(
    parameters: dict[str, Any], auto_refresh: str, time: float
) -> DifferentialPrivacyBudget:
    """Return a whole differential privacy budget, beginning at ``time``."""
    renewed_at = period("CALENDAR_MONTH", time)[1] if auto_refresh == "CALENDAR_MONTH" else None
    return DifferentialPrivacyBudget(parameters["epsilon"], parameters["users_noise_per_query"], renewed_at, time)


behaviour(
    "PRIV-16",
    "A differential privacy budget has its epsilon, and maxCount and remainingCount of AVG, COUNT, COUNT_DISTINCT, SUM and STDDEV, in that order, which is "
    "inferred. An access budget has its table, one entry for each budget parameter in the template's order, and the lowest rest of them as "
    "aggregateRemainingBudget; a LIFETIME has neither endTime nor autoRefresh.",
    source="API reference PrivacyBudget, AccessBudget",
    status=DOCUMENTED,
)


def budgets_of(
    templates: Listing[PrivacyBudgetTemplate], privacy_budget_type: PrivacyBudgetType, table_arn: str | None
) -> Listing[dict[str, Any]]:
    """Return the budgets of one type that templates give, and of one table if its ARN is given and they are for tables."""

    def wanted(template: PrivacyBudgetTemplate) -> bool:
        if template.privacy_budget_type != privacy_budget_type:
            return False
        return template.table is None or table_arn in (None, template.table.arn)

    return templates.where(wanted).seen_as(_summary)


def _summary(template: PrivacyBudgetTemplate) -> dict[str, Any]:
    template.budget.renew(now())
    return {
        "id": template.budget_id,
        "privacy_budget_template_id": template.id,
        "privacy_budget_template_arn": template.arn,
        "membership_id": template.membership_id,
        "membership_arn": template.membership_arn,
        "collaboration_id": template.collaboration_id,
        "collaboration_arn": template.collaboration_arn,
        "creator_account_id": template.creator_account_id,
        "type": template.privacy_budget_type,
        "create_time": template.create_time,
        "update_time": template.budget.update_time,
        "budget": {MEMBERS[template.privacy_budget_type]: template.budget},
    }


behaviour(
    "PRIV-21",
    "PreviewPrivacyImpact tells any ACTIVE member how many aggregations of each kind an epsilon and a noise would allow, by PRIV-20; it needs no template "
    "and changes nothing.",
    source="API reference PreviewPrivacyImpact; the numbers are inferred",
    status=DOCUMENTED,
)


@operation
def preview_privacy_impact(caller: Caller, *, membership_identifier: str, parameters: dict[str, Any]) -> dict[str, Any]:
    active_membership(caller, membership_identifier)
    wanted = parameters["differential_privacy"]
    return {"differential_privacy": {"aggregations": max_counts(wanted["epsilon"], wanted["users_noise_per_query"])}}
