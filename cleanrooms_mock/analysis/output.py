"""Results as files in a bucket."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Literal

from moto.moto_api._internal import mock_random

from cleanrooms_mock.analysis.refusals import Refusal, malformed
from cleanrooms_mock.integrations import iam, s3
from cleanrooms_mock.rules import INFERRED, SEEN, behaviour, rule

if TYPE_CHECKING:
    import pyarrow as pa

Format = Literal["CSV", "PARQUET"]

behaviour(
    "PQ-80",
    "The location of a result in S3 is the prefix of its objects, `s3://bucket/keyPrefix/<id>/`, without keyPrefix `s3://bucket/<id>/`; a slash at the "
    "end of keyPrefix isn't doubled. That it ends with the query's id is inferred.",
    source="aws-sdk-pandas, which lists it; user guide: receive job results",
    status=SEEN,
)
behaviour(
    "PQ-81",
    "The objects of a result are called as Spark calls its files, `part-00000-<uuid>-c000.csv` or `….snappy.parquet`, one for each 100,000 rows that are "
    "begun. With `singleFileOutput` there is one, `<id>.csv` or `<id>.parquet`.",
    source="inferred from Spark's writers; the number of rows is this mock's choice",
    status=INFERRED,
)
behaviour(
    "PQ-83",
    "A result without rows is one object, of CSV with the names of the columns alone, of Parquet with their types, too.",
    source="user guide: analysis-rules, by which rows that are dropped leave no trace; inferred",
    status=INFERRED,
)

#: So many rows go into one file.
ROWS_PER_FILE = 100_000


def location(bucket: str, key_prefix: str | None, analysis_id: str) -> str:
    """Return where the objects of a result are, as ``s3://bucket/…/``."""
    return f"s3://{bucket}/{_folder(key_prefix, analysis_id)}"


def _folder(key_prefix: str | None, analysis_id: str) -> str:
    prefix = (key_prefix or "").rstrip("/")
    return f"{prefix}/{analysis_id}/" if prefix else f"{analysis_id}/"


@rule(
    "PQ-86",
    source="aws-clean-rooms-lab (the beginning of a generated name); what Spark refuses",
    status=SEEN,
    answer="FAILED MALFORMED_QUERY",
)
def names_are_distinct(names: Sequence[str], format_: Format) -> None:
    """Columns keep the order of the SELECT. Each is called by its alias, or by its column's name in lower case; an aggregate without alias is
    `<function>_<table>_<column>` under AGGREGATION, and Spark's text of the expression elsewhere. Equal names, in any case, are kept in CSV and refused
    for Parquet.
    """
    if format_ == "CSV":
        return
    seen: set[str] = set()
    for name in names:
        if name.lower() in seen:
            raise malformed(f"The column `{name}` already exists. Choose another name or rename the existing column.")
        seen.add(name.lower())


def write(table: pa.Table, format_: Format, *, single: bool, analysis_id: str) -> Iterator[tuple[str, bytes]]:
    """Yield the names and the bytes of a result's objects, which go below its :func:`location`.

    :raises Refusal: if the format can't hold the result.
    """
    names_are_distinct(table.column_names, format_)
    uuid = mock_random.uuid4()
    rows = max(table.num_rows, 1) if single else ROWS_PER_FILE
    for number, first in enumerate(range(0, max(table.num_rows, 1), rows)):
        stem = analysis_id if single else f"part-{number:05}-{uuid}-c000"
        part = table.slice(first, rows)
        if format_ == "CSV":
            from cleanrooms_mock.analysis.csv_text import csv_text

            yield f"{stem}.csv", csv_text(part)
        else:
            yield f"{stem}.parquet" if single else f"{stem}.snappy.parquet", _parquet(part)


def _parquet(table: pa.Table) -> bytes:
    from pyarrow import parquet

    sink = io.BytesIO()
    parquet.write_table(table, sink, compression="snappy", store_schema=False)
    return sink.getvalue()


@rule(
    "ENG-13",
    source="inferred from the texts of the codes: API reference ProtectedQueryError",
    status=INFERRED,
    answer="FAILED RESOURCE_NOT_FOUND or RESOURCE_ACCESS_DENIED",
)
def results_can_be_stored(
    partition: str, bucket: str, keys: Iterable[str], role_arn: str | None, *, strict: bool
) -> None:
    """The bucket for the results exists when they are written. The role of the result configuration, if there is one and its account has made any
    role, or with `references="strict"`, exists and permits putting each object, and generating data keys of the KMS key that the bucket encrypts with. What goes
    to an account that has made no bucket at all is kept nowhere, unless with `references="strict"`.
    """
    if s3.bucket_region(partition, bucket) is None:
        raise Refusal("RESOURCE_NOT_FOUND", f"The results can't be written: bucket {bucket} doesn't exist")
    if role_arn is None or not (strict or iam.has_roles(partition, iam.account_of_arn(role_arn))):
        return
    role = iam.find_role(partition, iam.account_of_arn(role_arn), role_arn)
    if role is None:
        raise _denied(f"role {role_arn} doesn't exist")
    needed = [("s3:PutObject", f"arn:{partition}:s3:::{bucket}/{key}") for key in keys]
    key_arn = s3.bucket_key(partition, bucket)
    if key_arn is not None:
        needed.append(("kms:GenerateDataKey", key_arn))
    for action, resource in needed:
        if not iam.allows(role, action, resource):
            raise _denied(f"role {role_arn} doesn't permit {action} on {resource}")


def _denied(why: str) -> Refusal:
    return Refusal("RESOURCE_ACCESS_DENIED", f"The results can't be written: {why}")


def store(
    table: pa.Table,
    format_: Format,
    *,
    single: bool,
    analysis_id: str,
    partition: str,
    bucket: str,
    key_prefix: str | None = None,
    role_arn: str | None = None,
    strict: bool = False,
) -> str:
    """Write a result into a bucket and return its :func:`location`. Nothing is written unless all of it can be.

    :param role_arn: the role to write with, ``None`` to check nobody's rights.
    :param strict: whether that is checked even in an account that has no role.
    :raises Refusal: if the format can't hold the result, the bucket doesn't exist, or the role may not write there.
    """
    folder = _folder(key_prefix, analysis_id)
    objects = {f"{folder}{name}": body for name, body in write(table, format_, single=single, analysis_id=analysis_id)}
    results_can_be_stored(partition, bucket, objects, role_arn, strict=strict)
    for key, body in objects.items():
        s3.put_object(partition, bucket, key, body)
    return location(bucket, key_prefix, analysis_id)
