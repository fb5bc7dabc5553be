"""A collaboration in which queries and jobs can be started, and a stand-in for what runs them."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
from moto.moto_api import state_manager

from cleanrooms_mock.analysis.refusals import Refusal
from cleanrooms_mock.cleanrooms import protected_queries
from cleanrooms_mock.cleanrooms.protected_queries import Outcome, ProtectedQuery
from tests.conftest import ADVERTISER, PUBLISHER, Scene, results_to

ALL = ["CAN_QUERY", "CAN_RECEIVE_RESULTS", "CAN_RUN_JOB"]
QUERY, JOB = "cleanrooms::protected_query", "cleanrooms::protected_job"
#: Accounts whose queries a CUSTOM rule allows, and whose jobs.
ANYTHING = {"allowedAnalyses": ["ANY_QUERY", "ANY_JOB"], "allowedAnalysisProviders": [ADVERTISER, PUBLISHER]}
TEXT = "SELECT city FROM visits"
_CSV = "org.apache.hadoop.hive.serde2.OpenCSVSerde"


class Member:
    """A member of the stage, and what it does under its membership."""

    def __init__(self, scene: Scene, collaboration: dict[str, Any], account_id: str, **joining: Any) -> None:
        self.account_id = account_id
        self._scene = scene
        self.client: Any = scene.handle.client(account_id, scene.region_name)
        self.membership = scene.join(self.client, collaboration, **joining)
        self.id = {"membershipIdentifier": self.membership["id"]}

    def table(
        self, name: str, *columns: str, rule: dict[str, Any] | None = None, method: str = "MULTIPLE"
    ) -> dict[str, Any]:
        """Associate a table, with a CUSTOM rule that allows what ``rule`` says."""
        selected = {"selectedAnalysisMethods": ["DIRECT_QUERY", "DIRECT_JOB"]} if method == "MULTIPLE" else {}
        table = self.client.create_configured_table(
            name=name,
            tableReference={"glue": {"databaseName": "shop", "tableName": name}},
            allowedColumns=list(columns or ("city", "visits")),
            analysisMethod=method,
            **selected,
        )["configuredTable"]
        if rule is None:
            rule = ANYTHING
        if rule:
            self.client.create_configured_table_analysis_rule(
                configuredTableIdentifier=table["id"],
                analysisRuleType="CUSTOM",
                analysisRulePolicy={"v1": {"custom": rule}},
            )
        association = self.client.create_configured_table_association(
            **self.id,
            name=name,
            configuredTableIdentifier=table["id"],
            roleArn=f"arn:aws:iam::{self.account_id}:role/tables",
        )["configuredTableAssociation"]
        return dict(association)

    def template(
        self, name: str, text: str | None = None, *, additional_artifacts: Sequence[Any] = (), **more: Any
    ) -> str:
        """Create a template in SQL, or without a text one in PySpark, and return its ARN."""
        source: dict[str, Any] = {"text": text}
        if text is None:
            role = f"arn:aws:iam::{self.account_id}:role/code"
            location = {"location": {"bucket": "code", "key": "main.py"}}
            source = {"artifacts": {"entryPoint": location, "roleArn": role}}
            if additional_artifacts:
                source["artifacts"]["additionalArtifacts"] = list(additional_artifacts)
        template = self.client.create_analysis_template(
            **self.id, name=name, format="PYSPARK_1_0" if text is None else "SQL", source=source, **more
        )["analysisTemplate"]
        return str(template["arn"])

    def start(self, text: str | None = TEXT, **more: Any) -> dict[str, Any]:
        """Start a query and return the answer."""
        if text is not None:
            more["sqlParameters"] = {"queryString": text}
        return dict(self.client.start_protected_query(type="SQL", **self.id, **more)["protectedQuery"])

    def get(self, query: dict[str, Any]) -> dict[str, Any]:
        return dict(self.client.get_protected_query(**self.id, protectedQueryIdentifier=query["id"])["protectedQuery"])

    def run(self, text: str | None = TEXT, **more: Any) -> dict[str, Any]:
        """Start a query and return it as it is then."""
        return self.get(self.start(text, **more))

    def cancel(self, query: dict[str, Any]) -> dict[str, Any]:
        answer: Any = self.client.update_protected_query(
            **self.id, protectedQueryIdentifier=query["id"], targetStatus="CANCELLED"
        )
        return dict(answer["protectedQuery"])

    def queries(self, **more: Any) -> list[dict[str, Any]]:
        return list(self.client.list_protected_queries(**self.id, **more)["protectedQueries"])

    def start_job(self, template: str, parameters: dict[str, str] | None = None, **more: Any) -> dict[str, Any]:
        """Start a job and return the answer."""
        given: dict[str, Any] = {"analysisTemplateArn": template}
        if parameters is not None:
            given["parameters"] = parameters
        answer: Any = self.client.start_protected_job(type="PYSPARK", **self.id, jobParameters=given, **more)
        return dict(answer["protectedJob"])

    def get_job(self, job: dict[str, Any]) -> dict[str, Any]:
        return dict(self.client.get_protected_job(**self.id, protectedJobIdentifier=job["id"])["protectedJob"])

    def cancel_job(self, job: dict[str, Any]) -> dict[str, Any]:
        answer: Any = self.client.update_protected_job(
            **self.id, protectedJobIdentifier=job["id"], targetStatus="CANCELLED"
        )
        return dict(answer["protectedJob"])

    def jobs(self, **more: Any) -> list[dict[str, Any]]:
        return list(self.client.list_protected_jobs(**self.id, **more)["protectedJobs"])

    def s3(self) -> Any:
        return self.client_of("s3")

    def client_of(self, service: str) -> Any:
        return self._scene.handle.client(self.account_id, self._scene.region_name, service)


class Stage:
    """A collaboration of the advertiser, who does everything and receives results by default in ``results``, and of the publisher, who has the table ``visits``.

    :param receives: whether the publisher receives results too, in ``publisher-results``.
    """

    def __init__(
        self,
        scene: Scene,
        abilities: list[str] | None = None,
        *,
        receives: bool = False,
        default: bool = True,
        logged: bool = False,
        joining: dict[str, Any] | None = None,
        publisher: dict[str, Any] | None = None,
        **more: Any,
    ) -> None:
        self.scene = scene
        abilities = ALL if abilities is None else abilities
        logs = {"queryLogStatus": "ENABLED", "jobLogStatus": "ENABLED"} if logged else {}
        invited = {"abilities": ["CAN_RECEIVE_RESULTS"] if receives else []}
        more.setdefault("members", [scene.member(PUBLISHER, **invited)])
        self.collaboration = scene.create(creatorMemberAbilities=abilities, analyticsEngine="SPARK", **logs, **more)
        mine: dict[str, Any] = {**logs, **(joining or {})}
        if default and "CAN_RECEIVE_RESULTS" in abilities:
            mine.setdefault("defaultResultConfiguration", results_to(keyPrefix="here"))
            mine.setdefault("defaultJobResultConfiguration", job_results_to("results", ADVERTISER))
        theirs: dict[str, Any] = {**logs, **(publisher or {})}
        if receives:
            theirs.setdefault("defaultResultConfiguration", results_to("publisher-results", PUBLISHER))
            theirs.setdefault("defaultJobResultConfiguration", job_results_to("publisher-results", PUBLISHER))
        self.advertiser = Member(scene, self.collaboration, ADVERTISER, **mine)
        self.publisher = Member(scene, self.collaboration, PUBLISHER, **theirs)
        self.visits = self.publisher.table("visits")

    def everything(self) -> list[Any]:
        return [self.advertiser.queries(), self.advertiser.jobs()]

    @contextmanager
    def nothing_starts(self) -> Iterator[None]:
        before = self.everything()
        yield
        assert self.everything() == before


def job_results_to(bucket: str, account_id: str, **s3: Any) -> dict[str, Any]:
    return {
        "outputConfiguration": {"s3": {"bucket": bucket, **s3}},
        "roleArn": f"arn:aws:iam::{account_id}:role/results",
    }


def to_member(*account_ids: str) -> dict[str, Any]:
    """A result configuration for one member, or for several."""
    members = [{"member": {"accountId": account_id}} for account_id in account_ids]
    output = members[0] if len(members) == 1 else {"distribute": {"locations": members}}
    return {"outputConfiguration": output}


Carry = Callable[[ProtectedQuery], Outcome]


class Computing:
    """Stands in for what carries queries out: each gives one CSV file, unless a test says otherwise.

    :ivar ran: the queries that ran, oldest first.
    """

    def __init__(self) -> None:
        self.ran: list[ProtectedQuery] = []
        self.instead: Carry | None = None

    def __call__(self, query: ProtectedQuery, controls: Any, *, partition: str) -> Outcome:
        self.ran.append(query)
        if self.instead is not None:
            return self.instead(query)
        return self.outcome(query)

    def outcome(self, query: ProtectedQuery) -> Outcome:
        rows = ({"city": "string"}, {"city": frozenset({("visits", "city")})}, b"rows")
        files = [(delivery, [("part.csv", b"city\nRome\n")]) for delivery in query.destination.deliveries]
        return Outcome(files, rows if query.population is not None else None)

    def refuse(self, code: Any, message: str) -> None:
        """Have queries fail from now on."""

        def fail(query: ProtectedQuery) -> Outcome:
            raise Refusal(code, message)

        self.instead = fail


@pytest.fixture
def computing(monkeypatch: pytest.MonkeyPatch) -> Computing:
    stand_in = Computing()
    monkeypatch.setattr(protected_queries, "carry_out", stand_in)
    return stand_in


@pytest.fixture
def by_steps() -> Iterator[None]:
    """Have queries and jobs take a step each time that they are asked for."""
    for model in (QUERY, JOB):
        state_manager.set_transition(model, {"progression": "manual", "times": 1})
    yield
    for model in (QUERY, JOB):
        state_manager.unset_transition(model)


def store(member: Member, table: str, types: Mapping[str, str], rows: list[tuple[Any, ...]], bucket: str) -> None:
    """Put a table with its rows into a member's Glue and S3."""
    s3, glue = member.client_of("s3"), member.client_of("glue")
    if bucket not in [one["Name"] for one in s3.list_buckets()["Buckets"]]:
        s3.create_bucket(Bucket=bucket)
    if "shop" not in [one["Name"] for one in glue.get_databases()["DatabaseList"]]:
        glue.create_database(DatabaseInput={"Name": "shop"})
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL).writerows(rows)
    s3.put_object(Bucket=bucket, Key=f"{table}/data.csv", Body=text.getvalue())
    glue.create_table(
        DatabaseName="shop",
        TableInput={
            "Name": table,
            "StorageDescriptor": {
                "Columns": [{"Name": name, "Type": kind} for name, kind in types.items()],
                "Location": f"s3://{bucket}/{table}/",
                "SerdeInfo": {"SerializationLibrary": _CSV},
            },
        },
    )
