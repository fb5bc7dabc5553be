"""What a test has set for its mock: quotas, faults, rates, and the log of calls."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass, field
from random import Random
from threading import Lock
from typing import Any, Literal, NamedTuple

from cleanrooms_mock.cleanrooms.quotas import Quotas
from cleanrooms_mock.protocol import Operation, Violations
from cleanrooms_mock.rules import Rule

References = Literal["known", "strict"]

#: What :class:`~cleanrooms_mock.analysis.engines.Limits` has.
QUERY_LIMITS = ("seconds", "memory", "disk", "output")


class Call(NamedTuple):
    """One call of an operation.

    :ivar operation: as boto3 spells it, ``create_membership``.
    :ivar account_id: the account that called.
    :ivar region_name: the Region it called in.
    :ivar arguments: the call's keyword arguments.
    :ivar status: the HTTP status of the answer.
    :ivar error: the exception's name, or ``None`` if the call was answered.
    :ivar message: the exception's message; of a call that started or asked for a query or job that is FAILED, why that is.
    :ivar rule: the rule that refused, if one did.
    """

    operation: str
    account_id: str
    region_name: str
    arguments: Mapping[str, Any]
    status: int
    error: str | None = None
    message: str | None = None
    rule: Rule | None = None

    def __str__(self) -> str:
        arguments = ", ".join(f"{name}={value!r}" for name, value in self.arguments.items())
        call = f"{self.account_id} {self.region_name} {self.operation}({arguments}) -> {self.status}"
        if self.message is None:
            return call
        lines = [f"{call} {self.message}" if self.error is None else f"{call} {self.error}: {self.message}"]
        if self.rule is not None:
            lines += [f"  {self.rule.id} ({self.rule.status}): {self.rule.text}", f"  {self.rule.page}"]
        return "\n".join(lines)


class Entry(NamedTuple):
    """What the log keeps of a call: the request as it came, whose arguments are read when somebody looks, which of most calls nobody does.

    :ivar labels: what stands in the labels of the request's path.
    :ivar query: its query string.
    :ivar body: its body.
    """

    operation: Operation
    labels: Mapping[str, str]
    query: str
    body: bytes | str | None
    account_id: str
    region_name: str
    status: int
    error: str | None
    message: str | None
    rule: Rule | None

    def call(self) -> Call:
        """Return the call, with the labels alone as arguments if its body can't be read."""
        try:
            arguments = self.operation.read(self.labels, self.query, self.body)
        except Violations:
            arguments = dict(self.labels)
        return Call(
            self.operation.python_name,
            self.account_id,
            self.region_name,
            arguments,
            self.status,
            self.error,
            self.message,
            self.rule,
        )


@dataclass(slots=True)
class Fault:
    """An error that stands ready for calls of one operation.

    :ivar operation: as the model spells it.
    :ivar error: the exception's name, or an HTTP status.
    :ivar times: how many calls it still answers.
    :ivar after: how many calls it lets through before that.
    :ivar message: its message.
    :ivar members: the exception's other members, in snake_case.
    """

    operation: str
    error: str | int
    times: int
    after: int
    message: str | None
    members: Mapping[str, Any]


@dataclass(eq=False)
class Controls:
    """What applies to calls while a mock is the innermost active one.

    :ivar quotas: the quotas that are enforced.
    :ivar rate_quotas: whether request rates are enforced.
    :ivar references: ``"known"`` checks a role or bucket only in accounts that have any, ``"strict"`` always.
    :ivar payer_candidates: whether several members may be payer for one cost type, as since May 2026.
    :ivar wire: whether calls go through botocore's whole client, down to its HTTP layer.
    :ivar engine: what runs queries.
    :ivar query_limits: what one query may use, where that isn't the default.
    :ivar privacy_seed: what the noise of differential privacy begins with, ``None`` for moto's generator.
    :ivar run_jobs: whether jobs run, which is the test's own code.
    :ivar noise: the generator that ``privacy_seed`` began, once one was needed.
    :ivar unread: the calls of the log that nobody has looked at yet.
    :ivar read: those before them.
    """

    quotas: Quotas = field(default_factory=lambda: Quotas({}))
    rate_quotas: bool = False
    references: References = "known"
    payer_candidates: bool = True
    wire: bool = False
    engine: str = "duckdb"
    query_limits: Mapping[str, float] = field(default_factory=dict)
    privacy_seed: int | None = None
    run_jobs: bool = False
    noise: Random | None = None
    faults: list[Fault] = field(default_factory=list)
    unread: deque[Entry] = field(default_factory=deque)
    read: list[Call] = field(default_factory=list)
    rates: dict[tuple[str, str, str], deque[float]] = field(default_factory=dict)
    lock: Lock = field(default_factory=Lock)

    def calls(self) -> tuple[Call, ...]:
        """Return the log, oldest call first."""
        with self.lock:
            while self.unread:
                self.read.append(self.unread.popleft().call())
            return tuple(self.read)

    def take_fault(self, operation: str) -> Fault | None:
        """Return the fault that answers this call of ``operation``, if one does, and count it."""
        with self.lock:
            for fault in self.faults:
                if fault.operation != operation:
                    continue
                if fault.after > 0:
                    fault.after -= 1
                    continue
                fault.times -= 1
                if fault.times == 0:
                    self.faults.remove(fault)
                return fault
        return None


def check_query_options(options: MutableMapping[str, Any]) -> None:
    """Refuse options for queries that mean nothing, and keep those that may be changed.

    :raises ValueError: naming what is possible.
    """
    engine = options.get("engine", "duckdb")
    if engine not in ("duckdb", "spark") and not (
        isinstance(engine, str) and engine.startswith(("local", "spark://", "sc://"))
    ):
        raise ValueError(
            "engine must be 'duckdb', 'spark', a master of Spark such as 'local[2]' or 'spark://host:7077', or a Spark Connect server such as "
            f"'sc://host:15002', not {engine!r}"
        )
    limits = options["query_limits"] = dict(options.get("query_limits", {}))
    for name, value in limits.items():
        if name not in QUERY_LIMITS:
            raise ValueError(f"there is no limit {name!r} of queries; the limits are: {', '.join(QUERY_LIMITS)}")
        if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
            raise ValueError(f"the limit {name!r} of queries must be a number above 0, not {value!r}")
    seed = options.get("privacy_seed")
    if seed is not None and (isinstance(seed, bool) or not isinstance(seed, int)):
        raise ValueError(f"privacy_seed must be an integer or None, not {seed!r}")
    if options.get("run_jobs", False) not in (False, True):
        raise ValueError(f"run_jobs must be True or False, not {options['run_jobs']!r}")


#: Applies where moto's own mock is active and none of ours.
DEFAULTS = Controls()

#: The active mocks' controls, the innermost last.
active: list[Controls] = []

#: The last calls of all mocks, for the report of a test that failed.
recent: deque[Entry] = deque(maxlen=20)


def current() -> Controls:
    """Return the controls of the innermost active mock."""
    return active[-1] if active else DEFAULTS


def log(entry: Entry) -> None:
    """Write a call into the log of every active mock."""
    recent.append(entry)
    for controls in active:
        controls.unread.append(entry)
