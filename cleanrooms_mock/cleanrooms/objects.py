"""What classes of the service's objects have in common: members that are another object's, and updates of those that are their own."""

from __future__ import annotations

from operator import attrgetter
from typing import Any


def shown(path: str) -> Any:
    """Return a property that shows what stands at ``path`` of the object, such as ``collaboration.name``."""
    return property(attrgetter(path), doc=f"``{path}``")


def replace_given(thing: object, **given: Any) -> bool:
    """Set those attributes that an update gives, and leave those for which it has ``None``.

    :returns: whether any of them is another now.
    """
    changes = {name: value for name, value in given.items() if value is not None and value != getattr(thing, name)}
    for name, value in changes.items():
        setattr(thing, name, value)
    return bool(changes)
