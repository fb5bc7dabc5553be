"""Protected jobs: who starts them with what, which tables they may use, how they live."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from shutil import which
from typing import Any

import pytest

from cleanrooms_mock import Handle, mock_cleanrooms
from cleanrooms_mock.analysis import jobs
from cleanrooms_mock.cleanrooms import job_data, protected_jobs
from tests.cleanrooms.staging import ANYTHING, Member, Stage, by_steps, job_results_to, store, to_member
from tests.conftest import ADVERTISER, AGENCY, NOWHERE, PUBLISHER, Clock, Refused, Scene, paged, pays

pyarrow = pytest.importorskip("pyarrow")

__all__ = ["by_steps"]

VISITS = {"referencedTables": ["visits"]}


@pytest.fixture
def stage(scene: Scene) -> Stage:
    return Stage(scene)


@pytest.fixture
def code(stage: Stage) -> str:
    """A template that reads ``visits``."""
    return stage.advertiser.template("code", schema=VISITS)


@pytest.fixture
def running(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Have jobs give two outputs; the list is filled with those that ran."""
    ran: list[Any] = []

    def run_job(caller: Any, job: Any) -> Any:
        ran.append(job)
        return {"reach": "1", "spend": "2"}

    def files_for(table: Any, deliveries: Any, run_id: str) -> Any:
        return [(delivery, [(f"part.{delivery.result_format.lower()}", table.encode())]) for delivery in deliveries]

    monkeypatch.setattr(protected_jobs, "run_job", run_job)
    monkeypatch.setattr(protected_jobs, "files_for", files_for)
    return ran


@pytest.mark.rule("PJ-01", "PJ-08", "PJ-20", "PJ-21", "PQ-01", "PQ-42", "PQ-56", "PJ-10")
def test_a_job_from_start_to_end(stage: Stage, clock: Clock, code: str, running: list[Any]) -> None:
    """A start answers SUBMITTED; by then the job has run, and its outputs lie in folders of its own."""
    s3 = stage.advertiser.client_of("s3")
    s3.create_bucket(Bucket="results")
    job = stage.advertiser.start_job(code)
    assert job == {
        "id": job["id"],
        "membershipId": stage.advertiser.membership["id"],
        "membershipArn": stage.advertiser.membership["arn"],
        "createTime": clock.now,
        "jobParameters": {"analysisTemplateArn": code},
        "status": "SUBMITTED",
        "resultConfiguration": {"outputConfiguration": {"s3": {"bucket": "results"}}},
        "jobComputePayerAccountId": ADVERTISER,
    }
    assert stage.advertiser.get_job(job) == {
        **job,
        "status": "SUCCESS",
        "statistics": {"totalDurationInMillis": 0, "billedResourceUtilization": {"units": 0.0}},
        "result": {"output": {"s3": {"location": f"s3://results/{job['id']}/"}}},
    }
    keys = [entry["Key"] for entry in s3.list_objects_v2(Bucket="results")["Contents"]]
    assert keys == [f"{job['id']}/reach/part.csv", f"{job['id']}/spend/part.csv"]


def test_jobs_that_nothing_runs(stage: Stage, code: str) -> None:
    """A job fails with what to do about it, unless the mock was told to run jobs."""
    failed = stage.advertiser.get_job(stage.advertiser.start_job(code))
    assert (failed["status"], failed["error"]["code"]) == ("FAILED", "INSUFFICIENT_COMPUTE")
    assert "mock_cleanrooms(run_jobs=True)" in failed["error"]["message"]


class Studio:
    """A collaboration whose jobs run, a script in a bucket with versioning, and rows in ``visits``."""

    def __init__(self, handle: Handle) -> None:
        self.stage = Stage(Scene(handle))
        store(self.stage.publisher, "visits", {"city": "string", "visits": "int"}, [("Rome", 3), ("Oslo", 5)], "tables")
        self.s3 = self.stage.advertiser.client_of("s3")
        for bucket in ("code", "results"):
            self.s3.create_bucket(Bucket=bucket)
        self.s3.put_bucket_versioning(Bucket="code", VersioningConfiguration={"Status": "Enabled"})

    def put(self, key: str, text: str) -> None:
        self.s3.put_object(Bucket="code", Key=key, Body=text, ChecksumAlgorithm="SHA256")

    def run(self, arn: str, **parameters: str) -> dict[str, Any]:
        return self.stage.advertiser.get_job(self.stage.advertiser.start_job(arn, parameters or None))

    def result(self, job: dict[str, Any]) -> dict[str, list[str]]:
        """The lines of each output, sorted but for the header."""
        assert job["status"] == "SUCCESS", job
        prefix = job["result"]["output"]["s3"]["location"].removeprefix("s3://results/")
        found: dict[str, list[str]] = {}
        for entry in self.s3.list_objects_v2(Bucket="results", Prefix=prefix)["Contents"]:
            header, *rows = self.s3.get_object(Bucket="results", Key=entry["Key"])["Body"].read().decode().splitlines()
            found[entry["Key"].removeprefix(prefix).partition("/")[0]] = [header, *sorted(rows)]
        return found


