"""The words of a text: names, strings, numbers and signs, each with its place.

sqlglot's own tokenizer goes through a text letter by letter, knows the signs of all dialects, and loses what this one has rules about: where a hint stands,
and what a comment is. Its tokens are kept, since its parser takes them.
"""

from __future__ import annotations

import re
from typing import NoReturn

from sqlglot import Token, TokenType
from sqlglot.dialects.spark import Spark

from cleanrooms_mock.analysis.identifiers import name_is_allowed
from cleanrooms_mock.analysis.refusals import Place
from cleanrooms_mock.analysis.syntax import text_is_sql

_SIGNS = {
    "(": TokenType.L_PAREN,
    ")": TokenType.R_PAREN,
    "[": TokenType.L_BRACKET,
    "]": TokenType.R_BRACKET,
    ",": TokenType.COMMA,
    ".": TokenType.DOT,
    ";": TokenType.SEMICOLON,
    ":": TokenType.COLON,
    "::": TokenType.DCOLON,
    "->": TokenType.ARROW,
    "+": TokenType.PLUS,
    "-": TokenType.DASH,
    "*": TokenType.STAR,
    "/": TokenType.SLASH,
    "%": TokenType.MOD,
    "^": TokenType.CARET,
    "||": TokenType.DPIPE,
    "=": TokenType.EQ,
    "==": TokenType.EQ,
    "<>": TokenType.NEQ,
    "!=": TokenType.NEQ,
    "<": TokenType.LT,
    "<=": TokenType.LTE,
    ">": TokenType.GT,
    ">=": TokenType.GTE,
    "<=>": TokenType.NULLSAFE_EQ,
    "!": TokenType.NOT,
    "~~": TokenType.LIKE,
}
_TOKEN = re.compile(
    r"""
      (?P<word>      [^\W0-9][\w$]* )
    | (?P<sign>      <=> | :: | -> | \|\| | == | <> | != | <= | >= | ~~ | -(?!-) | /(?!\*) | [()\[\],.;:+*%^=<>!] )
    | (?P<number>    [0-9]+ (?: \.[0-9]* )? (?: [eE][+-]?[0-9]+ )? (?![\w$]) )
    | (?P<string>    '[^'\\]*(?:(?:''|\\.)[^'\\]*)*' )
    | (?P<name>      "[^"]*(?:""[^"]*)*" | `[^`]*(?:``[^`]*)*` )
    | (?P<odd>       [0-9][\w$]* )
    | (?P<line>      --[^\r\n]* )
    | (?P<block>     /\* )
    """,
    re.VERBOSE | re.DOTALL,
)
_WORD, _SIGN, _NUMBER, _STRING, _NAME, _ODD, _LINE, _BLOCK = range(1, 9)
_skip_space = re.compile(r"[ \t\r\n\f\v]*").match
_comment_edge = re.compile(r"/\*|\*/").search
_ESCAPED = re.compile(r"''|\\(?:u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|([0-3][0-7]{2})|(.))", re.DOTALL)
_surrogate = re.compile("[\ud800-\udfff]").search
_CONTROLS = {"0": "\0", "b": "\b", "n": "\n", "r": "\r", "t": "\t", "Z": "\x1a", "%": "\\%", "_": "\\_"}

#: Two words that are one keyword.
_PAIRS = {
    (first, second): kind
    for keyword, kind in Spark.Tokenizer.KEYWORDS.items()
    for first, _, second in [keyword.partition(" ")]
    if second in ("BY", "SETS", "TO", "PRECISION", "VARYING")
}
_CLOSES_PAIR = {second for _, second in _PAIRS}
# Commands such as COPY aren't in the dialect: their words are names, or mistakes.
_KEYWORDS = {
    keyword: kind
    for keyword, kind in Spark.Tokenizer.KEYWORDS.items()
    if keyword.isidentifier() and kind != TokenType.COMMAND
}
_NAMES_PARAMETER = Spark.parser_class.COLON_PLACEHOLDER_TOKENS


