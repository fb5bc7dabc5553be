"""Calls of functions: each of Spark's functions by its name, and how DuckDB does the same."""

from __future__ import annotations

from cleanrooms_mock.analysis.engines.translation.functions import (
    aggregates,
    collections,
    conditionals,
    hashes,
    json,
    numbers,
    strings,
    time_arithmetic,
    time_parts,
    time_texts,
    times,
    windows,
)
from cleanrooms_mock.analysis.engines.translation.functions.calls import Call, call, is_aggregate, known_functions

__all__ = [
    "Call",
    "aggregates",
    "call",
    "collections",
    "conditionals",
    "hashes",
    "is_aggregate",
    "json",
    "known_functions",
    "numbers",
    "strings",
    "time_arithmetic",
    "time_parts",
    "time_texts",
    "times",
    "windows",
]
