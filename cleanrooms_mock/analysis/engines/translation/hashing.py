"""Hashes that Spark computes over typed values: Murmur3 with 32 bits and xxHash with 64, both from the seed 42."""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Callable, Sequence
from decimal import Context, Decimal
from typing import Any

from cleanrooms_mock.analysis.engines.data_types import Type

_SEED = 42
_exact = Context(prec=80)
_32, _64 = (1 << 32) - 1, (1 << 64) - 1
_P1, _P2, _P3, _P4, _P5 = (
    0x9E3779B185EBCA87,
    0xC2B2AE3D27D4EB4F,
    0x165667B19E3779F9,
    0x85EBCA77C2B2AE63,
    0x27D4EB2F165667C5,
)


def sha2(bits: int, value: bytes | None) -> str | None:
    return None if value is None else hashlib.new(f"sha{bits}", value).hexdigest()


def crc32(value: bytes | None) -> int | None:
    return None if value is None else zlib.crc32(value)


def _signed(value: int, bits: int) -> int:
    return value - (1 << bits) if value >> (bits - 1) else value


class _Hash:
    """A hash of one kind, as functions of integers of both sizes and of bytes."""

    def __init__(
        self, word: Callable[[int, int], int], long: Callable[[int, int], int], data: Callable[[bytes, int], int]
    ) -> None:
        self.word, self.long, self.data = word, long, data

    def of(self, types: Sequence[Type], values: Sequence[Any]) -> int:
        found = _SEED
        for type_, value in zip(types, values, strict=True):
            found = self._one(type_, value, found)
        return found

    def _one(self, type_: Type, value: Any, seed: int) -> int:
        name = type_.name
        if value is None:
            return seed
        if name in ("tinyint", "smallint", "int", "date", "boolean"):
            return self.word(int(value) & _32, seed)
        if name in ("bigint", "timestamp", "timestamp_ntz"):
            return self.long(int(value) & _64, seed)
        if name == "float":
            (bits,) = struct.unpack("<I", struct.pack("<f", value or 0.0))
            return self.word(bits, seed)
        if name == "double":
            (bits,) = struct.unpack("<Q", struct.pack("<d", value or 0.0))
            return self.long(bits, seed)
        if name == "decimal":
            whole = int(Decimal(value).scaleb(type_.scale, _exact))
            if type_.precision <= 18:
                return self.long(whole & _64, seed)
            size = ((whole if whole >= 0 else ~whole).bit_length() // 8) + 1
            return self.data(whole.to_bytes(size, "big", signed=True), seed)
        if name == "string":
            return self.data(value.encode(), seed)
        if name == "binary":
            return self.data(value, seed)
        if name == "array":
            for element in value:
                seed = self._one(type_.parts[0], element, seed)
            return seed
        for field, part in zip(type_.fields, type_.parts, strict=True):
            seed = self._one(part, value[field], seed)
        return seed


def _rotated(value: int, by: int, bits: int) -> int:
    return ((value << by) | (value >> (bits - by))) & ((1 << bits) - 1)


def _mixed_word(word: int, hash_: int) -> int:
    word = (_rotated((word * 0xCC9E2D51) & _32, 15, 32) * 0x1B873593) & _32
    return (_rotated(hash_ ^ word, 13, 32) * 5 + 0xE6546B64) & _32


def _finished_word(hash_: int, length: int) -> int:
    hash_ ^= length
    hash_ = ((hash_ ^ (hash_ >> 16)) * 0x85EBCA6B) & _32
    hash_ = ((hash_ ^ (hash_ >> 13)) * 0xC2B2AE35) & _32
    return hash_ ^ (hash_ >> 16)


def _murmur_word(value: int, seed: int) -> int:
    return _finished_word(_mixed_word(value, seed), 4)


def _murmur_long(value: int, seed: int) -> int:
    return _finished_word(_mixed_word(value >> 32, _mixed_word(value & _32, seed)), 8)


def _murmur_data(data: bytes, seed: int) -> int:
    whole = len(data) // 4 * 4
    for (word,) in struct.iter_unpack("<I", data[:whole]):
        seed = _mixed_word(word, seed)
    # The last bytes go in one by one and with their sign, which is Spark's own way.
    for byte in data[whole:]:
        seed = _mixed_word(_signed(byte, 8) & _32, seed)
    return _finished_word(seed, len(data))


def _avalanche(hash_: int) -> int:
    hash_ = ((hash_ ^ (hash_ >> 33)) * _P2) & _64
    hash_ = ((hash_ ^ (hash_ >> 29)) * _P3) & _64
    return hash_ ^ (hash_ >> 32)


def _xx_word(value: int, seed: int) -> int:
    hash_ = (seed + _P5 + 4) & _64
    hash_ ^= (value * _P1) & _64
    return _avalanche((_rotated(hash_, 23, 64) * _P2 + _P3) & _64)


def _xx_long(value: int, seed: int) -> int:
    hash_ = (seed + _P5 + 8) & _64
    hash_ ^= (_rotated((value * _P2) & _64, 31, 64) * _P1) & _64
    return _avalanche((_rotated(hash_, 27, 64) * _P1 + _P4) & _64)


def _xx_round(lane: int, value: int) -> int:
    return (_rotated((lane + value * _P2) & _64, 31, 64) * _P1) & _64


def _xx_data(data: bytes, seed: int) -> int:
    at = 0
    if len(data) >= 32:
        lanes = [(seed + _P1 + _P2) & _64, (seed + _P2) & _64, seed & _64, (seed - _P1) & _64]
        while at + 32 <= len(data):
            lanes = [
                _xx_round(lane, value) for lane, value in zip(lanes, struct.unpack_from("<4Q", data, at), strict=True)
            ]
            at += 32
        hash_ = sum(_rotated(lane, by, 64) for lane, by in zip(lanes, (1, 7, 12, 18), strict=True)) & _64
        for lane in lanes:
            hash_ = ((hash_ ^ _xx_round(0, lane)) * _P1 + _P4) & _64
    else:
        hash_ = (seed + _P5) & _64
    hash_ = (hash_ + len(data)) & _64
    while at + 8 <= len(data):
        (value,) = struct.unpack_from("<Q", data, at)
        hash_ = (_rotated(hash_ ^ _xx_round(0, value), 27, 64) * _P1 + _P4) & _64
        at += 8
    if at + 4 <= len(data):
        (value,) = struct.unpack_from("<I", data, at)
        hash_ = (_rotated(hash_ ^ ((value * _P1) & _64), 23, 64) * _P2 + _P3) & _64
        at += 4
    for byte in data[at:]:
        hash_ = (_rotated(hash_ ^ ((byte * _P5) & _64), 11, 64) * _P1) & _64
    return _avalanche(hash_)


_murmur = _Hash(_murmur_word, _murmur_long, _murmur_data)
_xx = _Hash(_xx_word, _xx_long, _xx_data)


def murmur3(types: Sequence[Type], *values: Any) -> int:
    """Return what HASH gives for a row."""
    return _signed(_murmur.of(types, values), 32)


def xxhash64(types: Sequence[Type], *values: Any) -> int:
    """Return what XXHASH64 gives for a row."""
    return _signed(_xx.of(types, values), 64)
