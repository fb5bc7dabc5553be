"""What a CUSTOM policy may say."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from cleanrooms_mock.cleanrooms.custom_rules import check_custom_policy
from cleanrooms_mock.cleanrooms.errors import ValidationException
from cleanrooms_mock.cleanrooms.world import World, world_of
from cleanrooms_mock.rules import rule_behind
from tests.cleanrooms.test_analysis_rules import COLUMNS, OTHER_PLACES, Table, add, change, custom, rule_types, table_of
from tests.conftest import ADVERTISER, PUBLISHER, STRANGER, Refused, Scene

TEMPLATE = "arn:aws:cleanrooms:us-east-1:111111111111:membership/11111111-2222-4333-8444-555555555555/analysistemplate/"
FIRST = TEMPLATE + "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"
SECOND = TEMPLATE + "bbbbbbbb-bbbb-4ccc-8ddd-eeeeeeeeeeee"
PRIVATE = {"columns": [{"name": "email"}]}
IC, FFV = "INVALID_CONFIGURATION", "FIELD_VALIDATION_FAILED"


def open_to(*analyses: str, providers: list[str] | None = None, **members: Any) -> dict[str, Any]:
    """A policy that allows analyses, by the publisher unless a test says otherwise."""
    return custom(
        allowedAnalyses=list(analyses),
        allowedAnalysisProviders=[PUBLISHER] if providers is None else providers,
        **members,
    )


def threshold(column: str = "email", overrides: list[tuple[str, int]] | None = None) -> list[dict[str, Any]]:
    entry: dict[str, Any] = {
        "identityColumns": [column],
        "minimumIdentityCount": 50,
        "type": "COUNT_DISTINCT",
        "allowedAggregateExpressionType": "COLUMNS_ONLY",
    }
    if overrides is not None:
        entry["outputColumnThresholds"] = [
            {"outputColumnName": name, "minimumIdentityCount": count} for name, count in overrides
        ]
    return [entry]


def compares(literals: list[str], columns: list[str]) -> dict[str, Any]:
    return {"allowedLiteralComparisonColumns": literals, "allowedColumnComparisonColumns": columns}


@pytest.fixture
def table(scene: Scene) -> Table:
    """Tables on which queries and jobs run."""
    return Table(scene.advertiser, custom(), analysisMethod="MULTIPLE")


@pytest.mark.rule(
    "RULE-40", "RULE-42", "RULE-43", "RULE-44", "RULE-45", "RULE-46", "RULE-48", "RULE-52", "RULE-53", "RULE-55"
)
@pytest.mark.parametrize(
    "policy",
    [
        # RULE-40, RULE-43: nothing is allowed, an empty list of providers is none.
        custom(allowedAnalysisProviders=[]),
        # RULE-44: members or not, the owner included.
        open_to("ANY_QUERY", providers=[ADVERTISER, STRANGER, "123456789012"]),
        # RULE-42: both wildcards; templates with no or an empty list of providers.
        open_to("ANY_JOB", "ANY_QUERY"),
        custom(allowedAnalyses=[FIRST, SECOND]),
        # RULE-45: templates that don't exist.
        custom(allowedAnalyses=[FIRST], allowedAnalysisProviders=[]),
        # RULE-46: every column.
        custom(disallowedOutputColumns=COLUMNS),
        # RULE-48: with a wildcard and with templates.
        open_to("ANY_QUERY", differentialPrivacy=PRIVATE),
        open_to("ANY_QUERY", "ANY_JOB", differentialPrivacy=PRIVATE),
        custom(allowedAnalyses=[FIRST], differentialPrivacy=PRIVATE),
        # RULE-50, RULE-53: whatever isn't jobs alone; RULE-52: exempt, or at least two.
        custom(aggregationThresholds=threshold(), comparisonControls=compares([], [])),
        open_to("ANY_QUERY", "ANY_JOB", aggregationThresholds=threshold(), comparisonControls=compares([], [])),
        custom(allowedAnalyses=[FIRST], aggregationThresholds=threshold(overrides=[("price", 0), ("item", 2)])),
        custom(aggregationThresholds=threshold(overrides=[])),
        # RULE-54: the identity column may be compared to other columns.
        custom(aggregationThresholds=threshold(), comparisonControls=compares(["phone"], ["email", "phone"])),
        # RULE-55
        custom(
            allowedResultReceivers=[PUBLISHER, STRANGER],
            allowedAdditionalAnalyses=[
                "arn:aws:cleanrooms:us-east-1:111111111111:membership/*/configuredaudiencemodelassociation/*"
            ],
            additionalAnalyses="REQUIRED",
        ),
        *(custom(additionalAnalyses=value) for value in ("ALLOWED", "NOT_ALLOWED")),
    ],
)
def test_policies_that_are_sound(table: Table, policy: dict[str, Any]) -> None:
    """What is sound is stored as it was sent, by create and by update."""
    table.accepts(policy)


@pytest.mark.rule("RULE-41", "RULE-42", "RULE-43")
@pytest.mark.parametrize(
    ("policy", "rule", "field"),
    [
        (custom(allowedAnalyses=["ANY_QUERY"]), "RULE-41", "allowedAnalysisProviders"),
        (custom(allowedAnalyses=["ANY_JOB"]), "RULE-41", "allowedAnalysisProviders"),
        (open_to("ANY_QUERY", providers=[]), "RULE-41", "allowedAnalysisProviders"),
        (open_to("ANY_QUERY", FIRST), "RULE-42", "allowedAnalyses.member.2"),
        (open_to(FIRST, "ANY_JOB"), "RULE-42", "allowedAnalyses.member.1"),
        (open_to(FIRST), "RULE-42", "allowedAnalyses.member.1"),
        (open_to(), "RULE-43", "allowedAnalysisProviders"),
    ],
)
def test_templates_or_accounts(table: Table, refused: Refused, policy: dict[str, Any], rule: str, field: str) -> None:
    """A rule allows templates, or accounts by a wildcard, never both and never half."""
    table.refuses(refused, policy, rule, IC, field)


@pytest.mark.rule("RULE-7", "RULE-46")
@pytest.mark.parametrize(
    ("policy", "rule", "field"),
    [
        (custom(disallowedOutputColumns=["email", "unknown"]), "RULE-7", "disallowedOutputColumns.member.2"),
        (
            custom(differentialPrivacy={"columns": [{"name": "unknown"}]}),
            "RULE-7",
            "differentialPrivacy.columns.member.1.name",
        ),
        (
            custom(aggregationThresholds=threshold("unknown")),
            "RULE-7",
            "aggregationThresholds.member.1.identityColumns.member.1",
        ),
        (
            custom(aggregationThresholds=threshold(overrides=[("item", 2), ("unknown", 2)])),
            "RULE-7",
            "aggregationThresholds.member.1.outputColumnThresholds.member.2.outputColumnName",
        ),
        (
            custom(comparisonControls=compares(["unknown"], [])),
            "RULE-7",
            "comparisonControls.allowedLiteralComparisonColumns.member.1",
        ),
        (
            custom(comparisonControls=compares([], ["email", "unknown"])),
            "RULE-7",
            "comparisonControls.allowedColumnComparisonColumns.member.2",
        ),
    ],
)
def test_columns_are_allowed(table: Table, refused: Refused, policy: dict[str, Any], rule: str, field: str) -> None:
    """Wherever a policy names a column, it is one that the table allows."""
    table.refuses(refused, policy, rule, IC, field)


@pytest.mark.rule("RULE-8")
@pytest.mark.parametrize(
    ("policy", "field"),
    [
        (custom(allowedAnalyses=[FIRST, SECOND, FIRST]), "allowedAnalyses.member.3"),
        (open_to("ANY_QUERY", "ANY_QUERY"), "allowedAnalyses.member.2"),
        (open_to("ANY_QUERY", providers=[PUBLISHER, STRANGER, PUBLISHER]), "allowedAnalysisProviders.member.3"),
        (custom(disallowedOutputColumns=["email", "email"]), "disallowedOutputColumns.member.2"),
        (
            custom(comparisonControls=compares(["item", "item"], [])),
            "comparisonControls.allowedLiteralComparisonColumns.member.2",
        ),
        (
            custom(comparisonControls=compares([], ["item", "email", "item"])),
            "comparisonControls.allowedColumnComparisonColumns.member.3",
        ),
    ],
)
def test_nothing_is_listed_twice(table: Table, refused: Refused, policy: dict[str, Any], field: str) -> None:
    """A list that has an entry twice is refused."""
    table.refuses(refused, policy, "RULE-8", FFV, field)


@pytest.mark.rule("RULE-52")
@pytest.mark.parametrize(
    ("overrides", "field"),
    [
        ([("item", 2), ("price", 2), ("item", 3)], "member.3.outputColumnName"),
        ([("item", 0), ("price", 1)], "member.2.minimumIdentityCount"),
    ],
)
def test_thresholds_of_columns(table: Table, refused: Refused, overrides: list[tuple[str, int]], field: str) -> None:
    """A column has one threshold, of at least two or of none."""
    policy = custom(aggregationThresholds=threshold(overrides=overrides))
    table.refuses(refused, policy, "RULE-52", FFV, f"aggregationThresholds.member.1.outputColumnThresholds.{field}")


@pytest.mark.rule("RULE-50", "RULE-53", "CUS-50")
@pytest.mark.parametrize(
    ("members", "rule", "field"),
    [
        ({"aggregationThresholds": threshold()}, "RULE-50", "aggregationThresholds"),
        ({"comparisonControls": compares([], [])}, "RULE-53", "comparisonControls"),
    ],
)
def test_controls_are_for_plain_queries(
    table: Table, refused: Refused, members: dict[str, Any], rule: str, field: str
) -> None:
    """Neither differential privacy nor a table for jobs alone goes with thresholds or comparison controls."""
    for policy in (
        custom(differentialPrivacy=PRIVATE, **members),
        open_to("ANY_QUERY", differentialPrivacy=PRIVATE, **members),
        open_to("ANY_JOB", **members),
    ):
        table.refuses(refused, policy, rule, IC, field)


@pytest.mark.rule("RULE-45", "RULE-50", "RULE-53")
@pytest.mark.parametrize(
    ("members", "rule", "field"),
    [
        ({"aggregationThresholds": threshold()}, "RULE-50", "aggregationThresholds"),
        ({"comparisonControls": compares([], [])}, "RULE-53", "comparisonControls"),
    ],
)
def test_templates_of_jobs_are_jobs(
    scene: Scene, table: Table, refused: Refused, members: dict[str, Any], rule: str, field: str
) -> None:
    """Templates in PySpark are jobs as long as they exist; beside one in SQL, or once they are deleted, they don't count as such."""
    collaboration = scene.create()
    templates = world_of("us-east-1").collaborations[collaboration["id"]].resources["analysistemplate"]
    # What a rule looks at is where templates are kept, and no more of them than this.
    for arn, language in ((FIRST, "PYSPARK_1_0"), (SECOND, "SQL")):
        templates.add(arn.rpartition("/")[2], SimpleNamespace(arn=arn, format=language))
    table.refuses(refused, custom(allowedAnalyses=[FIRST], **members), rule, IC, field)
    table.accepts(custom(allowedAnalyses=[FIRST, SECOND], **members))
    other_membership = FIRST.replace("11111111-2222", "22222222-2222")
    change(scene.advertiser, table.ruled, custom(allowedAnalyses=[other_membership], **members))
    templates.remove(FIRST.rpartition("/")[2])
    change(scene.advertiser, table.ruled, custom(allowedAnalyses=[FIRST], **members))


