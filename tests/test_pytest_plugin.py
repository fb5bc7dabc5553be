"""The pytest plugin: fixtures, the marker, and the section in the report of a failed test."""

from __future__ import annotations

import inspect
from collections.abc import Callable

import pytest
from moto.core.models import botocore_stubber

from cleanrooms_mock.rules import catalogue

CREATED = "Collaborations created per account"
UNKNOWN = "3f2504e0-4f89-41d3-9a0c-0305e82c3301"

IMPORTS = """
import pytest
from moto.core.models import MockAWS, botocore_stubber
from cleanrooms_mock import Handle, mock_cleanrooms
from cleanrooms_mock.cleanrooms.controls import current
"""

Run = Callable[..., pytest.RunResult]


@pytest.fixture
def run(pytester: pytest.Pytester) -> Run:
    """Run a module of tests, in this process."""

    def run(code: str, *options: str) -> pytest.RunResult:
        pytester.makepyfile(IMPORTS + inspect.cleandoc(code))
        # Hypothesis would import itself anew in every run.
        return pytester.runpytest_inprocess("-p", "no:cacheprovider", "-p", "no:hypothesispytest", *options)

    return run


def sections(result: pytest.RunResult) -> list[list[str]]:
    """The sections about Clean Rooms in the report, each with its title first."""
    found: list[list[str]] = []
    inside = False
    for line in result.outlines:
        if line.startswith(("---", "===", "___")):
            title = line.strip("-=_ ")
            if inside := title.startswith("AWS Clean Rooms"):
                found.append([title])
        elif inside:
            found[-1].append(line)
    return found


# Fixtures


def test_fixtures(run: Run) -> None:
    """``cleanrooms`` is the handle of an active mock, ``cleanrooms_client`` a client of it, and each test has fresh state."""
    code = f"""
        @pytest.mark.parametrize("number", [1, 2])
        def test_state(cleanrooms_client, cleanrooms, number):
            assert isinstance(cleanrooms, Handle)
            assert MockAWS._nested_count == 1
            cleanrooms_client.create_collaboration(
                name="campaign",
                description="reach",
                creatorDisplayName="creator",
                creatorMemberAbilities=["CAN_QUERY", "CAN_RECEIVE_RESULTS"],
                members=[],
                queryLogStatus="DISABLED",
            )
            assert len(cleanrooms_client.list_collaborations()["collaborationList"]) == 1
            assert [(call.account_id, call.region_name) for call in cleanrooms.calls] == [("123456789012", "us-east-1")] * 2
            cleanrooms.quotas["{CREATED}"] = 5

        def test_client_alone(cleanrooms_client):
            assert cleanrooms_client.meta.region_name == "us-east-1"
            assert cleanrooms_client.list_collaborations()["collaborationList"] == []

        def test_defaults(cleanrooms):
            assert cleanrooms.quotas["{CREATED}"] == 500

        def test_nothing():
            assert not botocore_stubber.enabled
    """
    run(code).assert_outcomes(passed=5)
    assert not botocore_stubber.enabled


def test_fixture_can_be_extended(run: Run, pytester: pytest.Pytester) -> None:
    """A project's own fixture of that name builds on ours, with the marker too."""
    pytester.makeconftest(
        f"""
        import pytest

        @pytest.fixture
        def cleanrooms(cleanrooms):
            cleanrooms.quotas["{CREATED}"] = 3
            return cleanrooms
        """
    )
    code = f"""
        def test_extended(cleanrooms, cleanrooms_client):
            assert current().quotas["{CREATED}"] == 3

        @pytest.mark.cleanrooms(references="strict")
        def test_marked():
            assert (current().quotas["{CREATED}"], current().references) == (3, "strict")
    """
    run(code).assert_outcomes(passed=2)


# The marker


