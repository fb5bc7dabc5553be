"""Exports of the Spark logs of queries."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from cleanrooms_mock.cleanrooms.abilities import CAN_EXPORT_QUERY_ANALYSIS_LOG
from cleanrooms_mock.cleanrooms.access import denied, own_membership
from cleanrooms_mock.cleanrooms.errors import ResourceNotFoundException, invalid_configuration
from cleanrooms_mock.cleanrooms.ids import new_id, now
from cleanrooms_mock.cleanrooms.objects import shown
from cleanrooms_mock.cleanrooms.protected_queries import ProtectedQuery
from cleanrooms_mock.cleanrooms.query_logs import log_export
from cleanrooms_mock.cleanrooms.quotas import LOG_EXPORTS_OF_ACCOUNT, LOG_EXPORTS_OF_MEMBERSHIP
from cleanrooms_mock.cleanrooms.resources import active_membership, member_has_ability
from cleanrooms_mock.cleanrooms.run_progress import is_due, progress
from cleanrooms_mock.cleanrooms.service import Caller, operation
from cleanrooms_mock.integrations import s3
from cleanrooms_mock.protocol import Listing, Register
from cleanrooms_mock.rules import DOCUMENTED, behaviour, rule

if TYPE_CHECKING:
    from cleanrooms_mock.cleanrooms.memberships import Membership

_MODEL = "cleanrooms::analysis_log_export"
_IN_PROGRESS, _SUCCESS, _FAILED = "IN_PROGRESS", "SUCCESS", "FAILED"
_PLACE = "resultConfiguration.outputConfiguration.s3"
_PROBE = "validationSuccess"


@dataclass(slots=True, eq=False, kw_only=True)
class LogExport:
    """An export of the logs of one query.

    :ivar looks: how often it was asked for since it began.
    :ivar stepped: when it began.
    """

    model: ClassVar[str] = _MODEL

    analysis_log_export_id: str
    membership: Membership
    query: ProtectedQuery
    result_configuration: dict[str, Any]
    create_time: float
    update_time: float
    status: str = _IN_PROGRESS
    error: dict[str, str] | None = None
    looks: int = 0
    stepped: float = 0.0

    analysis_type = "PROTECTED_QUERY"
    analysis_id = shown("query.id")
    membership_id = shown("membership.id")

    @property
    def place(self) -> tuple[str, str]:
        """The bucket, and the beginning of the keys of all its objects."""
        s3_configuration = self.result_configuration["output_configuration"]["s3"]
        return s3_configuration["bucket"], s3_configuration.get("key_prefix", "")


behaviour(
    "LOG-5",
    "An export is IN_PROGRESS when it starts, and ends SUCCESS or FAILED, with an `error` only then; nothing cancels it. What is exported lies in "
    "`PREFIX/collaboration=COLLABORATION/analysis=QUERY/EXPORT/`, as Spark's event log has it. Here it has ended by the time that the start answers, or with a "
    "transition for `cleanrooms::analysis_log_export` in moto's state manager when it is asked for.",
    source="API reference AnalysisLogExport; user guide: export-analysis-logs",
    status=DOCUMENTED,
)
behaviour(
    "PQ-94",
    "Whose logs are exported, and to whom: see LOG-1 to LOG-3.",
    source="API reference StartAnalysisLogExport",
    status=DOCUMENTED,
)


@operation
def start_analysis_log_export(
    caller: Caller,
    *,
    membership_identifier: str,
    analysis_id: str,
    analysis_type: str,
    result_configuration: dict[str, Any],
) -> dict[str, Any]:
    membership = active_membership(caller, membership_identifier)
    member_has_ability(membership, CAN_EXPORT_QUERY_ANALYSIS_LOG)
    query = query_with_logs(membership, analysis_id)
    runner_or_payer_exports(membership, query)
    progress(caller, query)
    query_is_over(query)
    private_queries_have_no_logs(query)
    time = now()
    export = LogExport(
        analysis_log_export_id=new_id(),
        membership=membership,
        query=query,
        result_configuration=result_configuration,
        create_time=time,
        update_time=time,
        stepped=time,
    )
    exports = [other for other in _exports_of(membership) if other.status == _IN_PROGRESS]
    destination_can_be_written(caller, export)
    one_export_to_a_destination(export, exports)
    caller.controls.quotas.check(LOG_EXPORTS_OF_MEMBERSHIP, len(exports))
    caller.controls.quotas.check(LOG_EXPORTS_OF_ACCOUNT, _in_progress(caller))
    bucket, prefix = export.place
    _put(caller, bucket, prefix + _PROBE, b"")
    _exports_of(membership).add(export.analysis_log_export_id, export)
    log_export(export.query, membership, f"s3://{bucket}/{_folder(export)}")
    answer = _shown(export)
    _step(caller, export)
    return answer


def _in_progress(caller: Caller) -> int:
    return sum(
        export.status == _IN_PROGRESS
        for membership in caller.backend.memberships
        for export in membership.log_exports or ()
    )


def _exports_of(membership: Membership) -> Register[LogExport]:
    if membership.log_exports is None:
        membership.log_exports = Register()
    return membership.log_exports


@rule(
    "LOG-2",
    source="user guide: export-analysis-logs; the exceptions are inferred",
    status=DOCUMENTED,
    answer="ResourceNotFoundException or ValidationException INVALID_CONFIGURATION",
)
def query_is_over(query: ProtectedQuery) -> None:
    """The query of an export has ended, whatever the end; one that was never STARTED has no logs, and its export ends FAILED with LOGS_NOT_AVAILABLE. A query
    that doesn't exist isn't found, as a MEMBERSHIP with its id.
    """
    if not query.is_over:
        raise invalid_configuration("analysisId", f"the query {query.id} is {query.status}")


def query_with_logs(membership: Membership, query_id: str) -> ProtectedQuery:
    """Return a query of the membership's collaboration, a job not being one (LOG-2, LOG-3)."""
    query: ProtectedQuery | None = membership.member.collaboration.runs[ProtectedQuery.model].get(query_id)
    if query is None:
        error = ResourceNotFoundException("MEMBERSHIP", query_id, f"No query {query_id} was found.")
        error.rule = "LOG-2"
        raise error
    return query