@pytest.mark.rule("RULE-54")
def test_identities_are_not_compared_to_literals(table: Table, refused: Refused) -> None:
    """The identity column of a threshold isn't one that may be compared to literals."""
    policy = custom(aggregationThresholds=threshold(), comparisonControls=compares(["item", "email"], []))
    field = "comparisonControls.allowedLiteralComparisonColumns.member.2"
    table.refuses(refused, policy, "RULE-54", IC, field)


@pytest.mark.rule("RULE-47")
@pytest.mark.parametrize(("wildcard", "method"), [("ANY_QUERY", "DIRECT_QUERY"), ("ANY_JOB", "DIRECT_JOB")])
def test_wildcards_fit_the_method(scene: Scene, refused: Refused, wildcard: str, method: str) -> None:
    """ANY_QUERY needs a table on which queries run, ANY_JOB one on which jobs do."""
    other = "DIRECT_JOB" if method == "DIRECT_QUERY" else "DIRECT_QUERY"
    Table(scene.advertiser, custom(), analysisMethod=other).refuses(
        refused, open_to(wildcard), "RULE-47", IC, "allowedAnalyses.member.1"
    )
    Table(scene.advertiser, custom(), analysisMethod=method).accepts(open_to(wildcard))


@pytest.mark.rule("RULE-48", "CUS-61")
def test_where_differential_privacy_is_possible(scene: Scene, refused: Refused) -> None:
    """Differential privacy needs a table in Glue on which queries run."""
    policy = custom(differentialPrivacy=PRIVATE)
    for reference in OTHER_PLACES:
        Table(scene.advertiser, custom(), tableReference=reference).refuses(
            refused, policy, "RULE-48", IC, "differentialPrivacy"
        )
    Table(scene.advertiser, custom(), analysisMethod="DIRECT_JOB").refuses(
        refused, policy, "RULE-48", IC, "differentialPrivacy"
    )