def test_marker_options(run: Run) -> None:
    """Options of function, class and module are merged, each from the nearest marker that gives it."""
    code = f"""
        pytestmark = pytest.mark.cleanrooms(payer_candidates=False, references="strict", quotas={{"{CREATED}": 1}})

        def options():
            controls = current()
            return controls.payer_candidates, controls.references, controls.wire, controls.quotas["{CREATED}"]

        def test_module():
            assert options() == (False, "strict", False, 1)

        @pytest.mark.cleanrooms(wire=True)
        def test_function(cleanrooms):
            assert options() == (False, "strict", True, 1)
            assert cleanrooms.quotas["{CREATED}"] == 1

        @pytest.mark.cleanrooms(references="known")
        class TestClass:
            def test_class(self):
                assert options() == (False, "known", False, 1)

            @pytest.mark.cleanrooms(payer_candidates=True, quotas=None)
            def test_function(self, cleanrooms_client):
                assert options() == (True, "known", False, float("inf"))

            @pytest.mark.cleanrooms
            def test_bare(self):
                assert options() == (False, "known", False, 1)
    """
    run(code, "--strict-markers").assert_outcomes(passed=5)


def test_marker_options_of_subclasses_and_parameters(run: Run) -> None:
    """A subclass's marker outranks its base's, and one parameter's the function's; a marker there mocks that parameter's test alone."""
    code = """
        @pytest.mark.cleanrooms(references="strict", wire=True)
        class Base:
            pass

        @pytest.mark.cleanrooms(references="known")
        class TestDerived(Base):
            def test_options(self):
                assert (current().references, current().wire) == ("known", True)

        KNOWN = pytest.param("known", marks=pytest.mark.cleanrooms(references="known"))

        @pytest.mark.cleanrooms(references="strict")
        @pytest.mark.parametrize("references", ["strict", KNOWN])
        def test_parameters(references):
            assert current().references == references

        @pytest.mark.parametrize("references", [None, KNOWN, None])
        def test_parameter_alone(references):
            assert botocore_stubber.enabled == (references is not None)
    """
    run(code).assert_outcomes(passed=6)


def test_marker_comes_first(run: Run) -> None:
    """The marker mocks without the fixture, before every other fixture and ``setup_method``, and until the last of them is torn down."""
    code = """
        @pytest.fixture(autouse=True)
        def automatic(cleanroom_of_mine):
            assert botocore_stubber.enabled
            yield
            assert botocore_stubber.enabled

        @pytest.fixture
        def cleanroom_of_mine():
            assert botocore_stubber.enabled
            yield
            assert botocore_stubber.enabled

        @pytest.mark.cleanrooms
        @pytest.mark.parametrize("number", [1, 2])
        def test_parametrized(number):
            assert MockAWS._nested_count == 1

        @pytest.mark.cleanrooms
        class TestClass:
            def setup_method(self):
                assert botocore_stubber.enabled

            def teardown_method(self):
                assert botocore_stubber.enabled

            def test_alone(self):
                assert MockAWS._nested_count == 1

            def test_with_the_fixture(self, cleanroom_of_mine, cleanrooms, cleanrooms_client):
                assert MockAWS._nested_count == 1
    """
    run(code).assert_outcomes(passed=4)


def test_marker_on_unittest_class(run: Run) -> None:
    """The marker mocks tests of a unittest class, ``setUp`` and ``tearDown`` included."""
    code = """
        import unittest

        @pytest.mark.cleanrooms(references="strict")
        class Tests(unittest.TestCase):
            def setUp(self):
                assert botocore_stubber.enabled

            def tearDown(self):
                assert botocore_stubber.enabled

            def test_options(self):
                assert current().references == "strict"
    """
    run(code).assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("marker", "message"),
    [
        (
            "cleanrooms('strict', 5)",
            "@pytest.mark.cleanrooms takes the options of mock_cleanrooms by keyword, not 'strict', 5",
        ),
        ("cleanrooms(references='all')", "references must be 'known' or 'strict', not 'all'"),
        (
            "cleanrooms(quotas={'Members': 1})",
            "there is no quota 'Members'; the quotas are: *, Members invited per collaboration, Memberships per account, *",
        ),
        ("cleanrooms(region='eu-west-1')", "*mock_cleanrooms has no option region; its options are: quotas, *"),
    ],
)
def test_wrong_marker(run: Run, marker: str, message: str) -> None:
    """A marker with arguments that the mock doesn't take is an error of its test alone, which says what it takes."""
    code = f"""
        @pytest.mark.{marker}
        def test_wrong():
            raise AssertionError("runs with wrong options")

        def test_next(cleanrooms):
            assert current().references == "known"
    """
    result = run(code)
    result.assert_outcomes(errors=1, passed=1)
    result.stdout.fnmatch_lines([f"E *Error: {message}"])


