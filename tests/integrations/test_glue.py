"""Which tables there are, and their columns: what is read out of moto's Glue."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from cleanrooms_mock import Handle, mock_cleanrooms
from cleanrooms_mock.integrations import glue
from cleanrooms_mock.integrations.glue import CatalogTable, Storage, StoredTable

ACCOUNT = "222222222222"
OTHER = "333333333333"
REGION = "us-east-1"


def client(handle: Handle, account_id: str = ACCOUNT, region_name: str = REGION) -> Any:
    return handle.client(account_id, region_name, service="glue")


def definition(*columns: tuple[str, str], keys: tuple[tuple[str, str], ...] = (), name: str = "sales") -> Any:
    return {
        "Name": name,
        "StorageDescriptor": {"Columns": [{"Name": column, "Type": kind} for column, kind in columns]},
        "PartitionKeys": [{"Name": column, "Type": kind} for column, kind in keys],
    }


@pytest.mark.rule("TAB-2", "TAB-3")
def test_a_table_and_its_columns(cleanrooms: Handle) -> None:
    """Columns and partition keys come in the catalog's order, names and types in lower case."""
    catalog = client(cleanrooms)
    catalog.create_database(DatabaseInput={"Name": "shop"})
    assert glue.find_table(ACCOUNT, REGION, "shop", "sales") is None
    table = definition(("Price", "DECIMAL(10,2)"), ("email", "string"), keys=(("Day", "Date"),))
    table["StorageDescriptor"]["Columns"].append({"Name": "untyped"})
    catalog.create_table(DatabaseName="shop", TableInput=table)
    found = glue.find_table(ACCOUNT, REGION, "shop", "sales")
    assert found == CatalogTable({"price": "decimal(10,2)", "email": "string", "untyped": "string"}, {"day": "date"})
    assert list(found.columns) == ["price", "email", "untyped"]
    assert glue.find_table(ACCOUNT, REGION, "Shop", "SALES") == found
    assert glue.find_table(ACCOUNT, REGION, "shop", "sale") is None
    assert glue.find_table(ACCOUNT, REGION, "shops", "sales") is None
    assert glue.find_table(OTHER, REGION, "shop", "sales") is None
    assert glue.find_table(ACCOUNT, "eu-west-1", "shop", "sales") is None


def test_the_latest_version_counts(cleanrooms: Handle) -> None:
    """A table that is updated has the columns of its last version, after the tenth, too, and of the last left where versions were deleted."""
    catalog = client(cleanrooms)
    catalog.create_database(DatabaseInput={"Name": "shop"})
    catalog.create_table(DatabaseName="shop", TableInput=definition(("column_1", "int")))
    for number in range(2, 12):
        catalog.update_table(DatabaseName="shop", TableInput=definition((f"column_{number}", "int")))
    assert glue.find_table(ACCOUNT, REGION, "shop", "sales") == CatalogTable({"column_11": "int"}, {})
    catalog.delete_table_version(DatabaseName="shop", TableName="sales", VersionId="11")
    assert glue.find_table(ACCOUNT, REGION, "shop", "sales") == CatalogTable({"column_10": "int"}, {})
    for number in range(1, 11):
        catalog.delete_table_version(DatabaseName="shop", TableName="sales", VersionId=str(number))
    assert glue.find_table(ACCOUNT, REGION, "shop", "sales") == CatalogTable({}, {})


def test_a_table_without_a_definition(cleanrooms: Handle) -> None:
    """A table of which only the name is known has no columns."""
    catalog = client(cleanrooms)
    catalog.create_database(DatabaseInput={"Name": "shop"})
    catalog.create_table(DatabaseName="shop", TableInput={"Name": "sales"})
    assert glue.find_table(ACCOUNT, REGION, "shop", "sales") == CatalogTable({}, {})


