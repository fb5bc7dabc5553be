"""Times one case for one subject with pyperf, in processes of its own.

``python -m tests.benchmarks.worker --subject call --case create_membership``, with pyperf's options.
"""

from __future__ import annotations

import sys
from argparse import Namespace
from pathlib import Path

from tests.benchmarks.answers import read_answers
from tests.benchmarks.cases import CALL, CASES, SIZES, SUBJECTS, WIRE, timed

try:
    import pyperf
except ImportError:
    sys.exit("The benchmarks need pyperf: pip install --group bench")


def main() -> None:
    """Run pyperf, which starts this module again for each process that times."""

    def pass_on(command: list[str], options: Namespace) -> None:
        command += ["--subject", options.subject, "--case", options.case, "--answers", str(options.answers)]
        command += ["--many", str(options.many), "--rows", str(options.rows)]

    runner = pyperf.Runner(program_args=("-m", "tests.benchmarks.worker"), add_cmdline_args=pass_on)
    runner.argparser.add_argument("--subject", choices=SUBJECTS, required=True)
    runner.argparser.add_argument("--case", choices=list(CASES), required=True)
    runner.argparser.add_argument(
        "--answers", type=Path, required=True, help="a file that tests.benchmarks.answers wrote"
    )
    runner.argparser.add_argument(
        "--many", type=int, default=SIZES["many"], help="how many memberships an account has in the largest cases"
    )
    runner.argparser.add_argument(
        "--rows", type=int, default=SIZES["rows"], help="how many rows the tables of the large aggregation have"
    )
    options = runner.parse_args()
    SIZES.update(many=options.many, rows=options.rows)
    name = f"{options.case} {options.subject}"
    if not options.worker:
        runner.bench_time_func(name, lambda calls: 0.0)
        return
    with timed(options.case, options.subject, read_answers(options.answers)) as time:
        runner.bench_time_func(name, time)
    if options.subject not in (CALL, WIRE) and "cleanrooms_mock" in sys.modules:
        sys.exit(f"{options.subject} was timed beside cleanrooms_mock, which is to be timed against it")


if __name__ == "__main__":
    main()
