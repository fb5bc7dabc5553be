"""Intermediate tables: what they are built on, how they are populated, and how they come to an end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest

from tests.cleanrooms.staging import by_steps
from tests.conftest import ADVERTISER, NOWHERE, PUBLISHER, STRANGER, Clock, Refused, Scene, pays, results_to

__all__ = ["by_steps"]

THIRD = "333333333333"
QUERIES = ["CAN_QUERY", "CAN_RECEIVE_RESULTS"]
JOBS = [*QUERIES, "CAN_RUN_JOB"]
QUOTA = "Intermediate tables per membership"
KEY = "arn:aws:kms:us-east-1:111111111111:key/"
LOCATION = {"location": {"bucket": "code", "key": "main.py"}}


def custom(**members: Any) -> dict[str, Any]:
    return {"v1": {"custom": members}}


def open_to(*accounts: str, **members: Any) -> dict[str, Any]:
    """A CUSTOM policy that lets accounts write queries."""
    return custom(allowedAnalyses=["ANY_QUERY"], allowedAnalysisProviders=list(accounts), **members)


class Member:
    """A member and what it does under its membership."""

    def __init__(self, room: Room, account_id: str) -> None:
        self.account_id = account_id
        self.client: Any = room.scene.handle.client(account_id)
        abilities = room.scene.member_of(room.collaboration, account_id)["abilities"]
        receives = "CAN_RECEIVE_RESULTS" in abilities and "CAN_QUERY" not in abilities
        more = {"defaultResultConfiguration": results_to(account_id=account_id)} if receives else {}
        self.membership = room.scene.join(self.client, room.collaboration, **more)
        self.id = {"membershipIdentifier": self.membership["id"]}

    def table(
        self, name: str, *columns: str, rule: dict[str, Any] | None = None, shared: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """Associate a table of ``columns``, with its rule and the association's."""
        table = self.client.create_configured_table(
            name=name,
            tableReference={"glue": {"databaseName": "shop", "tableName": name}},
            allowedColumns=list(columns or ("id", "price")),
            analysisMethod="DIRECT_QUERY",
        )["configuredTable"]
        association = self.client.create_configured_table_association(
            **self.id,
            name=name,
            configuredTableIdentifier=table["id"],
            roleArn=f"arn:aws:iam::{self.account_id}:role/tables",
        )["configuredTableAssociation"]
        if rule is not None:
            self.client.create_configured_table_analysis_rule(
                configuredTableIdentifier=table["id"],
                analysisRuleType=next(iter(rule["v1"])).upper(),
                analysisRulePolicy=rule,
            )
        if shared is not None:
            self.client.create_configured_table_association_analysis_rule(
                **self.id,
                configuredTableAssociationIdentifier=association["id"],
                analysisRuleType=next(iter(shared["v1"])).upper(),
                analysisRulePolicy=shared,
            )
        return dict(association)

    def remove(self, association: dict[str, Any]) -> None:
        self.client.delete_configured_table_association(
            **self.id, configuredTableAssociationIdentifier=association["id"]
        )

    def template(self, name: str, text: str | None = None, **more: Any) -> str:
        """Create a template in SQL, or without a text one in PySpark, and return its ARN."""
        source: dict[str, Any] = {"text": text}
        if text is None:
            role = f"arn:aws:iam::{self.account_id}:role/code"
            source = {"artifacts": {"entryPoint": LOCATION, "roleArn": role}}
        template = self.client.create_analysis_template(
            **self.id, name=name, format="PYSPARK_1_0" if text is None else "SQL", source=source, **more
        )["analysisTemplate"]
        return str(template["arn"])

    def create(self, name: str = "reach", query: str | None = "SELECT id FROM orders", **more: Any) -> dict[str, Any]:
        """Create an intermediate table."""
        arguments: dict[str, Any] = {
            **self.id,
            "name": name,
            "populationAnalysisConfiguration": {"sqlParameters": {"queryString": query}},
            **more,
        }
        return dict(self.client.create_intermediate_table(**arguments)["intermediateTable"])

    def create_open(self, name: str = "reach", query: str = "SELECT id FROM orders", **more: Any) -> dict[str, Any]:
        """Create an intermediate table that its owner may query."""
        table = self.create(name, query, **more)
        self.client.create_intermediate_table_analysis_rule(
            **self.of(table), analysisRuleType="CUSTOM", analysisRulePolicy=open_to(self.account_id)
        )
        return table

    def of(self, table: dict[str, Any]) -> dict[str, Any]:
        return {**self.id, "intermediateTableIdentifier": table["id"]}

    def get(self, table: dict[str, Any]) -> dict[str, Any]:
        return dict(self.client.get_intermediate_table(**self.of(table))["intermediateTable"])

    def populate(self, table: dict[str, Any], **more: Any) -> dict[str, Any]:
        """Populate a table and return it."""
        self.client.populate_intermediate_table(**self.of(table), **more)
        return self.get(table)

    def update(self, table: dict[str, Any], **changes: Any) -> dict[str, Any]:
        return dict(self.client.update_intermediate_table(**self.of(table), **changes)["intermediateTable"])

    def delete(self, table: dict[str, Any]) -> None:
        self.client.delete_intermediate_table(**self.of(table))

    def tables(self) -> list[dict[str, Any]]:
        return list(self.client.list_intermediate_tables(**self.id)["intermediateTableSummaries"])

    def versions(self, table: dict[str, Any]) -> list[dict[str, Any]]:
        answer: Any = self.client.list_intermediate_table_versions(**self.of(table))
        return list(answer["intermediateTableVersionSummaries"])

    def disallow(self, name: str, **more: Any) -> None:
        self.client.disallow_intermediate_table(**self.id, intermediateTableName=name, **more)


class Room:
    """A collaboration in which the advertiser queries, and the publisher has ``orders``, of ``id`` and ``price``."""

    def __init__(self, scene: Scene, abilities: list[str] | None = None, **more: Any) -> None:
        self.scene = scene
        self.collaboration = scene.create(creatorMemberAbilities=abilities or QUERIES, **more)
        self.advertiser = Member(self, ADVERTISER)
        self.publisher = Member(self, PUBLISHER)
        self.orders = self.publisher.table("orders", rule=open_to(ADVERTISER))

    def schema(self, name: str, who: str = "publisher") -> dict[str, Any]:
        client = getattr(self, who).client
        return dict(client.get_schema(collaborationIdentifier=self.collaboration["id"], name=name)["schema"])

    def reasons(self, name: str) -> list[str]:
        """Why a table can't be analysed directly."""
        (detail,) = self.schema(name)["schemaStatusDetails"]
        assert detail["status"] == ("NOT_READY" if "reasons" in detail else "READY")
        return [reason["code"] for reason in detail.get("reasons", ())]

    def everything(self) -> list[Any]:
        tables = self.advertiser.tables()
        return [tables, *([self.advertiser.get(table), self.advertiser.versions(table)] for table in tables)]

    @contextmanager
    def nothing_changes(self) -> Iterator[None]:
        before = self.everything()
        yield
        assert self.everything() == before


@pytest.fixture
def room(scene: Scene) -> Room:
    return Room(scene)


