"""Databases and tables in moto's Glue Data Catalog."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cleanrooms_mock.integrations import loaded


@dataclass(frozen=True, slots=True)
class CatalogTable:
    """A table of the catalog: column types by name, both in lower case, in the catalog's order."""

    columns: dict[str, str]
    partition_keys: dict[str, str]


def has_databases(account_id: str, region_name: str) -> bool:
    """Whether the account's catalog in the Region holds any database."""
    backend = _backend(account_id, region_name)
    return backend is not None and bool(backend.databases)


def find_table(account_id: str, region_name: str, database: str, table: str) -> CatalogTable | None:
    """Return a table of the account's catalog, or ``None`` if there is none. Names are compared without case, as Glue folds them."""
    backend = _backend(account_id, region_name)
    found = None if backend is None else _named(backend.databases, database)
    found = None if found is None else _named(found.tables, table)
    if found is None:
        return None
    versions = found.versions
    definition = versions[max(versions, key=int)] if versions else {}
    columns = definition.get("StorageDescriptor", {}).get("Columns", [])
    return CatalogTable(_types(columns), _types(definition.get("PartitionKeys", [])))


def _backend(account_id: str, region_name: str) -> Any | None:
    # To ask moto for a backend makes one, and that shall be the doing of whoever uses Glue.
    models = loaded("moto.glue.models")
    if models is None or account_id not in models.glue_backends:
        return None
    regions = models.glue_backends[account_id]
    return regions[region_name] if region_name in dict.keys(regions) else None


def _named(things: dict[str, Any], name: str) -> Any | None:
    if name in things:
        return things[name]
    folded = name.lower()
    return next((thing for other, thing in things.items() if other.lower() == folded), None)


def _types(columns: list[dict[str, Any]]) -> dict[str, str]:
    return {column["Name"].lower(): column.get("Type", "string").lower() for column in columns}
