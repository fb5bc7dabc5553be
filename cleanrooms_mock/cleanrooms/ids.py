"""Ids, ARNs and times, all from moto's clock and generator, so that seeding and freezing work."""

from __future__ import annotations

import datetime

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

_RANDOM_BITS = 0xFFFFFFFF_FFFF_0FFF_3FFF_FFFFFFFFFFFF
_VERSION_4 = 0x00000000_0000_4000_8000_000000000000
_NAIVE_EPOCH = datetime.datetime(1970, 1, 1)  # noqa: DTZ001  as naive as moto's clock
_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)


def new_id() -> str:
    """Return a random UUID (version 4)."""
    digits = (mock_random.getrandbits(128) & _RANDOM_BITS | _VERSION_4).to_bytes(16, "big").hex()
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def now() -> float:
    """Return the present time on moto's clock, in seconds since the epoch, cut to milliseconds."""
    clock = utils.utcnow
    code = getattr(clock, "__code__", None)
    if code is not None and code.co_filename == utils.__file__:
        # Nobody has replaced it, and what it does takes a third of the time without its import and without two kinds of datetime.
        since = datetime.datetime.now(datetime.timezone.utc) - _EPOCH
    else:
        since = clock() - _NAIVE_EPOCH
    return (since.days * 86_400_000 + since.seconds * 1000 + since.microseconds // 1000) / 1000
