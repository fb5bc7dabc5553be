"""Request rates, which a mock enforces on demand and by moto's clock."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from cleanrooms_mock import Handle
from tests.conftest import ADVERTISER, NOWHERE, PUBLISHER, Refused, Scene

MALFORMED = NOWHERE.replace("4", "X")
limited = pytest.mark.cleanrooms(rate_quotas=True)


class Clock:
    """moto's clock, stopped; it knows how far it was moved."""

    def __init__(self) -> None:
        self.milliseconds = 0

    def __call__(self) -> datetime:
        # Whole milliseconds on a whole second, so that no rounding blurs where a second ends.
        return datetime(2026, 6, 9) + timedelta(milliseconds=self.milliseconds)  # noqa: DTZ001  as naive as moto's own


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("moto.core.utils.utcnow", clock)
    return clock


pytestmark = pytest.mark.usefixtures("no_retries")


def statuses(call: Callable[[], Any], times: int) -> list[int]:
    """The HTTP statuses of this many calls."""
    found = []
    for _ in range(times):
        try:
            answer = call()
        except ClientError as error:
            answer = error.response
        found.append(answer["ResponseMetadata"]["HTTPStatusCode"])
    return found


@pytest.mark.rule("QUO-33")
def test_nothing_is_throttled_unasked(scene: Scene) -> None:
    """Without rate_quotas a mock answers whatever comes in the same instant."""
    assert statuses(scene.advertiser.list_collaborations, 50) == [200] * 50


@limited
@pytest.mark.rule("QUO-32", "QUO-33", "ERR-2")
def test_the_sixth_request_of_a_second(scene: Scene, clock: Clock) -> None:
    """Beyond five a second an operation answers 429 with a message alone, and no header that says when to come back."""
    collaboration = scene.create(members=[scene.member(f"{account:012}") for account in range(5)])
    request: Any = {"collaborationIdentifier": collaboration["id"], "queryLogStatus": "DISABLED"}
    assert statuses(lambda: scene.publisher.create_membership(**request), 5) == [403] * 5
    with pytest.raises(scene.publisher.exceptions.ThrottlingException) as caught:
        scene.publisher.create_membership(**request)
    response: Any = caught.value.response
    metadata = response["ResponseMetadata"]
    assert response.keys() == {"Error", "ResponseMetadata", "message"}
    assert response["Error"] == {"Code": "ThrottlingException", "Message": response["message"]}
    assert (metadata["HTTPStatusCode"], metadata["RetryAttempts"]) == (429, 0)
    assert metadata["HTTPHeaders"]["x-cleanrooms-mock-rule"] == "QUO-33"
    assert not [name for name in metadata["HTTPHeaders"] if "retry" in name.lower() or "rate" in name.lower()]
    call = scene.handle.calls[-1]
    assert (call.operation, call.account_id, call.status, call.error) == (
        "create_membership",
        PUBLISHER,
        429,
        "ThrottlingException",
    )


@limited
@pytest.mark.rule("QUO-32", "QUO-33")
def test_a_second_slides(cleanrooms: Handle, clock: Clock) -> None:
    """Any five requests in less than a second are the limit; a full second later the first has left, and refused ones never count."""
    client = cleanrooms.client()
    found = []
    for moment in (0, 200, 400, 600, 800, 999, 999, 1000, 1199, 1200, 1399, 1400, 3000, 3000, 3000, 3000, 3000, 3000):
        clock.milliseconds = moment
        found += [(moment, status) for status in statuses(client.list_memberships, 1)]
    refused = [moment for moment, status in found if status == 429]
    assert refused == [999, 999, 1199, 1399, 3000]
    assert {status for _, status in found} == {200, 429}


@limited
@pytest.mark.rule("QUO-32")
def test_each_operation_account_and_region_has_its_own(cleanrooms: Handle) -> None:
    """What one operation, account or Region has used up another still has."""
    client = cleanrooms.client(ADVERTISER)
    assert statuses(client.list_memberships, 6) == [200] * 5 + [429]
    assert statuses(client.list_collaborations, 6) == [200] * 5 + [429]
    assert statuses(cleanrooms.client(PUBLISHER).list_memberships, 6) == [200] * 5 + [429]
    assert statuses(cleanrooms.client(ADVERTISER, "eu-west-1").list_memberships, 6) == [200] * 5 + [429]
    assert statuses(cleanrooms.client(ADVERTISER).list_memberships, 1) == [429]


