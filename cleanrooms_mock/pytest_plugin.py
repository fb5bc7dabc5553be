"""Fixtures, a marker and a report for pytest.

pytest loads this module in every run, so it imports neither moto nor boto3 before a test asks for the mock.
"""

from __future__ import annotations

import sys
from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from mypy_boto3_cleanrooms import CleanRoomsServiceClient

    from cleanrooms_mock.handle import Handle

_CONTROLS = "cleanrooms_mock.cleanrooms.controls"


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers",
        "cleanrooms(**options): mock AWS Clean Rooms for the test, with the options of cleanrooms_mock.mock_cleanrooms.",
    )


def pytest_itemcollected(item: pytest.Item) -> None:
    """Have the marker activate the mock, before any other fixture of the test."""
    names = getattr(item, "fixturenames", None)
    if names is not None and item.get_closest_marker("cleanrooms") is not None:
        # A list of its own: pytest shares one among all parameters of a function.
        item.fixturenames = ["cleanrooms", *(name for name in names if name != "cleanrooms")]  # type: ignore[attr-defined]


@pytest.fixture
def cleanrooms(request: pytest.FixtureRequest) -> Iterator[Handle]:
    """The handle of an active :func:`cleanrooms_mock.mock_cleanrooms`, with the options of the test's ``cleanrooms`` markers."""
    from cleanrooms_mock.mock import mock_cleanrooms

    options: dict[str, Any] = {}
    for marker in _markers(request.node):
        if marker.args:
            raise pytest.UsageError(
                f"@pytest.mark.cleanrooms takes the options of mock_cleanrooms by keyword, not {', '.join(map(repr, marker.args))}"
            )
        options.update(marker.kwargs)
    with mock_cleanrooms(**options) as handle:
        yield handle


def _markers(node: pytest.Item) -> Iterator[pytest.Mark]:
    """The test's ``cleanrooms`` markers, from the module's to the parameter's, a base class's before its subclass's."""
    for part in node.listchain():
        yield from (marker for marker in part.own_markers if marker.name == "cleanrooms")


@pytest.fixture
def cleanrooms_client(cleanrooms: Handle) -> CleanRoomsServiceClient:
    """A Clean Rooms client of the default account, 123456789012, in us-east-1."""
    return cleanrooms.client()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """Forget the calls of the test before."""
    if (controls := sys.modules.get(_CONTROLS)) is not None:
        controls.recent.clear()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport() -> Generator[None, Any, None]:
    """Show a failed test's last calls of Clean Rooms: who called what, and what was answered."""
    outcome = yield
    report: pytest.TestReport = outcome.get_result()
    controls = sys.modules.get(_CONTROLS)
    if report.failed and controls is not None and controls.recent:
        title = (
            f"AWS Clean Rooms, last {len(controls.recent)} calls"
            if len(controls.recent) > 1
            else "AWS Clean Rooms, last call"
        )
        report.sections.append((title, "\n".join(str(entry.call()) for entry in controls.recent)))
