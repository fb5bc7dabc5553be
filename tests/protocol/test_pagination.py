"""Listings that are read page by page while they change."""

from __future__ import annotations

import base64
import string
from collections.abc import Callable
from itertools import chain
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from cleanrooms_mock.protocol import ForeignToken, Listing, Register
from cleanrooms_mock.protocol.pagination import page

SCOPE = "111111111111 us-east-1 ListBooks {}"


def register_of(count: int) -> Register[int]:
    register: Register[int] = Register()
    for number in range(count):
        register.add(str(number), number)
    return register


def pages(listing: Listing[Any], limit: int) -> list[list[Any]]:
    """All pages of a listing that nobody changes meanwhile."""
    found, token = page(listing, SCOPE, None, limit)
    read = [found]
    while token is not None:
        found, token = page(listing, SCOPE, token, limit)
        read.append(found)
    return read


class Readers(RuleBasedStateMachine):
    """A reader turns pages of a listing, of a part of it, and of a view of it, while others add and remove items."""

    LISTINGS: tuple[tuple[Callable[[Register[int]], Listing[int]], Callable[[int], bool]], ...] = (
        (lambda register: register, lambda number: True),
        (lambda register: register.where(lambda number: number % 3 == 0), lambda number: number % 3 == 0),
        (lambda register: register.seen_as(lambda number: -number).seen_as(abs), lambda number: True),
        (lambda register: register.where(lambda number: number < 0), lambda number: False),
    )

    def __init__(self) -> None:
        super().__init__()
        self.register: Register[int] = Register()
        self.added = 0
        self.present: list[int] = []
        self.listing, self.wanted = self.LISTINGS[0]
        self.token: str | None = None
        self.read: list[int] = []
        self.stayed: set[int] = set()

    @rule(count=st.integers(1, 5))
    def add(self, count: int) -> None:
        for _ in range(count):
            self.register.add(f"key {self.added}", self.added)
            self.present.append(self.added)
            self.added += 1

    @precondition(lambda self: self.present)
    @rule(data=st.data())
    def remove(self, data: st.DataObject) -> None:
        number = data.draw(st.sampled_from(self.present))
        assert self.register.remove(f"key {number}") == number
        self.present.remove(number)
        self.stayed.discard(number)

    @precondition(lambda self: self.present)
    @rule()
    def remove_what_the_last_page_ended_with(self) -> None:
        """The item at which a token stands is the one that a next page must not need."""
        if self.read and self.read[-1] in self.present:
            self.register.discard(f"key {self.read[-1]}")
            self.present.remove(self.read[-1])
            self.stayed.discard(self.read[-1])

    @precondition(lambda self: self.token is None)
    @rule(which=st.sampled_from(LISTINGS), limit=st.integers(1, 4))
    def start(self, which: tuple[Callable[[Register[int]], Listing[int]], Callable[[int], bool]], limit: int) -> None:
        self.listing, self.wanted = which
        self.read = []
        self.stayed = {number for number in self.present if self.wanted(number)}
        self._turn(limit)

    @precondition(lambda self: self.token is not None)
    @rule(limit=st.integers(1, 4))
    def turn(self, limit: int) -> None:
        self._turn(limit)

    def _turn(self, limit: int) -> None:
        found, following = page(self.listing(self.register), SCOPE, self.token, limit)
        behind = [
            number for number in self.present if self.wanted(number) and (not self.read or number > self.read[-1])
        ]
        assert found == behind[:limit]
        assert (following is not None) == (len(behind) > limit)
        self.read += found
        self.token = following
        if following is None:
            # Who was there from the first page to the last was read, and nobody twice or out of order.
            assert self.stayed <= set(self.read)
            assert self.read == sorted(set(self.read))

    @invariant()
    def the_register_is_the_items_in_the_order_of_their_addition(self) -> None:
        assert list(self.register) == self.present
        assert len(self.register) == len(self.present)


@pytest.mark.rule("COL-33")
def test_pages_lose_nothing_and_repeat_nothing_while_items_come_and_go() -> None:
    """Whatever is added and removed between two pages, a reader sees each item that stayed once, in one order."""
    run_state_machine_as_test(
        Readers, settings=settings(max_examples=150, stateful_step_count=40, deadline=None, derandomize=True)
    )