@rule(
    "LOG-1",
    source="API reference StartAnalysisLogExport; the exception is inferred",
    status=DOCUMENTED,
    answer="AccessDeniedException INSUFFICIENT_PERMISSIONS",
)
def runner_or_payer_exports(membership: Membership, query: ProtectedQuery) -> None:
    """An export takes a membership with CAN_EXPORT_QUERY_ANALYSIS_LOG, see LIFE-26, that ran the query or pays for it. There are quotas of how many are ongoing:
    QUO-26, QUO-27.
    """
    account_id = membership.member.account_id
    if query.membership is not membership and query.payer_account_id != account_id:
        raise denied(account_id, f"you neither ran nor paid for the query {query.id}")


@rule(
    "LOG-3",
    source="API reference StartAnalysisLogExport; the exception is inferred",
    status=DOCUMENTED,
    answer="ValidationException INVALID_CONFIGURATION",
)
def private_queries_have_no_logs(query: ProtectedQuery) -> None:
    """The logs of a query of tables with differential privacy aren't exported, and those of jobs neither: a job's id is unknown here."""
    if query.is_private:
        raise invalid_configuration("analysisId", "the query reads tables with differential privacy")


@rule(
    "LOG-4",
    source="API reference AnalysisLogExportS3OutputConfiguration; user guide: export-analysis-logs; the exception is inferred",
    status=DOCUMENTED,
    answer="ValidationException INVALID_CONFIGURATION",
)
def destination_can_be_written(caller: Caller, export: LogExport) -> None:
    """The bucket of an export exists, which is asked in an account that has any bucket and always with `references="strict"`, and lies in the collaboration's
    Region. An empty object `validationSuccess` is written at the prefix. There is one export at a time of a query to a bucket and prefix.
    """
    bucket, _ = export.place
    region_name = s3.bucket_region(caller.partition, bucket)
    if region_name is None:
        if caller.is_strict or s3.has_buckets(caller.partition, caller.account_id):
            raise invalid_configuration(f"{_PLACE}.bucket", f"bucket {bucket} doesn't exist")
    elif region_name != caller.region_name:
        raise invalid_configuration(
            f"{_PLACE}.bucket", f"bucket {bucket} is in {region_name}, the collaboration in {caller.region_name}"
        )


