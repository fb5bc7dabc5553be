"""``mock_cleanrooms`` in all its forms: what it mocks, with whom it shares, and that it leaves nothing behind."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import functools
import gc
import inspect
import os
import sys
import threading
import unittest
import weakref
from collections.abc import AsyncGenerator, Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from datetime import datetime, timezone
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from unittest.mock import patch

import boto3
import pytest
import requests
import responses
from botocore.exceptions import ClientError
from moto import mock_aws
from moto.core.base_backend import BackendDict
from moto.core.config import default_user_config
from moto.core.models import MockAWS, botocore_stubber, responses_mock
from moto.moto_api._internal import mock_random

from cleanrooms_mock import Handle, MockCleanRooms, addresses, intercept, mock_cleanrooms
from cleanrooms_mock.cleanrooms import collaborations, memberships, service, tags, world
from cleanrooms_mock.cleanrooms.controls import active
from cleanrooms_mock.cleanrooms.ids import now
from cleanrooms_mock.cleanrooms.members import admit
from cleanrooms_mock.cleanrooms.quotas import QUOTAS
from cleanrooms_mock.protocol.text import TextCompiler
from cleanrooms_mock.protocol.writing import JSON, PARSED, OutputCompiler
from tests.conftest import ADVERTISER, PUBLISHER, STRANGER, pays, results_to

CREATED = "Collaborations created per account"
JOINED = "Memberships per account"
CREDENTIALS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")

Mock = Callable[[], AbstractContextManager[Any]]


def mocked() -> bool:
    """Whether calls are answered by a mock."""
    return botocore_stubber.enabled


def surroundings() -> dict[str, Any]:
    """Everything that a mock touches, to be compared before and after."""
    return {
        "environment": {name: value for name, value in os.environ.items() if name.startswith(("AWS_", "MOTO_"))},
        "default session": boto3.DEFAULT_SESSION,
        "configuration": copy.deepcopy(dict(default_user_config)),
        "requests": requests.adapters.HTTPAdapter.send,
        "responses": list(responses_mock.registered()),
        "mocked": mocked(),
        "mocks": (MockAWS._nested_count, MockAWS._mocks_active, list(active)),
        "state": (list(BackendDict._instances), dict(world._worlds)),  # type: ignore[misc]
    }


@pytest.fixture(autouse=True)
def nothing_is_left() -> Iterator[None]:
    """After each test of this file all is as it was."""
    before = surroundings()
    yield
    after = surroundings()
    while MockAWS._nested_count > 0:  # one leak fails one test, not all that follow
        mock_aws().stop()
    active.clear()
    assert after == before
    assert (before["mocked"], before["mocks"], before["state"]) == (False, (0, False, []), ([], {}))


def create(client: Any, *invited: str, **more: Any) -> dict[str, Any]:
    """Create a collaboration, whose creator queries and receives results, and return it."""
    arguments = {
        "name": "campaign",
        "description": "reach of the spring campaign",
        "creatorDisplayName": "creator",
        "creatorMemberAbilities": ["CAN_QUERY", "CAN_RECEIVE_RESULTS"],
        "members": [{"accountId": account, "displayName": account, "memberAbilities": []} for account in invited],
        "queryLogStatus": "DISABLED",
    }
    return dict(client.create_collaboration(**{**arguments, **more})["collaboration"])


def join(client: Any, collaboration: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Join a collaboration and return the membership."""
    arguments = {"collaborationIdentifier": collaboration["id"], "queryLogStatus": "DISABLED", **more}
    return dict(client.create_membership(**arguments)["membership"])


@functools.cache
def default_client() -> Any:
    """A client that isn't of our making, of one session throughout, since a new one would load the service's model again."""
    session = boto3.session.Session("key", "secret", region_name="us-east-1")
    return session.client("cleanrooms")


def visit() -> int:
    """Create a collaboration and return how many there are since the state was fresh."""
    client = default_client()
    create(client)
    return len(client.list_collaborations()["collaborationList"])


# Functions


@pytest.fixture(params=["bare", "called"])
def decorate(request: pytest.FixtureRequest) -> Callable[[Any], Any]:
    """The decorator in both spellings."""
    return mock_cleanrooms if request.param == "bare" else mock_cleanrooms()


def test_function(decorate: Callable[[Any], Any]) -> None:
    """A decorated function keeps its signature, gets its arguments, returns its value, and finds fresh state each time."""

    def visits(times: int, *, said: str = "nothing") -> tuple[int, str]:
        """How often."""
        return [visit() for _ in range(times)][-1], said

    decorated = decorate(visits)
    assert decorated(3, said="hello") == (3, "hello")
    assert decorated(1) == (1, "nothing")
    assert (decorated.__name__, decorated.__doc__) == ("visits", "How often.")
    assert inspect.signature(decorated) == inspect.signature(visits)


def test_function_that_raises(decorate: Callable[[Any], Any]) -> None:
    """What a decorated function raises comes out, and the mock is over."""

    @decorate
    def broken() -> None:
        visit()
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        broken()
    assert not mocked()


def test_function_that_calls_itself(decorate: Callable[[Any], Any]) -> None:
    """Recursion shares the state of the outermost call, and no return ends the mock of who called."""
    depths = []

    @decorate
    def descend(depth: int) -> None:
        depths.append(visit())
        if depth:
            descend(depth - 1)
        depths.append(visit())

    descend(2)
    assert depths == [1, 2, 3, 4, 5, 6]


def test_coroutine_function(decorate: Callable[[Any], Any]) -> None:
    """A decorated coroutine function is one still, and is mocked while it runs, not when it is called."""

    @decorate
    async def visits() -> tuple[int, bool, int]:
        before = visit()
        await asyncio.sleep(0)
        return before, mocked(), visit()

    assert inspect.iscoroutinefunction(visits)
    coroutine = visits()
    assert not mocked()
    assert asyncio.run(coroutine) == (1, True, 2)
    assert asyncio.run(visits()) == (1, True, 2)


