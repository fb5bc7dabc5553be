"""What members read in CloudWatch Logs about queries and jobs."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.cleanrooms.staging import ALL, TEXT, Computing, Member, Stage, by_steps, computing, to_member
from tests.conftest import ADVERTISER, AGENCY, PUBLISHER, Clock, Scene, results_to

__all__ = ["by_steps", "computing"]

pytestmark = pytest.mark.usefixtures("computing")


def groups(member: Member) -> list[str]:
    return [group["logGroupName"] for group in member.client_of("logs").describe_log_groups()["logGroups"]]


def records(stage: Stage, member: Member, query: dict[str, Any]) -> list[dict[str, Any]]:
    """The records about a query or job in a member's log, in their order."""
    group = f"/aws/cleanrooms/{stage.collaboration['id']}"
    logs = member.client_of("logs")
    streams = [stream["logStreamName"] for stream in logs.describe_log_streams(logGroupName=group)["logStreams"]]
    if query["id"] not in streams:
        return []
    events = logs.get_log_events(logGroupName=group, logStreamName=query["id"], startFromHead=True)["events"]
    return [json.loads(event["message"]) for event in events]


@pytest.fixture
def stage(scene: Scene) -> Stage:
    """A stage with logging on, whose query reads a table of each member."""
    stage = Stage(scene, logged=True, receives=True)
    stage.advertiser.table("clicks", "town")
    return stage


BOTH = "SELECT city FROM Visits JOIN clicks ON city = town"


@pytest.mark.rule("PQ-90")
def test_log_groups(scene: Scene, computing: Computing) -> None:
    """A member has the group once its logging is on; one that it deleted comes back when that is switched off and on."""
    stage = Stage(scene, queryLogStatus="ENABLED", joining={"queryLogStatus": "ENABLED"})
    group = f"/aws/cleanrooms/{stage.collaboration['id']}"
    assert groups(stage.advertiser) == [group]
    assert groups(stage.publisher) == []
    logs = stage.advertiser.client_of("logs")
    stage.advertiser.start()
    logs.delete_log_group(logGroupName=group)
    stage.advertiser.start()
    stage.advertiser.client.update_membership(**stage.advertiser.id, queryLogStatus="ENABLED")
    assert groups(stage.advertiser) == []
    for status in ("DISABLED", "ENABLED"):
        stage.advertiser.client.update_membership(**stage.advertiser.id, queryLogStatus=status)
    assert groups(stage.advertiser) == [group]
    query = stage.advertiser.start()
    assert len(records(stage, stage.advertiser, query)) == 2
    stage.publisher.client.update_membership(**stage.publisher.id, queryLogStatus="ENABLED")
    assert len(records(stage, stage.publisher, stage.advertiser.start())) == 2
    stage.publisher.client.update_membership(**stage.publisher.id, queryLogStatus="DISABLED")
    assert records(stage, stage.publisher, stage.advertiser.start()) == []


@pytest.mark.rule("PQ-91", "PQ-92")
def test_records_of_a_query(stage: Stage, clock: Clock) -> None:
    """The runner reads of every table, each owner of its own, with its id; texts in texts are JSON."""
    text = f"{BOTH} -- all"
    query = stage.advertiser.start(text)
    mine = records(stage, stage.advertiser, query)
    assert [(one["logStage"], one.get("schemaName")) for one in mine] == [
        ("SUBMISSION", "visits"),
        ("SUBMISSION", "clicks"),
        ("TERMINATION", None),
        ("TERMINATION", None),
    ]
    assert mine[0]["configuredTableId"] is None
    assert mine[1]["configuredTableId"] is not None
    submission, termination = records(stage, stage.publisher, query)
    common = {
        "eventId": query["id"],
        "eventTimestamp": round(clock.now.timestamp() * 1000),
        "collaborationId": stage.collaboration["id"],
        "analysisCategory": "SQL",
        "analysisCategoryVersion": "1.0",
    }
    assert submission == {
        **common,
        "logStage": "SUBMISSION",
        "schemaName": "visits",
        "configuredTableId": stage.visits["configuredTableId"],
        "analysisTemplateArn": None,
        "parameters": None,
        "queryText": text,
        "directQueryAnalysisRuleType": "CUSTOM",
        "directQueryAnalysisRulePolicy": submission["directQueryAnalysisRulePolicy"],
        "queryValidationErrors": None,
        "resultReceivers": f'["{ADVERTISER}"]',
        "queryRunners": f'["{ADVERTISER}"]',
        "resultRegions": '["us-east-1"]',
        "memberSchemaMapping": f'{{"{PUBLISHER}":"visits","{ADVERTISER}":"clicks"}}',
        "memberDisplayNames": f'{{"{ADVERTISER}":"advertiser","{PUBLISHER}":"member {PUBLISHER}"}}',
    }
    policy = json.loads(submission["directQueryAnalysisRulePolicy"])
    assert policy["v1"]["custom"]["allowedAnalysisProviders"] == [ADVERTISER, PUBLISHER]
    assert termination == {
        **common,
        "logStage": "TERMINATION",
        "status": "COMPLETED",
        "errorCode": None,
        "errorMessage": None,
    }


