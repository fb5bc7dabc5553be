"""``cleanrooms-mock check``."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from cleanrooms_mock.__main__ import main
from cleanrooms_mock.rules import catalogue

ADVERTISER, PUBLISHER = "111111111111", "222222222222"
PAGE = Path(__file__).parents[1] / "docs" / "checking-queries.md"
ARN = f"arn:aws:cleanrooms:us-east-1:{PUBLISHER}:membership/aaaaaaaa-0000-4000-8000-000000000001/analysistemplate/bbbbbbbb-0000-4000-8000-000000000001"
OPEN = {"allowedAnalyses": ["ANY_QUERY"], "allowedAnalysisProviders": [ADVERTISER]}


def custom(**policy: Any) -> dict[str, Any]:
    return {
        "analysisRuleType": "CUSTOM",
        "analysisRulePolicy": {"v1": {"custom": policy or OPEN}},
    }


def table(**changes: Any) -> dict[str, Any]:
    return {
        "owner": PUBLISHER,
        "columns": {"id": "string", "day": "date", "price": "int"},
        "analysisRule": custom(),
        **changes,
    }


class Shown(NamedTuple):
    status: int
    out: str
    err: str


Check = Callable[..., Shown]


@pytest.fixture(name="check")
def check_fixture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Check:
    """Run the command on queries, or a template, and tables; what isn't text is written as JSON."""
    monkeypatch.chdir(tmp_path)

    def check(*queries: str, tables: Any = None, template: Any = None, stdin: str = "", options: str = "") -> Shown:
        if not isinstance(tables, str):
            tables = json.dumps({"tables": {"sales": table()}, "runner": ADVERTISER} if tables is None else tables)
        Path("tables.json").write_text(tables, encoding="utf-8")
        names = [f"query{number}.sql" for number, _ in enumerate(queries)]
        for name, text in zip(names, queries, strict=True):
            Path(name).write_text(text, encoding="utf-8")
        if template is not None:
            Path("template.json").write_text(json.dumps(template), encoding="utf-8")
            names += ["--template", "template.json"]
        monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        try:
            status = main(["check", "--tables", "tables.json", *names, *options.split()])
        except SystemExit as end:
            status = int(str(end.code))
        return Shown(status, *capsys.readouterr())

    return check


def with_table(**changes: Any) -> dict[str, Any]:
    return {"tables": {"sales": table(**changes)}, "runner": ADVERTISER}


