"""Exports of the Spark logs of queries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from cleanrooms_mock.cleanrooms.abilities import CAN_EXPORT_QUERY_ANALYSIS_LOG
from cleanrooms_mock.cleanrooms.access import own_membership
from cleanrooms_mock.cleanrooms.errors import ResourceNotFoundException
from cleanrooms_mock.cleanrooms.quotas import LOG_EXPORTS_OF_ACCOUNT, LOG_EXPORTS_OF_MEMBERSHIP
from cleanrooms_mock.cleanrooms.resources import active_membership, member_has_ability
from cleanrooms_mock.cleanrooms.service import Caller, operation
from cleanrooms_mock.protocol import Register
from cleanrooms_mock.rules import DOCUMENTED, behaviour, rule

if TYPE_CHECKING:
    from cleanrooms_mock.protocol import Listing

behaviour(
    "LOG-1",
    "An export of logs takes a membership with CAN_EXPORT_QUERY_ANALYSIS_LOG, see LIFE-26, and there are quotas of how many are ongoing: QUO-26, QUO-27.",
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
) -> NoReturn:
    membership = active_membership(caller, membership_identifier)
    member_has_ability(membership, CAN_EXPORT_QUERY_ANALYSIS_LOG)
    # An export needs a query, and none has run: so none is ongoing.
    caller.controls.quotas.check(LOG_EXPORTS_OF_MEMBERSHIP, 0)
    caller.controls.quotas.check(LOG_EXPORTS_OF_ACCOUNT, 0)
    query_is_unknown(analysis_id)


@rule(
    "LOG-2",
    source="user guide: export-analysis-logs; the exception is inferred",
    status=DOCUMENTED,
    answer="ResourceNotFoundException",
)
def query_is_unknown(analysis_id: str) -> NoReturn:
    """A query that doesn't exist isn't found, as a MEMBERSHIP with its id; until queries run here, that is every query."""
    raise ResourceNotFoundException("MEMBERSHIP", analysis_id, f"No query {analysis_id} was found.")


@operation
def get_analysis_log_export(
    caller: Caller, *, membership_identifier: str, analysis_log_export_identifier: str
) -> NoReturn:
    own_membership(caller, membership_identifier)
    export_is_unknown(analysis_log_export_identifier)


@rule(
    "LOG-6",
    source="API reference ListAnalysisLogExports; the exception is inferred",
    status=DOCUMENTED,
    answer="ResourceNotFoundException",
)
def export_is_unknown(export_id: str) -> NoReturn:
    """An export is found and listed by the membership that started it; one that it didn't start isn't found, as a MEMBERSHIP with its id."""
    raise ResourceNotFoundException("MEMBERSHIP", export_id, f"No export {export_id} was found.")


@operation
def list_analysis_log_exports(
    caller: Caller, *, membership_identifier: str, analysis_identifier: str | None = None, status: str | None = None
) -> Listing[Any]:
    own_membership(caller, membership_identifier)
    return Register()
