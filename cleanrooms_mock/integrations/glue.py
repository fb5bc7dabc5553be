"""Databases and tables in moto's Glue Data Catalog."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cleanrooms_mock.integrations import loaded


@dataclass(frozen=True, slots=True)
class CatalogTable:
    """A table of the catalog: column types by name, both in lower case, in the catalog's order."""

    columns: dict[str, str]
    partition_keys: dict[str, str]


@dataclass(frozen=True, slots=True)
class Storage:
    """How and where data are stored.

    :ivar location: such as ``s3://bucket/prefix/``, ``None`` if the catalog has none.
    :ivar serde: the class that reads them, ``None`` if the catalog names none.
    :ivar serde_parameters: what that is told.
    :ivar columns: the columns as they stand in the data, as a :class:`CatalogTable` has them.
    """

    location: str | None
    serde: str | None
    serde_parameters: dict[str, str]
    columns: dict[str, str]


@dataclass(frozen=True, slots=True)
class StoredTable:
    """A table of the catalog, with where its data are.

    :ivar partitions: of each partition the values of the partition keys, and its own storage.
    """

    table: CatalogTable
    storage: Storage
    parameters: dict[str, str]
    partitions: Sequence[tuple[Sequence[str], Storage]]


def has_databases(account_id: str, region_name: str) -> bool:
    """Whether the account's catalog in the Region holds any database."""
    backend = _backend(account_id, region_name)
    return backend is not None and bool(backend.databases)


def find_table(account_id: str, region_name: str, database: str, table: str) -> CatalogTable | None:
    """Return a table of the account's catalog, or ``None`` if there is none. Names are compared without case, as Glue folds them."""
    found = _find(account_id, region_name, database, table)
    return None if found is None else _catalog_table(_definition(found))


def find_stored_table(account_id: str, region_name: str, database: str, table: str) -> StoredTable | None:
    """Return a table as :func:`find_table` finds it, with its storage and its partitions in the catalog's order."""
    found = _find(account_id, region_name, database, table)
    if found is None:
        return None
    definition = _definition(found)
    return StoredTable(
        _catalog_table(definition),
        _storage(definition),
        dict(definition.get("Parameters") or {}),
        [
            ([str(value) for value in partition.values], _storage(partition.partition_input))
            for partition in list(found.partitions.values())
        ],
    )


def _find(account_id: str, region_name: str, database: str, table: str) -> Any | None:
    backend = _backend(account_id, region_name)
    found = None if backend is None else _named(backend.databases, database)
    return None if found is None else _named(found.tables, table)


def _definition(found: Any) -> dict[str, Any]:
    versions: dict[str, dict[str, Any]] = found.versions
    return versions[max(versions, key=int)] if versions else {}


def _catalog_table(definition: dict[str, Any]) -> CatalogTable:
    columns = definition.get("StorageDescriptor", {}).get("Columns", [])
    return CatalogTable(_types(columns), _types(definition.get("PartitionKeys", [])))


def _storage(definition: dict[str, Any]) -> Storage:
    descriptor = definition.get("StorageDescriptor") or {}
    serde = descriptor.get("SerdeInfo") or {}
    return Storage(
        descriptor.get("Location") or None,
        serde.get("SerializationLibrary") or None,
        dict(serde.get("Parameters") or {}),
        _types(descriptor.get("Columns") or []),
    )


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
