"""Ids, ARNs and times, all from moto's clock and generator, so that seeding and freezing work."""

from __future__ import annotations

from datetime import datetime, timedelta

from moto.core import utils
from moto.moto_api._internal import mock_random

from cleanrooms_mock.rules import INFERRED, SEEN, behaviour

behaviour(
    "ERR-17",
    "Ids are random lower-case UUIDs. The ARN of a collaboration carries the creator's account for everybody who reads it, "
    "the ARN of a membership carries the member's.",
    source="recorded GetMembership, GetCollaboration",
    status=SEEN,
)
behaviour(
    "ERR-18",
    "Times have millisecond precision, as seconds since the epoch with a fraction on the wire.",
    source="recorded answers",
    status=SEEN,
)
behaviour(
    "ERR-20",
    "Answers keep to the model's own constraints, but for what names a place: in `aws-cn` or `aws-us-gov` ARNs have that partition and "
    "`allowedResultRegions` that Region, for which the model's patterns, lengths and enum leave no room.",
    source="inferred from the service model",
    status=INFERRED,
)

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001  as naive as moto's clock
_MILLISECOND = timedelta(milliseconds=1)


def new_id() -> str:
    """Return a random UUID (version 4)."""
    digits = f"{mock_random.getrandbits(128):032x}"
    return (
        f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{'89ab'[int(digits[16], 16) & 3]}{digits[17:20]}-{digits[20:]}"
    )


def now() -> float:
    """Return the present time on moto's clock, in seconds since the epoch, cut to milliseconds."""
    return (utils.utcnow() - _EPOCH) // _MILLISECOND / 1000
