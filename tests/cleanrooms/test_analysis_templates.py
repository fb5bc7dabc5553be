"""Analysis templates: what they are made from, who sees them, and their life."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from typing import Any

import pytest

from cleanrooms_mock.cleanrooms.template_sources import reads_as
from tests.conftest import ADVERTISER, NOWHERE, PUBLISHER, STRANGER, Clock, Refused, Scene, paged, tags_come_and_go

INVITED = "333333333333"
QUOTA = "Analysis templates per membership"
TEXT = "SELECT region, count(*) FROM sales GROUP BY region"
FIELD, CONFIGURATION, QUERY = "FIELD_VALIDATION_FAILED", "INVALID_CONFIGURATION", "INVALID_QUERY"
EMPTY = hashlib.sha256(b"").hexdigest()
MAPPING = "syntheticDataParameters.mlSyntheticDataParameters.columnClassification.columnMapping.member"


class Author:
    """A member that has joined, and its templates."""

    def __init__(self, scene: Scene, account_id: str, collaboration: dict[str, Any]) -> None:
        self.account_id = account_id
        self.client: Any = scene.handle.client(account_id)
        self.membership = scene.join(self.client, collaboration)
        self.id = {"membershipIdentifier": self.membership["id"]}
        self.here = {"collaborationIdentifier": collaboration["id"]}

    def write(self, name: str = "reach", **overrides: Any) -> dict[str, Any]:
        """Create a template of SQL unless told otherwise."""
        arguments = {**self.id, "name": name, "format": "SQL", "source": {"text": TEXT}, **overrides}
        given = {key: value for key, value in arguments.items() if value is not None}
        return dict(self.client.create_analysis_template(**given)["analysisTemplate"])

    def sql(self, text: str, name: str = "reach", **more: Any) -> dict[str, Any]:
        return self.write(name, source={"text": text}, **more)

    def pyspark(self, name: str = "job", *additional: str, role: str | None = None, **more: Any) -> dict[str, Any]:
        source = {"artifacts": artifacts(role or self.account_id, *additional)}
        return self.write(name, **{"format": "PYSPARK_1_0", "source": source, **more})

    def of(self, template: dict[str, Any]) -> dict[str, Any]:
        return {**self.id, "analysisTemplateIdentifier": template["id"]}

    def get(self, template: dict[str, Any]) -> dict[str, Any]:
        return dict(self.client.get_analysis_template(**self.of(template))["analysisTemplate"])

    def update(self, template: dict[str, Any], **changes: Any) -> dict[str, Any]:
        return dict(self.client.update_analysis_template(**self.of(template), **changes)["analysisTemplate"])

    def delete(self, template: dict[str, Any]) -> Any:
        return self.client.delete_analysis_template(**self.of(template))

    def list(self) -> Any:
        return self.client.list_analysis_templates(**self.id)["analysisTemplateSummaries"]

    def see(self, arn: str) -> dict[str, Any]:
        """Get a template of the collaboration."""
        answer = self.client.get_collaboration_analysis_template(**self.here, analysisTemplateArn=arn)
        return dict(answer["collaborationAnalysisTemplate"])

    def see_all(self, *arns: str) -> Any:
        answer = self.client.batch_get_collaboration_analysis_template(**self.here, analysisTemplateArns=list(arns))
        return answer["collaborationAnalysisTemplates"], answer["errors"]

    def shown(self) -> Any:
        answer = self.client.list_collaboration_analysis_templates(**self.here)
        return answer["collaborationAnalysisTemplateSummaries"]


class Authors:
    """Two members that have joined, of which the advertiser receives results; an account that was only invited, and a stranger."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.collaboration = scene.create(members=[scene.member(), scene.member(INVITED)])
        self.here = {"collaborationIdentifier": self.collaboration["id"]}
        self.advertiser = Author(scene, ADVERTISER, self.collaboration)
        self.publisher = Author(scene, PUBLISHER, self.collaboration)

    def outsiders(self) -> list[Any]:
        return [self.scene.handle.client(account_id) for account_id in (INVITED, STRANGER)]


@pytest.fixture
def authors(scene: Scene, clock: Clock) -> Authors:
    return Authors(scene)


def artifacts(role_account: str, *additional: str) -> dict[str, Any]:
    """PySpark artifacts: an entry point `main.py`, and additional ones."""
    made: dict[str, Any] = {
        "entryPoint": {"location": {"bucket": "code", "key": "main.py"}},
        "roleArn": f"arn:aws:iam::{role_account}:role/jobs",
    }
    if additional:
        made["additionalArtifacts"] = [{"location": {"bucket": "code", "key": key}} for key in additional]
    return made


def parameter(name: str, kind: str = "STRING", default: str | None = None) -> dict[str, Any]:
    made = {"name": name, "type": kind}
    return made if default is None else {**made, "defaultValue": default}


def synthetic(*predicted: str, columns: str = "a b c d e") -> dict[str, Any]:
    """Parameters for synthetic data of some columns, some of which are predicted."""
    mapping = [
        {"columnName": name, "columnType": "NUMERICAL", "isPredictiveValue": name in predicted}
        for name in columns.split()
    ]
    return {
        "mlSyntheticDataParameters": {
            "epsilon": 1.0,
            "maxMembershipInferenceAttackScore": 0.5,
            "columnClassification": {"columnMapping": mapping},
        }
    }


