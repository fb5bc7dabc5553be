"""The catalogue of rules and the tests hold each other."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from cleanrooms_mock.cleanrooms import operations as operations  # for the rules of all modules
from cleanrooms_mock.rules import behaviour, catalogue, rule

TESTS = Path(__file__).parent


def marks() -> Iterator[str]:
    """Every id in a ``pytest.mark.rule(…)`` of the tests."""
    for path in TESTS.rglob("test_*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.mark.rule":
                yield from (str(ast.literal_eval(argument)) for argument in node.args)


def test_every_rule_is_tested() -> None:
    """Each rule of the catalogue has a test that is marked with its id, and no mark names another."""
    assert set(marks()) == set(catalogue)


def test_every_rule_says_what_it_is() -> None:
    """A rule has a text and a source, and refuses with an exception of the service, or with the code that an analysis fails with, if at all."""
    for entry in catalogue.values():
        assert entry.text.endswith((".", ")")), entry
        assert entry.source, entry
        assert entry.page.endswith(f"#{entry.id.lower()}")
        assert entry.answer is None or "Exception" in entry.answer or entry.answer.startswith("FAILED "), entry
        assert entry.module.startswith("cleanrooms_mock.")


def test_a_rule_is_registered_once() -> None:
    """Two places for one rule, or a rule without a text, are a mistake that is noticed at import."""
    with pytest.raises(ValueError, match="PAY-22"):
        behaviour("PAY-22", "again", source="nowhere", status="inferred")
    with pytest.raises(ValueError, match="PAY-999"):

        @rule("PAY-999", source="nowhere", status="inferred")
        def without_a_text() -> None: ...

    assert "PAY-999" not in catalogue
