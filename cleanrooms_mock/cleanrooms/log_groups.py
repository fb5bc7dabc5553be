"""Where members read about queries and jobs: a log group for each collaboration in CloudWatch Logs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cleanrooms_mock.integrations import logs
from cleanrooms_mock.rules import DOCUMENTED, behaviour

if TYPE_CHECKING:
    from cleanrooms_mock.cleanrooms.memberships import Membership

_ENABLED = "ENABLED"

behaviour(
    "PQ-90",
    "Where queryLogStatus, or jobLogStatus for jobs, is ENABLED for the collaboration and for a membership, its account has the log group "
    "`/aws/cleanrooms/COLLABORATION`, made when the membership is created or switches logging on. One that was deleted isn't made again until logging is switched off "
    "and on.",
    source="user guide: query-logs; the managed policy AWSCleanRoomsFullAccess, for the prefix",
    status=DOCUMENTED,
)


def group_of(collaboration_id: str) -> str:
    """Return the name of a collaboration's log group."""
    return f"/aws/cleanrooms/{collaboration_id}"


def open_log(membership: Membership, region_name: str, before: tuple[str | None, str | None] = (None, None)) -> None:
    """Make a member's log group, if its logging was switched on.

    :param before: what ``query_log_status`` and ``job_log_status`` were.
    """
    after = membership.query_log_status, membership.job_log_status
    if any(new == _ENABLED != old for old, new in zip(before, after, strict=True)):
        logs.make_group(membership.member.account_id, region_name, group_of(membership.collaboration_id))
