"""Hashes, encryption, UUIDs, sketches, and consents."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from cleanrooms_mock.analysis.engines.data_types import BIGINT, BINARY, INT, STRING, Type, in_duckdb
from cleanrooms_mock.analysis.engines.translation import consents, hashing
from cleanrooms_mock.analysis.engines.translation.casts import implicit
from cleanrooms_mock.analysis.engines.translation.functions.calls import Call, arguments, constant, function
from cleanrooms_mock.analysis.engines.translation.values import Value, wrong_type
from cleanrooms_mock.analysis.refusals import malformed

if TYPE_CHECKING:
    from cleanrooms_mock.analysis.engines.translation.expressions import Expressions


def _bytes(expressions: Expressions, call: Call, value: Value) -> Value:
    return (
        implicit(expressions.context, value, BINARY, call.name)
        if value.type in (BINARY, STRING) or value.is_null
        else _text(expressions, call, value)
    )


def _text(expressions: Expressions, call: Call, value: Value) -> Value:
    text = implicit(expressions.context, value, STRING, call.name)
    return Value(f"encode({text.sql})", BINARY)


@function("MD5", "SHA", "SHA1", least=1)
def _digest(expressions: Expressions, call: Call) -> Value:
    x = _bytes(expressions, call, arguments(expressions, call)[0])
    return Value(f"{'md5' if call.name == 'MD5' else 'sha1'}({x.sql})", STRING)


@function("SHA2", least=2)
def _sha2(expressions: Expressions, call: Call) -> Value:
    value, bits = arguments(expressions, call)
    x = _bytes(expressions, call, value)
    number = constant(call, bits, int, "the number of bits")
    if number in (0, 256):
        return Value(f"sha256({x.sql})", STRING)
    if number not in (224, 384, 512):
        return Value("CAST(NULL AS VARCHAR)", STRING, None)
    return Value(
        expressions.context.python(f"sha{number}", partial(hashing.sha2, int(str(number))), ["BLOB"], "VARCHAR", x.sql),
        STRING,
    )


@function("CRC32", least=1)
def _crc32(expressions: Expressions, call: Call) -> Value:
    x = _bytes(expressions, call, arguments(expressions, call)[0])
    return Value(expressions.context.python("crc32", hashing.crc32, ["BLOB"], "BIGINT", x.sql), BIGINT)


@function("XXHASH64", "HASH", least=1, open_end=True)
def _hash(expressions: Expressions, call: Call) -> Value:
    values = arguments(expressions, call)
    if any(_has_map(value.type) for value in values):
        raise wrong_type(call.name, *values)
    types = [value.type for value in values]
    physical = [in_duckdb(type_) for type_ in types]
    one, result, type_ = (
        (hashing.xxhash64, "BIGINT", BIGINT) if call.name == "XXHASH64" else (hashing.murmur3, "INTEGER", INT)
    )
    name = f"{call.name.lower()}_{'_'.join(''.join(filter(str.isalnum, str(one))) for one in types)}_{abs(hash(tuple(types)))}"
    # Times are given as numbers, which is what is hashed.
    texts = [_hashed(value) for value in values]
    return Value(
        expressions.context.python(
            name,
            partial(one, types),
            [_hashed_type(*pair) for pair in zip(types, physical, strict=True)],
            result,
            *texts,
        ),
        type_,
    )


def _has_map(type_: Type) -> bool:
    return type_.name == "map" or any(map(_has_map, type_.parts))


def _hashed(value: Value) -> str:
    if value.type.name == "date":
        return f"CAST({value.sql} - DATE '1970-01-01' AS INTEGER)"
    return f"epoch_us({value.sql})" if value.type.name.startswith("timestamp") else value.sql


def _hashed_type(type_: Type, physical: str) -> str:
    return "INTEGER" if type_.name == "date" else "BIGINT" if type_.name.startswith("timestamp") else physical


@function("UUID", least=0, most=1)
def _uuid(expressions: Expressions, call: Call) -> Value:
    return Value("CAST(uuid() AS VARCHAR)", STRING)


@function("AES_ENCRYPT", "AES_DECRYPT", "TRY_AES_DECRYPT", least=2, most=6)
def _aes(expressions: Expressions, call: Call) -> Value:
    from cleanrooms_mock.analysis.engines.translation import encryption

    values = arguments(expressions, call)
    x, key = (_bytes(expressions, call, value).sql for value in values[:2])
    mode = str(constant(call, values[2], str, "the mode")).upper() if len(values) > 2 else "GCM"
    padding = str(constant(call, values[3], str, "the padding")).upper() if len(values) > 3 else "DEFAULT"
    if (
        mode not in ("GCM", "CBC", "ECB")
        or padding not in ("DEFAULT", "PKCS", "NONE")
        or padding == {"GCM": "PKCS"}.get(mode, "NONE")
    ):
        raise malformed(
            f"The query can't be carried out: {call.name} has no mode {mode} with padding {padding}", call.node
        )
    encrypts = call.name == "AES_ENCRYPT"
    vector = _bytes(expressions, call, values[4]).sql if len(values) > 4 and encrypts else "''::BLOB"
    extra = values[5:] if encrypts else values[4:]
    known = _bytes(expressions, call, extra[0]).sql if extra else "''::BLOB"
    encryption.available()
    apply = partial(encryption.encrypted if encrypts else encryption.decrypted, mode, call.name.startswith("TRY"))
    return Value(
        expressions.context.python(f"{call.name.lower()}_{mode}", apply, ["BLOB"] * 4, "BLOB", x, key, vector, known),
        BINARY,
    )


@function("CONSENT_TCF_V2_DECODE", "CONSENT_GPP_V1_DECODE", least=1)
def _consent(expressions: Expressions, call: Call) -> Value:
    (x,) = arguments(expressions, call, "s")
    decode, type_ = (consents.decoded_tcf, consents.TCF) if "TCF" in call.name else (consents.decoded_gpp, consents.GPP)
    return Value(expressions.context.python(call.name.lower(), decode, ["VARCHAR"], in_duckdb(type_), x.sql), type_)
