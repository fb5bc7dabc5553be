"""``cleanrooms-mock check``: whether queries would be accepted, by rules in a file, without AWS and without running anything."""

from __future__ import annotations

import argparse
import json
import sys
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cleanrooms_mock.rules import Rule, rule_behind

if TYPE_CHECKING:
    from cleanrooms_mock.analysis.refusals import Place, Refusal
    from cleanrooms_mock.analysis.tables import Question, Table
    from cleanrooms_mock.checked_tables import Given

ACCEPTED, REFUSED, MISUSED = 0, 1, 2

_STDIN = "-"
_NEW_TEMPLATE = "an analysis template that isn't created yet"
_WIDTH = 110
_EPILOG = f"""\
exit status: {ACCEPTED} if all queries are accepted, {REFUSED} if one is refused, {MISUSED} if something can't be read

The tables are described in JSON: {{"tables": {{NAME: TABLE, …}}, "runner": ACCOUNT, "receivers": [ACCOUNT, …]}}. A TABLE has owner, columns (types by
name, as Glue spells them), and optionally allowedColumns, analysisRule (as CreateConfiguredTableAnalysisRule takes it), associationRule,
analysisMethod, selectedAnalysisMethods and kind.
"""


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to those of a parser."""
    parser = commands.add_parser(
        "check",
        help="say whether queries would be accepted by the analysis rules of their tables",
        description="Say whether queries would be accepted by the analysis rules of their tables. Needs neither AWS nor data.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "queries", nargs="*", metavar="QUERY", help=f"a file with a query, or {_STDIN} for standard input"
    )
    parser.add_argument(
        "--tables", required=True, metavar="FILE", help="the tables of the collaboration with their rules, in JSON"
    )
    parser.add_argument("--runner", metavar="ACCOUNT", help="the account that runs the query")
    parser.add_argument(
        "--receiver",
        action="append",
        metavar="ACCOUNT",
        help="an account that receives the result, once for each; the runner if none is given",
    )
    parser.add_argument(
        "--template",
        metavar="FILE",
        help="check an analysis template, in JSON as CreateAnalysisTemplate takes it or GetAnalysisTemplate answers it",
    )
    parser.add_argument("--template-arn", metavar="ARN", help="its ARN, by which rules allow it, if the file has none")
    parser.add_argument(
        "--template-creator", metavar="ACCOUNT", help="the account that created it; that of the ARN, or the runner"
    )
    parser.add_argument(
        "-p",
        "--parameter",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a parameter of the template, once for each",
    )
    parser.add_argument("--json", action="store_true", help="print the verdicts as a JSON array")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one query.

    :ivar name: of its file.
    :ivar refusal: why it is refused, ``None`` if it is accepted.
    :ivar rule: the rule that refuses it.
    """

    name: str
    text: str
    refusal: Refusal | None = None
    rule: Rule | None = None


def run(arguments: argparse.Namespace) -> int:
    """Check what the arguments name, print the verdicts, and return the exit status."""
    from cleanrooms_mock.checked_tables import Misuse

    try:
        verdicts = _verdicts(arguments)
    except Misuse as misuse:
        print(f"cleanrooms-mock check: {misuse}", file=sys.stderr)
        return MISUSED
    if arguments.json:
        print(json.dumps([_as_json(verdict) for verdict in verdicts], indent=2))
    else:
        print("\n".join(line for verdict in verdicts for line in _as_lines(verdict)))
    return REFUSED if any(verdict.refusal is not None for verdict in verdicts) else ACCEPTED


def _verdicts(arguments: argparse.Namespace) -> list[Verdict]:
    from cleanrooms_mock.checked_tables import Misuse, read_tables

    if bool(arguments.queries) == (arguments.template is not None):
        raise Misuse("name either files with queries or a --template")
    if [arguments.tables, arguments.template, *arguments.queries].count(_STDIN) > 1:
        raise Misuse("standard input can be one file only")
    given = _told(arguments.tables, read_tables)
    return [_verdict(name, question, given.tables) for name, question in _questions(arguments, given)]


def _verdict(name: str, question: Question, tables: Mapping[str, Table]) -> Verdict:
    from cleanrooms_mock.analysis.check import check
    from cleanrooms_mock.analysis.refusals import Refusal

    try:
        check(question, tables)
    except Refusal as refusal:
        return Verdict(name, question.text, refusal, rule_behind(refusal))
    return Verdict(name, question.text)


