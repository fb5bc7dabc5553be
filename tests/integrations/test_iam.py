"""Whose access key, which role, whom it trusts and what it allows: what is read out of moto's IAM."""

from __future__ import annotations

import json
import sys
from typing import Any

import boto3
import pytest

from cleanrooms_mock import Handle, mock_cleanrooms
from cleanrooms_mock.integrations import iam

ACCOUNT = "222222222222"
OTHER = "333333333333"
DEFAULT_ACCOUNT = "123456789012"
SERVICE = "cleanrooms.amazonaws.com"
OBJECT = "arn:aws:s3:::results/spring/part-0"
BUCKET = "arn:aws:s3:::results"

Document = dict[str, Any]


def policy(*statements: Document) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(action: Any, resource: Any = "*", **more: Any) -> Document:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def deny(action: Any, resource: Any = "*", **more: Any) -> Document:
    return {**allow(action, resource, **more), "Effect": "Deny"}


def trust(principal: Any, action: Any = "sts:AssumeRole", effect: str = "Allow", **more: Any) -> Document:
    return {"Effect": effect, "Principal": principal, "Action": action, **more}


class Roles:
    """Roles of one account, made through boto3."""

    def __init__(self, handle: Handle) -> None:
        self.client = handle.client(ACCOUNT, service="iam")

    def make(self, *statements: Document, trusts: str | None = None, name: str = "results", path: str = "/") -> Any:
        """Make a role with these statements in an inline policy, and return moto's own."""
        document = trusts or policy(trust({"Service": SERVICE}))
        role = self.client.create_role(RoleName=name, AssumeRolePolicyDocument=document, Path=path)["Role"]
        if statements:
            self.client.put_role_policy(RoleName=name, PolicyName="inline", PolicyDocument=policy(*statements))
        return iam.find_role("aws", ACCOUNT, role["Arn"])

    def attach(self, document: str, name: str = "attached", role: str = "results") -> str:
        arn: str = self.client.create_policy(PolicyName=name, PolicyDocument=document)["Policy"]["Arn"]
        self.client.attach_role_policy(RoleName=role, PolicyArn=arn)
        return arn


@pytest.fixture
def roles(cleanrooms: Handle) -> Roles:
    return Roles(cleanrooms)


# Finding roles


def test_roles_are_an_account_s(roles: Roles) -> None:
    """A role is found under its whole ARN, in its own account and partition, until it is deleted."""
    assert not iam.has_roles("aws", ACCOUNT)
    role = roles.make(name="results", path="/service-role/")
    arn = f"arn:aws:iam::{ACCOUNT}:role/service-role/results"
    assert (role.name, role.arn) == ("results", arn)
    assert iam.has_roles("aws", ACCOUNT)
    assert iam.find_role("aws", ACCOUNT, f"arn:aws:iam::{ACCOUNT}:role/results") is None
    for partition, account_id in (("aws", OTHER), ("aws-cn", ACCOUNT)):
        assert not iam.has_roles(partition, account_id)
        assert iam.find_role(partition, account_id, arn) is None
    roles.client.delete_role(RoleName="results")
    assert not iam.has_roles("aws", ACCOUNT)
    assert iam.find_role("aws", ACCOUNT, arn) is None


def test_roles_go_with_the_mock() -> None:
    """What one mock has made the next one doesn't know."""
    for _ in range(2):
        with mock_cleanrooms() as handle:
            assert not iam.has_roles("aws", ACCOUNT)
            Roles(handle).make()
            assert iam.has_roles("aws", ACCOUNT)


def test_an_iam_that_nobody_has_used(cleanrooms: Handle, monkeypatch: pytest.MonkeyPatch) -> None:
    """As long as moto's IAM isn't imported there are no roles and one account, and looking doesn't import it."""
    monkeypatch.delitem(sys.modules, "moto.iam.models", raising=False)
    assert not iam.has_roles("aws", ACCOUNT)
    assert iam.find_role("aws", ACCOUNT, f"arn:aws:iam::{ACCOUNT}:role/results") is None
    assert iam.account_of_access_key("AKIAEXAMPLE", "us-east-1") == DEFAULT_ACCOUNT
    assert "moto.iam.models" not in sys.modules


