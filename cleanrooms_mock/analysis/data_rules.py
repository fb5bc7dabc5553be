"""The rules about the data of a query's tables: types, formats, what the catalog still has, and who may read it.

They speak of a table as the collaboration calls it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING, NoReturn

from cleanrooms_mock.analysis.refusals import Refusal
from cleanrooms_mock.analysis.types import Type, UnsupportedType, parse_type
from cleanrooms_mock.integrations import iam
from cleanrooms_mock.rules import DOCUMENTED, INFERRED, behaviour, rule

if TYPE_CHECKING:
    from cleanrooms_mock.integrations.s3 import DataObject


def unreadable(table: str, where: str, why: str) -> Refusal:
    """Data that aren't what the catalog says they are."""
    return Refusal("INVALID_RESOURCE", f"Table {table} can't be read: {where} {why}", table=table)


behaviour(
    "ENG-20",
    "A value of a char(n) is padded with blanks to n characters when it is read, within arrays, maps and structs and as a partition's value too. Compared with "
    "a constant or with another char both are padded to the longer; with anything else its blanks count. A value of a varchar(n) is as it was stored. What "
    "is longer than n is cut off in text files and left as it is in Parquet.",
    source="inferred from Spark, as it reads the tables of a catalog, against the SQL reference's page on character types, where blanks at the end never count",
    status=INFERRED,
)


@rule(
    "ENG-01",
    source="user guide: data-formats, prepare-data-athena; SQL reference: data types; the mapping and the code are inferred",
    status=DOCUMENTED,
    answer="FAILED INVALID_RESOURCE",
)
def nested_columns_are_for_custom(
    table: str, columns: Mapping[str, str], used: Collection[str], rule_type: str | None, *, is_athena: bool = False
) -> None:
    """A type of the Glue Data Catalog is the type of that name in Spark, and a timestamp is an instant. Arrays, maps and structs are read under
    CUSTOM rules only, and a table of Athena that has one of them among its columns isn't read at all.
    """
    for column, type_ in columns.items():
        if not type_.lower().startswith(("array", "map", "struct")):
            continue
        if is_athena:
            raise Refusal(
                "INVALID_RESOURCE",
                f"Table {table} of Athena has column {column} of type {type_}: arrays, maps and structs of Athena aren't supported",
                table=table,
                column=column,
            )
        if column in used and rule_type != "CUSTOM":
            raise Refusal(
                "INVALID_RESOURCE",
                f"Column {column} of table {table} has type {type_}, which only a custom analysis rule lets queries read",
                table=table,
                column=column,
            )


@rule(
    "ENG-03", source="inferred: types are bound when they are read", status=INFERRED, answer="FAILED INVALID_RESOURCE"
)
def type_is_supported(table: str, column: str, type_: str) -> Type:
    """A column of a type that Spark's tables don't have (interval, union, uniontype) can be associated and allowed. A query that reads it fails."""
    try:
        return parse_type(type_)
    except UnsupportedType as error:
        raise Refusal(
            "INVALID_RESOURCE",
            f"Column {column} of table {table} has type {type_}, which isn't supported",
            table=table,
            column=column,
        ) from error


@rule(
    "ENG-04",
    source="user guide: data-formats; messages: troubleshooting; the code is inferred",
    status=DOCUMENTED,
    answer="FAILED INVALID_RESOURCE",
)
def format_is_supported(table: str, *, unsupported: str | None) -> None:
    """A table is stored as Parquet, OpenCSV, JSON or Iceberg; text may be compressed, as the names of its files say (.gz, .bz2, .snappy, .zstd).
    What S3 encrypts is read; what its client has encrypted isn't.
    """
    if unsupported is not None:
        raise Refusal(
            "INVALID_RESOURCE",
            f"One of the underlying datasets has an unsupported file format. Table {table} {unsupported}",
            table=table,
        )