def dependencies(table: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [(one["name"], one["type"], one["parentType"]) for one in table.get("tableDependencies", ())]


def outcome(table: dict[str, Any]) -> tuple[str, bool, bool]:
    """A table's status, and whether it has data and a schema."""
    return table["status"], "intermediateTableVersion" in table, "schema" in table


# Creation


@pytest.mark.rule("INT-6", "INT-22")
def test_new_table(room: Room, clock: Clock) -> None:
    """A new table is CREATED, with the defaults and without what it doesn't have yet; its owner gets and lists it."""
    client = room.advertiser.client
    table = room.advertiser.create(tags={"team": "reach"})
    assert table == {
        "id": table["id"],
        "arn": f"{room.advertiser.membership['arn']}/intermediatetable/{table['id']}",
        "name": "reach",
        "membershipArn": room.advertiser.membership["arn"],
        "membershipId": room.advertiser.membership["id"],
        "collaborationArn": room.collaboration["arn"],
        "collaborationId": room.collaboration["id"],
        "createTime": clock.now,
        "updateTime": clock.now,
        "status": "CREATED",
        "populationAnalysisConfiguration": {"sqlParameters": {"queryString": "SELECT id FROM orders"}},
        "retentionInDays": 30,
        "tableDependencies": [
            {
                "id": room.orders["id"],
                "name": "orders",
                "type": "TABLE",
                "parentType": "DIRECT",
                "creatorAccountId": PUBLISHER,
            }
        ],
    }
    assert room.advertiser.get(table) == table
    left_out = {"populationAnalysisConfiguration", "tableDependencies"}
    assert room.advertiser.tables() == [{name: table[name] for name in table.keys() - left_out}]
    assert client.list_tags_for_resource(resourceArn=table["arn"])["tags"] == {"team": "reach"}
    client.tag_resource(resourceArn=table["arn"], tags={"more": "yes"})
    room.advertiser.delete(table)
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.list_tags_for_resource(resourceArn=table["arn"])
    other = room.advertiser.create(
        "other", "SELECT 1 AS one", description="one", kmsKeyArn=f"{KEY}1", retentionInDays=7
    )
    assert (other["description"], other["kmsKeyArn"], other["retentionInDays"]) == ("one", f"{KEY}1", 7)
    assert dependencies(other) == []


@pytest.mark.rule("INT-6")
def test_dependencies_are_named_or_under_those_that_are(room: Room) -> None:
    """DIRECT is what the query names, once and even if another table is built on it; INDIRECT is the rest under it."""
    room.advertiser.table("clicks")
    room.advertiser.create("one", "SELECT o.id FROM orders o JOIN Clicks c ON o.id = c.id JOIN orders p ON p.id = c.id")
    room.advertiser.create("two", "SELECT id FROM One")
    three = room.advertiser.create("three", "SELECT two.id FROM two JOIN clicks ON two.id = clicks.id")
    assert dependencies(three) == [
        ("two", "INTERMEDIATE_TABLE", "DIRECT"),
        ("clicks", "TABLE", "DIRECT"),
        ("one", "INTERMEDIATE_TABLE", "INDIRECT"),
        ("orders", "TABLE", "INDIRECT"),
    ]
    association = room.publisher.client.get_configured_table_association(
        **room.publisher.id, configuredTableAssociationIdentifier=room.orders["id"]
    )["configuredTableAssociation"]
    assert [child["resourceName"] for child in association["childResources"]] == ["one", "two", "three"]
    assert association["childResources"][0].keys() == {"resourceType", "resourceName", "ownerAccountId"}
    (child,) = room.advertiser.get(room.advertiser.tables()[1])["childResources"]
    assert (child["resourceId"], child["resourceStatus"]) == (three["id"], "CREATED")


@pytest.mark.rule("INT-1", "QUO-25")
def test_who_may_create_and_how_many(room: Room, refused: Refused) -> None:
    """Tables are for the member that can query, within the quota of its membership."""
    with refused("AccessDeniedException", "INSUFFICIENT_PERMISSIONS", rule="LIFE-26"):
        room.publisher.create()
    for number in range(25):
        room.advertiser.create(f"table_{number}")
    with room.nothing_changes(), refused("ServiceQuotaExceededException") as error:
        room.advertiser.create()
    assert (error["quotaName"], error["quotaValue"]) == (QUOTA, 25.0)
    room.scene.handle.quotas[QUOTA] = 26
    room.advertiser.create()


@pytest.mark.rule("INT-2")
@pytest.mark.parametrize("name", ["select", "Order", "CURRENT_DATE", "where"])
def test_words_of_sql_are_no_names(room: Room, refused: Refused, name: str) -> None:
    """A reserved word in whatever case is refused as a name."""
    with refused("ValidationException", "FIELD_VALIDATION_FAILED", field="name", rule="INT-2"):
        room.advertiser.create(name)
    assert room.advertiser.tables() == []


@pytest.mark.rule("INT-2")
def test_names_keep_their_case_and_are_found_in_any(room: Room, refused: Refused) -> None:
    """A name is answered as it was written, and taken in whatever case: the conflict shows the other only if it is one's own."""
    table = room.advertiser.create("Reach")
    assert room.schema("rEACH")["name"] == table["name"] == "Reach"
    with refused("ConflictException", "ALREADY_EXISTS", rule="ASSOC-5") as error:
        room.advertiser.create("REACH")
    assert (error["resourceType"], error["resourceId"]) == ("MEMBERSHIP", table["id"])
    with refused("ConflictException", "ALREADY_EXISTS", rule="ASSOC-5") as error:
        room.advertiser.create("Orders")
    assert not {"resourceType", "resourceId"} & error.keys()
    with refused("ConflictException", "ALREADY_EXISTS", rule="ASSOC-5"):
        room.publisher.table("reach")
    room.advertiser.delete(table)
    room.advertiser.create("REACH")


@pytest.mark.rule("INT-3")
@pytest.mark.parametrize("both", [False, True])
def test_query_has_a_text_or_a_template(room: Room, refused: Refused, both: bool) -> None:
    """sqlParameters with neither of the two, or with both, are refused."""
    arn = room.advertiser.template("text", "SELECT id FROM orders")
    parameters: Any = {"queryString": "SELECT id FROM orders", "analysisTemplateArn": arn} if both else {}
    field = "populationAnalysisConfiguration.sqlParameters"
    with refused("ValidationException", "FIELD_VALIDATION_FAILED", field=field, rule="INT-3"):
        room.advertiser.create(populationAnalysisConfiguration={"sqlParameters": parameters})
    assert room.advertiser.tables() == []


@pytest.mark.rule("INT-3", "INT-4", "INT-6")
def test_templates_of_every_member_populate(scene: Scene) -> None:
    """Another member's template does for a query, and one in PySpark for a job, with the tables that it references."""
    room = Room(scene, JOBS, analyticsEngine="SPARK")
    arn = room.publisher.template("text", "SELECT id FROM orders")
    query = room.advertiser.create(populationAnalysisConfiguration={"sqlParameters": {"analysisTemplateArn": arn}})
    assert dependencies(query) == [("orders", "TABLE", "DIRECT")]
    code = room.advertiser.template("code", schema={"referencedTables": ["orders", "reach"]})
    job = room.advertiser.create(
        "job", populationAnalysisConfiguration={"jobParameters": {"analysisTemplateArn": code}}
    )
    assert dependencies(job) == [("orders", "TABLE", "DIRECT"), ("reach", "INTERMEDIATE_TABLE", "DIRECT")]


@pytest.mark.rule("INT-4")
def test_templates_that_are_not_there_or_of_the_other_kind(scene: Scene, refused: Refused) -> None:
    """A template that doesn't exist, or is in another collaboration, isn't found; one of the other format is refused."""
    room = Room(scene, JOBS, analyticsEngine="SPARK")
    elsewhere = Room(scene).advertiser.template("text", "SELECT 1 AS one")
    for arn in (f"{room.advertiser.membership['arn']}/analysistemplate/{NOWHERE}", elsewhere):
        for member in ("sqlParameters", "jobParameters"):
            with refused("ResourceNotFoundException", rule="INT-4") as error:
                room.advertiser.create(populationAnalysisConfiguration={member: {"analysisTemplateArn": arn}})
            assert (error["resourceType"], error["resourceId"]) == ("COLLABORATION", arn)
    text, code = room.advertiser.template("text", "SELECT 1 AS one"), room.advertiser.template("code")
    for member, arn in (("sqlParameters", code), ("jobParameters", text)):
        field = f"populationAnalysisConfiguration.{member}.analysisTemplateArn"
        with refused("ValidationException", "INVALID_CONFIGURATION", field=field, rule="INT-4"):
            room.advertiser.create(populationAnalysisConfiguration={member: {"analysisTemplateArn": arn}})
    assert room.advertiser.tables() == []


@pytest.mark.rule("INT-5")
@pytest.mark.parametrize(
    "query",
    [
        "",
        "SELECT",
        "DELETE FROM orders",
        "SELECT id FROM orders; SELECT 1",
        "SELECT id FROM returns",
        "SELECT id FROM shop.orders",
    ],
)
def test_queries_that_are_none(room: Room, refused: Refused, query: str) -> None:
    """What is no single SELECT over tables of the collaboration is an invalid query."""
    with refused("ValidationException", "INVALID_QUERY", rule="INT-5"):
        room.advertiser.create(query=query)
    assert room.advertiser.tables() == []


@pytest.mark.rule("INT-5")
def test_templates_name_tables_too(room: Room, refused: Refused) -> None:
    """A template may be written before its tables are associated, an intermediate table by it only afterwards."""
    arn = room.advertiser.template("text", "SELECT id FROM returns")
    configuration = {"sqlParameters": {"analysisTemplateArn": arn}}
    with refused("ValidationException", "INVALID_QUERY", rule="INT-5"):
        room.advertiser.create(populationAnalysisConfiguration=configuration)
    room.publisher.table("returns")
    room.advertiser.create(populationAnalysisConfiguration=configuration)


@pytest.mark.rule("INT-5")
def test_what_a_query_makes_itself_is_no_dependency(room: Room) -> None:
    """Names of CACHE TABLE and WITH aren't looked for."""
    query = "CACHE TABLE kept AS SELECT id FROM orders; WITH some_of AS (SELECT id FROM kept) SELECT id FROM some_of"
    assert dependencies(room.advertiser.create(query=query)) == [("orders", "TABLE", "DIRECT")]


# Owners and others


@pytest.mark.rule("INT-22")
def test_only_the_owner_finds_it(room: Room, refused: Refused) -> None:
    """Under another membership an intermediate table isn't found, whatever is asked; its schema is seen by all members."""
    table = room.advertiser.populate(room.advertiser.create())
    client, mine = room.publisher.client, {"intermediateTableIdentifier": table["id"]}
    calls = ["get_intermediate_table", "list_intermediate_table_versions", "update_intermediate_table"]
    for call in calls:
        with refused("ResourceNotFoundException", rule="LIFE-24") as error:
            getattr(client, call)(**room.publisher.id, **mine)
        assert (error["resourceType"], error["resourceId"]) == ("MEMBERSHIP", table["id"])
    for call in (*calls, "delete_intermediate_table", "populate_intermediate_table"):
        with refused("ResourceNotFoundException", rule="ERR-10") as error:
            getattr(client, call)(**room.advertiser.id, **mine)
        assert error["resourceId"] == room.advertiser.membership["id"]
    assert room.publisher.tables() == []
    room.publisher.client.delete_intermediate_table(**room.publisher.id, **mine)
    assert room.advertiser.get(table) == table
    for who in ("advertiser", "publisher"):
        schema = room.schema("reach", who)
        assert "resourceArn" not in schema
        assert schema["schemaTypeProperties"] == {"intermediateTable": {"intermediateTableId": table["id"]}}
        assert schema["columns"] == table["schema"]["columns"]


def test_pages(room: Room, refused: Refused) -> None:
    """Tables are listed page by page, oldest first; a token of one listing isn't one of another."""
    client = room.advertiser.client
    tables = [room.advertiser.create(f"table_{number}") for number in range(5)]
    pages = client.get_paginator("list_intermediate_tables").paginate(
        **room.advertiser.id, PaginationConfig={"PageSize": 2}
    )
    found = [[one["id"] for one in page["intermediateTableSummaries"]] for page in pages]
    ids = [table["id"] for table in tables]
    assert found == [ids[:2], ids[2:4], ids[4:]]
    token = client.list_intermediate_tables(**room.advertiser.id, maxResults=2)["nextToken"]
    with refused("ValidationException", "FIELD_VALIDATION_FAILED", field="nextToken", rule="ERR-13"):
        client.list_intermediate_table_versions(**room.advertiser.of(tables[0]), nextToken=token)


# Updates


@pytest.mark.rule("INT-20")
def test_update(room: Room, clock: Clock) -> None:
    """Description and types change at once, the key from the next populate on; what isn't named stays."""
    table = room.advertiser.create(query="SELECT id, price FROM orders", description="first", kmsKeyArn=f"{KEY}1")
    room.advertiser.populate(table)
    time = clock.advance(hours=1)
    updated = room.advertiser.update(table, description="second", kmsKeyArn=f"{KEY}2")
    assert (updated["description"], updated["kmsKeyArn"], updated["updateTime"]) == ("second", f"{KEY}2", time)
    assert updated["intermediateTableVersion"]["kmsKeyArn"] == f"{KEY}1"
    updated = room.advertiser.update(table, columns=[{"name": "price", "type": "decimal(10,2)"}])
    assert updated["description"] == "second"
    columns = [{"name": "id", "type": "string"}, {"name": "price", "type": "decimal(10,2)"}]
    assert updated["schema"]["columns"] == room.schema("reach")["columns"] == columns
    assert room.advertiser.get(table) == updated
    assert room.advertiser.populate(table)["intermediateTableVersion"]["kmsKeyArn"] == f"{KEY}2"


@pytest.mark.rule("INT-20")
def test_types_are_those_of_columns(room: Room, refused: Refused) -> None:
    """A table without a schema, or without the column, can't have its type changed."""
    table = room.advertiser.create()
    with (
        room.nothing_changes(),
        refused("ValidationException", "INVALID_CONFIGURATION", field="columns", rule="INT-20"),
    ):
        room.advertiser.update(table, description="new", columns=[{"name": "id", "type": "string"}])
    room.advertiser.populate(table)
    columns = [{"name": "id", "type": "int"}, {"name": "price", "type": "int"}]
    field = "columns.member.2.name"
    with room.nothing_changes(), refused("ValidationException", "FIELD_VALIDATION_FAILED", field=field, rule="INT-20"):
        room.advertiser.update(table, columns=columns)


# Populating


@pytest.mark.rule("INT-10", "INT-14")
def test_populate(room: Room, clock: Clock) -> None:
    """Populating answers a new version, which is the table's own then, with what it was asked with and when it ends."""
    arn = room.advertiser.template(
        "text",
        "SELECT id FROM orders WHERE price > :least",
        analysisParameters=[{"name": "least", "type": "INTEGER", "defaultValue": "1"}],
    )
    table = room.advertiser.create(
        populationAnalysisConfiguration={"sqlParameters": {"analysisTemplateArn": arn}},
        kmsKeyArn=f"{KEY}1",
        retentionInDays=7,
    )
    time = clock.advance(hours=1)
    answer = room.advertiser.client.populate_intermediate_table(**room.advertiser.of(table), parameters={"least": "5"})
    del answer["ResponseMetadata"]
    assert answer.keys() == {"analysisId", "analysisType", "versionId"}
    assert answer["analysisType"] == "QUERY"
    populated = room.advertiser.get(table)
    assert populated == {
        **table,
        "status": "POPULATE_SUCCESS",
        "updateTime": time,
        "schema": {"columns": [{"name": "id", "type": "string"}]},
        "intermediateTableVersion": {
            **answer,
            "kmsKeyArn": f"{KEY}1",
            "parameters": {"least": "5"},
            "inheritedConstraints": {},
            "expirationTime": time + timedelta(days=7),
        },
    }
    assert room.advertiser.versions(table) == [
        {
            **answer,
            "tableId": table["id"],
            "createTime": time,
            "status": "POPULATE_SUCCESS",
            "kmsKeyArn": f"{KEY}1",
            "expirationTime": time + timedelta(days=7),
        }
    ]


@pytest.mark.rule("INT-14")
@pytest.mark.parametrize(
    ("query", "columns"),
    [
        ("SELECT * FROM orders", {"id": "string", "price": "decimal(10,2)"}),
        ("SELECT Price AS Cost, upper(id) AS big FROM orders o", {"cost": "decimal(10,2)", "big": "string"}),
        ("SELECT id, count(*), sum(price) AS total FROM orders GROUP BY id", {"id": "string", "_col_1": "bigint", "total": "decimal(20,2)"}),
        ("CACHE TABLE my.kept AS SELECT price AS p FROM orders; SELECT p FROM my.kept", {"p": "decimal(10,2)"}),
        ("WITH w AS (SELECT price FROM orders) SELECT price FROM w UNION ALL SELECT price FROM w", {"price": "decimal(10,2)"}),
        ('SELECT price AS size, id AS "My Id" FROM orders', {"size": "decimal(10,2)", "my id": "string"}),
        ("(SELECT 'x' AS p, concat('y', id) AS q, NULL AS n FROM orders)", {"p": "string", "q": "string", "n": "string"}),
    ],
)  # fmt: skip
def test_schema_is_that_of_the_query(room: Room, query: str, columns: dict[str, str]) -> None:
    """The columns have the names and types that the query gives them, in its order; what can't be told is a string."""
    base = room.advertiser.create_open("base", "SELECT id, CAST(price AS DECIMAL(10,2)) AS price FROM orders")
    assert room.schema("base")["columns"] == []
    room.advertiser.populate(base)
    table = room.advertiser.populate(room.advertiser.create(query=query.replace("orders", "base")))
    found = {column["name"]: column["type"] for column in table["schema"]["columns"]}
    assert found == columns
    assert list(found) == list(columns)


@pytest.mark.rule("INT-12", "INT-14")
@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("SELECT * FROM base", "Table base is not ready: The intermediate table has not been populated."),
        ("SELECT o.id, p.id FROM orders o JOIN orders p ON o.id = p.id", "The query gives two columns named id"),
        ("SELECT id FROM orders o JOIN orders p ON o.id = p.id", "Column(s) [id] is ambiguous"),
        ("SELECT nothing FROM orders", "Column(s) [nothing] is not found"),
        ("VALUES (1, 2)", "The query reads no table of the collaboration"),
    ],
)
def test_query_that_gives_no_table(room: Room, query: str, reason: str) -> None:
    """A query of which nothing can come fails when it runs, and the table says why."""
    room.advertiser.create_open("base")
    table = room.advertiser.populate(room.advertiser.create(query=query))
    assert outcome(table) == ("POPULATE_FAILED", False, False)
    assert table["statusReason"].startswith(reason)
    (version,) = room.advertiser.versions(table)
    assert (version["status"], "expirationTime" in version) == ("POPULATE_FAILED", False)
    assert "INTERMEDIATE_TABLE_NOT_POPULATED" in room.reasons("reach")