@pytest.mark.rule("PQ-91", "PQ-92")
def test_templates_and_receivers(scene: Scene) -> None:
    """A receiver reads of every table; a template's text has its parameters by name, their values beside it."""
    members = [scene.member(PUBLISHER), scene.member(AGENCY, ["CAN_RECEIVE_RESULTS"])]
    stage = Stage(scene, logged=True, members=members)
    agency = Member(
        scene,
        stage.collaboration,
        AGENCY,
        queryLogStatus="ENABLED",
        defaultResultConfiguration=results_to("agency-results", AGENCY),
    )
    text = "SELECT city FROM visits WHERE city = :town"
    arn = stage.publisher.template("town", text, analysisParameters=[{"name": "town", "type": "VARCHAR"}])
    parameters = {"analysisTemplateArn": arn, "parameters": {"town": "Rome"}}
    query = stage.advertiser.start(None, sqlParameters=parameters, resultConfiguration=to_member(AGENCY))
    submission, _ = records(stage, agency, query)
    assert submission["queryText"] == text
    assert submission["analysisTemplateArn"] == arn
    assert json.loads(submission["parameters"]) == {"town": "Rome"}
    assert submission["configuredTableId"] is None
    assert json.loads(submission["resultReceivers"]) == [AGENCY]


@pytest.mark.rule("PQ-93", "PQ-92", "PQ-03")
@pytest.mark.parametrize(
    ("text", "code", "schemas"),
    [
        ("SELECT nothing FROM visits", "MALFORMED_QUERY", ["visits"]),
        ("SELECT city FROM visits, gone", "RESOURCE_NOT_FOUND", ["visits", "gone"]),
        ("SELECT FROM", "MALFORMED_QUERY", [None]),
        ("DROP TABLE visits", "MALFORMED_QUERY", [None]),
    ],
)
def test_queries_that_break_rules_are_logged(stage: Stage, text: str, code: str, schemas: list[str | None]) -> None:
    """What is wrong is in the record of the submission, and in that of the end."""
    query = stage.advertiser.run(text)
    assert query["error"]["code"] == code
    found = records(stage, stage.advertiser, query)
    submissions, ends = found[: len(schemas)], found[len(schemas) :]
    assert [one["schemaName"] for one in submissions] == schemas
    for one in submissions:
        assert json.loads(one["queryValidationErrors"]) == [query["error"]["message"]]
        assert one["queryText"] == text
    assert [(one["status"], one["errorCode"], one["errorMessage"]) for one in ends] == [
        ("FAILED", code, query["error"]["message"])
    ] * len(schemas)
    assert bool(records(stage, stage.publisher, query)) == ("visits" in schemas)


@pytest.mark.rule("PQ-93")
def test_cancelled_queries(stage: Stage, by_steps: None) -> None:
    """Of one that was cancelled before it was looked at there is nothing, of one that was cancelled later no end."""
    early, late = stage.advertiser.start(), stage.advertiser.start()
    stage.advertiser.get(late)
    for query in (early, late):
        stage.advertiser.cancel(query)
        assert stage.advertiser.get(query)["status"] == "CANCELLED"
    assert records(stage, stage.advertiser, early) == []
    assert [one["logStage"] for one in records(stage, stage.advertiser, late)] == ["SUBMISSION"]


@pytest.mark.rule("PQ-92", "PQ-90")
def test_records_of_a_job(stage: Stage) -> None:
    """A job's records say so, and have the hashes of its artifacts; they are for those with jobLogStatus."""
    arn = stage.advertiser.template("code", schema={"referencedTables": ["visits"]})
    job = stage.advertiser.start_job(arn)
    submission, termination = records(stage, stage.publisher, job)
    assert (submission["analysisCategory"], submission["schemaName"]) == ("PYSPARK", "visits")
    assert submission["directJobAnalysisRuleType"] == "CUSTOM"
    assert json.loads(submission["jobRunners"]) == [ADVERTISER]
    assert len(json.loads(submission["analysisTemplateArtifactHashList"])) == 1
    assert submission["jobValidationErrors"] is None
    assert not [name for name in submission if "query" in name.lower()]
    assert termination["status"] == "FAILED"
    stage.publisher.client.update_membership(**stage.publisher.id, jobLogStatus="DISABLED")
    assert records(stage, stage.publisher, stage.advertiser.start_job(arn)) == []
    assert len(records(stage, stage.publisher, stage.advertiser.start(TEXT))) == 2


@pytest.mark.rule("PQ-91")
def test_exports_are_logged(scene: Scene) -> None:
    """The runner and the owners of the tables read who exports a query's logs, and where to."""
    stage = Stage(scene, [*ALL, "CAN_EXPORT_QUERY_ANALYSIS_LOG"], logged=True)
    query = stage.advertiser.start()
    export: Any = stage.advertiser.client.start_analysis_log_export(
        **stage.advertiser.id,
        analysisId=query["id"],
        analysisType="PROTECTED_QUERY",
        resultConfiguration={"outputConfiguration": {"s3": {"bucket": "logs", "keyPrefix": "spark/"}}},
    )
    for member in (stage.advertiser, stage.publisher):
        record = records(stage, member, query)[-1]
        assert (record["operationName"], record["analysisId"]) == ("StartAnalysisLogExport", query["id"])
        assert record["callerAccountId"] == ADVERTISER
        assert record["s3OutputPath"].startswith("s3://logs/spark/collaboration=")
        assert export["analysisLogExport"]["analysisLogExportId"] in record["s3OutputPath"]
