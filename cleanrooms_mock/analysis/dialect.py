"""The service's SQL over sqlglot's Spark: what its reference adds to it, and what rules need to know of how a query was written.

The tree is sqlglot's, so that engines can write it in their own words. What sqlglot forgets is kept in the ``meta`` of its nodes:

* ``function``: the name in capitals with which a function was called, since many names become one node;
* ``arguments``: how many arguments, cut at commas, it was given;
* ``double_colon``: a CAST was written as ``x::type``;
* ``literal``: a CAST was written as ``DATE '…'`` or ``TIMESTAMP '…'``;
* ``in_one``: an INTERVAL has its unit inside the string, as ``INTERVAL '1 day'``;
* ``nulls``: a key of an ORDER BY says where its NULLs go;
* ``from_first``: a query begins with FROM;
* ``line``, ``col``, ``start``, ``end``: where a node stands.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Mapping
from typing import Any, ClassVar, cast

from sqlglot import Token, TokenType, exp
from sqlglot.dialects.spark import Spark
from sqlglot.errors import ParseError
from sqlglot.helper import seq_get
from sqlglot.parsers.spark import SparkParser

from cleanrooms_mock.analysis.brackets import calls_in
from cleanrooms_mock.analysis.dates import QUALIFIERS, is_unit
from cleanrooms_mock.analysis.hints import read_hints
from cleanrooms_mock.analysis.identifiers import name_is_quoted
from cleanrooms_mock.analysis.refusals import Refusal, place_of_token
from cleanrooms_mock.analysis.syntax import construct_exists, text_is_sql
from cleanrooms_mock.analysis.tokens import tokenize

T = TokenType

_has_unit = re.compile(r"[a-z]", re.IGNORECASE).search
_TYPES_OF_LITERALS = {T.DATE: exp.DType.DATE, T.TIMESTAMPTZ: exp.DType.TIMESTAMPTZ}


def _trunc(args: list[exp.Expr]) -> exp.Expr:
    """TRUNC of a date has a unit as a string; of a number it has a number of places; alone it takes what is behind the day, or the point."""
    if len(args) == 2 and args[1].is_string:
        return cast("exp.Expr", SparkParser.FUNCTIONS["TRUNC"](args))
    return exp.Trunc.from_arg_list(args)


def _part_of_date(kind: type[exp.Expr]) -> Callable[[list[exp.Expr]], exp.Expr]:
    """Spark's reading, which doesn't fail for a wrong number of arguments."""
    return lambda args: kind(this=exp.TsOrDsToDate(this=seq_get(args, 0)))


def _or_boolean(name: str, build: Callable[..., Any]) -> Callable[[list[exp.Expr]], exp.Expr]:
    """Keep a second argument that is no boolean, which such a function can't have."""

    def read(args: list[exp.Expr]) -> Any:
        if len(args) > 1 and not isinstance(args[1], exp.Boolean):
            return exp.Anonymous(this=name, expressions=args)
        return build(args)

    return read


def _placed(node: exp.Expr, token: Token) -> exp.Expr:
    node.update_positions(token)
    return node


def _kept(read: Callable[[Any], Any], back: int) -> Callable[[Any], Any]:
    """Return ``read``, a parser of a function with a grammar of its own, so that it keeps where its name stands, ``back`` tokens before."""

    def parse(parser: Any) -> Any:
        name = parser._tokens[parser._index - back]
        node = read(parser)
        if isinstance(node, exp.Expr):
            node.update_positions(name)
            if name.start not in parser.calls:
                node.meta.update(function=name.text.upper(), arguments=0)
        return node

    return parse


def _typed_literal(parser: SparkParser, this: exp.Expr, to: exp.DataType) -> exp.Expr:
    node = parser.expression(exp.Cast(this=this, to=to))
    node.meta["literal"] = True
    return node


def _double_colon(parser: Any, this: exp.Expr, to: exp.Expr) -> exp.Expr:
    node: exp.Expr = parser.build_cast(strict=parser.STRICT_CAST, this=this, to=to)
    node.meta["double_colon"] = True
    return node


def _approximate(parser: Any) -> exp.Expr | None:
    """APPROXIMATE PERCENTILE_DISC(…) is that function, estimated."""
    if parser._curr.text.upper() != "PERCENTILE_DISC":
        parser._retreat(parser._index - 1)
        return None
    return cast("exp.Expr | None", parser._parse_function())