@pytest.fixture
def studio() -> Iterator[Studio]:
    with mock_cleanrooms(run_jobs=True, query_limits={"seconds": 300}) as handle:
        yield Studio(handle)


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Stands in for what runs scripts; the list is filled with what it was given."""
    seen: list[Any] = []

    def run_job(
        entry_point: Path,
        additional: Any,
        sources: Any,
        parameters: Any,
        folder: Path,
        limits: Any,
        *,
        is_detailed: bool,
    ) -> Any:
        files = [path.relative_to(folder) for path in (entry_point, *additional)]
        seen.append(
            {
                "texts": [path.read_text(encoding="utf-8") for path in (entry_point, *additional)],
                "names": [path.name for path in files],
                "folders": len({path.parent for path in files}),
                "sources": {name: list(source.columns) for name, source in sources.items()},
                "parameters": parameters,
                "seconds": limits.seconds,
                "is_detailed": is_detailed,
            }
        )
        return {"out": pyarrow.table({"n": [len(seen)]})}

    monkeypatch.setattr(jobs, "run_job", run_job)
    monkeypatch.setattr(jobs, "spark_is_installed", lambda: None)
    return seen


@pytest.mark.rule("PJ-16", "PJ-19")
def test_what_scripts_are_given(studio: Studio, given: list[Any]) -> None:
    """A script and its libraries come as they are stored, tables with all allowed columns under the names that the template has, and parameters."""
    studio.put("main.py", "the script")
    studio.put("jobs/main.py", "a library")
    location = {"location": {"bucket": "code", "key": "jobs/main.py"}}
    parameters = [{"name": "least", "type": "STRING", "defaultValue": "3"}, {"name": "day", "type": "STRING"}]
    configurations: list[dict[str, Any]] = [{}, {"errorMessageConfiguration": {"type": "DETAILED"}}]
    for number, configuration in enumerate(configurations):
        arn = studio.stage.advertiser.template(
            f"code{number}",
            schema={"referencedTables": ["Visits"]},
            analysisParameters=parameters,
            additional_artifacts=[location],
            **configuration,
        )
        assert studio.result(studio.run(arn, day="2026-05-01")) == {"out": ["n", str(number + 1)]}
        assert given[-1] == {
            "texts": ["the script", "a library"],
            "names": ["main.py", "main.py"],
            "folders": 2,
            "sources": {"Visits": ["city", "visits"]},
            "parameters": {"least": "3", "day": "2026-05-01"},
            "seconds": 300,
            "is_detailed": bool(configuration),
        }


@pytest.mark.rule("PJ-16")
def test_artifacts_stay_as_they_were(studio: Studio, given: list[Any]) -> None:
    """A script that was changed or deleted since the template was made fails every job of it, though its version still exists."""
    studio.put("main.py", "first")
    arn = studio.stage.advertiser.template("code", schema=VISITS)
    assert studio.run(arn)["status"] == "SUCCESS"
    studio.put("main.py", "first")
    failed = studio.run(arn)
    assert (failed["error"]["code"], failed["status"]) == ("INVALID_RESOURCE", "FAILED")
    assert "s3://code/main.py has been modified" in failed["error"]["message"]
    assert studio.run(studio.stage.advertiser.template("again", schema=VISITS))["status"] == "SUCCESS"
    studio.s3.delete_object(Bucket="code", Key="main.py")
    failed = studio.run(arn)
    assert failed["error"]["code"] == "RESOURCE_NOT_FOUND"
    assert "s3://code/main.py doesn't exist" in failed["error"]["message"]
    assert len(given) == 2


@pytest.mark.rule("PJ-16")
def test_artifacts_that_nobody_looked_up(given: list[Any]) -> None:
    """A template that was made before there were buckets takes what is stored when its job runs."""
    with mock_cleanrooms(run_jobs=True) as handle:
        stage = Stage(Scene(handle))
        arn = stage.advertiser.template("code", schema=VISITS)
        failed = stage.advertiser.get_job(stage.advertiser.start_job(arn))
        assert failed["error"]["code"] == "RESOURCE_NOT_FOUND"
        store(stage.publisher, "visits", {"city": "string", "visits": "int"}, [], "tables")
        s3 = stage.advertiser.client_of("s3")
        for bucket in ("code", "results"):
            s3.create_bucket(Bucket=bucket)
        s3.put_object(Bucket="code", Key="main.py", Body="text")
        job = stage.advertiser.get_job(stage.advertiser.start_job(arn))
    assert job["status"] == "SUCCESS", job
    assert given[0]["texts"] == ["text"]


@pytest.mark.rule("PJ-16")
def test_artifacts_have_limits(studio: Studio, given: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """All of a template together have no more than 1 GB."""
    monkeypatch.setattr(job_data, "MOST_BYTES", 9)
    studio.put("main.py", "x" * 5)
    studio.put("lib.py", "y" * 5)
    location = {"location": {"bucket": "code", "key": "lib.py"}}
    alone = studio.stage.advertiser.template("alone", schema=VISITS)
    both = studio.stage.advertiser.template("both", schema=VISITS, additional_artifacts=[location])
    assert studio.run(alone)["status"] == "SUCCESS"
    failed = studio.run(both)
    assert failed["error"]["code"] == "INVALID_RESOURCE"
    assert "more than 9 bytes" in failed["error"]["message"]


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("a/b.py", "b.py"),
        ("b.py", "b.py"),
        ("..", "artifact"),
        ("a/..", "artifact"),
        ("a/", "a"),
        ("/", "artifact"),
        ("x" * 300, "x" * 100),
    ],
)
def test_names_of_artifacts(key: str, name: str) -> None:
    """Every key has a name that a file can have."""
    assert job_data._file_name(key) == name


@pytest.mark.rule("PJ-18")
def test_iceberg_isnt_for_jobs(studio: Studio, given: list[Any]) -> None:
    """A table that is in Iceberg by the time of the job fails it."""
    studio.put("main.py", "text")
    arn = studio.stage.advertiser.template("code", schema=VISITS)
    glue = studio.stage.publisher.client_of("glue")
    table = glue.get_table(DatabaseName="shop", Name="visits")["Table"]
    kept = {name: table[name] for name in ("Name", "StorageDescriptor")}
    glue.update_table(DatabaseName="shop", TableInput={**kept, "Parameters": {"table_type": "ICEBERG"}})
    failed = studio.run(arn)
    assert failed["error"]["code"] == "INVALID_RESOURCE"
    assert "Table visits is an Iceberg table" in failed["error"]["message"]
    assert given == []


@pytest.mark.skipif(find_spec("pyspark") is None or which("java") is None, reason="needs pyspark and Java")
@pytest.mark.rule("PJ-17", "PJ-21")
def test_a_job_that_runs(studio: Studio) -> None:
    """A script's outputs lie in the receiver's bucket, each in a folder of its name."""
    studio.put(
        "main.py",
        "def entrypoint(context):\n"
        "    visits = context['referencedTables']['visits']\n"
        "    most = visits.where(visits.visits > int(context['analysisParameters']['least']))\n"
        "    return {'results': {'all': visits, 'most': most.select('city')}}\n",
    )
    parameters = [{"name": "least", "type": "STRING"}]
    arn = studio.stage.advertiser.template("code", schema=VISITS, analysisParameters=parameters)
    job = studio.run(arn, least="4")
    assert studio.result(job) == {"all": ["city,visits", "Oslo,5", "Rome,3"], "most": ["city", "Oslo"]}


@pytest.mark.rule("PJ-02", "LIFE-26")
def test_who_may_start(scene: Scene, refused: Refused) -> None:
    """Jobs take CAN_RUN_JOB; CAN_QUERY alone isn't enough."""
    stage = Stage(scene, ["CAN_QUERY", "CAN_RECEIVE_RESULTS"])
    arn = stage.advertiser.template("code")
    with stage.nothing_starts(), refused("AccessDeniedException", "INSUFFICIENT_PERMISSIONS", rule="LIFE-26"):
        stage.advertiser.start_job(arn)
    with refused("ResourceNotFoundException", rule="ERR-10"):
        stage.publisher.client.start_protected_job(
            type="PYSPARK", **stage.advertiser.id, jobParameters={"analysisTemplateArn": arn}
        )