@pytest.mark.rule("INT-10", "INT-13")
def test_jobs_fail(scene: Scene) -> None:
    """A job takes its own compute, and the table says why it failed."""
    room = Room(scene, JOBS, analyticsEngine="SPARK")
    code = room.advertiser.template("code")
    table = room.advertiser.create(populationAnalysisConfiguration={"jobParameters": {"analysisTemplateArn": code}})
    compute = {"jobComputeConfiguration": {"worker": {"type": "CR.1X", "number": 4}}}
    answer: Any = room.advertiser.client.populate_intermediate_table(
        **room.advertiser.of(table), computeConfiguration=compute
    )
    assert answer["analysisType"] == "JOB"
    failed = room.advertiser.get(table)
    assert outcome(failed) == ("POPULATE_FAILED", False, False)
    assert "run_jobs=True" in failed["statusReason"]
    (version,) = room.advertiser.versions(table)
    assert (version["versionId"], version["status"]) == (answer["versionId"], "POPULATE_FAILED")


@pytest.mark.rule("INT-10", "INT-11", "INT-12", "INT-21", "PQ-70")
def test_steps(room: Room, by_steps: None, refused: Refused) -> None:
    """A table is POPULATE_STARTED until its query has ended, and meanwhile neither populated again nor deleted; a cancelled one leaves nothing."""
    client, mine = room.advertiser.client, room.advertiser.id
    table = room.advertiser.create()

    def populate() -> str:
        return str(client.populate_intermediate_table(**room.advertiser.of(table))["analysisId"])

    def look(query: str) -> str:
        answer: Any = client.get_protected_query(**mine, protectedQueryIdentifier=query)
        return str(answer["protectedQuery"]["status"])

    query = populate()
    assert outcome(room.advertiser.get(table)) == ("POPULATE_STARTED", False, False)
    assert [one["status"] for one in room.advertiser.versions(table)] == ["POPULATE_STARTED"]
    assert "INTERMEDIATE_TABLE_NOT_POPULATED" in room.reasons("reach")
    for call, rule in ((populate, "INT-11"), (lambda: room.advertiser.delete(table), "INT-21")):
        with room.nothing_changes(), refused("ConflictException", "INVALID_STATE", rule=rule) as error:
            call()
        assert (error["resourceType"], error["resourceId"]) == ("MEMBERSHIP", table["id"])
    client.update_protected_query(**mine, protectedQueryIdentifier=query, targetStatus="CANCELLED")
    assert look(query) == "CANCELLED"
    failed = room.advertiser.get(table)
    assert outcome(failed) == ("POPULATE_FAILED", False, False)
    assert failed["statusReason"] == f"The query {query} is CANCELLED."
    query = populate()
    assert [look(query) for _ in range(2)] == ["STARTED", "SUCCESS"]
    assert outcome(room.advertiser.get(table)) == ("POPULATE_SUCCESS", True, True)
    query = populate()
    assert outcome(room.advertiser.get(table)) == ("POPULATE_STARTED", True, True)
    room.publisher.disallow("reach")
    assert [look(query) for _ in range(2)] == ["STARTED", "SUCCESS"]
    assert outcome(room.advertiser.get(table)) == DISALLOWED
    assert room.advertiser.versions(table) == []