@pytest.mark.parametrize("path", ["results", "service-role/results", "a/b:c/results"])
def test_the_account_in_an_arn(path: str) -> None:
    """A role's ARN says whose it is, whatever its path."""
    assert iam.account_of_arn(f"arn:aws:iam::{ACCOUNT}:role/{path}") == ACCOUNT


# Access keys


def test_whose_access_key_it_is(cleanrooms: Handle) -> None:
    """A key belongs to the account that made it, and its use is noted there; an unknown key is the default account's."""
    client = cleanrooms.client(ACCOUNT, service="iam")
    client.create_user(UserName="analyst")
    key = client.create_access_key(UserName="analyst")["AccessKey"]["AccessKeyId"]
    assert iam.account_of_access_key(key, "eu-west-1") == ACCOUNT
    used = client.get_access_key_last_used(AccessKeyId=key)["AccessKeyLastUsed"]
    assert (used["ServiceName"], used["Region"]) == ("cleanrooms", "eu-west-1")
    for unknown in ("AKIAEXAMPLE", ""):
        assert iam.account_of_access_key(unknown, "us-east-1") == DEFAULT_ACCOUNT


def test_an_assumed_role_acts_as_its_account(roles: Roles) -> None:
    """moto's own way to another account: credentials of a role that was assumed there call Clean Rooms as that account."""
    roles.make(trusts=policy(trust({"AWS": f"arn:aws:iam::{DEFAULT_ACCOUNT}:root"})), name="analyst")
    arn = f"arn:aws:iam::{ACCOUNT}:role/analyst"
    credentials = boto3.client("sts", "us-east-1").assume_role(RoleArn=arn, RoleSessionName="test")["Credentials"]
    assert iam.account_of_access_key(credentials["AccessKeyId"], "us-east-1") == ACCOUNT
    client = boto3.client(
        "cleanrooms",
        "us-east-1",
        aws_access_key_id=credentials["AccessKeyId"],
        aws_secret_access_key=credentials["SecretAccessKey"],
        aws_session_token=credentials["SessionToken"],
    )
    created = client.create_collaboration(
        name="campaign",
        creatorDisplayName="analyst",
        creatorMemberAbilities=["CAN_QUERY", "CAN_RECEIVE_RESULTS"],
        members=[],
        queryLogStatus="DISABLED",
    )["collaboration"]
    assert created["creatorAccountId"] == ACCOUNT
    last_used = roles.client.get_role(RoleName="analyst")["Role"]["RoleLastUsed"]
    assert "LastUsedDate" in last_used


# Trust


@pytest.mark.rule("MEM-10", "MEM-11")
@pytest.mark.parametrize(
    ("statements", "trusted"),
    [
        ([trust({"Service": SERVICE})], True),
        ([trust({"Service": ["glue.amazonaws.com", SERVICE]})], True),
        ([trust({"Service": SERVICE}, ["sts:TagSession", "sts:AssumeRole"])], True),
        ([trust({"Service": SERVICE}, "sts:*")], True),
        ([trust({"Service": SERVICE}, "sts:Assume*")], True),
        ([trust({"Service": SERVICE}, "sts:assumerole")], True),
        ([trust({"Service": SERVICE, "AWS": f"arn:aws:iam::{OTHER}:root"})], True),
        ([trust({"Service": "glue.amazonaws.com"}), trust({"Service": SERVICE})], True),
        # Conditions aren't evaluated: one that allows counts as met, one that denies as not.
        ([trust({"Service": SERVICE}, Condition={"StringEquals": {"aws:SourceAccount": OTHER}})], True),
        (
            [
                trust({"Service": SERVICE}),
                trust(
                    {"Service": SERVICE},
                    effect="Deny",
                    Condition={"StringNotEquals": {"aws:SourceAccount": ACCOUNT}},
                ),
            ],
            True,
        ),
        ([trust({"Service": "glue.amazonaws.com"})], False),
        ([trust({"Service": "cleanrooms-ml.amazonaws.com"})], False),
        ([trust({"AWS": f"arn:aws:iam::{ACCOUNT}:root"})], False),
        ([trust({"Federated": "cognito-identity.amazonaws.com"}, "sts:AssumeRoleWithWebIdentity")], False),
        ([trust({"Service": SERVICE}, "sts:TagSession")], False),
        ([trust({"Service": SERVICE}, "sts:Get*")], False),
        ([trust({"Service": SERVICE}, effect="Deny")], False),
        ([trust({"Service": SERVICE}), trust({"Service": SERVICE}, effect="Deny")], False),
        ([], False),
    ],
)
def test_whom_a_role_trusts(roles: Roles, statements: list[Document], trusted: bool) -> None:
    """A role trusts a service that a statement lets assume it and none forbids to, by wildcards too."""
    assert iam.trusts(roles.make(trusts=policy(*statements)), SERVICE) is trusted


