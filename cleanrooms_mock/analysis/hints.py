"""Hints: what stands between ``/*+`` and ``*/`` behind SELECT."""

from __future__ import annotations

from typing import NamedTuple, NoReturn

from sqlglot import Token, TokenType, exp

from cleanrooms_mock.analysis.refusals import Place, malformed, place_of_token
from cleanrooms_mock.analysis.syntax import text_is_sql
from cleanrooms_mock.analysis.tokens import tokenize
from cleanrooms_mock.rules import DOCUMENTED, rule

JOIN_HINTS = frozenset(
    {
        "BROADCAST",
        "BROADCASTJOIN",
        "MAPJOIN",
        "MERGE",
        "SHUFFLE_MERGE",
        "MERGEJOIN",
        "SHUFFLE_HASH",
        "SHUFFLE_REPLICATE_NL",
    }
)
#: How many numbers each takes at least and at most, and whether it takes columns.
PARTITIONING_HINTS = {
    "COALESCE": (1, 1, False),
    "REPARTITION": (0, 1, True),
    "REPARTITION_BY_RANGE": (0, 1, True),
    "REBALANCE": (0, 1, True),
}
_LARGEST = 2_147_483_647


class HintCall(NamedTuple):
    """One hint.

    :ivar name: in capitals.
    :ivar numbers: its numbers.
    :ivar columns: of a partitioning hint, the columns that it names; of a join hint, the relations.
    """

    name: str
    node: exp.Expr
    numbers: list[exp.Literal]
    columns: list[exp.Column]


def hints_of(select: exp.Expr) -> list[HintCall]:
    """Return the hints of a SELECT in their order, without those that nobody knows."""
    hint = select.args.get("hint")
    return [
        HintCall(
            call.name,
            call,
            [argument for argument in call.expressions if isinstance(argument, exp.Literal)],
            [argument for argument in call.expressions if isinstance(argument, exp.Column)],
        )
        for call in (() if hint is None else hint.expressions)
        if call.name in JOIN_HINTS or call.name in PARTITIONING_HINTS
    ]


@rule(
    "SQL-13",
    source="SQL reference: hints; that unknown ones are ignored, and what a misplaced one is, are inferred: Spark's grammar",
    status=DOCUMENTED,
    answer="FAILED MALFORMED_QUERY",
)
def hint_is_in_place(at: Place) -> NoReturn:
    """Hints stand directly behind SELECT, several in one comment with commas between them, or in several comments. They are join hints (BROADCAST,
    MERGE, SHUFFLE_HASH, SHUFFLE_REPLICATE_NL and their other names) and partitioning hints (COALESCE, REPARTITION, REPARTITION_BY_RANGE, REBALANCE);
    others are ignored. Anywhere else the beginning of a hint is a syntax error.
    """
    raise malformed(f"The query is invalid: a hint stands behind SELECT only (line {at.line}, column {at.column})", at)


@rule("SQL-14", source="SQL reference: hints", status=DOCUMENTED, answer="FAILED MALFORMED_QUERY")
def hint_takes(complaint: str, at: exp.Expr) -> NoReturn:
    """A hint takes no parameters of templates. Its numbers are whole ones from 1 to 2147483647 without an exponent. The columns of REPARTITION and
    REPARTITION_BY_RANGE are some of the query's input, those of REBALANCE some of its output.
    """
    raise malformed(complaint, at)


def check_hints(hint: exp.Hint) -> None:
    """Refuse hints with arguments that they can't have; whether columns exist is for those to say who resolve names."""
    for call in hint.expressions:
        name, numbers, columns = call.name, 0, 0
        for argument in call.expressions:
            if isinstance(argument, exp.Placeholder):
                hint_takes(f"The hint {name} can't take the parameter :{argument.this}", argument)
            if isinstance(argument, exp.Literal) and name in PARTITIONING_HINTS:
                numbers += 1
                if not argument.this.isdigit() or not 1 <= int(argument.this[:11]) <= _LARGEST:
                    hint_takes(f"The hint {name} takes whole numbers from 1 to {_LARGEST}", argument)
            elif isinstance(argument, exp.Column):
                columns += 1
            elif name in JOIN_HINTS:
                hint_takes(f"The hint {name} takes names of relations", call)
        if name in PARTITIONING_HINTS:
            least, most, takes_columns = PARTITIONING_HINTS[name]
            if not least <= numbers <= most or (columns and not takes_columns):
                hint_takes(f"The hint {name} takes {'one number' if least else 'at most one number and columns'}", call)
        elif name in JOIN_HINTS and not columns:
            hint_takes(f"The hint {name} takes names of relations", call)


def read_hints(token: Token) -> list[exp.Expr]:
    """Return the hints in one comment, each as a call.

    :raises Refusal: for what isn't a list of hints.
    """
    reader = _Reader(token)
    hints = [reader.hint()]
    while not reader.at_end():
        reader.take(TokenType.COMMA)
        hints.append(reader.hint())
    return hints


class _Reader:
    def __init__(self, token: Token) -> None:
        self._hint = token
        self._tokens = tokenize(token.text)
        line, offset = token.line, token.start + 3
        column = token.col - (token.end - token.start) + 2
        for inner in self._tokens:
            if inner.line == 1:
                inner.col += column
            inner.line += line - 1
            inner.start += offset
            inner.end += offset
        self._tokens.reverse()

    def at_end(self) -> bool:
        return not self._tokens

    def take(self, *kinds: TokenType) -> Token | None:
        """Take the next token if it is one of ``kinds``."""
        return self._tokens.pop() if self._tokens and self._tokens[-1].token_type in kinds else None

    def hint(self) -> exp.Expr:
        token = self._word()
        call = exp.Anonymous(this=token.text.upper())
        call.update_positions(token)
        if self.take(TokenType.L_PAREN) and not self.take(TokenType.R_PAREN):
            call.append("expressions", self._argument())
            while not self.take(TokenType.R_PAREN):
                if not self.take(TokenType.COMMA):
                    self._refuse()
                call.append("expressions", self._argument())
        return call

    def _argument(self) -> exp.Expr:
        if number := self.take(TokenType.NUMBER, TokenType.STRING):
            literal = exp.Literal(this=number.text, is_string=number.token_type == TokenType.STRING)
            literal.update_positions(number)
            return literal
        if self.take(TokenType.COLON):
            token = self._word()
            parameter = exp.Placeholder(this=token.text)
            parameter.update_positions(token)
            return parameter
        parts = [self._identifier()]
        while self.take(TokenType.DOT):
            parts.append(self._identifier())
        if len(parts) > 4:
            self._refuse()
        return exp.Column(**dict(zip(("this", "table", "db", "catalog"), reversed(parts), strict=False)))

    def _identifier(self) -> exp.Identifier:
        token = self._word()
        identifier = exp.Identifier(this=token.text, quoted=token.token_type == TokenType.IDENTIFIER)
        identifier.update_positions(token)
        return identifier

    def _word(self) -> Token:
        if not self._tokens:
            self._refuse()
        token = self._tokens.pop()
        if token.token_type != TokenType.IDENTIFIER and not token.text.replace("_", "a").isalnum():
            self._refuse()
        return token

    def _refuse(self) -> NoReturn:
        text_is_sql("it has a hint that can't be read", place_of_token(self._hint))