@pytest.mark.rule("INT-10")
def test_populating_is_within_the_quotas_of_queries(room: Room, refused: Refused) -> None:
    """It is a query like any other."""
    table = room.advertiser.create()
    worker: Any = {"type": "CR.8X", "number": 17}
    with room.nothing_changes(), refused("ServiceQuotaExceededException", rule="QUO-18"):
        room.advertiser.populate(table, computeConfiguration={"queryComputeConfiguration": worker})
    room.scene.handle.quotas["Concurrent ongoing queries per membership"] = 0
    with room.nothing_changes(), refused("ServiceQuotaExceededException", rule="QUO-14"):
        room.advertiser.populate(table)


@pytest.mark.rule("INT-10", "LIFE-26")
def test_who_may_populate(scene: Scene, refused: Refused) -> None:
    """Populating takes CAN_QUERY, asked before the table is looked for, and CAN_RUN_JOB for a job."""
    room = Room(scene, analyticsEngine="SPARK")
    with refused("AccessDeniedException", "INSUFFICIENT_PERMISSIONS", rule="LIFE-26"):
        room.publisher.populate({"id": NOWHERE})
    with refused("ResourceNotFoundException", rule="LIFE-24") as error:
        room.advertiser.populate({"id": NOWHERE})
    assert (error["resourceType"], error["resourceId"]) == ("MEMBERSHIP", NOWHERE)
    code = room.advertiser.template("code")
    table = room.advertiser.create(populationAnalysisConfiguration={"jobParameters": {"analysisTemplateArn": code}})
    with room.nothing_changes(), refused("AccessDeniedException", "INSUFFICIENT_PERMISSIONS", rule="LIFE-26"):
        room.advertiser.populate(table)


