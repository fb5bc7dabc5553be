"""Protected queries: who starts them with what, how they live, and who sees what of them."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from moto.moto_api import state_manager

from cleanrooms_mock import Handle
from tests.cleanrooms.staging import (
    ANYTHING,
    QUERY,
    TEXT,
    Computing,
    Member,
    Stage,
    by_steps,
    computing,
    to_member,
)
from tests.conftest import ADVERTISER, AGENCY, NOWHERE, PUBLISHER, Clock, Refused, Scene, paged, pays, results_to

__all__ = ["by_steps", "computing"]

pytestmark = pytest.mark.usefixtures("computing")


@pytest.fixture
def stage(scene: Scene) -> Stage:
    return Stage(scene)


# The answer of a start, and the life


@pytest.mark.rule("PQ-01", "PQ-27", "PQ-31", "PQ-42", "PQ-43", "PQ-56", "PQ-57", "PQ-58")
def test_a_query_from_start_to_end(stage: Stage, clock: Clock) -> None:
    """A start answers SUBMITTED, with nothing yet of what comes of it; by then the query has run."""
    text = "select City\n  FROM visits -- all"
    query = stage.advertiser.start(text)
    assert query == {
        "id": query["id"],
        "membershipId": stage.advertiser.membership["id"],
        "membershipArn": stage.advertiser.membership["arn"],
        "createTime": clock.now,
        "sqlParameters": {"queryString": text},
        "status": "SUBMITTED",
        "resultConfiguration": {
            "outputConfiguration": {
                "s3": {"bucket": "results", "keyPrefix": "here", "resultFormat": "CSV", "singleFileOutput": False}
            }
        },
        "queryComputePayerAccountId": ADVERTISER,
    }
    assert stage.advertiser.get(query) == {
        **query,
        "status": "SUCCESS",
        "statistics": {"totalDurationInMillis": 0, "billedResourceUtilization": {"units": 0.0}},
        "result": {"output": {"s3": {"location": f"s3://results/here/{query['id']}/"}}},
    }
    again = stage.advertiser.start(text)
    assert again["id"] != query["id"]
    assert len(stage.advertiser.queries()) == 2


@pytest.mark.rule("PQ-01", "PQ-50", "PQ-55", "PQ-57", "QUO-23")
def test_steps_of_motos_state_manager(stage: Stage, by_steps: None, clock: Clock, computing: Computing) -> None:
    """With steps a query runs when it is asked for as STARTED; statistics come with its end."""
    query = stage.advertiser.start()
    assert stage.advertiser.queries()[0]["status"] == "SUBMITTED"
    clock.advance(minutes=1)
    started = stage.advertiser.get(query)
    assert (started["status"], "statistics" in started, computing.ran) == ("STARTED", False, [])
    clock.advance(minutes=30)
    done = stage.advertiser.get(query)
    assert (done["status"], len(computing.ran)) == ("SUCCESS", 1)
    # 16 workers of 2 CRPUs for half an hour.
    assert done["statistics"] == {
        "totalDurationInMillis": 31 * 60 * 1000,
        "billedResourceUtilization": {"units": 16.0},
    }
    assert stage.advertiser.get(query) == done


def test_steps_by_time(stage: Stage, clock: Clock) -> None:
    """With a transition by time each step takes that long on moto's clock, whoever asks, lists included."""
    state_manager.set_transition(QUERY, {"progression": "time", "seconds": 60})
    try:
        query = stage.advertiser.start()
        assert stage.advertiser.get(query)["status"] == "SUBMITTED"
        clock.advance(seconds=61)
        assert [one["status"] for one in stage.advertiser.queries()] == ["STARTED"]
        assert stage.advertiser.get(query)["status"] == "STARTED"
        clock.advance(seconds=61)
        assert [one["status"] for one in stage.advertiser.queries(status="SUCCESS")] == ["SUCCESS"]
    finally:
        state_manager.unset_transition(QUERY)


@pytest.mark.rule("PQ-55", "PQ-57", "QUO-23")
@pytest.mark.parametrize(("receivers", "hours"), [([], 12), ([PUBLISHER], 24), ([PUBLISHER, AGENCY], 24)])
def test_a_query_takes_too_long(scene: Scene, by_steps: None, clock: Clock, receivers: list[str], hours: int) -> None:
    """It is TIMED_OUT after 12 hours, or 24 with roles for its results, without an error and a result."""
    others = [scene.member(account_id, ["CAN_RECEIVE_RESULTS"]) for account_id in (PUBLISHER, AGENCY)]
    stage = Stage(scene, receives=True, members=others)
    agency = scene.handle.client(AGENCY)
    scene.join(agency, stage.collaboration, defaultResultConfiguration=results_to("agency-results", AGENCY))
    more: dict[str, Any] = {"resultConfiguration": to_member(*receivers)} if receivers else {}
    query, other = stage.advertiser.start(**more), stage.advertiser.start(**more)
    for one in (query, other):
        assert stage.advertiser.get(one)["status"] == "STARTED"
    clock.advance(hours=hours, seconds=-1)
    assert stage.advertiser.get(query)["status"] == "SUCCESS"
    clock.advance(seconds=1)
    late = stage.advertiser.get(other)
    assert late["status"] == "TIMED_OUT"
    assert not {"error", "result"} & late.keys()
    assert late["statistics"]["billedResourceUtilization"] == {"units": 32.0 * hours}


