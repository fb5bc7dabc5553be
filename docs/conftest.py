"""Has pytest run every Python block of these pages and of the README: a page is one test, which runs its blocks from top to bottom.

A block that defines tests is handed to pytest in a file of its own, as a reader would do it; any other block is executed.
"""

from __future__ import annotations

import ast
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

import pytest
from sybil import Document, Example
from sybil.evaluators.python import PythonEvaluator, pad
from sybil.parsers.myst import CodeBlockParser

from cleanrooms_mock import MockCleanRooms, rules
from cleanrooms_mock.cleanrooms import operations

DOCS = Path(__file__).parent
README = DOCS.parent / "README.md"

execute = PythonEvaluator()


def pytest_configure(config: pytest.Config) -> None:
    # A conftest.py is asked about the files below it only, and the README lies above.
    config.pluginmanager.register(PageCollector())


class PageCollector:
    """Makes a test of each page that has Python blocks."""

    def pytest_collect_file(self, file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
        if file_path == README or (file_path.parent == DOCS and file_path.suffix == ".md"):
            return Page.from_parent(parent, path=file_path)
        return None


class Page(pytest.File):
    """A page of the documentation."""

    def collect(self) -> Iterable[pytest.Item]:
        document = Document.parse(str(self.path), CodeBlockParser("python", run))
        if document.regions:
            yield Blocks.from_parent(self, name="python blocks", document=document)


class Blocks(pytest.Item):
    """All Python blocks of a page."""

    def __init__(self, *, document: Document, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.document = document

    def runtest(self) -> None:
        # A page may register an operation and a rule, which are gone again after it.
        with patch.dict(operations.functions), patch.dict(rules.catalogue), patch.dict(rules._by_code):
            try:
                for example in self.document.examples():
                    example.evaluate()
            finally:
                self._stop_what_was_started()

    def _stop_what_was_started(self) -> None:
        """Keep a page that failed between start() and stop() from failing the others."""
        for value in self.document.namespace.values():
            while isinstance(value, MockCleanRooms) and value._started:
                value.stop()

    def reportinfo(self) -> tuple[Path, int, str]:
        return self.path, 0, f"{self.path.name}: python blocks"


def run(example: Example) -> None:
    if _defines_tests(example.parsed):
        _hand_to_pytest(example)
    else:
        execute(example)


def _defines_tests(source: str) -> bool:
    return any(
        isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and node.name.lower().startswith("test")
        for node in ast.parse(source).body
    )


def _hand_to_pytest(example: Example) -> None:
    name = f"test_{Path(example.path).stem.replace('-', '_')}"
    with TemporaryDirectory() as directory, patch.dict(os.environ, PYTEST_DISABLE_PLUGIN_AUTOLOAD="1"):
        path = Path(directory, f"{name}.py")
        path.write_text(pad(example.parsed, example.line + example.parsed.line_offset), encoding="utf-8")
        options = ["-q", "-W", "error", f"--rootdir={directory}", "--import-mode=importlib"]
        plugins = ["-p", "cleanrooms_mock.pytest_plugin", "-p", "no:cacheprovider"]
        status = pytest.main([str(path), *options, *plugins])
    sys.modules.pop(name, None)
    if status != pytest.ExitCode.OK:
        pytest.fail(f"{example.path}:{example.line}: pytest ended with {status!r}, see what it printed", pytrace=False)
