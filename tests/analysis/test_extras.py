"""What isn't installed is named."""

from __future__ import annotations

from importlib import util

import pytest

from cleanrooms_mock.analysis import extras


def test_an_extra_that_is_there() -> None:
    """Nothing happens."""
    extras.needs("queries")


@pytest.mark.parametrize(
    ("extra", "missing"),
    [
        ("queries", "duckdb"),
        ("queries", "pyarrow"),
        ("queries", "pyiceberg"),
        ("spark", "pyspark"),
        ("connect", "grpc"),
    ],
)
def test_an_extra_that_is_missing(monkeypatch: pytest.MonkeyPatch, extra: str, missing: str) -> None:
    """The message says what isn't there, and what to install."""
    monkeypatch.setattr(extras, "find_spec", lambda name: None if name == missing else util.find_spec("json"))
    extras.needs.cache_clear()
    with pytest.raises(ModuleNotFoundError, match=rf"{missing} .* pip install 'cleanrooms-mock\[{extra}\]'") as caught:
        extras.needs(extra)
    assert caught.value.name == missing


@pytest.mark.parametrize(
    ("engine", "extra"),
    [
        ("duckdb", "queries"),
        ("spark", "spark"),
        ("local[2]", "spark"),
        ("spark://h:7077", "spark"),
        ("sc://h", "connect"),
    ],
)
def test_the_extra_of_an_engine(engine: str, extra: str) -> None:
    """A Spark Connect server is spoken to by gRPC, which only its extra brings."""
    assert extras.extra_of(engine) == extra