def test_plugin_describes_itself(run: Run) -> None:
    """``--markers`` and ``--fixtures`` list what there is, each with a sentence."""
    run("", "--markers").stdout.fnmatch_lines(
        [
            "@pytest.mark.cleanrooms(?*options): mock AWS Clean Rooms for the test, with the options of *.mock_cleanrooms."
        ]
    )
    run("", "--fixtures").stdout.fnmatch_lines(
        [
            "cleanrooms -- *pytest_plugin.py:*",
            "    The handle of an active *mock_cleanrooms*",
            "cleanrooms_client -- *pytest_plugin.py:*",
            "    A Clean Rooms client of the default account, 123456789012, in us-east-1.",
        ]
    )


# The report

REFUSED = f"""
def refused(cleanrooms):
    cleanrooms.client("111111111111", "eu-west-1").list_collaborations(memberStatus="INVITED")
    cleanrooms.client("999999999999").get_collaboration(collaborationIdentifier="{UNKNOWN}")
"""


def test_report_of_a_failed_test(run: Run) -> None:
    """The report says who called what and what was answered, and for a refusal the rule, its sentence and its page."""
    code = REFUSED + "\n\ndef test_refused(cleanrooms):\n    refused(cleanrooms)\n"
    result = run(code)
    result.assert_outcomes(failed=1)
    rule = catalogue["COL-30"]
    assert sections(result) == [
        [
            "AWS Clean Rooms, last 2 calls",
            "111111111111 eu-west-1 list_collaborations(memberStatus='INVITED') -> 200",
            (
                f"999999999999 us-east-1 get_collaboration(collaborationIdentifier='{UNKNOWN}') -> 403 AccessDeniedException: "
                f"Account 999999999999 does not have access: no collaboration {UNKNOWN} that you are invited to or active in"
            ),
            f"  COL-30 (seen): {rule.text}",
            "  https://cleanrooms-mock.readthedocs.io/en/latest/rules.html#col-30",
        ]
    ]


def test_report_of_every_way_to_mock(run: Run) -> None:
    """The section is there however the test mocked, and in whichever stage it failed."""
    code = """
        import boto3
        from moto import mock_aws

        def call():
            boto3.client("cleanrooms", region_name="us-east-1").list_memberships()

        @mock_cleanrooms
        def test_decorated():
            call()
            raise LookupError

        @mock_aws
        def test_moto():
            call()
            raise LookupError

        @pytest.fixture
        def broken():
            with mock_cleanrooms():
                call()
                raise LookupError

        def test_setup(broken):
            pass

        @pytest.fixture
        def breaks_later():
            yield
            with mock_cleanrooms():
                call()
                raise LookupError

        def test_teardown(breaks_later):
            pass
    """
    result = run(code)
    result.assert_outcomes(failed=2, errors=2, passed=1)
    section = ["AWS Clean Rooms, last call", "123456789012 us-east-1 list_memberships() -> 200"]
    assert sections(result) == [section] * 4


