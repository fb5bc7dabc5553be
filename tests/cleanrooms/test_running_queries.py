"""Queries that really run: from tables in Glue and S3 to results in buckets, intermediate tables and logs."""

from __future__ import annotations

import json
from typing import Any, Literal

import pytest

from cleanrooms_mock import Handle, mock_cleanrooms
from cleanrooms_mock.analysis import extras
from tests.cleanrooms.staging import Member, Stage, store, to_member
from tests.conftest import ADVERTISER, AGENCY, PUBLISHER, Refused, Scene, results_to

pytest.importorskip("duckdb")

VISITS = {"city": "string", "visits": "int"}
ROWS = [("Rome", 3), ("Oslo", 5), ("Rome", 4)]


def result(member: Member, location: str) -> list[str]:
    """The lines of a result in CSV, sorted but for the header of each file."""
    bucket, _, prefix = location.removeprefix("s3://").partition("/")
    s3 = member.client_of("s3")
    lines = []
    for entry in s3.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", ()):
        header, *rows = s3.get_object(Bucket=bucket, Key=entry["Key"])["Body"].read().decode().splitlines()
        lines += [header, *sorted(rows)]
    return lines


def location_of(query: dict[str, Any]) -> str:
    assert query["status"] == "SUCCESS", query
    return str(query["result"]["output"]["s3"]["location"])


@pytest.fixture
def stage(scene: Scene) -> Stage:
    """The stage with rows in ``visits``, and a bucket for the advertiser's results."""
    stage = Stage(scene)
    store(stage.publisher, "visits", VISITS, ROWS, "tables")
    stage.advertiser.client_of("s3").create_bucket(Bucket="results")
    return stage


@pytest.mark.rule("PQ-01", "PQ-80")
def test_rows_of_another_account(stage: Stage) -> None:
    """The runner reads what the query makes of the publisher's rows, in its own bucket."""
    query = stage.advertiser.run("SELECT city, SUM(visits) AS total FROM visits GROUP BY city")
    location = location_of(query)
    assert location == f"s3://results/here/{query['id']}/"
    assert result(stage.advertiser, location) == ["city,total", "Oslo,5", "Rome,7"]


@pytest.mark.rule("PQ-24")
def test_parameters_are_values(stage: Stage) -> None:
    """What a parameter has in it stays a value, quotes and all."""
    arn = stage.publisher.template(
        "cities",
        "SELECT visits FROM visits WHERE city = :town",
        analysisParameters=[{"name": "town", "type": "VARCHAR"}],
    )
    for town, rows in (("Oslo", ["5"]), ("Oslo' OR '1'='1", [])):
        parameters = {"analysisTemplateArn": arn, "parameters": {"town": town}}
        query = stage.advertiser.run(None, sqlParameters=parameters)
        assert result(stage.advertiser, location_of(query)) == ["visits", *rows]


@pytest.mark.rule("PQ-34", "PQ-35", "PQ-58", "PQ-85")
def test_several_receivers(scene: Scene) -> None:
    """Each receives in its own bucket, in its own format and number of files, and sees its own location alone."""
    members = [scene.member(PUBLISHER, ["CAN_RECEIVE_RESULTS"]), scene.member(AGENCY, ["CAN_RECEIVE_RESULTS"])]
    stage = Stage(scene, receives=True, members=members)
    agency = Member(
        scene,
        stage.collaboration,
        AGENCY,
        defaultResultConfiguration=results_to("agency-results", AGENCY, singleFileOutput=True, keyPrefix="in/"),
    )
    store(stage.publisher, "visits", VISITS, ROWS, "tables")
    for member, bucket in (
        (stage.advertiser, "mine"),
        (stage.advertiser, "results"),
        (stage.publisher, "publisher-results"),
        (agency, "agency-results"),
    ):
        member.client_of("s3").create_bucket(Bucket=bucket)
    locations = [
        {"s3": {"bucket": "mine", "resultFormat": "PARQUET"}},
        {"member": {"accountId": PUBLISHER}},
        {"member": {"accountId": AGENCY}},
    ]
    query = stage.advertiser.run(
        "SELECT city FROM visits WHERE visits = 5",
        resultConfiguration={"outputConfiguration": {"distribute": {"locations": locations}}},
    )
    assert query["result"]["output"] == {
        "distribute": {
            "s3": {"location": f"s3://mine/{query['id']}/"},
            "memberList": [{"accountId": PUBLISHER}, {"accountId": AGENCY}],
        }
    }
    for member in (stage.publisher, agency):
        assert result(member, location_of(member.get(query))) == ["city", "Oslo"]
    keys = agency.client_of("s3").list_objects_v2(Bucket="agency-results")["Contents"]
    assert [entry["Key"] for entry in keys] == [f"in/{query['id']}/{query['id']}.csv"]
    (entry,) = stage.advertiser.client_of("s3").list_objects_v2(Bucket="mine")["Contents"]
    assert entry["Key"].endswith(".snappy.parquet")
    itself = stage.advertiser.run(resultConfiguration=to_member(ADVERTISER))
    assert location_of(itself) == f"s3://results/here/{itself['id']}/"


