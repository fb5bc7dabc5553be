"""What an expression becomes: a text of DuckDB's, and its type."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from cleanrooms_mock.analysis.engines.data_types import NULL, Type
from cleanrooms_mock.analysis.refusals import malformed


class _Variable:
    """Says that a value isn't written in the text."""

    def __repr__(self) -> str:
        return "VARIABLE"


VARIABLE = _Variable()


class Value(NamedTuple):
    """An expression.

    :ivar sql: its text, which can stand anywhere without brackets around it.
    :ivar constant: what it is, if the query's text says so: ``None``, a bool, an int, a Decimal, a float or a string.
    :ivar whole_days: of an interval of days, whether it has no time of day.
    :ivar width: the length to which values are padded, of a column that is a char.
    """

    sql: str
    type: Type
    constant: Any = VARIABLE
    whole_days: bool = False
    width: int = 0

    @property
    def is_constant(self) -> bool:
        return self.constant is not VARIABLE

    @property
    def is_null(self) -> bool:
        return self.type == NULL


@dataclass(slots=True)
class Context:
    """What a query needs of its database besides its own text.

    :ivar time_zone: the session's.
    :ivar now: what CURRENT_TIMESTAMP is, in UTC and without a zone.
    :ivar macros: the names of macros that the text calls.
    :ivar concatenations: the ids of those nodes that are a ``+`` between strings.
    :ivar truncations: by the id of each TRUNC with one argument, what that is.
    :ivar functions: functions of Python that it calls: by name, the function, the types of its arguments as DuckDB names them, and of its result.
    """

    time_zone: str
    now: datetime
    macros: set[str] = field(default_factory=set)
    concatenations: set[int] = field(default_factory=set)
    truncations: dict[int, Type] = field(default_factory=dict)
    functions: dict[str, tuple[Callable[..., Any], Sequence[str], str]] = field(default_factory=dict)

    def macro(self, name: str, *arguments: str) -> str:
        """Return a call of a macro."""
        self.macros.add(name)
        return f"{name}({', '.join(arguments)})"

    def python(
        self, name: str, function: Callable[..., Any], types: Sequence[str], result: str, *arguments: str
    ) -> str:
        """Return a call of a function of Python's, which is given and gives plain values, ``None`` too.

        :param name: tells functions apart; one that is made for its types has them in it.
        """
        name = f"python_{name}"
        self.functions[name] = (function, types, result)
        return f"{name}({', '.join(arguments)})"


def wrong_type(what: str, *values: Value) -> Exception:
    """Return the refusal of an operation between types that have none."""
    return malformed(
        f"The query can't be carried out: {what} isn't defined for {' and '.join(str(value.type) for value in values)}"
    )