@pytest.mark.rule("INT-11")
@pytest.mark.parametrize("end", ["DISALLOWED_BY_DATA_PROVIDER", "BASE_TABLE_REMOVED"])
def test_tables_that_came_to_an_end_stay_empty(room: Room, refused: Refused, end: str) -> None:
    """A table that was disallowed, or has lost a base table, can't be populated."""
    table = room.advertiser.create()
    if end == "BASE_TABLE_REMOVED":
        room.publisher.remove(room.orders)
    else:
        room.publisher.disallow("reach")
    with room.nothing_changes(), refused("ConflictException", "INVALID_STATE", rule="INT-11") as error:
        room.advertiser.populate(table)
    assert (error["resourceType"], error["resourceId"]) == ("MEMBERSHIP", table["id"])


@pytest.mark.rule("INT-4")
def test_template_is_gone_when_the_table_is_populated(room: Room, refused: Refused) -> None:
    """A template that was deleted isn't found by the next populate."""
    arn = room.advertiser.template("text", "SELECT id FROM orders")
    table = room.advertiser.create(populationAnalysisConfiguration={"sqlParameters": {"analysisTemplateArn": arn}})
    room.advertiser.populate(table)
    room.advertiser.client.delete_analysis_template(
        **room.advertiser.id, analysisTemplateIdentifier=arn.rsplit("/", 1)[-1]
    )
    with room.nothing_changes(), refused("ResourceNotFoundException", rule="INT-4") as error:
        room.advertiser.populate(table)
    assert (error["resourceType"], error["resourceId"]) == ("COLLABORATION", arn)


@pytest.mark.rule("INT-13")
def test_settings_that_do_not_fit_the_analysis(scene: Scene, refused: Refused) -> None:
    """Parameters that aren't declared, and the compute of the other kind of analysis, are refused."""
    room = Room(scene, JOBS, analyticsEngine="SPARK")
    worker: Any = {"type": "CR.1X", "number": 16}
    query = {"queryComputeConfiguration": worker}
    job = {"jobComputeConfiguration": {"worker": worker}}
    code = room.advertiser.template(
        "code", analysisParameters=[{"name": "known", "type": "STRING", "defaultValue": "0"}]
    )
    by_query = room.advertiser.create()
    by_job = room.advertiser.create(
        "job", populationAnalysisConfiguration={"jobParameters": {"analysisTemplateArn": code}}
    )
    for table, wrong, kind in ((by_query, job, "job"), (by_job, query, "query")):
        field = f"computeConfiguration.{kind}ComputeConfiguration"
        with (
            room.nothing_changes(),
            refused("ValidationException", "INVALID_CONFIGURATION", field=field, rule="INT-13"),
        ):
            room.advertiser.populate(table, computeConfiguration=wrong)
        with (
            room.nothing_changes(),
            refused("ValidationException", "FIELD_VALIDATION_FAILED", field="parameters.other", rule="INT-13"),
        ):
            room.advertiser.populate(table, parameters={"other": "1"})
    assert room.advertiser.populate(by_query, computeConfiguration=query)["status"] == "POPULATE_SUCCESS"
    room.advertiser.populate(by_job, computeConfiguration=job, parameters={"known": "1"})


@pytest.mark.rule("INT-13")
def test_who_pays(scene: Scene, refused: Refused) -> None:
    """The payer is an active one that has accepted: the only one, or of several the member that populates, unless it names another."""
    collaboration = scene.create(
        creatorPaymentConfiguration=pays(query=False), members=[scene.member(paymentConfiguration=pays(query=True))]
    )
    room = Room.__new__(Room)
    room.scene, room.collaboration = scene, collaboration
    room.advertiser = Member(room, ADVERTISER)
    table = room.advertiser.create(query="SELECT 1 AS one")

    def is_refused(**payer: str) -> None:
        with (
            room.nothing_changes(),
            refused("ValidationException", "INVALID_CONFIGURATION", field="analysisPayerAccountId", rule="INT-13"),
        ):
            room.advertiser.populate(table, **payer)

    is_refused()  # The only payer hasn't joined.
    membership = scene.join(scene.publisher, collaboration, paymentConfiguration=pays(query=True))
    for account_id in (ADVERTISER, STRANGER):
        is_refused(analysisPayerAccountId=account_id)
    room.advertiser.populate(table)
    room.advertiser.populate(table, analysisPayerAccountId=PUBLISHER)
    scene.publisher.update_membership(
        membershipIdentifier=membership["id"], membershipPaymentConfiguration={"queryCompute": {"isResponsible": False}}
    )
    is_refused()


@pytest.mark.rule("INT-13")
@pytest.mark.parametrize("runner_pays", [True, False])
def test_who_pays_of_several(scene: Scene, refused: Refused, runner_pays: bool) -> None:
    """Of several payers the member that populates pays; where it isn't one of them it has to name one."""
    members = [scene.member(one, paymentConfiguration=pays(query=True)) for one in (PUBLISHER, THIRD)]
    collaboration = scene.create(creatorPaymentConfiguration=pays(query=runner_pays), members=members)
    for account_id in (PUBLISHER, THIRD):
        scene.join(scene.handle.client(account_id), collaboration, paymentConfiguration=pays(query=True))
    membership = scene.join(scene.advertiser, collaboration)
    client: Any = scene.advertiser
    mine = {"membershipIdentifier": membership["id"]}
    table = client.create_intermediate_table(
        **mine, name="reach", populationAnalysisConfiguration={"sqlParameters": {"queryString": "SELECT 1 AS one"}}
    )["intermediateTable"]
    mine["intermediateTableIdentifier"] = table["id"]
    if runner_pays:
        client.populate_intermediate_table(**mine)
    else:
        with refused("ValidationException", "INVALID_CONFIGURATION", field="analysisPayerAccountId", rule="INT-13"):
            client.populate_intermediate_table(**mine)
    client.populate_intermediate_table(**mine, analysisPayerAccountId=THIRD)


