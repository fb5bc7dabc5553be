from __future__ import annotations

from pathlib import Path

import pytest

from cleanrooms_mock import Handle
from tests.analysis.lake import Lake


@pytest.fixture
def lake(cleanrooms: Handle, tmp_path: Path) -> Lake:
    return Lake(cleanrooms, tmp_path)