# Creation


@pytest.mark.rule("TPL-7", "TPL-10", "TPL-13", "TPL-16")
def test_a_template_of_sql(authors: Authors) -> None:
    """A new template is answered whole, without what doesn't apply, and found again by all that may see it."""
    advertiser, publisher = authors.advertiser, authors.publisher
    template = publisher.write()
    common = {
        "id": template["id"],
        "arn": f"{publisher.membership['arn']}/analysistemplate/{template['id']}",
        "collaborationId": authors.collaboration["id"],
        "collaborationArn": authors.collaboration["arn"],
        "name": "reach",
        "createTime": template["createTime"],
        "updateTime": template["createTime"],
    }
    own = {"membershipId": publisher.membership["id"], "membershipArn": publisher.membership["arn"]}
    content = {"schema": {"referencedTables": ["sales"]}, "format": "SQL", "source": {"text": TEXT}}
    assert template == {**common, **own, **content}
    assert publisher.get(template) == template
    assert publisher.list() == [{**common, **own, "isSyntheticData": False}]
    for member in (advertiser, publisher):
        assert member.see(template["arn"]) == {**common, "creatorAccountId": PUBLISHER, **content}
        assert member.shown() == [{**common, "creatorAccountId": PUBLISHER, "isSyntheticData": False}]
    assert advertiser.list() == []


@pytest.mark.rule("TPL-7", "TPL-9", "TPL-10")
def test_a_template_of_pyspark(authors: Authors) -> None:
    """A PySpark template names its tables itself, and has the hashes of its artifacts."""
    template = authors.advertiser.pyspark(
        "job",
        "library.zip",
        schema={"referencedTables": ["sales"]},
        description="trains",
        analysisParameters=[parameter("_x")],
    )
    assert template["source"] == {"artifacts": artifacts(ADVERTISER, "library.zip")}
    assert template["sourceMetadata"] == {
        "artifacts": {"entryPointHash": {"sha256": EMPTY}, "additionalArtifactHashes": [{"sha256": EMPTY}]}
    }
    assert template["schema"] == {"referencedTables": ["sales"]}
    assert (template["format"], template["description"]) == ("PYSPARK_1_0", "trains")
    assert template["analysisParameters"] == [{"name": "_x", "type": "STRING"}]
    assert "validations" not in template
    schemas: dict[str, Any] = {"absent": None, "empty": {}}
    for name, schema in schemas.items():
        other = authors.advertiser.pyspark(name, schema=schema, format="PYSPARK_2_0")
        assert other["schema"] == {"referencedTables": []}
        assert other["sourceMetadata"] == {"artifacts": {"entryPointHash": {"sha256": EMPTY}}}


@pytest.mark.rule("TPL-1")
def test_who_creates(authors: Authors, refused: Refused) -> None:
    """A member without abilities creates SQL templates, but none of PySpark."""
    with refused("AccessDeniedException", "INSUFFICIENT_PERMISSIONS", rule="TPL-1"):
        authors.publisher.pyspark()
    assert authors.publisher.list() == []
    authors.publisher.write()
    authors.advertiser.pyspark()


@pytest.mark.rule("TPL-2")
@pytest.mark.parametrize(
    ("template_format", "source"),
    [
        ("SQL", {"artifacts": artifacts(ADVERTISER)}),
        ("PYSPARK_1_0", {"text": TEXT}),
        ("PYSPARK_2_0", {"text": TEXT}),
    ],
)
def test_the_source_fits_the_format(
    authors: Authors, refused: Refused, template_format: str, source: dict[str, Any]
) -> None:
    """SQL is a text, PySpark has artifacts."""
    with refused("ValidationException", CONFIGURATION, field="source", rule="TPL-2"):
        authors.advertiser.write(format=template_format, source=source)
    assert authors.advertiser.list() == []


@pytest.mark.rule("TPL-3")
def test_pyspark_needs_spark(scene: Scene, refused: Refused) -> None:
    """A collaboration on the old engine has SQL templates only."""
    advertiser = Author(scene, ADVERTISER, scene.create())
    # Such a collaboration can't be created any more.
    collaboration = scene.handle.backend().world.collaborations[advertiser.here["collaborationIdentifier"]]
    collaboration.analytics_engine = "CLEAN_ROOMS_SQL"
    with refused("ValidationException", CONFIGURATION, field="format", rule="TPL-3"):
        advertiser.pyspark()
    advertiser.write()
    collaboration.analytics_engine = "SPARK"
    advertiser.pyspark()
    assert len(advertiser.list()) == 2


@pytest.mark.rule("TPL-4")
def test_names(authors: Authors, refused: Refused) -> None:
    """A membership has each name once, until its template is deleted; another one may have it too."""
    template = authors.advertiser.write("reach")
    authors.publisher.write("reach")
    with refused("ConflictException", "ALREADY_EXISTS", rule="TPL-4") as error:
        authors.advertiser.pyspark("reach")
    assert (error["resourceType"], error["resourceId"]) == ("MEMBERSHIP", template["id"])
    assert [summary["id"] for summary in authors.advertiser.list()] == [template["id"]]
    authors.advertiser.write("Reach")
    authors.advertiser.delete(template)
    authors.advertiser.write("reach")


