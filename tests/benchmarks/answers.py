"""Writes the answers of ours, which the floor and the Stubber repeat: ``python -m tests.benchmarks.answers FILE``."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from tests.benchmarks.cases import Answer, collect_answers


def read_answers(path: Path) -> Mapping[str, Answer]:
    """Return the answers that were written to ``path``, by operation."""
    return {operation: Answer(**answer) for operation, answer in json.loads(path.read_text()).items()}


def write_answers(path: Path) -> None:
    """Write the answers to ``path``."""
    path.write_text(json.dumps({operation: asdict(answer) for operation, answer in collect_answers().items()}))


if __name__ == "__main__":
    write_answers(Path(sys.argv[1]))
