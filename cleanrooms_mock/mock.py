"""``mock_cleanrooms``: the decorator and context manager."""

from __future__ import annotations

import functools
import inspect
import os
import re
import sys
import unittest
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar, get_args, overload

import boto3
from moto import backend_index, mock_aws, settings
from moto.core.base_backend import BackendDict
from moto.core.config import default_user_config, mock_credentials
from moto.core.custom_responses_mock import CallbackResponse, not_implemented_callback
from moto.core.model_instances import reset_model_data
from moto.core.models import RESPONSES_METHODS, MockAWS, botocore_stubber, responses_mock
from moto.core.responses_custom_registry import CustomRegistry

from cleanrooms_mock import intercept
from cleanrooms_mock.cleanrooms.controls import Controls, References, active, check_query_options
from cleanrooms_mock.cleanrooms.quotas import Quotas
from cleanrooms_mock.handle import FAKE_CREDENTIALS, Handle

if TYPE_CHECKING:
    from requests import PreparedRequest

F = TypeVar("F", bound=Callable[..., Any])


class MockCleanRooms:
    """What :func:`mock_cleanrooms` returns: a decorator, a context manager (``with`` and ``async with``), and :meth:`start` and :meth:`stop`."""

    def __init__(self, arguments: Mapping[str, Any]) -> None:
        self._arguments = arguments
        self._started: list[Controls] = []
        # A mock that moto runs in another process is moto's own affair.
        self._elsewhere = settings.TEST_SERVER_MODE or settings.is_test_proxy_mode()
        self._remote: list[Any] = []

    def start(self) -> Handle:
        """Mock from here on, until :meth:`stop`.

        State is shared with every other active mock, moto's included, and fresh if there is none.
        """
        controls = Controls(**{**self._arguments, "quotas": Quotas(self._arguments.get("quotas", {}))})
        if self._elsewhere:
            self._remote.append(mock_aws())
            self._remote[-1].start()
        else:
            _enter()
        self._started.append(controls)
        active.append(controls)
        return Handle(controls)

    def stop(self) -> None:
        """End what the last :meth:`start` began. The state goes when no mock is left.

        :raises RuntimeError: if nothing was started.
        """
        if not self._started:
            raise RuntimeError("stop() was called on a mock_cleanrooms that isn't started; call start() first")
        active.remove(self._started.pop())
        if self._elsewhere:
            self._remote.pop().stop()
        else:
            _leave()

    def __enter__(self) -> Handle:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    async def __aenter__(self) -> Handle:
        return self.start()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def __call__(self, target: F) -> F:
        """Decorate a function, coroutine function, generator or class of tests."""
        if inspect.isclass(target):
            decorated: F = self._decorate_class(target)
            return decorated
        return self._decorate_function(target)

    def _decorate_function(self, function: F) -> F:
        wrapper: Any
        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def wrapper(*args: Any, **kwargs: Any) -> Any:
                with self:
                    return await function(*args, **kwargs)

        elif inspect.isasyncgenfunction(function):

            @functools.wraps(function)
            async def wrapper(*args: Any, **kwargs: Any) -> Any:
                with self:
                    generator = function(*args, **kwargs)
                    step = generator.__anext__()
                    while True:
                        try:
                            value = await step
                        except StopAsyncIteration:
                            return
                        try:
                            sent = yield value
                        except GeneratorExit:
                            await generator.aclose()
                            raise
                        except BaseException as error:
                            step = generator.athrow(error)
                        else:
                            step = generator.asend(sent)

        elif inspect.isgeneratorfunction(function):

            @functools.wraps(function)
            def wrapper(*args: Any, **kwargs: Any) -> Any:
                with self:
                    return (yield from function(*args, **kwargs))

        else:

            @functools.wraps(function)
            def wrapper(*args: Any, **kwargs: Any) -> Any:
                with self:
                    return function(*args, **kwargs)

        return wrapper  # type: ignore[no-any-return]

    def _decorate_class(self, cls: Any) -> Any:
        if issubclass(cls, unittest.TestCase):
            # `run` is the whole life of one test: setUp, the test, tearDown and clean-ups.
            cls.run = self._decorate_function(cls.run)
            return cls
        return self._decorate_pytest_class(cls)

    def _decorate_pytest_class(self, cls: Any) -> Any:
        """Leave it to our plugin to mock before ``setup_method`` and the class's fixtures, and in subclasses too."""
        try:
            import pytest
        except ImportError:
            raise TypeError(
                f"mock_cleanrooms decorates functions, unittest.TestCase classes and, with pytest installed, pytest's; {cls} is none of these"
            ) from None

        @pytest.fixture(autouse=True)
        def mocked(test: Any, cleanrooms: Handle) -> None:
            """Fails where the plugin is switched off, in place of a test that would run unmocked."""

        cls._mocked_by_cleanrooms_mock = mocked
        return pytest.mark.cleanrooms(**self._arguments)(cls)


