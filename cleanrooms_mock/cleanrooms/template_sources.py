"""What an analysis template is made from: SQL text or PySpark artifacts, how they are checked, and what is derived from them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from cleanrooms_mock.analysis.refusals import Refusal
from cleanrooms_mock.analysis.statements import ParsedQuery, parse_query
from cleanrooms_mock.cleanrooms.abilities import CAN_RECEIVE_RESULTS
from cleanrooms_mock.cleanrooms.access import denied
from cleanrooms_mock.cleanrooms.collaborations import SPARK
from cleanrooms_mock.cleanrooms.errors import ValidationException, invalid_configuration, invalid_field
from cleanrooms_mock.cleanrooms.roles import role_is_own
from cleanrooms_mock.integrations import s3
from cleanrooms_mock.rules import DOCUMENTED, INFERRED, behaviour, rule

if TYPE_CHECKING:
    from cleanrooms_mock.cleanrooms.collaborations import Collaboration
    from cleanrooms_mock.cleanrooms.memberships import Membership
    from cleanrooms_mock.cleanrooms.service import Caller

SQL = "SQL"

_EMPTY = s3.StoredObject(None, hashlib.sha256(b"").hexdigest())
_MAPPING = "syntheticDataParameters.mlSyntheticDataParameters.columnClassification.columnMapping"


@dataclass(frozen=True, slots=True)
class Artifact:
    """A file of a PySpark template, as it was when the template was made.

    :ivar version_id: the version of the object, ``None`` if it wasn't looked up.
    """

    bucket: str
    key: str
    version_id: str | None
    sha256: str


@rule(
    "TPL-1",
    source="user guide: create PySpark template; the exception is inferred",
    status=DOCUMENTED,
    answer="AccessDeniedException INSUFFICIENT_PERMISSIONS",
)
def pyspark_is_for_receivers(membership: Membership, template_format: str) -> None:
    """Any active member creates SQL templates, whatever its abilities. PySpark templates are created by members with CAN_RECEIVE_RESULTS."""
    member = membership.member
    if template_format != SQL and CAN_RECEIVE_RESULTS not in member.abilities:
        raise denied(member.account_id, f"a PySpark template needs the ability {CAN_RECEIVE_RESULTS}")


@rule(
    "TPL-2",
    source="API reference AnalysisSource; the exception is inferred",
    status=DOCUMENTED,
    answer="ValidationException INVALID_CONFIGURATION",
)
def source_fits_the_format(template_format: str, source: Mapping[str, Any]) -> None:
    """The source of an SQL template is a text, that of a PySpark template are artifacts."""
    wanted = "text" if template_format == SQL else "artifacts"
    if wanted not in source:
        raise invalid_configuration("source", f"a template of format {template_format} takes {wanted}")


@rule(
    "TPL-3",
    source="user guide: analysis templates; the exception is inferred",
    status=DOCUMENTED,
    answer="ValidationException INVALID_CONFIGURATION",
)
def pyspark_needs_spark(collaboration: Collaboration, template_format: str) -> None:
    """PySpark templates need a collaboration with the analytics engine SPARK."""
    if template_format != SQL and collaboration.analytics_engine != SPARK:
        raise invalid_configuration(
            "format", f"the collaboration's analytics engine is {collaboration.analytics_engine}"
        )


@rule(
    "TPL-6",
    source="user guide: custom rule; that it is checked when the template is created is inferred: templates don't change",
    status=DOCUMENTED,
    answer="ValidationException INVALID_QUERY",
)
def text_is_one_select(collaboration: Collaboration, text: str) -> ParsedQuery:
    """The text of an SQL template is any number of CACHE TABLE statements and then one SELECT, which may begin with WITH and end with a semicolon.
    A CACHE TABLE takes no name that a table of the collaboration has. The tables that are named needn't be associated yet, but are named as
    associations are, alone and without a database; that is inferred.
    """
    return read_text(collaboration, text)


def read_text(collaboration: Collaboration, text: str) -> ParsedQuery:
    """Read the text of a query in a collaboration.

    :raises ValidationException: with the reason INVALID_QUERY, for any other text.
    """
    try:
        query = parse_query(text, collaboration.names)
    except Refusal as refusal:
        raise invalid_query(refusal.message) from refusal
    if query.misnamed is not None:
        raise invalid_query(
            f"The query is invalid: {query.misnamed} is no table's name: a table is called as it is in the collaboration"
        )
    return query


def invalid_query(message: str) -> ValidationException:
    """A text that isn't a query as the service takes them."""
    return ValidationException(message, reason="INVALID_QUERY")


