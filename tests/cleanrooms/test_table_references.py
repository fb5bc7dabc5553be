"""What configured tables refer to, and what is read of it where it is."""

from __future__ import annotations

from typing import Any

import pytest

from cleanrooms_mock.cleanrooms.configured_tables import columns_of
from tests.cleanrooms.test_configured_tables import (
    ATHENA,
    DATABRICKS,
    GLUE,
    Catalog,
    all_of,
    create,
    get,
    in_state,
    snowflake,
    update,
)
from tests.conftest import ADVERTISER, PUBLISHER, Refused, Scene


@pytest.fixture
def catalog(scene: Scene) -> Catalog:
    return Catalog(scene)


@pytest.mark.rule("TAB-10", "TAB-12", "TAB-13", "TAB-15")
@pytest.mark.parametrize(
    ("reference", "kind", "filled_in"),
    [
        (GLUE, "GLUE", {"region": "us-east-1"}),
        ({"glue": {**GLUE["glue"], "region": "eu-west-1"}}, "GLUE", {}),
        (ATHENA, "ATHENA", {"region": "us-east-1"}),
        ({"athena": {**ATHENA["athena"], "region": "eu-west-1", "catalogName": "hive"}}, "ATHENA", {}),
        ({"athena": {**ATHENA["athena"], "outputLocation": "s3://nowhere/"}}, "ATHENA", {"region": "us-east-1"}),
        (snowflake(("email", "VARCHAR"), ("price", "NUMBER")), "SNOWFLAKE", {}),
        (DATABRICKS, "DATABRICKS", {}),
    ],
)
def test_what_tables_refer_to(scene: Scene, reference: dict[str, Any], kind: str, filled_in: dict[str, str]) -> None:
    """Each kind of reference comes back as it was given, with the Region where it has one, and nothing else filled in."""
    table = create(scene.advertiser, tableReference=reference)
    member, place = next(iter(reference.items()))
    assert table["tableReference"] == {member: {**place, **filled_in}}
    assert table["tableType"] == all_of(scene.advertiser)[0]["tableType"] == kind


# What is looked up


@pytest.mark.rule("TAB-2")
@pytest.mark.parametrize(
    "reference",
    [
        {"glue": {"databaseName": "shop", "tableName": "returns"}},
        {"glue": {"databaseName": "shops", "tableName": "sales"}},
        {"athena": {**ATHENA["athena"], "tableName": "returns"}},
        {"athena": {**ATHENA["athena"], "tableName": "returns", "catalogName": "AwsDataCatalog"}},
    ],
)
def test_a_table_that_is_not_in_the_catalog(
    scene: Scene, refused: Refused, catalog: Catalog, reference: dict[str, Any]
) -> None:
    """In an account that has a catalog, database and table must be there, on create and on update, and the message names them."""
    field = f"tableReference.{next(iter(reference))}"
    with refused("ValidationException", "INVALID_CONFIGURATION", field=field, rule="TAB-2") as error:
        create(scene.advertiser, tableReference=reference)
    place = next(iter(reference.values()))
    assert place["databaseName"] in error["message"]
    assert place["tableName"] in error["message"]
    assert all_of(scene.advertiser) == []
    table = create(scene.advertiser)
    with refused("ValidationException", "INVALID_CONFIGURATION", field=field, rule="TAB-2"):
        update(scene.advertiser, table, tableReference=reference)
    assert get(scene.advertiser, table) == table


@pytest.mark.rule("TAB-2", "TAB-10", "TAB-12", "TAB-13")
def test_tables_that_are_not_looked_up(scene: Scene, catalog: Catalog) -> None:
    """An account or Region without databases isn't asked for tables, nor is a federated catalog, Snowflake or Databricks."""
    elsewhere = {"databaseName": "shop", "tableName": "returns"}
    create(scene.publisher, tableReference={"glue": elsewhere})
    create(scene.advertiser, tableReference={"glue": {**elsewhere, "region": "eu-west-1"}})
    create(scene.advertiser, tableReference={"athena": {**ATHENA["athena"], **elsewhere, "catalogName": "hive"}})
    create(scene.advertiser, tableReference=DATABRICKS, allowedColumns=["anything"])
    create(scene.advertiser, tableReference=snowflake(("anything", "INT")), allowedColumns=["anything"])


@pytest.mark.rule("TAB-2", "TAB-12")
@pytest.mark.cleanrooms(references="strict")
@pytest.mark.parametrize("reference", [GLUE, ATHENA])
def test_strict_references(scene: Scene, refused: Refused, reference: dict[str, Any]) -> None:
    """With strict references a table must be in the catalog of every account."""
    field = f"tableReference.{next(iter(reference))}"
    with refused("ValidationException", "INVALID_CONFIGURATION", field=field, rule="TAB-2"):
        create(scene.advertiser, tableReference=reference)
    Catalog(scene, PUBLISHER)
    with refused("ValidationException", "INVALID_CONFIGURATION", field=field, rule="TAB-2"):
        create(scene.advertiser, tableReference=reference)
    Catalog(scene)
    assert create(scene.advertiser, tableReference=reference)["allowedColumns"] == ["email", "price"]
    create(scene.advertiser, tableReference=DATABRICKS)


@pytest.mark.rule("TAB-10")
def test_a_catalog_of_another_region(scene: Scene, refused: Refused) -> None:
    """The catalog of the Region that the reference names is asked, not the caller's."""
    Catalog(scene, region_name="eu-west-1")
    abroad = {"glue": {**GLUE["glue"], "region": "eu-west-1"}}
    create(scene.advertiser, tableReference=abroad)
    with refused("ValidationException", "INVALID_CONFIGURATION", field="allowedColumns", rule="TAB-3"):
        create(scene.advertiser, tableReference=abroad, allowedColumns=["phone"])