@pytest.mark.rule("MEM-10")
def test_a_trust_policy_of_one_statement(roles: Roles) -> None:
    """A single statement needn't stand in a list, and a new trust policy takes the old one's place."""
    role = roles.make(trusts=json.dumps({"Version": "2012-10-17", "Statement": trust({"Service": SERVICE})}))
    assert iam.trusts(role, SERVICE)
    assert not iam.trusts(role, "glue.amazonaws.com")
    document = policy(trust({"Service": "glue.amazonaws.com"}))
    roles.client.update_assume_role_policy(RoleName="results", PolicyDocument=document)
    assert not iam.trusts(role, SERVICE)


# Permissions


@pytest.mark.rule("MEM-10")
@pytest.mark.parametrize(
    ("statements", "allowed"),
    [
        ([allow("s3:PutObject", OBJECT)], True),
        ([allow(["s3:GetObject", "s3:PutObject"], [f"{BUCKET}/autumn/*", f"{BUCKET}/spring/*"])], True),
        ([allow("s3:PutObject", f"{BUCKET}/*")], True),
        ([allow("s3:PutObject", "*")], True),
        ([allow("s3:Put*", "arn:aws:s3:::res*")], True),
        ([allow("s3:*", f"{BUCKET}*")], True),
        ([allow("*")], True),
        ([allow("s3:putobject", f"{BUCKET}/*")], True),
        ([allow("s3:Put?bject", "arn:aws:s3:::r?sults/*")], True),
        ([allow("s3:GetObject"), allow("s3:PutObject")], True),
        ([{"Effect": "Allow", "NotAction": "s3:Get*", "Resource": "*"}], True),
        ([{"Effect": "Allow", "Action": "s3:PutObject", "NotResource": "arn:aws:s3:::other/*"}], True),
        ([], False),
        ([allow("s3:GetObject")], False),
        ([allow("s3:PutObjectAcl")], False),
        ([allow("s3:PutObject", BUCKET)], False),
        ([allow("s3:PutObject", "arn:aws:s3:::other/*")], False),
        ([allow("s3:PutObject", f"{BUCKET}/autumn/*")], False),
        ([allow("s3:PutObject", "arn:aws:s3:::re.ults/*")], False),
        ([{"Effect": "Allow", "NotAction": "s3:Put*", "Resource": "*"}], False),
        ([{"Effect": "Allow", "Action": "s3:PutObject", "NotResource": f"{BUCKET}/*"}], False),
        # What is denied stays so, in whatever order.
        ([deny("s3:PutObject"), allow("*")], False),
        ([allow("*"), deny("s3:Put*", f"{BUCKET}/spring/*")], False),
        ([allow("*"), deny("*", OBJECT)], False),
        ([allow("*"), {"Effect": "Deny", "NotAction": "s3:Get*", "Resource": "*"}], False),
        ([allow("*"), {"Effect": "Deny", "Action": "s3:PutObject", "NotResource": "arn:aws:s3:::other/*"}], False),
        ([allow("*"), deny("s3:PutObject", "arn:aws:s3:::other/*")], True),
        ([allow("*"), deny("s3:GetObject")], True),
        ([deny("s3:GetObject")], False),
        # Conditions aren't evaluated: one that allows counts as met, one that denies as not.
        ([allow("s3:PutObject", Condition={"StringEquals": {"aws:ResourceAccount": ACCOUNT}})], True),
        ([allow("s3:PutObject", Condition={"ArnLike": {"aws:SourceArn": "arn:aws:cleanrooms:*"}})], True),
        ([allow("*"), deny("s3:*", Condition={"Bool": {"aws:SecureTransport": "false"}})], True),
    ],
)
def test_what_an_inline_policy_allows(roles: Roles, statements: list[Document], allowed: bool) -> None:
    """A role may do what a statement allows and none denies, by wildcards and exceptions too, without regard to case in actions."""
    assert iam.allows(roles.make(*statements), "s3:PutObject", OBJECT) is allowed


