"""Every operation and every rule: importing this module imports all that have any, where a call imports only what it needs."""

from importlib import import_module

from cleanrooms_mock.analysis import check, result_names  # noqa: F401  for their rules
from cleanrooms_mock.cleanrooms.service import MODULES, functions

__all__ = ["functions"]

for module in MODULES:
    import_module(f"{__package__}.{module}")
