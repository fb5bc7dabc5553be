"""What the README shows of pytest's output; its Python blocks are run by docs/conftest.py."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
ACCEPTANCE = "        paymentConfiguration=pays,\n"


def block(language: str, section: str) -> str:
    """The first block of code of a section."""
    found = re.search(rf"^## {section}$.*?^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    assert found is not None, f"the README has no {language} block in its section {section!r}"
    return found[1]


def without_chance(text: str) -> list[str]:
    """The lines of a report, with every id replaced by the same."""
    return re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "ID", text).splitlines()


def test_refusal_is_reported_as_shown(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """The example without what the publisher must say fails with the very section that the README shows."""
    monkeypatch.setenv("COLUMNS", "80")
    example = block("python", "A test with two accounts")
    assert example.count(ACCEPTANCE) == 1
    pytester.makepyfile(test_campaign=example.replace(ACCEPTANCE, ""))

    result = pytester.runpytest_inprocess("-q")

    result.assert_outcomes(failed=1)
    shown, printed = without_chance(block("text", "A refusal")), without_chance(result.stdout.str())
    start = printed.index(shown[0])
    assert printed[start : start + len(shown)] == shown
    assert printed[start + len(shown)].strip("=") == " short test summary info "