@pytest.mark.rule("PQ-36")
def test_results_stay_out_of_the_tables_buckets(stage: Stage) -> None:
    """A bucket in which a table of the query lies takes no result, another table's bucket does."""
    store(stage.advertiser, "clicks", {"town": "string"}, [("Rome",)], "clicks-bucket")
    stage.advertiser.table("clicks", "town")
    configuration = results_to("clicks-bucket")
    failed = stage.advertiser.run("SELECT town FROM clicks", resultConfiguration=configuration)
    assert (failed["status"], failed["error"]["code"]) == ("FAILED", "INVALID_RESOURCE")
    assert "clicks-bucket" in failed["error"]["message"]
    assert "billedResourceUtilization" not in failed["statistics"]
    assert stage.advertiser.run(resultConfiguration=configuration)["status"] == "SUCCESS"


@pytest.mark.rule("ENG-13")
def test_buckets_that_are_not_there(stage: Stage) -> None:
    """A result goes nowhere in an account without any bucket, and fails in one with others, or by strict references."""
    failed = stage.advertiser.run(resultConfiguration=results_to("elsewhere"))
    assert (failed["status"], failed["error"]["code"]) == ("FAILED", "RESOURCE_NOT_FOUND")
    stage.advertiser.client_of("s3").delete_bucket(Bucket="results")
    assert stage.advertiser.run()["status"] == "SUCCESS"
    with mock_cleanrooms(references="strict"):
        failed = stage.advertiser.run()
    assert failed["status"] == "FAILED"


def test_nobody_gets_a_part_of_a_result(scene: Scene) -> None:
    """If one bucket of several isn't there nothing is written to the others."""
    stage = Stage(scene, receives=True)
    store(stage.publisher, "visits", VISITS, ROWS, "tables")
    stage.advertiser.client_of("s3").create_bucket(Bucket="mine")
    locations = [
        {"s3": {"bucket": "mine", "resultFormat": "CSV"}},
        {"member": {"accountId": PUBLISHER}},
    ]
    query = stage.advertiser.run(resultConfiguration={"outputConfiguration": {"distribute": {"locations": locations}}})
    assert query["error"]["code"] == "RESOURCE_NOT_FOUND"
    assert "Contents" not in stage.advertiser.client_of("s3").list_objects_v2(Bucket="mine")


def test_accounts_without_a_catalog(scene: Scene) -> None:
    """A table of an account that has made no catalog has no rows; as soon as it has one, the table must be there."""
    stage = Stage(scene)
    stage.advertiser.client_of("s3").create_bucket(Bucket="results")
    query = stage.advertiser.run("SELECT COUNT(*) AS n FROM visits")
    assert result(stage.advertiser, location_of(query)) == ["n", "0"]
    stage.publisher.client_of("glue").create_database(DatabaseInput={"Name": "shop"})
    failed = stage.advertiser.run()
    assert (failed["status"], failed["error"]["code"]) == ("FAILED", "RESOURCE_NOT_FOUND")


