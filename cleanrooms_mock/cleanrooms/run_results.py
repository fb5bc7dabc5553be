"""Where the result of a query or job goes: who receives it, into which bucket, and what of that each member is answered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from cleanrooms_mock.analysis.output import Format, location
from cleanrooms_mock.cleanrooms.abilities import CAN_RECEIVE_RESULTS
from cleanrooms_mock.cleanrooms.access import denied
from cleanrooms_mock.cleanrooms.errors import invalid_configuration, invalid_field
from cleanrooms_mock.integrations import s3
from cleanrooms_mock.rules import DOCUMENTED, INFERRED, SEEN, behaviour, rule

if TYPE_CHECKING:
    from cleanrooms_mock.cleanrooms.members import Member
    from cleanrooms_mock.cleanrooms.service import Caller

Configuration = dict[str, Any]

_OUTPUT = "resultConfiguration.outputConfiguration"


class Delivery(NamedTuple):
    """One place that a result is written to.

    :ivar account_id: the member that receives it there.
    :ivar role_arn: the role that writes, ``None`` if the runner's own rights do.
    :ivar is_named: whether the runner named the place itself, and is answered where it is.
    """

    account_id: str
    bucket: str
    key_prefix: str
    result_format: Format
    single_file: bool
    role_arn: str | None
    is_named: bool

    def location(self, run_id: str) -> str:
        """Return the URI under which all objects of the result lie."""
        return location(self.bucket, self.key_prefix, run_id)

    def folder(self, run_id: str) -> str:
        """Return the beginning of the keys of all its objects."""
        return self.location(run_id).removeprefix(f"s3://{self.bucket}/")


@dataclass(frozen=True, slots=True)
class Destination:
    """Where the result of one query or job goes.

    :ivar configuration: the ``outputConfiguration`` that its answers show.
    """

    configuration: Configuration
    deliveries: tuple[Delivery, ...] = ()

    @property
    def receivers(self) -> list[str]:
        """The accounts that receive the result, each once."""
        return list(dict.fromkeys(delivery.account_id for delivery in self.deliveries))

    def output(self, run_id: str, viewer: str, runner: str) -> dict[str, Any] | None:
        """Return the ``output`` of a result as an account sees it; ``None`` if it goes into an intermediate table."""
        if not self.deliveries:
            return None
        if viewer != runner:
            own = next(delivery for delivery in self.deliveries if delivery.account_id == viewer)
            return {"s3": {"location": own.location(run_id)}}
        named = [{"location": delivery.location(run_id)} for delivery in self.deliveries if delivery.is_named]
        members = [{"account_id": delivery.account_id} for delivery in self.deliveries if not delivery.is_named]
        if "distribute" in self.configuration:
            return {"distribute": {"s3": named[0] if named else None, "member_list": members or None}}
        return {"s3": named[0]} if named else {"member_list": members}


behaviour(
    "PQ-13",
    "A query starts only if every receiver is an ACTIVE member that has said where its results go, and its payer is ACTIVE: see PQ-31, PQ-33, PQ-41. The "
    "exception is inferred.",
    source="user guide: use-sql-editor, running-sql-queries",
    status=DOCUMENTED,
)
behaviour(
    "PQ-38",
    "`singleFileOutput` is false unless it is given: a result is several files.",
    source="API reference ProtectedQueryS3OutputConfiguration",
    status=DOCUMENTED,
)
behaviour(
    "PQ-58",
    "A query's or job's `result` is there once it is a SUCCESS. For `s3` it has the location, for `member` the account and no location, for `distribute` both, as "
    "far as they were used. That it is absent otherwise is inferred.",
    source="API reference ProtectedQueryOutput",
    status=DOCUMENTED,
)
behaviour(
    "PQ-84",
    "A runner that doesn't receive the result sees status, text, statistics, error and to whom it was delivered, and never where.",
    source="user guide: view-query-details",
    status=DOCUMENTED,
)
behaviour(
    "PQ-85",
    "A receiver gets the result in its own bucket, by the format, prefix and number of files that its membership says, and sees the location there, which is "
    "inferred.",
    source="user guide: use-sql-editor, view-query-details",
    status=DOCUMENTED,
)


def query_destination(caller: Caller, runner: Member, result_configuration: Configuration | None) -> Destination:
    """Return where a query's result goes."""
    if result_configuration is None:
        return runners_default(runner)
    configuration: Configuration = result_configuration["output_configuration"]
    only_the_service_fills_intermediate_tables(configuration)
    if "s3" in configuration:
        return Destination(configuration, (_named(caller, runner, configuration["s3"], f"{_OUTPUT}.s3"),))
    if "member" in configuration:
        account_id = configuration["member"]["account_id"]
        delivery = receiver_is_ready(runner, account_id, f"{_OUTPUT}.member.accountId")
        return Destination(configuration, (delivery._replace(is_named=account_id == runner.account_id),))
    locations = configuration["distribute"]["locations"]
    locations_are_different_members(runner, locations)
    deliveries = [
        _named(caller, runner, location["s3"], f"{_OUTPUT}.distribute.locations.member.{number}.s3")
        if "s3" in location
        else receiver_is_ready(
            runner,
            location["member"]["account_id"],
            f"{_OUTPUT}.distribute.locations.member.{number}.member.accountId",
        )
        for number, location in enumerate(locations, 1)
    ]
    return Destination(configuration, tuple(deliveries))


