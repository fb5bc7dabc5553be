"""Every operation and every rule: importing this module imports all that have any, where a call imports only what it needs."""

from importlib import import_module
from pkgutil import walk_packages

from cleanrooms_mock import analysis
from cleanrooms_mock.cleanrooms.service import MODULES, functions

__all__ = ["functions"]


def _import_if_it_can(name: str) -> None:
    try:
        import_module(name)
    except ModuleNotFoundError as error:
        # What reads and writes data takes an extra, and so do its rules.
        if (error.name or "").startswith("cleanrooms_mock"):
            raise


for name in MODULES:
    import_module(f"{__package__}.{name}")
for module in walk_packages(analysis.__path__, f"{analysis.__name__}."):
    _import_if_it_can(module.name)
