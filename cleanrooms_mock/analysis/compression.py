"""Compressed text files, told by the ends of their names."""

from __future__ import annotations

import bz2
import gzip
import io
import struct
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any, cast

_FRAMES = b"\xff\x06\x00\x00sNaPpY"

#: What an unreadable file makes one of the readers raise.
ERRORS = (OSError, EOFError, ValueError, struct.error)


def opened(path: Path, name: str) -> IO[bytes]:
    """Open a file for reading what was compressed.

    :param name: what its name in S3 ends with tells how.
    :raises KeyError: if it is compressed in a way that isn't supported; its argument is the extension.
    """
    extension = name[name.rfind(".") :].lower()
    if extension in _UNSUPPORTED:
        raise KeyError(extension)
    return _READERS.get(extension, _plain)(path)


def _plain(path: Path) -> IO[bytes]:
    return path.open("rb")


def _gzip(path: Path) -> IO[bytes]:
    return cast("IO[bytes]", gzip.open(path))


def _bzip2(path: Path) -> IO[bytes]:
    return cast("IO[bytes]", bz2.open(path))


def _zstandard(path: Path) -> IO[bytes]:
    import pyarrow as pa

    return cast("IO[bytes]", io.BufferedReader(pa.input_stream(str(path), compression="zstd")))


def _snappy(path: Path) -> IO[bytes]:
    return cast("IO[bytes]", io.BufferedReader(cast("io.RawIOBase", _Blocks(path)), 1 << 16))


_READERS: Mapping[str, Callable[[Path], IO[bytes]]] = {
    ".gz": _gzip,
    ".bz2": _bzip2,
    ".snappy": _snappy,
    ".zstd": _zstandard,
    ".zst": _zstandard,
}
_UNSUPPORTED = frozenset({".deflate", ".lz4", ".lzo", ".lzma", ".xz", ".br", ".zip", ".7z"})


class _Blocks(io.RawIOBase):
    """A file that is compressed by Snappy, in Hadoop's blocks or in the frames of Snappy's own format."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb")
        framed = self._file.read(len(_FRAMES)) == _FRAMES
        if not framed:
            self._file.seek(0)
        self._parts = _frames(self._file) if framed else _hadoop(self._file)
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._rest:
            part = next(self._parts, None)
            if part is None:
                return 0
            self._rest = memoryview(part)
        size = min(len(self._rest), len(buffer))
        buffer[:size] = self._rest[:size]
        self._rest = self._rest[size:]
        return size

    def close(self) -> None:
        self._file.close()
        super().close()


def _hadoop(file: IO[bytes]) -> Iterator[bytes]:
    """Yield the parts: each block says how long it will be, then come compressed parts of it, each with its length."""
    while head := file.read(4):
        (left,) = struct.unpack(">I", head)
        while left > 0:
            (size,) = struct.unpack(">I", file.read(4))
            part = _raw(_exactly(file, size))
            yield part
            left -= len(part)


def _frames(file: IO[bytes]) -> Iterator[bytes]:
    while head := file.read(4):
        kind, size = head[0], int.from_bytes(head[1:4], "little")
        body = _exactly(file, size)
        if kind == 0:
            yield _raw(body[4:])
        elif kind == 1:
            yield body[4:]
        elif kind < 0x80:
            raise ValueError("a frame of a kind that isn't known")


def _raw(compressed: bytes) -> bytes:
    """Decompress a part, which begins with the length of what it was."""
    import pyarrow as pa

    size = shift = 0
    for byte in compressed[:5]:
        size |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            break
    return bytes(pa.Codec("snappy").decompress(compressed, decompressed_size=size))


def _exactly(file: IO[bytes], size: int) -> bytes:
    found = file.read(size)
    if len(found) < size:
        raise EOFError("the file ends in the midst of a part")
    return found
