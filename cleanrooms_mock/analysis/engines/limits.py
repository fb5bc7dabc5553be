"""What a query may use."""

from __future__ import annotations

from time import monotonic
from typing import NoReturn

from cleanrooms_mock.analysis.refusals import Refusal
from cleanrooms_mock.rules import DOCUMENTED, rule


@rule(
    "ENG-15",
    source="API reference, ProtectedQueryError (code); the numbers are the mock's own",
    status=DOCUMENTED,
    answer="FAILED INSUFFICIENT_COMPUTE",
)
def cut_off(what: str) -> NoReturn:
    """A query that reaches a limit is interrupted, and leaves neither files nor a partial result. The limits are the mock's own: 20 seconds of wall clock, 2 GB of memory, 1 GB of temporary files and 1 GB of output, each settable."""
    raise Refusal("INSUFFICIENT_COMPUTE", f"The query was interrupted at its limit of {what}")


class Deadline:
    """When a query has to be done."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._end = monotonic() + seconds

    @property
    def is_over(self) -> bool:
        return monotonic() >= self._end

    def check(self) -> None:
        """Refuse to go on once the time is up."""
        if self.is_over:
            self.refuse()

    def refuse(self) -> NoReturn:
        cut_off(f"time: {self.seconds:g} seconds")
