"""Whether a template could run on tables with differential privacy, as its ``validations`` say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from cleanrooms_mock.rules import DOCUMENTED, behaviour

if TYPE_CHECKING:
    from cleanrooms_mock.cleanrooms.collaborations import Collaboration

behaviour(
    "TPL-15",
    "`validations` are looked at anew each time the template is answered. An SQL template that refers to a table with differential privacy has one, "
    "of type DIFFERENTIAL_PRIVACY: UNABLE_TO_VALIDATE while a table that it refers to isn't associated, or has no columns yet, else INVALID with its "
    "reasons, or VALID. An INVALID template is created all the same.",
    source="API reference AnalysisTemplateValidationStatusDetail; user guide: differential privacy, SQL capabilities; when it is absent is inferred",
    status=DOCUMENTED,
)
behaviour(
    "CUS-76",
    "A template is validated against the structure that differential privacy asks of queries, CUS-62 to CUS-72, and its reasons are all that is against it; "
    "of names that mean nothing the first is among them.",
    source="API reference AnalysisTemplateValidationStatusDetail; user guide: custom analysis rule; that all reasons are there is inferred",
    status=DOCUMENTED,
)


def validations_of(collaboration: Collaboration, names: Sequence[str], text: str) -> list[dict[str, Any]] | None:
    """Return how an SQL template stands to the differential privacy of the tables that it refers to, ``None`` if none has any."""
    # The tables of a collaboration know what templates made them: they are imported when both are there.
    from cleanrooms_mock.cleanrooms.analysis_tables import table_of

    resources = {name.lower(): collaboration.names.get(name.lower()) for name in names}
    tables = {name: table_of(resource, strict=False) for name, resource in resources.items() if resource is not None}
    if not any(table.policy.get("differential_privacy") for table in tables.values()):
        return None
    missing = [name for name in names if name.lower() not in tables or not tables[name.lower()].columns]
    if missing:
        status, reasons = (
            "UNABLE_TO_VALIDATE",
            [f"No table {name} is associated, or it has no columns yet." for name in missing],
        )
    else:
        # sqlglot is imported by the first template that needs it.
        from cleanrooms_mock.analysis.differential_privacy import reasons as reasons_against

        reasons = reasons_against(text, tables)
        status = "INVALID" if reasons else "VALID"
    detail: dict[str, Any] = {"type": "DIFFERENTIAL_PRIVACY", "status": status}
    if reasons:
        detail["reasons"] = [{"message": reason} for reason in reasons]
    return [detail]