_OPTIONS = (
    "quotas",
    "rate_quotas",
    "references",
    "payer_candidates",
    "wire",
    "engine",
    "query_limits",
    "privacy_seed",
    "run_jobs",
)


@overload
def mock_cleanrooms(target: F, /) -> F: ...
@overload
def mock_cleanrooms(
    *,
    quotas: Mapping[str, float] | None = ...,
    rate_quotas: bool = ...,
    references: References = ...,
    payer_candidates: bool = ...,
    wire: bool = ...,
    engine: str = ...,
    query_limits: Mapping[str, float] = ...,
    privacy_seed: int | None = ...,
    run_jobs: bool = ...,
) -> MockCleanRooms: ...
def mock_cleanrooms(target: Any = None, /, **options: Any) -> Any:
    """Mock AWS Clean Rooms, and with it everything that moto mocks.

    Use it bare or called, on a function, coroutine function, generator or class of tests, as ``with mock_cleanrooms() as handle``, or with
    ``start()`` and ``stop()``. It nests with itself and with ``moto.mock_aws`` and shares state with them.

    :param quotas: values in place of the service's default quotas, by their names in Service Quotas, or ``None`` for no quotas.
    :param rate_quotas: whether to answer ThrottlingException beyond the service's request rates, on moto's clock.
    :param references: ``"known"`` checks roles and buckets only in accounts in which the test has made any, ``"strict"`` always.
    :param payer_candidates: whether several members may be payers for one cost type; False is the service before 22 May 2026.
    :param wire: whether calls go through all of botocore's client, down to where it would send them.
    :param engine: what runs queries: ``"duckdb"``, ``"spark"`` for Spark on this machine, the master of a cluster such as
        ``"spark://host:7077"``, or a Spark Connect server such as ``"sc://host:15002"``.
    :param query_limits: what one query may use before it ends FAILED: ``seconds`` (20), and bytes of ``memory`` (2 GB), of ``disk`` for what
        doesn't fit there (1 GB) and of ``output`` (1 GB), each a number above 0.
    :param privacy_seed: what the noise of differential privacy begins with, so that a test sees the same values each time; by default moto's
        generator, which has a seed of its own.
    :param run_jobs: whether PySpark jobs run, which is code of yours.
    :raises ValueError: for a quota, an engine or a limit that doesn't exist, or another value of ``references``.
    """
    if unknown := sorted(options.keys() - set(_OPTIONS)):
        raise TypeError(f"mock_cleanrooms has no option {', '.join(unknown)}; its options are: {', '.join(_OPTIONS)}")
    if options.get("references", "known") not in get_args(References):
        raise ValueError(f"references must be 'known' or 'strict', not {options['references']!r}")
    if options.get("quotas") is not None:
        options["quotas"] = dict(options["quotas"])
    Quotas(options.get("quotas", {}))
    check_query_options(options)
    mock = MockCleanRooms(options)
    if target is None:
        return mock
    if not callable(target):
        raise TypeError(
            f"mock_cleanrooms decorates functions and classes and takes options by keyword only, not {target!r}"
        )
    return mock(target)