def block(language: str, number: int = 0) -> str:
    """A block of the page."""
    found: list[str] = re.findall(
        rf"^```{language}\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )
    return found[number]


def test_the_page(check: Check) -> None:
    """What the page shows is what the command prints."""
    command, _, output = block("console").partition("\n")
    assert command == "$ cleanrooms-mock check --tables tables.json reach.sql"
    shown = check(block("sql"), tables=block("json"))
    assert shown == (1, output.replace("reach.sql", "query0.sql"), "")


def test_the_template_of_the_page(check: Check) -> None:
    """Its options are those of the command."""
    options = block("console", 1).partition("--template template.json ")[2]
    template = {
        "source": {"text": "SELECT COUNT(*) FROM sales WHERE day = :day"},
        "analysisParameters": [{"name": "day", "type": "DATE"}],
    }
    assert check(template=template, options=options) == (0, "template.json: accepted\n", "")


def test_every_member_of_a_table_is_on_the_page(check: Check) -> None:
    """What the command takes and what the page lists are the same."""
    refused = check("SELECT 1", tables=with_table(nothing=1))
    assert refused.status == 2
    rows = re.findall(r"^\| (`.*?) \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert set(re.findall(r"`(\w+)`", " ".join(rows))) == set(refused.err.partition("none of ")[2].strip().split(", "))


def test_in_a_process_of_its_own(tmp_path: Path) -> None:
    """``python -m cleanrooms_mock check`` gives its status to the shell, and imports neither moto nor an engine."""
    (tmp_path / "tables.json").write_text(json.dumps(with_table()), encoding="utf-8")
    program = "import sys; from cleanrooms_mock.__main__ import main; status = main(); print(*{'moto', 'duckdb', 'pyarrow', 'boto3'} & {*sys.modules}); sys.exit(status)"
    for text, status, said in (("SELECT id FROM sales", 0, "<stdin>: accepted\n\n"), ("SELECT x FROM sales", 1, None)):
        ran = subprocess.run(
            [sys.executable, "-c", program, "check", "--tables", "tables.json", "-"],
            input=text,
            capture_output=True,
            text=True,
            cwd=tmp_path,
            check=False,
            env={"PYTHONPATH": str(Path(__file__).parents[1]), "PATH": ""},
        )
        assert (ran.returncode, ran.stderr) == (status, "")
        assert said in (None, ran.stdout)


def test_several_queries(check: Check) -> None:
    """Each gets its verdict, in the order of the command line, and one refused is enough."""
    shown = check("SELECT id FROM sales", "SELECT id FROM nothing", "SELECT price FROM sales")
    assert shown.status == 1
    assert [line for line in shown.out.splitlines() if line.startswith("query")] == [
        "query0.sql: accepted",
        "query1.sql: refused with RESOURCE_NOT_FOUND: The collaboration has no table nothing.",
        "query2.sql: accepted",
    ]
    assert catalogue["PQ-04"].page in shown.out


@pytest.mark.parametrize(
    ("text", "excerpt"),
    [
        ("SELECT\n\tid,\tcost\nFROM sales", ["    2 | \tid,\tcost", "      | \t   \t^^^^"]),
        ("SELECT id FROM sales\nWHERE cost > 1", ["    2 | WHERE cost > 1", "      |       ^^^^"]),
        (
            "SELECT id, 'äöü', cost FROM sales",
            ["    1 | SELECT id, 'äöü', cost FROM sales", "      | " + " " * 18 + "^^^^"],
        ),
        (
            "SELECT " + "id, " * 50 + "cost" + ", id" * 50 + " FROM sales",
            ["    1 | " + ("id, " * 50)[-55:] + "cost" + (", id" * 50)[:51], "      | " + " " * 55 + "^^^^"],
        ),
        ("SELECT COUNT(*) FROM sales GROUP\nBY ROLLUP (cost)", ["    2 | BY ROLLUP (cost)", "      |            ^^^^"]),
        ("\r\nSELECT cost\r\nFROM sales", ["    2 | SELECT cost", "      |        ^^^^"]),
    ],
)
def test_places(check: Check, text: str, excerpt: list[str]) -> None:
    """The line is shown with what is wrong in it underlined, below each other on every screen."""
    shown = check(text)
    assert shown.status == 1
    first, *lines = shown.out.splitlines()
    assert lines[:2] == excerpt
    assert re.match(
        rf"query0\.sql:{excerpt[0][:5].strip()}:\d+: refused with MALFORMED_QUERY: Column\(s\) \[cost\]", first
    )


def test_json(check: Check) -> None:
    """With ``--json`` the verdicts are an array."""
    shown = check("SELECT id FROM sales", "SELECT id,\n cost FROM sales", "SELECT id FROM nothing", options="--json")
    assert shown.status == 1
    accepted, refused, unknown = json.loads(shown.out)
    assert accepted == {"query": "query0.sql", "accepted": True}
    rule = catalogue["SQL-24"]
    assert refused == {
        "query": "query1.sql",
        "accepted": False,
        "error": {"code": "MALFORMED_QUERY", "message": "Column(s) [cost] is not found in sales"},
        "table": None,
        "column": "cost",
        "place": {"line": 2, "column": 2, "start": 12, "end": 16},
        "rule": {"id": "SQL-24", "text": rule.text, "status": rule.status, "source": rule.source, "page": rule.page},
    }
    assert (unknown["place"], unknown["table"]) == (None, "nothing")


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({}, None),
        ({"analysisRule": custom()["analysisRulePolicy"]}, None),
        ({"analysisRule": {"policy": custom()["analysisRulePolicy"], "analysisRuleType": "CUSTOM"}}, None),
        ({"columns": [{"Name": "ID", "Type": "string"}]}, None),
        ({"columns": [{"name": "id", "type": "string"}]}, None),
        ({"allowedColumns": ["ID"]}, None),
        ({"allowedColumns": ["price"]}, "SQL-24"),
        ({"analysisRule": None}, "CUS-02"),
        ({"analysisRule": custom(allowedAnalyses=[])}, "CUS-20"),
        ({"analysisRule": custom(allowedAnalyses=["ANY_QUERY"])}, "PQ-05"),
        ({"analysisRule": custom(allowedAnalyses=["ANY_QUERY"], allowedAnalysisProviders=[PUBLISHER])}, "CUS-22"),
        ({"analysisRule": custom(**OPEN, additionalAnalyses="REQUIRED")}, "CUS-08"),
        ({"analysisRule": custom(**OPEN, disallowedOutputColumns=["id"])}, "CUS-30"),
        ({"analysisRule": custom(**OPEN, differentialPrivacy={"columns": [{"name": "id"}]})}, "CUS-62"),
        (
            {"analysisRule": custom(**OPEN, differentialPrivacy={"columns": [{"name": "id"}]}), "privacyBudget": False},
            "CUS-60",
        ),
        ({"analysisMethod": "DIRECT_JOB"}, "CUS-11"),
        ({"analysisMethod": "MULTIPLE", "selectedAnalysisMethods": ["DIRECT_JOB", "DIRECT_QUERY"]}, None),
        ({"associationRule": custom(allowedResultReceivers=[ADVERTISER])}, None),
        ({"associationRule": custom(allowedResultReceivers=[PUBLISHER])}, "CUS-06"),
        ({"associationRule": {"v1": {"list": {"allowedResultReceivers": [ADVERTISER]}}}}, "PQ-05"),
        ({"kind": "INTERMEDIATE_TABLE"}, None),
        ({"kind": "INTERMEDIATE_TABLE", "populated": False}, "PQ-05"),
    ],
)
def test_tables(check: Check, changes: dict[str, Any], rule: str | None) -> None:
    """What is said of a table decides, as it would in a collaboration."""
    shown = check("SELECT id FROM Sales", tables=with_table(**changes), options="--json")
    assert shown.err == ""
    (verdict,) = json.loads(shown.out)
    assert (verdict.get("rule") or {"id": None})["id"] == rule
    assert shown.status == (0 if rule is None else 1)


