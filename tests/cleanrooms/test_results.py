"""Where results go: which member says it, which bucket and which role the service takes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.conftest import ADVERTISER, PUBLISHER, STRANGER, Refused, Scene, pays, results_to

RECEIVES = ["CAN_RECEIVE_RESULTS"]
RUNS = ["CAN_QUERY"]
RUNS_AND_RECEIVES = ["CAN_QUERY", "CAN_RECEIVE_RESULTS"]
QUERIES = "defaultResultConfiguration"
JOBS = "defaultJobResultConfiguration"

TRUST = {
    "Version": "2012-10-17",
    "Statement": {
        "Effect": "Allow",
        "Principal": {"Service": "cleanrooms.amazonaws.com"},
        "Action": "sts:AssumeRole",
    },
}
LOCATE = {"Effect": "Allow", "Action": ["s3:GetBucketLocation", "s3:ListBucket"], "Resource": "arn:aws:s3:::results"}
WRITE = {"Effect": "Allow", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::results/*"}

both_kinds = pytest.mark.parametrize("parameter", [QUERIES, JOBS])
both_moments = pytest.mark.parametrize("moment", ["joining", "updating"])


def _collaboration(scene: Scene, abilities: list[str], **more: Any) -> dict[str, Any]:
    """A collaboration in which the publisher has these abilities, and the advertiser what else it takes."""
    creator = [ability for ability in RUNS_AND_RECEIVES if ability == RECEIVES[0] or ability not in abilities]
    return scene.create(creatorMemberAbilities=creator, members=[scene.member(abilities=abilities)], **more)


class Choice:
    """Where a publisher that queries and receives has results go: chosen at joining, or by an update of an earlier choice."""

    def __init__(self, scene: Scene, moment: str = "joining", **collaboration: Any) -> None:
        self.scene = scene
        self.collaboration = _collaboration(scene, RUNS_AND_RECEIVES, **collaboration)
        self.membership: dict[str, Any] | None = None
        if moment == "updating":
            before = results_to("before", PUBLISHER)
            self.membership = scene.join(scene.publisher, self.collaboration, **{QUERIES: before, JOBS: before})

    def make(self, **configuration: Any) -> dict[str, Any]:
        """Make it, and return the membership."""
        if self.membership is None:
            return self.scene.join(self.scene.publisher, self.collaboration, **configuration)
        answer: Any = self.scene.publisher.update_membership(
            membershipIdentifier=self.membership["id"], **configuration
        )
        return dict(answer["membership"])

    def state(self) -> Any:
        """What a refusal must leave as it is."""
        memberships = [
            self.scene.publisher.get_membership(membershipIdentifier=summary["id"])["membership"]
            for summary in self.scene.publisher.list_memberships()["membershipSummaries"]
        ]
        return memberships, self.scene.member_of(self.collaboration, PUBLISHER)


def _make_role(
    scene: Scene, *statements: Any, trust: Any = TRUST, account_id: str = PUBLISHER, name: str = "results"
) -> str:
    """Make a role with an inline policy, and return its ARN."""
    iam = scene.handle.client(account_id, service="iam")
    arn: str = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    if statements:
        document = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
        iam.put_role_policy(RoleName=name, PolicyName="inline", PolicyDocument=document)
    return arn


def _make_bucket(scene: Scene, name: str, region_name: str = "us-east-1", account_id: str = PUBLISHER) -> None:
    s3 = scene.handle.client(account_id, region_name, service="s3")
    if region_name == "us-east-1":
        s3.create_bucket(Bucket=name)
    else:
        s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": region_name})


# Who says it


@pytest.mark.rule("MEM-6", "MEM-7")
@pytest.mark.parametrize(
    ("abilities", "required"), [([], False), (RUNS, False), (RUNS_AND_RECEIVES, False), (RECEIVES, True)]
)
def test_who_must_say_where_results_go(scene: Scene, refused: Refused, abilities: list[str], required: bool) -> None:
    """Only a member that receives results and can't query must say at joining where they go."""
    collaboration = _collaboration(scene, abilities)
    if required:
        with refused("ValidationException", "INVALID_CONFIGURATION", field=QUERIES, rule="MEM-6"):
            scene.join(scene.publisher, collaboration)
        with refused("ValidationException", "INVALID_CONFIGURATION", field=QUERIES, rule="MEM-6"):
            scene.join(scene.publisher, collaboration, **{JOBS: results_to("results", PUBLISHER)})
        assert scene.member_of(collaboration, PUBLISHER)["status"] == "INVITED"
    else:
        assert QUERIES not in scene.join(scene.publisher, collaboration)