def _questions(arguments: argparse.Namespace, given: Given) -> list[tuple[str, Question]]:
    from cleanrooms_mock.analysis.tables import Question, Template
    from cleanrooms_mock.checked_tables import Misuse, account, read_template

    runner = given.runner if arguments.runner is None else account(arguments.runner, "--runner")
    if runner is None:
        raise Misuse("say who runs the query: --runner, or runner in the file of tables")
    receivers = [account(one, "--receiver") for one in arguments.receiver or given.receivers or [runner]]
    if arguments.template is None:
        if arguments.parameter or arguments.template_arn or arguments.template_creator:
            raise Misuse("parameters, an ARN and a creator are for a --template")
        return [
            (_shown(name), Question(text=_text(name), runner=runner, receivers=receivers)) for name in arguments.queries
        ]
    template = _told(arguments.template, read_template)
    arn = arguments.template_arn or template.arn or _NEW_TEMPLATE
    of_arn = arn.split(":")[4:5]
    creator = account(arguments.template_creator or (of_arn[0] if of_arn else runner), "--template-creator")
    question = Question(
        text=template.text,
        runner=runner,
        receivers=receivers,
        template=Template(arn, creator),
        parameters=_parameters(arguments.parameter, template.parameters),
    )
    return [(_shown(arguments.template), question)]


def _parameters(given: Sequence[str], known: Mapping[str, tuple[str, str | None]]) -> dict[str, tuple[str, str]]:
    from cleanrooms_mock.checked_tables import Misuse

    values = {name: default for name, (_, default) in known.items() if default is not None}
    for one in given:
        name, separator, value = one.partition("=")
        if not separator or name not in known:
            raise Misuse(f"--parameter {one}: it must be NAME=VALUE, with the name of a parameter of the template")
        values[name] = value
    for name in known:
        if name not in values:
            raise Misuse(f"parameter {name} of the template has no default value: --parameter {name}=VALUE")
    return {name: (known[name][0], value) for name, value in values.items()}


def _told(name: str, read: Any) -> Any:
    """Return what a file of JSON says."""
    from cleanrooms_mock.checked_tables import Misuse

    try:
        return read(json.loads(_text(name)))
    except json.JSONDecodeError as error:
        raise Misuse(f"{_shown(name)}: it is no JSON: {error}") from error
    except Misuse as misuse:
        raise Misuse(f"{_shown(name)}: {misuse}") from misuse


def _text(name: str) -> str:
    from cleanrooms_mock.checked_tables import Misuse

    try:
        return sys.stdin.read() if name == _STDIN else Path(name).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it isn't UTF-8"
        raise Misuse(f"{_shown(name)}: {reason}") from error


def _shown(name: str) -> str:
    return "<stdin>" if name == _STDIN else name


def _as_json(verdict: Verdict) -> dict[str, Any]:
    refusal, rule = verdict.refusal, verdict.rule
    if refusal is None:
        return {"query": verdict.name, "accepted": True}
    place = refusal.place
    return {
        "query": verdict.name,
        "accepted": False,
        "error": {"code": refusal.code, "message": refusal.message},
        "table": refusal.table,
        "column": refusal.column,
        "place": None if place is None else place._asdict(),
        "rule": None
        if rule is None
        else {"id": rule.id, "text": rule.text, "status": rule.status, "source": rule.source, "page": rule.page},
    }


def _as_lines(verdict: Verdict) -> list[str]:
    refusal, rule = verdict.refusal, verdict.rule
    if refusal is None:
        return [f"{verdict.name}: accepted"]
    place = refusal.place
    where = "" if place is None else f":{place.line}:{place.column}"
    lines = [f"{verdict.name}{where}: refused with {refusal.code}: {refusal.message}"]
    if place is not None:
        lines += _marked(verdict.text, place)
    if rule is not None:
        lines += textwrap.wrap(
            f"{rule.id} ({rule.status}): {rule.text}", _WIDTH, initial_indent="  ", subsequent_indent="  "
        )
        lines.append(f"  {rule.page}")
    return lines


def _marked(text: str, place: Place) -> list[str]:
    """Return the line of a text in which something stands, and a caret below each of its characters."""
    start = text.rfind("\n", 0, place.start) + 1
    end = text.find("\n", place.start)
    line = text[start : end if end >= 0 else len(text)]
    at = place.start - start
    length = max(1, min(place.end, start + len(line)) - place.start)
    if len(line) > _WIDTH:
        cut = max(0, at - _WIDTH // 2)
        line, at = line[cut : cut + _WIDTH], at - cut
        length = min(length, len(line) - at)
    margin = f"{place.line:>5} | "
    # A tab stays one, so that what is below it is as wide.
    below = "".join("\t" if letter == "\t" else " " for letter in line[:at])
    return [f"{margin}{line}", f"{' ' * (len(margin) - 2)}| {below}{'^' * length}"]