def one_export_to_a_destination(export: LogExport, others: list[LogExport]) -> None:
    """Refuse a second export of a query to where one goes already (LOG-4)."""
    for other in others:
        if other.query is export.query and other.place == export.place:
            error = invalid_configuration(_PLACE, f"export {other.analysis_log_export_id} goes there already")
            error.rule = "LOG-4"
            raise error


def _step(caller: Caller, export: LogExport) -> None:
    """Come to the end, if that is due."""
    if export.status != _IN_PROGRESS or not is_due(export):
        return
    export.update_time = now()
    if export.query.start_time is None:
        message = f"No query execution logs are available for the query {export.query.id}."
        export.status, export.error = _FAILED, {"code": "LOGS_NOT_AVAILABLE", "message": message}
        return
    export.status = _SUCCESS
    bucket, _ = export.place
    directory = f"{_folder(export)}eventlog_v2_{export.query.id}/"
    _put(caller, bucket, f"{directory}events_1_{export.query.id}", _events(export.query))
    _put(caller, bucket, f"{directory}appstatus_{export.query.id}", b"")


def _folder(export: LogExport) -> str:
    _, prefix = export.place
    stem = f"{prefix.rstrip('/')}/" if prefix else ""
    collaboration_id = export.membership.collaboration_id
    return f"{stem}collaboration={collaboration_id}/analysis={export.query.id}/{export.analysis_log_export_id}/"


def _events(query: ProtectedQuery) -> bytes:
    """Return what Spark would have noted of a query's beginning and end; what happened in between nobody knows here."""
    assert query.start_time is not None
    assert query.end_time is not None
    events: list[dict[str, Any]] = [
        {"Event": "SparkListenerLogStart", "Spark Version": "3.5.0"},
        {
            "Event": "SparkListenerApplicationStart",
            "App Name": query.id,
            "App ID": query.id,
            "Timestamp": round(query.start_time * 1000),
            "User": "redacted",
        },
        {"Event": "SparkListenerApplicationEnd", "Timestamp": round(query.end_time * 1000)},
    ]
    return "".join(f"{json.dumps(event)}\n" for event in events).encode()


def _put(caller: Caller, bucket: str, key: str, content: bytes) -> None:
    if s3.bucket_region(caller.partition, bucket) is not None:
        s3.put_object(caller.partition, bucket, key, content)


def _shown(export: LogExport) -> dict[str, Any]:
    """Return an export as it is now, and not as it will be when the answer is written."""
    names = (
        "analysis_log_export_id",
        "analysis_id",
        "analysis_type",
        "membership_id",
        "status",
        "result_configuration",
    )
    return {name: getattr(export, name) for name in (*names, "create_time", "update_time", "error")}


@operation
def get_analysis_log_export(
    caller: Caller, *, membership_identifier: str, analysis_log_export_identifier: str
) -> LogExport:
    export = own_export(own_membership(caller, membership_identifier), analysis_log_export_identifier)
    export.looks += 1
    _step(caller, export)
    return export


@rule(
    "LOG-6",
    source="API reference ListAnalysisLogExports; the exception is inferred",
    status=DOCUMENTED,
    answer="ResourceNotFoundException",
)
def own_export(membership: Membership, export_id: str) -> LogExport:
    """An export is found, and listed newest first, by the membership that started it; one that it didn't start isn't found, as a MEMBERSHIP with its id."""
    export = _exports_of(membership).get(export_id)
    if export is None:
        raise ResourceNotFoundException("MEMBERSHIP", export_id, f"No export {export_id} was found.")
    return export


@operation
def list_analysis_log_exports(
    caller: Caller, *, membership_identifier: str, analysis_identifier: str | None = None, status: str | None = None
) -> Listing[LogExport]:
    membership = own_membership(caller, membership_identifier)
    exports = _exports_of(membership)
    for export in exports:
        _step(caller, export)
    return exports.newest_first().where(
        lambda export: analysis_identifier in (None, export.analysis_id) and status in (None, export.status)
    )