@pytest.mark.rule("MEM-6")
def test_the_creator_must_say_so_too(scene: Scene, refused: Refused) -> None:
    """The creator of a collaboration in which another member queries says where its results go."""
    collaboration = scene.create(creatorMemberAbilities=RECEIVES, members=[scene.member(abilities=RUNS)])
    with refused("ValidationException", "INVALID_CONFIGURATION", field=QUERIES, rule="MEM-6"):
        scene.join(scene.advertiser, collaboration)
    results = {QUERIES: results_to("results", ADVERTISER)}
    assert scene.join(scene.advertiser, collaboration, **results)["status"] == "ACTIVE"


@pytest.mark.rule("MEM-6", "MEM-33")
def test_an_ability_granted_later(scene: Scene) -> None:
    """A member that is granted CAN_RECEIVE_RESULTS after joining gives its configuration by an update."""
    granted = "GRANT_RECEIVE_RESULTS_ABILITY"
    collaboration = scene.create(autoApprovedChangeRequestTypes=[granted])
    membership = scene.join(scene.publisher, collaboration)
    specification: Any = {"member": {"accountId": PUBLISHER, "memberAbilities": RECEIVES}}
    request: Any = scene.advertiser.create_collaboration_change_request(
        collaborationIdentifier=collaboration["id"],
        changes=[{"specificationType": "MEMBER", "specification": specification}],
    )
    assert request["collaborationChangeRequest"]["status"] == "COMMITTED"
    results: Any = results_to("results", PUBLISHER, singleFileOutput=False)
    answer: Any = scene.publisher.update_membership(
        membershipIdentifier=membership["id"], defaultResultConfiguration=results
    )
    assert (answer["membership"]["memberAbilities"], answer["membership"][QUERIES]) == (RECEIVES, results)


@pytest.mark.rule("MEM-8", "MEM-15")
@pytest.mark.parametrize(("parameter", "rule"), [(QUERIES, "MEM-8"), (JOBS, "MEM-15")])
@pytest.mark.parametrize("abilities", [[], RUNS, ["CAN_QUERY", "CAN_RUN_JOB"], ["CAN_EXPORT_QUERY_ANALYSIS_LOG"]])
def test_only_a_receiver_says_where_results_go(
    scene: Scene, refused: Refused, parameter: str, rule: str, abilities: list[str]
) -> None:
    """A member without CAN_RECEIVE_RESULTS, whatever else it can do, gives neither configuration."""
    collaboration = _collaboration(scene, abilities)
    with refused("ValidationException", "INVALID_CONFIGURATION", field=parameter, rule=rule):
        scene.join(scene.publisher, collaboration, **{parameter: results_to("results", PUBLISHER)})
    assert scene.publisher.list_memberships()["membershipSummaries"] == []
    assert scene.join(scene.publisher, collaboration)["status"] == "ACTIVE"


@pytest.mark.rule("MEM-15")
@pytest.mark.parametrize("abilities", [RECEIVES, RUNS_AND_RECEIVES, [*RUNS_AND_RECEIVES, "CAN_RUN_JOB"]])
@pytest.mark.parametrize("given", [True, False])
def test_where_job_results_go_is_a_receiver_s_choice(scene: Scene, abilities: list[str], given: bool) -> None:
    """Any receiver may say where the results of jobs go, and none must."""
    collaboration = _collaboration(scene, abilities)
    jobs = {JOBS: results_to("job-results", PUBLISHER)} if given else {}
    membership = scene.join(scene.publisher, collaboration, **{QUERIES: results_to("results", PUBLISHER)}, **jobs)
    assert {name: membership[name] for name in membership if name == JOBS} == jobs


@pytest.mark.rule("MEM-9")
@pytest.mark.parametrize("abilities", [RECEIVES, RUNS_AND_RECEIVES])
@pytest.mark.cleanrooms(references="strict")
def test_who_must_name_a_role(scene: Scene, refused: Refused, abilities: list[str]) -> None:
    """A member that can't query must name the role that writes its results; one that can writes with its own credentials."""
    collaboration = _collaboration(scene, abilities)
    _make_bucket(scene, "results")
    if "CAN_QUERY" not in abilities:
        with refused("ValidationException", "INVALID_CONFIGURATION", field=f"{QUERIES}.roleArn", rule="MEM-9"):
            scene.join(scene.publisher, collaboration, **{QUERIES: results_to()})
        assert scene.publisher.list_memberships()["membershipSummaries"] == []
    else:
        membership = scene.join(scene.publisher, collaboration, **{QUERIES: results_to()})
        assert membership[QUERIES] == results_to(singleFileOutput=False)