def test_coroutines_at_the_same_time(decorate: Callable[[Any], Any]) -> None:
    """Coroutines that run at the same time share state, until the last of them is done."""

    @decorate
    async def visits(pauses: int) -> int:
        visit()
        for _ in range(pauses):
            await asyncio.sleep(0)
        return visit()

    async def both() -> list[int]:
        return list(await asyncio.gather(visits(1), visits(3)))

    assert asyncio.run(both()) == [3, 4]


def test_generator(decorate: Callable[[Any], Any]) -> None:
    """A decorated generator is mocked from its first step to its end, and is sent and thrown what its caller sends and throws."""
    mocked_at_the_end = []

    @decorate
    def conversation() -> Generator[Any, str, str]:
        try:
            heard = yield visit()
            try:
                yield heard
            except LookupError:
                yield visit()
            return "over"
        finally:
            mocked_at_the_end.append(mocked())

    assert inspect.isgeneratorfunction(conversation)
    talk = conversation()
    assert not mocked()
    assert next(talk) == 1
    assert mocked()
    assert talk.send("hello") == "hello"
    assert talk.throw(LookupError()) == 2
    with pytest.raises(StopIteration) as end:
        next(talk)
    assert end.value.value == "over"
    assert not mocked()

    talk = conversation()
    assert next(talk) == 1
    talk.close()
    assert not mocked()
    assert mocked_at_the_end == [True, True]


def test_async_generator(decorate: Callable[[Any], Any]) -> None:
    """A decorated async generator is mocked from its first step to its end, what it does when it is closed included."""
    mocked_at_the_end = []

    @decorate
    async def conversation() -> AsyncGenerator[Any, str]:
        try:
            heard = yield visit()
            try:
                yield heard
            except LookupError:
                yield visit()
        finally:
            await asyncio.sleep(0)
            mocked_at_the_end.append(mocked())

    async def talk() -> None:
        first = conversation()
        assert not mocked()
        assert await first.__anext__() == 1
        assert mocked()
        assert await first.asend("hello") == "hello"
        assert await first.athrow(LookupError()) == 2
        with pytest.raises(StopAsyncIteration):
            await first.__anext__()
        assert not mocked()

        second = conversation()
        assert await second.__anext__() == 1
        await second.aclose()
        assert mocked_at_the_end == [True, True]

    assert inspect.isasyncgenfunction(conversation)
    asyncio.run(talk())
    assert not mocked()


def test_async_context_manager_made_of_a_decorated_generator(decorate: Callable[[Any], Any]) -> None:
    """What the body of its ``async with`` raises reaches the generator, as contextlib promises."""
    seen = []

    @contextlib.asynccontextmanager
    @decorate
    async def collaboration() -> AsyncGenerator[int, None]:
        try:
            yield visit()
        except LookupError:
            seen.append(visit())

    async def use() -> None:
        async with collaboration() as visits:
            assert visits == 1
            raise LookupError

    asyncio.run(use())
    assert seen == [2]


# Classes of tests for pytest


def run(pytester: pytest.Pytester, code: str) -> pytest.RunResult:
    """Run a module of tests that knows :func:`visit`."""
    imports = "import pytest\nfrom cleanrooms_mock import mock_cleanrooms\nfrom tests.test_mock import visit\n\n"
    pytester.makepyfile(imports + code)
    # Hypothesis would import itself anew in every run.
    return pytester.runpytest_inprocess("-p", "no:cacheprovider", "-p", "no:hypothesispytest")


@pytest.mark.parametrize("spelling", ["mock_cleanrooms", "mock_cleanrooms()"])
def test_pytest_class(pytester: pytest.Pytester, spelling: str) -> None:
    """Each test of a decorated class has state of its own, whatever it is requested with."""
    code = f"""
        @{spelling}
        class TestVisits:
            threshold = 1

            @staticmethod
            def twice():
                return [visit(), visit()][-1]

            @pytest.fixture
            def earlier(self):
                return visit()

            def test_once(self):
                assert visit() == self.threshold

            @pytest.mark.parametrize("number", [1, 2])
            def test_fixture(self, earlier, number):
                assert (earlier, visit()) == (1, 2)

            def test_static(self):
                assert self.twice() == 2
    """
    run(pytester, inspect.cleandoc(code)).assert_outcomes(passed=4)


@pytest.mark.parametrize("parameter", ["", ", method", ", method=None", ", *arguments"])
def test_pytest_class_with_setup_and_teardown(pytester: pytest.Pytester, parameter: str) -> None:
    """The state of setup_method is there in the test and in teardown_method, and gone in the next test."""
    takes_method = "method" in parameter
    code = f"""
        @mock_cleanrooms
        class TestVisits:
            def setup_method(self{parameter}):
                {'assert method.__name__.startswith("test_")' if takes_method else ""}
                assert visit() == 1

            def teardown_method(self{parameter}):
                {"assert method == getattr(self, method.__name__)" if takes_method else ""}
                assert visit() == 3

            def test_first(self):
                assert visit() == 2

            def test_second(self):
                assert visit() == 2
    """
    run(pytester, inspect.cleandoc(code)).assert_outcomes(passed=2)


def test_pytest_class_whose_setup_raises(pytester: pytest.Pytester) -> None:
    """An error in setup_method is that test's error, and the next class finds nothing of it."""
    code = """
        @mock_cleanrooms
        class TestBroken:
            def setup_method(self):
                visit()
                raise LookupError("in setup")

            def teardown_method(self):
                raise AssertionError("pytest doesn't tear down what wasn't set up")

            def test_never(self):
                raise AssertionError("runs without setup")

        @mock_cleanrooms
        class TestNext:
            def test_fresh(self):
                assert visit() == 1
    """
    result = run(pytester, inspect.cleandoc(code))
    result.assert_outcomes(errors=1, passed=1)
    result.stdout.fnmatch_lines(["*LookupError: in setup"])