@pytest.mark.rule("PJ-03")
def test_templates_of_jobs(scene: Scene, stage: Stage, refused: Refused, running: list[Any]) -> None:
    """Any member's template in PySpark does; one in SQL doesn't, and one of another collaboration isn't found."""
    elsewhere = Stage(scene).advertiser.template("code")
    for arn in (elsewhere, f"{stage.publisher.membership['arn']}/analysistemplate/{NOWHERE}"):
        with stage.nothing_starts(), refused("ResourceNotFoundException", rule="PJ-03") as error:
            stage.advertiser.start_job(arn)
        assert (error["resourceType"], error["resourceId"]) == ("COLLABORATION", arn)
    text = stage.advertiser.template("text", "SELECT city FROM visits")
    field = "jobParameters.analysisTemplateArn"
    with stage.nothing_starts(), refused("ValidationException", "INVALID_CONFIGURATION", field=field, rule="PJ-03"):
        stage.advertiser.start_job(text)


@pytest.mark.rule("PJ-04")
def test_parameters(stage: Stage, refused: Refused, running: list[Any]) -> None:
    """Values are for declared names, and one for each without a default."""
    declared = [{"name": "day", "type": "STRING", "defaultValue": "monday"}, {"name": "town", "type": "STRING"}]
    arn = stage.advertiser.template("code", analysisParameters=declared)
    wrong: list[tuple[dict[str, str], str]] = [({}, "town"), ({"town": "Rome", "size": "2"}, "size")]
    for given, name in wrong:
        field = f"jobParameters.parameters.{name}"
        with (
            stage.nothing_starts(),
            refused("ValidationException", "FIELD_VALIDATION_FAILED", field=field, rule="PJ-04"),
        ):
            stage.advertiser.start_job(arn, given)
    job = stage.advertiser.start_job(arn, {"town": "Rome"})
    assert job["jobParameters"] == {"analysisTemplateArn": arn, "parameters": {"town": "Rome"}}
    assert running[-1].values == {"day": ("STRING", "monday"), "town": ("STRING", "Rome")}
    stage.advertiser.start_job(arn, {"town": "Rome", "day": "friday"})
    assert running[-1].values == {"day": ("STRING", "friday"), "town": ("STRING", "Rome")}