@pytest.mark.rule("PQ-55")
def test_a_place_without_a_role_shortens_the_time(scene: Scene, by_steps: None, clock: Clock) -> None:
    """Where one of two places of a result is named by the runner, and not by a membership's default, there are 12 hours."""
    stage = Stage(scene, receives=True)
    locations = [{"s3": {"bucket": "results", "resultFormat": "CSV"}}, {"member": {"accountId": PUBLISHER}}]
    query = stage.advertiser.start(
        resultConfiguration={"outputConfiguration": {"distribute": {"locations": locations}}}
    )
    stage.advertiser.get(query)
    clock.advance(hours=12)
    assert stage.advertiser.get(query)["status"] == "TIMED_OUT"


@pytest.mark.rule("PQ-50", "PQ-51", "PQ-57", "PQ-59", "PQ-60", "PQ-04", "PQ-58")
def test_a_query_that_breaks_a_rule(stage: Stage, by_steps: None) -> None:
    """It ends FAILED without having been STARTED, with a code, a message and whether to try again."""
    query = stage.advertiser.start("SELECT city FROM nowhere")
    answer = stage.advertiser.client.get_protected_query(**stage.advertiser.id, protectedQueryIdentifier=query["id"])
    failed = answer["protectedQuery"]
    assert failed["status"] == "FAILED"
    assert failed["error"] == {
        "code": "RESOURCE_NOT_FOUND",
        "message": failed["error"]["message"],
        "retry": {"retryable": False},
    }
    assert "nowhere" in failed["error"]["message"]
    assert failed["statistics"] == {"totalDurationInMillis": failed["statistics"]["totalDurationInMillis"]}
    assert "result" not in failed
    assert answer["ResponseMetadata"]["HTTPHeaders"]["x-cleanrooms-mock-rule"] == "PQ-04"


def test_the_log_of_calls_tells_why_a_query_failed(stage: Stage) -> None:
    """The call that started a query that failed, and each that asks for it, has the rule and the message, and no error."""
    query = stage.advertiser.start("SELECT town FROM visits")
    stage.advertiser.get(query)
    for call in stage.scene.handle.calls[-2:]:
        assert (call.status, call.error) == (200, None)
        assert call.rule is not None
        assert call.rule.id == "SQL-24"
        assert "FAILED MALFORMED_QUERY" in str(call)
        assert "SQL-24" in str(call)


@pytest.mark.rule("PQ-59", "PQ-60")
@pytest.mark.parametrize(
    ("code", "retry"),
    [
        ("MALFORMED_QUERY", {"retryable": False}),
        ("RESOURCE_NOT_FOUND", {"retryable": False}),
        ("INVALID_RESOURCE", {"retryable": False}),
        ("RESOURCE_ACCESS_DENIED", {"retryable": False}),
        ("INSUFFICIENT_COMPUTE", {"retryable": False}),
        ("TRANSIENT_ERROR", {"retryable": True}),
        ("INTERNAL_ERROR", {"retryable": True}),
        ("UNKNOWN_ERROR", None),
    ],
)
def test_failures_in_execution(stage: Stage, computing: Computing, code: str, retry: dict[str, bool] | None) -> None:
    """What fails when it runs has been STARTED, and costs."""
    computing.refuse(code, "That was too much.")
    failed = stage.advertiser.run()
    expected: dict[str, Any] = {"code": code, "message": "That was too much."}
    if retry is not None:
        expected["retry"] = retry
    assert (failed["status"], failed["error"]) == ("FAILED", expected)
    assert "billedResourceUtilization" in failed["statistics"]
    assert "result" not in failed


def test_a_mistake_of_the_mocks_own(stage: Stage, computing: Computing, caplog: pytest.LogCaptureFixture) -> None:
    """An exception that nobody has foreseen ends the query as INTERNAL_ERROR, and its traceback is logged."""

    def stumble(query: Any) -> Any:
        raise KeyError("oops")

    computing.instead = stumble
    failed = stage.advertiser.run()
    assert failed["error"]["code"] == "INTERNAL_ERROR"
    assert failed["error"]["retry"] == {"retryable": True}
    assert "KeyError" in failed["error"]["message"]
    assert "oops" in caplog.text


