"""Who pays for a query or job, which is decided when it starts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cleanrooms_mock.cleanrooms.errors import invalid_configuration
from cleanrooms_mock.cleanrooms.payments import JOB, QUERY, candidates
from cleanrooms_mock.rules import DOCUMENTED, INFERRED, behaviour, rule

if TYPE_CHECKING:
    from cleanrooms_mock.cleanrooms.members import Member

behaviour(
    "PQ-42",
    "A query's and a job's payer is in its answers and summaries, also where it wasn't named.",
    source="inferred: API reference ProtectedQuery",
    status=INFERRED,
)
behaviour(
    "PAY-35",
    "A query or job starts only if its payer is an ACTIVE member that has accepted to pay, the runner itself included: see PQ-41, PJ-13. For the "
    "acceptance it is inferred.",
    source="user guide: query-data",
    status=DOCUMENTED,
)
behaviour(
    "PAY-36",
    "Where a start names no payer the only payer candidate pays; of several see PQ-40.",
    source="user guide: use-analysis-template",
    status=DOCUMENTED,
)
behaviour(
    "PAY-37",
    "Who pays is settled at the start: a change of payers, or of what a member accepts, touches only what is started afterwards.",
    source="What's New of 22 May 2026",
    status=DOCUMENTED,
)
behaviour(
    "MEM-42",
    "When the only payer has left, no query or job can start any more.",
    source="user guide: leave-collab",
    status=DOCUMENTED,
)


def payer_of_query(runner: Member, account_id: str | None) -> str:
    """Return the account that pays for a query.

    :param account_id: whom the request names.
    """
    if account_id is None:
        account_id = default_payer(runner)
    payer_has_accepted(runner, account_id)
    return account_id


@rule(
    "PQ-40",
    source="user guide: use-sql-editor; API reference QueryComputePaymentConfig; the choice among several is inferred",
    status=DOCUMENTED,
    answer="ValidationException INVALID_CONFIGURATION",
)
def default_payer(runner: Member) -> str:
    """Where no payer is named the only payer candidate pays for a query, or of several the runner, if it is one; else one must be named."""
    return _default(runner, QUERY, "queryComputePayerAccountId")


@rule(
    "PQ-41",
    source="inferred: the collaboration has a list of payer candidates",
    status=INFERRED,
    answer="ValidationException INVALID_CONFIGURATION",
)
def payer_has_accepted(runner: Member, account_id: str) -> None:
    """The payer of a query is a payer candidate of the collaboration, ACTIVE, and has accepted to pay for queries with its membership."""
    _has_accepted(runner, account_id, QUERY, "queryComputePayerAccountId")


@rule(
    "PJ-13",
    source="user guide: run-jobs; which of several pays, and acceptance, are inferred",
    status=DOCUMENTED,
    answer="ValidationException INVALID_CONFIGURATION",
)
def payer_of_job(runner: Member, account_id: str | None) -> str:
    """For a job holds what PQ-40 and PQ-41 say for a query, with who pays for jobs: one who hasn't joined can't pay."""
    return payer_of(runner, account_id, JOB, "jobComputePayerAccountId")


def payer_of(runner: Member, account_id: str | None, cost: str, field: str) -> str:
    """Return the account that pays; which rule refuses is the caller's.

    :param account_id: whom the request names, in ``field``.
    :raises ValidationException: if nobody pays by default, or not that account.
    """
    if account_id is None:
        account_id = _default(runner, cost, field)
    _has_accepted(runner, account_id, cost, field)
    return account_id


def _default(runner: Member, cost: str, field: str) -> str:
    payers = candidates(runner.collaboration.members, cost)
    if len(payers) == 1:
        return payers[0].account_id
    if payers and runner not in payers:
        raise invalid_configuration(field, "several members can pay, and you aren't one of them: name the payer")
    return runner.account_id


def _has_accepted(runner: Member, account_id: str, cost: str, field: str) -> None:
    payer = runner.collaboration.members.get(account_id)
    if payer is None or cost not in payer.payer_of:
        raise invalid_configuration(field, f"{account_id} is no payer candidate of the collaboration")
    if payer.status != "ACTIVE" or payer.membership is None or cost not in payer.membership.payer_of:
        raise invalid_configuration(field, f"{account_id} is no active member that has accepted to pay")