# Which tables


def failure(member: Member, template: str) -> tuple[str, str]:
    """How a job ends, and by which rule."""
    job = member.start_job(template)
    answer = member.client.get_protected_job(**member.id, protectedJobIdentifier=job["id"])
    found = answer["protectedJob"]
    assert found["status"] == "FAILED", found
    assert "billedResourceUtilization" not in found["statistics"]
    return found["error"]["code"], answer["ResponseMetadata"]["HTTPHeaders"]["x-cleanrooms-mock-rule"]


@pytest.mark.rule("PJ-05", "PJ-15", "PQ-51")
def test_jobs_that_tables_allow(scene: Scene, running: list[Any]) -> None:
    """A table allows a template by its ARN, or any job of providers who made it; one table that doesn't is enough."""
    stage = Stage(scene, receives=True)
    mine, theirs = (
        member.template("code", schema={"referencedTables": ["Clicks"]})
        for member in (stage.advertiser, stage.publisher)
    )
    stage.publisher.table("clicks", rule={"allowedAnalyses": [mine]})
    assert stage.advertiser.get_job(stage.advertiser.start_job(mine))["status"] == "SUCCESS"
    assert failure_of(stage, theirs) == ("RESOURCE_ACCESS_DENIED", "PJ-05")
    by_provider = {"allowedAnalyses": ["ANY_JOB"], "allowedAnalysisProviders": [PUBLISHER]}
    stage.publisher.table("sales", rule=by_provider)
    schema = {"referencedTables": ["sales"]}
    assert failure(stage.advertiser, stage.advertiser.template("sales", schema=schema)) == (
        "RESOURCE_ACCESS_DENIED",
        "PJ-05",
    )
    arn = stage.publisher.template("sales", schema=schema)
    assert stage.advertiser.get_job(stage.advertiser.start_job(arn))["status"] == "SUCCESS"
    both = stage.publisher.template("both", schema={"referencedTables": ["sales", "clicks"]})
    assert failure_of(stage, both) == ("RESOURCE_ACCESS_DENIED", "PJ-05")
    queries = {"allowedAnalyses": ["ANY_QUERY"], "allowedAnalysisProviders": [PUBLISHER]}
    stage.publisher.table("orders", rule=queries)
    arn = stage.publisher.template("orders", schema={"referencedTables": ["orders"]})
    assert failure_of(stage, arn) == ("RESOURCE_ACCESS_DENIED", "PJ-05")


def failure_of(stage: Stage, template: str) -> tuple[str, str]:
    return failure(stage.advertiser, template)


@pytest.mark.rule("CUS-06")
def test_receivers_that_tables_allow(scene: Scene, running: list[Any]) -> None:
    """Who receives a job's result is among the receivers that the association's rule names, for every table."""
    stage = Stage(scene, receives=True)
    code = stage.advertiser.template("code", schema=VISITS)
    where = {
        **stage.publisher.id,
        "configuredTableAssociationIdentifier": stage.visits["id"],
        "analysisRuleType": "CUSTOM",
    }
    policy: Any = {"v1": {"custom": {"allowedResultReceivers": [PUBLISHER]}}}
    client: Any = stage.publisher.client
    client.create_configured_table_association_analysis_rule(**where, analysisRulePolicy=policy)
    assert failure_of(stage, code) == ("RESOURCE_ACCESS_DENIED", "CUS-06")
    policy = {"v1": {"custom": {"allowedResultReceivers": [ADVERTISER]}}}
    client.update_configured_table_association_analysis_rule(**where, analysisRulePolicy=policy)
    assert stage.advertiser.get_job(stage.advertiser.start_job(code))["status"] == "SUCCESS"