def test_where_a_table_is_stored(cleanrooms: Handle) -> None:
    """Location, serde and parameters are those of the last version, and each partition has its own."""
    catalog = client(cleanrooms)
    catalog.create_database(DatabaseInput={"Name": "shop"})
    assert glue.find_stored_table(ACCOUNT, REGION, "shop", "sales") is None
    bare = definition(("price", "int"), keys=(("Day", "date"),))
    catalog.create_table(DatabaseName="shop", TableInput=bare)
    nowhere = Storage(None, None, {}, {"price": "int"})
    table = CatalogTable({"price": "int"}, {"day": "date"})
    assert glue.find_stored_table(ACCOUNT, REGION, "Shop", "SALES") == StoredTable(table, nowhere, {}, [])
    stored = definition(("price", "int"), keys=(("Day", "date"),))
    stored["Parameters"] = {"skip.header.line.count": "1"}
    stored["StorageDescriptor"] |= {
        "Location": "s3://bucket/sales/",
        "SerdeInfo": {"SerializationLibrary": "OpenCSVSerde", "Parameters": {"quoteChar": "'"}},
    }
    catalog.update_table(DatabaseName="shop", TableInput=stored)
    for day, descriptor in (
        ("2026-06-10", {"Location": "s3://bucket/old/", "Columns": [{"Name": "Price"}]}),
        ("2026-06-09", {}),
    ):
        partition = {"Values": [day], "StorageDescriptor": descriptor}
        catalog.create_partition(DatabaseName="shop", TableName="sales", PartitionInput=partition)
    found = glue.find_stored_table(ACCOUNT, REGION, "shop", "sales")
    assert found == StoredTable(
        table,
        Storage("s3://bucket/sales/", "OpenCSVSerde", {"quoteChar": "'"}, {"price": "int"}),
        {"skip.header.line.count": "1"},
        [
            (["2026-06-10"], Storage("s3://bucket/old/", None, {}, {"price": "string"})),
            (["2026-06-09"], Storage(None, None, {}, {})),
        ],
    )


@pytest.mark.rule("TAB-2")
def test_whether_a_catalog_has_databases(cleanrooms: Handle) -> None:
    """A catalog has databases from the first to the last one, in its own account and Region alone."""
    assert not glue.has_databases(ACCOUNT, REGION)
    client(cleanrooms, OTHER).create_database(DatabaseInput={"Name": "theirs"})
    client(cleanrooms, region_name="eu-west-1").create_database(DatabaseInput={"Name": "abroad"})
    assert not glue.has_databases(ACCOUNT, REGION)
    client(cleanrooms).create_database(DatabaseInput={"Name": "shop"})
    assert glue.has_databases(ACCOUNT, REGION)
    client(cleanrooms).delete_database(Name="shop")
    assert not glue.has_databases(ACCOUNT, REGION)
    assert glue.has_databases(ACCOUNT, "eu-west-1")
    assert glue.has_databases(OTHER, REGION)


def test_a_catalog_goes_with_the_mock() -> None:
    """What one mock has made the next one doesn't know."""
    for _ in range(2):
        with mock_cleanrooms() as handle:
            assert not glue.has_databases(ACCOUNT, REGION)
            client(handle).create_database(DatabaseInput={"Name": "shop"})
            assert glue.has_databases(ACCOUNT, REGION)


def test_a_glue_that_nobody_has_used(cleanrooms: Handle, monkeypatch: pytest.MonkeyPatch) -> None:
    """As long as moto's Glue isn't imported there are no databases, and looking doesn't import it; where it is, looking makes no catalog."""
    client(cleanrooms, OTHER).create_database(DatabaseInput={"Name": "theirs"})
    backends = sys.modules["moto.glue.models"].glue_backends
    assert not glue.has_databases(ACCOUNT, REGION)
    assert glue.find_table(ACCOUNT, REGION, "shop", "sales") is None
    assert ACCOUNT not in backends
    monkeypatch.delitem(sys.modules, "moto.glue.models")
    assert not glue.has_databases(OTHER, REGION)
    assert glue.find_table(OTHER, REGION, "theirs", "sales") is None
    assert "moto.glue.models" not in sys.modules
