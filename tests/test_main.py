"""``python -m cleanrooms_mock``."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.metadata import version

import pytest
from moto.core.models import botocore_stubber

from cleanrooms_mock.__main__ import main
from cleanrooms_mock.rules import catalogue
from tests.conftest import ADVERTISER, PUBLISHER, STRANGER

_CALL = re.compile(r"^  (\d{12})  (\w+)  ->  (\d{3})\n     (\S+)(?: .*)?$", re.MULTILINE)
_RULE = re.compile(r"^     ([A-Z]{3}-\d+): (.+(?:\n     .+)*)$", re.MULTILINE)
_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def test_demo_prints_what_each_call_answered(capsys: pytest.CaptureFixture[str]) -> None:
    """The demo has two accounts collaborate and prints who called what and the answer, joins accepted and refused among them."""
    assert main(["demo"]) == 0
    shown = capsys.readouterr()
    assert shown.err == ""
    assert _CALL.findall(shown.out) == [
        (ADVERTISER, "create_collaboration", "200", "collaboration"),
        (ADVERTISER, "create_membership", "400", "ValidationException:"),
        (ADVERTISER, "create_membership", "200", "membership"),
        (PUBLISHER, "create_membership", "400", "ValidationException:"),
        (PUBLISHER, "create_membership", "400", "ValidationException:"),
        (PUBLISHER, "create_membership", "400", "ValidationException:"),
        (PUBLISHER, "create_membership", "200", "membership"),
        (STRANGER, "create_membership", "403", "AccessDeniedException:"),
        (ADVERTISER, "delete_membership", "409", "ConflictException:"),
        (PUBLISHER, "list_members", "200", ADVERTISER),
    ]
    assert f"     {ADVERTISER} advertiser: ACTIVE, CAN_QUERY, pays for nothing\n" in shown.out
    assert f"     {PUBLISHER} publisher: ACTIVE, CAN_RECEIVE_RESULTS, pays for queries\n" in shown.out


def test_demo_explains_refusals(capsys: pytest.CaptureFixture[str]) -> None:
    """Under each refusal stands the rule that refused, with its whole text."""
    main(["demo"])
    explained = {rule: " ".join(text.split()) for rule, text in _RULE.findall(capsys.readouterr().out)}
    assert explained == {
        rule: catalogue[rule].text for rule in ("PAY-24", "MEM-6", "PAY-22", "PAY-23", "MEM-1", "MEM-35")
    }


def test_demo_leaves_nothing_behind(capsys: pytest.CaptureFixture[str]) -> None:
    """The demo mocks for its own time only, and a second one tells the same story with new ids."""
    main(["demo"])
    first = capsys.readouterr().out
    assert not botocore_stubber.enabled
    main(["demo"])
    second = capsys.readouterr().out
    assert _ID.sub("ID", second) == _ID.sub("ID", first)
    assert not set(_ID.findall(second)) & set(_ID.findall(first))


def test_demo_in_a_process_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    """``python -m cleanrooms_mock demo`` prints the same and succeeds."""
    process = subprocess.run(
        [sys.executable, "-m", "cleanrooms_mock", "demo"], capture_output=True, text=True, check=False
    )
    main(["demo"])
    assert (process.returncode, process.stderr) == (0, "")
    assert _ID.sub("ID", process.stdout) == _ID.sub("ID", capsys.readouterr().out)


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    """``--version`` prints the version of the installed distribution."""
    with pytest.raises(SystemExit) as end:
        main(["--version"])
    assert end.value.code == 0
    assert capsys.readouterr().out == f"cleanrooms-mock {version('cleanrooms-mock')}\n"


def test_without_arguments(capsys: pytest.CaptureFixture[str]) -> None:
    """Without arguments the help is printed, which names the command, and the status is that of a wrong use."""
    assert main([]) == 2
    shown = capsys.readouterr().out
    assert shown.startswith("usage: cleanrooms-mock ")
    assert re.search(r"^ +demo +two accounts join a collaboration", shown, re.MULTILINE)


def test_unknown_command(capsys: pytest.CaptureFixture[str]) -> None:
    """A command that doesn't exist is refused, naming those that do."""
    with pytest.raises(SystemExit) as end:
        main(["serve-tea"])
    assert end.value.code == 2
    assert re.search(r"invalid choice: 'serve-tea' \(choose from '?demo'?, '?check'?\)", capsys.readouterr().err)
