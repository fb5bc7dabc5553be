"""The files of a query's tables as views of DuckDB's, each column with its declared type."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cleanrooms_mock.analysis.engines.data_types import (
    TIMESTAMP,
    Type,
    in_duckdb,
    is_integral,
    is_timestamp,
    name_of,
    plain,
    text_of,
)
from cleanrooms_mock.analysis.engines.translation.casts import cast
from cleanrooms_mock.analysis.engines.translation.macros import definitions
from cleanrooms_mock.analysis.engines.translation.values import Context, Value
from cleanrooms_mock.analysis.refusals import Refusal
from cleanrooms_mock.analysis.types import UnsupportedType, duckdb_type, parse_type, type_of_arrow

if TYPE_CHECKING:
    import duckdb

    from cleanrooms_mock.analysis.engines import Work
    from cleanrooms_mock.analysis.sources import DataFile, Source

#: What a text has to look like to be a timestamp.
_TIMESTAMP = r"\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}\.\d{6}"