@pytest.mark.rule("INT-12", "INT-14", "INT-16")
def test_access_budgets_are_taken(room: Room, clock: Clock) -> None:
    """Populating takes one from the budget of each base table, through other intermediate tables too; with none left it fails, and the version
    before stays in use.
    """
    arn = f"{room.publisher.membership['arn']}/configuredtableassociation/{room.orders['id']}"
    room.publisher.client.create_privacy_budget_template(
        **room.publisher.id,
        privacyBudgetType="ACCESS_BUDGET",
        parameters={"accessBudget": {"resourceArn": arn, "budgetParameters": [{"type": "LIFETIME", "budget": 3}]}},
    )

    def rest() -> int:
        answer: Any = room.publisher.client.list_privacy_budgets(**room.publisher.id, privacyBudgetType="ACCESS_BUDGET")
        return int(answer["privacyBudgetSummaries"][0]["budget"]["accessBudget"]["aggregateRemainingBudget"])

    one = room.advertiser.create_open("one")
    two = room.advertiser.create("two", "SELECT id FROM one")
    room.advertiser.populate(one)
    assert rest() == 2
    first = room.advertiser.populate(two)
    assert rest() == 1
    clock.advance(hours=1)
    room.advertiser.populate(one)
    time = clock.advance(hours=1)
    assert room.advertiser.populate(two) == {**first, "updateTime": time}
    assert rest() == 0
    newest, oldest = room.advertiser.versions(two)
    assert (newest["status"], newest["createTime"]) == ("POPULATE_FAILED", time)
    assert oldest["versionId"] == first["intermediateTableVersion"]["versionId"]
    three = room.advertiser.populate(room.advertiser.create("three"))
    assert outcome(three) == ("POPULATE_FAILED", False, False)
    assert three["statusReason"] == "The access budget of table orders is used up."
    clock.advance(days=30)
    assert room.advertiser.get(two)["status"] == "RETENTION_PERIOD_EXPIRED"
    assert room.advertiser.populate(two)["status"] == "POPULATE_FAILED"


@pytest.mark.rule("INT-15", "INT-16")
def test_data_expires(room: Room, clock: Clock) -> None:
    """When its retention is over the data is gone, and populating the table gives it new; each version keeps its own time."""
    table = room.advertiser.create(retentionInDays=2)
    room.advertiser.populate(table)
    clock.advance(days=2, milliseconds=-1)
    assert outcome(room.advertiser.get(table)) == ("POPULATE_SUCCESS", True, True)
    clock.advance(milliseconds=1)
    assert outcome(room.advertiser.get(table)) == ("RETENTION_PERIOD_EXPIRED", False, True)
    assert room.advertiser.tables()[0]["status"] == "RETENTION_PERIOD_EXPIRED"
    assert "INTERMEDIATE_TABLE_RETENTION_PERIOD_EXPIRED" in room.reasons("reach")
    assert outcome(room.advertiser.populate(table)) == ("POPULATE_SUCCESS", True, True)
    assert [one["status"] for one in room.advertiser.versions(table)] == [
        "POPULATE_SUCCESS",
        "RETENTION_PERIOD_EXPIRED",
    ]


@pytest.mark.rule("INT-16")
def test_versions_are_listed_newest_first(room: Room, clock: Clock) -> None:
    """Versions come newest first, on every page, while new ones are made."""
    table = room.advertiser.create()
    ids: list[str] = []

    def populate() -> None:
        clock.advance(minutes=1)
        answer: Any = room.advertiser.client.populate_intermediate_table(**room.advertiser.of(table))
        ids.insert(0, answer["versionId"])

    for _ in range(5):
        populate()
    assert [one["versionId"] for one in room.advertiser.versions(table)] == ids
    pages = room.advertiser.client.get_paginator("list_intermediate_table_versions").paginate(
        **room.advertiser.of(table), PaginationConfig={"PageSize": 2}
    )
    found = []
    for page in pages:
        found += [one["versionId"] for one in page["intermediateTableVersionSummaries"]]
        populate()
    assert found == ids[-5:]


# What base tables hand down


def shared_with(*accounts: str, **members: Any) -> dict[str, Any]:
    return custom(allowedResultReceivers=list(accounts), **members)


MODEL = "arn:aws:cleanrooms-ml:us-east-1:*:membership/*/configured-model-algorithm-association/"


@pytest.mark.rule("INT-7", "INT-14")
def test_constraints_are_handed_down(scene: Scene) -> None:
    """A version has what all base tables allow, what any disallows, and the strictest word on additional analyses, each with where it comes from."""
    members = [scene.member(abilities=["CAN_RECEIVE_RESULTS"]), scene.member(THIRD, ["CAN_RECEIVE_RESULTS"])]
    room = Room(scene, members=members)
    third = Member(room, THIRD)
    clicks = room.publisher.table(
        "clicks",
        rule=open_to(ADVERTISER, disallowedOutputColumns=["price"], additionalAnalyses="ALLOWED"),
        shared=shared_with(ADVERTISER, PUBLISHER, allowedAdditionalAnalyses=[f"{MODEL}*"]),
    )
    views = third.table(
        "views",
        rule=open_to(ADVERTISER, disallowedOutputColumns=["id"], additionalAnalyses="REQUIRED"),
        shared=shared_with(ADVERTISER, THIRD, allowedAdditionalAnalyses=[f"{MODEL}mine"]),
    )
    query = (
        "SELECT c.id AS click, v.id AS view, c.price + v.price AS both_prices, count(c.price) AS n, max(v.price) AS top "
        "FROM clicks c JOIN views v ON c.id = v.id JOIN orders o ON o.id = v.id GROUP BY 1, 2, 3"
    )
    table = room.advertiser.populate(room.advertiser.create(query=query))
    by_clicks = {"name": "clicks", "id": clicks["id"], "type": "TABLE", "sourceAccountId": PUBLISHER}
    by_views = {"name": "views", "id": views["id"], "type": "TABLE", "sourceAccountId": THIRD}

    def lineage(column: str, source_column: str, source: dict[str, str]) -> dict[str, str]:
        named = {
            f"source{name[0].upper()}{name[1:]}": value for name, value in source.items() if name != "sourceAccountId"
        }
        return {"column": column, "sourceColumn": source_column, **named, "sourceAccountId": source["sourceAccountId"]}

    assert table["intermediateTableVersion"]["inheritedConstraints"] == {
        "additionalAnalyses": {
            "value": "REQUIRED",
            "sources": [{**by_clicks, "value": "ALLOWED"}, {**by_views, "value": "REQUIRED"}],
        },
        "allowedAdditionalAnalyses": {
            "value": [f"{MODEL}mine"],
            "sources": [{**by_clicks, "value": [f"{MODEL}*"]}, {**by_views, "value": [f"{MODEL}mine"]}],
        },
        "allowedResultReceivers": {
            "value": [ADVERTISER],
            "sources": [{**by_clicks, "value": [ADVERTISER, PUBLISHER]}, {**by_views, "value": [ADVERTISER, THIRD]}],
        },
        "disallowedOutputColumns": {
            "value": ["view", "both_prices", "n"],
            "columnLineage": [
                lineage("view", "id", by_views),
                lineage("both_prices", "price", by_clicks),
                lineage("n", "price", by_clicks),
            ],
        },
    }


@pytest.mark.rule("INT-7", "INT-14")
def test_what_is_not_said_is_no_constraint(room: Room) -> None:
    """A table without an association's rule constrains no receivers, an AGGREGATION rule's word on additional analyses counts for nothing, and an
    association's rule without receivers allows none.
    """
    aggregation = {
        "aggregateColumns": [{"columnNames": ["price"], "function": "SUM"}],
        "joinColumns": ["id"],
        "dimensionColumns": [],
        "scalarFunctions": [],
        "outputConstraints": [{"columnName": "id", "minimum": 2, "type": "COUNT_DISTINCT"}],
        "additionalAnalyses": "REQUIRED",
    }
    room.publisher.table("clicks", rule={"v1": {"aggregation": aggregation}})
    room.publisher.table("views", rule=open_to(ADVERTISER), shared=custom())
    room.publisher.table("sales", rule=open_to(ADVERTISER, allowedResultReceivers=[PUBLISHER]))

    def handed_down(query: str) -> dict[str, Any]:
        table = room.advertiser.populate(room.advertiser.create(query=query))
        room.advertiser.delete(table)
        return dict(table["intermediateTableVersion"]["inheritedConstraints"])

    assert handed_down("SELECT SUM(price) AS total FROM clicks") == {}
    found = handed_down("SELECT id FROM views")
    assert {name: part["value"] for name, part in found.items()} == {
        "allowedAdditionalAnalyses": [],
        "allowedResultReceivers": [],
    }
    # A CUSTOM rule of the table itself may name receivers too.
    assert handed_down("SELECT id FROM sales")["allowedResultReceivers"]["value"] == [PUBLISHER]


