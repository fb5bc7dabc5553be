"""Exports of logs: whose queries', where to, and how they end."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from moto.moto_api import state_manager

from cleanrooms_mock import mock_cleanrooms
from tests.cleanrooms.staging import ALL, Computing, Member, Stage, by_steps, computing
from tests.conftest import ADVERTISER, AGENCY, NOWHERE, PUBLISHER, Clock, Refused, Scene, pays

__all__ = ["by_steps", "computing"]

pytestmark = pytest.mark.usefixtures("computing")

ABILITY = "CAN_EXPORT_QUERY_ANALYSIS_LOG"
EXPORT = "cleanrooms::analysis_log_export"
QUOTAS = ["Concurrent ongoing log exports per membership", "Concurrent ongoing log exports per account"]


@pytest.fixture
def stage(scene: Scene) -> Stage:
    """A stage on which the advertiser exports the logs of its queries."""
    return Stage(scene, [*ALL, ABILITY])


@pytest.fixture
def exports_take_time() -> Iterator[None]:
    """Have exports end when they are asked for the second time."""
    state_manager.set_transition(EXPORT, {"progression": "manual", "times": 2})
    yield
    state_manager.unset_transition(EXPORT)


def start(member: Member, query: dict[str, Any], bucket: str = "spark-logs", **s3: Any) -> dict[str, Any]:
    answer: Any = member.client.start_analysis_log_export(
        **member.id,
        analysisId=query["id"],
        analysisType="PROTECTED_QUERY",
        resultConfiguration={"outputConfiguration": {"s3": {"bucket": bucket, **s3}}},
    )
    return dict(answer["analysisLogExport"])


def get(member: Member, export: dict[str, Any]) -> dict[str, Any]:
    answer: Any = member.client.get_analysis_log_export(
        **member.id, analysisLogExportIdentifier=export["analysisLogExportId"]
    )
    return dict(answer["analysisLogExport"])


def listed(member: Member, **filters: Any) -> list[dict[str, Any]]:
    answer: Any = member.client.list_analysis_log_exports(**member.id, **filters)
    return list(answer["analysisLogExports"])


@pytest.mark.rule("LOG-4", "LOG-5")
@pytest.mark.parametrize(
    ("prefix", "probe", "stem"),
    [(None, "validationSuccess", ""), ("x/", "x/validationSuccess", "x/"), ("x", "xvalidationSuccess", "x/")],
)
def test_an_export(stage: Stage, clock: Clock, prefix: str | None, probe: str, stem: str) -> None:
    """A start answers IN_PROGRESS; by then the logs lie below the prefix, in folders of the collaboration, the query and the export."""
    bucket = stage.advertiser.client_of("s3")
    bucket.create_bucket(Bucket="spark-logs")
    query = stage.advertiser.run()
    more = {} if prefix is None else {"keyPrefix": prefix}
    export = start(stage.advertiser, query, **more)
    assert export == {
        "analysisLogExportId": export["analysisLogExportId"],
        "analysisId": query["id"],
        "analysisType": "PROTECTED_QUERY",
        "membershipId": stage.advertiser.membership["id"],
        "status": "IN_PROGRESS",
        "resultConfiguration": {"outputConfiguration": {"s3": {"bucket": "spark-logs", **more}}},
        "createTime": clock.now,
        "updateTime": clock.now,
    }
    assert get(stage.advertiser, export) == {**export, "status": "SUCCESS"}
    folder = (
        f"{stem}collaboration={stage.collaboration['id']}/analysis={query['id']}/{export['analysisLogExportId']}/"
        f"eventlog_v2_{query['id']}/"
    )
    keys = [entry["Key"] for entry in bucket.list_objects_v2(Bucket="spark-logs")["Contents"]]
    assert sorted(keys) == sorted([probe, f"{folder}events_1_{query['id']}", f"{folder}appstatus_{query['id']}"])
    assert bucket.get_object(Bucket="spark-logs", Key=probe)["Body"].read() == b""
    lines = bucket.get_object(Bucket="spark-logs", Key=f"{folder}events_1_{query['id']}")["Body"].read().splitlines()
    assert [json.loads(line)["Event"] for line in lines] == [
        "SparkListenerLogStart",
        "SparkListenerApplicationStart",
        "SparkListenerApplicationEnd",
    ]


@pytest.mark.rule("LOG-1", "PQ-94", "LIFE-26")
def test_exports_need_the_ability(scene: Scene, refused: Refused) -> None:
    """A member that can't export logs is denied, before anything is looked for."""
    stage = Stage(scene)
    with refused("AccessDeniedException", "INSUFFICIENT_PERMISSIONS", rule="LIFE-26"):
        start(stage.advertiser, {"id": NOWHERE})