def test_id_mapping_tables(check: Check) -> None:
    """An ID mapping table has its columns by itself, and its rule's policy is a schema's."""
    policy = {
        "v1": {
            "idMappingTable": {
                "joinColumns": ["sourceid", "targetid"],
                "queryConstraints": [{"requireOverlap": {"columns": ["sourceid"]}}],
            }
        }
    }
    mapping = {
        "owner": ADVERTISER,
        "kind": "ID_MAPPING_TABLE",
        "analysisRule": {"policy": policy},
        "sides": {"sourceid": ADVERTISER, "targetid": PUBLISHER},
    }
    for more, rule in (({}, None), ({"populated": False}, "CUS-84")):
        tables = {
            "tables": {"sales": table(), "own": table(owner=ADVERTISER), "m": {**mapping, **more}},
            "runner": ADVERTISER,
        }
        text = "SELECT o.price FROM own o JOIN m ON o.id = m.sourceid JOIN sales s ON s.id = m.targetid"
        shown = check(text, tables=tables, options="--json")
        (verdict,) = json.loads(shown.out)
        assert (verdict.get("rule") or {"id": None})["id"] == rule, verdict


def test_who_asks_and_who_receives(check: Check) -> None:
    """The command line comes before the file, and the runner receives what nobody else does."""
    tables = with_table(associationRule=custom(allowedResultReceivers=[ADVERTISER]))
    text = "SELECT id FROM sales"
    assert check(text, tables=tables).status == 0
    assert check(text, tables=tables, options=f"--runner {PUBLISHER}").status == 1
    assert check(text, tables=tables, options=f"--receiver {PUBLISHER}").status == 1
    assert check(text, tables=tables, options=f"--receiver {ADVERTISER} --receiver {PUBLISHER}").status == 1
    tables["receivers"] = [PUBLISHER]
    assert check(text, tables=tables).status == 1
    assert check(text, tables=tables, options=f"--receiver {ADVERTISER}").status == 0
    del tables["runner"]
    assert check(text, tables=tables, options=f"--runner {ADVERTISER} --receiver {ADVERTISER}").status == 0
    assert "--runner" in check(text, tables=tables).err