# Starting and stopping, with moto's own counter


class _Outside(NamedTuple):
    """What was there before the outermost mock started, to be put back as it was."""

    environment: dict[str, str | None]
    default_session: Any
    configuration: dict[str, Any]


_outside: _Outside | None = None


def _enter() -> None:
    global _outside
    with MockAWS._mock_init_lock:
        if MockAWS._nested_count == 0:
            _outside = _Outside(
                environment={name: os.environ.get(name) for name in FAKE_CREDENTIALS},
                default_session=boto3.DEFAULT_SESSION,
                configuration=dict(default_user_config),
            )
            if mock_credentials():
                os.environ.update(FAKE_CREDENTIALS)
            if default_user_config["core"].get("reset_boto3_session", True):
                boto3.DEFAULT_SESSION = None
            BackendDict.reset()
            _reset_requests()
            responses_mock.start()
            for entry in _ENTRIES:
                responses_mock.add(entry)
            MockAWS._mocks_active = True
            botocore_stubber.enabled = True
        MockAWS._nested_count += 1


def _leave() -> None:
    with MockAWS._mock_init_lock:
        MockAWS._nested_count -= 1
        if MockAWS._nested_count == 0:
            MockAWS._mocks_active = False
            if BackendDict._instances:  # type: ignore[misc]
                BackendDict.reset()
                reset_model_data()
            _reset_requests()
            responses_mock.stop()
            botocore_stubber.enabled = False


def _reset_requests() -> None:
    """Forget what was sent by other means than botocore; moto's own function for this looks up versions each time."""
    responses_mock.reset()
    responses_mock._set_registry(CustomRegistry)
    responses_mock.add_passthru("http")
    for entry in _ENTRIES:
        entry.calls.reset()


def _restore_outside() -> None:
    """Put back what the outermost mock replaced, if it was one of ours; called when the last mock stops, whosever it is."""
    global _outside
    if _outside is None:
        return
    outside, _outside = _outside, None
    for name, value in outside.environment.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
    boto3.DEFAULT_SESSION = outside.default_session
    default_user_config.clear()  # type: ignore[attr-defined]
    default_user_config.update(outside.configuration)  # type: ignore[typeddict-item]


def _close_databases() -> None:
    """Close what queries keep open for the next; engines are imported by the first query."""
    databases: Any = sys.modules.get("cleanrooms_mock.analysis.engines.databases")
    if databases is not None:
        databases.close_all()


intercept.install()
intercept.on_disabled(_restore_outside)
intercept.on_disabled(_close_databases)

_ANY_URL = re.compile("https?://")
_AMAZON = re.compile(r"https?://.+\.amazonaws.com/.*")


class _EveryAwsHost(CallbackResponse):
    """One entry for ``responses`` that does the work of the hundreds that moto registers for each HTTP method."""

    def _url_matches(self, url: Any, other: Any, match_querystring: bool = False) -> bool:
        return _is_known_to_moto(other) or _AMAZON.match(other.split("?", 1)[0]) is not None


def _is_known_to_moto(url: str) -> bool:
    bare = url.split("?", 1)[0]
    return any(pattern.match(bare) for _, pattern in backend_index.backend_url_patterns)


def _answer_requests(request: PreparedRequest) -> Any:
    if not _is_known_to_moto(str(request.url)):
        return not_implemented_callback(request)
    # moto before 5.2.3 has one method for both kinds of request.
    answer: Any = getattr(botocore_stubber, "process_prepared_request", botocore_stubber.process_request)
    return answer(request)


_ENTRIES = tuple(_EveryAwsHost(method=method, url=_ANY_URL, callback=_answer_requests) for method in RESPONSES_METHODS)
