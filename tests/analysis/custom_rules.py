"""Judging a query by the rules for CUSTOM tables alone."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from cleanrooms_mock.analysis import custom, id_mapping
from cleanrooms_mock.analysis.check import tables_of
from cleanrooms_mock.analysis.names import Resolution
from cleanrooms_mock.analysis.refusals import Refusal
from cleanrooms_mock.analysis.resolving import resolve
from cleanrooms_mock.analysis.statements import parse_query
from cleanrooms_mock.analysis.tables import Table
from tests.analysis.cast import TABLES, asked


def judged(text: str, tables: Mapping[str, Table] = TABLES) -> Resolution:
    """What a query means, if the rules for CUSTOM tables allow it."""
    parsed = parse_query(text, tables)
    custom.shape(parsed, tables_of(parsed, tables))
    resolution = resolve(parsed, tables)
    custom.check(resolution, asked(text))
    id_mapping.check(resolution)
    return resolution


def refusal_of(text: str, tables: Mapping[str, Table] = TABLES) -> Refusal:
    """Why they don't allow it."""
    with pytest.raises(Refusal) as caught:
        judged(text, tables)
    return caught.value
