"""Where a configured table lies: in Glue, Athena, Snowflake or Databricks, and what is read of it there."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from cleanrooms_mock.cleanrooms.errors import invalid_configuration, invalid_field
from cleanrooms_mock.integrations import glue
from cleanrooms_mock.rules import DOCUMENTED, INFERRED, SEEN, behaviour, rule

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cleanrooms_mock.cleanrooms.service import Caller
    from cleanrooms_mock.integrations.glue import CatalogTable

Reference = dict[str, Any]

_SNOWFLAKE_TYPES = re.compile(
    r"(ARRAY|BIGINT|BOOLEAN|CHAR|CHARACTER|DATE|DATETIME|DECIMAL|DOUBLE|DOUBLE PRECISION|FLOAT|FLOAT4|INT|INTEGER|MAP|NUMBER|NUMERIC|OBJECT|REAL"
    r"|SMALLINT|STRING|TEXT|TIMESTAMP|TIMESTAMP_LTZ|TIMESTAMP_NTZ|TINYINT|VARCHAR)\b",
    re.IGNORECASE,
)

behaviour(
    "TAB-13",
    "Nothing of a Databricks table is read when it is configured.",
    source="inferred: API reference DatabricksTableReference, whose endpoint is remote",
    status=INFERRED,
)


def kind_of(reference: Reference) -> str:
    """Return the one member of a table reference: glue, athena, snowflake or databricks."""
    return next(iter(reference))


behaviour(
    "TAB-10",
    "A Glue or Athena table without a Region is in the caller's, and the answer always names it. It may be in another Region, whose catalog is "
    "read then.",
    source="recorded GetConfiguredTable; API reference GlueTableReference",
    status=SEEN,
)


def with_region(caller: Caller, reference: Reference) -> Reference:
    """Return the reference, with the caller's Region where one belongs and none is given."""
    ((kind, place),) = reference.items()
    if kind not in ("glue", "athena"):
        return reference
    return {kind: {"region": caller.region_name, **place}}


def place_in_the_catalog(reference: Reference) -> Mapping[str, str] | None:
    """Return where in the account's Glue Data Catalog the table is, with region, database_name and table_name, or ``None`` if it is elsewhere."""
    ((kind, place),) = reference.items()
    if kind == "glue" or (kind == "athena" and place.get("catalog_name", "AwsDataCatalog").lower() == "awsdatacatalog"):
        return place  # type: ignore[no-any-return]
    return None


def catalog_table(account_id: str, reference: Reference) -> CatalogTable | None:
    """Return what the catalog of an account has for a reference, ``None`` if that isn't to the catalog or not to what is there."""
    place = place_in_the_catalog(reference)
    if place is None:
        return None
    return glue.find_table(account_id, place["region"], place["database_name"], place["table_name"])


@rule(
    "TAB-11",
    source="API reference SnowflakeTableSchemaV1; user guide: create-config-table-snowflake; that columns are distinct and known is inferred",
    status=DOCUMENTED,
    answer="ValidationException FIELD_VALIDATION_FAILED or INVALID_CONFIGURATION",
)
def snowflake_schema_has_the_columns(reference: Reference, allowed_columns: list[str]) -> None:
    """The schema of a Snowflake table names each column once, with a type of Snowflake's, in any case and with any length or precision, and has
    the allowed columns. The secret and the table itself aren't read.
    """
    if "snowflake" not in reference:
        return
    named = set()
    for number, column in enumerate(reference["snowflake"]["table_schema"]["v1"], 1):
        name, path = column["column_name"], f"tableReference.snowflake.tableSchema.v1.member.{number}"
        if name in named:
            raise invalid_field(f"{path}.columnName", f"{name} is named twice")
        if not _SNOWFLAKE_TYPES.match(column["column_type"]):
            raise invalid_field(f"{path}.columnType", f"{column['column_type']!r} isn't a supported type of Snowflake")
        named.add(name)
    if missing := [column for column in allowed_columns if column not in named]:
        raise invalid_configuration("allowedColumns", f"not in the table's schema: {', '.join(missing)}")


behaviour(
    "TAB-12",
    "An Athena table of the catalog AwsDataCatalog, which it is without `catalogName`, is looked up like one of Glue; another catalog is a "
    "federated one and isn't looked up. Work group and output location aren't checked.",
    source="user guide: create-config-table-athena; that it is looked up is inferred, as for Glue",
    status=DOCUMENTED,
)


def check_catalog(caller: Caller, reference: Reference, allowed_columns: list[str]) -> CatalogTable | None:
    """Look a table and its allowed columns up, if they are in the catalog, and return what it has."""
    place = place_in_the_catalog(reference)
    if place is None or not (caller.is_strict or glue.has_databases(caller.account_id, place["region"])):
        return None
    found = table_in_the_catalog(caller, reference)
    catalog_has_the_columns(found, allowed_columns)
    return found


@rule(
    "TAB-2",
    source="AWS's CloudFormation schema of configuredtable; terraform-provider-aws configured_table_test.go; the exception is inferred",
    status=SEEN,
    answer="ValidationException INVALID_CONFIGURATION",
)
def table_in_the_catalog(caller: Caller, reference: Reference) -> CatalogTable:
    """Database and table exist in the catalog of the caller's account, in the Region of the reference. An account whose catalog there has no
    database at all isn't asked for them, unless with `references="strict"`.
    """
    found = catalog_table(caller.account_id, reference)
    if found is None:
        ((kind, place),) = reference.items()
        raise invalid_configuration(
            f"tableReference.{kind}",
            f"the catalog of account {caller.account_id} in {place['region']} has no table {place['table_name']} "
            f"in a database {place['database_name']}",
        )
    return found


@rule(
    "TAB-3",
    source="inferred: the table is read anyway; user guide: create configured table",
    status=INFERRED,
    answer="ValidationException INVALID_CONFIGURATION",
)
def catalog_has_the_columns(found: CatalogTable, allowed_columns: list[str]) -> None:
    """Every allowed column is a column or a partition key of the table in the catalog, whose names are compared in lower case. It is checked
    where the table was found.
    """
    missing = [
        column for column in allowed_columns if column not in found.columns and column not in found.partition_keys
    ]
    if missing:
        raise invalid_configuration("allowedColumns", f"not in the table: {', '.join(missing)}")