@pytest.mark.parametrize("kind", ["snowflake"])
def test_tables_of_which_there_are_no_data(stage: Stage, kind: str) -> None:
    """A table of Snowflake can't be read here, which the query says."""
    schema = [{"columnName": "city", "columnType": "VARCHAR"}]
    reference = {
        "snowflake": {
            "secretArn": "arn:aws:secretsmanager:us-east-1:222222222222:secret:snow",
            "accountIdentifier": "acme-1",
            "databaseName": "shop",
            "tableName": "cold",
            "schemaName": "public",
            "tableSchema": {"v1": schema},
        }
    }
    client = stage.publisher.client
    table = client.create_configured_table(
        name="cold", tableReference=reference, allowedColumns=["city"], analysisMethod="DIRECT_QUERY"
    )["configuredTable"]
    client.create_configured_table_analysis_rule(
        configuredTableIdentifier=table["id"],
        analysisRuleType="CUSTOM",
        analysisRulePolicy={
            "v1": {"custom": {"allowedAnalyses": ["ANY_QUERY"], "allowedAnalysisProviders": [ADVERTISER]}}
        },
    )
    client.create_configured_table_association(
        **stage.publisher.id,
        name="cold",
        configuredTableIdentifier=table["id"],
        roleArn=f"arn:aws:iam::{PUBLISHER}:role/tables",
    )
    failed = stage.advertiser.run("SELECT city FROM cold")
    assert (failed["status"], failed["error"]["code"]) == ("FAILED", "INVALID_RESOURCE")
    assert "Snowflake" in failed["error"]["message"]