@pytest.mark.rule("TPL-5", "QUO-7")
def test_the_quota(authors: Authors, refused: Refused) -> None:
    """Each membership may have so many templates, a deleted one not counting."""
    assert authors.scene.handle.quotas[QUOTA] == 100
    authors.scene.handle.quotas[QUOTA] = 2
    first = authors.advertiser.write("a")
    authors.advertiser.pyspark("b")
    with refused("ServiceQuotaExceededException") as error:
        authors.advertiser.write("c")
    assert (error["quotaName"], error["quotaValue"]) == (QUOTA, 2.0)
    assert len(authors.advertiser.list()) == 2
    authors.publisher.write("c")
    authors.advertiser.delete(first)
    authors.advertiser.write("c")


@pytest.mark.rule("TPL-6")
@pytest.mark.parametrize(
    "text",
    [
        "",
        " -- nothing",
        "SELEC 1",
        "SHOW TABLES",
        "DELETE FROM sales",
        f"{TEXT};;",
        f"{TEXT}; {TEXT}",
        "SELECT a FROM db.sales",
        "CACHE TABLE eu AS SELECT 1",
        "WITH x AS (DELETE FROM sales) SELECT 1",
        "SELECT " + "(" * 5000,
    ],
)
def test_texts_that_are_refused(authors: Authors, refused: Refused, text: str) -> None:
    """What isn't one SELECT behind CACHE TABLE statements is no template."""
    with refused("ValidationException", QUERY, rule="TPL-6") as error:
        authors.advertiser.sql(text)
    assert "fieldList" not in error
    assert authors.advertiser.list() == []


@pytest.mark.rule("TPL-6", "TPL-7")
@pytest.mark.parametrize(
    ("text", "tables"),
    [
        (f"{TEXT};", ["sales"]),
        ("WITH x AS (SELECT a FROM sales) SELECT a FROM x JOIN Views USING (a)", ["sales", "Views"]),
        ("CACHE TABLE x AS SELECT a FROM sales; SELECT a FROM x, sales", ["sales"]),
        ("SELECT 1", []),
    ],
)
def test_texts_that_are_taken(authors: Authors, text: str, tables: list[str]) -> None:
    """The text is kept as it was sent; its tables needn't exist, and are those that it reads, whatever the request says."""
    template = authors.advertiser.sql(text, schema={"referencedTables": ["other"]})
    assert template["source"] == {"text": text}
    assert template["schema"] == {"referencedTables": tables}


@pytest.mark.rule("TPL-6")
def test_cached_tables_have_new_names(authors: Authors, refused: Refused) -> None:
    """CACHE TABLE can't take the name of a member's association."""
    text = "CACHE TABLE Sales AS SELECT a FROM views; SELECT a FROM sales"
    authors.advertiser.sql(text, "before")
    associate(authors.publisher, "sales")
    with refused("ValidationException", QUERY, rule="TPL-6"):
        authors.advertiser.sql(text, "after")
    assert [summary["name"] for summary in authors.advertiser.list()] == ["before"]


# Parameters


@pytest.mark.rule("TPL-8", "TPL-20")
def test_parameters_of_sql(authors: Authors) -> None:
    """Parameters are kept as declared, used or not, with a default or without."""
    text = "SELECT a, ':no' FROM sales -- :no\nWHERE a = :a AND b > :1"
    declared = [parameter("a", "VARCHAR"), parameter("1", "INTEGER", "7"), parameter("unused", "DATE")]
    template = authors.advertiser.sql(text, analysisParameters=declared)
    assert template["analysisParameters"] == declared
    assert authors.publisher.see(template["arn"])["analysisParameters"] == declared
    assert authors.advertiser.sql("SELECT a FROM sales", "none", analysisParameters=[])["analysisParameters"] == []


@pytest.mark.rule("TPL-8")
@pytest.mark.parametrize(
    ("declared", "reason", "field"),
    [
        ([], CONFIGURATION, "analysisParameters"),
        ([parameter("A")], CONFIGURATION, "analysisParameters"),
        ([parameter("a"), parameter("b"), parameter("a", "DATE")], FIELD, "analysisParameters.member.3.name"),
        ([parameter("a", "INTEGER", "seven")], FIELD, "analysisParameters.member.1.defaultValue"),
    ],
)
def test_parameters_of_sql_that_are_refused(
    authors: Authors, refused: Refused, declared: list[dict[str, Any]], reason: str, field: str
) -> None:
    """What the text uses is declared, once, with a default that fits."""
    with refused("ValidationException", reason, field=field, rule="TPL-8"):
        authors.advertiser.sql("SELECT a FROM sales WHERE a = :a", analysisParameters=declared)
    assert authors.advertiser.list() == []


@pytest.mark.rule("TPL-8")
@pytest.mark.parametrize(
    ("declared", "field"),
    [
        ([parameter("x"), parameter("x")], "analysisParameters.member.2.name"),
        ([parameter("1x")], "analysisParameters.member.1.name"),
        ([parameter("_x"), parameter("y", "INTEGER")], "analysisParameters.member.2.type"),
    ],
)
def test_parameters_of_pyspark_that_are_refused(
    authors: Authors, refused: Refused, declared: list[dict[str, Any]], field: str
) -> None:
    """PySpark's parameters are strings, with names as Python has them."""
    with refused("ValidationException", FIELD, field=field, rule="TPL-8"):
        authors.advertiser.pyspark(analysisParameters=declared)
    assert authors.advertiser.list() == []


