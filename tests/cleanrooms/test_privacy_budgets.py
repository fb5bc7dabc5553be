"""Privacy budget templates and what is left of their budgets."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cleanrooms_mock.analysis.refusals import Refusal
from cleanrooms_mock.cleanrooms.associations import ConfiguredTableAssociation as Association
from cleanrooms_mock.cleanrooms.budgets import max_counts, period
from cleanrooms_mock.cleanrooms.ids import new_id
from cleanrooms_mock.cleanrooms.privacy_budgets import (
    PrivacyBudgetTemplate,
    differential_privacy_template,
    privacy_is_left,
    take_access,
    take_privacy,
)
from cleanrooms_mock.cleanrooms.resources import Kind, Resource, drop, identity, keep
from cleanrooms_mock.rules import catalogue, rule_behind
from tests.conftest import ADVERTISER, NOWHERE, PUBLISHER, STRANGER, Clock, Refused, Scene

OTHER = "333333333333"
QUOTA = "Privacy budget templates for access budgets per collaboration"
KINDS = ("DIFFERENTIAL_PRIVACY", "ACCESS_BUDGET")
AGGREGATIONS = ["AVG", "COUNT", "COUNT_DISTINCT", "SUM", "STDDEV"]
EVERY_WEEK = {"type": "CALENDAR_WEEK", "budget": 3, "autoRefresh": "ENABLED"}
EVER = {"type": "LIFETIME", "budget": 5}


def instant(year: int, month: int, day: int) -> datetime:
    return datetime(year, month, day, tzinfo=timezone.utc)


@dataclass(slots=True, eq=False, kw_only=True)
class IntermediateTable(Resource):
    """Stands in for an intermediate table."""

    kind: ClassVar[Kind] = Kind("intermediatetable", "intermediate table")

    def depends_on(self, table: Resource) -> bool:
        return False


def differential_privacy(epsilon: int = 3, noise: int = 20) -> dict[str, Any]:
    return {"differentialPrivacy": {"epsilon": epsilon, "usersNoisePerQuery": noise}}


def access(arn: str, *budgets: dict[str, Any]) -> dict[str, Any]:
    return {"accessBudget": {"resourceArn": arn, "budgetParameters": list(budgets or (EVERY_WEEK, EVER))}}


class Party:
    """A member and what it does with its budgets."""

    def __init__(self, scene: Scene, account_id: str, collaboration: dict[str, Any]) -> None:
        self.account_id = account_id
        self.client: Any = scene.handle.client(account_id)
        self.backend = scene.handle.backend(account_id)
        self.collaboration = collaboration
        self.membership = scene.join(self.client, collaboration)
        self.id = {"membershipIdentifier": self.membership["id"]}
        self.state = self.backend.memberships[self.membership["id"]]

    def table(self, kind: type[Resource] = Association) -> Resource:
        """Make a table of this member's."""
        if kind is IntermediateTable:
            made: Resource = IntermediateTable(**identity(self.state, kind.kind))
            keep(self.caller, made)
            return made
        name = f"table_{new_id()}"
        reference = {"glue": {"tableName": "sales", "databaseName": "shop"}}
        table = self.client.create_configured_table(
            name=name, tableReference=reference, allowedColumns=["price"], analysisMethod="DIRECT_QUERY"
        )["configuredTable"]
        association = self.client.create_configured_table_association(
            **self.id,
            name=name.replace("-", "_"),
            configuredTableIdentifier=table["id"],
            roleArn=f"arn:aws:iam::{self.account_id}:role/tables",
        )["configuredTableAssociation"]
        kept: Resource = self.state.resources[kind.kind.path][association["id"]]
        return kept

    def delete_table(self, table: Resource) -> None:
        if isinstance(table, Association):
            self.client.delete_configured_table_association(**self.id, configuredTableAssociationIdentifier=table.id)
        else:
            drop(self.caller, table)

    @property
    def caller(self) -> Any:
        return SimpleNamespace(backend=self.backend)

    def create(self, parameters: dict[str, Any], **more: Any) -> dict[str, Any]:
        """Create a template of the type that fits the parameters."""
        is_private = "differentialPrivacy" in parameters
        arguments: dict[str, Any] = {
            **self.id,
            "privacyBudgetType": KINDS[not is_private],
            "parameters": parameters,
            **({"autoRefresh": "NONE"} if is_private else {}),
            **more,
        }
        given = {name: value for name, value in arguments.items() if value is not None}
        return dict(self.client.create_privacy_budget_template(**given)["privacyBudgetTemplate"])

    def update(self, template: dict[str, Any], parameters: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
        arguments = {"privacyBudgetType": template["privacyBudgetType"], **self.of(template), **more}
        if parameters is not None:
            arguments["parameters"] = parameters
        return dict(self.client.update_privacy_budget_template(**arguments)["privacyBudgetTemplate"])

    def delete(self, template: dict[str, Any]) -> None:
        self.client.delete_privacy_budget_template(**self.of(template))

    def of(self, template: dict[str, Any]) -> dict[str, Any]:
        return {**self.id, "privacyBudgetTemplateIdentifier": template["id"]}

    def templates(self) -> Any:
        return self.client.list_privacy_budget_templates(**self.id)["privacyBudgetTemplateSummaries"]

    def budgets(self, kind: str, **more: Any) -> Any:
        return self.client.list_privacy_budgets(**self.id, privacyBudgetType=kind, **more)["privacyBudgetSummaries"]

    def budget(self, template: dict[str, Any]) -> Any:
        """Return what is left of a template's budget."""
        (kind,) = template["parameters"]
        found = self.budgets(template["privacyBudgetType"])
        return next(one["budget"][kind] for one in found if one["privacyBudgetTemplateId"] == template["id"])

    def rests(self, template: dict[str, Any]) -> list[int]:
        """What is left of each aggregation or of each limit."""
        budget = self.budget(template)
        if "aggregations" in budget:
            return [entry["remainingCount"] for entry in budget["aggregations"]]
        return [limit["remainingBudget"] for limit in budget["details"]]

    def take(self, template: dict[str, Any], *aggregations: str) -> bool:
        """Do to the budget what an analysis does."""
        kept: PrivacyBudgetTemplate = self.state.resources["privacybudgettemplate"][template["id"]]
        return kept.take(aggregations)  # type: ignore[arg-type]


@dataclass
class Parties:
    collaboration: dict[str, Any]
    advertiser: Party
    publisher: Party

    def everything(self) -> list[Any]:
        """All that both see of templates and budgets."""
        seen: list[Any] = []
        for party in (self.advertiser, self.publisher):
            templates = party.templates()
            seen.append([party.client.get_privacy_budget_template(**party.of(template)) for template in templates])
            seen.extend([templates, *(party.budgets(kind) for kind in KINDS)])
            for template in seen[-4]:
                del template["ResponseMetadata"]
        return seen

    @contextmanager
    def nothing_changes(self) -> Iterator[None]:
        before = self.everything()
        yield
        assert self.everything() == before


@pytest.fixture
def parties(scene: Scene) -> Parties:
    """Two members that have joined, and a third account that was only invited."""
    collaboration = scene.create(members=[scene.member(), scene.member(OTHER)])
    return Parties(collaboration, Party(scene, ADVERTISER, collaboration), Party(scene, PUBLISHER, collaboration))


# Templates


@pytest.mark.rule("PRIV-1", "PRIV-3", "PRIV-8", "PRIV-22")
@pytest.mark.parametrize("refresh", ["CALENDAR_MONTH", "NONE"])
def test_differential_privacy_template(parties: Parties, clock: Clock, refresh: str) -> None:
    """A member without abilities, tables or rules has its policy answered with all that a template has."""
    publisher = parties.publisher
    template = publisher.create(differential_privacy(), autoRefresh=refresh)
    assert template == {
        "id": template["id"],
        "arn": f"{publisher.membership['arn']}/privacybudgettemplate/{template['id']}",
        "membershipId": publisher.membership["id"],
        "membershipArn": publisher.membership["arn"],
        "collaborationId": parties.collaboration["id"],
        "collaborationArn": parties.collaboration["arn"],
        "createTime": clock.now,
        "updateTime": clock.now,
        "privacyBudgetType": "DIFFERENTIAL_PRIVACY",
        "autoRefresh": refresh,
        "parameters": differential_privacy(),
    }
    assert publisher.client.get_privacy_budget_template(**publisher.of(template))["privacyBudgetTemplate"] == template


@pytest.mark.rule("PRIV-3", "PRIV-4")
@pytest.mark.parametrize("kind", [Association, IntermediateTable])
@pytest.mark.parametrize("refresh", [None, "NONE"])
def test_access_budget_template(parties: Parties, kind: type[Resource], refresh: str | None) -> None:
    """An access budget is for an association or an intermediate table, and says NONE for autoRefresh whether that was said or not."""
    table = parties.publisher.table(kind)
    template = parties.publisher.create(access(table.arn), autoRefresh=refresh)
    assert template["autoRefresh"] == "NONE"
    assert template["parameters"] == access(table.arn)


@pytest.mark.rule("PRIV-1")
@pytest.mark.parametrize("kind", KINDS)
def test_parameters_of_the_other_type(parties: Parties, refused: Refused, kind: str) -> None:
    """Parameters of the other type are refused, before the table that they name is looked for."""
    other = (
        differential_privacy()
        if kind == "ACCESS_BUDGET"
        else access(f"{parties.publisher.state.arn}/intermediatetable/x")
    )
    with (
        parties.nothing_changes(),
        refused("ValidationException", "INVALID_CONFIGURATION", field="parameters", rule="PRIV-1"),
    ):
        parties.publisher.create(other, privacyBudgetType=kind)


@pytest.mark.rule("PRIV-1")
@pytest.mark.parametrize("kind", KINDS)
def test_update_with_parameters_of_the_other_type(parties: Parties, refused: Refused, kind: str) -> None:
    """An update with parameters of the other type is refused too."""
    publisher = parties.publisher
    own, other = access(publisher.table().arn), differential_privacy()
    if kind == "DIFFERENTIAL_PRIVACY":
        own, other = other, {"accessBudget": {"budgetParameters": [EVER]}}
    template = publisher.create(own)
    with parties.nothing_changes(), refused("ValidationException", "INVALID_CONFIGURATION", rule="PRIV-1"):
        publisher.update(template, other)


@pytest.mark.rule("PRIV-2")
def test_one_differential_privacy_template(parties: Parties, refused: Refused) -> None:
    """A second policy conflicts with the first of the membership, before anything else is looked at; another member has its own."""
    first = parties.publisher.create(differential_privacy())
    for parameters in (differential_privacy(5), access(f"{parties.publisher.state.arn}/intermediatetable/x")):
        with parties.nothing_changes(), refused("ConflictException", "ALREADY_EXISTS", rule="PRIV-2") as error:
            parties.publisher.create(parameters, privacyBudgetType="DIFFERENTIAL_PRIVACY", autoRefresh=None)
        assert (error["resourceType"], error["resourceId"]) == ("MEMBERSHIP", first["id"])
    parties.publisher.create(access(parties.publisher.table().arn))
    parties.advertiser.create(differential_privacy())


@pytest.mark.rule("PRIV-3")
def test_refresh_fits_the_type(parties: Parties, refused: Refused) -> None:
    """A policy has to say whether it is refreshed, and an access budget mustn't."""
    table = parties.publisher.table()
    for parameters, refresh in ((differential_privacy(), None), (access(table.arn), "CALENDAR_MONTH")):
        with (
            parties.nothing_changes(),
            refused("ValidationException", "INVALID_CONFIGURATION", field="autoRefresh", rule="PRIV-3"),
        ):
            parties.publisher.create(parameters, autoRefresh=refresh)


@pytest.mark.rule("PRIV-4")
@pytest.mark.parametrize("wrong", ["unknown", "other member", "other kind", "other account", "other membership"])
def test_table_of_the_membership(scene: Scene, parties: Parties, refused: Refused, wrong: str) -> None:
    """Anything but a table of the same membership isn't found."""
    own, theirs = parties.publisher.table(), parties.advertiser.table()
    elsewhere = Party(scene, PUBLISHER, scene.create()).table()
    arn = {
        "unknown": own.arn.replace(own.id, NOWHERE),
        "other member": theirs.arn,
        "other kind": own.arn.replace("configuredtableassociation", "intermediatetable"),
        "other account": own.arn.replace(PUBLISHER, ADVERTISER),
        "other membership": elsewhere.arn,
    }[wrong]
    with parties.nothing_changes(), refused("ResourceNotFoundException", rule="PRIV-4") as error:
        parties.publisher.create(access(arn))
    assert (error["resourceType"], error["resourceId"]) == ("CONFIGURED_TABLE_ASSOCIATION", arn)


@pytest.mark.rule("PRIV-5")
@pytest.mark.parametrize(
    ("kind", "resource_type"), [(Association, "CONFIGURED_TABLE_ASSOCIATION"), (IntermediateTable, "MEMBERSHIP")]
)
def test_one_access_budget_per_table(
    parties: Parties, refused: Refused, kind: type[Resource], resource_type: str
) -> None:
    """A second access budget for a table conflicts with it, one for another table doesn't."""
    table, other = parties.publisher.table(kind), parties.publisher.table(kind)
    first = parties.publisher.create(access(table.arn))
    parties.publisher.create(access(other.arn))
    with parties.nothing_changes(), refused("ConflictException", "ALREADY_EXISTS", rule="PRIV-5") as error:
        parties.publisher.create(access(table.arn, EVER))
    assert (error["resourceType"], error["resourceId"]) == (resource_type, table.id)
    parties.publisher.delete(first)
    parties.publisher.create(access(table.arn, EVER))


@pytest.mark.rule("QUO-12", "PRIV-5")
def test_quota_of_access_budgets(scene: Scene, parties: Parties, refused: Refused) -> None:
    """The quota counts the access budgets of all members of the collaboration, and nothing else."""
    assert scene.handle.quotas[QUOTA] == 25
    scene.handle.quotas[QUOTA] = 2
    advertiser, publisher = parties.advertiser, parties.publisher
    advertiser.create(differential_privacy())
    Party(scene, ADVERTISER, other := scene.create()).create(differential_privacy())
    Party(scene, PUBLISHER, other).create(differential_privacy())
    publisher.create(access(publisher.table().arn))
    template = advertiser.create(access(advertiser.table().arn))
    table = publisher.table()
    with parties.nothing_changes(), refused("ServiceQuotaExceededException") as error:
        publisher.create(access(table.arn))
    assert (error["quotaName"], error["quotaValue"]) == (QUOTA, 2.0)
    publisher.create(differential_privacy())
    advertiser.delete(template)
    publisher.create(access(table.arn))


TOO_MANY = [
    [{"type": "CALENDAR_DAY", "budget": 1}, {"type": "CALENDAR_MONTH", "budget": 9}],
    [{"type": "CALENDAR_DAY", "budget": 1}, {"type": "CALENDAR_DAY", "budget": 1}],
    [EVER, EVER],
]


@pytest.mark.rule("PRIV-6", "PRIV-7")
@pytest.mark.parametrize(
    ("budgets", "field", "rule"),
    [
        *((budgets, "parameters.accessBudget.budgetParameters", "PRIV-6") for budgets in TOO_MANY),
        *(
            (
                [EVERY_WEEK, {**EVER, "autoRefresh": mode}],
                "parameters.accessBudget.budgetParameters.member.2.autoRefresh",
                "PRIV-7",
            )
            for mode in ("ENABLED", "DISABLED")
        ),
    ],
)
def test_budgets_that_do_not_go_together(
    parties: Parties, refused: Refused, budgets: list[dict[str, Any]], field: str, rule: str
) -> None:
    """Two periods, two lifetimes and a lifetime that is refreshed are refused at creation and in an update."""
    publisher = parties.publisher
    arn = publisher.table().arn
    template = publisher.create(access(publisher.table().arn))
    change = {"accessBudget": {"budgetParameters": budgets}}
    attempts: list[Callable[[], Any]] = [
        lambda: publisher.create(access(arn, *budgets)),
        lambda: publisher.update(template, change),
    ]
    for attempt in attempts:
        with (
            parties.nothing_changes(),
            refused("ValidationException", "FIELD_VALIDATION_FAILED", field=field, rule=rule),
        ):
            attempt()


@pytest.mark.rule("PRIV-1", "PRIV-3", "PRIV-4", "PRIV-5", "PRIV-6")
def test_order_of_checks(scene: Scene, parties: Parties, refused: Refused) -> None:
    """The table is looked for first, then come single values, contradictions, the table's slot and the quota."""
    table = parties.publisher.table()
    parties.publisher.create(access(table.arn))
    scene.handle.quotas[QUOTA] = 0
    wrong: dict[str, Any] = {"tags": {"aws:key": "value"}, "autoRefresh": "CALENDAR_MONTH"}
    wrong["parameters"] = access(table.arn.replace(table.id, NOWHERE), EVER, EVER)
    for rule, mend in (
        ("PRIV-4", {"parameters": access(table.arn, EVER, EVER)}),
        ("PRIV-6", {"parameters": access(table.arn, EVER)}),
        ("TAG-10", {"tags": {"key": "value"}}),
        ("PRIV-3", {"autoRefresh": "NONE"}),
        ("PRIV-5", {"parameters": access(parties.publisher.table().arn, EVER)}),
    ):
        with parties.nothing_changes(), pytest.raises(parties.publisher.client.exceptions.ClientError) as caught:
            parties.publisher.create(**wrong)
        assert caught.value.response["ResponseMetadata"]["HTTPHeaders"]["x-cleanrooms-mock-rule"] == rule
        wrong.update(mend)
    with parties.nothing_changes(), refused("ServiceQuotaExceededException"):
        parties.publisher.create(**wrong)


@pytest.mark.rule("PRIV-9")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("with_parameters", [True, False])
def test_type_stays(parties: Parties, refused: Refused, kind: str, with_parameters: bool) -> None:
    """An update has to name the type that the template has."""
    own = differential_privacy() if kind == "DIFFERENTIAL_PRIVACY" else access(parties.publisher.table().arn)
    template = parties.publisher.create(own)
    other = {"accessBudget": {"budgetParameters": [EVER]}} if "differentialPrivacy" in own else differential_privacy(9)
    (other_kind,) = set(KINDS) - {kind}
    with (
        parties.nothing_changes(),
        refused("ValidationException", "INVALID_CONFIGURATION", field="privacyBudgetType", rule="PRIV-9"),
    ):
        parties.publisher.update(template, other if with_parameters else None, privacyBudgetType=other_kind)


@pytest.mark.rule("PRIV-9")
def test_update_of_nothing(parties: Parties, clock: Clock) -> None:
    """Without parameters, or with those that it has, nothing changes and the time of the update stays."""
    publisher = parties.publisher
    limited, private = publisher.create(access(publisher.table().arn)), publisher.create(differential_privacy())
    publisher.take(limited)
    clock.advance(minutes=1)
    with parties.nothing_changes():
        assert publisher.update(limited) == limited
        assert publisher.update(private) == private
        assert publisher.update(private, differential_privacy()) == private
        assert publisher.update(private, {"differentialPrivacy": {}}) == private


@pytest.mark.rule("PRIV-10")
def test_update_of_differential_privacy(parties: Parties, clock: Clock) -> None:
    """Epsilon and noise change each alone and both ways while nothing was used, and nothing else moves but the update's time."""
    template = parties.publisher.create(differential_privacy(3, 20), autoRefresh="CALENDAR_MONTH")
    for change, expected in (
        ({"epsilon": 5}, differential_privacy(5, 20)),
        ({"usersNoisePerQuery": 40}, differential_privacy(5, 40)),
        ({"epsilon": 1, "usersNoisePerQuery": 10}, differential_privacy(1, 10)),
    ):
        time = clock.advance(minutes=1)
        updated = parties.publisher.update(template, {"differentialPrivacy": change})
        assert updated == {**template, "parameters": expected, "updateTime": time}
        assert parties.publisher.budget(template)["epsilon"] == expected["differentialPrivacy"]["epsilon"]
        assert parties.publisher.budgets("DIFFERENTIAL_PRIVACY")[0]["updateTime"] == time


@pytest.mark.rule("PRIV-10")
def test_used_epsilon_does_not_fall(parties: Parties, refused: Refused, clock: Clock) -> None:
    """Once a query used some of the budget its epsilon only rises, after it was refreshed too, while noise moves freely."""
    publisher = parties.publisher
    template = publisher.create(differential_privacy(3, 20), autoRefresh="CALENDAR_MONTH")
    assert publisher.take(template, "COUNT")
    for _ in range(2):
        with parties.nothing_changes(), refused("ConflictException", "INVALID_STATE", rule="PRIV-10") as error:
            publisher.update(template, differential_privacy(2, 30))
        assert (error["resourceType"], error["resourceId"]) == ("MEMBERSHIP", template["id"])
        clock.advance(days=31)
    assert publisher.update(template, differential_privacy(3, 10))["parameters"] == differential_privacy(3, 10)
    assert publisher.update(template, differential_privacy(4, 100))["parameters"] == differential_privacy(4, 100)


@pytest.mark.rule("PRIV-11")
def test_raised_epsilon_adds(parties: Parties) -> None:
    """What a raise gives comes on top of the rest, and what was used stays used."""
    publisher = parties.publisher
    template = publisher.create(differential_privacy(1, 10))
    assert all(publisher.take(template, "COUNT") for _ in range(3))
    assert publisher.rests(template) == [0, 1, 1, 0, 0]
    publisher.update(template, {"differentialPrivacy": {"epsilon": 2}})
    assert publisher.rests(template) == [2, 8 - 3, 6, 3, 1]
    assert [publisher.take(template, "COUNT") for _ in range(6)] == [True] * 5 + [False]


@pytest.mark.rule("CUS-73", "CUS-74")
def test_queries_take_privacy(parties: Parties) -> None:
    """A query takes what its aggregates cost, again when it is repeated, and tells with how much noise it runs; one that costs too much takes nothing."""
    publisher = parties.publisher
    template = publisher.create(differential_privacy(1, 20))
    membership = publisher.state
    assert publisher.rests(template) == [4, 8, 10, 6, 2]
    assert take_privacy(membership, ["COUNT", "COUNT"]) == 20
    assert publisher.rests(template) == [3, 6, 7, 4, 1]
    assert take_privacy(membership, ["COUNT", "COUNT"]) == 20
    assert publisher.rests(template) == [2, 4, 5, 3, 1]
    with parties.nothing_changes():
        assert privacy_is_left(membership, ["AVG", "AVG"]).id == template["id"]
        for ask in (privacy_is_left, take_privacy):
            with pytest.raises(Refusal, match=f"on the data from {membership.member.display_name}\\. You") as caught:
                ask(membership, ["AVG", "AVG", "COUNT_DISTINCT"])
            assert (rule_behind(caught.value), caught.value.code) == (catalogue["CUS-73"], "RESOURCE_ACCESS_DENIED")
    publisher.update(template, differential_privacy(2, 10))
    assert take_privacy(membership, ["AVG", "COUNT_DISTINCT"]) == 10


@pytest.mark.rule("PRIV-12")
def test_update_of_an_access_budget(parties: Parties, clock: Clock) -> None:
    """New parameters replace all of the old ones and leave their whole budgets."""
    publisher = parties.publisher
    table = publisher.table()
    template = publisher.create(access(table.arn, EVERY_WEEK, EVER))
    (budget,) = publisher.budgets("ACCESS_BUDGET")
    assert publisher.take(template)
    time = clock.advance(days=1)
    change = [{"type": "CALENDAR_DAY", "budget": 7}]
    updated = publisher.update(template, {"accessBudget": {"budgetParameters": change}})
    assert updated == {**template, "parameters": access(table.arn, *change), "updateTime": time}
    assert publisher.take(template)
    publisher.update(template, {"accessBudget": {"budgetParameters": change}})
    assert publisher.rests(template) == [7]
    (after,) = publisher.budgets("ACCESS_BUDGET")
    assert (after["id"], after["createTime"], after["updateTime"]) == (budget["id"], budget["createTime"], time)


@pytest.mark.rule("PRIV-13")
def test_delete(parties: Parties, refused: Refused) -> None:
    """A template that was used is deleted like any, and one that comes after it is whole."""
    publisher = parties.publisher
    table = publisher.table()
    for parameters, use in ((differential_privacy(1, 10), "STDDEV"), (access(table.arn, {**EVER, "budget": 1}), "")):
        template = publisher.create(parameters)
        assert (differential_privacy_template(publisher.state) is not None) == (use == "STDDEV")
        assert publisher.take(template, *use.split())
        assert not publisher.take(template, *use.split())
        answer = publisher.client.delete_privacy_budget_template(**publisher.of(template))
        assert answer["ResponseMetadata"]["HTTPStatusCode"] == 204
        assert differential_privacy_template(publisher.state) is None
        assert take_access([table]) is None
        with refused("ResourceNotFoundException", rule="LIFE-24"):
            publisher.delete(template)
        again = publisher.create(parameters)
        assert publisher.take(again, *use.split())
        publisher.delete(again)
    assert publisher.templates() == []


@pytest.mark.rule("PRIV-8", "PRIV-13")
def test_tables_need_the_policy(parties: Parties) -> None:
    """A table with differential privacy is READY as long as its owner has a policy, whichever of them came first."""
    publisher = parties.publisher
    table: Any = publisher.table()
    rule = {"allowedAnalyses": ["ANY_QUERY"], "allowedAnalysisProviders": [ADVERTISER]}
    publisher.client.create_configured_table_analysis_rule(
        configuredTableIdentifier=table.configured_table_id,
        analysisRuleType="CUSTOM",
        analysisRulePolicy={"v1": {"custom": {**rule, "differentialPrivacy": {"columns": [{"name": "price"}]}}}},
    )

    def status() -> str:
        schema = parties.advertiser.client.get_schema(
            collaborationIdentifier=parties.collaboration["id"], name=table.name
        )["schema"]
        return str(schema["schemaStatusDetails"][0]["status"])

    assert status() == "NOT_READY"
    template = publisher.create(differential_privacy())
    assert status() == "READY"
    publisher.delete(template)
    assert status() == "NOT_READY"


@pytest.mark.rule("PRIV-14")
@pytest.mark.parametrize("whose", ["nobody's", "another member's", "another membership's"])
@pytest.mark.parametrize("operation", ["get", "update", "delete"])
def test_templates_that_are_not_found(
    scene: Scene, parties: Parties, refused: Refused, whose: str, operation: str
) -> None:
    """A template that doesn't exist, or exists under another membership, isn't found under the caller's."""
    elsewhere = Party(scene, PUBLISHER, scene.create())
    template_id = {
        "nobody's": NOWHERE,
        "another member's": parties.advertiser.create(differential_privacy())["id"],
        "another membership's": elsewhere.create(differential_privacy())["id"],
    }[whose]
    more = {"privacyBudgetType": "DIFFERENTIAL_PRIVACY"} if operation == "update" else {}
    call = getattr(parties.publisher.client, f"{operation}_privacy_budget_template")
    with parties.nothing_changes(), refused("ResourceNotFoundException", rule="LIFE-24") as error:
        call(**parties.publisher.id, privacyBudgetTemplateIdentifier=template_id, **more)
    assert (error["resourceType"], error["resourceId"]) == ("MEMBERSHIP", template_id)


@pytest.mark.rule("PRIV-14")
def test_templates_that_are_not_in_the_collaboration(scene: Scene, parties: Parties, refused: Refused) -> None:
    """A template of another collaboration isn't found in this one."""
    elsewhere = Party(scene, PUBLISHER, scene.create()).create(differential_privacy())
    for template_id in (NOWHERE, elsewhere["id"]):
        with refused("ResourceNotFoundException", rule="LIFE-24") as error:
            parties.publisher.client.get_collaboration_privacy_budget_template(
                collaborationIdentifier=parties.collaboration["id"], privacyBudgetTemplateIdentifier=template_id
            )
        assert (error["resourceType"], error["resourceId"]) == ("COLLABORATION", template_id)


# Budgets


@pytest.mark.rule("PRIV-15")
def test_listing_budgets(parties: Parties) -> None:
    """Budgets are listed by type, one for each template with an id of its own, and access budgets also by table."""
    publisher, advertiser = parties.publisher, parties.advertiser
    tables = [publisher.table(), publisher.table(IntermediateTable)]
    private, *limited = (
        publisher.create(one) for one in (differential_privacy(), *(access(table.arn) for table in tables))
    )
    theirs = advertiser.create(access(advertiser.table().arn))
    (policy,) = publisher.budgets("DIFFERENTIAL_PRIVACY", accessBudgetResourceArn=tables[0].arn)
    assert policy["privacyBudgetTemplateId"] == private["id"]
    budgets = publisher.budgets("ACCESS_BUDGET")
    assert [budget["privacyBudgetTemplateId"] for budget in budgets] == [template["id"] for template in limited]
    assert (
        len({budget["id"] for budget in [policy, *budgets]} | {template["id"] for template in [private, *limited]}) == 6
    )
    for table, budget in zip(tables, budgets, strict=True):
        assert publisher.budgets("ACCESS_BUDGET", accessBudgetResourceArn=table.arn) == [budget]
    unknown = tables[0].arn.replace(tables[0].id, NOWHERE)
    assert publisher.budgets("ACCESS_BUDGET", accessBudgetResourceArn=unknown) == []

    def shared(kind: str, **more: Any) -> Any:
        answer = advertiser.client.list_collaboration_privacy_budgets(
            collaborationIdentifier=parties.collaboration["id"], privacyBudgetType=kind, **more
        )
        return answer["collaborationPrivacyBudgetSummaries"]

    def seen(budget: dict[str, Any]) -> dict[str, Any]:
        own = {name: value for name, value in budget.items() if not name.startswith("membership")}
        return {**own, "creatorAccountId": PUBLISHER}

    assert shared("DIFFERENTIAL_PRIVACY") == [seen(policy)]
    assert shared("ACCESS_BUDGET")[:2] == [seen(budget) for budget in budgets]
    assert shared("ACCESS_BUDGET")[2]["creatorAccountId"] == ADVERTISER
    assert shared("ACCESS_BUDGET")[2]["privacyBudgetTemplateId"] == theirs["id"]
    assert shared("ACCESS_BUDGET", accessBudgetResourceArn=tables[1].arn) == [seen(budgets[1])]


@pytest.mark.rule("PRIV-7", "PRIV-16", "PRIV-20")
def test_what_a_budget_shows(parties: Parties, clock: Clock) -> None:
    """A budget of either type has just the members that apply to it."""
    publisher = parties.publisher
    table = publisher.table()
    private = publisher.create(differential_privacy(3, 25))
    limited = publisher.create(access(table.arn, EVER, {"type": "CALENDAR_MONTH", "budget": 2}))
    assert publisher.take(private, "COUNT", "COUNT")
    assert publisher.take(limited)
    common = {
        "membershipId": publisher.membership["id"],
        "membershipArn": publisher.membership["arn"],
        "collaborationId": parties.collaboration["id"],
        "collaborationArn": parties.collaboration["arn"],
        "createTime": clock.now,
        "updateTime": clock.now,
    }
    counts = zip(AGGREGATIONS, [15, 30, 37, 22, 7], [14, 28, 34, 20, 6], strict=True)
    ever = {"budgetType": "LIFETIME", "startTime": clock.now, "budget": 5, "remainingBudget": 4}
    month = {"budgetType": "CALENDAR_MONTH", "budget": 2, "remainingBudget": 1, "autoRefresh": "DISABLED"}
    month.update(startTime=instant(2026, 6, 1), endTime=instant(2026, 7, 1))
    for template, budget in (
        (
            private,
            {
                "differentialPrivacy": {
                    "epsilon": 3,
                    "aggregations": [{"type": t, "maxCount": m, "remainingCount": r} for t, m, r in counts],
                }
            },
        ),
        (
            limited,
            {"accessBudget": {"resourceArn": table.arn, "details": [ever, month], "aggregateRemainingBudget": 1}},
        ),
    ):
        (summary,) = publisher.budgets(template["privacyBudgetType"])
        assert summary == {
            **common,
            "id": summary["id"],
            "privacyBudgetTemplateId": template["id"],
            "privacyBudgetTemplateArn": template["arn"],
            "type": template["privacyBudgetType"],
            "budget": budget,
        }


@pytest.mark.rule("PRIV-17")
@pytest.mark.parametrize(("week", "lifetime"), [(2, 5), (5, 2)])
def test_access_is_used_up(parties: Parties, clock: Clock, week: int, lifetime: int) -> None:
    """Each use takes one of the period's and of the lifetime's budget, and the lower of them ends it."""
    publisher = parties.publisher
    template = publisher.create(
        access(publisher.table().arn, {**EVERY_WEEK, "budget": week}, {**EVER, "budget": lifetime})
    )
    time = clock.advance(minutes=1)
    assert [publisher.take(template) for _ in range(3)] == [True, True, False]
    assert publisher.rests(template) == [week - 2, lifetime - 2]
    assert publisher.budget(template)["aggregateRemainingBudget"] == 0
    (summary,) = publisher.budgets("ACCESS_BUDGET")
    assert summary["updateTime"] == time
    assert publisher.templates()[0]["updateTime"] == template["updateTime"]


@pytest.mark.rule("PRIV-17")
def test_access_of_several_tables(parties: Parties) -> None:
    """A use of several tables takes one from each, once, or nothing from any if one has none left; others are unlimited."""
    publisher, advertiser = parties.publisher, parties.advertiser
    few, many, free = publisher.table(), advertiser.table(IntermediateTable), publisher.table()
    least = publisher.create(access(few.arn, {**EVER, "budget": 1}))
    most = advertiser.create(access(many.arn, {**EVER, "budget": 9}))
    assert take_access([many, few, free, many]) is None
    assert (publisher.rests(least), advertiser.rests(most)) == ([0], [8])
    assert take_access([many, few, free]) is few
    assert (publisher.rests(least), advertiser.rests(most)) == ([0], [8])
    assert take_access([many, free]) is None
    assert advertiser.rests(most) == [7]


@pytest.mark.rule("PRIV-18")
@pytest.mark.parametrize(
    ("kind", "start", "end", "later"),
    [
        ("CALENDAR_DAY", (2026, 6, 9), (2026, 6, 10), (2026, 6, 11)),
        ("CALENDAR_WEEK", (2026, 6, 7), (2026, 6, 14), (2026, 6, 21)),
        ("CALENDAR_MONTH", (2026, 6, 1), (2026, 7, 1), (2026, 8, 1)),
    ],
)
@pytest.mark.parametrize("mode", ["ENABLED", "DISABLED"])
def test_periods(parties: Parties, clock: Clock, kind: str, start: Any, end: Any, later: Any, mode: str) -> None:
    """A period that is refreshed is whole again at its end, to the second; one that isn't keeps its rest and its times."""
    publisher = parties.publisher
    limit = {"type": kind, "budget": 4, "autoRefresh": mode}
    template = publisher.create(access(publisher.table().arn, limit, {**EVER, "budget": 9}))

    def shows(rest: int, first: Any, last: Any, ever: int) -> bool:
        period, lifetime = publisher.budget(template)["details"]
        times = (period["startTime"], period["endTime"]) == (instant(*first), instant(*last))
        return times and (period["remainingBudget"], lifetime["remainingBudget"]) == (rest, ever)

    assert shows(4, start, end, 9)
    publisher.take(template)
    clock.now = instant(*end) - timedelta(milliseconds=1)
    assert shows(3, start, end, 8)
    clock.now = instant(*end)
    if mode == "ENABLED":
        assert shows(4, end, later, 8)
        assert publisher.budgets("ACCESS_BUDGET")[0]["updateTime"] == instant(*end)
        publisher.take(template)
        clock.now = instant(*later) + timedelta(hours=5)
        assert publisher.take(template)
        assert publisher.rests(template) == [3, 6]
    else:
        assert shows(3, start, end, 8)
        assert publisher.take(template)
        assert shows(2, start, end, 7)
        publisher.update(template, {"accessBudget": {"budgetParameters": [limit, {**EVER, "budget": 9}]}})
        assert shows(4, end, later, 9)


@pytest.mark.rule("PRIV-18")
def test_budget_of_nothing(parties: Parties) -> None:
    """A budget may be 0, and then the table can't be used at all."""
    table = parties.publisher.table()
    template = parties.publisher.create(access(table.arn, {**EVERY_WEEK, "budget": 0}))
    assert parties.publisher.budget(template)["aggregateRemainingBudget"] == 0
    assert take_access([table]) is table


@pytest.mark.rule("PRIV-18")
@given(st.integers(0, 4_000_000_000))
@settings(database=None, deadline=None)
def test_periods_of_any_time(moment: int) -> None:
    """Whatever the time, it lies in its period, which begins where the calendar has it and ends where the next begins."""
    for kind, days in (("CALENDAR_DAY", [1]), ("CALENDAR_WEEK", [7]), ("CALENDAR_MONTH", [28, 29, 30, 31])):
        start, end = period(kind, moment)  # type: ignore[arg-type]
        assert end is not None
        assert start <= moment < end
        first, last = (datetime.fromtimestamp(at, timezone.utc) for at in (start, end))
        assert first.time() == last.time() == datetime.min.time()
        assert (last - first).days in days
        assert kind != "CALENDAR_WEEK" or first.strftime("%A") == "Sunday"
        assert kind != "CALENDAR_MONTH" or first.day == last.day == 1


@pytest.mark.rule("PRIV-19")
@pytest.mark.parametrize("refresh", ["CALENDAR_MONTH", "NONE"])
def test_differential_privacy_is_used_up(parties: Parties, clock: Clock, refresh: str) -> None:
    """Queries use up the one budget until too little is left, and the first of the month makes it whole where that was asked for."""
    publisher = parties.publisher
    template = publisher.create(differential_privacy(2, 10), autoRefresh=refresh)
    whole = [4, 8, 10, 6, 2]
    assert publisher.rests(template) == whole
    time = clock.advance(minutes=1)
    assert publisher.take(template, "AVG", "SUM", "SUM")
    assert publisher.rests(template) == [1, 3, 4, 2, 0]
    assert not publisher.take(template, "STDDEV")
    assert not publisher.take(template, "AVG", "AVG")
    assert publisher.rests(template) == [1, 3, 4, 2, 0]
    assert publisher.budgets("DIFFERENTIAL_PRIVACY")[0]["updateTime"] == time
    assert publisher.take(template, "AVG")
    clock.now = instant(2026, 7, 1) - timedelta(milliseconds=1)
    assert publisher.rests(template) == [0, 1, 1, 1, 0]
    clock.now = instant(2026, 7, 1)
    if refresh == "NONE":
        assert not publisher.take(template, "AVG")
        return
    assert publisher.rests(template) == whole
    assert publisher.budgets("DIFFERENTIAL_PRIVACY")[0]["updateTime"] == instant(2026, 7, 1)
    assert publisher.take(template, "AVG")
    clock.now = instant(2026, 9, 20)
    assert publisher.rests(template) == whole


@pytest.mark.rule("PRIV-20")
@given(st.integers(1, 20), st.integers(10, 100))
@settings(database=None, deadline=None)
def test_counts_grow_with_both_inputs(epsilon: int, noise: int) -> None:
    """More epsilon or more noise never allows less, whatever is allowed is at least one, and the cheapest are allowed most."""

    def counts(epsilon: int, noise: int) -> dict[str, int]:
        return {entry["type"]: entry["max_count"] for entry in max_counts(epsilon, noise)}

    here = counts(epsilon, noise)
    assert list(here) == AGGREGATIONS
    assert here["COUNT_DISTINCT"] >= here["COUNT"] >= here["SUM"] >= here["AVG"] >= here["STDDEV"] >= 1
    for more in (counts(epsilon + 1, noise), counts(epsilon, noise + 1)):
        assert all(more[kind] >= count for kind, count in here.items())


@pytest.mark.rule("PRIV-20")
def test_exactly_as_many_as_shown(parties: Parties) -> None:
    """Of each kind exactly maxCount can be had, however the parts add up."""
    for kind, count in zip(AGGREGATIONS, [14, 28, 36, 21, 7], strict=True):
        template = parties.publisher.create(differential_privacy(3, 24))
        assert [parties.publisher.take(template, kind) for _ in range(count + 1)] == [True] * count + [False]
        assert parties.publisher.rests(template)[AGGREGATIONS.index(kind)] == 0
        parties.publisher.delete(template)


@pytest.mark.rule("PRIV-20", "PRIV-21")
def test_preview(parties: Parties) -> None:
    """Any active member is told what an epsilon and a noise would allow, the same that a template with them does, and nothing changes."""
    with parties.nothing_changes():
        answer = parties.publisher.client.preview_privacy_impact(
            **parties.publisher.id, parameters=differential_privacy(7, 33)
        )
    aggregations = answer["privacyImpact"]["differentialPrivacy"]["aggregations"]
    assert aggregations == [
        {"type": kind, "maxCount": count} for kind, count in zip(AGGREGATIONS, [46, 92, 115, 69, 23], strict=True)
    ]
    template = parties.publisher.create(differential_privacy(7, 33))
    shown = parties.publisher.budget(template)["aggregations"]
    assert [{"type": entry["type"], "maxCount": entry["maxCount"]} for entry in shown] == aggregations


# Who sees and does what


def shared_views(client: Any, collaboration: dict[str, Any], template: dict[str, Any]) -> list[Callable[[], Any]]:
    """What shows a member's template and its budget to others."""
    here = {"collaborationIdentifier": collaboration["id"]}
    return [
        lambda: client.get_collaboration_privacy_budget_template(
            **here, privacyBudgetTemplateIdentifier=template["id"]
        )["collaborationPrivacyBudgetTemplate"],
        lambda: client.list_collaboration_privacy_budget_templates(**here)[
            "collaborationPrivacyBudgetTemplateSummaries"
        ],
        lambda: client.list_collaboration_privacy_budgets(**here, privacyBudgetType=template["privacyBudgetType"])[
            "collaborationPrivacyBudgetSummaries"
        ],
    ]


def own_views(client: Any, party: Party, template: dict[str, Any]) -> list[Callable[[], Any]]:
    """What shows its owner a template and its budget."""
    return [
        lambda: client.get_privacy_budget_template(**party.of(template)),
        lambda: client.list_privacy_budget_templates(**party.id)["privacyBudgetTemplateSummaries"],
        lambda: client.list_privacy_budgets(**party.id, privacyBudgetType=template["privacyBudgetType"])[
            "privacyBudgetSummaries"
        ],
    ]


def changes(client: Any, party: Party, template: dict[str, Any]) -> list[Callable[[], Any]]:
    """What needs an active membership."""
    kind = {"privacyBudgetType": template["privacyBudgetType"]}
    return [
        lambda: client.create_privacy_budget_template(
            **party.id, **kind, parameters=template["parameters"], autoRefresh="NONE"
        ),
        lambda: client.update_privacy_budget_template(**party.of(template), **kind),
        lambda: client.preview_privacy_impact(**party.id, parameters=differential_privacy()),
    ]


@pytest.mark.rule("PRIV-15", "PRIV-22")
def test_what_members_see(parties: Parties) -> None:
    """Every active member sees a template with its creator in place of the membership."""
    template = parties.publisher.create(differential_privacy())
    shared = {name: value for name, value in template.items() if not name.startswith("membership")}
    shared["creatorAccountId"] = PUBLISHER
    summary = {name: value for name, value in shared.items() if name not in ("autoRefresh", "parameters")}
    for party in (parties.advertiser, parties.publisher):
        get, templates, budgets = shared_views(party.client, parties.collaboration, template)
        assert get() == shared
        assert templates() == [summary]
        assert [budget["privacyBudgetTemplateId"] for budget in budgets()] == [template["id"]]
    own = {name: value for name, value in template.items() if name not in ("autoRefresh", "parameters")}
    assert parties.publisher.templates() == [own]


@pytest.mark.rule("PRIV-1", "PRIV-15", "PRIV-21")
@pytest.mark.parametrize("account_id", [STRANGER, OTHER])
def test_what_others_are_told(scene: Scene, parties: Parties, refused: Refused, account_id: str) -> None:
    """Whoever has not joined is denied the collaboration's view, and nobody finds another's membership."""
    template = parties.publisher.create(differential_privacy())
    outsider: Any = scene.handle.client(account_id)
    rule = "ERR-8" if account_id == STRANGER else "LIFE-21"
    with parties.nothing_changes():
        for view in shared_views(outsider, parties.collaboration, template):
            with refused("AccessDeniedException", "INSUFFICIENT_PERMISSIONS", rule=rule):
                view()
        for client in (outsider, parties.advertiser.client):
            calls = [*own_views(client, parties.publisher, template), *changes(client, parties.publisher, template)]
            calls.append(lambda client=client: client.delete_privacy_budget_template(**parties.publisher.of(template)))  # type: ignore[misc]
            for call in calls:
                with refused("ResourceNotFoundException", rule="ERR-10") as error:
                    call()
                assert error["resourceId"] == parties.publisher.membership["id"]


@pytest.mark.rule("PRIV-1", "PRIV-13", "PRIV-21", "LIFE-13")
@pytest.mark.parametrize("end", ["removed", "deleted"])
def test_after_the_end(scene: Scene, parties: Parties, refused: Refused, end: str) -> None:
    """Once a member is removed or the collaboration deleted, it reads and deletes what it has, and does nothing else."""
    publisher, collaboration = parties.publisher, parties.collaboration
    templates = [publisher.create(differential_privacy()), publisher.create(access(publisher.table().arn))]
    here = {"collaborationIdentifier": collaboration["id"]}
    if end == "removed":
        scene.advertiser.delete_member(**here, accountId=PUBLISHER)
    else:
        scene.advertiser.delete_collaboration(**here)
    for template in templates:
        get, *listings = own_views(publisher.client, publisher, template)
        assert get()["privacyBudgetTemplate"] == template
        assert all(template["id"] in str(listing()) for listing in listings)
        for call in changes(publisher.client, publisher, template):
            with refused("AccessDeniedException", "INSUFFICIENT_PERMISSIONS", rule="LIFE-13"):
                call()
        get, *listings = shared_views(parties.advertiser.client, collaboration, template)
        if end == "deleted":
            for view in (get, *listings):
                with refused("ResourceNotFoundException", rule="ERR-8"):
                    view()
        else:
            with refused("ResourceNotFoundException", rule="LIFE-24"):
                get()
            assert [listing() for listing in listings] == [[], []]
        publisher.delete(template)
    assert publisher.templates() == []


@pytest.mark.rule("QUO-12")
def test_removed_members_free_the_quota(scene: Scene, parties: Parties) -> None:
    """Access budgets of a member that was removed no longer count."""
    scene.handle.quotas[QUOTA] = 1
    parties.publisher.create(access(parties.publisher.table().arn))
    scene.advertiser.delete_member(collaborationIdentifier=parties.collaboration["id"], accountId=PUBLISHER)
    parties.advertiser.create(access(parties.advertiser.table().arn))


@pytest.mark.rule("PRIV-4", "PRIV-5")
@pytest.mark.parametrize("kind", [Association, IntermediateTable])
@pytest.mark.parametrize("end", [None, "removed", "deleted"])
def test_access_budget_goes_with_its_table(
    scene: Scene, parties: Parties, refused: Refused, kind: type[Resource], end: str | None
) -> None:
    """A deleted table takes its access budget and that one's tags with it, whatever became of the collaboration; others stay."""
    publisher = parties.publisher
    table, other = publisher.table(kind), publisher.table(kind)
    template = publisher.create(access(table.arn), tags={"key": "value"})
    left = [publisher.create(access(other.arn))["id"], publisher.create(differential_privacy())["id"]]
    here = {"collaborationIdentifier": parties.collaboration["id"]}
    if end == "removed":
        scene.advertiser.delete_member(**here, accountId=PUBLISHER)
    elif end == "deleted":
        scene.advertiser.delete_collaboration(**here)
    assert [summary["id"] for summary in publisher.templates()] == [template["id"], *left]
    publisher.delete_table(table)
    assert [summary["id"] for summary in publisher.templates()] == left
    with refused("ResourceNotFoundException", rule="TAG-4"):
        publisher.client.list_tags_for_resource(resourceArn=template["arn"])
    if end is None:
        listing = parties.advertiser.client.list_collaboration_privacy_budget_templates(**here)
        assert [one["id"] for one in listing["collaborationPrivacyBudgetTemplateSummaries"]] == left


@pytest.mark.rule("PRIV-13")
def test_templates_keep_a_membership(parties: Parties, refused: Refused) -> None:
    """A membership with a template can't be deleted, and can once that is gone."""
    template = parties.publisher.create(differential_privacy())
    with refused("ConflictException", "SUBRESOURCES_EXIST", rule="MEM-36"):
        parties.publisher.client.delete_membership(**parties.publisher.id)
    parties.publisher.delete(template)
    parties.publisher.client.delete_membership(**parties.publisher.id)


def test_tags(parties: Parties, refused: Refused) -> None:
    """A template is tagged at its creation and later, by its owner alone, and its tags go with it."""
    publisher = parties.publisher
    template = publisher.create(differential_privacy(), tags={"stage": "test"})
    arn = template["arn"]
    publisher.client.tag_resource(resourceArn=arn, tags={"team": "a"})
    assert publisher.client.list_tags_for_resource(resourceArn=arn)["tags"] == {"stage": "test", "team": "a"}
    publisher.client.untag_resource(resourceArn=arn, tagKeys=["stage"])
    assert publisher.client.list_tags_for_resource(resourceArn=arn)["tags"] == {"team": "a"}
    with refused("ResourceNotFoundException", rule="TAG-4"):
        parties.advertiser.client.list_tags_for_resource(resourceArn=arn)
    publisher.delete(template)
    with refused("ResourceNotFoundException", rule="TAG-4"):
        publisher.client.list_tags_for_resource(resourceArn=arn)


def test_pages(parties: Parties) -> None:
    """Each of the four listings comes in pages, in order of creation, also while it changes."""
    publisher = parties.publisher
    ids = [publisher.create(access(publisher.table().arn))["id"] for _ in range(5)]
    here = {"collaborationIdentifier": parties.collaboration["id"]}
    for name, where, key in (
        ("list_privacy_budget_templates", publisher.id, "id"),
        ("list_collaboration_privacy_budget_templates", here, "id"),
        ("list_privacy_budgets", publisher.id, "privacyBudgetTemplateId"),
        ("list_collaboration_privacy_budgets", here, "privacyBudgetTemplateId"),
    ):
        kind = {} if name.endswith("templates") else {"privacyBudgetType": "ACCESS_BUDGET"}
        pages = publisher.client.get_paginator(name).paginate(**where, **kind, PaginationConfig={"PageSize": 2})
        found = []
        for page in pages:
            (items,) = (value for member, value in page.items() if member.lower().endswith("summaries"))
            found.append([item[key] for item in items])
        assert found == [ids[:2], ids[2:4], ids[4:]]
