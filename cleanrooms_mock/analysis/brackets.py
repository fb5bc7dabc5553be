"""What the brackets of a statement say before it is parsed: which calls it has, and whether the parser would get through it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from sqlglot import Token, TokenType
from sqlglot.parsers.spark import SparkParser

from cleanrooms_mock.analysis.hints import hint_is_in_place
from cleanrooms_mock.analysis.refusals import place_of_token
from cleanrooms_mock.analysis.syntax import text_is_sql

T = TokenType

_DEPTH = 100
_EFFORT = 100_000
_EFFORT_PER_TOKEN = 4
_TRIES_TWICE = {*SparkParser.TYPE_TOKENS, T.LIMIT, T.OFFSET, T.INTERVAL}
_ENDS_JOINS = {T.SELECT, T.WHERE, T.GROUP_BY, T.HAVING, T.ORDER_BY, T.LIMIT, T.UNION, T.EXCEPT, T.INTERSECT}
_OPENS = {T.L_PAREN, T.L_BRACKET}
_CLOSES = {T.R_PAREN, T.R_BRACKET}
_OPENS_TYPE = SparkParser.NESTED_TYPE_TOKENS
#: Other tokens change nothing in how a text is gone through.
_MATTERS = {*_ENDS_JOINS, *_OPENS, *_CLOSES, T.LT, T.GT, T.COMMA, T.JOIN, T.ON, T.USING, T.HINT, T.FROM}
#: Between one of these and a comma, or a comma and one of those, something is missing, which the parser passes over.
_BEFORE_ITEM = {*_OPENS, T.COMMA, T.SELECT, T.FROM, T.WHERE, T.GROUP_BY, T.ORDER_BY, T.PARTITION_BY}
_BEHIND_ITEM = {*_CLOSES, T.COMMA, T.FROM, T.WHERE, T.GROUP_BY, T.HAVING, T.ORDER_BY}


def calls_in(tokens: Sequence[Token]) -> dict[int, tuple[str, int]]:
    """Return what stands before each bracket and how many arguments in it, by the former's place, or refuse what the parser wouldn't survive, or not in our time.

    It tries some texts two ways, the second after it has read the first to its end: `date(…)` is a type or a function, and a JOIN without a
    condition waits for one behind the joins that follow. Nested, each doubles what is inside.
    """
    calls: dict[int, tuple[str, int]] = {}
    allowed = _EFFORT + _EFFORT_PER_TOKEN * len(tokens)
    effort, since = 0, -1
    # For each bracket that is open: what opened it, its place among the tokens, its commas, how often its inside is read at least, and how often at
    # present.
    opener, opened, commas, least, times = cast("TokenType | None", None), -1, 0, 1, 1
    levels: list[tuple[TokenType | None, int, int, int, int]] = []
    before = None
    for index, token in enumerate(tokens):
        kind = token.token_type
        if kind in _MATTERS:
            effort += times * (index - since)
            since = index
            if (kind == T.COMMA and before in _BEFORE_ITEM) or (before == T.COMMA and kind in _BEHIND_ITEM):
                text_is_sql("something is missing beside a comma", place_of_token(token))
            if kind == T.COMMA:
                commas += 1
            elif kind in _OPENS or (kind == T.LT and before in _OPENS_TYPE):
                levels.append((opener, opened, commas, least, times))
                inside = times * 2 if before in _TRIES_TWICE else times
                opener, opened, commas, least, times = kind, index, 0, inside, inside
            elif kind in _CLOSES or (kind == T.GT and opener == T.LT):
                while levels and kind != T.GT and opener == T.LT:
                    opener, opened, commas, least, times = levels.pop()
                if levels:
                    if opener == T.L_PAREN and opened:
                        name = tokens[opened - 1]
                        calls[name.start] = name.text.upper(), commas + 1 if index > opened + 1 else 0
                    opener, opened, commas, least, times = levels.pop()
            elif kind == T.JOIN:
                if before != T.CROSS:
                    times *= 2
            elif kind in (T.ON, T.USING):
                times = max(least, times // 2)
            elif kind in _ENDS_JOINS:
                times = least
            elif kind == T.HINT and before not in (T.SELECT, T.HINT):
                hint_is_in_place(place_of_token(token))
            if effort > allowed or len(levels) >= _DEPTH:
                text_is_sql("it is nested too deeply, or has too many joins without a condition", place_of_token(token))
        before = kind
    if effort + times * (len(tokens) - since) > allowed:
        text_is_sql("it has too many joins without a condition", place_of_token(tokens[0]))
    return calls
