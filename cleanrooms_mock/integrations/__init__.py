"""What the service reaches in moto's other services.

A module that moto hasn't imported yet holds no state, so nothing here imports one: it looks whether it is there.
"""

from __future__ import annotations

import sys
from typing import Any


def loaded(module: str) -> Any | None:
    """Return a module of moto's, or ``None`` if nothing has used that service yet."""
    return sys.modules.get(module)