@pytest.mark.rule("TPL-8")
@pytest.mark.parametrize(
    ("kinds", "good", "bad"),
    [
        ("TINYINT BYTE", "127|-128|+5", "128|-129|1.0|"),
        ("SMALLINT SHORT", "32767", "32768"),
        ("INT INTEGER", "2147483647| 1 ", "2147483648|abc"),
        ("BIGINT LONG", "9223372036854775807", "9223372036854775808"),
        ("DECIMAL NUMERIC", "1|-1.50|1e3", "NaN|x|1_0|"),
        ("REAL FLOAT DOUBLE DOUBLE_PRECISION", "1|-1.5e300|NaN", "x|1_0|"),
        ("BOOLEAN", "true|FALSE|1", "maybe|"),
        ("DATE", "2023-05-01|05-01-2023|today", "2023-13-01|x|"),
        (
            "TIMESTAMP TIMESTAMPTZ TIMESTAMP_LTZ TIMESTAMP_NTZ",
            "2023-05-01|2023-05-01 10:20:30.5|2023-05-01T10:20:30Z|2023-05-01 10:20:30 +02:00|now",
            "10:20:30|2023-05-01 25:00:00|x|",
        ),
        ("TIME TIMETZ", "10:20|10:20:30.123|10:20:30+02", "24:00:00|10:60|x|"),
        ("CHAR CHARACTER VARCHAR STRING BINARY VARBYTE", "|x|:", None),
    ],
)
def test_values_read_as_their_types(kinds: str, good: str, bad: str | None) -> None:
    """A value is taken for a type if it can be read as such."""
    for kind in kinds.split():
        assert all(reads_as(kind, value) for value in good.split("|"))
        assert not any(reads_as(kind, value) for value in (bad or "").split("|") if bad is not None)


# Artifacts


@pytest.fixture
def bucket(scene: Scene) -> Callable[..., Any]:
    """Make a bucket of an account, with versioning unless told otherwise, and return a client for it."""

    def make(account_id: str, *, versioned: bool = True, name: str = "code") -> Any:
        client = scene.handle.client(account_id, service="s3")
        client.create_bucket(Bucket=name)
        if versioned:
            client.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
        return client

    return make


@pytest.mark.rule("TPL-9", "TPL-10")
def test_artifacts_are_kept_as_they_are(authors: Authors, bucket: Callable[..., Any]) -> None:
    """The hashes are those of the objects' bytes, or were uploaded with them, and stay when an object changes."""
    client = bucket(ADVERTISER)
    client.put_object(Bucket="code", Key="main.py", Body=b"first")
    digest = hashlib.sha256(b"library").digest()
    client.put_object(
        Bucket="code", Key="library.zip", Body=b"library", ChecksumSHA256=base64.b64encode(digest).decode()
    )
    template = authors.advertiser.pyspark("job", "library.zip")
    expected = {
        "artifacts": {
            "entryPointHash": {"sha256": hashlib.sha256(b"first").hexdigest()},
            "additionalArtifactHashes": [{"sha256": digest.hex()}],
        }
    }
    assert template["sourceMetadata"] == expected
    client.put_object(Bucket="code", Key="main.py", Body=b"second")
    client.delete_object(Bucket="code", Key="library.zip")
    assert authors.advertiser.get(template)["sourceMetadata"] == expected
    newer = authors.advertiser.pyspark("newer")["sourceMetadata"]["artifacts"]
    assert newer == {"entryPointHash": {"sha256": hashlib.sha256(b"second").hexdigest()}}


@pytest.mark.rule("TPL-9")
def test_an_artifact_in_parts(authors: Authors, bucket: Callable[..., Any]) -> None:
    """What was uploaded in parts has a checksum of these; the hash is of the bytes all the same."""
    client = bucket(ADVERTISER)
    place = {"Bucket": "code", "Key": "main.py"}
    upload = {**place, "UploadId": client.create_multipart_upload(**place, ChecksumAlgorithm="SHA256")["UploadId"]}
    part = client.upload_part(**upload, PartNumber=1, Body=b"whole", ChecksumAlgorithm="SHA256")
    client.complete_multipart_upload(**upload, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]})
    hashes = authors.advertiser.pyspark()["sourceMetadata"]["artifacts"]
    assert hashes["entryPointHash"] == {"sha256": hashlib.sha256(b"whole").hexdigest()}


