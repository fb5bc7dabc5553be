"""Listings that can be read page by page, from any position, while they change."""

from __future__ import annotations

import base64
import binascii
from abc import ABC, abstractmethod
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from hashlib import blake2b
from itertools import islice
from typing import Generic, TypeVar

from cleanrooms_mock.protocol.errors import Fault, ForeignToken

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

_SEAL_SIZE = 10
_POSITION_SIZE = 8


class Listing(ABC, Generic[T_co]):
    """Items in a stable order, each at a position that no other item ever takes."""

    __slots__ = ()

    @abstractmethod
    def after(self, position: int) -> Iterator[tuple[int, T_co]]:
        """Yield position and item of everything behind ``position``; 0 stands before the first item."""

    def where(self, wanted: Callable[[T_co], bool]) -> Listing[T_co]:
        """Return the listing of those items for which ``wanted`` is true."""
        return _Derived(lambda position: (entry for entry in self.after(position) if wanted(entry[1])))

    def seen_as(self, view: Callable[[T_co], T]) -> Listing[T]:
        """Return the listing of what ``view`` makes of each item."""
        return _Derived(lambda position: ((at, view(item)) for at, item in self.after(position)))


class _Derived(Listing[T_co]):
    __slots__ = ("_entries",)

    def __init__(self, entries: Callable[[int], Iterator[tuple[int, T_co]]]) -> None:
        self._entries = entries

    def after(self, position: int) -> Iterator[tuple[int, T_co]]:
        return self._entries(position)


class Register(Listing[T]):
    """Items by key, in the order in which they were added, readable from any position.

    Adding, finding and resuming a listing don't depend on how many items there are, so a page costs its page.

    :ivar get: returns the item of a key, ``None`` if there is none.
    """

    __slots__ = ("_by_key", "_items", "_last", "_position_of", "_positions", "get")

    def __init__(self) -> None:
        self._by_key: dict[str, T] = {}
        self.get: Callable[[str], T | None] = self._by_key.get
        self._position_of: dict[str, int] = {}
        self._positions: list[int] = []
        self._items: list[T] = []
        self._last = 0

    def add(self, key: str, item: T) -> None:
        self._last += 1
        self._by_key[key] = item
        self._position_of[key] = self._last
        self._positions.append(self._last)
        self._items.append(item)

    def remove(self, key: str) -> T:
        item = self._by_key.pop(key)
        index = bisect_left(self._positions, self._position_of.pop(key))
        del self._positions[index]
        del self._items[index]
        return item

    def discard(self, key: str) -> None:
        if key in self._by_key:
            self.remove(key)

    def __getitem__(self, key: str) -> T:
        return self._by_key[key]

    def __contains__(self, key: object) -> bool:
        return key in self._by_key

    def __len__(self) -> int:
        return len(self._items)

    def __iter__(self) -> Iterator[T]:
        return iter(self._items)

    def after(self, position: int) -> Iterator[tuple[int, T]]:
        start = bisect_right(self._positions, position)
        for index in range(start, len(self._positions)):
            yield self._positions[index], self._items[index]

    def newest_first(self) -> Listing[T]:
        """Return the listing of the same items from the last to the first."""

        def entries(position: int) -> Iterator[tuple[int, T]]:
            end = bisect_left(self._positions, position) if position else len(self._positions)
            for index in reversed(range(end)):
                yield self._positions[index], self._items[index]

        return _Derived(entries)


def page(listing: Listing[T], scope: str, token: str | None, limit: int) -> tuple[list[T], str | None]:
    """Cut one page out of ``listing``.

    :param scope: what the token belongs to (operation, caller, filters); a token of another scope is refused.
    :param token: where the page before ended, ``None`` for the first page.
    :returns: at most ``limit`` items, and the token of the next page if there is one.
    :raises ForeignToken: for a token that this function didn't make for this scope.
    """
    position = 0 if token is None else _open(token, scope)
    entries = list(islice(listing.after(position), limit + 1))
    following = _seal(entries[limit - 1][0], scope) if len(entries) > limit else None
    return [item for _, item in entries[:limit]], following


def _seal(position: int, scope: str) -> str:
    raw = position.to_bytes(_POSITION_SIZE, "big")
    return base64.urlsafe_b64encode(raw + _digest(raw, scope)).decode("ascii")


def _open(token: str, scope: str) -> int:
    try:
        raw = base64.b64decode(token.encode("ascii"), altchars=b"-_", validate=True)
    except (binascii.Error, UnicodeEncodeError):
        raw = b""
    position = int.from_bytes(raw[:_POSITION_SIZE], "big")
    if token != _seal(position, scope):
        raise ForeignToken([Fault("nextToken", "Member must be a token that this listing returned")])
    return position


def _digest(position: bytes, scope: str) -> bytes:
    return blake2b(position + scope.encode(), digest_size=_SEAL_SIZE).digest()
