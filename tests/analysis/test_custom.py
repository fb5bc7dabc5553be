"""The statements about CUSTOM tables and ID mapping tables, with their verdicts."""

from __future__ import annotations

import re
from typing import Any

import pytest

from cleanrooms_mock.analysis.check import check
from cleanrooms_mock.analysis.refusals import Refusal
from tests.analysis.cast import STATEMENTS, TABLES, question_of, rule_of

#: Refused by a rule that has a function of its own, though the statement is about another.
BY_ANOTHER = {
    "SQL-26": "CUS-30",
    "SQL-27": "CUS-30",
    "CUS-04": "CUS-30",
    "CUS-26": "SQL-24",
    "CUS-31": "CUS-30",
    "CUS-32": "CUS-30",
}
OURS = re.compile("CUS-(04|2[6-9]|3.|4.|5.|8.)|SQL-2[67]")


def statements(verdict: str) -> list[Any]:
    return [
        pytest.param(one, id=one["id"])
        for one in STATEMENTS
        if one["verdict"] == verdict and OURS.fullmatch(one["rule"]) and one["rule"] not in ("CUS-50", "CUS-83")
    ]


@pytest.mark.rule("CUS-26")
@pytest.mark.parametrize("statement", statements("accepted"))
def test_accepted(statement: dict[str, Any]) -> None:
    """What the rules for CUSTOM tables let through."""
    check(question_of(statement), TABLES)


@pytest.mark.parametrize("statement", statements("refused"))
def test_refused(statement: dict[str, Any]) -> None:
    """What they don't, and by which rule."""
    with pytest.raises(Refusal) as caught:
        check(question_of(statement), TABLES)
    refusal = caught.value
    assert refusal.code == statement["answer"]
    assert rule_of(refusal) == BY_ANOTHER.get(statement["rule"], statement["rule"])