TEMPLATE = {
    "format": "SQL",
    "source": {"text": "SELECT id FROM sales WHERE price > :least AND day < :before"},
    "analysisParameters": [
        {"name": "least", "type": "INTEGER", "defaultValue": "3"},
        {"name": "before", "type": "DATE"},
    ],
}


@pytest.mark.parametrize(
    ("allowed", "template", "options", "status"),
    [
        (OPEN, TEMPLATE, "", 0),
        (OPEN, TEMPLATE, f"--template-creator {PUBLISHER}", 1),
        (OPEN, {"analysisTemplate": {**TEMPLATE, "arn": ARN}}, "", 1),
        (OPEN, {**TEMPLATE, "arn": ARN}, f"--template-creator {ADVERTISER}", 0),
        ({"allowedAnalyses": [ARN]}, {**TEMPLATE, "arn": ARN}, "", 0),
        ({"allowedAnalyses": [ARN]}, TEMPLATE, f"--template-arn {ARN}", 0),
        ({"allowedAnalyses": [ARN]}, TEMPLATE, "", 1),
        (OPEN, TEMPLATE, "-p least=4", 0),
        (OPEN, TEMPLATE, "-p least=many", 1),
    ],
)
def test_templates(check: Check, allowed: dict[str, Any], template: dict[str, Any], options: str, status: int) -> None:
    """A template is allowed by its ARN or its creator, and runs with the values of its parameters."""
    tables = with_table(analysisRule=custom(**allowed))
    shown = check(tables=tables, template=template, options=f"-p before=2026-01-01 {options}")
    assert (shown.status, shown.err) == (status, "")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ({"tables": "{"}, "tables.json: it is no JSON"),
        ({"tables": []}, "tables.json: the file: it must be an object"),
        ({"tables": {"runner": ADVERTISER}}, "the file: tables is missing"),
        ({"tables": {"tables": {}, "rules": {}}}, "the file: rules is none of receivers, runner, tables"),
        ({"tables": {"tables": {}, "runner": "advertiser"}}, "runner: 'advertiser' is no account's id"),
        ({"tables": {"tables": {}, "runner": 111111111111}}, "runner: 111111111111 is no account's id"),
        ({"tables": {"tables": {}, "receivers": ADVERTISER}}, "receivers: it must be a list"),
        ({"tables": {"tables": {"a": table(), "A": table()}}}, "tables: A is there twice"),
        ({"tables": with_table(owner="me")}, "tables.sales.owner"),
        ({"tables": {"tables": {"a": {"columns": {}}}}}, "tables.a: owner is missing"),
        ({"tables": {"tables": {"a": {"owner": PUBLISHER}}}}, "tables.a: columns are missing"),
        ({"tables": with_table(columns={"id": 5})}, "tables.sales.columns.id: its type is missing"),
        ({"tables": with_table(columns=[{"type": "int"}])}, "tables.sales.columns: name is missing"),
        ({"tables": with_table(columns=["id"])}, "tables.sales.columns: it must be an object"),
        ({"tables": with_table(allowedColumns=["cost"])}, "tables.sales.allowedColumns: cost is none of the columns"),
        ({"tables": with_table(kind="VIEW")}, "tables.sales.kind: 'VIEW' is none of TABLE"),
        ({"tables": with_table(kind=["TABLE"])}, "tables.sales.kind"),
        ({"tables": with_table(analysisMethod="QUERY")}, "tables.sales.analysisMethod"),
        ({"tables": with_table(analysisMethod=["QUERY"])}, "tables.sales.analysisMethod"),
        (
            {"tables": with_table(selectedAnalysisMethods="DIRECT_QUERY", analysisMethod="MULTIPLE")},
            "it must be a list",
        ),
        ({"tables": with_table(analysisRule={"v2": {}})}, "tables.sales.analysisRule"),
        ({"tables": with_table(analysisRule={})}, "tables.sales.analysisRule: Must set one"),
        ({"tables": with_table(analysisRule={"v1": 5})}, "tables.sales.analysisRule: Invalid type"),
        ({"tables": with_table(analysisRule={"v1": {"custom": {"allowed": []}}})}, "tables.sales.analysisRule"),
        (
            {"tables": with_table(analysisRule={**custom(), "analysisRuleType": "LIST"})},
            "its type is LIST, its policy of CUSTOM",
        ),
        (
            {"tables": with_table(selectedAnalysisMethods=[{}], analysisMethod="MULTIPLE")},
            "tables.sales.analysisMethod",
        ),
        ({"tables": with_table(sides={"id": "me"})}, "tables.sales.sides.id: 'me' is no account's id"),
        ({"tables": with_table(sides=["id"])}, "tables.sales.sides: it must be an object"),
        ({"options": "--runner me"}, "--runner: 'me' is no account's id"),
        ({"options": "--receiver me"}, "--receiver: 'me' is no account's id"),
        ({"options": "-p a=1"}, "are for a --template"),
        ({"options": "nothing.sql"}, "nothing.sql: No such file or directory"),
        ({"options": "- -"}, "standard input can be one file only"),
        ({"template": TEMPLATE}, "name either files with queries or a --template"),
    ],
)
def test_misuse(check: Check, arguments: dict[str, Any], complaint: str) -> None:
    """What can't be checked has status 2, and standard error says where the mistake is."""
    shown = check("SELECT id FROM sales", **arguments)
    assert (shown.status, shown.out) == (2, "")
    assert shown.err.startswith("cleanrooms-mock check: ")
    assert complaint in shown.err


