"""What all tests share: the seam under test, the check of every answer against the model, and a few ways to set a scene."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime, timedelta, timezone
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from cleanrooms_mock import Handle, intercept
from cleanrooms_mock.cleanrooms import service
from cleanrooms_mock.rules import catalogue
from tests.shapes import breaches

pytest_plugins = ["pytester"]

ADVERTISER = "111111111111"
PUBLISHER = "222222222222"
STRANGER = "999999999999"
AGENCY = "333333333333"
#: The id of nothing.
NOWHERE = "00000000-0000-4000-8000-000000000000"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--seam",
        choices=["call", "wire"],
        default="call",
        help="which seam answers boto3 in the tests that don't choose one",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "rule(*ids): the rules of the catalogue that a test would fail without.")


@pytest.fixture(autouse=True)
def seam(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The seam under test."""
    chosen: str = request.config.getoption("--seam")
    if chosen == "wire":
        monkeypatch.setattr(intercept, "_moto_has_a_say", lambda: True)
    return chosen


@pytest.fixture(autouse=True)
def answers_keep_to_the_model(monkeypatch: pytest.MonkeyPatch) -> None:
    """Check every answer of every test against the shape that the model has for it."""
    invoke = service.invoke

    def checked(operation: Any, *args: Any) -> Any:
        answer = invoke(operation, *args)
        model = operation._model
        if answer.status < 300:
            shape = model.output_shape
        elif answer.error in operation.errors:
            shape = next(shape for shape in model.error_shapes if shape.name == answer.error)
        else:
            assert answer.status == 501 or answer.rule is None, f"{operation.name} doesn't model {answer.error}"
            return answer
        if shape is not None and shape.members:
            body = json.loads(answer.body) if isinstance(answer.body, str) else answer.body
            found = list(breaches(shape, body, operation.name))
            assert not found, "\n".join(found)
        if answer.rule is not None:
            declared = catalogue[answer.rule].answer or ""
            # A call that is answered has the rule that made its query or job fail.
            expected = "FAILED" if answer.error is None else answer.error
            assert expected in declared, f"{answer.rule} declares {declared!r} and raised {answer.error}"
            reason = None if answer.error is None else answer.body.get("reason")
            assert reason is None or reason in declared, f"{answer.rule} declares {declared!r} and raised {reason}"
        return answer

    monkeypatch.setattr(intercept, "invoke", checked)


Refused = Callable[..., AbstractContextManager[dict[str, Any]]]


@pytest.fixture
def refused() -> Refused:
    """``with refused("ValidationException", "INVALID_CONFIGURATION", field="queryLogStatus", rule="MEM-16") as error: …``

    The block must raise that exception, with that reason, with an entry for that field, and by that rule; the dict that the block gets is
    filled with the whole response.
    """

    @contextmanager
    def context(
        code: str, reason: str | None = None, *, field: str | None = None, rule: str | None = None
    ) -> Iterator[dict[str, Any]]:
        response: dict[str, Any] = {}
        with pytest.raises(ClientError) as caught:
            yield response
        response.update(caught.value.response)
        assert response["Error"]["Code"] == code, response
        assert response.get("reason") == reason or reason is None, response
        if field is not None:
            assert field in [entry["name"] for entry in response["fieldList"]], response
        if rule is not None:
            assert response["ResponseMetadata"]["HTTPHeaders"].get("x-cleanrooms-mock-rule") == rule, response

    return context


@pytest.fixture
def no_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    """botocore would sleep before it tries again what the service seems to have failed at."""
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")


class Clock:
    """moto's clock, stopped on a Tuesday, between two milliseconds.

    :ivar now: the present time, as boto3 shows it.
    """

    def __init__(self) -> None:
        self.now = datetime(2026, 6, 9, 2, 0, 0, 367_000, tzinfo=timezone.utc)

    def __call__(self) -> datetime:
        return self.now.replace(tzinfo=None) + timedelta(microseconds=891)

    def advance(self, **duration: float) -> datetime:
        """Move on and return the new time."""
        self.now += timedelta(**duration)
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("moto.core.utils.utcnow", clock)
    return clock


At = Callable[[int], None]


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> At:
    """``at(2040)`` sets the clock to the first day of that year."""

    def move(year: int) -> None:
        monkeypatch.setattr("moto.core.utils.utcnow", lambda: datetime(year, 1, 1))  # noqa: DTZ001

    return move


@pytest.fixture
def passing_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have each look at moto's clock be a second later than the one before, so that a time that moves is seen to move."""
    seconds = count()
    monkeypatch.setattr("moto.core.utils.utcnow", lambda: datetime(2026, 6, 1) + timedelta(seconds=next(seconds)))  # noqa: DTZ001