@pytest.mark.rule("LOG-1", "PQ-94")
def test_exports_are_for_runner_and_payer(scene: Scene, refused: Refused) -> None:
    """Who pays for a query exports its logs, as does who ran it, and nobody else."""
    payer = scene.member(PUBLISHER, [ABILITY], paymentConfiguration=pays(query=True))
    other = scene.member(AGENCY, [ABILITY])
    stage = Stage(scene, [*ALL, ABILITY], members=[payer, other], publisher={"paymentConfiguration": pays(query=True)})
    agency = Member(scene, stage.collaboration, AGENCY)
    query = stage.advertiser.run()
    assert query["queryComputePayerAccountId"] == PUBLISHER
    for member in (stage.advertiser, stage.publisher):
        start(member, query, member.account_id)
        assert len(listed(member)) == 1
    with refused("AccessDeniedException", "INSUFFICIENT_PERMISSIONS", rule="LOG-1"):
        start(agency, query)
    assert listed(agency) == []


@pytest.mark.rule("LOG-1", "QUO-26", "QUO-27")
@pytest.mark.parametrize(("quota", "default"), [(QUOTAS[0], 5), (QUOTAS[1], 10)])
def test_exports_are_within_quotas(
    scene: Scene, refused: Refused, exports_take_time: None, quota: str, default: int
) -> None:
    """There are quotas of ongoing exports, of a membership and of an account."""
    stages = [Stage(scene, [*ALL, ABILITY]) for _ in range(3)]
    assert scene.handle.quotas[quota] == default
    started = []
    for number in range(default):
        member = stages[number // 5].advertiser
        started.append((member, start(member, member.run(), keyPrefix=str(number))))
    member = stages[default // 10 * 2].advertiser
    query = member.run()
    with refused("ServiceQuotaExceededException") as error:
        start(member, query, keyPrefix="more")
    assert (error["quotaName"], error["quotaValue"]) == (quota, float(default))
    for _ in range(2):
        get(*started[0])
    start(member, query, keyPrefix="more")


@pytest.mark.rule("LOG-2", "LOG-3")
def test_unknown_queries_have_no_logs(stage: Stage, refused: Refused) -> None:
    """A query that isn't there isn't found, nor is one of another collaboration, nor a job; and nothing is listed."""
    other = Stage(stage.scene, [*ALL, ABILITY]).advertiser.run()
    job = stage.advertiser.start_job(stage.advertiser.template("code"))
    for one in ({"id": NOWHERE}, other, job):
        with refused("ResourceNotFoundException", rule="LOG-2") as error:
            start(stage.advertiser, one)
        assert (error["resourceType"], error["resourceId"]) == ("MEMBERSHIP", one["id"])
    every: list[dict[str, Any]] = [{}, {"analysisIdentifier": NOWHERE}, {"status": "SUCCESS"}]
    for filters in every:
        assert listed(stage.advertiser, **filters) == []


@pytest.mark.rule("LOG-2", "LOG-5")
def test_queries_that_run_or_never_ran(stage: Stage, refused: Refused, by_steps: None, computing: Computing) -> None:
    """Logs of a query that hasn't ended aren't exported; the export of one that never ran fails, that of one that failed doesn't."""
    query = stage.advertiser.start()
    field = "analysisId"
    for _ in range(2):
        with refused("ValidationException", "INVALID_CONFIGURATION", field=field, rule="LOG-2"):
            start(stage.advertiser, query)
        stage.advertiser.get(query)
    assert get(stage.advertiser, start(stage.advertiser, query))["status"] == "SUCCESS"
    never = stage.advertiser.start("SELECT nothing FROM visits")
    stage.advertiser.get(never)
    failed = get(stage.advertiser, start(stage.advertiser, never))
    assert failed["status"] == "FAILED"
    assert failed["error"]["code"] == "LOGS_NOT_AVAILABLE"
    assert never["id"] in failed["error"]["message"]
    computing.refuse("INSUFFICIENT_COMPUTE", "no room")
    query = stage.advertiser.start()
    for _ in range(2):
        stage.advertiser.get(query)
    assert get(stage.advertiser, start(stage.advertiser, query))["status"] == "SUCCESS"


@pytest.mark.rule("LOG-3")
def test_private_queries_have_no_logs(stage: Stage, refused: Refused) -> None:
    """A query of a table with differential privacy is refused."""
    query = stage.advertiser.run()
    stage.scene.handle.backend(ADVERTISER).memberships[stage.advertiser.membership["id"]].member.collaboration.runs[
        "cleanrooms::protected_query"
    ][query["id"]].is_private = True
    with refused("ValidationException", "INVALID_CONFIGURATION", field="analysisId", rule="LOG-3"):
        start(stage.advertiser, query)
    assert listed(stage.advertiser) == []


@pytest.mark.rule("LOG-4")
def test_destinations(stage: Stage, refused: Refused) -> None:
    """A bucket that isn't there is refused in an account that has any, or by strict references, and one of another Region."""
    query = stage.advertiser.run()
    start(stage.advertiser, query)
    bucket = "resultConfiguration.outputConfiguration.s3.bucket"
    with (
        mock_cleanrooms(references="strict"),
        refused("ValidationException", "INVALID_CONFIGURATION", field=bucket, rule="LOG-4"),
    ):
        start(stage.advertiser, query, "nowhere")
    s3 = stage.advertiser.client_of("s3")
    s3.create_bucket(Bucket="mine")
    s3.create_bucket(Bucket="abroad", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    for name in ("spark-logs", "abroad"):
        with refused("ValidationException", "INVALID_CONFIGURATION", field=bucket, rule="LOG-4"):
            start(stage.advertiser, query, name)
    start(stage.advertiser, query, "mine")
    assert len(listed(stage.advertiser)) == 2


@pytest.mark.rule("LOG-4", "LOG-5")
def test_one_export_to_a_destination(stage: Stage, refused: Refused, exports_take_time: None) -> None:
    """While an export runs another of the same query doesn't go to the same place."""
    query, other = stage.advertiser.run(), stage.advertiser.run()
    export = start(stage.advertiser, query, keyPrefix="a")
    with refused("ValidationException", "INVALID_CONFIGURATION", rule="LOG-4"):
        start(stage.advertiser, query, keyPrefix="a")
    start(stage.advertiser, query, keyPrefix="b")
    start(stage.advertiser, other, keyPrefix="a")
    assert [get(stage.advertiser, export)["status"] for _ in range(2)] == ["IN_PROGRESS", "SUCCESS"]
    start(stage.advertiser, query, keyPrefix="a")


@pytest.mark.rule("LOG-6", "LIFE-32")
def test_lists(stage: Stage) -> None:
    """Exports are listed newest first, all, of a query or with a status."""
    queries = [stage.advertiser.run(), stage.advertiser.run("SELECT nothing FROM visits")]
    exports = [start(stage.advertiser, query) for query in (queries[0], queries[1], queries[0])]
    ids = [export["analysisLogExportId"] for export in exports]

    def found(**filters: Any) -> list[str]:
        return [export["analysisLogExportId"] for export in listed(stage.advertiser, **filters)]

    assert found() == ids[::-1]
    assert found(analysisIdentifier=queries[0]["id"]) == [ids[2], ids[0]]
    assert found(status="FAILED") == [ids[1]]
    assert found(status="IN_PROGRESS") == []
    assert listed(stage.advertiser)[0].keys() == {
        "analysisLogExportId",
        "analysisId",
        "analysisType",
        "status",
        "createTime",
    }


@pytest.mark.rule("LOG-6")
def test_exports_are_the_memberships(stage: Stage, refused: Refused) -> None:
    """An unknown export isn't found under one's own membership, nor another's; another's membership isn't found at all."""
    export = start(stage.advertiser, stage.advertiser.run())
    for member, one in ((stage.advertiser, {"analysisLogExportId": NOWHERE}), (stage.publisher, export)):
        with refused("ResourceNotFoundException", rule="LOG-6") as error:
            get(member, one)
        assert (error["resourceType"], error["resourceId"]) == ("MEMBERSHIP", one["analysisLogExportId"])
    mine: Any = stage.advertiser.id
    for client in (stage.publisher.client, stage.scene.stranger):
        with refused("ResourceNotFoundException", rule="ERR-10"):
            client.get_analysis_log_export(**mine, analysisLogExportIdentifier=NOWHERE)
        with refused("ResourceNotFoundException", rule="ERR-10"):
            client.list_analysis_log_exports(**mine)


@pytest.mark.rule("LIFE-2")
def test_after_removal(scene: Scene, refused: Refused) -> None:
    """A removed member lists its exports, and starts none; they don't keep its membership from being deleted."""
    payer = scene.member(PUBLISHER, [ABILITY], paymentConfiguration=pays(query=True))
    stage = Stage(scene, members=[payer], publisher={"paymentConfiguration": pays(query=True)})
    query = stage.advertiser.run()
    export = start(stage.publisher, query)
    stage.advertiser.client.delete_member(collaborationIdentifier=stage.collaboration["id"], accountId=PUBLISHER)
    with refused("AccessDeniedException", "INSUFFICIENT_PERMISSIONS", rule="LIFE-13"):
        start(stage.publisher, query)
    assert [one["analysisLogExportId"] for one in listed(stage.publisher)] == [export["analysisLogExportId"]]
    stage.publisher.client.delete_configured_table_association(
        **stage.publisher.id, configuredTableAssociationIdentifier=stage.visits["id"]
    )
    stage.publisher.client.delete_membership(**stage.publisher.id)