def test_pytest_class_whose_teardown_raises(pytester: pytest.Pytester) -> None:
    """An error in teardown_method ends the mock all the same."""
    code = """
        @mock_cleanrooms
        class TestBroken:
            def teardown_method(self):
                assert visit() == 2
                raise LookupError("in teardown")

            def test_first(self):
                assert visit() == 1

            def test_second(self):
                assert visit() == 1
    """
    result = run(pytester, inspect.cleandoc(code))
    result.assert_outcomes(passed=2, errors=2)
    result.stdout.fnmatch_lines(["*LookupError: in teardown"])


BASES = """
class Plain:
    def setup_method(self, method):
        self.earlier = visit()

    def teardown_method(self):
        assert visit() == self.earlier + 2

@mock_cleanrooms
class Decorated(Plain):
    pass

@mock_cleanrooms
class WithoutArgument:
    def setup_method(self):
        self.earlier = visit()
"""


@pytest.mark.parametrize(
    "heading",
    [
        "class TestVisits(Decorated):\n    pass",
        "@mock_cleanrooms\nclass TestVisits(Plain):\n    pass",
        "@mock_cleanrooms\nclass TestVisits(Decorated):\n    pass",
        "class TestVisits(WithoutArgument):\n    pass",
        "class TestVisits(Decorated):\n    def setup_method(self, method):\n        super().setup_method(method)",
        "class TestVisits(WithoutArgument):\n    def setup_method(self):\n        super().setup_method()",
        "@mock_cleanrooms\nclass TestVisits(WithoutArgument):\n    def setup_method(self):\n        super().setup_method()",
        "class TestVisits(WithoutArgument):\n    def setup_method(self):\n        self.earlier = visit()",
        "class TestVisits(WithoutArgument):\n    def teardown_method(self):\n        assert visit() == 3",
    ],
    ids=[
        "inherits",
        "of an undecorated base",
        "both decorated",
        "without the argument",
        "extends setup_method",
        "extends setup_method without the argument",
        "extends it and is decorated",
        "replaces setup_method",
        "adds teardown_method",
    ],
)
def test_pytest_class_inherits(pytester: pytest.Pytester, heading: str) -> None:
    """Subclasses of decorated classes are mocked too, setup_method included, and end what they began."""
    body = "\n\n    def test_first(self):\n        assert (self.earlier, visit()) == (1, 2)\n"
    run(pytester, BASES + "\n" + heading + body + body.replace("first", "second")).assert_outcomes(passed=2)
    assert not mocked()


def test_pytest_class_options(pytester: pytest.Pytester) -> None:
    """The options of a class's decorator hold for its tests, and a subclass's own for its."""
    code = """
        from cleanrooms_mock.cleanrooms.controls import current

        @mock_cleanrooms(references="strict", wire=True)
        class TestBase:
            references = "strict"

            def setup_method(self):
                assert (current().references, current().wire) == (self.references, True)

            def test_options(self):
                assert (current().references, current().wire) == (self.references, True)

        @mock_cleanrooms(references="known", wire=True)
        class TestDerived(TestBase):
            references = "known"
    """
    run(pytester, inspect.cleandoc(code)).assert_outcomes(passed=2)


# Classes of tests for unittest


def run_case(case: type[unittest.TestCase]) -> unittest.TestResult:
    """Run a class of tests as unittest does."""
    result = unittest.TestResult()
    unittest.defaultTestLoader.loadTestsFromTestCase(case).run(result)
    return result


def test_unittest_class(decorate: Callable[[Any], Any]) -> None:
    """The state of setUp is there in the test, in tearDown and in clean-ups, and gone in the next test."""
    visits: list[int] = []

    @decorate
    class Visits(unittest.TestCase):
        def setUp(self) -> None:
            self.addCleanup(lambda: visits.append(visit()))
            visits.append(visit())

        def tearDown(self) -> None:
            visits.append(visit())

        def test_first(self) -> None:
            visits.append(visit())

        def test_second(self) -> None:
            with self.subTest("in a part of a test"):
                visits.append(visit())

    result = run_case(Visits)
    assert result.wasSuccessful(), result.errors + result.failures
    assert (result.testsRun, visits) == (2, [1, 2, 3, 4] * 2)


def test_unittest_class_that_fails(decorate: Callable[[Any], Any]) -> None:
    """Failures, errors, skipped tests and expected failures are what they were, and none leaves anything to the next test."""

    @decorate
    class Broken(unittest.TestCase):
        def setUp(self) -> None:
            if self._testMethodName == "test_setup":
                visit()
                raise LookupError("in setUp")

        def test_error(self) -> None:
            raise LookupError

        def test_failure(self) -> None:
            assert visit() == 2

        @unittest.expectedFailure
        def test_known(self) -> None:
            assert visit() == 2

        def test_setup(self) -> None:
            raise AssertionError("runs without setUp")

        def test_skipped(self) -> None:
            visit()
            self.skipTest("not today")

        def test_sound(self) -> None:
            assert visit() == 1

    result = run_case(Broken)
    assert result.testsRun == 6
    assert [test._testMethodName for test, _ in result.errors] == ["test_error", "test_setup"]
    assert [test._testMethodName for test, _ in result.failures] == ["test_failure"]
    assert (len(result.expectedFailures), len(result.skipped)) == (1, 1)
    assert not mocked()


def test_unittest_class_of_coroutines(decorate: Callable[[Any], Any]) -> None:
    """IsolatedAsyncioTestCase is mocked over all of its asynchronous stages."""
    visits: list[int] = []

    @decorate
    class Visits(unittest.IsolatedAsyncioTestCase):
        async def asyncSetUp(self) -> None:
            self.addAsyncCleanup(self.visit)
            await self.visit()

        async def asyncTearDown(self) -> None:
            await self.visit()

        async def visit(self) -> None:
            await asyncio.sleep(0)
            visits.append(visit())

        async def test_first(self) -> None:
            await self.visit()

        async def test_second(self) -> None:
            await self.visit()

    result = run_case(Visits)
    assert result.wasSuccessful(), result.errors + result.failures
    assert visits == [1, 2, 3, 4] * 2


