"""Types of columns: as the Glue Data Catalog spells them, and what each is to Spark and to Arrow."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    import pyarrow as pa

_TOKEN = re.compile(r"\s*(`(?:[^`]|``)*`|[^\s<>(),:`]+|[<>(),:])")
_DEPTH = 50
_MAX_PRECISION = 38

#: The names of types that take nothing in brackets, and what they are called here.
_SIMPLE: Mapping[str, str] = {
    "tinyint": "tinyint",
    "byte": "tinyint",
    "smallint": "smallint",
    "short": "smallint",
    "int": "int",
    "integer": "int",
    "bigint": "bigint",
    "long": "bigint",
    "float": "float",
    "real": "float",
    "double": "double",
    "boolean": "boolean",
    "string": "string",
    "date": "date",
    "timestamp": "timestamp",
    "timestamp_ltz": "timestamp",
    "timestamp_ntz": "timestamp_ntz",
    "binary": "binary",
}
_DECIMALS = frozenset({"decimal", "dec", "numeric"})
_TEXTS: Mapping[str, str] = {"varchar": "varchar", "char": "char", "character": "char"}
_NESTED = frozenset({"array", "map", "struct"})

_SPARK: Mapping[str, str] = {name: name.upper() for name in _SIMPLE.values()}


class UnsupportedType(ValueError):
    """A type that columns of a query's tables can't have, such as `uniontype<int,string>`; the message is its text."""


@dataclass(frozen=True, slots=True)
class Type:
    """A type.

    :ivar name: tinyint, smallint, int, bigint, float, double, decimal, boolean, string, varchar, char, date, timestamp (an instant),
        timestamp_ntz (without a time zone), binary, array, map or struct.
    :ivar precision: of a decimal.
    :ivar scale: of a decimal.
    :ivar length: of a varchar or char, in characters.
    :ivar parts: what an array's elements are; a map's keys and values; a struct's fields.
    :ivar fields: the names of a struct's fields, in the order of `parts`.
    """

    name: str
    precision: int = 0
    scale: int = 0
    length: int = 0
    parts: tuple[Type, ...] = ()
    fields: tuple[str, ...] = ()

    @property
    def is_nested(self) -> bool:
        """Whether it is an array, a map or a struct."""
        return self.name in _NESTED

    @property
    def is_text(self) -> bool:
        """Whether its values are strings."""
        return self.name in ("string", "varchar", "char")

    def __str__(self) -> str:
        """Return it as Glue and Hive spell it, in lower case and without spaces."""
        if self.name == "decimal":
            return f"decimal({self.precision},{self.scale})"
        if self.name in ("varchar", "char"):
            return f"{self.name}({self.length})"
        if self.name == "struct":
            fields = zip(self.fields, self.parts, strict=True)
            return f"struct<{','.join(f'{field}:{part}' for field, part in fields)}>"
        return f"{self.name}<{','.join(map(str, self.parts))}>" if self.parts else self.name


def parse_type(text: str) -> Type:
    """Read a type as Glue, Hive or Spark spell it, in any case.

    :raises UnsupportedType: for one that columns can't have (interval, uniontype, void …), or that is no type.
    """
    if _TOKEN.sub("", text).strip():
        raise UnsupportedType(text)
    return _Parser(text, _TOKEN.findall(text)).whole()


class _Parser:
    def __init__(self, text: str, tokens: list[str]) -> None:
        self._text = text
        self._tokens = tokens[::-1]

    def whole(self) -> Type:
        found = self._type(_DEPTH)
        if self._tokens:
            self._give_up()
        return found

    def _type(self, depth: int) -> Type:
        name = self._next().lower()
        if not depth:
            self._give_up()
        if name == "double" and self._has("precision"):
            return Type("double")
        if name in _SIMPLE:
            return Type(_SIMPLE[name])
        if name in _DECIMALS:
            precision, scale = self._numbers(2) if self._has("(") else (10, 0)
            if not 1 <= precision <= _MAX_PRECISION or scale > precision:
                self._give_up()
            return Type("decimal", precision=precision, scale=scale)
        if name in _TEXTS:
            name = "varchar" if name == "character" and self._has("varying") else _TEXTS[name]
            self._expect("(")
            (length,) = self._numbers(1)
            return Type(name, length=length) if length else self._give_up()
        if name not in _NESTED:
            self._give_up()
        return self._nested(name, depth - 1)

    def _nested(self, name: str, depth: int) -> Type:
        self._expect("<")
        if name == "array":
            found = Type("array", parts=(self._type(depth),))
        elif name == "map":
            key = self._type(depth)
            self._expect(",")
            found = Type("map", parts=(key, self._type(depth)))
        else:
            fields = [self._field(depth)]
            while self._has(","):
                fields.append(self._field(depth))
            found = Type("struct", parts=tuple(part for _, part in fields), fields=tuple(field for field, _ in fields))
        self._expect(">")
        return found

    def _field(self, depth: int) -> tuple[str, Type]:
        name = self._next()
        if name.startswith("`"):
            name = name[1:-1].replace("``", "`")
        self._expect(":")
        return name, self._type(depth)

    def _numbers(self, most: int) -> list[int]:
        """Read numbers in brackets up to the closing one; those that are left out are 0."""
        numbers = [self._number()]
        while len(numbers) < most and self._has(","):
            numbers.append(self._number())
        self._expect(")")
        return numbers + [0] * (most - len(numbers))

    def _number(self) -> int:
        token = self._next()
        return int(token) if re.fullmatch(r"[0-9]{1,10}", token) else self._give_up()

    def _next(self) -> str:
        return self._tokens.pop() if self._tokens else self._give_up()

    def _has(self, token: str) -> bool:
        if self._tokens and self._tokens[-1].lower() == token:
            self._tokens.pop()
            return True
        return False

    def _expect(self, token: str) -> None:
        if not self._has(token):
            self._give_up()

    def _give_up(self) -> NoReturn:
        raise UnsupportedType(self._text)


def quoted(name: str) -> str:
    """Return a name as Spark reads it."""
    return "`" + name.replace("`", "``") + "`"


def has_char(type_: Type) -> bool:
    """Whether a type is a char, or has one among its parts."""
    return type_.name == "char" or any(map(has_char, type_.parts))


def spark_type(type_: Type) -> str:
    """Return a type as Spark SQL's DDL and CAST spell it. Names of fields are quoted."""
    if type_.name == "struct":
        fields = zip(type_.fields, type_.parts, strict=True)
        return "STRUCT<" + ", ".join(f"{quoted(name)}: {spark_type(part)}" for name, part in fields) + ">"
    if type_.is_nested:
        return f"{type_.name.upper()}<{', '.join(map(spark_type, type_.parts))}>"
    return _SPARK.get(type_.name) or str(type_).upper()