@rule(
    "ENG-08",
    source="user guide: troubleshooting, Missing partition data; the code is inferred, and what is said of projection, which Athena's user guide knows for Athena alone",
    status=DOCUMENTED,
    answer="FAILED INVALID_RESOURCE",
)
def partition_has_data(
    table: str, partition: Mapping[str, str | None], location: str, objects: Collection[object]
) -> None:
    """The partitions that the catalog has are read, and no others; partition keys come behind the other columns. One without data fails the query.
    Partition projection (`projection.enabled`) makes none.
    """
    if not objects:
        values = "/".join(f"{key}={value}" for key, value in partition.items())
        raise Refusal(
            "INVALID_RESOURCE",
            "Missing partition data: One of the configured tables is partitioned and one or more of the partitions does not have data. "
            f"Table {table}, partition {values} at {location}",
            table=table,
        )


@rule(
    "ENG-09",
    source="user guide: iceberg-tables; the code is inferred",
    status=DOCUMENTED,
    answer="FAILED INVALID_RESOURCE",
)
def iceberg_is_supported(table: str, *, unsupported: str | None) -> None:
    """An Iceberg table has version 1 or 2 and data files of Parquet that are compressed by gzip, snappy or zstd, or not at all. It wasn't made of
    a table of Parquet. Its partitions are columns like others, its columns are found by their ids, and its latest snapshot is read.
    """
    if unsupported is not None:
        raise Refusal("INVALID_RESOURCE", f"Iceberg table {table} {unsupported}", table=table)


@rule(
    "ENG-10",
    source="user guide: troubleshooting, setting-up; the code is inferred",
    status=DOCUMENTED,
    answer="FAILED RESOURCE_ACCESS_DENIED",
)
def role_may(table: str, partition: str, role_arn: str, needed: Iterable[tuple[str, str]], *, strict: bool) -> None:
    """Data are read when a query runs, with the role of the table's association: it exists, trusts the service, and permits reading the table in
    Glue, its objects in S3 and, where they are encrypted by it, the use of the key. In an account that has made no role none is looked up, unless
    with `references="strict"`.
    """
    account_id = iam.account_of_arn(role_arn)
    if not strict and not iam.has_roles(partition, account_id):
        return
    role = iam.find_role(partition, account_id, role_arn)
    if role is None:
        _no_access(table, f"role {role_arn} doesn't exist")
    if not iam.trusts(role, iam.SERVICE_PRINCIPAL):
        _no_access(table, f"role {role_arn} doesn't trust {iam.SERVICE_PRINCIPAL}")
    for action, resource in needed:
        if not iam.allows(role, action, resource):
            _no_access(table, f"role {role_arn} doesn't permit {action} on {resource}")


def _no_access(table: str, why: str) -> NoReturn:
    raise Refusal(
        "RESOURCE_ACCESS_DENIED",
        "One or more tables referenced by the query is not accessible by its associated service role. "
        f"The table/role owner must grant the service role access to the table. Table {table}: {why}",
        table=table,
    )


@rule(
    "ENG-11",
    source="inferred: what is read late is missed late; API reference ProtectedQueryError",
    status=INFERRED,
    answer="FAILED RESOURCE_NOT_FOUND or INVALID_RESOURCE",
)
def is_still_as_known(known: bool, table: str, complaint: str, column: str | None = None) -> None:
    """The database and the table are in the catalog when the query runs. A column that it reads still is a column there, and the files hold its
    type, or none of it: of those that it doesn't read nothing is asked.
    """
    if not known:
        raise Refusal(
            "RESOURCE_NOT_FOUND" if column is None else "INVALID_RESOURCE", complaint, table=table, column=column
        )


@rule(
    "ENG-12",
    source="inferred: Spark finds no files there; API reference ProtectedQueryError",
    status=INFERRED,
    answer="FAILED RESOURCE_NOT_FOUND",
)
def bucket_exists(table: str, location: str, objects: list[DataObject] | None) -> list[DataObject]:
    """A table whose location holds no objects, and has no partitions, has no rows. Its bucket, however, exists."""
    if objects is None:
        raise Refusal(
            "RESOURCE_NOT_FOUND",
            f"Table {table} can't be read: the bucket of its location {location} doesn't exist",
            table=table,
        )
    return objects
