"""The service's quotas: their defaults, what a test sets in their place, and the check."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping
from typing import NamedTuple

from cleanrooms_mock.cleanrooms.errors import ServiceQuotaExceededException
from cleanrooms_mock.rules import DOCUMENTED, INFERRED, behaviour


class Quota(NamedTuple):
    """A quota as Service Quotas lists it.

    :ivar rule_id: its rule in the catalogue.
    :ivar name: its name there, which is also the ``quotaName`` of the exception.
    :ivar code: its code there.
    :ivar default: the value of an account that never asked for more.
    :ivar adjustable: whether AWS raises it on request.
    """

    rule_id: str
    name: str
    code: str
    default: float
    adjustable: bool


QUOTAS: dict[str, Quota] = {}


def _quota(rule_id: str, name: str, code: str, default: float, *, adjustable: bool, counts: str) -> Quota:
    change = "can be raised on request" if adjustable else "can't be raised"
    behaviour(
        rule_id,
        f"Quota `{name}` ({code}): {default:g} by default, {change}. {counts}",
        source="user guide: quotas",
        status=DOCUMENTED,
        answer=ServiceQuotaExceededException.code,
    )
    QUOTAS[name] = Quota(rule_id, name, code, default, adjustable)
    return QUOTAS[name]


COLLABORATIONS_CREATED = _quota(
    "QUO-1",
    "Collaborations created per account",
    "L-F60C2030",
    500,
    adjustable=True,
    counts="Counts what the account created in the Region and didn't delete.",
)
MEMBERSHIPS = _quota(
    "QUO-2",
    "Memberships per account",
    "L-99A163CB",
    500,
    adjustable=True,
    counts="Counts the account's memberships in the Region, in every status, until they are deleted.",
)
MEMBERS_INVITED = _quota(
    "QUO-3",
    "Members invited per collaboration",
    "L-F7B26AF5",
    5,
    adjustable=True,
    counts="Counts invited and active members, the creator excepted.",
)
CONFIGURED_TABLES = _quota(
    "QUO-4",
    "Configured tables per account",
    "L-7CEACCA0",
    250,
    adjustable=True,
    counts="Counts the account's configured tables in the Region.",
)
ALLOWED_COLUMNS = _quota(
    "QUO-5",
    "Columns per configured table allowlist",
    "L-14E81699",
    100,
    adjustable=True,
    counts="Counts the allowed columns that a configured table is created with or updated to.",
)
TABLE_ASSOCIATIONS = _quota(
    "QUO-6",
    "Table associations per membership",
    "L-25AC34A7",
    100,
    adjustable=True,
    counts="Counts the associations under a membership.",
)
ANALYSIS_TEMPLATES = _quota(
    "QUO-7",
    "Analysis templates per membership",
    "L-AF88CE55",
    100,
    adjustable=True,
    counts="Counts the templates of a membership.",
)
ANALYSIS_RULE_SIZE = _quota(
    "QUO-8",
    "Analysis rule size",
    "L-ED3352DE",
    100,
    adjustable=False,
    counts="Counts the kilobytes of the policy's JSON.",
)
ID_MAPPING_TABLES = _quota(
    "QUO-9",
    "ID mapping tables per membership",
    "L-DBDCEC0D",
    5,
    adjustable=True,
    counts="Counts the ID mapping tables under a membership.",
)
ID_NAMESPACE_ASSOCIATIONS = _quota(
    "QUO-10",
    "ID namespace associations per membership",
    "L-6359BE00",
    10,
    adjustable=True,
    counts="Counts the ID namespace associations under a membership.",
)
AUDIENCE_MODEL_ASSOCIATIONS = _quota(
    "QUO-11",
    "Configured audience model associations per membership",
    "L-4596E0C1",
    5,
    adjustable=True,
    counts="Counts the configured audience model associations under a membership.",
)
ACCESS_BUDGET_TEMPLATES = _quota(
    "QUO-12",
    "Privacy budget templates for access budgets per collaboration",
    "L-6FE25843",
    25,
    adjustable=True,
    counts="Counts the ACCESS_BUDGET templates of all members of the collaboration.",
)
INTERMEDIATE_TABLES = _quota(
    "QUO-25",
    "Intermediate tables per membership",
    "L-F40A73B7",
    25,
    adjustable=True,
    counts="Counts the intermediate tables under a membership.",
)
LOG_EXPORTS_OF_ACCOUNT = _quota(
    "QUO-26",
    "Concurrent ongoing log exports per account",
    "L-D269978F",
    10,
    adjustable=True,
    counts="Counts the account's exports of logs in the Region that are IN_PROGRESS.",
)
LOG_EXPORTS_OF_MEMBERSHIP = _quota(
    "QUO-27",
    "Concurrent ongoing log exports per membership",
    "L-6CE5FF0C",
    5,
    adjustable=True,
    counts="Counts the membership's exports of logs that are IN_PROGRESS.",
)

behaviour(
    "QUO-24",
    "A change request has 10 changes at most, its map of approvals 50 entries, and a resource 50 tags (see TAG-9), whatever the quotas of the account.",
    source="service model; the number of tags is inferred",
    status=DOCUMENTED,
)
behaviour(
    "QUO-30",
    "The exception's `quotaName` is the name in Service Quotas, its `quotaValue` the value that applied.",
    source="inferred: nobody published a recorded answer",
    status=INFERRED,
)
behaviour(
    "QUO-31",
    "A quota refuses what would be one too many, after every other check. Lowering it below what exists breaks nothing that exists.",
    source="inferred: nobody published it",
    status=INFERRED,
)


class Quotas(MutableMapping[str, float]):
    """The quotas that apply, by name; assigning one changes it from the next call on, deleting one restores its default.

    :param overrides: values in place of defaults, or ``None`` to enforce no quota at all.
    :raises ValueError: for a name that is no quota, naming those that are.
    """

    def __init__(self, overrides: Mapping[str, float] | None) -> None:
        self._values = {name: quota.default for name, quota in QUOTAS.items()}
        if overrides is None:
            self._values = dict.fromkeys(QUOTAS, float("inf"))
        else:
            self.update(overrides)

    def __getitem__(self, name: str) -> float:
        return self._values[_known(name)]

    def __setitem__(self, name: str, value: float) -> None:
        if isinstance(value, bool) or not isinstance(value, int | float) or not value >= 0:
            raise ValueError(f"quota {name!r} must be a number of at least 0, not {value!r}")
        self._values[_known(name)] = value

    def __delitem__(self, name: str) -> None:
        self._values[name] = QUOTAS[_known(name)].default

    def clear(self) -> None:
        """Restore all defaults."""
        for name in self:
            del self[name]

    def __contains__(self, name: object) -> bool:
        return name in self._values

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def check(self, quota: Quota, count: int) -> None:
        """Refuse one more of something of which there are ``count``."""
        if count >= self._values[quota.name]:
            error = ServiceQuotaExceededException(quota.name, self._values[quota.name])
            error.rule = quota.rule_id
            raise error


def _known(name: str) -> str:
    if name not in QUOTAS:
        raise ValueError(f"there is no quota {name!r}; the quotas are: {', '.join(sorted(QUOTAS))}")
    return name