@pytest.mark.parametrize(
    ("template", "options", "complaint"),
    [
        (TEMPLATE, "", "parameter before of the template has no default value"),
        (TEMPLATE, "-p before", "--parameter before: it must be NAME=VALUE"),
        (TEMPLATE, "-p after=1", "--parameter after=1: it must be NAME=VALUE"),
        ({**TEMPLATE, "format": "PYSPARK_1_0"}, "", "it must be in SQL"),
        ({"source": {"artifacts": {}}}, "", "it must be in SQL"),
        ({}, "", "source is missing"),
        ({**TEMPLATE, "analysisParameters": [{"name": "least"}]}, "", "analysisParameters[1]: Missing required"),
        (
            {**TEMPLATE, "analysisParameters": [{"name": "least", "type": "MONEY"}]},
            "",
            "MONEY is no type of parameters",
        ),
        (TEMPLATE, "-p before=2026-01-01 --template-creator me", "--template-creator: 'me' is no account's id"),
    ],
)
def test_misuse_of_templates(check: Check, template: dict[str, Any], options: str, complaint: str) -> None:
    """A template that can't be read, or lacks values, has status 2."""
    shown = check(template=template, options=options)
    assert (shown.status, shown.out) == (2, "")
    assert complaint in shown.err


def test_no_text(check: Check, tmp_path: Path) -> None:
    """A file that isn't UTF-8 is none; one with a byte order mark is."""
    (tmp_path / "latin.sql").write_bytes("SELECT 'ä' FROM sales".encode("latin-1"))
    (tmp_path / "marked.sql").write_bytes(b"\xef\xbb\xbfSELECT id FROM sales")
    assert "latin.sql: it isn't UTF-8" in check(options="latin.sql").err
    assert check(options="marked.sql").status == 0


def test_help(capsys: pytest.CaptureFixture[str]) -> None:
    """``--help`` tells the exit statuses; without a command the help is printed, and without tables what is missing."""
    for arguments, status in ((["check", "--help"], 0), (["check", "query.sql"], 2)):
        with pytest.raises(SystemExit) as caught:
            main(arguments)
        assert caught.value.code == status
    shown = capsys.readouterr()
    assert "exit status: 0 if all queries are accepted, 1 if one is refused, 2" in shown.out
    assert "--tables" in shown.err
    assert main([]) == 2
