"""From a table of the Glue Data Catalog to files that engines read."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from cleanrooms_mock.analysis.data_rules import (
    format_is_supported,
    is_still_as_known,
    partition_has_data,
    role_may,
    type_is_supported,
    unreadable,
)
from cleanrooms_mock.analysis.extras import needs
from cleanrooms_mock.analysis.objects import Objects, Role
from cleanrooms_mock.analysis.refusals import Refusal
from cleanrooms_mock.analysis.sources import DataFile, Source
from cleanrooms_mock.analysis.text_files import convert, csv_reader, json_reader
from cleanrooms_mock.analysis.types import Type
from cleanrooms_mock.integrations import glue

if TYPE_CHECKING:
    from cleanrooms_mock.integrations.glue import Storage, StoredTable

_PARQUET = frozenset(
    {"org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe", "parquet.hive.serde.ParquetHiveSerDe"}
)
_CSV = "org.apache.hadoop.hive.serde2.OpenCSVSerde"
_JSON = frozenset(
    {
        "org.openx.data.jsonserde.JsonSerDe",
        "org.apache.hive.hcatalog.data.JsonSerDe",
        "org.apache.hadoop.hive.serde2.JsonSerDe",
    }
)
#: How Hive writes that a partition key is NULL.
_NULL = "__HIVE_DEFAULT_PARTITION__"


class CatalogPlace(NamedTuple):
    """Where the catalog has a table.

    :ivar partition: such as ``aws``.
    """

    account_id: str
    region_name: str
    database: str
    table: str
    partition: str = "aws"

    @property
    def arns(self) -> list[str]:
        """What reading it in Glue is permitted on."""
        stem = f"arn:{self.partition}:glue:{self.region_name}:{self.account_id}:"
        return [f"{stem}catalog", f"{stem}database/{self.database}", f"{stem}table/{self.database}/{self.table}"]


def glue_source(
    name: str,
    place: CatalogPlace,
    columns: Mapping[str, str],
    used: Collection[str],
    folder: Path,
    *,
    role_arn: str | None = None,
    strict: bool = False,
) -> Source:
    """Copy a table's data into a folder.

    :param name: what the collaboration calls the table; messages and files call it so, too.
    :param columns: the types of the columns that queries may name, as they are known, by name in lower case.
    :param used: those that the query reads. Nothing is asked of the others.
    :param folder: the query's own.
    :param role_arn: the role to read with, ``None`` to check nobody's rights.
    :param strict: whether the role is checked even in an account that has none.
    :raises Refusal: RESOURCE_NOT_FOUND, RESOURCE_ACCESS_DENIED or INVALID_RESOURCE.
    :raises ModuleNotFoundError: if the extra ``queries`` isn't installed.
    """
    needs("queries")
    found = glue.find_stored_table(place.account_id, place.region_name, place.database, place.table)
    is_still_as_known(
        found is not None,
        name,
        f"Table {name} can't be read: the Glue Data Catalog of account {place.account_id} in {place.region_name} has no table "
        f"{place.table} in a database {place.database}. Make it there, with its location in Amazon S3, and put its data there",
    )
    assert found is not None
    role = None if role_arn is None else Role(role_arn, strict)
    if role is not None:
        actions = ["glue:GetDatabase", "glue:GetTable"]
        if found.table.partition_keys:
            actions.append("glue:GetPartitions")
        needed = [
            (action, arn) for action in actions for arn in place.arns if "Database" not in action or "table/" not in arn
        ]
        role_may(name, place.partition, role.arn, needed, strict=role.strict)
    objects = Objects(name, place.partition, folder, role)
    first, *others = _choices(found, columns, used)
    source = _attempt(found, first, columns, objects)
    while isinstance(source, Refusal) and others:
        other = _attempt(found, others.pop(0), columns, objects)
        source = other if isinstance(other, Source) else source
    if isinstance(source, Refusal):
        raise source
    return source


def _choices(found: StoredTable, columns: Mapping[str, str], used: Collection[str]) -> list[list[str]]:
    """Return the columns to read; or, if none is, ways to count the rows by one of them."""
    if used:
        return [[column for column in columns if column in used]]
    return [[column] for column in sorted(columns, key=lambda column: column in found.table.partition_keys)]


def _attempt(
    found: StoredTable, wanted: Collection[str], columns: Mapping[str, str], objects: Objects
) -> Source | Refusal:
    try:
        return _source(
            found, {column: _known_type(objects.table, found, column, columns) for column in wanted}, objects
        )
    except Refusal as refusal:
        return refusal


def _known_type(name: str, found: StoredTable, column: str, columns: Mapping[str, str]) -> Type:
    table = found.table
    type_ = table.columns.get(column) or table.partition_keys.get(column)
    is_still_as_known(
        type_ is not None, name, f"Column {column} of table {name} is no longer a column of it in the catalog", column
    )
    assert type_ is not None
    is_still_as_known(
        type_ == columns[column],
        name,
        f"Column {column} of table {name} has become {type_} in the catalog, and was {columns[column]}",
        column,
    )
    return type_is_supported(name, column, type_)


def _source(found: StoredTable, wanted: Mapping[str, Type], objects: Objects) -> Source:
    keys = [column for column in wanted if column in found.table.partition_keys]
    data = {column: type_ for column, type_ in wanted.items() if column not in keys}
    if found.parameters.get("table_type", "").upper() == "ICEBERG":
        from cleanrooms_mock.analysis.iceberg import iceberg_files

        files = iceberg_files(found.parameters.get("metadata_location"), data, objects)
    elif found.table.partition_keys:
        files = [
            file
            for values, storage in found.partitions
            for file in _partition_files(found, values, storage, data, {key: wanted[key] for key in keys}, objects)
        ]
    else:
        files = _files(found, found.storage, found.storage.location, data, objects)
    types = {column: str(type_) for column, type_ in [*data.items(), *((key, wanted[key]) for key in keys)]}
    return Source(columns=types, files=files, partition_keys=keys)


def _partition_files(
    found: StoredTable,
    values: Sequence[str],
    storage: Storage,
    data: Mapping[str, Type],
    keys: Mapping[str, Type],
    objects: Objects,
) -> list[DataFile]:
    if len(values) != len(found.table.partition_keys):
        raise unreadable(
            objects.table,
            "the catalog",
            f"has a partition with {len(values)} values for {len(found.table.partition_keys)} keys",
        )
    partition = {
        key: None if value == _NULL else value for key, value in zip(found.table.partition_keys, values, strict=True)
    }
    location = storage.location
    if location is None:
        steps = (f"{key}={value}" for key, value in zip(found.table.partition_keys, values, strict=True))
        location = "/".join([str(found.storage.location).rstrip("/"), *steps])
    files = _files(found, storage, location, data, objects)
    partition_has_data(objects.table, partition, location, files)
    kept = {key: _padded(partition[key], type_) for key, type_ in keys.items()}
    return [DataFile(path=file.path, partition=kept) for file in files]


def _padded(value: str | None, type_: Type) -> str | None:
    return value if value is None or type_.name != "char" else value.ljust(type_.length)


def _files(
    found: StoredTable, storage: Storage, location: str | None, data: Mapping[str, Type], objects: Objects
) -> list[DataFile]:
    settle = _settler(found, storage, data, objects.table)
    files = []
    for one in objects.below(location):
        path = objects.copy(one)
        settle(path, one.uri)
        files.append(DataFile(path=path))
    return files


def _settler(found: StoredTable, storage: Storage, data: Mapping[str, Type], table: str) -> Callable[[Path, str], None]:
    """Return what makes of an object's copy, in its place, a Parquet file with the columns.

    :param storage: that of the table or of a partition, for which the table's holds where it says nothing.
    """
    serde = storage.serde or found.storage.serde
    told = storage.serde_parameters if storage.serde else found.storage.serde_parameters
    if serde in _PARQUET:
        from cleanrooms_mock.analysis.parquet_files import settle

        return partial(settle, table=table, columns=data)
    # A file of rows needs a column, even if only the rows are counted.
    data = data or {"_": Type("boolean")}
    if serde == _CSV:
        reader = csv_reader(list(storage.columns or found.storage.columns), list(data), told, found.parameters)
    else:
        format_is_supported(table, unsupported=None if serde in _JSON else _complaint(serde))
        reader = json_reader(list(data), told)
    return partial(convert, table=table, columns=data, reader=reader)


def _complaint(serde: str | None) -> str:
    known = ", ".join(sorted([*_PARQUET, _CSV, *_JSON]))
    stored = "has no SerdeInfo.SerializationLibrary" if serde is None else f"is stored as {serde}"
    return f"{stored}; what is read is Iceberg and {known}"