@pytest.mark.rule("TPL-9")
def test_artifacts_that_are_refused(authors: Authors, refused: Refused, bucket: Callable[..., Any]) -> None:
    """Every artifact is there, isn't deleted, and lies in a bucket with versioning."""
    client = bucket(ADVERTISER, versioned=False)
    entry_point, additional = (
        "source.artifacts.entryPoint.location",
        "source.artifacts.additionalArtifacts.member.1.location",
    )

    def is_refused(field: str, *names: str) -> None:
        with refused("ValidationException", CONFIGURATION, field=field, rule="TPL-9"):
            authors.advertiser.pyspark("job", *names)

    is_refused(entry_point)
    client.put_object(Bucket="code", Key="main.py", Body=b"first")
    is_refused(f"{entry_point}.bucket")
    client.put_bucket_versioning(Bucket="code", VersioningConfiguration={"Status": "Enabled"})
    is_refused(additional, "library.zip")
    client.put_object(Bucket="code", Key="library.zip", Body=b"library")
    client.delete_object(Bucket="code", Key="library.zip")
    is_refused(additional, "library.zip")
    client.put_bucket_versioning(Bucket="code", VersioningConfiguration={"Status": "Suspended"})
    is_refused(f"{entry_point}.bucket")
    assert authors.advertiser.list() == []


@pytest.mark.rule("TPL-9")
def test_artifacts_are_looked_up_where_there_are_buckets(
    authors: Authors, refused: Refused, bucket: Callable[..., Any]
) -> None:
    """Another account's buckets don't make the author's be looked up; one of its own, any, does."""
    theirs = bucket(PUBLISHER)
    authors.advertiser.pyspark("unseen")
    bucket(ADVERTISER, name="results")
    with refused("ValidationException", CONFIGURATION, rule="TPL-9"):
        authors.advertiser.pyspark("seen")
    theirs.put_object(Bucket="code", Key="main.py", Body=b"shared")
    hashes = authors.advertiser.pyspark("seen")["sourceMetadata"]["artifacts"]
    assert hashes == {"entryPointHash": {"sha256": hashlib.sha256(b"shared").hexdigest()}}


@pytest.mark.rule("TPL-9")
@pytest.mark.cleanrooms(references="strict")
def test_artifacts_are_always_looked_up_if_asked_for(authors: Authors, refused: Refused) -> None:
    """With strict references an object must exist, in an account without buckets too."""
    field = "source.artifacts.entryPoint.location"
    with refused("ValidationException", CONFIGURATION, field=field, rule="TPL-9"):
        authors.advertiser.pyspark()


@pytest.mark.rule("TPL-9")
def test_the_role_is_the_authors(authors: Authors, refused: Refused) -> None:
    """The role that reads the artifacts is one of the author's account."""
    with refused("ValidationException", CONFIGURATION, field="source.artifacts.roleArn", rule="TPL-9"):
        authors.advertiser.pyspark(role=PUBLISHER)
    assert authors.advertiser.list() == []


# What goes with one format only


@pytest.mark.rule("TPL-11")
def test_detailed_errors(authors: Authors, refused: Refused) -> None:
    """PySpark templates may have detailed errors, which everybody sees; SQL ones may not."""
    detailed = {"type": "DETAILED"}
    with refused("ValidationException", CONFIGURATION, field="errorMessageConfiguration", rule="TPL-11"):
        authors.advertiser.write(errorMessageConfiguration=detailed)
    assert authors.advertiser.list() == []
    template = authors.advertiser.pyspark(errorMessageConfiguration=detailed)
    assert template["errorMessageConfiguration"] == detailed
    assert authors.publisher.see(template["arn"])["errorMessageConfiguration"] == detailed
    assert "errorMessageConfiguration" not in authors.advertiser.pyspark("basic")


@pytest.mark.rule("TPL-12", "TPL-13")
@pytest.mark.parametrize("predicted", [(), ("c",)])
def test_synthetic_data(authors: Authors, predicted: tuple[str, ...]) -> None:
    """A template for synthetic data is one in its summaries, and shows its parameters."""
    template = authors.publisher.write(syntheticDataParameters=synthetic(*predicted))
    assert template["syntheticDataParameters"] == synthetic(*predicted)
    for member in (authors.advertiser, authors.publisher):
        assert member.see(template["arn"])["syntheticDataParameters"] == synthetic(*predicted)
        assert member.shown()[0]["isSyntheticData"] is True
    assert authors.publisher.list()[0]["isSyntheticData"] is True


@pytest.mark.rule("TPL-12")
@pytest.mark.parametrize(
    ("parameters", "field"),
    [
        (synthetic(columns="a b c d b"), f"{MAPPING}.5.columnName"),
        (synthetic("b", "d"), f"{MAPPING}.4.isPredictiveValue"),
    ],
)
def test_synthetic_data_that_is_refused(
    authors: Authors, refused: Refused, parameters: dict[str, Any], field: str
) -> None:
    """A column is classified once, and one at most is predicted."""
    with refused("ValidationException", FIELD, field=field, rule="TPL-12"):
        authors.advertiser.write(syntheticDataParameters=parameters)
    assert authors.advertiser.list() == []


@pytest.mark.rule("TPL-12")
def test_synthetic_data_is_for_sql(authors: Authors, refused: Refused) -> None:
    """PySpark makes no synthetic data."""
    with refused("ValidationException", CONFIGURATION, field="syntheticDataParameters", rule="TPL-12"):
        authors.advertiser.pyspark(syntheticDataParameters=synthetic())
    assert authors.advertiser.list() == []


# Differential privacy