def _is_of_a_query(exists: Any) -> bool:
    """Whether EXISTS is the predicate, not the function of an array, and take brackets of its query's off, behind which sqlglot looks for the function."""
    query = exists.this
    while isinstance(query, exp.Subquery) and query.is_wrapper:
        query = query.this
    if not isinstance(query, exp.Query) or exists.args.get("expression") is not None:
        return False
    exists.set("this", query)
    return True


class CleanRoomsParser(SparkParser):
    """Spark's parser, taught what the reference adds."""

    # No string or number is a name, not even behind AS.
    RESERVED_TOKENS = {*SparkParser.RESERVED_TOKENS, T.STRING, T.NUMBER, T.HINT}  # noqa: RUF012
    BITWISE = {kind: node for kind, node in SparkParser.BITWISE.items() if kind != T.CARET}  # noqa: RUF012
    EXPONENT = {T.CARET: exp.Pow}  # noqa: RUF012
    FUNCTIONS = {  # noqa: RUF012
        **SparkParser.FUNCTIONS,
        **{
            name: _or_boolean(name, SparkParser.FUNCTIONS[name])
            for name in ("ANY_VALUE", "FIRST", "FIRST_VALUE", "LAST", "LAST_VALUE")
        },
        **{name: _part_of_date(kind) for name, kind in (("DAY", exp.Day), ("MONTH", exp.Month), ("YEAR", exp.Year))},
        "DECODE": exp.Decode.from_arg_list,
        "TRUNC": _trunc,
        "TRUNCATE": _trunc,
        "IS_NULL": lambda args: exp.Paren(this=exp.Is(this=seq_get(args, 0), expression=exp.Null())),
        "IS_NOT_NULL": lambda args: exp.Paren(this=exp.Not(this=exp.Is(this=seq_get(args, 0), expression=exp.Null()))),
    }
    FUNCTION_PARSERS = {  # noqa: RUF012
        name: _kept(read, 2) for name, read in SparkParser.FUNCTION_PARSERS.items() if name != "DECODE"
    }
    NO_PAREN_FUNCTION_PARSERS = {  # noqa: RUF012
        "ANY": SparkParser.NO_PAREN_FUNCTION_PARSERS["ANY"],
        "APPROXIMATE": _approximate,
        "CASE": _kept(SparkParser.NO_PAREN_FUNCTION_PARSERS["CASE"], 1),
        "CURRENT_DATE": lambda self: self._parse_current(exp.CurrentDate),
        "CURRENT_TIMESTAMP": lambda self: self._parse_current(exp.CurrentTimestamp),
        "IF": _kept(SparkParser.NO_PAREN_FUNCTION_PARSERS["IF"], 1),
        "TRANSFORM": _kept(SparkParser.NO_PAREN_FUNCTION_PARSERS["TRANSFORM"], 1),
    }
    PRIMARY_PARSERS = {  # noqa: RUF012
        **SparkParser.PRIMARY_PARSERS,
        T.NULL: lambda self, token: self.expression(exp.Null(), token),
        T.TRUE: lambda self, token: self.expression(exp.Boolean(this=True), token),
        T.FALSE: lambda self, token: self.expression(exp.Boolean(this=False), token),
    }
    PLACEHOLDER_PARSERS = {  # noqa: RUF012
        T.COLON: lambda self: self._parse_named_parameter(),
    }
    COLUMN_OPERATORS = {**SparkParser.COLUMN_OPERATORS, T.DCOLON: _double_colon}  # noqa: RUF012
    TYPE_LITERAL_PARSERS = dict.fromkeys(
        (exp.DType.DATE, exp.DType.TIMESTAMP, exp.DType.TIMESTAMPTZ, exp.DType.TIMESTAMPLTZ, exp.DType.TIMESTAMPNTZ),
        _typed_literal,
    )

    #: What stands before a bracket and how many arguments in it, by where it begins in the text.
    calls: Mapping[int, tuple[str, int]] = {}

    def validate_expression(self, expression: Any, args: list[Any] | None = None) -> Any:
        # The arguments of a function are counted later, by a rule of their own.
        if args is None:
            for complaint in expression.error_messages():
                self.raise_error(complaint)
        return expression

    def _parse_window(self, this: exp.Expr | None, alias: bool = False) -> exp.Expr | None:
        # Every function comes by here. To take hold of it where its name is read would make each nested call a frame deeper.
        if this.__class__ is exp.Exists and _is_of_a_query(this):
            return this
        if this is not None and (call := self.calls.get(this.meta.get("start", -1))):
            # FIRST(x, TRUE) makes two nodes, of which the outer has the place.
            of = this.this if this.__class__ is exp.IgnoreNulls else this
            of.meta.update({"function": call[0], "arguments": call[1], **this.meta})
        return super()._parse_window(this, alias)

    def _parse_types(
        self,
        check_func: bool = False,
        schema: bool = False,
        allow_identifiers: bool = True,
        with_collation: bool = False,
    ) -> exp.Expr | None:
        if check_func and self._next.token_type == T.COLON and self._curr.token_type in _TYPES_OF_LITERALS:
            return self._parse_literal_of_parameter(_TYPES_OF_LITERALS[self._curr.token_type])
        return super()._parse_types(check_func, schema, allow_identifiers, with_collation)

    def _parse_current(self, kind: type[exp.Expr]) -> exp.Expr:
        name = self._prev
        node = _placed(kind(), name)
        given = 0
        if self._match(T.L_PAREN):
            given = self.calls[name.start][1]
            self._parse_function_args()
            self._match_r_paren()
        node.meta.update(function=name.text.upper(), arguments=given)
        return node

    def _parse_literal_of_parameter(self, kind: exp.DType) -> exp.Expr:
        """Read DATE or TIMESTAMP with a parameter for its string."""
        self._advance(2)
        parameter = self._parse_named_parameter()
        if parameter is None:
            self.raise_error("Expected the name of a parameter")
        return _typed_literal(self, cast("exp.Expr", parameter), kind.into_expr())

    def _parse_named_parameter(self) -> exp.Expr | None:
        colon = self._prev
        if not self._match_set(self.COLON_PLACEHOLDER_TOKENS):
            return None
        node = _placed(exp.Placeholder(this=self._prev.text), self._prev)
        node.meta["start"] = colon.start
        return node

    def _parse_user_defined_type(self, identifier: exp.Identifier) -> exp.Expr:
        return exp.DataType(this=exp.DType.USERDEFINED, kind=identifier.name)

    def _parse_interval(self, require_interval: bool = True, parse_function_unit: bool = True) -> Any:
        first = self._curr
        node = super()._parse_interval(require_interval, parse_function_unit)
        interval = node.this if isinstance(node, exp.Add) else node
        if isinstance(interval, exp.Interval):
            interval.update_positions(first)
        return node

    def _parse_interval_span(self, this: exp.Expr, parse_function_unit: bool = True) -> exp.Interval:
        in_one = this.is_string and _has_unit(this.name) is not None
        # Behind a string that has its units a word may be an alias.
        unit: exp.Expr | None = self._parse_unit(QUALIFIERS if in_one else None)
        if unit is not None and self._match_text_seq("TO"):
            unit = exp.IntervalSpan(this=unit, expression=self._parse_unit(QUALIFIERS))
        node = exp.Interval(this=this, unit=unit)
        if in_one:
            node.meta["in_one"] = True
        return node

    def _parse_unit(self, among: Container[str] | None) -> exp.Var | None:
        name = self._curr.text.upper()
        if name not in among if among is not None else self._curr.token_type != T.VAR and not is_unit(name):
            return None
        self._advance()
        if name == "SECOND" and self._match(T.L_PAREN):
            self._parse_number()
            self._match_r_paren()
        return exp.Var(this=name)

    def _parse_between(self, this: exp.Expr | None) -> Any:
        low = self._parse_bitwise()
        if not self._match(T.AND):
            self.raise_error("Expected AND")
        return self.expression(exp.Between(this=this, low=low, high=self._parse_bitwise()))

    def _parse_convert(self, strict: bool, safe: bool | None = None) -> exp.Expr | None:
        to = self._parse_types()
        if to is None or not self._match(T.COMMA):
            self.raise_error("Expected a type and a comma after CONVERT")
        return self.build_cast(strict=strict, this=self._parse_disjunction(), to=to, safe=safe)

    def _parse_limit(
        self, this: exp.Expr | None = None, top: bool = False, skip_limit_token: bool = False
    ) -> exp.Expr | None:
        if not top:
            limit = super()._parse_limit(this, top, skip_limit_token)
            if isinstance(limit, exp.Limit) and limit.args.get("offset") is not None:
                self.raise_error("LIMIT takes one number")
            return limit
        if self._curr.text.upper() != "TOP" or self._next.token_type != T.NUMBER:
            return None
        self._advance(2)
        first = exp.Limit(expression=exp.Literal.number(self._prev.text))
        first.meta["top"] = True
        return _placed(first, self._prev)

    def _parse_string_as_identifier(self) -> exp.Identifier | None:
        if self._curr.token_type == T.STRING and self._prev.token_type in (T.FROM, T.JOIN, T.COMMA):
            construct_exists("A path in the place of a table", place_of_token(self._curr))
        return None

    def _parse_ordered(self, parse_method: Callable[[], exp.Expr | None] | None = None) -> exp.Ordered | None:
        node = super()._parse_ordered(parse_method)
        words = [token.text.upper() for token in self._tokens[max(self._index - 2, 0) : self._index]]
        if node is not None and words in (["NULLS", "FIRST"], ["NULLS", "LAST"]):
            node.meta["nulls"] = True
        return node

    def _parse_hint(self) -> exp.Hint | None:
        hints: list[exp.Expr] = []
        while self._match(T.HINT):
            hints.extend(read_hints(self._prev))
        return exp.Hint(expressions=hints) if hints else None

    def _parse_select_query(self, *args: Any, **options: Any) -> exp.Expr | None:
        from_first = self._curr.token_type == T.FROM
        query: exp.Expr | None = super()._parse_select_query(*args, **options)
        if from_first and query is not None:
            query.meta["from_first"] = True
        return query