@pytest.mark.rule("RULE-49")
def test_identifiers_of_differential_privacy_may_differ(scene: Scene) -> None:
    """Two tables of one account, or of two, take different identifier columns."""
    for client in (scene.advertiser, scene.publisher):
        for column in ("email", "phone"):
            add(client, table_of(client), custom(differentialPrivacy={"columns": [{"name": column}]}))


@pytest.mark.rule("RULE-51")
@pytest.mark.parametrize(
    ("kind", "sound"),
    [
        ("string", True),
        ("VARCHAR(20)", True),
        ("varchar", True),
        ("Char(3)", True),
        ("char", True),
        ("int", False),
        ("binary", False),
        ("array<string>", False),
        ("struct<a:varchar(3)>", False),
    ],
)
def test_identities_are_text(scene: Scene, refused: Refused, kind: str, sound: bool) -> None:
    """The identity column of a threshold is a text in the catalog, of whatever length."""
    glue = scene.handle.client(ADVERTISER, service="glue")
    glue.create_database(DatabaseInput={"Name": "shop"})
    columns = [{"Name": column, "Type": kind} for column in COLUMNS]
    glue.create_table(DatabaseName="shop", TableInput={"Name": "sales", "StorageDescriptor": {"Columns": columns}})
    table = Table(scene.advertiser, custom())
    policy = custom(aggregationThresholds=threshold())
    if sound:
        table.accepts(policy)
    else:
        field = "aggregationThresholds.member.1.identityColumns.member.1"
        table.refuses(refused, policy, "RULE-51", IC, field)


