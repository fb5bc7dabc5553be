"""That what is timed still works: every scene once for every subject, without regard to time."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.benchmarks import cases
from tests.benchmarks.answers import read_answers, write_answers
from tests.benchmarks.cases import CALL, CASES, FLOOR, MOTO, SIZES, STUBBER, WIRE, timed
from tests.benchmarks.table import ROWS, Result, Row, table

ROOT = Path(__file__).parents[2]
SMALL = 2 * cases.PAGE

OTHERS = """
import json, sys
from pathlib import Path
from tests.benchmarks.answers import read_answers
from tests.benchmarks.cases import CASES, SIZES, timed

subject, answers = sys.argv[1], read_answers(Path(sys.argv[2]))
SIZES.update(many=int(sys.argv[3]), rows=1000)
run = []
for case in (case for case in CASES if subject in CASES[case]):
    with timed(case, subject, answers) as time:
        time(1)
    run.append(case)
print(json.dumps({"run": run, "ours": "cleanrooms_mock" in sys.modules}))
"""


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The answers that the floor and the Stubber repeat."""
    path = tmp_path_factory.mktemp("benchmarks") / "answers.json"
    write_answers(path)
    return path


@pytest.mark.parametrize(
    ("case", "subject"), [(case, subject) for case in CASES for subject in (CALL, WIRE) if subject in CASES[case]]
)
def test_case_runs_on_ours(case: str, subject: str, answers: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each case that ours has can be timed twice in a row on either seam."""
    monkeypatch.setitem(SIZES, "many", SMALL)
    monkeypatch.setitem(SIZES, "rows", 1000)
    with timed(case, subject, read_answers(answers)) as time:
        assert [type(time(1)), type(time(2))] == [float, float]


@pytest.mark.parametrize("subject", [FLOOR, STUBBER, MOTO])
def test_cases_run_without_ours(subject: str, answers: Path) -> None:
    """Each case of the others runs in a process that never sees cleanrooms_mock."""
    finished = subprocess.run(
        [sys.executable, "-c", OTHERS, subject, str(answers), str(SMALL)], cwd=ROOT, capture_output=True, text=True
    )
    assert finished.returncode == 0, finished.stderr
    assert json.loads(finished.stdout) == {"run": [case for case in CASES if subject in CASES[case]], "ours": False}


@pytest.mark.parametrize("operation", ["create_membership", "get_membership", "list_memberships"])
def test_floor_and_stubber_repeat_what_ours_answers(operation: str, answers: Path) -> None:
    """The canned answers are whole answers of ours, which botocore parses."""
    canned = read_answers(answers)
    with cases.Stage(FLOOR, operation, canned) as stage:
        answer = getattr(stage.canned(operation), operation)(**canned[operation].arguments)
    if operation == "list_memberships":
        assert len(answer["membershipSummaries"]) == cases.PAGE
    else:
        assert answer["membership"]["paymentConfiguration"]["queryCompute"] == {"isResponsible": True}
        assert answer["membership"]["defaultResultConfiguration"]["roleArn"].startswith("arn:aws:iam::222222222222:")


def test_every_row_has_its_cases() -> None:
    """Each case is on the table, by itself or as what another is compared with."""
    on_the_table = {name for row in ROWS for name in (row.case, row.against) if name is not None}
    assert on_the_table == set(CASES)


CALL_AND_WIRE = Row("get_membership", "get_membership", ratios={CALL: 0.38, WIRE: 1.15})
START = Row("start and stop", "start_and_stop", seconds=0.06e-3)
GROWN = Row("create", "create_membership_many", against="create_membership_few", ratios={CALL: 1.25, WIRE: 1.25})


def test_ratios_are_taken_within_a_round() -> None:
    """A machine that is twice as slow in one round changes no ratio."""
    fast = {("get_membership", FLOOR): 200e-6, ("get_membership", CALL): 70e-6, ("get_membership", WIRE): 240e-6}
    slow = {key: 2 * seconds for key, seconds in fast.items()}
    result = Result.of(CALL_AND_WIRE, [fast, slow, slow])
    assert result.ratios == pytest.approx({CALL: 0.35, WIRE: 1.2})
    assert result.reached() == {CALL: True, WIRE: False}
    assert result.cells() == [
        "get_membership", "400", "-", "-", "0.35x", "1.20x", "call <= 0.38x, wire <= 1.15x", "call yes, wire no",
    ]  # fmt: skip


def test_goal_in_seconds_shows_seconds() -> None:
    """Where the goal is a time, the verdict tells what was measured."""
    times = {FLOOR: 30e-6, STUBBER: 15e-6, MOTO: 1.2e-3, CALL: 50e-6, WIRE: 50e-6}
    result = Result.of(START, [{("start_and_stop", subject): seconds for subject, seconds in times.items()}])
    assert result.cells() == [
        "start and stop",
        "30",
        "0.50x",
        "40.00x",
        "1.67x",
        "1.67x",
        "<= 0.06 ms",
        "yes (0.05 ms)",
    ]


def test_what_has_no_floor_has_no_ratio() -> None:
    """A query has nothing that answers it from a can."""
    row = Row("query", "small_query", seconds=25e-3)
    result = Result.of(row, [{("small_query", CALL): 20e-3, ("small_query", WIRE): 30e-3}])
    assert result.cells() == ["query", "-", "-", "-", "-", "-", "<= 25 ms", "call yes (20 ms), wire no (30 ms)"]


def test_growth_is_held_against_the_subject_itself() -> None:
    """What costs more with more state is compared with the same subject's cost with less."""
    seconds = {
        ("create_membership_few", MOTO): 1e-3, ("create_membership_many", MOTO): 2e-3,
        ("create_membership_few", CALL): 100e-6, ("create_membership_many", CALL): 110e-6,
        ("create_membership_few", WIRE): 300e-6, ("create_membership_many", WIRE): 600e-6,
    }  # fmt: skip
    result = Result.of(GROWN, [seconds])
    assert result.cells() == ["create", "100", "-", "2.00x", "1.10x", "2.00x", "<= 1.25x", "call yes, wire no"]


def test_table_is_aligned() -> None:
    """All lines of the table are of one width, so that it reads as plain text too."""
    result = Result.of(CALL_AND_WIRE, [{("get_membership", subject): 1e-3 for subject in (FLOOR, CALL, WIRE)}])
    lines = table([result]).splitlines()
    assert len(lines) == 3
    assert len({len(line) for line in lines}) == 1
    assert lines[0].split("|")[1].strip() == "case"