@pytest.mark.parametrize("limit", [1, 2, 3, 6, 7, 8, 100])
def test_pages_are_full_but_for_the_last(limit: int) -> None:
    """A page has as many items as were asked for, and a token only if there is a next item."""
    read = pages(register_of(7), limit)
    assert [len(items) for items in read] == [limit] * (7 // limit) + [7 % limit] * (7 % limit > 0)
    assert list(chain.from_iterable(read)) == list(range(7))


def test_empty_listing_is_one_empty_page() -> None:
    """Nothing is an answer, without a token."""
    assert page(Register[int](), SCOPE, None, 5) == ([], None)
    assert page(register_of(3).where(lambda number: number > 5), SCOPE, None, 5) == ([], None)


def test_page_reads_no_more_than_it_returns() -> None:
    """A page costs its page: of a listing that need not be built, one item more than the page is looked at."""
    seen: list[int] = []
    listing = register_of(1000).seen_as(lambda number: seen.append(number) or number)  # type: ignore[func-returns-value]
    _, token = page(listing, SCOPE, None, 10)
    page(listing, SCOPE, token, 10)
    assert len(seen) == 22


def test_token_is_opaque_and_fit_for_a_query_string() -> None:
    """A token tells nothing of how many items there are and needs no encoding."""
    _, token = page(register_of(3), SCOPE, None, 1)
    assert token is not None
    assert set(token) <= set(string.ascii_letters + string.digits + "-_")


def token_of(scope: str = SCOPE, position: int = 1) -> str:
    token = page(register_of(position + 1), scope, None, position)[1]
    assert token is not None
    return token


ALTERATIONS: dict[str, Callable[[str], str]] = {
    "empty": lambda token: "",
    "no token at all": lambda token: "page-2",
    "not ASCII": lambda token: token[:-1] + "é",
    "cut": lambda token: token[:-1],
    "cut to whole bytes": lambda token: token[:-4],
    "the position alone": lambda token: base64.urlsafe_b64encode(base64.urlsafe_b64decode(token)[:8]).decode(),
    "lengthened": lambda token: token + "AAAA",
    "padded": lambda token: token + "====",
    "behind a space": lambda token: " " + token,
    "before a line end": lambda token: token + "\n",
    "upper case": lambda token: token.upper(),
    "twice": lambda token: token + token,
    "position of another token": lambda token: base64.urlsafe_b64encode(
        base64.urlsafe_b64decode(token_of(position=2))[:8] + base64.urlsafe_b64decode(token)[8:]
    ).decode(),
    "very long": lambda token: "A" * 10240,
    "a NUL": lambda token: "\x00" * 24,
    "half an emoji": lambda token: "\ud83d",
}


@pytest.mark.rule("ERR-13")
@pytest.mark.parametrize("alter", ALTERATIONS.values(), ids=ALTERATIONS)
def test_token_that_was_altered_is_refused(alter: Callable[[str], str]) -> None:
    """What isn't to the last character a token that this listing gave is a fault of nextToken, never a page."""
    with pytest.raises(ForeignToken) as caught:
        page(register_of(9), SCOPE, alter(token_of()), 1)
    assert [fault.path for fault in caught.value.faults] == ["nextToken"]


@pytest.mark.rule("ERR-13")
def test_token_with_any_other_character_is_refused() -> None:
    """No character of a token can be changed."""
    token, alphabet = token_of(), string.ascii_letters + string.digits + "-_"
    altered = {token[:at] + c + token[at + 1 :] for at in range(len(token)) for c in alphabet} - {token}
    assert len(altered) == len(token) * 63
    for candidate in altered:
        with pytest.raises(ForeignToken):
            page(register_of(9), SCOPE, candidate, 1)


@pytest.mark.rule("ERR-13")
def test_token_of_another_listing_is_refused() -> None:
    """A token belongs to what it was made for: another operation, caller or filter is another scope."""
    token = token_of("111111111111 us-east-1 ListMembers {}")
    assert page(register_of(9), "111111111111 us-east-1 ListMembers {}", token, 1)[0] == [1]
    for scope in ("222222222222 us-east-1 ListMembers {}", "111111111111 us-east-1 ListMembers {} ", ""):
        with pytest.raises(ForeignToken):
            page(register_of(9), scope, token, 1)


def test_register_finds_by_key_what_it_holds() -> None:
    """A register is a mapping from keys to items as well, and forgets what is removed."""
    register = register_of(3)
    assert register["1"] == register.get("1") == 1
    assert "1" in register
    assert register.remove("1") == 1
    register.discard("1")
    assert "1" not in register
    assert register.get("1") is None
    assert (list(register), len(register)) == ([0, 2], 2)
    for look_up in (register.__getitem__, register.remove):
        with pytest.raises(KeyError):
            look_up("1")


def test_key_that_comes_back_takes_a_new_place() -> None:
    """A position is never taken twice, so an item that is removed and added again is behind the page that is being read."""
    register = register_of(3)
    token = page(register, SCOPE, None, 2)[1]
    register.remove("0")
    register.add("0", 0)
    assert page(register, SCOPE, token, 5) == ([2, 0], None)
