"""Prints what a call costs by ours, beside moto's own backend, botocore's Stubber and the floor: ``python -m tests.benchmarks``."""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

from tests.benchmarks.cases import CASES, SIZES, SUBJECTS
from tests.benchmarks.table import ROWS, Result, Row, table

try:
    import pyperf
except ImportError:
    sys.exit("The benchmarks need pyperf: pip install --group bench")

ROOT = Path(__file__).parents[2]


def measure(row: Row, answers: Path, *, quick: bool) -> dict[tuple[str, str], float]:
    """Run a row's case once for each subject, one after the other, each in a process of its own."""
    cases = [name for name in (row.against, row.case) if name is not None]
    # Subjects that are compared follow each other.
    return {
        (name, subject): _median_of_worker(row, name, subject, answers, quick=quick)
        for subject in SUBJECTS
        for name in cases
        if subject in CASES[name]
    }


def _median_of_worker(row: Row, case: str, subject: str, answers: Path, *, quick: bool) -> float:
    output = answers.with_name(f"{case}-{subject}.json")
    output.unlink(missing_ok=True)
    loops, values = (max(1, row.loops // 10), min(2, row.values)) if quick else (row.loops, row.values)
    command = [sys.executable, "-m", "tests.benchmarks.worker", "--subject", subject, "--case", case]
    command += ["--answers", str(answers), "--processes", "1", "--loops", str(loops), "--values", str(values)]
    command += [
        "--many",
        str(SIZES["many"]),
        "--rows",
        str(SIZES["rows"]),
        "--warmups",
        str(row.warmups),
        "--quiet",
        "--output",
        str(output),
    ]
    finished = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if finished.returncode != 0:
        sys.exit(f"{case} by {subject} failed:\n{finished.stdout}{finished.stderr}")
    benchmark = pyperf.Benchmark.load(str(output))
    return float(benchmark.median())


def run(rows: Sequence[Row], rounds: int, *, quick: bool, report: Callable[[str], object]) -> list[Result]:
    """Measure ``rows`` in a number of rounds."""
    with tempfile.TemporaryDirectory() as directory:
        answers = Path(directory) / "answers.json"
        subprocess.run([sys.executable, "-m", "tests.benchmarks.answers", str(answers)], cwd=ROOT, check=True)
        measured: dict[str, list[Mapping[tuple[str, str], float]]] = {row.case: [] for row in rows}
        for number in range(1, rounds + 1):
            for row in rows:
                report(f"round {number} of {rounds}: {row.case}\n")
                measured[row.case].append(measure(row, answers, quick=quick))
    return [Result.of(row, measured[row.case]) for row in rows]


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one short round, to see that everything runs")
    parser.add_argument("--rounds", type=int, help="how often each case is run for each subject (default: 3)")
    parser.add_argument("--case", action="append", choices=[row.case for row in ROWS], help="run this case alone")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results into FILE as well")
    options = parser.parse_args(arguments)
    rows = [row for row in ROWS if options.case is None or row.case in options.case]
    if options.quick:
        SIZES["many"] //= 10
        SIZES["rows"] //= 100
    rounds = options.rounds or (1 if options.quick else 3)

    results = run(rows, rounds, quick=options.quick, report=sys.stderr.write)

    versions = {name: version(name) for name in ("cleanrooms-mock", "moto", "boto3", "botocore")}
    versions["Python"] = platform.python_version()
    sys.stdout.write(f"{table(results)}\n\n")
    sys.stdout.write(
        f"Ratios are to the floor, or where a case is held against another one, to the subject's own time of that. {_listed(versions)}.\n"
    )
    if options.json is not None:
        document = {"versions": versions, "rounds": rounds, "results": [result.as_json() for result in results]}
        options.json.write_text(json.dumps(document, indent=2) + "\n")


def _listed(versions: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {number}" for name, number in versions.items())


if __name__ == "__main__":
    main()
