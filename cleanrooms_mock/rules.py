"""The catalogue of rules: what the service does, how that is known, and where it stands in this code.

A rule that refuses is a function, and :func:`rule` over it is its entry; a rule that shapes an answer stands as :func:`behaviour` next
to the code that keeps it. Both only register: nothing is wrapped, and a call pays nothing for them.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from types import CodeType
from typing import Any, Literal, NamedTuple, TypeVar

Status = Literal["documented", "seen", "inferred"]

#: AWS says so in its documentation or in the service model.
DOCUMENTED: Status = "documented"
#: Somebody saw the real service do it: in a recorded answer, or in code that runs against it.
SEEN: Status = "seen"
#: Nobody published it; the choice was made so that tests have something to rely on.
INFERRED: Status = "inferred"

#: Where these pages are published.
SITE = "https://cleanrooms-mock.readthedocs.io/en/latest"

F = TypeVar("F", bound=Callable[..., Any])


class Rule(NamedTuple):
    """One entry of the catalogue.

    :ivar id: such as ``PAY-22``.
    :ivar text: the rule, in one or a few sentences.
    :ivar source: where it was read, seen, or what it was inferred from.
    :ivar status: ``documented``, ``seen`` or ``inferred``.
    :ivar answer: the exception for whoever breaks it, with its reason; ``None`` if the rule refuses nothing.
    :ivar module: the module that keeps it.
    :ivar function: the function that keeps it there, if one alone does.
    """

    id: str
    text: str
    source: str
    status: Status
    answer: str | None
    module: str
    function: str | None = None

    @property
    def page(self) -> str:
        """Where the rule is explained."""
        return f"{SITE}/rules.html#{self.id.lower()}"


catalogue: dict[str, Rule] = {}
_by_code: dict[CodeType, Rule] = {}


def rule(rule_id: str, *, source: str, status: Status, answer: str | None = None) -> Callable[[F], F]:
    """Register the decorated function as the place of a rule; its docstring is the rule's text."""

    def register(function: F) -> F:
        text = " ".join(inspect.cleandoc(function.__doc__ or "").split())
        _by_code[function.__code__] = _register(
            Rule(rule_id, text, source, status, answer, function.__module__, function.__name__)
        )
        return function

    return register


def behaviour(rule_id: str, text: str, *, source: str, status: Status, answer: str | None = None) -> None:
    """Register a rule that has no function of its own, in the module that keeps it."""
    frame = inspect.currentframe()
    caller = frame.f_back if frame is not None else None
    module = caller.f_globals["__name__"] if caller is not None else __name__
    _register(Rule(rule_id, text, source, status, answer, module))


def _register(entry: Rule) -> Rule:
    if entry.id in catalogue or not entry.text:
        raise ValueError(f"rule {entry.id} is registered twice, or has no text")
    catalogue[entry.id] = entry
    return entry


def rule_behind(error: BaseException) -> Rule | None:
    """Return the rule that raised ``error``: the innermost function on its traceback that is one."""
    found, step = None, error.__traceback__
    while step is not None:
        found = _by_code.get(step.tb_frame.f_code, found)
        step = step.tb_next
    return found
