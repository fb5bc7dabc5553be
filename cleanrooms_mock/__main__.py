"""The command line: ``cleanrooms-mock`` and ``python -m cleanrooms_mock``."""

from __future__ import annotations

import argparse
import sys

from cleanrooms_mock import __version__, check_command


def main(argv: list[str] | None = None) -> int:
    """Run the command line.

    :param argv: its arguments, those of the process if there are none.
    :returns: the exit status.
    """
    parser = argparse.ArgumentParser(
        prog="cleanrooms-mock", description="AWS Clean Rooms for tests, in the process that runs them."
    )
    parser.add_argument("--version", action="version", version=f"cleanrooms-mock {__version__}")
    commands = parser.add_subparsers(dest="command", title="commands")
    commands.add_parser("demo", help="two accounts join a collaboration: who pays, who may, and what each call answers")
    check_command.add_to(commands)
    arguments = parser.parse_args(argv)
    if arguments.command == "check":
        return check_command.run(arguments)
    if arguments.command == "demo":
        # The mock is imported by those who need it: a check doesn't.
        from cleanrooms_mock import demo

        return demo.run()
    parser.print_help()
    return 2


if __name__ == "__main__":
    sys.exit(main())