def associate(author: Author, name: str, *, private: bool = False) -> tuple[str, str]:
    """Associate a table of the author's, with differential privacy if wanted; return the ids of table and association."""
    client = author.client
    table = client.create_configured_table(
        name=name,
        tableReference={"glue": {"databaseName": "shop", "tableName": name}},
        allowedColumns=["user_id", "price"],
        analysisMethod="DIRECT_QUERY",
    )["configuredTable"]["id"]
    policy: dict[str, Any] = {"allowedAnalyses": ["ANY_QUERY"], "allowedAnalysisProviders": [ADVERTISER]}
    if private:
        policy["differentialPrivacy"] = {"columns": [{"name": "user_id"}]}
    client.create_configured_table_analysis_rule(
        configuredTableIdentifier=table, analysisRuleType="CUSTOM", analysisRulePolicy={"v1": {"custom": policy}}
    )
    association = client.create_configured_table_association(
        **author.id,
        name=name,
        configuredTableIdentifier=table,
        roleArn=f"arn:aws:iam::{author.account_id}:role/tables",
    )["configuredTableAssociation"]["id"]
    return table, association


def status(template: dict[str, Any]) -> Any:
    """The status of the only validation, if there is one."""
    if "validations" not in template:
        return None
    (validation,) = template["validations"]
    assert validation["type"] == "DIFFERENTIAL_PRIVACY"
    assert ("reasons" in validation) == (validation["status"] != "VALID")
    return validation["status"]


@pytest.mark.rule("TPL-15")
def test_validations_are_of_the_moment(authors: Authors) -> None:
    """A template is validated as soon as a table that it names has differential privacy, each time that it is read."""
    advertiser, publisher = authors.advertiser, authors.publisher
    template = advertiser.sql("SELECT sum(p.price) FROM Private p JOIN plain ON p.user_id = plain.user_id")
    assert status(template) is None
    associate(publisher, "plain")
    assert status(advertiser.get(template)) is None
    table, association = associate(publisher, "private", private=True)
    assert status(advertiser.get(template)) == "VALID"
    assert status(publisher.see(template["arn"])) == "VALID"
    assert [status(one) for one in publisher.see_all(template["arn"])[0]] == ["VALID"]
    assert status(advertiser.update(template)) == "VALID"
    publisher.client.delete_configured_table_analysis_rule(configuredTableIdentifier=table, analysisRuleType="CUSTOM")
    assert status(advertiser.get(template)) is None
    publisher.client.delete_configured_table_association(
        **publisher.id, configuredTableAssociationIdentifier=association
    )
    assert status(advertiser.get(template)) is None


@pytest.mark.rule("TPL-15")
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SELECT count(*), count(DISTINCT price), avg(price), stddev(price) + 1 FROM private", "VALID"),
        ("WITH x AS (SELECT user_id, max(price) AS m FROM private GROUP BY user_id) SELECT sum(m) FROM x", "VALID"),
        ("SELECT sum(price) FROM private JOIN missing ON a = b", "UNABLE_TO_VALIDATE"),
        ("SELECT sum(price) FROM plain", None),
        ("SELECT sum(price) FROM missing", None),
        ("SELECT price FROM private", "INVALID"),
        ("SELECT max(price) FROM private", "INVALID"),
        ("SELECT sum(price) FROM private UNION SELECT sum(price) FROM private", "INVALID"),
        ("SELECT sum(price) FROM private GROUP BY ROLLUP (region)", "INVALID"),
        ("SELECT /*+ COALESCE(1) */ sum(price) FROM private", "INVALID"),
        ("SELECT sum(price) FROM private --" + "x" * 8000, "INVALID"),
    ],
)
def test_validations(authors: Authors, text: str, expected: str | None) -> None:
    """A text over private data is VALID if it does nothing that differential privacy rules out; else it is created all the same."""
    associate(authors.publisher, "private", private=True)
    associate(authors.publisher, "plain")
    template = authors.advertiser.sql(text)
    assert status(template) == expected
    assert status(authors.advertiser.get(template)) == expected


@pytest.mark.rule("CUS-76")
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "SELECT /*+ COALESCE(1) */ max(p.price), p.user_id FROM private p JOIN plain USING (user_id) GROUP BY p.user_id",
            [
                "Hints",
                "JOIN … USING",
                "MAX",
                "[user_id] is not allowed in select",
            ],
        ),
        ("WITH x AS (SELECT price FROM private LIMIT 1) SELECT avg(price) FROM x", ["LIMIT"]),
        ("SELECT /*+ COALESCE(1) */ sum(cost) FROM private", ["Hints", "[cost] is not found"]),
    ],
)
def test_reasons_of_validations(authors: Authors, text: str, expected: list[str]) -> None:
    """All that is wrong with a text is told."""
    associate(authors.publisher, "private", private=True)
    associate(authors.publisher, "plain")
    (validation,) = authors.advertiser.sql(text)["validations"]
    messages = [reason["message"] for reason in validation["reasons"]]
    assert validation["status"] == "INVALID"
    assert len(messages) == len(expected)
    assert all(part in message for part, message in zip(expected, messages, strict=True)), messages


@pytest.mark.rule("TPL-15")
def test_a_table_without_columns(authors: Authors) -> None:
    """Beside an intermediate table that was never populated nothing can be said."""
    associate(authors.publisher, "private", private=True)
    authors.advertiser.client.create_intermediate_table(
        **authors.advertiser.id,
        name="kept",
        populationAnalysisConfiguration={"sqlParameters": {"queryString": "SELECT price FROM private"}},
    )
    template = authors.advertiser.sql("SELECT sum(p.price) FROM private p JOIN kept ON p.user_id = kept.user_id")
    assert status(template) == "UNABLE_TO_VALIDATE"
    (reason,) = template["validations"][0]["reasons"]
    assert "kept" in reason["message"]