@pytest.mark.rule("INT-7")
@pytest.mark.parametrize(
    ("query", "disallowed"),
    [
        ("SELECT * FROM clicks", ["price"]),
        ("SELECT id FROM clicks WHERE price > 1", []),
        ("SELECT id, count(*) AS n FROM clicks GROUP BY id", []),
        ("SELECT cost FROM (SELECT price AS cost, id FROM clicks)", ["cost"]),
        ("WITH w AS (SELECT id AS a, price AS b FROM clicks) SELECT a, upper(b) AS c FROM w", ["c"]),
        ("CACHE TABLE w AS SELECT id AS a, price AS b FROM clicks; SELECT a, b FROM w", ["b"]),
        ("SELECT id AS a FROM clicks UNION ALL SELECT price FROM clicks", ["a"]),
        ("SELECT id, (SELECT max(price) FROM clicks) AS top FROM orders", ["top"]),
        ("SELECT id, row_number() OVER (ORDER BY price) AS place FROM clicks", ["place"]),
        ("SELECT id, first(id) OVER w AS f FROM clicks WINDOW w AS (PARTITION BY price)", ["f"]),
        ("SELECT v.n, id FROM clicks, (VALUES (1), (2)) AS v(n)", []),
        ("SELECT price FROM orders", []),
        ("SELECT o.price FROM orders o JOIN clicks c ON o.id = c.id", []),
        ("SELECT CASE WHEN price > 1 THEN 1 ELSE 0 END AS dear, 1 AS one FROM clicks", ["dear"]),
    ],
)
def test_disallowed_columns_are_followed(room: Room, query: str, disallowed: list[str]) -> None:
    """A column is disallowed if it derives from one that is, however far away that is in the query."""
    room.publisher.table("clicks", rule=open_to(ADVERTISER, disallowedOutputColumns=["price"]))
    table = room.advertiser.populate(room.advertiser.create(query=query))
    constraints = table["intermediateTableVersion"]["inheritedConstraints"]
    assert constraints.get("disallowedOutputColumns", {"value": []})["value"] == disallowed


@pytest.mark.rule("INT-7", "INT-14")
def test_constraints_go_through_and_are_a_snapshot(scene: Scene) -> None:
    """An intermediate table hands down what it has inherited with what its own rule says, and a change is seen by the next populate only."""
    room = Room(scene, members=[scene.member(abilities=["CAN_RECEIVE_RESULTS"])])
    receivers = shared_with(ADVERTISER, PUBLISHER)
    clicks = room.publisher.table(
        "clicks", rule=open_to(ADVERTISER, disallowedOutputColumns=["price"]), shared=receivers
    )
    one = room.advertiser.create("one", "SELECT id, price FROM clicks")
    two = room.advertiser.create("two", "SELECT id AS a, price AS b FROM one")
    room.advertiser.populate(one)
    room.advertiser.client.create_intermediate_table_analysis_rule(
        **room.advertiser.of(one),
        analysisRuleType="CUSTOM",
        analysisRulePolicy=open_to(
            ADVERTISER, allowedResultReceivers=[ADVERTISER], disallowedOutputColumns=["price", "id"]
        ),
    )

    def values(table: dict[str, Any]) -> tuple[Any, Any]:
        constraints = table["intermediateTableVersion"]["inheritedConstraints"]
        return constraints["allowedResultReceivers"]["value"], constraints["disallowedOutputColumns"]["value"]

    populated = room.advertiser.populate(two)
    assert values(populated) == ([ADVERTISER], ["a", "b"])
    sources = populated["intermediateTableVersion"]["inheritedConstraints"]["disallowedOutputColumns"]["columnLineage"]
    assert {(source["sourceName"], source["sourceType"]) for source in sources} == {("one", "INTERMEDIATE_TABLE")}
    before = room.advertiser.get(one)
    room.publisher.client.update_configured_table_association_analysis_rule(
        **room.publisher.id,
        configuredTableAssociationIdentifier=clicks["id"],
        analysisRuleType="CUSTOM",
        analysisRulePolicy=shared_with(PUBLISHER),
    )
    assert room.advertiser.get(one) == before
    assert values(room.advertiser.populate(one)) == ([PUBLISHER], ["price"])
    # The rule of the one breaks what it has inherited now, so that nothing is made of it until it is mended.
    assert values(room.advertiser.populate(two)) == ([ADVERTISER], ["a", "b"])
    assert [one["status"] for one in room.advertiser.versions(two)] == ["POPULATE_FAILED", "POPULATE_SUCCESS"]
    room.advertiser.client.update_intermediate_table_analysis_rule(
        **room.advertiser.of(one),
        analysisRuleType="CUSTOM",
        analysisRulePolicy=open_to(
            ADVERTISER, allowedResultReceivers=[PUBLISHER], disallowedOutputColumns=["price", "id"]
        ),
    )
    assert values(room.advertiser.populate(two)) == ([PUBLISHER], ["a", "b"])


# The end


@pytest.mark.rule("INT-21")
def test_delete_is_idempotent(room: Room, refused: Refused) -> None:
    """A table is deleted, and deleted again; under a membership that isn't one's own nothing is."""
    table = room.advertiser.populate(room.advertiser.create())
    room.advertiser.delete(table)
    with refused("ResourceNotFoundException", rule="LIFE-24"):
        room.advertiser.get(table)
    assert room.advertiser.tables() == []
    for gone in (table, {"id": NOWHERE}):
        room.advertiser.delete(gone)
    with refused("ResourceNotFoundException", rule="ERR-10"):
        room.advertiser.client.delete_intermediate_table(
            membershipIdentifier=NOWHERE, intermediateTableIdentifier=NOWHERE
        )


def chain(room: Room) -> list[dict[str, Any]]:
    """``one`` on orders, ``two`` on that, ``three`` on that, and ``four`` on a table of the advertiser's, all populated."""
    room.advertiser.table("clicks", rule=open_to(ADVERTISER))
    queries = {"one": "orders", "two": "one", "three": "two", "four": "clicks"}
    tables = [room.advertiser.create_open(name, f"SELECT id FROM {base}") for name, base in queries.items()]
    return [room.advertiser.populate(table) for table in tables]


ALIVE = ("POPULATE_SUCCESS", True, True)
REMOVED = ("BASE_TABLE_REMOVED", False, False)
DISALLOWED = ("DISALLOWED_BY_DATA_PROVIDER", False, False)