def test_unittest_class_inherits(decorate: Callable[[Any], Any]) -> None:
    """A subclass of a decorated class is mocked too, with or without a decorator of its own, and may replace setUp."""
    visits: list[int] = []

    @decorate
    class Base(unittest.TestCase):
        def setUp(self) -> None:
            visits.append(visit())

    class Extends(Base):
        def setUp(self) -> None:
            super().setUp()
            visits.append(visit())

        def test_visit(self) -> None:
            visits.append(visit())

    @decorate
    class Replaces(Base):
        def setUp(self) -> None:
            pass

        def test_visit(self) -> None:
            visits.append(visit())

    for case in (Extends, Replaces):
        result = run_case(case)
        assert result.wasSuccessful(), result.errors + result.failures
    assert visits == [1, 2, 3, 1]


def test_unittest_class_run_by_pytest(pytester: pytest.Pytester) -> None:
    """pytest runs a decorated unittest class as unittest does."""
    code = """
        import unittest

        @mock_cleanrooms
        class Visits(unittest.TestCase):
            def setUp(self):
                assert visit() == 1

            def tearDown(self):
                assert visit() == 3

            def test_first(self):
                assert visit() == 2

            def test_second(self):
                assert visit() == 2
    """
    run(pytester, inspect.cleandoc(code)).assert_outcomes(passed=2)


# with, async with, start and stop


def test_with() -> None:
    """One object serves for any number of ``with``, each with fresh state and a handle of its own."""
    mock = mock_cleanrooms()
    assert isinstance(mock, MockCleanRooms)
    with mock as first:
        assert isinstance(first, Handle)
        assert visit() == 1
    with mock as second:
        assert visit() == 1
    assert (len(first.calls), len(second.calls)) == (2, 2)
    assert first is not second


def test_with_inside_of_itself() -> None:
    """One object may be entered again while it is active; both handles see what is called then, and each end is one end."""
    mock = mock_cleanrooms()
    with mock as outer:
        visit()
        with mock as inner:
            assert visit() == 2
        assert visit() == 3
    assert (len(outer.calls), len(inner.calls)) == (6, 2)
    with pytest.raises(RuntimeError):
        mock.stop()


def test_with_does_not_swallow() -> None:
    """What a block raises comes out of it."""
    with pytest.raises(LookupError), mock_cleanrooms():
        raise LookupError


def test_async_with() -> None:
    """``async with`` is ``with``."""

    found = []

    async def visits() -> None:
        async with mock_cleanrooms() as handle:
            found.extend([visit(), visit(), len(handle.calls)])
        async with mock_cleanrooms():
            found.append(visit())
            raise LookupError

    with pytest.raises(LookupError):
        asyncio.run(visits())
    assert found == [1, 2, 4, 1]
    assert not mocked()


def test_start_and_stop() -> None:
    """``start`` gives the handle and ``stop`` ends the mock, again and again."""
    mock = mock_cleanrooms()
    for _ in range(2):
        handle = mock.start()
        assert mocked()
        assert visit() == 1
        assert [call.operation for call in handle.calls] == ["create_collaboration", "list_collaborations"]
        mock.stop()
        assert not mocked()


def test_stop_without_start() -> None:
    """``stop`` on what wasn't started says so, and doesn't end somebody else's mock."""
    mock = mock_cleanrooms()
    message = r"^stop\(\) was called on a mock_cleanrooms that isn't started; call start\(\) first$"
    with pytest.raises(RuntimeError, match=message):
        mock.stop()
    with mock_cleanrooms():
        visit()
        with pytest.raises(RuntimeError, match=message):
            mock.stop()
        assert visit() == 2


# Misuse


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"references": "all"}, "references must be 'known' or 'strict', not 'all'"),
        (
            {"quotas": {"Collaborations": 1}},
            f"there is no quota 'Collaborations'; the quotas are: {', '.join(sorted(QUOTAS))}",
        ),
        ({"quotas": {CREATED: -1}}, f"quota {CREATED!r} must be a number of at least 0, not -1"),
        ({"quotas": {CREATED: "2"}}, f"quota {CREATED!r} must be a number of at least 0, not '2'"),
        ({"quotas": {CREATED: True}}, f"quota {CREATED!r} must be a number of at least 0, not True"),
        ({"quotas": {CREATED: float("nan")}}, f"quota {CREATED!r} must be a number of at least 0, not nan"),
        (
            {"engine": "postgres"},
            (
                "engine must be 'duckdb', 'spark', a master of Spark such as 'local[2]' or 'spark://host:7077', or a Spark Connect server such as "
                "'sc://host:15002', not 'postgres'"
            ),
        ),
        (
            {"query_limits": {"time": 5}},
            "there is no limit 'time' of queries; the limits are: seconds, memory, disk, output",
        ),
        ({"query_limits": {"seconds": 0}}, "the limit 'seconds' of queries must be a number above 0, not 0"),
        ({"query_limits": {"memory": "1GB"}}, "the limit 'memory' of queries must be a number above 0, not '1GB'"),
        ({"query_limits": {"disk": True}}, "the limit 'disk' of queries must be a number above 0, not True"),
        ({"privacy_seed": 1.5}, "privacy_seed must be an integer or None, not 1.5"),
        ({"privacy_seed": True}, "privacy_seed must be an integer or None, not True"),
        ({"run_jobs": "yes"}, "run_jobs must be True or False, not 'yes'"),
    ],
)
def test_wrong_options(options: dict[str, Any], message: str) -> None:
    """An option with a value that it can't have is refused at once, not when the mock starts, and the message names what is possible."""
    with pytest.raises(ValueError) as refusal:
        mock_cleanrooms(**options)
    assert str(refusal.value) == message


@pytest.mark.parametrize("engine", ["duckdb", "spark", "local[2]", "spark://host:7077", "sc://host:15002"])
def test_engines(engine: str) -> None:
    """An engine is chosen without being started."""
    with mock_cleanrooms(engine=engine, query_limits={"seconds": 1.5}, privacy_seed=3, run_jobs=True) as handle:
        assert handle.client().list_collaborations()["collaborationList"] == []


