"""What is installed only with an extra."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.util import find_spec

#: The modules that come with each extra.
_MODULES: Mapping[str, tuple[str, ...]] = {
    # DuckDB calls functions of Python's by numpy.
    "queries": ("duckdb", "numpy", "pyarrow", "pyiceberg"),
    "spark": ("pyspark", "pyarrow", "pyiceberg"),
    "connect": ("pyspark", "grpc", "grpc_status", "pandas", "pyarrow", "pyiceberg"),
}


def extra_of(engine: str) -> str:
    """Return the extra that brings what an engine needs.

    :param engine: as :func:`~cleanrooms_mock.analysis.engines.engine` takes it.
    """
    if engine == "duckdb":
        return "queries"
    return "connect" if engine.startswith("sc://") else "spark"


@cache
def needs(extra: str) -> None:
    """Make sure that an extra is installed; once it was found it isn't looked for again.

    :raises ModuleNotFoundError: if it isn't, or only in part; the message says how to install it.
    """
    for module in _MODULES[extra]:
        if find_spec(module) is None:
            raise ModuleNotFoundError(
                f"{module} isn't installed, without which no query runs here: pip install 'cleanrooms-mock[{extra}]'",
                name=module,
            )
