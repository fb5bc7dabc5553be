"""Where a member's results go: the default result configurations of a membership."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from cleanrooms_mock.cleanrooms.abilities import CAN_QUERY, CAN_RECEIVE_RESULTS
from cleanrooms_mock.cleanrooms.collaborations import CLEAN_ROOMS_SQL
from cleanrooms_mock.cleanrooms.errors import invalid_configuration
from cleanrooms_mock.cleanrooms.roles import own_role, trusts_the_service
from cleanrooms_mock.integrations import iam, s3
from cleanrooms_mock.rules import DOCUMENTED, INFERRED, SEEN, behaviour, rule

if TYPE_CHECKING:
    from cleanrooms_mock.cleanrooms.members import Member
    from cleanrooms_mock.cleanrooms.service import Caller

QUERIES = "defaultResultConfiguration"
JOBS = "defaultJobResultConfiguration"
_BUCKET = "outputConfiguration.s3.bucket"

Configuration = dict[str, Any]

behaviour(
    "MEM-7",
    "`defaultResultConfiguration` is optional for a member that both can query and receives results.",
    source="terraform-provider-awscc#1904; tests of terraform-provider-aws",
    status=SEEN,
)
behaviour(
    "MEM-14",
    "A `keyPrefix` that wasn't given stays absent, an empty one is kept as given.",
    source="recorded GetMembership, API reference",
    status=SEEN,
)


@rule(
    "MEM-6",
    source="terraform-provider-awscc#1904; the reason is inferred",
    status=SEEN,
    answer="ValidationException INVALID_CONFIGURATION",
)
def receiver_says_where_results_go(member: Member, configuration: Configuration | None) -> None:
    """A member that receives results and can't query must give `defaultResultConfiguration` when it joins."""
    if configuration is None and CAN_RECEIVE_RESULTS in member.abilities and CAN_QUERY not in member.abilities:
        raise invalid_configuration(QUERIES, "a member that receives results and can't query must say where they go")


@rule(
    "MEM-8",
    source="inferred: the API reference has it specified by the member who can receive results",
    status=INFERRED,
    answer="ValidationException INVALID_CONFIGURATION",
)
def only_a_receiver_says_where_results_go(member: Member, configuration: Configuration | None) -> None:
    """A member without CAN_RECEIVE_RESULTS gives no `defaultResultConfiguration`."""
    if configuration is not None and CAN_RECEIVE_RESULTS not in member.abilities:
        raise invalid_configuration(QUERIES, "you don't have the ability CAN_RECEIVE_RESULTS")


@rule(
    "MEM-9",
    source="user guide: setting-up-roles; tests of terraform-provider-aws",
    status=DOCUMENTED,
    answer="ValidationException INVALID_CONFIGURATION",
)
def receiver_that_cannot_query_names_a_role(member: Member, configuration: Configuration | None) -> None:
    """`roleArn` is required in the `defaultResultConfiguration` of a member that can't query. For one that can it is optional: its own
    credentials write.
    """
    if configuration is not None and "role_arn" not in configuration and CAN_QUERY not in member.abilities:
        raise invalid_configuration(
            f"{QUERIES}.roleArn", "a member that can't query must name a role that writes its results"
        )


@rule(
    "MEM-13",
    source="recorded GetMembership; API reference ProtectedQueryS3OutputConfiguration",
    status=DOCUMENTED,
    answer="ValidationException INVALID_CONFIGURATION",
)
def single_file_is_for_spark(member: Member, configuration: Configuration | None) -> None:
    """`singleFileOutput` is stored and returned as false where it wasn't given. True needs the Spark engine."""
    if configuration is None:
        return
    single = _s3(configuration).setdefault("single_file_output", False)
    if single and member.collaboration.analytics_engine == CLEAN_ROOMS_SQL:
        raise invalid_configuration(
            f"{QUERIES}.outputConfiguration.s3.singleFileOutput", "a single file needs the analytics engine SPARK"
        )