@pytest.mark.rule("PQ-36")
def test_results_stay_out_of_the_tables_buckets(stage: Stage, running: list[Any]) -> None:
    """A bucket in which a table of the job lies takes no result."""
    arn = stage.advertiser.template("clicks", schema={"referencedTables": ["clicks"]})
    store(stage.advertiser, "clicks", {"town": "string"}, [("Rome",)], "results")
    stage.advertiser.table("clicks", "town")
    assert failure_of(stage, arn) == ("INVALID_RESOURCE", "PQ-36")


@pytest.mark.rule("LIFE-26", "PQ-54")
def test_who_cancels(scene: Scene, refused: Refused, by_steps: None) -> None:
    """Only the runner cancels a job, and only as long as it can run jobs."""
    defaults = job_results_to("publisher-results", PUBLISHER)
    stage = Stage(scene, receives=True, publisher={"defaultJobResultConfiguration": defaults})
    arn = stage.advertiser.template("code", schema=VISITS)
    job = stage.advertiser.start_job(arn, resultConfiguration=to_member(PUBLISHER))
    with refused("AccessDeniedException", "INSUFFICIENT_PERMISSIONS", rule="LIFE-26"):
        stage.publisher.cancel_job(job)
    receiver = scene.handle.backend(PUBLISHER).memberships[stage.publisher.membership["id"]].member
    receiver.abilities.append("CAN_RUN_JOB")
    with refused("AccessDeniedException", "INSUFFICIENT_PERMISSIONS", rule="PQ-54"):
        stage.publisher.cancel_job(job)
    assert stage.advertiser.cancel_job(job)["status"] == "CANCELLING"


@pytest.mark.rule("PJ-06")
def test_methods_of_tables(stage: Stage, running: list[Any]) -> None:
    """A table for queries only isn't a job's; one for jobs only is."""
    only_jobs = {"allowedAnalyses": ["ANY_JOB"], "allowedAnalysisProviders": [ADVERTISER]}
    only_queries = {"allowedAnalyses": ["ANY_QUERY"], "allowedAnalysisProviders": [ADVERTISER]}
    stage.publisher.table("queried", rule=only_queries, method="DIRECT_QUERY")
    stage.publisher.table("computed", rule=only_jobs, method="DIRECT_JOB")
    queried, computed = (
        stage.advertiser.template(name, schema={"referencedTables": [name]}) for name in ("queried", "computed")
    )
    assert failure_of(stage, queried) == ("INVALID_RESOURCE", "PJ-06")
    assert stage.advertiser.get_job(stage.advertiser.start_job(computed))["status"] == "SUCCESS"


@pytest.mark.rule("PJ-07")
@pytest.mark.parametrize(
    "control",
    [
        {"differentialPrivacy": {"columns": [{"name": "person"}]}},
        {
            "aggregationThresholds": [
                {
                    "type": "COUNT_DISTINCT",
                    "identityColumns": ["person"],
                    "minimumIdentityCount": 2,
                    "allowedAggregateExpressionType": "ANY_EXPRESSION",
                }
            ]
        },
        {"comparisonControls": {"allowedLiteralComparisonColumns": [], "allowedColumnComparisonColumns": []}},
    ],
)
def test_controls_that_are_for_queries(stage: Stage, running: list[Any], control: dict[str, Any]) -> None:
    """A table with one of the controls that look at SQL isn't a job's."""
    stage.publisher.table("people", "person", "city", rule={**ANYTHING, **control})
    arn = stage.advertiser.template("people", schema={"referencedTables": ["people"]})
    assert failure_of(stage, arn) == ("INVALID_RESOURCE", "PJ-07")


@pytest.mark.rule("PQ-04", "PQ-05", "CUS-02")
def test_tables_that_are_not_there_or_not_ready(stage: Stage, running: list[Any]) -> None:
    stage.publisher.table("waiting", rule={**ANYTHING, "additionalAnalyses": "ALLOWED"})
    waiting = stage.advertiser.template("waiting", schema={"referencedTables": ["waiting"]})
    assert failure_of(stage, waiting) == ("INVALID_RESOURCE", "PQ-05")
    stage.publisher.table("bare", rule={})
    missing, bare = (stage.advertiser.template(name, schema={"referencedTables": [name]}) for name in ("gone", "bare"))
    assert failure_of(stage, missing) == ("RESOURCE_NOT_FOUND", "PQ-04")
    assert failure_of(stage, bare) == ("INVALID_RESOURCE", "CUS-02")


