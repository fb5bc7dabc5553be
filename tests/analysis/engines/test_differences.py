"""The table of docs/engines.md says how the engines differ, and it is so."""

import re
from pathlib import Path

import pytest

from cleanrooms_mock.analysis.engines import engine
from cleanrooms_mock.analysis.refusals import Refusal
from tests.analysis.engines.rows import own_sources, run

PAGE = (Path(__file__).parents[3] / "docs" / "engines.md").read_text("utf-8").partition("## Where they differ")[2]
ROWS = re.findall(r"^\| `(.+)` \| (.+) \| (.+) \|$", PAGE, re.MULTILINE)


def test_there_are_some() -> None:
    assert len(ROWS) >= 8


@pytest.mark.parametrize(("expression", "duckdb", "_spark"), ROWS)
def test_duckdb_does_what_is_said(expression: str, duckdb: str, _spark: str, tmp_path: Path) -> None:
    text = f"SELECT {expression} AS c FROM p"
    if duckdb.startswith("refused"):
        with pytest.raises(Refusal) as caught:
            run(engine("duckdb"), text, own_sources(tmp_path))
        assert caught.value.code == "MALFORMED_QUERY"
    else:
        assert duckdb.startswith("NULL")
        assert run(engine("duckdb"), text, own_sources(tmp_path))["c"].null_count