@pytest.mark.rule("MEM-10")
@pytest.mark.parametrize("action", ["s3:GetBucketLocation", "s3:ListBucket"])
@pytest.mark.parametrize(("resource", "allowed"), [(BUCKET, True), (f"{BUCKET}/*", False), (f"{BUCKET}-2", False)])
def test_permissions_on_a_bucket(roles: Roles, action: str, resource: str, allowed: bool) -> None:
    """What is allowed on the objects of a bucket, or on one whose name only begins alike, isn't allowed on the bucket."""
    assert iam.allows(roles.make(allow(action, resource)), action, BUCKET) is allowed


@pytest.mark.rule("MEM-10")
def test_attached_policies(roles: Roles) -> None:
    """Attached policies count like inline ones, in their default version, until they are detached, and each can deny."""
    role = roles.make()
    arn = roles.attach(policy(allow("s3:PutObject", f"{BUCKET}/*")))
    assert iam.allows(role, "s3:PutObject", OBJECT)
    assert not iam.allows(role, "s3:GetObject", OBJECT)

    version: Any = {"PolicyArn": arn, "PolicyDocument": policy(allow("s3:GetObject"))}
    roles.client.create_policy_version(**version)
    assert iam.allows(role, "s3:PutObject", OBJECT)
    roles.client.set_default_policy_version(PolicyArn=arn, VersionId="v2")
    assert not iam.allows(role, "s3:PutObject", OBJECT)
    assert iam.allows(role, "s3:GetObject", OBJECT)
    roles.client.set_default_policy_version(PolicyArn=arn, VersionId="v1")

    roles.client.put_role_policy(RoleName="results", PolicyName="lock", PolicyDocument=policy(deny("s3:Put*")))
    assert not iam.allows(role, "s3:PutObject", OBJECT)
    roles.client.delete_role_policy(RoleName="results", PolicyName="lock")
    lock = roles.attach(policy(deny("s3:Put*")), name="lock")
    assert not iam.allows(role, "s3:PutObject", OBJECT)
    roles.client.detach_role_policy(RoleName="results", PolicyArn=lock)
    assert iam.allows(role, "s3:PutObject", OBJECT)
    roles.client.detach_role_policy(RoleName="results", PolicyArn=arn)
    assert not iam.allows(role, "s3:PutObject", OBJECT)


@pytest.mark.rule("MEM-10")
def test_policies_of_one_role_are_not_another_s(roles: Roles) -> None:
    """Each role has its own policies."""
    writer, reader = roles.make(allow("s3:PutObject")), roles.make(allow("s3:GetObject"), name="reader")
    assert iam.allows(writer, "s3:PutObject", OBJECT)
    assert not iam.allows(reader, "s3:PutObject", OBJECT)
    assert iam.allows(reader, "s3:GetObject", OBJECT)