@rule(
    "MEM-15",
    source="user guide: create-membership; that it takes the ability is inferred",
    status=DOCUMENTED,
    answer="ValidationException INVALID_CONFIGURATION",
)
def only_a_receiver_says_where_job_results_go(member: Member, configuration: Configuration | None) -> None:
    """`defaultJobResultConfiguration` is never required, and only for members with CAN_RECEIVE_RESULTS."""
    if configuration is not None and CAN_RECEIVE_RESULTS not in member.abilities:
        raise invalid_configuration(JOBS, "you don't have the ability CAN_RECEIVE_RESULTS")


def results_can_be_written(caller: Caller, member: Member, configurations: Mapping[str, Configuration | None]) -> None:
    """Check the buckets and roles of result configurations, by their fields, against what the test has made of them."""
    given = {field: configuration for field, configuration in configurations.items() if configuration is not None}
    for field, configuration in given.items():
        bucket_lies_in_an_allowed_region(caller, member, field, _s3(configuration)["bucket"])
    for field, configuration in given.items():
        if "role_arn" in configuration:
            role_can_write_results(caller, field, configuration)


@rule(
    "MEM-12",
    source="API reference CreateCollaboration; when it is checked is inferred",
    status=DOCUMENTED,
    answer="ValidationException INVALID_CONFIGURATION",
)
def bucket_lies_in_an_allowed_region(caller: Caller, member: Member, field: str, bucket: str) -> None:
    """Results go only to the collaboration's allowedResultRegions, which is checked for a bucket that the test has made. A bucket that doesn't
    exist is refused in an account that has buckets, and always with `references="strict"`; that is inferred.
    """
    region_name = s3.bucket_region(caller.partition, bucket)
    if region_name is None:
        if caller.is_strict or s3.has_buckets(caller.partition, caller.account_id):
            raise invalid_configuration(f"{field}.{_BUCKET}", f"bucket {bucket} doesn't exist")
    elif region_name not in member.collaboration.allowed_result_regions:
        allowed = ", ".join(member.collaboration.allowed_result_regions)
        raise invalid_configuration(
            f"{field}.{_BUCKET}", f"bucket {bucket} is in {region_name}; results may go to {allowed} only"
        )


def role_can_write_results(caller: Caller, field: str, configuration: Configuration) -> None:
    """Check the role of a result configuration."""
    field, role_arn = f"{field}.roleArn", configuration["role_arn"]
    role = known_role(caller, field, role_arn)
    if role is not None:
        s3_configuration = _s3(configuration)
        bucket_arn = f"arn:{caller.partition}:s3:::{s3_configuration['bucket']}"
        prefix = s3_configuration.get("key_prefix", "").rstrip("/")
        role_reaches_the_bucket(
            role, field, bucket_arn, f"{bucket_arn}/{prefix}/results" if prefix else f"{bucket_arn}/results"
        )


@rule(
    "MEM-11",
    source="inferred: who tests rarely makes roles; user guide: setting-up-roles, for the conditions",
    status=INFERRED,
    answer="ValidationException INVALID_CONFIGURATION",
)
def known_role(caller: Caller, field: str, role_arn: str) -> Any | None:
    """A role of another account is refused. In an account that has made no IAM role none is looked up, unless with `references="strict"`; as soon
    as it has made any, the role that is named must exist. The conditions of its policies aren't evaluated.
    """
    return own_role(caller, field, role_arn)


@rule(
    "MEM-10",
    source="terraform-provider-aws membership_test.go; user guide: create-membership, setting-up-roles; the reason is inferred",
    status=SEEN,
    answer="ValidationException INVALID_CONFIGURATION",
)
def role_reaches_the_bucket(role: Any, field: str, bucket_arn: str, object_arn: str) -> None:
    """The role must trust cleanrooms.amazonaws.com and allow s3:GetBucketLocation and s3:ListBucket on the bucket and s3:PutObject where results
    go, which CreateMembership and UpdateMembership check.
    """
    trusts_the_service(role, field)
    for action, resource in (
        ("s3:GetBucketLocation", bucket_arn),
        ("s3:ListBucket", bucket_arn),
        ("s3:PutObject", object_arn),
    ):
        if not iam.allows(role, action, resource):
            raise invalid_configuration(field, f"role {role.arn} doesn't allow {action} on {resource}")


def _s3(configuration: Configuration) -> dict[str, Any]:
    s3_configuration: dict[str, Any] = configuration["output_configuration"]["s3"]
    return s3_configuration