def test_an_interrupt_leaves_nothing_at_work(stage: Stage, computing: Computing) -> None:
    """What interrupts the test goes through, and the query is over."""

    def interrupt(query: Any) -> Any:
        raise KeyboardInterrupt

    computing.instead = interrupt
    with pytest.raises(KeyboardInterrupt):
        stage.advertiser.start()
    assert [query["status"] for query in stage.advertiser.queries()] == ["FAILED"]
    computing.instead = None
    assert stage.advertiser.run()["status"] == "SUCCESS"


# Who may start


@pytest.mark.rule("PQ-10", "PQ-11", "PQ-12", "PQ-16", "LIFE-26")
def test_who_may_start(stage: Stage, refused: Refused) -> None:
    """A query is started under an own, active membership with CAN_QUERY; removed members still see theirs."""
    query = stage.advertiser.start()
    with refused("AccessDeniedException", "INSUFFICIENT_PERMISSIONS", rule="LIFE-26"):
        stage.publisher.start()
    for id_ in (NOWHERE, stage.advertiser.membership["id"]):
        with refused("ResourceNotFoundException", rule="ERR-10") as error:
            stage.publisher.client.start_protected_query(
                type="SQL", membershipIdentifier=id_, sqlParameters={"queryString": TEXT}
            )
        assert (error["resourceType"], error["resourceId"]) == ("MEMBERSHIP", id_)
    stage.advertiser.client.delete_collaboration(collaborationIdentifier=stage.collaboration["id"])
    with refused("AccessDeniedException", "INSUFFICIENT_PERMISSIONS", rule="LIFE-13"):
        stage.advertiser.start()
    with refused("AccessDeniedException", "INSUFFICIENT_PERMISSIONS", rule="LIFE-13"):
        stage.advertiser.cancel(query)
    assert stage.advertiser.get(query)["status"] == "SUCCESS"
    assert [one["id"] for one in stage.advertiser.queries()] == [query["id"]]


@pytest.mark.rule("PQ-07")
def test_order_of_checks(scene: Scene, refused: Refused) -> None:
    """Of several faults the first in the service's order is answered."""
    stage = Stage(scene)
    wrong: dict[str, Any] = {
        "sqlParameters": {"queryString": " "},
        "resultConfiguration": to_member(AGENCY),
        "queryComputePayerAccountId": AGENCY,
        "computeConfiguration": {"worker": {"number": 1024, "properties": {"spark": {"spark.jars": "x"}}}},
    }
    right: dict[str, Any] = {
        "sqlParameters": {"queryString": "no query at all"},
        "resultConfiguration": results_to(),
        "queryComputePayerAccountId": ADVERTISER,
    }
    for membership_id, error, first in (
        (NOWHERE, "ResourceNotFoundException", "ERR-10"),
        (stage.publisher.membership["id"], "AccessDeniedException", "LIFE-26"),
    ):
        with stage.nothing_starts(), refused(error, rule=first):
            stage.publisher.client.start_protected_query(type="SQL", membershipIdentifier=membership_id, **wrong)
    for name, rule in (
        ("sqlParameters", "PQ-02"),
        ("resultConfiguration", "PQ-33"),
        ("queryComputePayerAccountId", "PQ-41"),
        ("computeConfiguration", "PQ-45"),
    ):
        with stage.nothing_starts(), refused("ValidationException", rule=rule):
            stage.advertiser.start(None, **wrong)
        if name in right:
            wrong[name] = right[name]
    wrong["computeConfiguration"]["worker"]["properties"] = {"spark": {}}
    with stage.nothing_starts(), refused("ServiceQuotaExceededException", rule="QUO-18"):
        stage.advertiser.start(None, **wrong)


# What is asked


@pytest.mark.rule("PQ-21")
@pytest.mark.parametrize("both", [False, True])
def test_a_text_or_a_template(stage: Stage, refused: Refused, both: bool) -> None:
    """sqlParameters with neither of the two, or with both, are refused."""
    arn = stage.publisher.template("cities", TEXT)
    parameters = {"queryString": TEXT, "analysisTemplateArn": arn} if both else {}
    with stage.nothing_starts(), refused("ValidationException", "FIELD_VALIDATION_FAILED", field="sqlParameters"):
        stage.advertiser.start(None, sqlParameters=parameters)


@pytest.mark.rule("PQ-22")
def test_a_text_has_no_parameters(stage: Stage, refused: Refused) -> None:
    parameters = {"queryString": TEXT, "parameters": {"least": "1"}}
    with stage.nothing_starts(), refused("ValidationException", field="sqlParameters.parameters", rule="PQ-22"):
        stage.advertiser.start(None, sqlParameters=parameters)