def arrow_type(type_: Type) -> pa.DataType:
    """Return a type as Arrow has it: times in microseconds, instants in UTC."""
    import pyarrow as pa

    parts = [arrow_type(part) for part in type_.parts]
    if type_.name == "array":
        return pa.list_(parts[0])
    if type_.name == "map":
        return pa.map_(*parts)
    if type_.name == "struct":
        return pa.struct([pa.field(name, part) for name, part in zip(type_.fields, parts, strict=True)])
    if type_.name == "decimal":
        return pa.decimal128(type_.precision, type_.scale)
    simple: dict[str, Any] = {
        "tinyint": pa.int8(),
        "smallint": pa.int16(),
        "int": pa.int32(),
        "bigint": pa.int64(),
        "float": pa.float32(),
        "double": pa.float64(),
        "boolean": pa.bool_(),
        "date": pa.date32(),
        "timestamp": pa.timestamp("us", tz="UTC"),
        "timestamp_ntz": pa.timestamp("us"),
        "binary": pa.binary(),
    }
    return simple.get(type_.name) or pa.string()


def type_of_arrow(type_: pa.DataType) -> Type:
    """Return what an Arrow type is here; unsigned integers become the next larger ones, and NULL alone a string.

    :raises UnsupportedType: for one that no column can have, such as a duration.
    """
    from pyarrow import types as is_

    if is_.is_dictionary(type_):
        return type_of_arrow(type_.value_type)
    if is_.is_map(type_):
        return Type("map", parts=(type_of_arrow(type_.key_type), type_of_arrow(type_.item_type)))
    if is_.is_struct(type_):
        fields = [type_.field(number) for number in range(type_.num_fields)]
        parts = tuple(type_of_arrow(field.type) for field in fields)
        return Type("struct", parts=parts, fields=tuple(field.name for field in fields))
    if is_.is_list(type_) or is_.is_large_list(type_) or is_.is_fixed_size_list(type_) or is_.is_list_view(type_):
        return Type("array", parts=(type_of_arrow(type_.value_type),))
    if is_.is_decimal(type_):
        if type_.precision > _MAX_PRECISION or not 0 <= type_.scale <= type_.precision:
            raise UnsupportedType(str(type_))
        return Type("decimal", precision=type_.precision, scale=type_.scale)
    if is_.is_timestamp(type_):
        return Type("timestamp" if type_.tz else "timestamp_ntz")
    name = _OF_ARROW.get(str(type_))
    if name is not None:
        return Type("decimal", precision=20) if name == "decimal" else Type(name)
    if is_.is_date(type_):
        return Type("date")
    if (
        is_.is_binary(type_)
        or is_.is_large_binary(type_)
        or is_.is_fixed_size_binary(type_)
        or is_.is_binary_view(type_)
    ):
        return Type("binary")
    raise UnsupportedType(str(type_))


_OF_ARROW: Mapping[str, str] = {
    "null": "string",
    "bool": "boolean",
    "int8": "tinyint",
    "int16": "smallint",
    "int32": "int",
    "int64": "bigint",
    "uint8": "smallint",
    "uint16": "int",
    "uint32": "bigint",
    "uint64": "decimal",
    "halffloat": "float",
    "float": "float",
    "double": "double",
    "string": "string",
    "large_string": "string",
    "string_view": "string",
}
