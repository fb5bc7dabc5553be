"""What the public API looks like to a type checker. Nothing runs this file: mypy reads it, and an unused ignore is an error."""

from __future__ import annotations

import unittest
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from typing import Any

from mypy_boto3_cleanrooms import CleanRoomsServiceClient
from typing_extensions import assert_type

from cleanrooms_mock import Call, Handle, MockCleanRooms, mock_cleanrooms

# Options, and what they give

assert_type(mock_cleanrooms(), MockCleanRooms)
assert_type(
    mock_cleanrooms(
        quotas={"Memberships per account": 3},
        rate_quotas=True,
        references="strict",
        payer_candidates=False,
        wire=True,
        engine="spark://host:7077",
        query_limits={"seconds": 1.5, "memory": 1_000_000_000},
        privacy_seed=7,
        run_jobs=True,
    ),
    MockCleanRooms,
)
assert_type(mock_cleanrooms(quotas=None), MockCleanRooms)
mock_cleanrooms(references="all")  # type: ignore[call-overload]
mock_cleanrooms(quotas={"Memberships per account": "3"})  # type: ignore[dict-item]
mock_cleanrooms(query_limits={"seconds": "1"})  # type: ignore[dict-item]
mock_cleanrooms(engine=None)  # type: ignore[call-overload]
mock_cleanrooms(region="us-east-1")  # type: ignore[call-overload]
mock_cleanrooms("us-east-1")  # type: ignore[call-overload]


# Decorators keep what they decorate


@mock_cleanrooms
def bare(number: int, *, name: str = "") -> str:
    return name * number


@mock_cleanrooms(wire=True)
def called(number: int, *, name: str = "") -> str:
    return name * number


@mock_cleanrooms
async def coroutine(number: int) -> str:
    return str(number)


@mock_cleanrooms()
def generator(number: int) -> Iterator[int]:
    yield number


@mock_cleanrooms()
async def async_generator(number: int) -> AsyncIterator[int]:
    yield number


@mock_cleanrooms
class TestBare:
    threshold = 1

    def setup_method(self) -> None:
        self.name = "campaign"


@mock_cleanrooms(references="strict")
class TestCalled(unittest.TestCase):
    def setUp(self) -> None:
        self.name = "campaign"


assert_type(bare(2, name="x"), str)
assert_type(called(2, name="x"), str)
assert_type(generator(2), Iterator[int])
assert_type(async_generator(2), AsyncIterator[int])
assert_type(TestBare(), TestBare)
assert_type(TestBare.threshold, int)
assert_type(TestCalled().name, str)
bare("2")  # type: ignore[arg-type]
called(2, title="x")  # type: ignore[call-arg]


async def awaited() -> None:
    assert_type(await coroutine(2), str)
    async for number in async_generator(2):
        assert_type(number, int)


# The mock


def mock() -> None:
    with mock_cleanrooms() as handle:
        assert_type(handle, Handle)
    started = mock_cleanrooms()
    assert_type(started.start(), Handle)
    started.stop()


def what_raises_is_not_swallowed() -> int:
    # Were ``__exit__`` to return a bool, a return would be missing here.
    with mock_cleanrooms():
        return 1


async def async_mock() -> None:
    async with mock_cleanrooms() as handle:
        assert_type(handle, Handle)


# The handle


def clients(handle: Handle) -> None:
    assert_type(handle.client(), CleanRoomsServiceClient)
    assert_type(handle.client("222222222222"), CleanRoomsServiceClient)
    assert_type(handle.client(account_id="222222222222", region_name="eu-west-1"), CleanRoomsServiceClient)
    assert_type(handle.client("222222222222", "eu-west-1", "cleanrooms"), CleanRoomsServiceClient)
    assert_type(handle.client("222222222222", service="cleanrooms"), CleanRoomsServiceClient)
    assert_type(handle.client("222222222222", service="s3"), Any)
    assert_type(handle.client("222222222222", "eu-west-1", "s3"), Any)
    handle.client(222222222222)  # type: ignore[call-overload]
    handle.client().create_membership(collaborationIdentifier="x", queryLogStatus="MAYBE")  # type: ignore[arg-type]


def faults(handle: Handle) -> None:
    handle.inject_fault("create_membership", "ThrottlingException")
    handle.inject_fault("CreateMembership", 503, times=2, after=1, message="busy", members={"reason": "x"})
    handle.inject_fault("create_membership")  # type: ignore[call-arg]


def quotas(handle: Handle) -> None:
    handle.quotas["Memberships per account"] = 3
    assert_type(handle.quotas["Memberships per account"], float)
    del handle.quotas["Memberships per account"]


def calls(handle: Handle) -> None:
    assert_type(handle.calls, Sequence[Call])
    call = handle.calls[-1]
    assert_type(call.operation, str)
    assert_type(call.account_id, str)
    assert_type(call.arguments, Mapping[str, Any])
    assert_type(call.status, int)
    assert_type(call.error, str | None)
    if call.rule is not None:
        assert_type(call.rule.id, str)
        assert_type(call.rule.page, str)


def state(handle: Handle) -> None:
    backend = handle.backend("222222222222", "eu-west-1")
    assert_type(backend.collaborations_created, int)
    for membership in backend.memberships:
        assert_type(membership.query_log_status, str)


def as_callable(decorate: Callable[[Callable[[], int]], Callable[[], int]]) -> None:
    """Both spellings serve where a decorator is wanted."""


as_callable(mock_cleanrooms)
as_callable(mock_cleanrooms())