@pytest.mark.rule("TPL-15")
def test_pyspark_is_not_validated(authors: Authors) -> None:
    """Validations are for SQL."""
    associate(authors.publisher, "private", private=True)
    template = authors.advertiser.pyspark(schema={"referencedTables": ["private"]})
    assert status(template) is None


# Life


@pytest.mark.rule("TPL-14")
def test_only_the_description_changes(authors: Authors, clock: Clock) -> None:
    """An update changes the description and updateTime; one without a description leaves it."""
    template = authors.advertiser.write(description="old")
    for change, description in (({"description": "new"}, "new"), ({}, "new"), ({"description": ""}, "")):
        time = clock.advance(seconds=90)
        expected = {**template, "description": description, "updateTime": time}
        assert authors.advertiser.update(template, **change) == expected
        assert authors.advertiser.get(template) == expected
    assert authors.publisher.shown()[0]["description"] == ""
    assert authors.publisher.shown()[0]["updateTime"] == clock.now


@pytest.mark.rule("TPL-16")
def test_others_dont_reach_it(authors: Authors, refused: Refused) -> None:
    """Under another membership a template isn't found, nor is another's membership, whoever asks."""
    template = authors.advertiser.write()
    publisher = authors.publisher
    for read in (publisher.get, publisher.update, publisher.delete):
        with refused("ResourceNotFoundException", rule="LIFE-24") as error:
            read(template)
        assert (error["resourceType"], error["resourceId"]) == ("MEMBERSHIP", template["id"])
    for client in (publisher.client, *authors.outsiders()):
        for call in (client.get_analysis_template, client.update_analysis_template, client.delete_analysis_template):
            with refused("ResourceNotFoundException", rule="ERR-10"):
                call(**authors.advertiser.of(template))
        with refused("ResourceNotFoundException", rule="ERR-10"):
            client.list_analysis_templates(**authors.advertiser.id)
        with refused("ResourceNotFoundException", rule="ERR-10"):
            client.create_analysis_template(**authors.advertiser.id, name="other", format="SQL", source={"text": TEXT})
    assert authors.advertiser.get(template) == template


@pytest.mark.rule("TPL-16")
def test_outsiders_see_nothing(authors: Authors, refused: Refused) -> None:
    """Who hasn't joined, or was never invited, sees no templates of the collaboration."""
    arn = authors.advertiser.write()["arn"]
    for client, rule in zip(authors.outsiders(), ("LIFE-21", "ERR-8"), strict=True):
        with refused("AccessDeniedException", "INSUFFICIENT_PERMISSIONS", rule=rule):
            client.list_collaboration_analysis_templates(**authors.here)
        with refused("AccessDeniedException", "INSUFFICIENT_PERMISSIONS", rule=rule):
            client.get_collaboration_analysis_template(**authors.here, analysisTemplateArn=arn)
        with refused("AccessDeniedException", "INSUFFICIENT_PERMISSIONS", rule=rule):
            client.batch_get_collaboration_analysis_template(**authors.here, analysisTemplateArns=[arn])


@pytest.mark.rule("TPL-17")
def test_what_others_see_of_the_source(authors: Authors) -> None:
    """Everybody reads the text of SQL; where PySpark's files lie is the author's business."""
    advertiser, publisher = authors.advertiser, authors.publisher
    text, job = advertiser.write(), advertiser.pyspark()
    assert publisher.see(text["arn"])["source"] == {"text": TEXT}
    assert advertiser.see(job["arn"])["source"] == job["source"]
    seen = publisher.see(job["arn"])
    assert seen == {key: value for key, value in advertiser.see(job["arn"]).items() if key != "source"}
    assert seen["sourceMetadata"] == job["sourceMetadata"]
    ours, theirs = (member.see_all(text["arn"], job["arn"])[0] for member in (advertiser, publisher))
    assert ["source" in one for one in ours] == [True, True]
    assert ["source" in one for one in theirs] == [True, False]


@pytest.mark.rule("TPL-18")
def test_templates_of_a_collaboration_go_by_arn(authors: Authors, refused: Refused) -> None:
    """An unknown ARN, one of another collaboration, or one with a known id elsewhere isn't found."""
    scene = authors.scene
    known = authors.publisher.write()
    elsewhere = Author(scene, ADVERTISER, scene.create()).write()
    unknown = known["arn"].replace(known["id"], NOWHERE)
    mixed = known["arn"].replace(authors.publisher.membership["id"], authors.advertiser.membership["id"])
    for arn in (unknown, elsewhere["arn"], mixed):
        with refused("ResourceNotFoundException", rule="TPL-18") as error:
            authors.advertiser.see(arn)
        assert (error["resourceType"], error["resourceId"]) == ("COLLABORATION", arn)
    other = authors.advertiser.write()
    found, errors = authors.advertiser.see_all(unknown, other["arn"], known["arn"], other["arn"], unknown, mixed)
    assert [one["id"] for one in found] == [other["id"], known["id"]]
    assert found[1] == authors.advertiser.see(known["arn"])
    assert [(entry["arn"], entry["code"]) for entry in errors] == [
        (unknown, "ResourceNotFoundException"),
        (mixed, "ResourceNotFoundException"),
    ]
    assert all(entry["arn"] in entry["message"] for entry in errors)
    assert authors.advertiser.see_all(unknown)[0] == []
    assert authors.advertiser.see_all(known["arn"])[1] == []


