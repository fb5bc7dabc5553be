"""What a query or job computes on: workers, what they have and cost, and Spark's properties."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from cleanrooms_mock.cleanrooms.errors import invalid_field
from cleanrooms_mock.cleanrooms.quotas import JOB_VCPU, QUERY_VCPU, WORKERS_1X, WORKERS_4X
from cleanrooms_mock.cleanrooms.spark_properties import SPARK_PROPERTIES
from cleanrooms_mock.rules import DOCUMENTED, behaviour, rule

if TYPE_CHECKING:
    from cleanrooms_mock.cleanrooms.service import Caller

FIELD = "computeConfiguration"


class Worker(NamedTuple):
    """A size of worker.

    :ivar vcpu: how many vCPUs it has.
    :ivar crpu: how many Clean Rooms Processing Units it costs, for as long as it runs.
    """

    vcpu: int
    crpu: int


WORKERS = {"CR.1X": Worker(4, 2), "CR.4X": Worker(16, 8), "CR.8X": Worker(32, 16)}
_TYPE, _NUMBER = "CR.1X", 16


@dataclass(frozen=True, slots=True)
class Compute:
    """The workers of one query or job."""

    type: str = _TYPE
    number: int = _NUMBER
    properties: Mapping[str, str] = field(default_factory=dict)

    @property
    def vcpu(self) -> int:
        return WORKERS[self.type].vcpu * self.number

    @property
    def crpu(self) -> int:
        return WORKERS[self.type].crpu * self.number


behaviour(
    "PQ-43",
    "A query runs on 16 workers of type CR.1X unless it says otherwise, and then its answers have no `computeConfiguration`. A CR.1X has 4 vCPUs and "
    "costs 2 CRPUs, a CR.4X 16 and 8, a CR.8X 32 and 16. That it is 16 workers of CR.1X is inferred.",
    source="user guide: use-sql-editor; API reference WorkerComputeConfiguration",
    status=DOCUMENTED,
)
behaviour(
    "PJ-11",
    "A job runs on workers of type CR.1X or CR.4X, 16 of CR.1X unless it says otherwise, which is inferred. How many there may be is in QUO-19, QUO-28 "
    "and QUO-29.",
    source="user guide: run-jobs; quotas",
    status=DOCUMENTED,
)
behaviour(
    "PQ-72",
    "A single query that asks for more vCPUs than the account may use is refused: see QUO-18. That it is refused, and doesn't wait, is inferred.",
    source="user guide: quotas",
    status=DOCUMENTED,
)


def compute_of(worker: Mapping[str, Any] | None, field: str) -> Compute:
    """Return what the ``worker`` of a compute configuration asks for.

    :param field: where it stands in the request.
    :raises ValidationException: for a property of Spark that can't be set.
    """
    if worker is None:
        return Compute()
    properties = worker.get("properties", {}).get("spark", {})
    spark_properties_are_known(properties, f"{field}.properties.spark")
    return Compute(worker.get("type", _TYPE), worker.get("number", _NUMBER), properties)


@rule(
    "PQ-45",
    source="user guide: use-sql-editor; the exception is inferred",
    status=DOCUMENTED,
    answer="ValidationException FIELD_VALIDATION_FAILED",
)
def spark_properties_are_known(properties: Mapping[str, str], field: str) -> None:
    """Queries and jobs set only those properties of Spark that the guide lists."""
    unknown = sorted(properties.keys() - SPARK_PROPERTIES)
    if unknown:
        raise invalid_field(field, f"these properties can't be set: {', '.join(unknown)}")


def query_within_vcpu(caller: Caller, compute: Compute) -> None:
    """Refuse a query that asks for more than the account may use (QUO-18)."""
    caller.controls.quotas.check(QUERY_VCPU, compute.vcpu - 1, caller.region_name)


def job_within_vcpu(caller: Caller, compute: Compute) -> None:
    """Refuse a job that asks for more workers than a job may have (QUO-28, QUO-29), or more vCPUs than the account may use (QUO-19)."""
    quotas = caller.controls.quotas
    quotas.check(WORKERS_1X if compute.type == "CR.1X" else WORKERS_4X, compute.number - 1, caller.region_name)
    quotas.check(JOB_VCPU, compute.vcpu - 1, caller.region_name)