@pytest.mark.rule("PQ-02")
def test_blank_and_unreadable_texts(stage: Stage, refused: Refused) -> None:
    """A blank text is refused; one that says nothing, or that can't be read, makes a query that fails."""
    for text in ("", " \n\t"):
        with stage.nothing_starts(), refused("ValidationException", "INVALID_QUERY", rule="PQ-02"):
            stage.advertiser.start(text)
    for text in ("-- nothing", "SELECT FROM WHERE", "DROP TABLE visits"):
        failed = stage.advertiser.run(text)
        assert (failed["status"], failed["error"]["code"]) == ("FAILED", "MALFORMED_QUERY")
        assert failed["sqlParameters"] == {"queryString": text}


@pytest.mark.rule("PQ-26", "QUO-20")
def test_length_of_a_text(stage: Stage, refused: Refused) -> None:
    """500 KB is the most, counted in bytes."""
    comment = f"{TEXT} -- "
    long = comment + "x" * (len(comment) % 2) + "é" * ((500_000 - len(comment)) // 2)
    assert len(long.encode()) == 500_000
    assert stage.advertiser.run(long)["status"] == "SUCCESS"
    with stage.nothing_starts(), refused("ValidationException", field="sqlParameters.queryString", rule="PQ-26"):
        stage.advertiser.start(long + "x")
    stage.scene.handle.quotas["Query text length on Spark analytics engine"] = 0.01
    with refused("ValidationException", "FIELD_VALIDATION_FAILED", rule="PQ-26"):
        stage.advertiser.start()


@pytest.mark.rule("QUO-22")
def test_length_of_a_private_text(stage: Stage) -> None:
    """A text for tables with differential privacy is shorter: a longer one makes a query that fails."""
    private = {**ANYTHING, "allowedAnalyses": ["ANY_QUERY"], "differentialPrivacy": {"columns": [{"name": "person"}]}}
    stage.publisher.table("people", "person", "city", rule=private, method="DIRECT_QUERY")
    stage.publisher.client.create_privacy_budget_template(
        **stage.publisher.id,
        privacyBudgetType="DIFFERENTIAL_PRIVACY",
        autoRefresh="NONE",
        parameters={"differentialPrivacy": {"epsilon": 20, "usersNoisePerQuery": 50}},
    )
    text = "SELECT COUNT(DISTINCT person) AS people FROM people"
    quota = "Query text length (using differential privacy)"
    assert stage.scene.handle.quotas[quota] == 8
    stage.scene.handle.quotas[quota] = len(text) / 1000
    assert stage.advertiser.run(text)["status"] == "SUCCESS"
    failed = stage.advertiser.run(f"{text} ")
    assert (failed["status"], failed["error"]["code"]) == ("FAILED", "MALFORMED_QUERY")


@pytest.mark.rule("PQ-23")
def test_templates_of_queries(scene: Scene, stage: Stage, refused: Refused) -> None:
    """Any member's template in SQL does; one in PySpark doesn't, and one of another collaboration isn't found."""
    elsewhere = Stage(scene).publisher.template("cities", TEXT)
    nothing = f"{stage.publisher.membership['arn']}/analysistemplate/{NOWHERE}"
    for arn in (elsewhere, nothing):
        with stage.nothing_starts(), refused("ResourceNotFoundException", rule="PQ-23") as error:
            stage.advertiser.start(None, sqlParameters={"analysisTemplateArn": arn})
        assert (error["resourceType"], error["resourceId"]) == ("COLLABORATION", arn)
    code = stage.advertiser.template("code")
    field = "sqlParameters.analysisTemplateArn"
    with stage.nothing_starts(), refused("ValidationException", "INVALID_CONFIGURATION", field=field, rule="PQ-23"):
        stage.advertiser.start(None, sqlParameters={"analysisTemplateArn": code})
    for member in (stage.advertiser, stage.publisher):
        arn = member.template("cities", TEXT)
        query = stage.advertiser.run(None, sqlParameters={"analysisTemplateArn": arn})
        assert (query["status"], query["sqlParameters"]) == ("SUCCESS", {"analysisTemplateArn": arn})


PARAMETERS = [
    {"name": "least", "type": "INTEGER", "defaultValue": "3"},
    {"name": "town", "type": "VARCHAR"},
    {"name": "day", "type": "DATE", "defaultValue": "2026-01-01"},
]
PARAMETRIC = "SELECT city FROM visits WHERE visits > :least AND city = :town AND city <> :day"


@pytest.mark.rule("PQ-24", "PQ-27", "TPL-20")
def test_values_of_parameters(stage: Stage, computing: Computing) -> None:
    """Values stand in place of defaults, which the answers don't show."""
    arn = stage.publisher.template("cities", PARAMETRIC, analysisParameters=PARAMETERS)
    given = {"town": "Rome'; --", "least": "5", "day": "05-01-2023"}
    query = stage.advertiser.run(None, sqlParameters={"analysisTemplateArn": arn, "parameters": given})
    assert query["sqlParameters"] == {"analysisTemplateArn": arn, "parameters": given}
    types = {"least": "INTEGER", "town": "VARCHAR", "day": "DATE"}
    assert computing.ran[-1].values == {name: (types[name], given[name]) for name in types}
    query = stage.advertiser.run(None, sqlParameters={"analysisTemplateArn": arn, "parameters": {"town": "Rome"}})
    assert query["sqlParameters"]["parameters"] == {"town": "Rome"}
    assert computing.ran[-1].values["least"] == ("INTEGER", "3")


@pytest.mark.rule("PQ-24")
@pytest.mark.parametrize(
    ("given", "name"),
    [
        ({"town": "Rome", "size": "2"}, "size"),
        ({}, "town"),
        ({"town": "Rome", "least": "abc"}, "least"),
        ({"town": "Rome", "day": "someday"}, "day"),
    ],
)
def test_values_that_are_wrong(stage: Stage, refused: Refused, given: dict[str, str], name: str) -> None:
    """An undeclared name, a missing value, and one that doesn't read as its type are refused by their names."""
    arn = stage.publisher.template("cities", PARAMETRIC, analysisParameters=PARAMETERS)
    field = f"sqlParameters.parameters.{name}"
    with (
        stage.nothing_starts(),
        refused("ValidationException", "FIELD_VALIDATION_FAILED", field=field, rule="PQ-24"),
    ):
        stage.advertiser.start(None, sqlParameters={"analysisTemplateArn": arn, "parameters": given})


# Who sees what


@pytest.mark.rule("PQ-14", "PQ-62", "PQ-84", "PQ-85", "PQ-58")
def test_runner_and_receiver(scene: Scene) -> None:
    """The receiver sees a query under its own membership, without the text, and where its result is; the runner only to whom it went."""
    stage = Stage(scene, ["CAN_QUERY"], receives=True)
    query = stage.advertiser.run(resultConfiguration=to_member(PUBLISHER))
    assert query["result"] == {"output": {"memberList": [{"accountId": PUBLISHER}]}}
    assert query["resultConfiguration"] == to_member(PUBLISHER)
    seen = stage.publisher.get(query)
    assert seen == {
        **{name: value for name, value in query.items() if name not in ("sqlParameters", "resultConfiguration")},
        "result": {"output": {"s3": {"location": f"s3://publisher-results/{query['id']}/"}}},
    }
    (summary,) = stage.publisher.queries()
    assert [summary] == stage.advertiser.queries()
    assert summary == {
        "id": query["id"],
        "membershipId": stage.advertiser.membership["id"],
        "membershipArn": stage.advertiser.membership["arn"],
        "createTime": query["createTime"],
        "status": "SUCCESS",
        "receiverConfigurations": [
            {
                "analysisType": "DIRECT_ANALYSIS",
                "configurationDetails": {"directAnalysisConfigurationDetails": {"receiverAccountIds": [PUBLISHER]}},
            }
        ],
        "queryComputePayerAccountId": ADVERTISER,
    }


@pytest.mark.rule("PQ-14", "PQ-15", "PQ-54")
def test_others_see_nothing(scene: Scene, refused: Refused) -> None:
    """Who neither runs nor receives finds nothing, though it pays and owns the table; a receiver can't cancel."""
    payer = scene.member(PUBLISHER, ["CAN_RECEIVE_RESULTS"], paymentConfiguration=pays(query=True))
    stage = Stage(scene, receives=True, members=[payer], publisher={"paymentConfiguration": pays(query=True)})
    query = stage.advertiser.run()
    assert query["queryComputePayerAccountId"] == PUBLISHER
    for call in (stage.publisher.get, stage.publisher.cancel):
        with refused("ResourceNotFoundException", rule="PQ-15") as error:
            call(query)
        assert (error["resourceType"], error["resourceId"]) == ("MEMBERSHIP", query["id"])
    assert stage.publisher.queries() == []
    with refused("ResourceNotFoundException", rule="PQ-15"):
        stage.advertiser.get({"id": NOWHERE})


@pytest.mark.rule("PQ-54", "LIFE-26")
def test_who_cancels(scene: Scene, refused: Refused, by_steps: None) -> None:
    """Only the runner cancels, and only as long as it can query."""
    stage = Stage(scene, receives=True)
    query = stage.advertiser.start(resultConfiguration=to_member(PUBLISHER))
    with refused("AccessDeniedException", "INSUFFICIENT_PERMISSIONS", rule="LIFE-26"):
        stage.publisher.cancel(query)
    runner = scene.handle.backend(PUBLISHER).memberships[stage.publisher.membership["id"]].member
    runner.abilities.append("CAN_QUERY")
    with refused("AccessDeniedException", "INSUFFICIENT_PERMISSIONS", rule="PQ-54"):
        stage.publisher.cancel(query)
    assert stage.advertiser.cancel(query)["status"] == "CANCELLING"


@pytest.mark.rule("PQ-61")
def test_lists(stage: Stage, computing: Computing) -> None:
    """Queries are listed newest first, page by page, and by status."""
    ids = [stage.advertiser.start()["id"] for _ in range(5)]
    paged(stage.advertiser.client.list_protected_queries, "protectedQueries", ids[::-1], **stage.advertiser.id)
    computing.refuse("INVALID_RESOURCE", "no")
    failed = stage.advertiser.start()["id"]
    assert [query["id"] for query in stage.advertiser.queries(status="FAILED")] == [failed]
    assert [query["id"] for query in stage.advertiser.queries(status="SUCCESS")] == ids[::-1]
    assert stage.advertiser.queries(status="STARTED") == []


# Cancelling


@pytest.mark.rule("PQ-50", "PQ-52", "PQ-53", "PQ-57")
@pytest.mark.parametrize("looks", [0, 1])
def test_cancelling(stage: Stage, by_steps: None, refused: Refused, looks: int, computing: Computing) -> None:
    """A query that waits or runs is CANCELLING, stays so if it is cancelled again, and ends CANCELLED."""
    query = stage.advertiser.start()
    for _ in range(looks):
        stage.advertiser.get(query)
    for _ in range(2):
        cancelled = stage.advertiser.cancel(query)
        assert cancelled["status"] == "CANCELLING"
        assert "statistics" not in cancelled
    done = stage.advertiser.get(query)
    assert done["status"] == "CANCELLED"
    assert ("billedResourceUtilization" in done["statistics"]) == bool(looks)
    assert not {"error", "result"} & done.keys()
    with refused("ConflictException", "INVALID_STATE", rule="PQ-53") as error:
        stage.advertiser.cancel(query)
    assert error["resourceId"] == query["id"]
    assert "resourceType" not in error
    assert stage.advertiser.get(query) == done
    assert computing.ran == []


@pytest.mark.rule("PQ-53")
def test_what_is_over_is_not_cancelled(stage: Stage, refused: Refused) -> None:
    for text in (TEXT, "SELECT nothing"):
        query = stage.advertiser.run(text)
        with refused("ConflictException", "INVALID_STATE", rule="PQ-53"):
            stage.advertiser.cancel(query)
        assert stage.advertiser.get(query) == query


@pytest.mark.rule("PQ-52")
def test_cancelled_at_once(stage: Stage) -> None:
    """Without steps what is CANCELLING is CANCELLED by the next call."""
    stage.scene.handle.quotas["Concurrent SQL queries per account"] = 0
    query = stage.advertiser.start()
    assert stage.advertiser.cancel(query)["status"] == "CANCELLING"
    assert stage.advertiser.queries()[0]["status"] == "CANCELLED"


def test_cancelled_while_it_runs(stage: Stage, computing: Computing) -> None:
    """Other calls get through while a query runs; one that is cancelled meanwhile leaves no result."""
    statuses = []
    stage.advertiser.s3().create_bucket(Bucket="results")

    def run(query: Any) -> Any:
        one = {"id": query.id}

        def meanwhile() -> None:
            statuses.append(stage.advertiser.get(one)["status"])
            statuses.append(stage.advertiser.cancel(one)["status"])
            statuses.append(stage.advertiser.get(one)["status"])

        thread = threading.Thread(target=meanwhile)
        thread.start()
        thread.join(timeout=60)
        return computing.outcome(query)

    computing.instead = run
    query = stage.advertiser.start()
    assert statuses == ["STARTED", "CANCELLING", "CANCELLING"]
    assert stage.advertiser.get(query)["status"] == "CANCELLED"
    assert "Contents" not in stage.advertiser.s3().list_objects_v2(Bucket="results")


def test_reset_while_it_runs(stage: Stage, computing: Computing) -> None:
    """What runs when the state is reset comes to nothing, and doesn't touch what comes after."""

    def run(query: Any) -> Any:
        stage.scene.handle.backend().reset()
        return computing.outcome(query)

    computing.instead = run
    assert stage.advertiser.start()["status"] == "SUBMITTED"
    assert len(stage.scene.handle.backend(ADVERTISER).ongoing) <= 1
    computing.instead = None
    again = Stage(stage.scene)
    assert again.advertiser.run()["status"] == "SUCCESS"


@pytest.mark.rule("MEM-38", "LIFE-2")
def test_deleting_a_membership(scene: Scene, by_steps: None) -> None:
    """Queries don't keep a membership from being deleted; what is ongoing is cancelled, and receivers still see it."""
    runner = scene.member(PUBLISHER, ["CAN_QUERY"])
    receiver = scene.member(AGENCY, ["CAN_RECEIVE_RESULTS"])
    collaboration = scene.create(creatorMemberAbilities=[], members=[runner, receiver])
    publisher = Member(
        scene,
        collaboration,
        PUBLISHER,
    )
    agency = Member(scene, collaboration, AGENCY, defaultResultConfiguration=results_to("agency-results", AGENCY))
    agency.table("visits", rule={"allowedAnalyses": ["ANY_QUERY"], "allowedAnalysisProviders": [PUBLISHER]})
    waiting, started = (publisher.start(resultConfiguration=to_member(AGENCY)) for _ in range(2))
    assert publisher.get(started)["status"] == "STARTED"
    publisher.client.delete_membership(**publisher.id)
    for query in (waiting, started):
        seen = agency.get(query)
        assert (seen["status"], seen["membershipId"]) == ("CANCELLED", publisher.membership["id"])


@pytest.mark.rule("MEM-38")
@pytest.mark.parametrize("how", ["delete_member", "delete_collaboration"])
def test_removal_and_the_end_of_a_collaboration(scene: Scene, by_steps: None, how: str) -> None:
    """They cancel what is ongoing."""
    collaboration = scene.create(
        creatorMemberAbilities=["CAN_RECEIVE_RESULTS"], members=[scene.member(PUBLISHER, ["CAN_QUERY"])]
    )
    scene.join(scene.advertiser, collaboration, defaultResultConfiguration=results_to("here", ADVERTISER))
    publisher = Member(scene, collaboration, PUBLISHER)
    publisher.table("visits")
    query = publisher.start(resultConfiguration=to_member(ADVERTISER))
    more = {"accountId": PUBLISHER} if how == "delete_member" else {}
    getattr(scene.advertiser, how)(collaborationIdentifier=collaboration["id"], **more)
    assert publisher.get(query)["status"] == "CANCELLED"


# Quotas


@pytest.mark.rule("PQ-70", "QUO-14")
def test_ongoing_queries(stage: Stage, by_steps: None, refused: Refused) -> None:
    """Five of a membership may be ongoing: waiting, running or being cancelled."""
    queries = [stage.advertiser.start() for _ in range(5)]
    stage.advertiser.get(queries[0])
    stage.advertiser.cancel(queries[1])
    with stage.nothing_starts(), refused("ServiceQuotaExceededException", rule="QUO-14") as error:
        stage.advertiser.start()
    assert (error["quotaName"], error["quotaValue"]) == ("Concurrent ongoing queries per membership", 5.0)
    assert stage.advertiser.get(queries[1])["status"] == "CANCELLED"
    stage.advertiser.start()


@pytest.mark.rule("PQ-71", "QUO-16")
@pytest.mark.parametrize(("region_name", "most"), [("us-east-1", 5), ("eu-west-1", 2)])
def test_queries_wait_for_room(cleanrooms: Handle, by_steps: None, region_name: str, most: int) -> None:
    """More than run at a time wait, over all collaborations of the account, and go on when there is room."""
    scene = Scene(cleanrooms, region_name)
    stages = [Stage(scene) for _ in range(2)]
    queries = [(stage.advertiser, stage.advertiser.start()) for stage in stages for _ in range(3)]
    statuses = [member.get(query)["status"] for member, query in queries]
    assert statuses == ["STARTED"] * most + ["SUBMITTED"] * (6 - most)
    assert queries[0][0].get(queries[0][1])["status"] == "SUCCESS"
    assert queries[-1][0].get(queries[-1][1])["status"] == "STARTED"


@pytest.mark.rule("PQ-72", "QUO-18")
@pytest.mark.parametrize(("kind", "most"), [("CR.1X", 128), ("CR.4X", 32), ("CR.8X", 16)])
def test_vcpus(stage: Stage, refused: Refused, kind: Any, most: int) -> None:
    """A query has 512 vCPUs at the most, whatever its workers."""
    compute: dict[str, Any] = {"worker": {"type": kind, "number": most}}
    query = stage.advertiser.run(computeConfiguration=compute)
    assert query["computeConfiguration"] == compute
    compute["worker"]["number"] += 1
    with stage.nothing_starts(), refused("ServiceQuotaExceededException", rule="QUO-18") as error:
        stage.advertiser.start(computeConfiguration=compute)
    assert (error["quotaName"], error["quotaValue"]) == ("Concurrent SQL query vCPU usage per account", 512.0)


@pytest.mark.rule("PQ-43")
@pytest.mark.parametrize(
    ("worker", "units"),
    [
        (None, 32),
        ({"type": "CR.1X", "number": 2}, 4),
        ({"type": "CR.4X", "number": 2}, 16),
        ({"type": "CR.8X", "number": 2}, 32),
        ({"number": 4}, 8),
        ({"type": "CR.4X"}, 128),
    ],
)
def test_what_workers_cost(
    stage: Stage, by_steps: None, clock: Clock, worker: dict[str, Any] | None, units: float
) -> None:
    """An hour costs each worker's CRPUs."""
    more: dict[str, Any] = {} if worker is None else {"computeConfiguration": {"worker": worker}}
    query = stage.advertiser.start(**more)
    stage.advertiser.get(query)
    clock.advance(hours=1)
    done = stage.advertiser.get(query)
    assert done["statistics"]["billedResourceUtilization"] == {"units": float(units)}
    assert done.get("computeConfiguration") == more.get("computeConfiguration")


@pytest.mark.rule("PQ-45")
def test_properties_of_spark(stage: Stage, refused: Refused, computing: Computing) -> None:
    """Those that the guide lists can be set, and no other."""
    known = {"spark.sql.session.timeZone": "Europe/Rome", "spark.sql.shuffle.partitions": "8"}
    query = stage.advertiser.run(computeConfiguration={"worker": {"properties": {"spark": known}}})
    assert query["computeConfiguration"]["worker"]["properties"] == {"spark": known}
    assert computing.ran[-1].compute.properties == known
    for name in ("spark.jars", "spark.sql.session.timezone"):
        field = "computeConfiguration.worker.properties.spark"
        with stage.nothing_starts(), refused("ValidationException", field=field, rule="PQ-45"):
            stage.advertiser.start(computeConfiguration={"worker": {"properties": {"spark": {**known, name: "x"}}}})


@pytest.mark.rule("QUO-21")
def test_the_quota_of_the_retired_engine(stage: Stage) -> None:
    """It is listed, and refuses nothing."""
    quota = "Query text length on Clean Rooms SQL analytics engine"
    assert stage.scene.handle.quotas[quota] == 90
    stage.scene.handle.quotas[quota] = 0
    assert stage.advertiser.run()["status"] == "SUCCESS"


@pytest.mark.rule("QUO-13")
def test_tables_of_a_query(stage: Stage) -> None:
    """The quota that is set is the one that the query is held to."""
    stage.publisher.table("clicks", "town")
    text = "SELECT city FROM visits JOIN clicks ON city = town"
    quota = "Configured tables per protected query"
    assert stage.scene.handle.quotas[quota] == 15
    assert stage.advertiser.run(text)["status"] == "SUCCESS"
    stage.scene.handle.quotas[quota] = 1
    failed = stage.advertiser.run(text)
    assert (failed["status"], failed["error"]["code"]) == ("FAILED", "MALFORMED_QUERY")


# Access budgets


def budget_of(stage: Stage, table: dict[str, Any], budget: int) -> None:
    stage.publisher.client.create_privacy_budget_template(
        **stage.publisher.id,
        privacyBudgetType="ACCESS_BUDGET",
        parameters={
            "accessBudget": {
                "budgetParameters": [{"type": "LIFETIME", "budget": budget}],
                "resourceArn": table["arn"],
            }
        },
    )


def left(stage: Stage) -> list[int]:
    budgets = stage.publisher.client.list_privacy_budgets(**stage.publisher.id, privacyBudgetType="ACCESS_BUDGET")
    return [one["budget"]["accessBudget"]["aggregateRemainingBudget"] for one in budgets["privacyBudgetSummaries"]]


@pytest.mark.rule("PQ-74", "PRIV-17")
def test_access_budgets(stage: Stage, computing: Computing) -> None:
    """A query takes one from each table it reads once it is found valid, and isn't given it back when it fails later."""
    clicks = stage.publisher.table("clicks", "town")
    budget_of(stage, stage.visits, 3)
    budget_of(stage, clicks, 1)
    stage.advertiser.run("SELECT v.city FROM visits v JOIN visits w ON v.city = w.city")
    assert left(stage) == [2, 1]
    stage.advertiser.run("SELECT city, nothing FROM visits")
    assert left(stage) == [2, 1]
    computing.refuse("INSUFFICIENT_COMPUTE", "no room")
    stage.advertiser.run("SELECT city FROM visits JOIN clicks ON city = town")
    assert left(stage) == [1, 0]
    failed = stage.advertiser.run("SELECT city FROM visits JOIN clicks ON city = town")
    assert failed["error"]["code"] == "RESOURCE_ACCESS_DENIED"
    assert "clicks" in failed["error"]["message"]
    assert left(stage) == [1, 0]


def test_quotas_of_regions(stage: Stage) -> None:
    """What is set holds in every Region; what isn't differs by Region and is shown as in us-east-1."""
    quotas = stage.scene.handle.quotas
    name = "Concurrent SQL queries per account"
    assert quotas[name] == 5
    quotas[name] = 7
    assert quotas[name] == 7
    del quotas[name]
    assert quotas[name] == 5
    assert name in quotas