@pytest.mark.rule("RULE-56")
def test_the_order_of_checks(scene: Scene, refused: Refused) -> None:
    """Single values come first, then what contradicts itself, then the table's columns and methods, then the size."""
    scene.handle.quotas["Analysis rule size"] = 0
    table_id = table_of(scene.advertiser, analysisMethod="DIRECT_JOB")
    unknown: Any = {"disallowedOutputColumns": ["unknown"], "differentialPrivacy": {"columns": [{"name": "other"}]}}
    for policy, rule in (
        (open_to("ANY_QUERY", FIRST, FIRST, **unknown), "RULE-8"),
        (open_to("ANY_QUERY", FIRST, aggregationThresholds=threshold(overrides=[("item", 1)])), "RULE-52"),
        (open_to("ANY_QUERY", FIRST, **unknown), "RULE-42"),
        (open_to("ANY_QUERY", **unknown), "RULE-7"),
        (open_to("ANY_QUERY", differentialPrivacy=PRIVATE), "RULE-47"),
        (open_to("ANY_JOB", differentialPrivacy=PRIVATE), "RULE-48"),
    ):
        with refused("ValidationException", rule=rule):
            add(scene.advertiser, table_id, policy)
    with refused("ServiceQuotaExceededException"):
        add(scene.advertiser, table_id, open_to("ANY_JOB"))
    assert rule_types(scene.advertiser, table_id) == []


@pytest.mark.rule("RULE-7", "RULE-46", "RULE-51")
def test_a_policy_without_a_table_yet() -> None:
    """Columns aren't looked at while there are none; everything that is wrong by itself is."""
    thresholds = [{"identity_columns": ["anything"], "minimum_identity_count": 2}]
    policy = {
        "allowed_analyses": ["ANY_JOB", "ANY_QUERY"],
        "allowed_analysis_providers": [PUBLISHER],
        "disallowed_output_columns": ["whatever"],
        "aggregation_thresholds": thresholds,
    }
    check_custom_policy(policy, None, world=World())
    check_custom_policy({}, None, world=World())
    check_custom_policy(policy, {"anything": "string", "whatever": "int"}, world=World())
    for wrong, columns, rule in (
        ({**policy, "allowed_analysis_providers": []}, None, "RULE-41"),
        (policy, {"anything": "int", "whatever": "int"}, "RULE-51"),
        (policy, {"anything": "string"}, "RULE-7"),
        (policy, {"whatever": "int"}, "RULE-7"),
    ):
        with pytest.raises(ValidationException) as caught:
            check_custom_policy(wrong, columns, world=World())
        found = rule_behind(caught.value)
        assert found is not None
        assert found.id == rule