def tokenize(text: str) -> list[Token]:
    """Return the tokens of a text, without its comments.

    :raises Refusal: for a string, name or comment that doesn't end, and for characters that the language doesn't have.
    """
    tokens: list[Token] = []
    add, match, keywords, plain = tokens.append, _TOKEN.match, _KEYWORDS, TokenType.VAR
    line, line_start, next_line = 1, 0, text.find("\n")
    position, end = _after_space(text, 0), len(text)
    colon = -1
    while position < end:
        while 0 <= next_line < position:
            line, line_start = line + 1, next_line + 1
            next_line = text.find("\n", line_start)
        found = match(text, position)
        if found is None:
            _refuse(text, position, Place(line, position - line_start + 1, position, position + 1))
        group, stop, word = found.lastindex, found.end(), found[0]
        # sqlglot's column of a token is that of its end, had its line not broken.
        column = stop - line_start
        if group == _WORD:
            upper = word.upper()
            kind = keywords.get(upper, plain)
            if colon == position and kind not in _NAMES_PARAMETER:
                # A parameter has any name.
                kind = plain
            elif upper in _CLOSES_PAIR and tokens and (pair := _PAIRS.get((tokens[-1].text.upper(), upper))):
                first = tokens.pop()
                word, kind = f"{first.text} {word}", pair
                stop_column = first.col + stop - first.end - 1
                add(Token(kind, word, first.line, stop_column, first.start, stop - 1))
                position = _after_space(text, stop)
                continue
            add(Token(kind, word, line, column, position, stop - 1))
        elif group == _SIGN:
            add(Token(_SIGNS[word], word, line, column, position, stop - 1))
            colon = stop if word == ":" else -1
        elif group == _NUMBER:
            kind = plain if colon == position else TokenType.NUMBER
            add(Token(kind, word, line, column, position, stop - 1))
        elif group == _STRING:
            add(Token(TokenType.STRING, _unescaped(word[1:-1]), line, column, position, stop - 1))
        elif group == _NAME:
            quote = word[0]
            name = word[1:-1].replace(quote * 2, quote)
            add(Token(TokenType.IDENTIFIER, name, line, column, position, stop - 1))
        elif group == _ODD:
            add(Token(plain, word, line, column, position, stop - 1))
        elif group == _BLOCK:
            stop = _end_of_comment(text, position, Place(line, position - line_start + 1, position, stop))
            if text.startswith("+", position + 2):
                hint = text[position + 3 : stop - 2]
                add(Token(TokenType.HINT, hint, line, stop - line_start, position, stop - 1))
        position = _after_space(text, stop)
    return tokens


def _after_space(text: str, position: int) -> int:
    found = _skip_space(text, position)
    assert found is not None
    return found.end()


def _end_of_comment(text: str, position: int, place: Place) -> int:
    depth = 0
    while True:
        edge = _comment_edge(text, position)
        if edge is None:
            text_is_sql("it has a comment that doesn't end", place)
        depth += 1 if edge[0] == "/*" else -1
        position = edge.end()
        if not depth:
            return position


def _refuse(text: str, position: int, place: Place) -> NoReturn:
    sign = text[position]
    if sign in "'\"`":
        text_is_sql(f"it has a {'string' if sign == chr(39) else 'name'} that doesn't end", place)
    if sign == "$":
        name_is_allowed("A dollar sign quotes no string, and begins no name", place)
    shown = sign if sign.isascii() and sign.isprintable() else f"U+{ord(sign):04X}"
    text_is_sql(f"the character {shown} means nothing in it", place)


def _unescaped(string: str) -> str:
    """Return what a string's letters stand for."""
    if "'" not in string and "\\" not in string:
        return string
    meant = _ESCAPED.sub(_meant, string)
    if _surrogate(meant):
        # Two escapes may be the halves of one character.
        meant = meant.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return meant


def _meant(escaped: re.Match[str]) -> str:
    short, long, octal, letter = escaped.groups()
    if short or long:
        code = int(short or long, 16)
        return chr(code) if code <= 0x10FFFF else "?"
    if octal:
        return chr(int(octal, 8))
    return "'" if letter is None else _CONTROLS.get(letter, letter)