@rule(
    "PQ-30",
    source="API reference ProtectedQueryOutputConfiguration; the exception is inferred",
    status=DOCUMENTED,
    answer="ValidationException FIELD_VALIDATION_FAILED",
)
def only_the_service_fills_intermediate_tables(configuration: Configuration) -> None:
    """A query's output is `s3`, `member` or `distribute`. `intermediateTable` is in answers only, of queries that PopulateIntermediateTable started."""
    if "intermediate_table" in configuration:
        raise invalid_field(
            f"{_OUTPUT}.intermediateTable", "an intermediate table is filled by PopulateIntermediateTable"
        )


@rule(
    "PQ-31",
    source="user guide: use-sql-editor; the exception is inferred",
    status=DOCUMENTED,
    answer="ValidationException INVALID_CONFIGURATION",
)
def runners_default(runner: Member) -> Destination:
    """Without a result configuration the runner's default is used and answered, if it can receive results and its membership has one."""
    default = _default_of(runner)
    if default is None or CAN_RECEIVE_RESULTS not in runner.abilities:
        raise invalid_configuration("resultConfiguration", "your membership has no default, so the query must say it")
    delivery = _by_default(runner.account_id, default)._replace(is_named=True)
    return Destination(default["output_configuration"], (delivery,))


def _named(caller: Caller, runner: Member, configuration: Configuration, field: str) -> Delivery:
    runner_receives_results(runner)
    bucket_is_in_an_allowed_region(caller, runner, configuration["bucket"], f"{field}.bucket")
    configuration.setdefault("single_file_output", False)
    return _delivery(runner.account_id, configuration, role_arn=None)._replace(is_named=True)


@rule(
    "PQ-32",
    source="the cleanrooms stack and tests of aws-sdk-pandas, for a membership without default; the refusal is inferred",
    status=SEEN,
    answer="AccessDeniedException INSUFFICIENT_PERMISSIONS",
)
def runner_receives_results(runner: Member) -> None:
    """Only a runner with CAN_RECEIVE_RESULTS names a bucket, and needs no default for that."""
    if CAN_RECEIVE_RESULTS not in runner.abilities:
        raise denied(runner.account_id, f"results in a bucket of yours need the ability {CAN_RECEIVE_RESULTS}")


@rule(
    "PQ-37",
    source="inferred: recorded GetCollaboration, whose allowedResultRegions has its own Region",
    status=INFERRED,
    answer="ValidationException INVALID_CONFIGURATION",
)
def bucket_is_in_an_allowed_region(caller: Caller, runner: Member, bucket: str, field: str) -> None:
    """The bucket lies in one of the collaboration's allowedResultRegions, which is checked for one that the test has made."""
    region_name, allowed = s3.bucket_region(caller.partition, bucket), runner.collaboration.allowed_result_regions
    if region_name is not None and region_name not in allowed:
        raise invalid_configuration(
            field, f"bucket {bucket} is in {region_name}; results may go to {', '.join(allowed)} only"
        )


@rule(
    "PQ-33",
    source="user guide: use-sql-editor; API reference ProtectedQueryMemberOutputConfiguration; the exception is inferred",
    status=DOCUMENTED,
    answer="ValidationException INVALID_CONFIGURATION",
)
def receiver_is_ready(runner: Member, account_id: str, field: str) -> Delivery:
    """A member that is to receive a query's result is ACTIVE, has CAN_RECEIVE_RESULTS and a membership with a default result configuration, by which it is
    written.
    """
    member = _receiver(runner, account_id, field)
    default = _default_of(member)
    if default is None:
        raise invalid_configuration(field, f"the membership of {account_id} doesn't say where its results go")
    return _by_default(account_id, default)