@limited
@pytest.mark.rule("QUO-32", "QUO-33")
def test_refused_requests_are_requests(scene: Scene, refused: Refused) -> None:
    """A request that is answered with an error has used its share, a malformed one too; throttling comes before all of them."""
    assert statuses(lambda: scene.publisher.get_membership(membershipIdentifier=NOWHERE), 3) == [404] * 3
    assert statuses(lambda: scene.publisher.get_membership(membershipIdentifier=MALFORMED), 2) == [400] * 2
    for identifier in (NOWHERE, MALFORMED):
        with refused("ThrottlingException", rule="QUO-33"):
            scene.publisher.get_membership(membershipIdentifier=identifier)


@limited
@pytest.mark.rule("QUO-32")
@pytest.mark.parametrize(
    ("operation", "arguments", "limit"),
    [
        ("update_membership", {"membershipIdentifier": NOWHERE}, 5),
        ("delete_membership", {"membershipIdentifier": NOWHERE}, 5),
        ("get_collaboration", {"collaborationIdentifier": NOWHERE}, 5),
        ("list_configured_tables", {}, 5),
        ("get_intermediate_table", {"membershipIdentifier": NOWHERE, "intermediateTableIdentifier": NOWHERE}, 5),
        ("get_configured_table", {"configuredTableIdentifier": NOWHERE}, 20),
        ("get_protected_query", {"membershipIdentifier": NOWHERE, "protectedQueryIdentifier": NOWHERE}, 20),
    ],
)
def test_rates_of_operations(
    cleanrooms: Handle, clock: Clock, operation: str, arguments: dict[str, str], limit: int
) -> None:
    """Twenty a second for the two that are polled, five for all others, those that the page of quotas leaves out too."""
    call = getattr(cleanrooms.client(), operation)
    for _ in range(2):
        found = statuses(lambda: call(**arguments), limit + 2)
        assert [status == 429 for status in found] == [False] * limit + [True] * 2
        clock.milliseconds += 1000


@limited
@pytest.mark.rule("QUO-34")
def test_tags_are_never_throttled(scene: Scene) -> None:
    """The tag operations model no ThrottlingException, so they never answer it, and none can be injected."""
    arn = scene.create()["arn"]
    client = scene.advertiser
    assert statuses(lambda: client.tag_resource(resourceArn=arn, tags={"stage": "test"}), 10) == [200] * 10
    assert statuses(lambda: client.untag_resource(resourceArn=arn, tagKeys=["stage"]), 10) == [200] * 10
    assert statuses(lambda: client.list_tags_for_resource(resourceArn=arn), 30) == [200] * 30
    for operation in ("TagResource", "UntagResource", "ListTagsForResource"):
        with pytest.raises(ValueError, match="models no ThrottlingException"):
            scene.handle.inject_fault(operation, "ThrottlingException")


@limited
@pytest.mark.rule("QUO-33")
@pytest.mark.parametrize("mode", ["legacy", "standard"])
def test_a_client_that_tries_again_gets_through(
    cleanrooms: Handle, clock: Clock, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    """botocore's own retries see the throttling, wait, and are answered once a second has passed on moto's clock."""
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "3")
    monkeypatch.setenv("AWS_RETRY_MODE", mode)

    def wait(seconds: float) -> None:
        clock.milliseconds += 600

    monkeypatch.setattr("time.sleep", wait)
    client = cleanrooms.client()
    for _ in range(5):
        client.list_memberships()
    answer: Any = client.list_memberships()
    assert (answer["ResponseMetadata"]["HTTPStatusCode"], answer["ResponseMetadata"]["RetryAttempts"]) == (200, 2)
    assert [call.status for call in cleanrooms.calls] == [200] * 5 + [429, 429, 200]