class Scene:
    """Two accounts and a short way to have them collaborate.

    The advertiser creates, can query and receives results unless a test says otherwise; the publisher is invited and has no ability.
    """

    def __init__(self, handle: Handle, region_name: str = "us-east-1") -> None:
        self.handle = handle
        self.region_name = region_name
        self.advertiser = handle.client(ADVERTISER, region_name)
        self.publisher = handle.client(PUBLISHER, region_name)
        self.stranger = handle.client(STRANGER, region_name)

    def member(self, account_id: str = PUBLISHER, abilities: list[str] | None = None, **more: Any) -> dict[str, Any]:
        """Return an entry for ``members``."""
        return {
            "accountId": account_id,
            "displayName": f"member {account_id}",
            "memberAbilities": abilities or [],
            **more,
        }

    def create(self, **overrides: Any) -> dict[str, Any]:
        """Create a collaboration and return it."""
        arguments: dict[str, Any] = {
            "name": "campaign",
            "description": "reach of the spring campaign",
            "creatorDisplayName": "advertiser",
            "creatorMemberAbilities": ["CAN_QUERY", "CAN_RECEIVE_RESULTS"],
            "members": [self.member()],
            "queryLogStatus": "DISABLED",
            **overrides,
        }
        given = {name: value for name, value in arguments.items() if value is not None}
        answer: Any = self.advertiser.create_collaboration(**given)["collaboration"]
        return dict(answer)

    def join(self, client: Any, collaboration: dict[str, Any], **more: Any) -> dict[str, Any]:
        """Join a collaboration and return the membership."""
        arguments = {"collaborationIdentifier": collaboration["id"], "queryLogStatus": "DISABLED", **more}
        return dict(client.create_membership(**arguments)["membership"])

    def member_of(self, collaboration: dict[str, Any], account_id: str) -> dict[str, Any]:
        """Return an account's member summary, as the advertiser sees it."""
        summaries = self.advertiser.list_members(collaborationIdentifier=collaboration["id"])["memberSummaries"]
        return next(dict(summary) for summary in summaries if summary["accountId"] == account_id)


@pytest.fixture
def scene(cleanrooms: Handle) -> Scene:
    return Scene(cleanrooms)


def pays(**costs: bool) -> dict[str, Any]:
    """``pays(query=True, job=False, training=True)`` as a paymentConfiguration."""
    learning = {"training": "modelTraining", "inference": "modelInference", "synthetic": "syntheticDataGeneration"}
    configuration: dict[str, Any] = {}
    for cost, responsible in costs.items():
        part = {"isResponsible": responsible}
        if cost in learning:
            configuration.setdefault("machineLearning", {})[learning[cost]] = part
        else:
            configuration[f"{cost}Compute"] = part
    return configuration


def results_to(bucket: str = "results", account_id: str | None = None, **s3: Any) -> dict[str, Any]:
    """A result configuration that writes CSV to ``bucket``, with a role of ``account_id`` if that is given."""
    configuration: dict[str, Any] = {"outputConfiguration": {"s3": {"bucket": bucket, "resultFormat": "CSV", **s3}}}
    if account_id is not None:
        configuration["roleArn"] = f"arn:aws:iam::{account_id}:role/results"
    return configuration


def paged(method: Any, key: str, ids: list[str], **arguments: Any) -> None:
    """Check that a list shows the ``ids`` in order, in one page and in pages of two."""
    whole = method(**arguments)
    assert [summary["id"] for summary in whole[key]] == ids
    assert "nextToken" not in whole
    seen: list[str] = []
    sizes = []
    more: dict[str, Any] = {}
    while True:
        page = method(**arguments, maxResults=2, **more)
        sizes.append(len(page[key]))
        seen.extend(summary["id"] for summary in page[key])
        if "nextToken" not in page:
            break
        more = {"nextToken": page["nextToken"]}
    assert seen == ids
    assert max(sizes) <= 2


def tags_come_and_go(client: Any, arn: str, refused: Refused, delete: Any) -> None:
    """Check the tags of a resource that was created with ``{"team": "media"}``, up to its end."""
    assert client.list_tags_for_resource(resourceArn=arn)["tags"] == {"team": "media"}
    client.tag_resource(resourceArn=arn, tags={"stage": "test"})
    client.untag_resource(resourceArn=arn, tagKeys=["team"])
    assert client.list_tags_for_resource(resourceArn=arn)["tags"] == {"stage": "test"}
    delete()
    with refused("ResourceNotFoundException", rule="TAG-4") as error:
        client.list_tags_for_resource(resourceArn=arn)
    assert (error["resourceType"], error["resourceId"]) == ("MEMBERSHIP", arn.rsplit("/", 1)[-1])


def recording(name: str) -> list[dict[str, Any]]:
    """The recorded answers of an operation, such as ``cleanrooms.GetMembership``."""
    path = Path(__file__).parent / "recordings" / f"{name}.json"
    answers: list[dict[str, Any]] = json.loads(path.read_text())
    return answers