@pytest.mark.rule("TPL-19")
def test_nothing_blocks_a_deletion(authors: Authors, refused: Refused) -> None:
    """A template that an analysis rule allows is deleted; the rule keeps its ARN, and everybody's views lose the template."""
    template = authors.advertiser.write()
    table = authors.publisher.client.create_configured_table(
        name="sales",
        tableReference={"glue": {"databaseName": "shop", "tableName": "sales"}},
        allowedColumns=["region"],
        analysisMethod="DIRECT_QUERY",
    )["configuredTable"]["id"]
    rule: Any = {"configuredTableIdentifier": table, "analysisRuleType": "CUSTOM"}
    policy = {"v1": {"custom": {"allowedAnalyses": [template["arn"]]}}}
    authors.publisher.client.create_configured_table_analysis_rule(**rule, analysisRulePolicy=policy)
    answer = authors.advertiser.delete(template)
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 204
    kept = authors.publisher.client.get_configured_table_analysis_rule(**rule)["analysisRule"]["policy"]
    assert kept == policy
    for call in (authors.advertiser.get, authors.advertiser.delete, authors.advertiser.update):
        with refused("ResourceNotFoundException", rule="LIFE-24"):
            call(template)
    with refused("ResourceNotFoundException", rule="TPL-18"):
        authors.publisher.see(template["arn"])
    assert authors.advertiser.list() == authors.publisher.shown() == []


def test_a_removed_member_takes_its_templates_along(authors: Authors, refused: Refused) -> None:
    """They vanish for the others; their owner reads and deletes them, and can't create or update any."""
    template = authors.publisher.write()
    authors.scene.advertiser.delete_member(**authors.here, accountId=PUBLISHER)
    assert authors.advertiser.shown() == []
    with refused("ResourceNotFoundException", rule="TPL-18"):
        authors.advertiser.see(template["arn"])
    with refused("AccessDeniedException", "INSUFFICIENT_PERMISSIONS", rule="ERR-8"):
        authors.publisher.shown()
    stays_readable(authors.publisher, template, refused)


def test_templates_outlive_their_collaboration(authors: Authors, refused: Refused) -> None:
    """Nobody sees those of a deleted collaboration in it; their owner reads and deletes them."""
    template = authors.publisher.write()
    authors.scene.advertiser.delete_collaboration(**authors.here)
    for member in (authors.advertiser, authors.publisher):
        with refused("ResourceNotFoundException", rule="ERR-8"):
            member.shown()
        with refused("ResourceNotFoundException", rule="ERR-8"):
            member.see(template["arn"])
        with refused("ResourceNotFoundException", rule="ERR-8"):
            member.see_all(template["arn"])
    stays_readable(authors.publisher, template, refused)


def stays_readable(author: Author, template: dict[str, Any], refused: Refused) -> None:
    assert author.get(template) == template
    assert [summary["id"] for summary in author.list()] == [template["id"]]
    with refused("AccessDeniedException", "INSUFFICIENT_PERMISSIONS", rule="LIFE-13"):
        author.write("new")
    with refused("AccessDeniedException", "INSUFFICIENT_PERMISSIONS", rule="LIFE-13"):
        author.update(template, description="new")
    author.delete(template)
    assert author.list() == []


def test_a_membership_is_deleted_empty(authors: Authors, refused: Refused) -> None:
    """A membership with a template isn't deleted before it."""
    template = authors.publisher.write()
    with refused("ConflictException", "SUBRESOURCES_EXIST"):
        authors.publisher.client.delete_membership(**authors.publisher.id)
    authors.publisher.delete(template)
    authors.publisher.client.delete_membership(**authors.publisher.id)


def test_pages(authors: Authors) -> None:
    """Templates are listed in the order of their creation, page by page."""
    ours = [authors.advertiser.write(f"template {number}")["id"] for number in range(3)]
    theirs = [authors.publisher.write(f"template {number}")["id"] for number in range(2)]
    client = authors.advertiser.client
    paged(client.list_analysis_templates, "analysisTemplateSummaries", ours, **authors.advertiser.id)
    key = "collaborationAnalysisTemplateSummaries"
    paged(client.list_collaboration_analysis_templates, key, ours + theirs, **authors.here)


def test_tags(authors: Authors, refused: Refused) -> None:
    """A template's tags come with it, change, are its owner's, and go with it."""
    template = authors.publisher.write(tags={"team": "media"})
    with refused("ResourceNotFoundException", rule="TAG-4"):
        authors.advertiser.client.list_tags_for_resource(resourceArn=template["arn"])
    with refused("ValidationException", FIELD, rule="TAG-10"):
        authors.publisher.write("other", tags={"aws:team": "media"})
    tags_come_and_go(authors.publisher.client, template["arn"], refused, lambda: authors.publisher.delete(template))
