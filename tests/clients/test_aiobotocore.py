"""aiobotocore's clients, in an interpreter of their own: aiobotocore pins an older botocore than boto3 has."""

from __future__ import annotations

import ast
import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).with_name("aio_checks.py")
VARIABLE = "CLEANROOMS_MOCK_AIO_PYTHON"

# The script can't be imported where there is no aiobotocore.
CHECKS = [
    node.name
    for node in ast.parse(SCRIPT.read_text(encoding="utf-8")).body
    if isinstance(node, ast.AsyncFunctionDef) and node.name.startswith("check_")
]


def interpreter() -> str | None:
    """The Python that has aiobotocore: the one that is named, or this one."""
    if named := os.environ.get(VARIABLE):
        return named
    return sys.executable if importlib.util.find_spec("aiobotocore") is not None else None


@pytest.fixture(scope="module")
def run() -> subprocess.CompletedProcess[str]:
    """The script's one run, all checks included."""
    python = interpreter()
    if python is None:
        pytest.skip(
            f"aiobotocore isn't installed here, and the environment variable {VARIABLE} names no Python that has it "
            "(one with cleanrooms-mock[aio])"
        )
    command = [python, "-W", "always::ResourceWarning", str(SCRIPT)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def outcomes(run: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    lines = [json.loads(line) for line in run.stdout.splitlines()]
    return {line["name"]: line["failure"] for line in lines}


@pytest.mark.parametrize("check", CHECKS)
def test_aiobotocore(run: subprocess.CompletedProcess[str], check: str) -> None:
    """What a check of the script says, which its own docstring tells."""
    failures = outcomes(run)
    assert check in failures, run.stderr
    assert failures[check] is None, failures[check]


def test_every_check_was_made(run: subprocess.CompletedProcess[str]) -> None:
    """The script did each check once, had nothing else to say, and ended well."""
    assert list(outcomes(run)) == CHECKS
    assert run.stderr == ""
    assert run.returncode == 0