def _receiver(runner: Member, account_id: str, field: str) -> Member:
    member: Member | None = runner.collaboration.members.get(account_id)
    if member is None or member.status != "ACTIVE":
        raise invalid_configuration(field, f"{account_id} is no active member of the collaboration")
    if CAN_RECEIVE_RESULTS not in member.abilities:
        raise invalid_configuration(field, f"{account_id} doesn't have the ability {CAN_RECEIVE_RESULTS}")
    return member


behaviour(
    "PQ-34",
    "A runner that can receive results may be the `member` that does, which is as good as its default; it is no `member` of `distribute`, see PQ-35. For "
    "`member` it is inferred.",
    source="API reference ProtectedQueryDistributeOutputConfiguration",
    status=DOCUMENTED,
)


@rule(
    "PQ-35",
    source="API reference ProtectedQueryDistributeOutputConfiguration; that no member is there twice, and the exception, are inferred",
    status=DOCUMENTED,
    answer="ValidationException FIELD_VALIDATION_FAILED",
)
def locations_are_different_members(runner: Member, locations: Sequence[Mapping[str, Any]]) -> None:
    """`distribute` has at most one location in S3, which is the runner's, and other members each once; never the runner as a member."""
    seen = set()
    for number, place in enumerate(locations, 1):
        account_id = place["member"]["account_id"] if "member" in place else None
        field = f"{_OUTPUT}.distribute.locations.member.{number}"
        if account_id == runner.account_id:
            raise invalid_field(field, "the runner receives results in s3, not as a member")
        if account_id in seen:
            complaint = "there is an s3 location already" if account_id is None else f"{account_id} is there already"
            raise invalid_field(field, complaint)
        seen.add(account_id)


def _default_of(member: Member) -> Configuration | None:
    return None if member.membership is None else member.membership.default_result_configuration


def _by_default(account_id: str, default: Configuration) -> Delivery:
    return _delivery(account_id, default["output_configuration"]["s3"], role_arn=default.get("role_arn"))


def _delivery(account_id: str, configuration: Configuration, *, role_arn: str | None) -> Delivery:
    return Delivery(
        account_id,
        configuration["bucket"],
        configuration.get("key_prefix", ""),
        configuration.get("result_format", "CSV"),
        bool(configuration.get("single_file_output")),
        role_arn,
        is_named=False,
    )


# Jobs

behaviour(
    "PJ-08",
    "A job's output is asked for as `member`. Where none is asked for, answers have the bucket and prefix of the runner's default as `s3`.",
    source="API reference ProtectedJobOutputConfigurationInput, ProtectedJobOutputConfigurationOutput",
    status=DOCUMENTED,
)
behaviour(
    "PJ-10",
    "A job's result has the format of its receiver's default, CSV unless that says otherwise, and answers don't show it.",
    source="API reference ProtectedJobS3OutputConfigurationInput",
    status=DOCUMENTED,
)


@rule(
    "PJ-09",
    source="inferred: API reference MembershipProtectedJobResultConfiguration",
    status=INFERRED,
    answer="ValidationException INVALID_CONFIGURATION",
)
def job_destination(runner: Member, result_configuration: Configuration | None) -> Destination:
    """Who receives a job's result is ACTIVE, has CAN_RECEIVE_RESULTS and a membership with a default job result configuration. Without a result
    configuration that is the runner.
    """
    asked = None if result_configuration is None else result_configuration["output_configuration"]["member"]
    field = f"{_OUTPUT}.member.accountId" if asked else "resultConfiguration"
    account_id = runner.account_id if asked is None else asked["account_id"]
    member = _receiver(runner, account_id, field)
    default = None if member.membership is None else member.membership.default_job_result_configuration
    if default is None:
        raise invalid_configuration(field, f"the membership of {account_id} doesn't say where results of jobs go")
    place = default["output_configuration"]["s3"]
    delivery = _delivery(account_id, place, role_arn=default["role_arn"])
    delivery = delivery._replace(is_named=account_id == runner.account_id)
    shown = {"bucket": place["bucket"], "key_prefix": place.get("key_prefix")}
    return Destination({"s3": shown} if asked is None else {"member": asked}, (delivery,))