def test_without_the_extra(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rules are checked all the same; what would run fails with what to install."""
    monkeypatch.setattr(extras, "find_spec", lambda name: None)
    extras.needs.cache_clear()
    assert stage.advertiser.run("SELECT nothing FROM visits")["error"]["code"] == "MALFORMED_QUERY"
    failed = stage.advertiser.run()
    assert failed["error"]["code"] == "INSUFFICIENT_COMPUTE"
    assert "pip install 'cleanrooms-mock[queries]'" in failed["error"]["message"]


@pytest.mark.rule("ENG-15")
def test_limits(cleanrooms: Handle) -> None:
    """A query that reaches a limit of the mock's fails, and the next one runs."""
    with mock_cleanrooms(query_limits={"output": 1000}) as handle:
        stage = Stage(Scene(handle))
        store(stage.publisher, "visits", VISITS, [("Rome", number) for number in range(500)], "tables")
        stage.advertiser.client_of("s3").create_bucket(Bucket="results")
        failed = stage.advertiser.run()
        assert (failed["status"], failed["error"]["code"]) == ("FAILED", "INSUFFICIENT_COMPUTE")
        assert "Contents" not in stage.advertiser.client_of("s3").list_objects_v2(Bucket="results")
        assert stage.advertiser.run("SELECT COUNT(*) AS n FROM visits")["status"] == "SUCCESS"


def test_the_time_zone_of_a_session(stage: Stage) -> None:
    """It is UTC, or what Spark's property says."""
    text = "SELECT HOUR(CAST('2026-01-01 12:00:00 UTC' AS TIMESTAMP)) AS h FROM visits LIMIT 1"
    hours = []
    for properties in ({}, {"spark.sql.session.timeZone": "Asia/Tokyo"}):
        compute = {"worker": {"properties": {"spark": properties}}}
        query = stage.advertiser.run(text, computeConfiguration=compute)
        hours.append(result(stage.advertiser, location_of(query)))
    assert hours == [["h", "12"], ["h", "21"]]


# Differential privacy


def private_stage(handle: Handle, epsilon: int = 20) -> Stage:
    stage = Stage(Scene(handle))
    rows = [(f"p{number}", "Rome") for number in range(400)]
    store(stage.publisher, "people", {"person": "string", "city": "string"}, rows, "tables")
    rule = {
        "allowedAnalyses": ["ANY_QUERY"],
        "allowedAnalysisProviders": [ADVERTISER],
        "differentialPrivacy": {"columns": [{"name": "person"}]},
    }
    stage.publisher.table("people", "person", "city", rule=rule, method="DIRECT_QUERY")
    stage.publisher.client.create_privacy_budget_template(
        **stage.publisher.id,
        privacyBudgetType="DIFFERENTIAL_PRIVACY",
        autoRefresh="NONE",
        parameters={"differentialPrivacy": {"epsilon": epsilon, "usersNoisePerQuery": 50}},
    )
    stage.advertiser.client_of("s3").create_bucket(Bucket="results")
    return stage


PRIVATE = "SELECT COUNT(DISTINCT person) AS people FROM people"


def remaining(stage: Stage) -> int:
    """Return how many times a query may still count the publisher's users."""
    budgets: Any = stage.publisher.client.list_privacy_budgets(
        **stage.publisher.id, privacyBudgetType="DIFFERENTIAL_PRIVACY"
    )
    (budget,) = budgets["privacyBudgetSummaries"]
    counts = budget["budget"]["differentialPrivacy"]["aggregations"]
    return int(next(one["remainingCount"] for one in counts if one["type"] == "COUNT_DISTINCT"))


@pytest.mark.rule("PQ-63", "CUS-73", "CUS-74", "PRIV-19")
def test_a_privacy_budget_runs_out(cleanrooms: Handle) -> None:
    """Each query takes from the owner's budget, until too little is left; then it is refused with the service's message."""
    stage = private_stage(cleanrooms, epsilon=1)

    whole = remaining(stage)
    query = stage.advertiser.run(PRIVATE)
    assert query["status"] == "SUCCESS"
    assert query["differentialPrivacy"]["sensitivityParameters"][0]["aggregationType"] == "COUNT_DISTINCT"
    assert remaining(stage) == whole - 1
    stage.advertiser.run("SELECT person FROM people")
    assert remaining(stage) == whole - 1
    for _ in range(whole - 1):
        assert stage.advertiser.run(PRIVATE)["status"] == "SUCCESS"
    failed = stage.advertiser.run(PRIVATE)
    assert failed["error"]["code"] == "RESOURCE_ACCESS_DENIED"
    assert failed["error"]["message"].startswith("You do not have enough aggregations remaining")
    assert "differentialPrivacy" not in failed


def people_counted(**options: Any) -> list[list[str]]:
    with mock_cleanrooms(**options) as handle:
        stage = private_stage(handle)
        return [result(stage.advertiser, location_of(stage.advertiser.run(PRIVATE))) for _ in range(3)]


def test_a_seed_for_noise() -> None:
    """The same seed gives the same noise, other for each query; another seed, or none, gives other noise."""
    first = people_counted(privacy_seed=7)
    assert first == people_counted(privacy_seed=7)
    assert len({tuple(lines) for lines in first}) > 1
    assert first != people_counted(privacy_seed=8)
    assert first != people_counted()


# Tables that the mock keeps itself


def intermediate(stage: Stage, text: str, name: str = "cities", **rule: Any) -> dict[str, Any]:
    table: dict[str, Any] = stage.advertiser.client.create_intermediate_table(
        **stage.advertiser.id, name=name, populationAnalysisConfiguration={"sqlParameters": {"queryString": text}}
    )["intermediateTable"]
    mine = {**stage.advertiser.id, "intermediateTableIdentifier": table["id"]}
    stage.advertiser.client.create_intermediate_table_analysis_rule(
        **mine,
        analysisRuleType="CUSTOM",
        analysisRulePolicy={
            "v1": {"custom": {"allowedAnalyses": ["ANY_QUERY"], "allowedAnalysisProviders": [ADVERTISER], **rule}}
        },
    )
    return mine


def populate(stage: Stage, table: dict[str, Any]) -> dict[str, Any]:
    """Populate a table, and return the query that did."""
    answer = stage.advertiser.client.populate_intermediate_table(**table)
    return stage.advertiser.get({"id": answer["analysisId"]})


@pytest.mark.rule("INT-10", "INT-14", "PQ-30", "PQ-62")
def test_intermediate_tables_keep_rows(stage: Stage, refused: Refused) -> None:
    """What a query has populated a table with is what queries read of it, until it is populated again."""
    table = intermediate(stage, "SELECT city, SUM(visits) AS total FROM visits GROUP BY city")
    query = populate(stage, table)
    assert query["status"] == "SUCCESS"
    assert "result" not in query
    shown = query["resultConfiguration"]["outputConfiguration"]["intermediateTable"]
    assert (shown["id"], shown["name"]) == (table["intermediateTableIdentifier"], "cities")
    (summary,) = stage.advertiser.queries()
    assert summary["intermediateTableConfiguration"] == shown
    assert summary["receiverConfigurations"] == [{"analysisType": "ADDITIONAL_ANALYSIS"}]
    found = stage.advertiser.client.get_intermediate_table(**table)["intermediateTable"]
    assert found["status"] == "POPULATE_SUCCESS"
    assert found["intermediateTableVersion"]["analysisId"] == query["id"]
    assert found["schema"]["columns"] == [{"name": "city", "type": "string"}, {"name": "total", "type": "bigint"}]
    text = "SELECT * FROM Cities WHERE total > 5"
    assert result(stage.advertiser, location_of(stage.advertiser.run(text))) == ["city,total", "Rome,7"]
    stage.publisher.client_of("s3").put_object(Bucket="tables", Key="visits/more.csv", Body='"Bari","9"\n')
    assert result(stage.advertiser, location_of(stage.advertiser.run(text))) == ["city,total", "Rome,7"]
    populate(stage, table)
    assert result(stage.advertiser, location_of(stage.advertiser.run(text))) == ["city,total", "Bari,9", "Rome,7"]
    with refused("ValidationException", "FIELD_VALIDATION_FAILED", rule="PQ-30"):
        stage.advertiser.start(resultConfiguration={"outputConfiguration": {"intermediateTable": shown}})


@pytest.mark.rule("INT-14", "PRIV-19")
def test_privacy_under_an_intermediate_table(cleanrooms: Handle) -> None:
    """Populating takes from the budget of the private table under it; queries of what came of it are free."""
    stage = private_stage(cleanrooms)
    whole = remaining(stage)
    table = intermediate(stage, "SELECT city, COUNT(DISTINCT person) AS people FROM people GROUP BY city")
    assert populate(stage, table)["differentialPrivacy"]["sensitivityParameters"]
    assert remaining(stage) == whole - 1
    query = stage.advertiser.run("SELECT COUNT(DISTINCT city) AS n FROM cities")
    assert result(stage.advertiser, location_of(query)) == ["n", "1"]
    assert "differentialPrivacy" not in query
    # Nor does another table's privacy make them count.
    assert stage.advertiser.run(f"{PRIVATE} JOIN cities ON people.city = cities.city")["status"] == "SUCCESS"
    assert remaining(stage) == whole - 2
    populate(stage, table)
    assert remaining(stage) == whole - 3


@pytest.mark.rule("INT-14", "CUS-60")
def test_privacy_of_an_intermediate_table(cleanrooms: Handle) -> None:
    """Its own differential privacy takes from the budget of the member that has one, whoever owns the table; without one it is refused."""
    stage = private_stage(cleanrooms)
    private: dict[str, Any] = {"differentialPrivacy": {"columns": [{"name": "city"}]}}
    text = "SELECT city, COUNT(DISTINCT person) AS people FROM people GROUP BY city"
    populate(stage, intermediate(stage, text, **private))
    whole = remaining(stage)
    text = "SELECT COUNT(DISTINCT city) AS n FROM cities"
    assert stage.advertiser.run(text)["differentialPrivacy"]["sensitivityParameters"]
    assert remaining(stage) == whole - 1
    stage.advertiser.client.create_privacy_budget_template(
        **stage.advertiser.id,
        privacyBudgetType="DIFFERENTIAL_PRIVACY",
        autoRefresh="NONE",
        parameters={"differentialPrivacy": {"epsilon": 1, "usersNoisePerQuery": 50}},
    )
    assert stage.advertiser.run(text)["status"] == "SUCCESS"
    assert remaining(stage) == whole - 1
    for member in (stage.publisher, stage.advertiser):
        listed: Any = member.client.list_privacy_budget_templates(**member.id)
        (template,) = listed["privacyBudgetTemplateSummaries"]
        member.client.delete_privacy_budget_template(**member.id, privacyBudgetTemplateIdentifier=template["id"])
    assert stage.advertiser.run(text)["error"]["code"] == "INVALID_RESOURCE"


@pytest.mark.rule("INT-20")
def test_types_that_an_intermediate_table_was_given(stage: Stage) -> None:
    """Its rows have the types that its owner has given it since, and fail queries if they can't."""
    table = intermediate(stage, "SELECT city, visits FROM visits")
    populate(stage, table)
    change = stage.advertiser.client.update_intermediate_table
    change(**table, columns=[{"name": "visits", "type": "string"}])
    query = stage.advertiser.run("SELECT CONCAT(visits, '!') AS v FROM cities WHERE city = 'Oslo'")
    assert result(stage.advertiser, location_of(query)) == ["v", "5!"]
    change(**table, columns=[{"name": "city", "type": "int"}])
    failed = stage.advertiser.run("SELECT city FROM cities")
    assert (failed["status"], failed["error"]["code"]) == ("FAILED", "INVALID_RESOURCE")


@pytest.mark.rule("PRIV-17", "PQ-93")
def test_budgets_and_logs_under_an_intermediate_table(scene: Scene) -> None:
    """A query of an intermediate table takes from the budgets of the tables under it, whose owners get no logs of it."""
    stage = Stage(scene, logged=True)
    store(stage.publisher, "visits", VISITS, ROWS, "tables")
    stage.advertiser.client_of("s3").create_bucket(Bucket="results")
    table = intermediate(stage, "SELECT city FROM visits")
    populate(stage, table)
    stage.publisher.client.create_privacy_budget_template(
        **stage.publisher.id,
        privacyBudgetType="ACCESS_BUDGET",
        parameters={
            "accessBudget": {
                "budgetParameters": [{"type": "LIFETIME", "budget": 1}],
                "resourceArn": stage.visits["arn"],
            }
        },
    )
    before = len(logged(stage, stage.publisher))
    assert before == 2
    assert stage.advertiser.run("SELECT city FROM cities")["status"] == "SUCCESS"
    assert stage.advertiser.run("SELECT city FROM cities")["error"]["code"] == "RESOURCE_ACCESS_DENIED"
    assert len(logged(stage, stage.publisher)) == before


def test_id_mapping_tables_have_the_rows_of_their_workflow(stage: Stage) -> None:
    """What the test has said that a workflow finds is in the table once that was populated."""
    entity = "arn:aws:entityresolution:us-east-1"
    kinds: tuple[Literal["SOURCE", "TARGET"], ...] = ("SOURCE", "TARGET")
    namespaces = {kind: f"{entity}:{ADVERTISER}:idnamespace/{kind}" for kind in kinds}
    registry = stage.scene.handle.entity_resolution
    client = stage.advertiser.client
    for kind in kinds:
        arn = namespaces[kind]
        registry.add_id_namespace(arn, kind)
        client.create_id_namespace_association(
            **stage.advertiser.id,
            name=kind.lower(),
            inputReferenceConfig={"inputReferenceArn": arn, "manageResourcePolicies": False},
            idMappingConfig={"allowUseAsDimensionColumn": True},
        )
    workflow = f"{entity}:{ADVERTISER}:idmappingworkflow/pairs"
    rows = [("Rome", "r"), ("Oslo", "o")]
    registry.add_id_mapping_workflow(workflow, source=namespaces["SOURCE"], target=namespaces["TARGET"], rows=rows)
    table = client.create_id_mapping_table(
        **stage.advertiser.id,
        name="pairs",
        inputReferenceConfig={"inputReferenceArn": workflow, "manageResourcePolicies": False},
    )["idMappingTable"]
    text = "SELECT p.targetid, v.visits FROM visits v JOIN pairs p ON v.city = p.sourceid"
    assert stage.advertiser.run(text)["error"]["code"] == "INVALID_RESOURCE"
    client.populate_id_mapping_table(**stage.advertiser.id, idMappingTableIdentifier=table["id"])
    query = stage.advertiser.run(text)
    assert result(stage.advertiser, location_of(query)) == ["targetid,visits", "o,5", "r,3", "r,4"]


# Logs


def logged(stage: Stage, member: Member) -> list[dict[str, Any]]:
    """The records in a member's log, in the order of their times."""
    logs = member.client_of("logs")
    group = f"/aws/cleanrooms/{stage.collaboration['id']}"
    events = logs.filter_log_events(logGroupName=group)["events"]
    return [json.loads(event["message"]) for event in sorted(events, key=lambda event: event["timestamp"])]


def test_logs_of_a_query_that_ran(scene: Scene) -> None:
    """Runner and owner read that the query was submitted and completed."""
    stage = Stage(scene, logged=True)
    store(stage.publisher, "visits", VISITS, ROWS, "tables")
    stage.advertiser.client_of("s3").create_bucket(Bucket="results")
    query = stage.advertiser.run()
    for member in (stage.advertiser, stage.publisher):
        submission, termination = logged(stage, member)
        assert (submission["eventId"], submission["logStage"]) == (query["id"], "SUBMISSION")
        assert (termination["logStage"], termination["status"]) == ("TERMINATION", "COMPLETED")


@pytest.mark.rule("ENG-01")
def test_nested_columns_of_athena(stage: Stage) -> None:
    """A table with an array is read of Glue under a CUSTOM rule, and of Athena not at all."""
    store(stage.publisher, "tagged", {"city": "string", "tags": "array<string>"}, [], "tables")
    association = stage.publisher.table("tagged", "city", "tags")
    text = "SELECT city FROM tagged"
    assert stage.advertiser.run(text)["status"] == "SUCCESS"
    stage.publisher.client.update_configured_table(
        configuredTableIdentifier=association["configuredTableId"],
        tableReference={"athena": {"databaseName": "shop", "tableName": "tagged", "workGroup": "primary"}},
    )
    failed = stage.advertiser.run(text)
    assert failed["error"]["code"] == "INVALID_RESOURCE"
    assert "tags" in failed["error"]["message"]