@pytest.mark.rule("INT-21")
def test_deletion_takes_the_data_of_what_is_built_on_it(room: Room, clock: Clock) -> None:
    """Tables that are built on a deleted one, and those on them, lose their data for good, with a reason."""
    one, two, three, four = chain(room)
    time = clock.advance(hours=1)
    room.advertiser.delete(one)
    found = [room.advertiser.get(table) for table in (two, three)]
    assert [outcome(table) for table in found] == [REMOVED] * 2
    assert [table["statusReason"] for table in found] == ["The base table one was removed."] * 2
    assert [table["updateTime"] for table in found] == [time] * 2
    assert [room.advertiser.versions(table) for table in found] == [[], []]
    assert dependencies(found[0]) == [("one", "INTERMEDIATE_TABLE", "DIRECT"), ("orders", "TABLE", "INDIRECT")]
    assert "INTERMEDIATE_TABLE_BASE_TABLE_REMOVED" in room.reasons("three")
    assert room.advertiser.get(four) == four


@pytest.mark.rule("INT-21")
def test_removal_of_an_association_or_its_member(scene: Scene) -> None:
    """Losing an association, by its deletion or with its member, ends what is built on it and nothing else."""
    for by_member in (False, True):
        room = Room(scene)
        tables = chain(room)
        if by_member:
            scene.advertiser.delete_member(collaborationIdentifier=room.collaboration["id"], accountId=PUBLISHER)
        else:
            room.publisher.remove(room.orders)
        assert [outcome(room.advertiser.get(table)) for table in tables] == [REMOVED] * 3 + [ALIVE]


def test_removal_of_a_namespace_under_an_id_mapping_table(room: Room) -> None:
    """A table that is built on an ID mapping table ends with that, and with a namespace that the mapping is made from."""
    for ends in ("namespace", "mapping"):
        client, mine = room.advertiser.client, room.advertiser.id
        namespaces = [
            client.create_id_namespace_association(
                **mine,
                name=f"{ends}_{number}",
                inputReferenceConfig={
                    "inputReferenceArn": f"arn:aws:entityresolution:us-east-1:{ADVERTISER}:idnamespace/{ends}{number}",
                    "manageResourcePolicies": True,
                },
                idMappingConfig={"allowUseAsDimensionColumn": True},
            )["idNamespaceAssociation"]
            for number in range(2)
        ]
        mapping = client.create_id_mapping_table(
            **mine,
            name=f"mapping_{ends}",
            inputReferenceConfig={
                "inputReferenceArn": f"arn:aws:entityresolution:us-east-1:{ADVERTISER}:idmappingworkflow/{ends}",
                "manageResourcePolicies": True,
            },
        )["idMappingTable"]
        client.populate_id_mapping_table(**mine, idMappingTableIdentifier=mapping["id"])
        table = room.advertiser.create(f"on_{ends}", f"SELECT * FROM mapping_{ends}")
        assert dependencies(table) == [(f"mapping_{ends}", "ID_MAPPING_TABLE", "DIRECT")]
        assert [one["name"] for one in room.advertiser.populate(table)["schema"]["columns"]] == ["sourceid", "targetid"]
        if ends == "mapping":
            client.delete_id_mapping_table(**mine, idMappingTableIdentifier=mapping["id"])
        for namespace in namespaces:
            client.delete_id_namespace_association(**mine, idNamespaceAssociationIdentifier=namespace["id"])
        assert outcome(room.advertiser.get(table)) == REMOVED


@pytest.mark.rule("INT-41")
@pytest.mark.parametrize("descendants", [None, True, False])
def test_disallow(room: Room, clock: Clock, descendants: bool | None) -> None:
    """A data provider takes data and versions from a table, and from what is built on it unless it says otherwise, once and for all."""
    tables = chain(room)
    time = clock.advance(hours=1)
    room.publisher.disallow("TWO", **({} if descendants is None else {"includeDescendants": descendants}))
    found = [room.advertiser.get(table) for table in tables]
    last = ALIVE if descendants is False else DISALLOWED
    assert [outcome(table) for table in found] == [ALIVE, DISALLOWED, last, ALIVE]
    assert found[1]["statusReason"] == f"Account {PUBLISHER} disallowed the intermediate table two."
    assert found[1]["updateTime"] == time
    assert room.advertiser.versions(tables[1]) == []
    assert "INTERMEDIATE_TABLE_DISALLOWED_BY_DATA_PROVIDER" in room.reasons("two")
    clock.advance(hours=1)
    with room.nothing_changes():
        room.publisher.disallow("two", includeDescendants=False)
    room.publisher.remove(room.orders)
    assert [outcome(room.advertiser.get(table)) for table in tables] == [
        REMOVED,
        DISALLOWED,
        REMOVED if descendants is False else DISALLOWED,
        ALIVE,
    ]


@pytest.mark.rule("INT-40")
def test_who_disallows(scene: Scene, refused: Refused) -> None:
    """Who has no table under it, its owner as such among them, can't disallow a table; what isn't an intermediate table isn't found."""
    room = Room(scene, members=[scene.member(), scene.member(THIRD)])
    third = Member(room, THIRD)
    tables = chain(room)
    for member in (third, room.advertiser):
        for name in ("one", "two", "three"):
            with room.nothing_changes(), refused("AccessDeniedException", "INSUFFICIENT_PERMISSIONS", rule="INT-40"):
                member.disallow(name)
    with room.nothing_changes(), refused("AccessDeniedException", "INSUFFICIENT_PERMISSIONS", rule="INT-40"):
        room.publisher.disallow("four")
    for name in ("orders", "five"):
        with refused("ResourceNotFoundException", rule="INT-40") as error:
            room.publisher.disallow(name)
        assert (error["resourceType"], error["resourceId"]) == ("MEMBERSHIP", name)
    with refused("ResourceNotFoundException", rule="ERR-10"):
        room.publisher.client.disallow_intermediate_table(**room.advertiser.id, intermediateTableName="one")
    room.advertiser.disallow("four")
    assert outcome(room.advertiser.get(tables[3])) == DISALLOWED


@pytest.mark.parametrize("end", ["collaboration", "member"])
def test_after_the_end_of_the_membership(scene: Scene, refused: Refused, end: str) -> None:
    """In a membership that is no longer ACTIVE tables are read and deleted, and nothing else; they keep the membership from being deleted."""
    abilities = {"creatorMemberAbilities": ["CAN_RECEIVE_RESULTS"], "members": [scene.member(abilities=["CAN_QUERY"])]}
    collaboration = scene.create(**abilities)
    room = Room.__new__(Room)
    room.scene, room.collaboration = scene, collaboration
    runner = room.advertiser = Member(room, PUBLISHER)
    provider = Member(room, ADVERTISER)
    provider.table("orders", rule=open_to(PUBLISHER))
    table = runner.populate(runner.create())
    if end == "collaboration":
        scene.advertiser.delete_collaboration(collaborationIdentifier=collaboration["id"])
    else:
        scene.advertiser.delete_member(collaborationIdentifier=collaboration["id"], accountId=PUBLISHER)
        schemas: Any = scene.advertiser.list_schemas(collaborationIdentifier=collaboration["id"])
        assert [schema["name"] for schema in schemas["schemaSummaries"]] == ["orders"]
        with refused("ResourceNotFoundException", rule="INT-40"):
            provider.disallow("reach")
    refusals: list[Callable[[], object]] = [
        lambda: runner.create("other"),
        lambda: runner.populate(table),
        lambda: runner.update(table, description="new"),
        lambda: runner.disallow("reach"),
    ]
    for call in refusals:
        with room.nothing_changes(), refused("AccessDeniedException", "INSUFFICIENT_PERMISSIONS", rule="LIFE-13"):
            call()
    with refused("ConflictException", "SUBRESOURCES_EXIST", rule="MEM-36"):
        scene.publisher.delete_membership(membershipIdentifier=runner.membership["id"])
    runner.delete(table)
    scene.publisher.delete_membership(membershipIdentifier=runner.membership["id"])