# How it is written


@pytest.mark.rule("MEM-13")
@both_moments
@pytest.mark.parametrize("given", [{}, {"singleFileOutput": False}])
@pytest.mark.parametrize("engine", ["SPARK", "CLEAN_ROOMS_SQL"])
def test_several_files_by_default(scene: Scene, moment: str, given: dict[str, bool], engine: str) -> None:
    """singleFileOutput is stored and returned as false where it wasn't given, whatever the engine."""
    choice = Choice(scene, moment)
    _set_engine(scene, choice.collaboration, engine)
    membership = choice.make(**{QUERIES: results_to("results", PUBLISHER, **given)})
    assert membership[QUERIES]["outputConfiguration"]["s3"]["singleFileOutput"] is False


@pytest.mark.rule("MEM-13")
@both_moments
def test_a_single_file_needs_spark(scene: Scene, refused: Refused, moment: str) -> None:
    """One file is what Spark can write; the older engine can't, and is refused on the field that asks for it."""
    choice = Choice(scene, moment)
    single = {QUERIES: results_to("results", PUBLISHER, singleFileOutput=True)}
    _set_engine(scene, choice.collaboration, "CLEAN_ROOMS_SQL")
    before = choice.state()
    field = f"{QUERIES}.outputConfiguration.s3.singleFileOutput"
    with refused("ValidationException", "INVALID_CONFIGURATION", field=field, rule="MEM-13"):
        choice.make(**single)
    assert choice.state() == before
    _set_engine(scene, choice.collaboration, "SPARK")
    assert choice.make(**single)[QUERIES] == single[QUERIES]


def _set_engine(scene: Scene, collaboration: dict[str, Any], engine: str) -> None:
    """Only collaborations from before 2025 have the older engine, so none can be created with it."""
    scene.handle.backend(PUBLISHER).world.collaborations[collaboration["id"]].analytics_engine = engine


@pytest.mark.rule("MEM-14")
@both_moments
@pytest.mark.parametrize("prefix", [{}, {"keyPrefix": ""}, {"keyPrefix": "spring/2026/"}])
@pytest.mark.parametrize("format_", ["CSV", "PARQUET", None])
def test_prefix_and_format_come_back_as_given(
    scene: Scene, moment: str, prefix: dict[str, str], format_: str | None
) -> None:
    """A prefix that wasn't given stays absent and an empty one empty; jobs needn't have a format, and then none is told."""
    choice = Choice(scene, moment)
    queries = results_to("results", PUBLISHER, **prefix, resultFormat=format_ or "CSV", singleFileOutput=False)
    jobs: Any = {"outputConfiguration": {"s3": {"bucket": "results", **prefix}}, "roleArn": queries["roleArn"]}
    if format_ is not None:
        jobs["outputConfiguration"]["s3"]["resultFormat"] = format_
    membership = choice.make(**{QUERIES: queries, JOBS: jobs})
    assert (membership[QUERIES], membership[JOBS]) == (queries, jobs)


# The bucket


@pytest.mark.rule("MEM-12")
@both_kinds
@both_moments
def test_a_bucket_outside_of_the_allowed_regions(scene: Scene, refused: Refused, parameter: str, moment: str) -> None:
    """Results go to no bucket outside of the allowed Regions, by default the collaboration's own."""
    choice = Choice(scene, moment)
    for bucket, region_name in (("results", "us-east-1"), ("abroad", "eu-west-1")):
        _make_bucket(scene, bucket, region_name)
    before = choice.state()
    field = f"{parameter}.outputConfiguration.s3.bucket"
    with refused("ValidationException", "INVALID_CONFIGURATION", field=field, rule="MEM-12") as error:
        choice.make(**{parameter: results_to("abroad", PUBLISHER)})
    assert "eu-west-1" in error["message"]
    assert choice.state() == before
    membership = choice.make(**{parameter: results_to("results", PUBLISHER)})
    assert membership[parameter]["outputConfiguration"]["s3"]["bucket"] == "results"