behaviour(
    "TPL-7",
    "`schema.referencedTables` of an SQL template are the tables that its text names, without those that CACHE TABLE and WITH make, whatever the "
    "request says; of a PySpark template they are what the request says, or none.",
    source="inferred: `schema` is required in answers; user guide: create PySpark template",
    status=INFERRED,
)


def referenced_tables(query: ParsedQuery | None, schema: Mapping[str, Any] | None) -> list[str]:
    """Return the tables that a template refers to."""
    return query.tables if query is not None else list((schema or {}).get("referenced_tables") or [])


@rule(
    "TPL-8",
    source="user guide: create SQL template, create-pyspark-analysis-template; what is checked when is inferred",
    status=DOCUMENTED,
    answer="ValidationException FIELD_VALIDATION_FAILED or INVALID_CONFIGURATION",
)
def parameters_are_declared(query: ParsedQuery | None, declared: Sequence[Mapping[str, Any]]) -> None:
    """Parameters have different names and default values that read as their types. An SQL template declares every `:name` of its text, strings and
    comments aside, and may declare more. A PySpark template's parameters are of type STRING, with names that begin with a letter or an
    underscore.
    """
    names: set[str] = set()
    for number, parameter in enumerate(declared, 1):
        field, name, kind = f"analysisParameters.member.{number}", parameter["name"], parameter["type"]
        if name in names:
            raise invalid_field(f"{field}.name", f"parameter {name} is declared twice")
        names.add(name)
        if query is None and name[0].isdigit():
            raise invalid_field(f"{field}.name", f"the name {name} of a PySpark parameter begins with a digit")
        if query is None and kind != "STRING":
            raise invalid_field(f"{field}.type", f"PySpark parameters are of type STRING, not {kind}")
        default = parameter.get("default_value")
        if default is not None and not reads_as(kind, default):
            raise invalid_field(f"{field}.defaultValue", f"{default!r} is no {kind}")
    undeclared = [name for name in (query.parameters if query is not None else ()) if name not in names]
    if undeclared:
        raise invalid_configuration(
            "analysisParameters", f"the text has undeclared parameters: {', '.join(undeclared)}"
        )


behaviour(
    "TPL-20",
    "A template's parameters get their values with each query, or else their defaults; the template itself is created without values.",
    source="API reference AnalysisParameter",
    status=DOCUMENTED,
)


def _integer(bits: int) -> Callable[[str], bool]:
    return lambda value: bool(re.fullmatch(r"[+-]?\d+", value)) and -(1 << bits - 1) <= int(value) < 1 << bits - 1


def _decimal(value: str) -> bool:
    try:
        return Decimal(value).is_finite() and "_" not in value
    except InvalidOperation:
        return False


def _float(value: str) -> bool:
    try:
        float(value)
    except ValueError:
        return False
    return "_" not in value


def _date(value: str) -> bool:
    if value.lower() in ("now", "today", "tomorrow", "yesterday"):
        return True
    for form in ("%Y-%m-%d", "%m-%d-%Y", "%Y/%m/%d", "%m/%d/%Y", "%Y%m%d"):
        try:
            datetime.strptime(value, form)  # noqa: DTZ007  a date has no zone
        except ValueError:
            continue
        return True
    return False


def _time(value: str) -> bool:
    match = re.fullmatch(r"(\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d{1,9})?)?\s*(?:Z|UTC|[+-]\d{1,2}(?::?\d{2})?)?", value)
    if match is None:
        return False
    hour, minute, second = (int(part or 0) for part in match.groups())
    return hour < 24 and minute < 60 and second < 60


def _timestamp(value: str) -> bool:
    date, _, rest = value.strip().replace("T", " ", 1).partition(" ")
    return _date(date) and (not rest or _time(rest.strip()))


def _boolean(value: str) -> bool:
    return value.lower() in ("true", "false", "t", "f", "yes", "no", "y", "n", "1", "0")


_READS: dict[str, Callable[[str], bool]] = {
    **dict.fromkeys(("TINYINT", "BYTE"), _integer(8)),
    **dict.fromkeys(("SMALLINT", "SHORT"), _integer(16)),
    **dict.fromkeys(("INTEGER", "INT"), _integer(32)),
    **dict.fromkeys(("BIGINT", "LONG"), _integer(64)),
    **dict.fromkeys(("DECIMAL", "NUMERIC"), _decimal),
    **dict.fromkeys(("REAL", "FLOAT", "DOUBLE", "DOUBLE_PRECISION"), _float),
    **dict.fromkeys(("TIMESTAMP", "TIMESTAMPTZ", "TIMESTAMP_LTZ", "TIMESTAMP_NTZ"), _timestamp),
    **dict.fromkeys(("TIME", "TIMETZ"), _time),
    "DATE": _date,
    "BOOLEAN": _boolean,
}


