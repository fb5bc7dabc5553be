"""What the accounts of one Region share."""

from __future__ import annotations

from threading import RLock
from typing import TYPE_CHECKING

from cleanrooms_mock.cleanrooms.entity_resolution import audience_models, entity_resolution
from cleanrooms_mock.rules import INFERRED, behaviour

if TYPE_CHECKING:
    from cleanrooms_mock.cleanrooms.collaborations import Collaboration

behaviour(
    "ERR-15",
    "Everything is regional: a collaboration or membership is unknown in every other Region.",
    source="inferred from the Regions in ids and ARNs",
    status=INFERRED,
)


class World:
    """The collaborations of one Region, and the lock that makes an operation one step.

    :ivar lock: held while an operation checks and acts.
    :ivar collaborations: those that exist, by id; a deleted one is gone from here, though its memberships still refer to it.
    """

    def __init__(self) -> None:
        self.lock = RLock()
        self.collaborations: dict[str, Collaboration] = {}


_worlds: dict[str, World] = {}
_creation = RLock()


def world_of(region_name: str) -> World:
    """Return the world of a Region."""
    world = _worlds.get(region_name)
    if world is None:
        with _creation:
            world = _worlds.setdefault(region_name, World())
    return world


def forget(region_name: str) -> None:
    """Drop the world of a Region, when moto resets its state."""
    _worlds.pop(region_name, None)
    entity_resolution.clear()
    audience_models.clear()
