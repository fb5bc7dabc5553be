"""The table of functions, and what a call of one is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlglot import exp

from cleanrooms_mock.analysis.engines.data_types import (
    BIGINT,
    BINARY,
    BOOLEAN,
    DATE,
    DOUBLE,
    INT,
    STRING,
    TIMESTAMP,
    Type,
)
from cleanrooms_mock.analysis.engines.translation.casts import implicit
from cleanrooms_mock.analysis.engines.translation.values import Value
from cleanrooms_mock.analysis.refusals import malformed

if TYPE_CHECKING:
    from cleanrooms_mock.analysis.engines.translation.expressions import Expressions


@dataclass(slots=True)
class Call:
    """A call, with all that stands behind it.

    :ivar name: in upper case.
    :ivar arguments: nodes, or what has become of them already.
    :ivar order: of WITHIN GROUP.
    """

    name: str
    arguments: Sequence[exp.Expr | Value]
    node: exp.Expr
    distinct: bool = False
    ignore_nulls: bool = False
    order: exp.Expr | None = None
    condition: exp.Expr | None = None
    window: exp.Expr | None = None

    @classmethod
    def of(cls, node: exp.Expr) -> Call:
        found = cls("", [], node)
        inner = node
        while not isinstance(inner, exp.Anonymous):
            if isinstance(inner, exp.Window):
                found.window = inner
            elif isinstance(inner, exp.Filter):
                found.condition = inner.expression.this
            elif isinstance(inner, exp.WithinGroup):
                found.order = inner.expression
            elif isinstance(inner, exp.IgnoreNulls):
                found.ignore_nulls = True
            elif not isinstance(inner, exp.RespectNulls):
                raise malformed(f"The query can't be carried out: the engine has no {inner.key.upper()}", node)
            inner = inner.this
        found.name = inner.name.upper()
        found.arguments = inner.expressions
        if len(found.arguments) == 1 and isinstance(found.arguments[0], exp.Distinct):
            found.distinct = True
            found.arguments = found.arguments[0].expressions
        return found


Handler = Callable[["Expressions", Call], Value]
_handlers: dict[str, tuple[Handler, int, int | None]] = {}
#: What can have DISTINCT, FILTER, OVER and an order.
_aggregates: set[str] = set()


def function(
    *names: str, least: int, most: int | None = None, open_end: bool = False, aggregate: bool = False
) -> Callable[[Handler], Handler]:
    """Register what translates a function.

    :param least: how many arguments it takes at least.
    :param most: and at most; as many as ``least`` unless given.
    :param open_end: whether it takes any number from ``least`` on.
    :param aggregate: whether it is an aggregate or a window function.
    """

    def register(handler: Handler) -> Handler:
        for name in names:
            _handlers[name] = handler, least, None if open_end else (least if most is None else most)
            if aggregate:
                _aggregates.add(name)
        return handler

    return register


def known_functions() -> frozenset[str]:
    """Return the names of all functions that can be translated."""
    return frozenset(_handlers)


def is_aggregate(name: str) -> bool:
    """Whether a function makes one value of those of a group or a window."""
    return name.upper() in _aggregates


def call(expressions: Expressions, found: Call) -> Value:
    """Translate a call.

    :raises Refusal: if there is no such function here, or it takes other arguments.
    """
    handler, least, most = _handlers.get(found.name, (None, 0, None))
    if handler is None:
        raise malformed(f"The query can't be carried out: the engine has no function {found.name}", found.node)
    number = len(found.arguments)
    if number < least or (most is not None and number > most):
        wanted = str(least) if most == least else f"{least} or more" if most is None else f"{least} to {most}"
        raise malformed(f"The query is invalid: {found.name} takes {wanted} arguments, not {number}", found.node)
    if found.name not in _aggregates and (found.window or found.condition or found.distinct or found.order):
        raise malformed(f"The query is invalid: {found.name} is no aggregate", found.node)
    return handler(expressions, found)


_CODES: dict[str, Type] = {
    "s": STRING,
    "d": DOUBLE,
    "i": INT,
    "l": BIGINT,
    "b": BOOLEAN,
    "x": BINARY,
    "D": DATE,
    "T": TIMESTAMP,
}


def arguments(expressions: Expressions, found: Call, codes: str = "") -> list[Value]:
    """Return the arguments of a call, each as the type that its letter in ``codes`` wants; the last one is for all that follow, and none for any."""
    # What a window is over may be made of aggregates.
    translate = expressions if found.window is None else expressions.whole
    values = [one if isinstance(one, Value) else translate(one) for one in found.arguments]
    if not codes:
        return values
    letters = codes + codes[-1] * (len(values) - len(codes))
    return [
        value if letter == "*" else implicit(expressions.context, value, _CODES[letter], found.name)
        for value, letter in zip(values, letters, strict=False)
    ]


def templates(codes: str, result: str, *texts: tuple[str, str]) -> None:
    """Register functions that a text of DuckDB's does.

    :param codes: the letters of the arguments' types.
    :param result: the letter of the result's.
    :param texts: names, one or several with blanks between, and the text with ``{0}``, ``{1}`` … for the arguments.
    """
    type_ = _CODES[result]

    def register(names: str, text: str) -> None:
        @function(*names.split(), least=len(codes))
        def translate(expressions: Expressions, found: Call) -> Value:
            values = [value.sql for value in arguments(expressions, found, codes)]
            for macro in _macros_in(text):
                expressions.context.macros.add(macro)
            return Value(text.format(*values), type_)

    for names, text in texts:
        register(names, text)


def _macros_in(text: str) -> list[str]:
    return [word for word in text.replace("(", " ").replace(",", " ").split() if word.startswith("spark_")]


def constant(found: Call, value: Value, kind: type, what: str) -> object:
    """Return an argument that has to be a literal.

    :raises Refusal: if it isn't.
    """
    if not isinstance(value.constant, kind):
        raise malformed(
            f"The query can't be carried out: the engine wants a literal as {what} of {found.name}", found.node
        )
    return value.constant
