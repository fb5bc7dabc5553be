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
    :ivar elsewhere: the default in the Regions that aren't among ``regions``, ``None`` where all have the same.
    :ivar regions: those that have ``default`` if others don't.
    """

    rule_id: str
    name: str
    code: str
    default: float
    adjustable: bool
    elsewhere: float | None = None
    regions: tuple[str, ...] = ()

    def default_in(self, region_name: str) -> float:
        """Return the default in a Region."""
        return self.default if self.elsewhere is None or region_name in self.regions else self.elsewhere


QUOTAS: dict[str, Quota] = {}


def _quota(
    rule_id: str,
    name: str,
    code: str,
    default: float,
    *,
    adjustable: bool,
    counts: str,
    elsewhere: float | None = None,
    regions: tuple[str, ...] = ("us-east-1",),
    answer: str | None = ServiceQuotaExceededException.code,
) -> Quota:
    change = "can be raised on request" if adjustable else "can't be raised"
    where = "" if elsewhere is None else f" in {_listed(regions)}, {elsewhere:g} in every other Region"
    behaviour(
        rule_id,
        f"Quota `{name}` ({code}): {default:g} by default{where}, {change}. {counts}",
        source="user guide: quotas",
        status=DOCUMENTED,
        answer=answer,
    )
    QUOTAS[name] = Quota(rule_id, name, code, default, adjustable, elsewhere, regions if elsewhere is not None else ())
    return QUOTAS[name]


def _listed(names: tuple[str, ...]) -> str:
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last


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
TABLES_OF_QUERY = _quota(
    "QUO-13",
    "Configured tables per protected query",
    "L-08F7F01C",
    15,
    adjustable=True,
    counts="Counts the different configured tables that one query reads; a query with more ends FAILED, see PQ-73.",
    answer=None,
)
ONGOING_QUERIES = _quota(
    "QUO-14",
    "Concurrent ongoing queries per membership",
    "L-F04AAAFE",
    5,
    adjustable=False,
    counts="Counts the queries of a membership that are SUBMITTED, STARTED or CANCELLING.",
)
ONGOING_JOBS = _quota(
    "QUO-15",
    "Concurrent ongoing job per membership",
    "L-844B7ECC",
    5,
    elsewhere=1,
    regions=("us-east-1", "us-east-2", "ap-northeast-2", "eu-central-1", "eu-west-1"),
    adjustable=False,
    counts="Counts the jobs of a membership that are SUBMITTED, STARTED or CANCELLING.",
)
RUNNING_QUERIES = _quota(
    "QUO-16",
    "Concurrent SQL queries per account",
    "L-40165B7B",
    5,
    elsewhere=2,
    adjustable=True,
    counts="Counts the account's queries that run; one more waits in SUBMITTED, see PQ-71.",
    answer=None,
)
RUNNING_JOBS = _quota(
    "QUO-17",
    "Concurrent PySpark jobs per account",
    "L-B45D79BC",
    5,
    elsewhere=2,
    adjustable=True,
    counts="Counts the account's jobs that run; one more waits in SUBMITTED, as PQ-71 has it for queries.",
    answer=None,
)
QUERY_VCPU = _quota(
    "QUO-18",
    "Concurrent SQL query vCPU usage per account",
    "L-3159A189",
    512,
    adjustable=True,
    counts="Counts the vCPUs that one query asks for.",
)
JOB_VCPU = _quota(
    "QUO-19",
    "Concurrent PySpark job vCPU usage per account",
    "L-26B93E43",
    1024,
    elsewhere=512,
    adjustable=True,
    counts="Counts the vCPUs that one job asks for.",
)
QUERY_TEXT = _quota(
    "QUO-20",
    "Query text length on Spark analytics engine",
    "L-4645126D",
    500,
    adjustable=False,
    counts="Counts the kilobytes of a query's text; a longer one is no valid value, see PQ-26.",
    answer=None,
)
SQL_ENGINE_QUERY_TEXT = _quota(
    "QUO-21",
    "Query text length on Clean Rooms SQL analytics engine",
    "L-0BF5D984",
    90,
    adjustable=False,
    counts="Counts nothing here: the engine is retired, and its collaborations' queries run on Spark.",
    answer=None,
)
PRIVATE_QUERY_TEXT = _quota(
    "QUO-22",
    "Query text length (using differential privacy)",
    "L-C6B48C80",
    8,
    adjustable=False,
    counts="Counts the kilobytes of the text of a query that reads a table with differential privacy; a longer one ends FAILED.",
    answer=None,
)
WORKERS_1X = _quota(
    "QUO-28",
    "CR.1X workers per PySpark job",
    "L-2222C6AC",
    128,
    adjustable=True,
    counts="Counts the workers that one job asks for.",
)
WORKERS_4X = _quota(
    "QUO-29",
    "CR.4X workers per PySpark job",
    "L-D04BF025",
    32,
    adjustable=True,
    counts="Counts the workers that one job asks for.",
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

    What was assigned holds in every Region. A default that differs by Region is shown as it is in us-east-1.

    :param overrides: values in place of defaults, or ``None`` to enforce no quota at all.
    :raises ValueError: for a name that is no quota, naming those that are.
    """

    def __init__(self, overrides: Mapping[str, float] | None) -> None:
        self._values: dict[str, float] = {}
        if overrides is None:
            self._values = dict.fromkeys(QUOTAS, float("inf"))
        else:
            self.update(overrides)

    def __getitem__(self, name: str) -> float:
        return self._values.get(name, QUOTAS[_known(name)].default)

    def __setitem__(self, name: str, value: float) -> None:
        if isinstance(value, bool) or not isinstance(value, int | float) or not value >= 0:
            raise ValueError(f"quota {name!r} must be a number of at least 0, not {value!r}")
        self._values[_known(name)] = value

    def __delitem__(self, name: str) -> None:
        self._values.pop(_known(name), None)

    def clear(self) -> None:
        """Restore all defaults."""
        self._values.clear()

    def __contains__(self, name: object) -> bool:
        return name in QUOTAS

    def __iter__(self) -> Iterator[str]:
        return iter(QUOTAS)

    def __len__(self) -> int:
        return len(QUOTAS)

    def value(self, quota: Quota, region_name: str) -> float:
        """Return what applies in a Region: what was assigned, or else the default there."""
        value = self._values.get(quota.name)
        return quota.default_in(region_name) if value is None else value

    def check(self, quota: Quota, count: int, region_name: str = "us-east-1") -> None:
        """Refuse one more of something of which there are ``count``."""
        value = self.value(quota, region_name)
        if count >= value:
            error = ServiceQuotaExceededException(quota.name, value)
            error.rule = quota.rule_id
            raise error


def _known(name: str) -> str:
    if name not in QUOTAS:
        raise ValueError(f"there is no quota {name!r}; the quotas are: {', '.join(sorted(QUOTAS))}")
    return name
