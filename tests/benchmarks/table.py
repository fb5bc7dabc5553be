"""The lines of the table, the goals, and how what was measured is held against them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from tests.benchmarks.cases import CALL, FLOOR, MOTO, SIZES, STUBBER, SUBJECTS, WIRE

#: "The same, within noise."
SAME = 1.25


@dataclass(frozen=True)
class Row:
    """A line of the table, and how its case is run.

    :ivar title: may name the sizes of a case that has grown state.
    :ivar against: the case that each subject is compared with, its own; without one all are compared with the floor.
    :ivar ratios: the goals as ratios, by seam.
    :ivar seconds: the goal in seconds, for each seam that is timed.
    :ivar loops: how often the case is timed for one value; one that is true once in a process has one loop and one value.
    """

    title: str
    case: str
    against: str | None = None
    ratios: Mapping[str, float] = field(default_factory=dict)
    seconds: float | None = None
    loops: int = 200
    values: int = 5
    warmups: int = 1

    def goal(self) -> str:
        if self.seconds is not None:
            return f"<= {self.seconds * 1e3:g} ms"
        if len(self.ratios) == 2 and len(set(self.ratios.values())) == 2:
            return ", ".join(f"{seam} <= {ratio:.2f}x" for seam, ratio in self.ratios.items())
        return f"<= {next(iter(self.ratios.values())):.2f}x" if self.ratios else ""


ROWS = (
    Row("create_membership", "create_membership", ratios={CALL: 0.40, WIRE: 1.15}),
    Row("get_membership", "get_membership", ratios={CALL: 0.38, WIRE: 1.15}),
    Row("list_memberships, 100 results", "list_memberships", loops=20),
    Row("create_configured_table", "create_configured_table", ratios={CALL: 0.45, WIRE: 1.25}),
    Row("get_schema", "get_schema", ratios={CALL: 0.45, WIRE: 1.25}),
    Row("batch_get_schema, 25 schemas", "batch_get_schema", ratios={CALL: 1.25, WIRE: 1.25}, loops=50),
    Row("first call above the second", "first_call", seconds=5e-3, loops=1, values=1, warmups=0),
    Row("mock: start and stop", "start_and_stop", seconds=0.06e-3),
    Row("import on top of moto", "import", seconds=20e-3, loops=1, values=3),
    Row("import of the plugin on top of pytest", "import_plugin", seconds=2e-3, loops=1, values=3),
    Row(
        "create at {many:,} against {few}",
        "create_membership_many",
        against="create_membership_few",
        ratios={CALL: SAME, WIRE: SAME},
        loops=50,
    ),
    Row(
        "page of 100 at {many:,} against {few}",
        "list_memberships_many",
        against="list_memberships_few",
        ratios={CALL: SAME, WIRE: SAME},
        loops=20,
    ),
    Row("aggregation of {rows:,} rows", "aggregation", ratios={CALL: 1.10}, loops=1, values=3),
    Row("small query, from start to CSV", "small_query", seconds=25e-3, loops=10, warmups=3),
    Row("check of a 200-line statement", "check_statement", seconds=30e-3, loops=10),
)

#: Of each round the median seconds, by case and subject.
Rounds = Sequence[Mapping[tuple[str, str], float]]


@dataclass(frozen=True)
class Result:
    """A row as measured: the medians of all rounds, where ratios are taken within a round, since machines are now faster, now slower.

    :ivar base: seconds of what the row is compared with: the floor, or our call seam's own base.
    :ivar seconds: by subject.
    :ivar ratios: by subject.
    """

    row: Row
    base: float | None
    seconds: Mapping[str, float]
    ratios: Mapping[str, float]

    @classmethod
    def of(cls, row: Row, rounds: Rounds) -> Result:
        def base_of(subject: str) -> tuple[str, str]:
            return (row.case, FLOOR) if row.against is None else (row.against, subject)

        timed = [subject for subject in SUBJECTS if (row.case, subject) in rounds[0] and subject != FLOOR]
        base = base_of(CALL)
        return cls(
            row,
            median(each[base] for each in rounds) if base in rounds[0] else None,
            {subject: median(each[row.case, subject] for each in rounds) for subject in timed},
            {
                subject: median(each[row.case, subject] / each[base_of(subject)] for each in rounds)
                for subject in timed
                if base_of(subject) in rounds[0]
            },
        )

    def reached(self) -> dict[str, bool]:
        """Return whether the goal is reached, by seam."""
        if self.row.seconds is not None:
            goal = self.row.seconds
            return {seam: self.seconds[seam] <= goal for seam in (CALL, WIRE) if seam in self.seconds}
        return {seam: self.ratios[seam] <= goal for seam, goal in self.row.ratios.items()}

    def cells(self) -> list[str]:
        verdicts = self.reached()
        words = {seam: "yes" if reached else "no" for seam, reached in verdicts.items()}
        if self.row.seconds is not None:
            words = {seam: f"{word} ({self.seconds[seam] * 1e3:.3g} ms)" for seam, word in words.items()}
        together = len(set(words.values())) == 1
        verdict = (
            next(iter(words.values())) if together else ", ".join(f"{seam} {word}" for seam, word in words.items())
        )
        ratios = [f"{self.ratios[subject]:.2f}x" if subject in self.ratios else "-" for subject in SUBJECTS[1:]]
        return [
            self.row.title.format_map(SIZES),
            _microseconds(self.base),
            *ratios,
            self.row.goal() or "-",
            verdict or "-",
        ]

    def as_json(self) -> dict[str, Any]:
        return {
            "case": self.row.case,
            "title": self.row.title.format_map(SIZES),
            "base": self.base,
            "seconds": self.seconds,
            "ratios": self.ratios,
            "goal": self.row.goal(),
            "reached": self.reached(),
        }


HEADINGS = ("case", "floor µs", STUBBER, MOTO, "ours, call", "ours, wire", "goal", "reached")


def _microseconds(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds * 1e6:,.0f}"


def table(results: Iterable[Result]) -> str:
    """Return the results as a Markdown table that reads as plain text too."""
    lines = [list(HEADINGS), *(result.cells() for result in results)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEADINGS))]
    lines.insert(1, ["-" * width for width in widths])
    return "\n".join(
        f"| {' | '.join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))} |" for line in lines
    )