@pytest.mark.rule("MEM-12")
@both_kinds
@pytest.mark.parametrize("bucket", ["in-ireland", "in-oregon", "in-virginia"])
def test_allowed_regions_need_not_be_the_collaboration_s(
    scene: Scene, refused: Refused, parameter: str, bucket: str
) -> None:
    """Where other Regions are allowed instead, a bucket there is taken and one in the collaboration's own Region isn't."""
    choice = Choice(scene, allowedResultRegions=["eu-west-1", "us-west-2"])
    regions = {"in-ireland": "eu-west-1", "in-oregon": "us-west-2", "in-virginia": "us-east-1"}
    for name, region_name in regions.items():
        _make_bucket(scene, name, region_name)
    configuration = {parameter: results_to(bucket, PUBLISHER)}
    if bucket == "in-virginia":
        field = f"{parameter}.outputConfiguration.s3.bucket"
        with refused("ValidationException", "INVALID_CONFIGURATION", field=field, rule="MEM-12"):
            choice.make(**configuration)
        assert scene.publisher.list_memberships()["membershipSummaries"] == []
    else:
        assert choice.make(**configuration)["status"] == "ACTIVE"


@pytest.mark.rule("MEM-12")
def test_a_bucket_is_known_whosever_it_is(scene: Scene, refused: Refused) -> None:
    """A bucket of another account is looked up too: its Region counts, not its owner."""
    choice = Choice(scene)
    _make_bucket(scene, "theirs-abroad", "eu-west-1", STRANGER)
    _make_bucket(scene, "theirs", account_id=STRANGER)
    with refused("ValidationException", "INVALID_CONFIGURATION", rule="MEM-12"):
        choice.make(**{QUERIES: results_to("theirs-abroad", PUBLISHER)})
    assert choice.make(**{QUERIES: results_to("theirs", PUBLISHER)})["status"] == "ACTIVE"


@pytest.mark.rule("MEM-12")
@both_kinds
@pytest.mark.parametrize("owner", [PUBLISHER, ADVERTISER, None])
def test_a_bucket_that_does_not_exist(scene: Scene, refused: Refused, parameter: str, owner: str | None) -> None:
    """A bucket that nobody made is refused once the account has made any, and not because another account has."""
    choice = Choice(scene, "updating")
    if owner is not None:
        _make_bucket(scene, "other", account_id=owner)
    before = choice.state()
    if owner == PUBLISHER:
        field = f"{parameter}.outputConfiguration.s3.bucket"
        with refused("ValidationException", "INVALID_CONFIGURATION", field=field, rule="MEM-12"):
            choice.make(**{parameter: results_to("results", PUBLISHER)})
        assert choice.state() == before
    else:
        membership = choice.make(**{parameter: results_to("results", PUBLISHER)})
        assert membership[parameter]["outputConfiguration"]["s3"]["bucket"] == "results"


@pytest.mark.rule("MEM-12")
@pytest.mark.cleanrooms(references="strict")
def test_strict_references_always_want_the_bucket(scene: Scene, refused: Refused) -> None:
    """With strict references a bucket that nobody made is refused in an account without buckets too."""
    collaboration = _collaboration(scene, RUNS_AND_RECEIVES)
    field = f"{QUERIES}.outputConfiguration.s3.bucket"
    with refused("ValidationException", "INVALID_CONFIGURATION", field=field, rule="MEM-12"):
        scene.join(scene.publisher, collaboration, **{QUERIES: results_to()})
    assert scene.publisher.list_memberships()["membershipSummaries"] == []
    _make_bucket(scene, "results")
    assert scene.join(scene.publisher, collaboration, **{QUERIES: results_to()})["status"] == "ACTIVE"


# The role


@pytest.mark.rule("MEM-11")
@both_kinds
@both_moments
@pytest.mark.parametrize("roles", ["none", "another account's", "own"])
def test_roles_are_looked_up_once_there_are_any(
    scene: Scene, refused: Refused, parameter: str, moment: str, roles: str
) -> None:
    """An account without IAM roles names what it likes; as soon as it has made one, the role that is named must exist."""
    choice = Choice(scene, moment)
    if roles != "none":
        _make_role(scene, account_id=PUBLISHER if roles == "own" else ADVERTISER, name="other")
    before = choice.state()
    configuration = {parameter: results_to("results", PUBLISHER)}
    if roles != "own":
        assert choice.make(**configuration)[parameter]["roleArn"] == f"arn:aws:iam::{PUBLISHER}:role/results"
        return
    with refused("ValidationException", "INVALID_CONFIGURATION", field=f"{parameter}.roleArn", rule="MEM-11") as error:
        choice.make(**configuration)
    assert "doesn't exist" in error["message"]
    assert choice.state() == before
    _make_role(scene, LOCATE, WRITE)
    assert choice.make(**configuration)["status"] == "ACTIVE"


