"""Request rates, which a mock enforces only when it is asked to."""

from __future__ import annotations

from collections import deque

from moto.core.utils import unix_time

from cleanrooms_mock.cleanrooms.controls import Controls
from cleanrooms_mock.cleanrooms.errors import ThrottlingException
from cleanrooms_mock.protocol import Operation
from cleanrooms_mock.rules import DOCUMENTED, behaviour, rule

_PER_SECOND = 5
_PER_SECOND_OF = {"GetConfiguredTable": 20, "GetProtectedQuery": 20}

behaviour(
    "QUO-32",
    "An account may send 5 requests a second of one operation in a Region, 20 of GetConfiguredTable and GetProtectedQuery. "
    "Operations that the page of quotas doesn't list have 5 too, which is inferred.",
    source="user guide: quotas",
    status=DOCUMENTED,
)


@rule("QUO-33", source="user guide: quotas", status=DOCUMENTED, answer="ThrottlingException")
def respect_request_rate(controls: Controls, operation: Operation, account_id: str, region_name: str) -> None:
    """Beyond the rate, an operation answers ThrottlingException, with no header that says when to come back. The mock enforces rates
    only with `rate_quotas=True`.
    """
    limit = _PER_SECOND_OF.get(operation.name, _PER_SECOND)
    with controls.lock:
        accepted = controls.rates.setdefault((account_id, region_name, operation.name), deque(maxlen=limit))
        now = unix_time()
        if len(accepted) == limit and now - accepted[0] < 1:
            raise ThrottlingException(f"Rate of {operation.name} requests exceeded: {limit} per second.")
        accepted.append(now)


behaviour(
    "QUO-34",
    "TagResource, UntagResource and ListTagsForResource have rate quotas, but model no ThrottlingException: they are never throttled here.",
    source="service model",
    status=DOCUMENTED,
)


def is_rate_limited(operation: Operation) -> bool:
    """Whether the model has a way to say that the operation was throttled."""
    return ThrottlingException.code in operation.errors