@pytest.mark.rule("PQ-74", "PRIV-17")
def test_access_budgets(stage: Stage, running: list[Any], code: str) -> None:
    """A job takes one from the budget of each table, and needs it."""
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
    assert stage.advertiser.get_job(stage.advertiser.start_job(code))["status"] == "SUCCESS"
    assert failure_of(stage, code) == ("RESOURCE_ACCESS_DENIED", "PQ-74")


# Where results go, and who pays


@pytest.mark.rule("PJ-08", "PJ-09", "PJ-10", "PJ-20", "PQ-14")
def test_a_member_receives(scene: Scene, running: list[Any]) -> None:
    """A member receives by its own default, in its format; its answers have the location, the runner's haven't."""
    defaults = job_results_to("publisher-results", PUBLISHER, keyPrefix="jobs/", resultFormat="PARQUET")
    stage = Stage(scene, receives=True, publisher={"defaultJobResultConfiguration": defaults})
    stage.publisher.client_of("s3").create_bucket(Bucket="publisher-results")
    arn = stage.advertiser.template("code", schema=VISITS)
    job = stage.advertiser.get_job(stage.advertiser.start_job(arn, resultConfiguration=to_member(PUBLISHER)))
    assert job["resultConfiguration"] == to_member(PUBLISHER)
    assert job["result"] == {"output": {"memberList": [{"accountId": PUBLISHER}]}}
    seen = stage.publisher.get_job(job)
    assert not {"jobParameters", "resultConfiguration"} & seen.keys()
    assert seen["result"] == {"output": {"s3": {"location": f"s3://publisher-results/jobs/{job['id']}/"}}}
    objects = stage.publisher.client_of("s3").list_objects_v2(Bucket="publisher-results")["Contents"]
    assert [entry["Key"] for entry in objects] == [
        f"jobs/{job['id']}/{name}/part.parquet" for name in ("reach", "spend")
    ]
    assert [one["id"] for one in stage.publisher.jobs()] == [job["id"]]


@pytest.mark.rule("PJ-09")
def test_receivers_that_are_not_ready(scene: Scene, refused: Refused, running: list[Any]) -> None:
    """Who receives is active, can receive, and has said where jobs' results go; by default that is the runner."""
    invited = scene.member(AGENCY, ["CAN_RECEIVE_RESULTS"])
    stage = Stage(scene, default=False, members=[scene.member(PUBLISHER), invited])
    arn = stage.advertiser.template("code", schema=VISITS)
    for account_id in (PUBLISHER, AGENCY, NOWHERE[:8] + "0000", ADVERTISER):
        field = "resultConfiguration.outputConfiguration.member.accountId"
        with (
            stage.nothing_starts(),
            refused("ValidationException", "INVALID_CONFIGURATION", field=field, rule="PJ-09"),
        ):
            stage.advertiser.start_job(arn, resultConfiguration=to_member(account_id))
    with stage.nothing_starts(), refused("ValidationException", field="resultConfiguration", rule="PJ-09"):
        stage.advertiser.start_job(arn)


@pytest.mark.rule("PJ-13", "PAY-35")
def test_payers(scene: Scene, refused: Refused, running: list[Any]) -> None:
    """The only payer candidate pays, once it has joined."""
    payer = scene.member(AGENCY, paymentConfiguration=pays(query=True, job=True))
    stage = Stage(scene, members=[scene.member(), payer])
    arn = stage.advertiser.template("code", schema=VISITS)
    field = "jobComputePayerAccountId"
    with stage.nothing_starts(), refused("ValidationException", "INVALID_CONFIGURATION", field=field, rule="PJ-13"):
        stage.advertiser.start_job(arn)
    Member(scene, stage.collaboration, AGENCY, paymentConfiguration=pays(query=True, job=True))
    assert stage.advertiser.start_job(arn)["jobComputePayerAccountId"] == AGENCY
    with (
        stage.nothing_starts(),
        refused("ValidationException", "INVALID_CONFIGURATION", field=field, rule="PJ-13") as error,
    ):
        stage.advertiser.start_job(arn, jobComputePayerAccountId=ADVERTISER)
    assert f"{ADVERTISER} is no payer candidate" in error["message"]
    assert [job["jobComputePayerAccountId"] for job in stage.advertiser.jobs()] == [AGENCY]