@pytest.mark.rule("MEM-11")
@both_kinds
@both_moments
@pytest.mark.parametrize("made", [True, False])
def test_a_role_of_another_account(scene: Scene, refused: Refused, parameter: str, moment: str, made: bool) -> None:
    """A role of another account is refused, whether there is such a role or not."""
    choice = Choice(scene, moment)
    if made:
        _make_role(scene, LOCATE, WRITE, account_id=STRANGER)
    before = choice.state()
    with refused("ValidationException", "INVALID_CONFIGURATION", field=f"{parameter}.roleArn", rule="MEM-11") as error:
        choice.make(**{parameter: results_to("results", STRANGER)})
    assert "another account" in error["message"]
    assert choice.state() == before


@pytest.mark.rule("MEM-10", "MEM-11")
@pytest.mark.cleanrooms(references="strict")
def test_strict_references_always_want_the_role(scene: Scene, refused: Refused) -> None:
    """With strict references a role that nobody made is refused in an account without roles too."""
    collaboration = _collaboration(scene, RECEIVES)
    _make_bucket(scene, "results")
    results = {QUERIES: results_to("results", PUBLISHER)}
    with refused("ValidationException", "INVALID_CONFIGURATION", field=f"{QUERIES}.roleArn", rule="MEM-11"):
        scene.join(scene.publisher, collaboration, **results)
    assert scene.publisher.list_memberships()["membershipSummaries"] == []
    _make_role(scene, LOCATE, WRITE)
    assert scene.join(scene.publisher, collaboration, **results)["status"] == "ACTIVE"


ANYBODY = {**TRUST, "Statement": {**TRUST["Statement"], "Principal": {"Service": "glue.amazonaws.com"}}}  # type: ignore[dict-item]
ONLY_READS = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}
NO_WRITING = {"Effect": "Deny", "Action": "s3:Put*", "Resource": "*"}
ELSEWHERE = {"Effect": "Allow", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::other/*"}


@pytest.mark.rule("MEM-10")
@both_kinds
@both_moments
@pytest.mark.parametrize(
    ("trust", "statements", "missing"),
    [
        (ANYBODY, [LOCATE, WRITE], "doesn't trust cleanrooms.amazonaws.com"),
        (TRUST, [], "s3:GetBucketLocation on arn:aws:s3:::results"),
        (TRUST, [{**LOCATE, "Action": "s3:ListBucket"}, WRITE], "s3:GetBucketLocation on arn:aws:s3:::results"),
        (TRUST, [{**LOCATE, "Action": "s3:GetBucketLocation"}, WRITE], "s3:ListBucket on arn:aws:s3:::results"),
        (TRUST, [LOCATE, ONLY_READS], "s3:PutObject on arn:aws:s3:::results/"),
        (TRUST, [LOCATE, ELSEWHERE], "s3:PutObject on arn:aws:s3:::results/"),
        (TRUST, [LOCATE, {**WRITE, "Resource": "arn:aws:s3:::results"}], "s3:PutObject on arn:aws:s3:::results/"),
        (TRUST, [LOCATE, WRITE, NO_WRITING], "s3:PutObject on arn:aws:s3:::results/"),
    ],
)
def test_a_role_that_cannot_write(
    scene: Scene, refused: Refused, parameter: str, moment: str, trust: Any, statements: list[Any], missing: str
) -> None:
    """A role that doesn't trust the service, or lacks one of the three permissions, is refused with what it lacks."""
    choice = Choice(scene, moment)
    good = _make_role(scene, LOCATE, WRITE, name="good")
    arn = _make_role(scene, *statements, trust=trust, name="bad")
    before = choice.state()
    with refused("ValidationException", "INVALID_CONFIGURATION", field=f"{parameter}.roleArn", rule="MEM-10") as error:
        choice.make(**{parameter: {**results_to(), "roleArn": arn}})
    assert missing in error["message"]
    assert choice.state() == before
    assert choice.make(**{parameter: {**results_to(), "roleArn": good}})[parameter]["roleArn"] == good


@pytest.mark.rule("MEM-11")
def test_conditions_of_a_trust_policy_are_not_evaluated(scene: Scene) -> None:
    """The documented trust policy names the membership of the member who can query, which a receiver's isn't."""
    runner = f"arn:aws:cleanrooms:us-east-1:{ADVERTISER}:membership/00000000-0000-4000-8000-000000000000"
    condition = {
        "StringEquals": {"sts:ExternalId": "arn:aws:*:us-east-1:*:dbuser:*/00000000-0000-4000-8000-000000000000*"},
        "ForAnyValue:ArnEquals": {"aws:SourceArn": runner},
    }
    statement: Any = {**TRUST["Statement"], "Condition": condition}  # type: ignore[dict-item]
    arn = _make_role(scene, LOCATE, WRITE, trust={**TRUST, "Statement": [statement]})
    membership = scene.join(
        scene.publisher, _collaboration(scene, RECEIVES), **{QUERIES: {**results_to(), "roleArn": arn}}
    )
    assert membership[QUERIES]["roleArn"] == arn