def test_limits_that_change_later() -> None:
    """What is done to the dict afterwards doesn't change the mock."""
    limits: dict[str, float] = {"seconds": 1}
    mock = mock_cleanrooms(query_limits=limits)
    limits["minutes"] = 1
    with mock as handle:
        assert handle._controls.query_limits == {"seconds": 1}


def test_unknown_option() -> None:
    """An option that doesn't exist is refused, naming those that do."""
    options: dict[str, Any] = {"region": "us-east-1"}
    with pytest.raises(TypeError, match="no option region; its options are: quotas"):
        mock_cleanrooms(**options)


@pytest.mark.parametrize("target", ["us-east-1", 5, {"quotas": None}])
def test_positional_option(target: Any) -> None:
    """What is neither function nor class can't be decorated, and the message says how options are given."""
    with pytest.raises(TypeError) as refusal:
        mock_cleanrooms(target)
    message = f"mock_cleanrooms decorates functions and classes and takes options by keyword only, not {target!r}"
    assert str(refusal.value) == message


def test_quotas_given_are_not_touched() -> None:
    """The mapping that was given as quotas is read once: changing it or the handle's quotas changes neither another start nor the mapping."""
    given = {CREATED: 1.0}
    mock = mock_cleanrooms(quotas=given)
    given[CREATED] = 5
    with mock as first:
        assert first.quotas[CREATED] == 1
        first.quotas[CREATED] = 7
    with mock as second:
        assert second.quotas[CREATED] == 1
    assert given == {CREATED: 5}


# Nesting


NESTINGS = [
    pytest.param(mock_cleanrooms, mock_cleanrooms, id="ours in ours"),
    pytest.param(mock_cleanrooms, mock_aws, id="moto's in ours"),
    pytest.param(mock_aws, mock_cleanrooms, id="ours in moto's"),
]


def buckets() -> list[str]:
    """Make a bucket of the default account, and return the names of all."""
    s3 = boto3.client("s3", region_name="us-east-1")
    s3.create_bucket(Bucket=f"bucket-{len(s3.list_buckets()['Buckets'])}")
    return [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]


@pytest.mark.parametrize(("outer", "inner"), NESTINGS)
def test_nested_mocks_share_state(outer: Mock, inner: Mock) -> None:
    """An inner mock finds the outer's state, of every service, and its end neither wipes it nor ends the mock."""
    with outer():
        assert (visit(), len(buckets())) == (1, 1)
        with inner():
            assert (visit(), len(buckets())) == (2, 2)
        assert mocked()
        assert (visit(), len(buckets())) == (3, 3)
        with pytest.raises(LookupError), inner():
            raise LookupError(visit())
        assert (visit(), len(buckets())) == (5, 4)
    assert not mocked()
    with outer():
        assert (visit(), len(buckets())) == (1, 1)


@pytest.mark.parametrize(("outer", "inner"), NESTINGS)
def test_stacked_decorators(outer: Callable[[Any], Any], inner: Callable[[Any], Any]) -> None:
    """Both decorators over one function are one mock around it, an exception through both included."""

    @outer
    @inner
    def visits(error: type[Exception] | None = None) -> int:
        if error is not None:
            raise error
        return [visit(), len(buckets()), visit()][-1]

    assert visits() == 2
    with pytest.raises(LookupError):
        visits(LookupError)
    assert not mocked()
    assert visits() == 2


@pytest.mark.parametrize(
    "second",
    [
        pytest.param(mock_cleanrooms, id="ours"),
        pytest.param(mock_aws, id="moto's"),
        pytest.param(lambda: mock_aws(config={"iam": {"load_aws_managed_policies": True}}), id="moto's with config"),
    ],
)
def test_interleaved_starts_and_stops(second: Callable[[], Any]) -> None:
    """The mock that was started first may be stopped first: the state stays until the last one stops, and then all is as it was."""
    session = boto3.session.Session(region_name="eu-west-1")
    with patch.dict(os.environ, AWS_ACCESS_KEY_ID="mine"), patch.object(boto3, "DEFAULT_SESSION", session):
        before = surroundings()
        ours, theirs = mock_cleanrooms(), second()
        handle = ours.start()
        assert visit() == 1
        theirs.start()
        assert visit() == 2
        ours.stop()
        assert mocked()
        assert os.environ["AWS_ACCESS_KEY_ID"] != "mine"
        assert visit() == 3
        assert len(handle.calls) == 4
        theirs.stop()
        assert surroundings() == before


def test_moto_alone() -> None:
    """Under moto's mock alone the service is ours, with the defaults of every option."""
    with mock_aws():
        client: Any = boto3.client("cleanrooms", region_name="us-east-1")
        collaboration = create(client, PUBLISHER)
        assert join(client, collaboration)["status"] == "ACTIVE"
        with pytest.raises(client.exceptions.ConflictException) as refusal:
            join(client, collaboration)
        assert refusal.value.response["ResponseMetadata"]["HTTPHeaders"]["x-cleanrooms-mock-rule"] == "MEM-2"


# Options


def tried(call: Callable[[], Any]) -> str:
    """What came of a call."""
    try:
        call()
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return "accepted"


def two_payers(client: Any) -> None:
    payer = {
        "accountId": PUBLISHER,
        "displayName": "p",
        "memberAbilities": [],
        "paymentConfiguration": pays(query=True),
    }
    create(client, members=[payer], creatorPaymentConfiguration=pays(query=True))


def results_to_a_bucket_that_nobody_made(client: Any) -> None:
    join(client, create(client), defaultResultConfiguration=results_to("nowhere"))


def six_in_a_second(client: Any) -> None:
    # On an operation that botocore won't repeat in this test, since repeating takes time.
    for _ in range(6):
        client.list_collaborations()


OPTIONS: list[Any] = [
    pytest.param({"quotas": {CREATED: 0}}, create, "ServiceQuotaExceededException", id="quotas"),
    pytest.param({"payer_candidates": False}, two_payers, "ValidationException", id="payer_candidates"),
    pytest.param(
        {"references": "strict"}, results_to_a_bucket_that_nobody_made, "ValidationException", id="references"
    ),
    pytest.param({"rate_quotas": True}, six_in_a_second, "ThrottlingException", id="rate_quotas"),
]


