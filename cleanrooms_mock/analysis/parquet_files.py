"""Parquet files as a table's catalog means them: each left as it is where it says just that, and written anew where it doesn't."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from cleanrooms_mock.analysis.data_rules import is_still_as_known, unreadable
from cleanrooms_mock.analysis.types import Type, arrow_type, has_char

if TYPE_CHECKING:
    import pyarrow as pa
    from pyarrow import parquet

_ROWS = 65_536
#: Decimal digits that hold every value of an integer type, in Spark's reader.
_DIGITS: Mapping[str, int] = {"int8": 10, "int16": 10, "int32": 10, "int64": 20}
_NARROW = frozenset({"int8", "int16", "int32", "uint8", "uint16"})
_INTEGERS = frozenset({"tinyint", "smallint", "int", "bigint"})

#: Says of rows, by the number of the first and a batch of them, which are still there.
Keep = Callable[[int, "pa.RecordBatch"], "pa.Array"]


class Column(NamedTuple):
    """A column that is wanted, and what a file has for it.

    :ivar field: ``None`` if the file doesn't have it; its values are NULL then.
    """

    name: str
    type: Type
    field: pa.Field | None

    @property
    def is_there(self) -> bool:
        """Whether the file has just this."""
        return (
            self.field is not None
            and not has_char(self.type)
            and self.field.name.lower() == self.name
            and is_same(self.field.type, arrow_type(self.type))
        )


def opened(path: Path, uri: str, table: str) -> parquet.ParquetFile:
    """Open a file.

    :raises Refusal: if it isn't Parquet.
    """
    import pyarrow as pa
    from pyarrow import parquet

    try:
        return parquet.ParquetFile(path)
    except (pa.ArrowException, OSError) as error:
        raise unreadable(table, uri, f"is no Parquet file: {str(error).splitlines()[0]}") from error


def settle(path: Path, uri: str, table: str, columns: Mapping[str, Type]) -> None:
    """Make sure that a file has ``columns``, with their types; what it has besides doesn't matter.

    :raises Refusal: if it can't have them.
    """
    with opened(path, uri, table) as file:
        named: dict[str, list[Any]] = {}
        for field in file.schema_arrow:
            named.setdefault(field.name.lower(), []).append(field)
        wanted = []
        for name, type_ in columns.items():
            found = named.get(name, [])
            if len(found) > 1:
                raise unreadable(table, uri, f"has {len(found)} columns named {name}")
            wanted.append(Column(name, type_, found[0] if found else None))
        check(file, uri, table, wanted)
        if all(column.is_there for column in wanted):
            return
        rewrite(file, path, uri, table, wanted)


def check(file: parquet.ParquetFile, uri: str, table: str, columns: list[Column]) -> None:
    """Refuse a file whose columns Spark wouldn't read as what the catalog says they are.

    :raises Refusal: INVALID_RESOURCE, with the column.
    """
    for name, type_, field in columns:
        if field is None:
            continue
        why = ""
        if _is_in_nanoseconds(file, field):
            why = ". Timestamps in nanoseconds aren't read: write them in microseconds"
        is_still_as_known(
            not why and _is_readable(field.type, type_),
            table,
            f"Column {name} of table {table} has type {type_} in the catalog and {field.type} in {uri}{why}",
            name,
        )


def rewrite(
    file: parquet.ParquetFile, path: Path, uri: str, table: str, columns: list[Column], keep: Keep | None = None
) -> None:
    """Put a file in the place of another, with the wanted columns and the rows that ``keep`` keeps."""
    import pyarrow as pa
    from pyarrow import parquet

    schema = pa.schema([(column.name, arrow_type(column.type)) for column in columns])
    names = list(dict.fromkeys(column.field.name for column in columns if column.field is not None))
    settled = path.with_suffix(".settled")
    first = 0
    try:
        with parquet.ParquetWriter(settled, schema) as writer:
            for batch in file.iter_batches(_ROWS, columns=None if keep else names):
                kept = batch if keep is None else batch.filter(keep(first, batch))
                first += batch.num_rows
                arrays = [
                    pa.nulls(kept.num_rows, wanted.type)
                    if column.field is None
                    else _cast(kept.column(column.field.name), wanted.type, column.type)
                    for column, wanted in zip(columns, schema, strict=True)
                ]
                if kept.num_rows:
                    writer.write_batch(pa.record_batch(arrays, schema=schema))
    except (pa.ArrowException, OSError) as error:
        raise unreadable(table, uri, f"is damaged: {str(error).splitlines()[0]}") from error
    settled.replace(path)


def is_same(found: pa.DataType, wanted: pa.DataType) -> bool:
    """Whether a Parquet file that Arrow reads as one type is to any engine one with the other; only the zone of timestamps may differ."""
    from pyarrow import types as is_

    found = _plain(found)
    if is_.is_timestamp(found) and is_.is_timestamp(wanted):
        return True
    if is_.is_list(found) and is_.is_list(wanted):
        return is_same(found.value_type, wanted.value_type)
    if is_.is_map(found) and is_.is_map(wanted):
        return is_same(found.key_type, wanted.key_type) and is_same(found.item_type, wanted.item_type)
    if is_.is_struct(found) and is_.is_struct(wanted):
        return [field.name for field in found] == [field.name for field in wanted] and all(
            is_same(one.type, other.type) for one, other in zip(found, wanted, strict=True)
        )
    return bool(found == wanted)


def _plain(type_: pa.DataType) -> pa.DataType:
    """Return what a type is in a file, whatever Arrow wraps it in."""
    import pyarrow as pa
    from pyarrow import types as is_

    if is_.is_dictionary(type_):
        return _plain(type_.value_type)
    if is_.is_large_string(type_) or is_.is_string_view(type_):
        return pa.string()
    if is_.is_large_binary(type_) or is_.is_binary_view(type_) or is_.is_fixed_size_binary(type_):
        return pa.binary()
    if is_.is_large_list(type_) or is_.is_fixed_size_list(type_) or is_.is_list_view(type_):
        return pa.list_(type_.value_type)
    return type_


def _is_readable(found: pa.DataType, type_: Type) -> bool:
    """Whether Spark reads what a file holds as a type: as the same, as a wider one, and some others that are kept alike."""
    from pyarrow import types as is_

    found, kind, name = _plain(found), type_.name, str(_plain(found))
    if type_.is_text or kind == "binary":
        return name in ("string", "binary")
    if kind == "decimal":
        whole = type_.precision - type_.scale
        if is_.is_decimal(found):
            return bool(whole >= found.precision - found.scale and type_.scale >= found.scale)
        return (name in _DIGITS and whole >= _DIGITS[name]) or (name == "uint64" and (whole, type_.scale) == (20, 0))
    if kind in _INTEGERS:
        return name in _NARROW or (kind == "bigint" and name in ("int64", "uint32"))
    if kind == "double":
        return name in _NARROW or name in ("uint32", "float", "double")
    if kind in ("timestamp", "timestamp_ntz"):
        return bool(is_.is_timestamp(found)) or (kind == "timestamp_ntz" and name == "date32[day]")
    if kind == "date":
        return name in ("date32[day]", "int32")
    if kind == "array":
        return bool(is_.is_list(found)) and _is_readable(found.value_type, type_.parts[0])
    if kind == "map":
        return (
            bool(is_.is_map(found))
            and _is_readable(found.key_type, type_.parts[0])
            and _is_readable(found.item_type, type_.parts[1])
        )
    if kind == "struct":
        parts = dict(zip(map(str.lower, type_.fields), type_.parts, strict=True))
        return bool(is_.is_struct(found)) and all(
            _is_readable(field.type, parts[field.name.lower()]) for field in found if field.name.lower() in parts
        )
    return is_same(found, arrow_type(type_))


def _is_in_nanoseconds(file: parquet.ParquetFile, field: pa.Field) -> bool:
    from pyarrow import types as is_

    if not is_.is_timestamp(field.type) or field.type.unit != "ns":
        return False
    # The older way to keep timestamps has nanoseconds too, and is what Spark itself wrote for long.
    place = file.schema.names.index(field.name) if field.name in file.schema.names else None
    return place is None or file.schema.column(place).physical_type != "INT96"


def _cast(values: pa.Array, wanted: pa.DataType, type_: Type) -> pa.Array:
    import pyarrow as pa
    from pyarrow import compute
    from pyarrow import types as is_

    if is_.is_dictionary(values.type):
        values = values.dictionary_decode()
    if type_.is_nested and (has_char(type_) or not is_same(values.type, wanted)):
        return pa.array((_reshaped(value, type_) for value in values.to_pylist()), wanted)
    if is_.is_timestamp(values.type) and is_.is_timestamp(wanted) and values.type.tz is None and wanted.tz:
        values = values.cast(pa.timestamp(values.type.unit, tz="UTC"))
    values = values.cast(wanted, safe=False)
    return compute.utf8_rpad(values, type_.length) if type_.name == "char" else values


def _reshaped(value: Any, type_: Type) -> Any:
    """Return a nested value with the fields that its type has, and each char in it padded."""
    if value is None or not type_.is_nested:
        return value if value is None or type_.name != "char" else value.ljust(type_.length)
    if type_.name == "array":
        return [_reshaped(one, type_.parts[0]) for one in value]
    if type_.name == "map":
        return [(_reshaped(key, type_.parts[0]), _reshaped(one, type_.parts[1])) for key, one in value]
    folded = {name.lower(): one for name, one in value.items()}
    return {
        name: _reshaped(folded.get(name.lower()), part) for name, part in zip(type_.fields, type_.parts, strict=True)
    }
