"""What members read in CloudWatch Logs about queries and jobs: that one was submitted, on which of their tables, and how it ended."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cleanrooms_mock.cleanrooms.associations import ConfiguredTableAssociation
from cleanrooms_mock.cleanrooms.ids import now
from cleanrooms_mock.cleanrooms.log_groups import group_of
from cleanrooms_mock.cleanrooms.policies import on_the_wire
from cleanrooms_mock.integrations import logs
from cleanrooms_mock.rules import DOCUMENTED, behaviour

if TYPE_CHECKING:
    from cleanrooms_mock.cleanrooms.analysis_runs import AnalysisRun
    from cleanrooms_mock.cleanrooms.memberships import Membership
    from cleanrooms_mock.cleanrooms.schemas import NamedResource

Record = dict[str, Any]
#: The tables that an analysis names, ``None`` where the collaboration has none of that name.
Named = Sequence[tuple[str, "NamedResource | None"]]

_VERSION = "1.0"

behaviour(
    "PQ-91",
    "The runner and those who receive the result get a record for each table that the query or job references, the owner of a table one for each of its own; only "
    "in the owner's is `configuredTableId`. Where no table is known the runner and the receivers get one record without a table.",
    source="user guide: query-logs; records without a table are inferred",
    status=DOCUMENTED,
)
behaviour(
    "PQ-92",
    "There are two records for a table, at the stages SUBMISSION and TERMINATION. The first has the text with its `:name` parameters, the table's analysis rule, "
    "validation errors, receivers and runners, the second `status`, COMPLETED for a SUCCESS, and error code and message. Lists, maps and policies are JSON in a "
    "string.",
    source="user guide: query-logs, example logs",
    status=DOCUMENTED,
)
behaviour(
    "PQ-93",
    "Queries of unsupported or incorrect SQL, and of tables that the collaboration doesn't have, are logged too. Of one that was cancelled there is no record of its end, "
    "and members whose tables are under an intermediate table get none of queries on that.",
    source="user guide: query-logs",
    status=DOCUMENTED,
)


def log_start(run: AnalysisRun, tables: Named, complaint: str | None = None) -> None:
    """Write that a query or job was validated.

    :param complaint: what is wrong with it, if something is.
    """
    run.logged = list(tables) or [("", None)]
    for account_id, name, resource in _recipients(run):
        _write(run, account_id, _submission(run, account_id, name, resource, complaint))


def log_end(run: AnalysisRun) -> None:
    """Write how a query or job has ended, if it was cancelled by nobody."""
    if run.status == "CANCELLED":
        return
    record = {
        "status": "COMPLETED" if run.status == "SUCCESS" else run.status,
        "errorCode": None if run.failure is None else run.failure.code,
        "errorMessage": None if run.failure is None else run.failure.message,
    }
    for account_id, _, _ in _recipients(run):
        _write(run, account_id, {**_common(run, "TERMINATION"), **record})


def log_export(run: AnalysisRun, membership: Membership, path: str) -> None:
    """Write that a member exports the logs of a query.

    :param path: where to.
    """
    record = {
        **_common(run, "SUBMISSION"),
        "analysisId": run.id,
        "callerAccountId": membership.member.account_id,
        "s3OutputPath": path,
        "operationName": "StartAnalysisLogExport",
        "logExportValidationErrors": None,
    }
    owners = (resource.creator_account_id for _, resource in run.logged if resource is not None)
    for account_id in dict.fromkeys([run.runner_account_id, *owners]):
        _write(run, account_id, record)


def _recipients(run: AnalysisRun) -> Iterator[tuple[str, str, NamedResource | None]]:
    """Yield who gets a record, and for which table."""
    everything = dict.fromkeys([run.runner_account_id, *run.destination.receivers])
    owners = {resource.creator_account_id for _, resource in run.logged if resource is not None}
    for account_id in dict.fromkeys([*everything, *sorted(owners)]):
        for name, resource in run.logged:
            if account_id in everything or (resource is not None and resource.creator_account_id == account_id):
                yield account_id, name, resource


def _write(run: AnalysisRun, account_id: str, record: Record) -> None:
    collaboration = run.membership.member.collaboration
    member = collaboration.members.get(account_id)
    membership = None if member is None else member.membership
    of_jobs = run.noun == "job"
    if membership is None or membership.status != "ACTIVE":
        return
    if (membership.job_log_status if of_jobs else membership.query_log_status) != "ENABLED":
        return
    if (collaboration.job_log_status if of_jobs else collaboration.query_log_status) != "ENABLED":
        return
    text = json.dumps(record, ensure_ascii=False)
    logs.write(account_id, run.backend.region_name, group_of(collaboration.id), run.id, [(now(), text)])


def _common(run: AnalysisRun, stage: str) -> Record:
    return {
        "eventId": run.id,
        "eventTimestamp": round(now() * 1000),
        "collaborationId": run.membership.collaboration_id,
        "logStage": stage,
        "analysisCategory": "PYSPARK" if run.noun == "job" else "SQL",
        "analysisCategoryVersion": _VERSION,
    }


def _submission(
    run: AnalysisRun, account_id: str, name: str, resource: NamedResource | None, complaint: str | None
) -> Record:
    collaboration, template = run.membership.member.collaboration, run.template
    mapping: dict[str, list[str]] = {}
    for other, table in run.logged:
        if table is not None:
            mapping.setdefault(table.creator_account_id, []).append(other)
    record = {
        **_common(run, "SUBMISSION"),
        "schemaName": name or None,
        "configuredTableId": _configured_table(account_id, resource),
        "analysisTemplateArn": None if template is None else template.arn,
        "parameters": _json({parameter: value for parameter, (_, value) in run.values.items()} or None),
        "memberSchemaMapping": _json({owner: ", ".join(names) for owner, names in mapping.items()}),
        "memberDisplayNames": _json({member.account_id: member.display_name for member in collaboration.members}),
    }
    errors = None if complaint is None else _json([complaint])
    runners = _json([run.runner_account_id])
    rule_type, policy = _rule(resource)
    if run.noun == "job":
        hashes = None if template is None else _json([artifact.sha256 for artifact in template.artifacts])
        return {
            **record,
            "directJobAnalysisRuleType": rule_type,
            "directJobAnalysisRulePolicy": policy,
            "jobValidationErrors": errors,
            "jobRunners": runners,
            "analysisTemplateArtifactHashList": hashes,
        }
    return {
        **record,
        "queryText": run.text,
        "directQueryAnalysisRuleType": rule_type,
        "directQueryAnalysisRulePolicy": policy,
        "queryValidationErrors": errors,
        "resultReceivers": _json(run.destination.receivers),
        "queryRunners": runners,
        "resultRegions": _json(collaboration.allowed_result_regions),
    }


def _configured_table(account_id: str, resource: NamedResource | None) -> str | None:
    if isinstance(resource, ConfiguredTableAssociation) and resource.creator_account_id == account_id:
        return resource.configured_table_id
    return None


def _rule(resource: NamedResource | None) -> tuple[str | None, str | None]:
    if resource is None or resource.analysis_rule_type() is None:
        return None, None
    return resource.analysis_rule_type(), _json(on_the_wire(resource.analysis_rule()["policy"]))


def _json(value: Mapping[str, Any] | Sequence[Any] | None) -> str | None:
    return None if value is None else json.dumps(value, separators=(",", ":"), ensure_ascii=False)