@pytest.mark.rule("PJ-13")
@pytest.mark.parametrize("runner", [True, False])
def test_several_payers(scene: Scene, refused: Refused, running: list[Any], runner: bool) -> None:
    """Of several candidates the runner pays if it is one; else the job must say who."""
    whole = pays(query=True, job=True)
    others = [PUBLISHER] if runner else [PUBLISHER, AGENCY]
    stage = Stage(
        scene,
        members=[scene.member(one, paymentConfiguration=whole) for one in others],
        creatorPaymentConfiguration=pays(query=runner, job=runner),
        publisher={"paymentConfiguration": whole},
    )
    arn = stage.advertiser.template("code", schema=VISITS)
    if runner:
        assert stage.advertiser.start_job(arn)["jobComputePayerAccountId"] == ADVERTISER
    else:
        with stage.nothing_starts(), refused("ValidationException", rule="PJ-13") as error:
            stage.advertiser.start_job(arn)
        assert "name the payer" in error["message"]
    named = stage.advertiser.start_job(arn, jobComputePayerAccountId=PUBLISHER)
    assert named["jobComputePayerAccountId"] == PUBLISHER


@pytest.mark.rule("PJ-13", "PAY-35")
@pytest.mark.parametrize("is_removed", [False, True])
def test_payers_that_decline_or_are_removed(
    scene: Scene, refused: Refused, running: list[Any], is_removed: bool
) -> None:
    """Who has declined, or is no member any more, pays for no job."""
    whole = pays(query=True, job=True)
    payer = scene.member(PUBLISHER, paymentConfiguration=whole)
    stage = Stage(scene, members=[payer], publisher={"paymentConfiguration": whole})
    arn = stage.advertiser.template("code", schema=VISITS)
    assert stage.advertiser.start_job(arn)["jobComputePayerAccountId"] == PUBLISHER
    if is_removed:
        scene.advertiser.delete_member(collaborationIdentifier=stage.collaboration["id"], accountId=PUBLISHER)
    else:
        declined: Any = pays(query=False, job=False)
        stage.publisher.client.update_membership(**stage.publisher.id, membershipPaymentConfiguration=declined)
    with stage.nothing_starts(), refused("ValidationException", "INVALID_CONFIGURATION", rule="PJ-13"):
        stage.advertiser.start_job(arn)


# Compute and quotas


@pytest.mark.rule("PJ-11", "QUO-19", "QUO-28", "QUO-29")
@pytest.mark.parametrize(
    ("region_name", "kind", "most", "quota"),
    [
        ("us-east-1", "CR.1X", 128, "CR.1X workers per PySpark job"),
        ("us-east-1", "CR.4X", 32, "CR.4X workers per PySpark job"),
        ("eu-west-1", "CR.4X", 32, "CR.4X workers per PySpark job"),
    ],
)
def test_workers(
    cleanrooms: Handle, refused: Refused, running: list[Any], region_name: str, kind: str, most: int, quota: str
) -> None:
    """A job has so many workers of a type at the most, and so many vCPUs."""
    stage = Stage(Scene(cleanrooms, region_name))
    arn = stage.advertiser.template("code", schema=VISITS)
    compute: dict[str, Any] = {"worker": {"type": kind, "number": most}}
    job = stage.advertiser.start_job(arn, computeConfiguration=compute)
    assert job["computeConfiguration"] == compute
    compute["worker"]["number"] += 1
    with stage.nothing_starts(), refused("ServiceQuotaExceededException") as error:
        stage.advertiser.start_job(arn, computeConfiguration=compute)
    assert (error["quotaName"], error["quotaValue"]) == (quota, float(most))
    cleanrooms.quotas[quota] = 1000
    compute["worker"]["number"] = (1024 if region_name == "us-east-1" else 512) // (4 if kind == "CR.1X" else 16)
    stage.advertiser.start_job(arn, computeConfiguration=compute)
    compute["worker"]["number"] += 1
    with stage.nothing_starts(), refused("ServiceQuotaExceededException", rule="QUO-19") as error:
        stage.advertiser.start_job(arn, computeConfiguration=compute)
    assert error["quotaName"] == "Concurrent PySpark job vCPU usage per account"
    assert error["quotaValue"] == (1024.0 if region_name == "us-east-1" else 512.0)


@pytest.mark.rule("PJ-11")
@pytest.mark.parametrize(
    ("worker", "units"), [(None, 32), ({"type": "CR.1X", "number": 4}, 8), ({"type": "CR.4X", "number": 8}, 64)]
)
def test_what_workers_cost(
    stage: Stage, by_steps: None, clock: Clock, code: str, running: list[Any], worker: dict[str, Any] | None, units: int
) -> None:
    """An hour of a job costs each worker's CRPUs: those of 16 CR.1X, where it says nothing else."""
    more: dict[str, Any] = {} if worker is None else {"computeConfiguration": {"worker": worker}}
    job = stage.advertiser.start_job(code, **more)
    stage.advertiser.get_job(job)
    clock.advance(hours=1)
    done = stage.advertiser.get_job(job)
    assert done["statistics"]["billedResourceUtilization"] == {"units": float(units)}
    assert done.get("computeConfiguration") == more.get("computeConfiguration")