@pytest.mark.rule("TAB-3")
@pytest.mark.parametrize("reference", [GLUE, ATHENA])
def test_columns_are_in_the_catalog(
    scene: Scene, refused: Refused, catalog: Catalog, reference: dict[str, Any]
) -> None:
    """Allowed columns are columns or partition keys of the table, in lower case, on create and on update."""
    with refused("ValidationException", "INVALID_CONFIGURATION", field="allowedColumns", rule="TAB-3") as error:
        create(scene.advertiser, tableReference=reference, allowedColumns=["email", "phone"])
    assert "phone" in error["message"]
    assert "email" not in error["message"]
    assert all_of(scene.advertiser) == []
    table = create(scene.advertiser, tableReference=reference, allowedColumns=["day", "email"])
    with refused("ValidationException", "INVALID_CONFIGURATION", field="allowedColumns", rule="TAB-3"):
        update(scene.advertiser, table, allowedColumns=["phone"])
    assert get(scene.advertiser, table) == table


@pytest.mark.rule("TAB-11")
@pytest.mark.parametrize(
    "kind",
    [
        *("VARCHAR", "varchar(16777216)", "Number(38, 0)", "DOUBLE PRECISION", "timestamp_ntz(9)", "TIMESTAMP_LTZ"),
        *("OBJECT", "array", "MAP(VARCHAR, INT)", "text", "CHARACTER", "float4", "TINYINT", "DATETIME"),
    ],
)
def test_types_of_snowflake(scene: Scene, kind: str) -> None:
    """Snowflake's types are taken in any case, with whatever stands in brackets, and kept as they are."""
    reference = snowflake(("email", kind))
    table = create(scene.advertiser, tableReference=reference, allowedColumns=["email"])
    assert table["tableReference"] == reference
    assert columns_of(in_state(table)) == ([{"name": "email", "type": kind.lower()}], [])


@pytest.mark.rule("TAB-11")
@pytest.mark.parametrize(
    ("columns", "reason", "field"),
    [
        ([("email", "VARIANT")], "FIELD_VALIDATION_FAILED", "v1.member.1.columnType"),
        ([("email", "TEXT"), ("price", "INTEGERS")], "FIELD_VALIDATION_FAILED", "v1.member.2.columnType"),
        ([("email", "TIMESTAMP_TZ")], "FIELD_VALIDATION_FAILED", "v1.member.1.columnType"),
        ([("email", "")], "FIELD_VALIDATION_FAILED", "v1.member.1.columnType"),
        ([("email", "TEXT"), ("email", "TEXT")], "FIELD_VALIDATION_FAILED", "v1.member.2.columnName"),
        ([("price", "INT")], "INVALID_CONFIGURATION", None),
    ],
)
def test_a_schema_of_snowflake_that_is_wrong(
    scene: Scene, refused: Refused, columns: list[tuple[str, str]], reason: str, field: str | None
) -> None:
    """A type that Snowflake hasn't, a repeated column, or an allowed one that the schema lacks is refused, on create and on update."""
    path = f"tableReference.snowflake.tableSchema.{field}" if field else "allowedColumns"
    wrong = snowflake(*columns)
    with refused("ValidationException", reason, field=path, rule="TAB-11"):
        create(scene.advertiser, tableReference=wrong, allowedColumns=["email"])
    assert all_of(scene.advertiser) == []
    table = create(scene.advertiser, tableReference=snowflake(("email", "TEXT")), allowedColumns=["email"])
    with refused("ValidationException", reason, field=path, rule="TAB-11"):
        update(scene.advertiser, table, tableReference=wrong)
    with refused("ValidationException", "INVALID_CONFIGURATION", field="allowedColumns", rule="TAB-11"):
        update(scene.advertiser, table, allowedColumns=["phone"])
    assert get(scene.advertiser, table) == table


# Column types, as schemas show them


def _types(table: dict[str, Any], account_id: str = ADVERTISER) -> tuple[dict[str, str], dict[str, str]]:
    columns, keys = columns_of(in_state(table, account_id))
    return {one["name"]: one["type"] for one in columns}, {one["name"]: one["type"] for one in keys}


def test_types_are_read_when_asked(scene: Scene, catalog: Catalog) -> None:
    """Types follow the catalog, outlive it, and are strings for what it never had; the order is that of the allowed columns."""
    table = create(scene.advertiser, allowedColumns=["shop", "item", "email", "day"])
    assert _types(table) == ({"item": "varchar(20)", "email": "string"}, {"shop": "int", "day": "date"})
    assert [one["name"] for one in columns_of(in_state(table))[0]] == ["item", "email"]
    catalog.change(item="Char(3)")
    assert _types(table)[0] == {"item": "char(3)", "email": "string"}
    catalog.drop()
    assert _types(table) == ({"item": "char(3)", "email": "string"}, {"shop": "int", "day": "date"})
    unknown = create(scene.publisher, allowedColumns=["price", "day"])
    assert _types(unknown, PUBLISHER) == ({"price": "string", "day": "string"}, {})
    Catalog(scene, PUBLISHER)
    assert _types(unknown, PUBLISHER) == ({"price": "double"}, {"day": "date"})


def test_types_of_another_place(scene: Scene, catalog: Catalog) -> None:
    """A new reference forgets the types of the old one."""
    table = create(scene.advertiser, allowedColumns=["price", "day"])
    update(scene.advertiser, table, description="the same place", tableReference=GLUE)
    assert _types(table) == ({"price": "double"}, {"day": "date"})
    update(scene.advertiser, table, tableReference=DATABRICKS)
    assert _types(table) == ({"price": "string", "day": "string"}, {})
