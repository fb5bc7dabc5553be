"""Why an analysis can't be: what a query or job that ends FAILED says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from cleanrooms_mock.rules import SEEN, behaviour

if TYPE_CHECKING:
    from sqlglot import Token, exp

behaviour(
    "PQ-09",
    "The texts of `error.message` that are known are used: that a join with a table of the query runner is required, that columns aren't allowed in the "
    "select list or must appear in the GROUP BY clause, that a budget is used up, that partitions lack data. Others are made like them.",
    source="screenshots in aws-clean-rooms-lab; user guide: troubleshooting; the others are inferred",
    status=SEEN,
)

Code = Literal[
    "MALFORMED_QUERY",
    "MALFORMED_SCRIPT",
    "RESOURCE_NOT_FOUND",
    "INVALID_RESOURCE",
    "RESOURCE_ACCESS_DENIED",
    "INSUFFICIENT_COMPUTE",
]


class Place(NamedTuple):
    """Where something stands in a text.

    :ivar line: counted from 1.
    :ivar column: of its first character in that line, counted from 1.
    :ivar start: of its first character in the whole text, counted from 0.
    :ivar end: behind its last one.
    """

    line: int
    column: int
    start: int
    end: int


class Refusal(Exception):
    """An analysis that isn't carried out, or that failed.

    :param code: the ``error.code`` with which it ends.
    :param message: its ``error.message``: what is wrong, and by which table's rule.
    :param table: the table whose rule is broken.
    :param column: the column that it is about.
    :param at: the part of the query that is wrong, or where it stands.
    """

    def __init__(
        self,
        code: Code,
        message: str,
        *,
        table: str | None = None,
        column: str | None = None,
        at: exp.Expr | Place | None = None,
    ) -> None:
        super().__init__(message)
        self.code: Code = code
        self.message = message
        self.table = table
        self.column = column
        self.place = at if isinstance(at, Place) or at is None else place_of(at)


def malformed(
    message: str, at: exp.Expr | Place | None = None, *, table: str | None = None, column: str | None = None
) -> Refusal:
    """A query whose text breaks a rule."""
    return Refusal("MALFORMED_QUERY", message, table=table, column=column, at=at)


def place_of_token(token: Token) -> Place:
    """Return where a token stands."""
    length = token.end - token.start
    return Place(token.line, token.col - length, token.start, token.end + 1)


def place_of(node: exp.Expr) -> Place | None:
    """Return where ``node`` stands, from its first name that the parser has kept a place of, to its last; ``None`` if it has none."""
    first: Place | None = None
    end = 0
    for part in node.walk():
        meta = part.meta or None
        if meta is None or "start" not in meta:
            continue
        here = Place(meta["line"], meta["col"] - (meta["end"] - meta["start"]), meta["start"], meta["end"] + 1)
        if first is None or here.start < first.start:
            first = here
        end = max(end, here.end)
    return None if first is None else first._replace(end=end)