@pytest.mark.rule("PQ-45")
def test_properties_of_spark(stage: Stage, refused: Refused, code: str) -> None:
    """What a query can't set a job can't."""
    worker = {"type": "CR.1X", "number": 4, "properties": {"spark": {"spark.jars": "x"}}}
    field = "computeConfiguration.worker.properties.spark"
    with stage.nothing_starts(), refused("ValidationException", field=field, rule="PQ-45"):
        stage.advertiser.start_job(code, computeConfiguration={"worker": worker})


@pytest.mark.rule("PJ-12", "QUO-15")
@pytest.mark.parametrize(
    ("region_name", "most"),
    [
        ("us-east-1", 5),
        ("us-east-2", 5),
        ("ap-northeast-2", 5),
        ("eu-central-1", 5),
        ("eu-west-1", 5),
        ("eu-west-2", 1),
    ],
)
def test_ongoing_jobs(
    cleanrooms: Handle, by_steps: None, refused: Refused, running: list[Any], region_name: str, most: int
) -> None:
    """So many of a membership's jobs may be ongoing, whatever its queries."""
    stage = Stage(Scene(cleanrooms, region_name))
    arn = stage.advertiser.template("code", schema=VISITS)
    stage.advertiser.start()
    jobs = [stage.advertiser.start_job(arn) for _ in range(most)]
    with stage.nothing_starts(), refused("ServiceQuotaExceededException", rule="QUO-15") as error:
        stage.advertiser.start_job(arn)
    assert (error["quotaName"], error["quotaValue"]) == ("Concurrent ongoing job per membership", float(most))
    for _ in range(2):
        stage.advertiser.get_job(jobs[0])
    stage.advertiser.start_job(arn)


@pytest.mark.rule("PJ-12", "QUO-17")
@pytest.mark.parametrize(("region_name", "most"), [("us-east-1", 5), ("eu-west-1", 2)])
def test_jobs_wait_for_room(
    cleanrooms: Handle, by_steps: None, running: list[Any], region_name: str, most: int
) -> None:
    """More than run at a time in an account wait."""
    scene = Scene(cleanrooms, region_name)
    stages = [Stage(scene) for _ in range(2)]
    statuses = []
    for stage in stages:
        arn = stage.advertiser.template("code", schema=VISITS)
        jobs = [stage.advertiser.start_job(arn) for _ in range(3)]
        statuses += [stage.advertiser.get_job(job)["status"] for job in jobs]
    assert statuses == ["STARTED"] * most + ["SUBMITTED"] * (6 - most)


# Life


@pytest.mark.rule("PJ-14")
def test_a_job_takes_too_long(stage: Stage, by_steps: None, clock: Clock, code: str, running: list[Any]) -> None:
    """Past its time a job is FAILED: jobs are never TIMED_OUT."""
    job = stage.advertiser.start_job(code)
    stage.advertiser.get_job(job)
    clock.advance(hours=24)
    late = stage.advertiser.get_job(job)
    assert (late["status"], late["error"]["code"]) == ("FAILED", "INSUFFICIENT_COMPUTE")
    assert running == []


@pytest.mark.rule("PJ-20", "PQ-52", "PQ-53", "PQ-54", "PQ-15")
def test_cancelling(stage: Stage, by_steps: None, code: str, refused: Refused, running: list[Any]) -> None:
    """A job is cancelled as a query is."""
    job = stage.advertiser.start_job(code)
    assert stage.advertiser.cancel_job(job)["status"] == "CANCELLING"
    assert stage.advertiser.get_job(job)["status"] == "CANCELLED"
    with refused("ConflictException", "INVALID_STATE", rule="PQ-53"):
        stage.advertiser.cancel_job(job)
    with refused("ResourceNotFoundException", rule="PQ-15"):
        stage.publisher.cancel_job(job)
    query = stage.advertiser.start()
    for call in (stage.advertiser.get_job, stage.advertiser.cancel_job):
        with refused("ResourceNotFoundException", rule="PQ-15"):
            call(query)
    assert running == []


@pytest.mark.rule("PJ-20", "PQ-61", "PQ-62")
def test_lists(stage: Stage, code: str, running: list[Any]) -> None:
    """Jobs are listed newest first, by status, and never among queries."""
    ids = [stage.advertiser.start_job(code)["id"] for _ in range(3)]
    paged(stage.advertiser.client.list_protected_jobs, "protectedJobs", ids[::-1], **stage.advertiser.id)
    assert stage.advertiser.jobs(status="FAILED") == []
    assert stage.advertiser.queries() == []
    (summary, *_) = stage.advertiser.jobs()
    assert summary["receiverConfigurations"] == [
        {
            "analysisType": "DIRECT_ANALYSIS",
            "configurationDetails": {"directAnalysisConfigurationDetails": {"receiverAccountIds": [ADVERTISER]}},
        }
    ]