@pytest.mark.rule("MEM-10")
@pytest.mark.parametrize("prefix", ["spring/", "spring"])
def test_a_role_that_writes_under_the_prefix_alone(scene: Scene, refused: Refused, prefix: str) -> None:
    """A role may write where the results go and nowhere else in the bucket; under another prefix they don't go."""
    choice = Choice(scene)
    arn = _make_role(scene, LOCATE, {**WRITE, "Resource": "arn:aws:s3:::results/spring/*"})
    with refused("ValidationException", "INVALID_CONFIGURATION", field=f"{QUERIES}.roleArn", rule="MEM-10"):
        choice.make(**{QUERIES: {**results_to(keyPrefix="autumn/"), "roleArn": arn}})
    assert choice.make(**{QUERIES: {**results_to(keyPrefix=prefix), "roleArn": arn}})["status"] == "ACTIVE"


@pytest.mark.rule("MEM-10")
def test_a_role_whose_policy_has_not_propagated(scene: Scene, refused: Refused) -> None:
    """Roles are there at once in a mock; the service's answer to a young one can be injected, with its reason."""
    choice = Choice(scene)
    scene.handle.inject_fault(
        "create_membership", "ValidationException", members={"reason": "IAM_SYNCHRONIZATION_DELAY"}
    )
    with refused("ValidationException", "IAM_SYNCHRONIZATION_DELAY"):
        choice.make()
    assert choice.make()["status"] == "ACTIVE"


@pytest.mark.rule("MEM-10", "MEM-12", "MEM-33")
@pytest.mark.cleanrooms(references="strict")
def test_an_update_without_results_looks_at_no_role(scene: Scene) -> None:
    """Once accepted, a role and a bucket may go: an update that doesn't name them doesn't look for them."""
    collaboration = _collaboration(scene, RECEIVES, queryLogStatus="ENABLED")
    _make_bucket(scene, "results")
    _make_role(scene, LOCATE, WRITE)
    results = {QUERIES: results_to("results", PUBLISHER, singleFileOutput=False)}
    membership = scene.join(scene.publisher, collaboration, **results)
    scene.handle.client(PUBLISHER, service="s3").delete_bucket(Bucket="results")
    iam = scene.handle.client(PUBLISHER, service="iam")
    iam.delete_role_policy(RoleName="results", PolicyName="inline")
    iam.delete_role(RoleName="results")
    answer: Any = scene.publisher.update_membership(membershipIdentifier=membership["id"], queryLogStatus="ENABLED")
    assert (answer["membership"]["queryLogStatus"], answer["membership"][QUERIES]) == ("ENABLED", results[QUERIES])


@pytest.mark.rule("MEM-6", "MEM-9", "MEM-12", "MEM-10")
@pytest.mark.cleanrooms(references="strict")
def test_everything_as_the_service_wants_it(scene: Scene) -> None:
    """With strict references, a receiver and payer joins with a bucket and a role that do exist."""
    collaboration = scene.create(members=[scene.member(abilities=RECEIVES, paymentConfiguration=pays(query=True))])
    _make_bucket(scene, "results")
    arn = _make_role(scene, LOCATE, WRITE)
    membership = scene.join(
        scene.publisher,
        collaboration,
        paymentConfiguration=pays(query=True),
        **{QUERIES: {**results_to(), "roleArn": arn}, JOBS: {**results_to(), "roleArn": arn}},
    )
    assert (membership[QUERIES]["roleArn"], membership[JOBS]["roleArn"]) == (arn, arn)
