"""The cast of tables in ``data/statements.yaml``, and the statements about it with their verdicts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from cleanrooms_mock.analysis import aggregation, list_rule
from cleanrooms_mock.analysis.access import rule_type_of
from cleanrooms_mock.analysis.check import Checked, check, tables_of
from cleanrooms_mock.analysis.refusals import Refusal
from cleanrooms_mock.analysis.statements import parse_query
from cleanrooms_mock.analysis.tables import Question, Table, Template
from cleanrooms_mock.rules import rule_behind

DATA: dict[str, Any] = yaml.safe_load((Path(__file__).parent / "data" / "statements.yaml").read_text(encoding="utf-8"))
ACCOUNTS = {name: member["accountId"] for name, member in DATA["meta"]["members"].items()}
STATEMENTS: list[dict[str, Any]] = DATA["statements"]
ADVERTISER, PUBLISHER, MEASURER = (ACCOUNTS[name] for name in ("advertiser", "publisher", "measurer"))


def snake(value: Any) -> Any:
    """What the API spells in camelCase, as the backend keeps it."""
    if isinstance(value, dict):
        return {
            re.sub("([A-Z])", lambda found: "_" + found[1].lower(), name): snake(one) for name, one in value.items()
        }
    return [snake(one) for one in value] if isinstance(value, list) else value


def inner(rule: dict[str, Any] | None) -> dict[str, Any] | None:
    """The part of a rule's policy that stands under its type."""
    return None if rule is None else snake(next(iter(rule["policy"]["v1"].values())))


def _table(name: str, said: dict[str, Any]) -> Table:
    methods = said.get("selectedAnalysisMethods") or [said.get("analysisMethod", "DIRECT_QUERY")]
    rule = said.get("rule")
    return Table(
        name=name,
        kind=said.get("kind", "TABLE"),
        owner=ACCOUNTS[said["owner"]],
        owner_name=said["owner"],
        columns={column: said["columns"][column] for column in said["allowedColumns"]},
        rule_type=None if rule is None else rule["type"],
        policy=inner(rule) or {},
        association_policy=inner(said.get("associationRule")),
        methods=frozenset(methods),
        sides={column: ACCOUNTS[side] for column, side in said.get("sides", {}).items()},
    )


TABLES = {name: _table(name, said) for name, said in DATA["tables"].items()}


def asked(text: str, runner: str = ADVERTISER, *receivers: str) -> Question:
    """A query that an account wrote."""
    return Question(text=text, runner=runner, receivers=receivers or (runner,))


def question_of(statement: dict[str, Any]) -> Question:
    """What one of the statements asks."""
    runner = ACCOUNTS[statement["runner"]]
    receivers = [ACCOUNTS.get(name, runner) for name in statement.get("receivers", ["the runner"])]
    if "template" not in statement:
        return Question(text=statement["sql"], runner=runner, receivers=receivers)
    template = DATA["templates"][statement["template"]]
    given = statement.get("parameters", {})
    return Question(
        text=template["text"],
        runner=runner,
        receivers=receivers,
        template=Template(template["arn"], ACCOUNTS[template["creator"]]),
        parameters={
            one["name"]: (one["type"], given.get(one["name"], one.get("defaultValue")))
            for one in template["analysisParameters"]
        },
    )


def accepted(text: str, tables: Mapping[str, Table] = TABLES, runner: str = ADVERTISER) -> Checked:
    """A query that may run."""
    return check(asked(text, runner), tables)


def refused(text: str, tables: Mapping[str, Table] = TABLES, runner: str = ADVERTISER) -> Refusal:
    """Why a query may not run."""
    with pytest.raises(Refusal) as caught:
        check(asked(text, runner), tables)
    return caught.value


def breach(text: str, tables: Mapping[str, Table] = TABLES, runner: str = ADVERTISER) -> str | None:
    """The id of the rule that a query breaks, ``None`` if it may run; what is wrong is malformed, and has a place."""
    try:
        check(asked(text, runner), tables)
    except Refusal as error:
        refusal = error
    else:
        return None
    assert refusal.code == "MALFORMED_QUERY", refusal
    assert refusal.place is not None, refusal
    return rule_of(refusal)


def breach_of_shape(text: str, tables: Mapping[str, Table] = TABLES) -> str | None:
    """The id of the AGGREGATION or LIST rule that a text alone breaks. Some of what they refuse no query may have, so that it doesn't come to them."""
    parsed = parse_query(text, tables)
    used = tables_of(parsed, tables)
    module = aggregation if rule_type_of(used) == "AGGREGATION" else list_rule
    try:
        module.shape(parsed, used)
    except Refusal as error:
        return rule_of(error)
    return None


def rule_of(refusal: Refusal) -> str | None:
    """The id of the rule that refused."""
    found = rule_behind(refusal)
    return None if found is None else found.id
