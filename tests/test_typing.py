"""The public API is typed, and says so to who installs it."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path


def test_types_ship() -> None:
    """The package carries the marker without which type checkers ignore its annotations."""
    assert files("cleanrooms_mock").joinpath("py.typed").is_file()


def test_typed_uses_compile() -> None:
    """The file of typed uses, which only the type checker reads, is Python."""
    path = Path(__file__).with_name("typing_api.py")
    assert compile(path.read_text(encoding="utf-8"), str(path), "exec").co_names
