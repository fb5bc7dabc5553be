"""Whether the installed moto is one that this package can stand on."""

from __future__ import annotations

import re
from importlib import import_module
from importlib.metadata import version

import moto

OLDEST_MOTO = (5, 2)

#: Names of moto's that are used, and that it doesn't promise to keep.
_RELIED_ON = (
    ("moto.core.botocore_stubber", "BotocoreStubber.process_request"),
    ("moto.core.models", "botocore_stubber.enabled"),
    ("moto.core.models", "responses_mock"),
    ("moto.core.models", "MockAWS._nested_count"),
    ("moto.core.models", "MockAWS._mocks_active"),
    ("moto.core.base_backend", "BackendDict._instances"),
    ("moto.core.config", "default_user_config"),
    ("moto.backend_index", "backend_url_patterns.insert"),
)


def check_moto() -> None:
    """Refuse a moto that is too old, or that isn't built the way this package relies on.

    :raises ImportError: naming both versions, and what is missing.
    """
    ours = f"cleanrooms-mock {version('cleanrooms-mock')}"
    found = tuple(int(part) for part in re.findall(r"\d+", moto.__version__)[:2])
    if found < OLDEST_MOTO:
        oldest = ".".join(map(str, OLDEST_MOTO))
        raise ImportError(
            f"{ours} needs moto {oldest} or newer, and this is moto {moto.__version__}: pip install --upgrade moto"
        )
    if missing := [f"{module}.{path}" for module, path in _RELIED_ON if not _exists(module, path)]:
        raise ImportError(
            f"moto {moto.__version__} has no {', '.join(missing)}, on which {ours} relies. "
            "Look for a newer cleanrooms-mock, or install an older moto."
        )


def _exists(module: str, path: str) -> bool:
    try:
        thing = import_module(module)
        for name in path.split("."):
            thing = getattr(thing, name)
    except (ImportError, AttributeError):
        return False
    return True