@pytest.mark.parametrize(("options", "call", "refusal"), OPTIONS)
def test_innermost_mock_decides(
    options: dict[str, Any], call: Callable[[Any], Any], refusal: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The options of the innermost mock of ours apply, those of the outer come back when it ends, and moto's mock changes none."""
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    monkeypatch.setattr(
        "moto.core.utils.utcnow", lambda: datetime(2026, 6, 1, tzinfo=timezone.utc).replace(tzinfo=None)
    )
    with mock_cleanrooms() as handle:
        client = handle.client()
        assert tried(lambda: call(client)) == "accepted"
        with mock_cleanrooms(**options):
            assert tried(lambda: call(client)) == refusal
            with mock_aws():
                assert tried(lambda: call(client)) == refusal
            with mock_cleanrooms():
                assert tried(lambda: call(client)) == "accepted"
            assert tried(lambda: call(client)) == refusal
        assert tried(lambda: call(client)) == "accepted"


def test_quotas_can_be_lifted() -> None:
    """``quotas=None`` enforces none, and one can be set all the same."""
    with mock_cleanrooms(quotas=None) as handle:
        client = handle.client()
        invited = [f"{number:012}" for number in range(1, 8)]
        create(client, *invited)
        assert set(handle.quotas.values()) == {float("inf")}
        handle.quotas[CREATED] = 1
        assert tried(lambda: create(client)) == "ServiceQuotaExceededException"


@pytest.mark.parametrize("wire", [False, True])
def test_wire(wire: bool, seam: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """``wire=True`` sends calls down to where botocore would send them, and nothing else does."""
    requested: list[str] = []
    answer = intercept._answer_http

    def answer_http(request: Any, *rest: Any) -> Any:
        requested.append(request.method)
        return answer(request, *rest)

    monkeypatch.setattr(intercept, "_answer_http", answer_http)
    with mock_cleanrooms(wire=wire):
        assert visit() == 1
    assert requested == (["POST", "GET"] if wire or seam == "wire" else [])


# What was there before comes back


@pytest.mark.parametrize("before", [None, "mine", ""], ids=["unset", "set", "empty"])
@pytest.mark.parametrize("name", CREDENTIALS)
@pytest.mark.parametrize("inner", [None, mock_aws, mock_cleanrooms], ids=["alone", "moto's inside", "ours inside"])
def test_environment_comes_back(name: str, before: str | None, inner: Mock | None) -> None:
    """Credentials in the environment are replaced in the mock and come back as they were: unset, set or empty."""
    with patch.dict(os.environ):
        os.environ.pop(name, None)
        if before is not None:
            os.environ[name] = before
        with mock_cleanrooms():
            mocked = os.environ[name]
            with contextlib.nullcontext() if inner is None else inner():
                assert os.environ[name] == mocked
            assert os.environ[name] == mocked
            os.environ[name] = "set by the test"
        assert mocked != before
        assert os.environ.get(name) == before


def test_default_session_comes_back() -> None:
    """boto3's default session is another one in the mock, which makes clients of the mock's credentials, and comes back."""
    mine = boto3.session.Session("key", "secret", region_name="eu-west-1")
    with patch.object(boto3, "DEFAULT_SESSION", mine):
        for inner in (contextlib.nullcontext, mock_aws, mock_cleanrooms):
            with mock_cleanrooms(), inner():
                client = boto3.client("sts", region_name="us-east-1")
                assert client._request_signer._credentials.access_key == os.environ["AWS_ACCESS_KEY_ID"]
                assert boto3.DEFAULT_SESSION is not mine
            assert boto3.DEFAULT_SESSION is mine
    boto3.DEFAULT_SESSION = None
    with mock_cleanrooms():
        boto3.setup_default_session(region_name="us-east-1")
    assert boto3.DEFAULT_SESSION is None


def test_configuration_comes_back() -> None:
    """moto's configuration is as before once the mock has ended, though an inner ``mock_aws(config=…)`` of moto's keeps its own."""
    before = copy.deepcopy(dict(default_user_config))
    with mock_cleanrooms(), mock_aws(config={"core": {"mock_credentials": True, "service_whitelist": ["s3"]}}):
        assert default_user_config["core"].get("service_whitelist") == ["s3"]
    assert default_user_config == before
    with mock_cleanrooms():
        assert visit() == 1


def test_configuration_that_keeps_credentials_and_session() -> None:
    """moto's settings ``mock_credentials`` and ``reset_boto3_session`` hold for our mock too."""
    mine = boto3.session.Session("key", "secret", region_name="eu-west-1")
    core = {**default_user_config["core"], "mock_credentials": False, "reset_boto3_session": False}
    with (
        patch.dict(default_user_config, {"core": core}),
        patch.dict(os.environ, AWS_ACCESS_KEY_ID="mine"),
        patch.object(boto3, "DEFAULT_SESSION", mine),
        mock_cleanrooms(),
    ):
        assert os.environ["AWS_ACCESS_KEY_ID"] == "mine"
        assert boto3.DEFAULT_SESSION is mine
        assert visit() == 1


def test_nothing_holds_the_state(seam: str) -> None:
    """The state goes with its mock, without the garbage collector: no reference cycle holds it, nor does the handle or a caught error."""
    gc.collect()
    gc.disable()
    try:
        with mock_cleanrooms() as handle:
            client = handle.client(ADVERTISER)
            collaboration = create(client, PUBLISHER)
            membership = join(client, collaboration)
            with pytest.raises(client.exceptions.ConflictException) as refusal:
                join(client, collaboration)
            client.tag_resource(resourceArn=membership["arn"], tags={"team": "reach"})
            client.list_members(collaborationIdentifier=collaboration["id"], maxResults=1)
            held: list[Callable[[], Any]] = [
                weakref.ref(handle.backend(ADVERTISER)),
                weakref.ref(handle.backend(PUBLISHER)),
                weakref.ref(handle.backend(ADVERTISER).world),
            ]
            assert all(reference() is not None for reference in held)
        assert [reference() for reference in held] == [None, None, None]
        assert refusal.value.response["Error"]["Code"] == "ConflictException"
        assert len(handle.calls) == 5
    finally:
        gc.enable()


# The rest of moto


def test_rest_of_moto_works(decorate: Callable[[Any], Any]) -> None:
    """Other services are mocked by the same mock, with boto3 and with the ``requests`` library."""

    @decorate
    def use() -> tuple[str, bytes, str]:
        s3 = boto3.client("s3", region_name="us-east-1")
        s3.create_bucket(Bucket="results")
        upload = s3.generate_presigned_url("put_object", Params={"Bucket": "results", "Key": "reach.csv"})
        assert requests.put(upload, data=b"reach,42", timeout=5).status_code == 200
        read: bytes = s3.get_object(Bucket="results", Key="reach.csv")["Body"].read()
        download = s3.generate_presigned_url("get_object", Params={"Bucket": "results", "Key": "reach.csv"})
        sts = boto3.client("sts", region_name="us-east-1")
        return sts.get_caller_identity()["Account"], read, requests.get(download, timeout=5).text

    assert use() == ("123456789012", b"reach,42", "reach,42")


@pytest.mark.parametrize(
    "url",
    [
        "https://nothing.us-east-1.amazonaws.com/path?query=1",
        "https://no-such-bucket.s3.amazonaws.com/key",
        "https://sts.amazonaws.com/?Action=GetCallerIdentity&Version=2011-06-15",
    ],
)
def test_requests_to_aws_are_answered_as_moto_answers_them(url: str) -> None:
    """A request to any AWS host gets what moto's own mock gives, and none reaches the network."""
    answers = []
    for mock in (mock_aws, mock_cleanrooms):
        with mock():
            mock_random.seed(1)
            answer = requests.get(url, timeout=5)
            answers.append((answer.status_code, answer.text))
    assert answers[0] == answers[1]


def test_requests_to_other_hosts_go_through() -> None:
    """What isn't AWS is let through, and a test's own ``responses`` mock works inside of ours."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "5")
            self.end_headers()
            self.wfile.write(b"hello")

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Answer) as server, mock_cleanrooms():
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        assert requests.get(f"http://127.0.0.1:{server.server_port}/", timeout=5).text == "hello"
        thread.join()
        with responses.RequestsMock() as mine:
            mine.get("https://example.org/", body="mine")
            assert requests.get("https://example.org/", timeout=5).text == "mine"
        assert visit() == 1


# Threads


class Gate:
    """Stands between the checks of an operation and its change of state, where two threads meet if the lock lets a second one in.

    Nobody meets anybody while the lock holds, so the first thread gives up waiting and opens the gate for good.
    """

    def __init__(self, function: Callable[..., Any], *, before: bool = True) -> None:
        self._function = function
        self._before = before
        self._barrier = threading.Barrier(2)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self._before:
            self._wait()
        result = self._function(*args, **kwargs)
        if not self._before:
            self._wait()
        return result

    def _wait(self) -> None:
        with contextlib.suppress(threading.BrokenBarrierError):
            self._barrier.wait(timeout=0.1)


def at_once(calls: list[Callable[[], Any]]) -> list[str]:
    """Make all calls at the same time, each in a thread of its own, and return what came of them."""
    start = threading.Barrier(len(calls))

    def make(call: Callable[[], Any]) -> str:
        start.wait()
        return tried(call)

    with ThreadPoolExecutor(len(calls)) as pool:
        return sorted(pool.map(make, calls))


def test_exactly_one_of_several_threads_joins(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of threads that join for one account at the same time exactly one succeeds, and the others conflict with it."""
    monkeypatch.setattr(memberships, "now", Gate(now))
    with mock_cleanrooms() as handle:
        client = handle.client(PUBLISHER)
        collaboration = create(handle.client(ADVERTISER), PUBLISHER)
        outcomes = at_once([lambda: join(client, collaboration)] * 6)
        assert outcomes == ["ConflictException"] * 5 + ["accepted"]
        assert len(client.list_memberships()["membershipSummaries"]) == 1


def test_threads_do_not_exceed_quotas(monkeypatch: pytest.MonkeyPatch) -> None:
    """Threads that join different collaborations, or create some, at the same time get no further than the quota."""
    with mock_cleanrooms(quotas={JOINED: 2, CREATED: 6}) as handle:
        client = handle.client(ADVERTISER)
        existing = [create(client) for _ in range(5)]
        monkeypatch.setattr(memberships, "now", Gate(now))
        joins: list[Callable[[], Any]] = [lambda it=it: join(client, it) for it in existing]  # type: ignore[misc]
        assert at_once(joins) == ["ServiceQuotaExceededException"] * 3 + ["accepted"] * 2
        assert len(client.list_memberships()["membershipSummaries"]) == 2
        monkeypatch.setattr(collaborations, "admit", Gate(admit))
        assert at_once([lambda: create(client)] * 4) == ["ServiceQuotaExceededException"] * 3 + ["accepted"]
        assert len(client.list_collaborations()["collaborationList"]) == 6


def test_threads_do_not_exceed_the_limit_of_tags(monkeypatch: pytest.MonkeyPatch) -> None:
    """Threads that tag one resource at the same time get no further than 50 tags."""
    with mock_cleanrooms() as handle:
        client = handle.client()
        arn = create(client, tags={str(number): "" for number in range(49)})["arn"]
        monkeypatch.setattr(tags, "check_tags", Gate(tags.check_tags, before=False))
        calls: list[Callable[[], Any]] = [
            lambda key=key: client.tag_resource(resourceArn=arn, tags={key: ""})  # type: ignore[misc]
            for key in ("a", "b", "c")
        ]
        assert at_once(calls) == ["ValidationException"] * 2 + ["accepted"]
        assert len(client.list_tags_for_resource(resourceArn=arn)["tags"]) == 50


@pytest.mark.parametrize(
    ("account_id", "shape_name", "expected"),
    [(PUBLISHER, "Membership", "accepted"), (STRANGER, "AccessDeniedException", "AccessDeniedException")],
)
def test_threads_make_the_first_call_of_a_process(
    account_id: str, shape_name: str, expected: str, seam: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thread that calls while another one's first call has an answer's shape compiled waits for that, and is answered."""
    monkeypatch.setattr(service, "_protocol", None)
    for looked_up in (addresses._destination, addresses.destination_of_call):
        looked_up.cache_clear()
    compiling, called = threading.Event(), threading.Event()
    compiler: type[Any] = TextCompiler if seam == "wire" and expected == "accepted" else OutputCompiler
    make_name = "_source" if compiler is TextCompiler else "_make"
    reader = PARSED if expected == "accepted" else JSON
    make = getattr(compiler, make_name)

    def make_slowly(this: Any, shape: Any, *values: Any) -> Any:
        if shape.name == shape_name and not compiling.is_set() and getattr(this, "_reader", reader) is reader:
            compiling.set()
            called.wait(timeout=0.1)  # in vain, if the other call waits for this one
        return make(this, shape, *values)

    with mock_cleanrooms() as handle, ThreadPoolExecutor(1) as pool:
        invited = create(handle.client(ADVERTISER), PUBLISHER, "333333333333")
        clients = handle.client(account_id), handle.client("333333333333" if account_id == PUBLISHER else account_id)
        monkeypatch.setattr(compiler, make_name, make_slowly)
        first = pool.submit(tried, lambda: join(clients[0], invited))
        assert compiling.wait(timeout=10)
        second = tried(lambda: join(clients[1], invited))
        called.set()
        assert (first.result(), second) == (expected, expected)


def test_threads_lose_no_update() -> None:
    """What threads create, join, tag and log at the same time is all there afterwards, and every id is different."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with mock_cleanrooms() as handle:
            clients = [handle.client(ADVERTISER), handle.client(PUBLISHER)]
            shared = create(clients[0], PUBLISHER)

            def work(number: int) -> None:
                mine, other = clients[number % 2], (PUBLISHER, ADVERTISER)[number % 2]
                for _ in range(5):
                    join(mine, create(mine, other))
                clients[0].tag_resource(resourceArn=shared["arn"], tags={str(number): ""})

            assert at_once([lambda number=number: work(number) for number in range(8)]) == ["accepted"] * 8  # type: ignore[misc]
            ids = set()
            for client, account_id in zip(clients, (ADVERTISER, PUBLISHER), strict=True):
                seen = client.list_collaborations()["collaborationList"]
                mine = client.list_memberships()["membershipSummaries"]
                assert (len(seen), len(mine)) == (41, 20)
                assert len({entry["id"] for entry in seen}) == 41
                created = handle.backend(account_id).collaborations_created
                assert created == len([entry for entry in seen if entry["creatorAccountId"] == account_id])
                ids |= {entry["id"] for entry in mine}
            assert len(ids) == 40
            assert len(clients[0].list_tags_for_resource(resourceArn=shared["arn"])["tags"]) == 8
            operations = [call.operation for call in handle.calls]
            assert (operations.count("create_collaboration"), operations.count("create_membership")) == (41, 40)
    finally:
        sys.setswitchinterval(interval)


def test_threads_start_and_stop() -> None:
    """Mocks that threads start and stop at the same time are one mock until the last of them ends."""
    inside, before_the_end = threading.Barrier(4), threading.Barrier(4)

    def work(number: int) -> bool:
        with (mock_aws, mock_cleanrooms)[number % 2]():
            inside.wait(timeout=10)
            visit()
            before_the_end.wait(timeout=10)
            return visit() > 4

    with mock_cleanrooms(), ThreadPoolExecutor(4) as pool:
        # moto's mocks, like ours, put back the credentials that they found, so the outermost one is this thread's.
        assert all(pool.map(work, range(4)))
        assert visit() == 9


# The same again


def story(wire: bool) -> list[Any]:
    """What a story of two accounts answered, after moto's generator was seeded as moto documents it."""
    with mock_cleanrooms(wire=wire) as handle:
        requests.post("http://motoapi.amazonaws.com/moto-api/seed?a=42", timeout=5)
        advertiser, publisher = handle.client(ADVERTISER), handle.client(PUBLISHER)
        collaboration = create(advertiser, PUBLISHER)
        answers: list[Any] = [collaboration, join(publisher, collaboration)]
        answers.append(advertiser.list_members(collaborationIdentifier=collaboration["id"], maxResults=1))
        with pytest.raises(ClientError) as refusal:
            join(publisher, collaboration)
        return [*answers, refusal.value.response]


def test_same_seed_and_clock_give_the_same_ids_and_times(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a seed and a frozen clock every answer is the same again, request ids and tokens included, on either seam."""
    noon = datetime(2026, 6, 1, 12, 0, 0, 123456, tzinfo=timezone.utc)
    monkeypatch.setattr("moto.core.utils.utcnow", lambda: noon.replace(tzinfo=None))
    first = story(wire=False)
    assert first[0]["createTime"] == first[1]["updateTime"] == noon.replace(microsecond=123000)
    assert "nextToken" in first[2]
    assert story(wire=False) == first
    assert story(wire=True) == first


@pytest.mark.parametrize("order", ["moto's first", "ours first"])
def test_no_exception_leaves_anything(order: str) -> None:
    """Errors of the service, of moto and of the test itself, through nested mocks, leave nothing behind."""
    mocks: list[Mock] = [mock_aws, mock_cleanrooms]
    before = surroundings()

    def use() -> None:
        assert tried(lambda: boto3.client("s3", region_name="us-east-1").head_bucket(Bucket="nowhere")) == "404"
        assert tried(lambda: create(boto3.client("cleanrooms", region_name="us-east-1"), name="x" * 101)) != "accepted"
        raise LookupError

    outer, inner = mocks if order == "moto's first" else reversed(mocks)
    with pytest.raises(LookupError), outer(), inner():
        use()
    assert surroundings() == before