def test_report_without_calls(run: Run) -> None:
    """No section stands with a test that passed, nor with one that made no call, whatever an earlier one made."""
    code = """
        def test_passed(cleanrooms_client):
            cleanrooms_client.list_memberships()

        def test_without_calls(cleanrooms_client):
            raise LookupError

        def test_without_the_mock():
            raise LookupError

        def test_with_calls(cleanrooms_client):
            cleanrooms_client.list_collaborations()
            raise LookupError

        def test_without_calls_again():
            raise LookupError
    """
    result = run(code, "-rP")
    result.assert_outcomes(passed=1, failed=4)
    section = ["AWS Clean Rooms, last call", "123456789012 us-east-1 list_collaborations() -> 200"]
    assert sections(result) == [section]


def test_report_of_many_calls(run: Run) -> None:
    """Of many calls the last twenty are shown, oldest first."""
    code = """
        def test_many(cleanrooms_client):
            for number in range(1, 31):
                cleanrooms_client.list_memberships(maxResults=number)
            raise LookupError
    """
    (section,) = sections(run(code))
    assert section == [
        "AWS Clean Rooms, last 20 calls",
        *(f"123456789012 us-east-1 list_memberships(maxResults={number}) -> 200" for number in range(11, 31)),
    ]


# Beside other plugins, and without itself


def test_under_xdist(pytester: pytest.Pytester) -> None:
    """Workers of pytest-xdist each mock for themselves, and their reports come through."""
    pytester.makepyfile(
        IMPORTS
        + REFUSED
        + inspect.cleandoc(
            """
            @pytest.mark.parametrize("number", range(6))
            def test_state(cleanrooms_client, number):
                assert cleanrooms_client.list_collaborations()["collaborationList"] == []

            @pytest.mark.cleanrooms(references="strict")
            def test_marker():
                assert current().references == "strict"

            def test_refused(cleanrooms):
                refused(cleanrooms)
            """
        )
    )
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider", "-n", "2")
    result.assert_outcomes(passed=7, failed=1)
    (section,) = sections(result)
    assert section[:2] == [
        "AWS Clean Rooms, last 2 calls",
        "111111111111 eu-west-1 list_collaborations(memberStatus='INVITED') -> 200",
    ]
    assert section[3].startswith("  COL-30 (seen): ")


def test_without_the_plugin(pytester: pytest.Pytester) -> None:
    """``-p no:cleanrooms_mock`` takes fixtures, marker and section away, and the mock itself works on."""
    pytester.makepyfile(
        IMPORTS
        + inspect.cleandoc(
            """
            def test_fixture(cleanrooms):
                pass

            def test_mock(pytestconfig):
                assert not any(line.startswith("cleanrooms") for line in pytestconfig.getini("markers"))
                with mock_cleanrooms() as handle:
                    handle.client().list_memberships()
                    raise LookupError
            """
        )
    )
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider", "-p", "no:cleanrooms_mock")
    result.assert_outcomes(errors=1, failed=1)
    result.stdout.fnmatch_lines(["E *fixture 'cleanrooms' not found", "E *LookupError"])
    assert sections(result) == []


def test_loading_the_plugin_imports_nothing_heavy(pytester: pytest.Pytester) -> None:
    """pytest loads the plugin in every run of every project, so neither moto nor boto3 nor botocore comes with it, before the mock is used."""
    pytester.makepyfile(
        """
        import sys

        HEAVY = {"boto3", "botocore", "moto", "responses"}

        def test_empty(pytestconfig):
            assert pytestconfig.pluginmanager.has_plugin("cleanrooms_mock")
            assert "cleanrooms_mock.pytest_plugin" in sys.modules
            assert not HEAVY & sys.modules.keys()

        def test_that_fails():
            raise LookupError

        def test_after_a_report():
            assert not HEAVY & sys.modules.keys()

        def test_mock(cleanrooms_client):
            assert HEAVY <= sys.modules.keys()
            assert cleanrooms_client.list_memberships()["membershipSummaries"] == []
        """
    )
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider")
    result.assert_outcomes(passed=3, failed=1)
    result.stdout.fnmatch_lines(["E *LookupError"])