def reads_as(kind: str, value: str) -> bool:
    """Whether a parameter's value can be read as its type; characters and bytes are whatever is given."""
    reads = _READS.get(kind)
    return reads is None or reads(value.strip())


@rule(
    "TPL-9",
    source="user guide: PySpark templates, create PySpark template, store-artifacts-in-s3; that the call checks it is inferred",
    status=DOCUMENTED,
    answer="ValidationException INVALID_CONFIGURATION",
)
def artifacts_are_stored(caller: Caller, artifacts: Mapping[str, Any]) -> list[Artifact]:
    """The role of PySpark artifacts is one of the caller's account. The objects exist, in buckets with versioning, which is checked in an account
    that has any bucket, and always with `references="strict"`; one that isn't looked up counts as empty. The SHA-256 of each, as uploaded with
    it or taken from its bytes, and its version are kept as they are at that moment. Their total size is no matter of this call.
    """
    role_is_own(caller, "source.artifacts.roleArn", artifacts["role_arn"])
    look_up = caller.is_strict or s3.has_buckets(caller.partition, caller.account_id)
    found = []
    for field, artifact in _artifacts(artifacts):
        location = artifact["location"]
        bucket, key = location["bucket"], location["key"]
        stored: s3.StoredObject | None = _EMPTY
        if look_up:
            stored = s3.find_object(caller.partition, bucket, key)
            if stored is None:
                raise invalid_configuration(f"{field}.location", f"there is no object {key} in a bucket {bucket}")
            if not s3.is_versioned(caller.partition, bucket):
                raise invalid_configuration(f"{field}.location.bucket", f"versioning isn't on in bucket {bucket}")
        assert stored is not None
        found.append(Artifact(bucket, key, stored.version_id, stored.sha256))
    return found


def _artifacts(artifacts: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    yield "source.artifacts.entryPoint", artifacts["entry_point"]
    for number, artifact in enumerate(artifacts.get("additional_artifacts") or (), 1):
        yield f"source.artifacts.additionalArtifacts.member.{number}", artifact


behaviour(
    "TPL-10",
    "`sourceMetadata.artifacts` of a PySpark template has the hash of its entry point and those of its additional artifacts, in their order, as "
    "hexadecimal digits; an SQL template has no `sourceMetadata`.",
    source="API reference AnalysisTemplate; the digits are inferred",
    status=DOCUMENTED,
)


def metadata_of(artifacts: Sequence[Artifact]) -> dict[str, Any] | None:
    """Return the source metadata of a template with these artifacts."""
    if not artifacts:
        return None
    entry_point, *additional = [{"sha256": artifact.sha256} for artifact in artifacts]
    return {"artifacts": {"entry_point_hash": entry_point, "additional_artifact_hashes": additional or None}}


@rule(
    "TPL-11",
    source="API reference ErrorMessageConfiguration; the exception is inferred",
    status=DOCUMENTED,
    answer="ValidationException INVALID_CONFIGURATION",
)
def detailed_errors_are_for_pyspark(template_format: str, configuration: Mapping[str, Any] | None) -> None:
    """`errorMessageConfiguration` is for PySpark templates. Without it messages are basic; who allows a template with it accepts detailed ones."""
    if configuration is not None and template_format == SQL:
        raise invalid_configuration("errorMessageConfiguration", "it is for PySpark templates only")


@rule(
    "TPL-12",
    source="API reference MLSyntheticDataParameters; user guide: considerations-for-data-generation, synthetic-data-generation; the rest is inferred",
    status=DOCUMENTED,
    answer="ValidationException FIELD_VALIDATION_FAILED or INVALID_CONFIGURATION",
)
def synthetic_data_is_for_sql(template_format: str, parameters: Mapping[str, Any] | None) -> None:
    """`syntheticDataParameters` are for SQL templates. They classify each column once, in any case of its letters, and predict at most one. The data
    of such a template goes into machine learning only.
    """
    if parameters is None:
        return
    columns: set[str] = set()
    predicted = None
    for number, entry in enumerate(
        parameters["ml_synthetic_data_parameters"]["column_classification"]["column_mapping"], 1
    ):
        field, name = f"{_MAPPING}.member.{number}", entry["column_name"].lower()
        if name in columns:
            raise invalid_field(f"{field}.columnName", f"column {name} is classified twice")
        columns.add(name)
        if entry["is_predictive_value"] and predicted is not None:
            raise invalid_field(f"{field}.isPredictiveValue", f"column {predicted} is predicted already")
        if entry["is_predictive_value"]:
            predicted = name
    if template_format != SQL:
        raise invalid_configuration("syntheticDataParameters", "synthetic data is made by SQL templates only")