class CleanRooms(Spark):
    """Spark's dialect with the service's quotes and signs."""

    SUPPORTS_USER_DEFINED_TYPES = True  # so that an unknown type is found on the tree, by its name
    Parser = CleanRoomsParser

    class Tokenizer(Spark.Tokenizer):
        QUOTES = ["'"]  # noqa: RUF012  as sqlglot has it
        IDENTIFIERS = ['"', "`"]  # noqa: RUF012
        STRING_ESCAPES = ["\\", "'"]  # noqa: RUF012
        COMMANDS: ClassVar[set[TokenType]] = set()


dialect = CleanRooms()


def statements(text: str) -> list[list[Token]]:
    """Return the tokens of each statement of a text; the last list is empty if a semicolon ends the text."""
    found: list[list[Token]] = [[]]
    for token in tokenize(text):
        if token.token_type == T.SEMICOLON:
            found.append([])
        else:
            found[-1].append(token)
    return found


def parse(tokens: list[Token], text: str) -> exp.Expr:
    """Return the tree of one statement.

    :raises Refusal: if it can't be parsed.
    """
    parser = CleanRoomsParser(dialect=dialect)
    parser.calls = calls_in(tokens)
    try:
        (tree,) = parser.parse(tokens, text)
    except ParseError as error:
        found = error.errors[0] if error.errors else {}
        at = found.get("line"), found.get("col")
        complaint = str(found.get("description", "it has a syntax error")).partition(" but got <")[0]
        if complaint.startswith("Required keyword"):
            complaint = "something is missing in it"
        index = next((index for index, token in enumerate(tokens) if (token.line, token.col) == at), len(tokens) - 1)
        _is_a_hyphen(tokens[index - 1 : index + 2])
        text_is_sql(complaint[:200], place_of_token(tokens[index]))
    except RecursionError:
        text_is_sql("it is nested too deeply", place_of_token(tokens[0]))
    except Refusal:
        raise
    except Exception:
        # The parser isn't made for broken texts only: on some it fails with whatever Python raises, as on `map(1)`.
        text_is_sql("it can't be read", place_of_token(tokens[0]))
    if tree is None:
        text_is_sql("it has an empty statement", place_of_token(tokens[0]))
    return tree


def _is_a_hyphen(tokens: list[Token]) -> None:
    """Say what is wrong with a name such as `my-table`, which reads as a difference."""
    if len(tokens) == 3 and tokens[1].token_type == T.DASH:
        first, hyphen, last = tokens
        if first.end + 1 == hyphen.start and hyphen.end + 1 == last.start and first.token_type == T.VAR:
            name_is_quoted(f"{first.text}-{last.text}"[:140], "it has a hyphen", place_of_token(first))
