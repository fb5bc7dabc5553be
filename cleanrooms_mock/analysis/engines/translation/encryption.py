"""AES as Spark's functions do it."""

from __future__ import annotations

import os
from typing import Any

from cleanrooms_mock.analysis.refusals import malformed

_VECTOR = {"GCM": 12, "CBC": 16, "ECB": 0}
_BLOCK = 128
_TAG = 16


def available() -> None:
    """Make sure that there is AES at all.

    :raises Refusal: if the package that has it isn't installed.
    """
    try:
        import cryptography  # noqa: F401
    except ImportError:
        raise malformed("The query can't be carried out: AES needs the package cryptography") from None


def encrypted(
    mode: str, _lenient: bool, data: bytes | None, key: bytes | None, vector: bytes | None, known: bytes | None
) -> bytes | None:
    """Return data encrypted, behind the vector that was taken and before the tag if the mode has one.

    :param known: what the tag vouches for besides, in the mode GCM.
    """
    if data is None or key is None or vector is None or known is None:
        return None
    cipher, modes = _cipher(key)
    vector = vector or os.urandom(_VECTOR[mode])
    if len(vector) != _VECTOR[mode]:
        raise ValueError(f"AES in the mode {mode} takes an initialization vector of {_VECTOR[mode]} bytes")
    if mode == "GCM":
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        return vector + AESGCM(key).encrypt(vector, data, known or None)
    from cryptography.hazmat.primitives.padding import PKCS7

    padder = PKCS7(_BLOCK).padder()
    encryptor = cipher(modes.CBC(vector) if mode == "CBC" else modes.ECB()).encryptor()
    return vector + bytes(encryptor.update(padder.update(data) + padder.finalize()) + encryptor.finalize())


def decrypted(
    mode: str, lenient: bool, data: bytes | None, key: bytes | None, _vector: bytes | None, known: bytes | None
) -> bytes | None:
    """Return data decrypted.

    :param lenient: whether what can't be decrypted is NULL.
    """
    if data is None or key is None or known is None:
        return None
    try:
        return _decrypted(mode, data, key, known)
    except Exception as error:
        if lenient:
            return None
        raise ValueError("AES_DECRYPT failed: the key isn't the one, or the data aren't whole") from error


def _decrypted(mode: str, data: bytes, key: bytes, known: bytes) -> bytes:
    cipher, modes = _cipher(key)
    vector, rest = data[: _VECTOR[mode]], data[_VECTOR[mode] :]
    if mode == "GCM":
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        return AESGCM(key).decrypt(vector, rest, known or None)
    from cryptography.hazmat.primitives.padding import PKCS7

    decryptor = cipher(modes.CBC(vector) if mode == "CBC" else modes.ECB()).decryptor()
    unpadder = PKCS7(_BLOCK).unpadder()
    return bytes(unpadder.update(decryptor.update(rest) + decryptor.finalize()) + unpadder.finalize())


def _cipher(key: bytes) -> tuple[Any, Any]:
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    if len(key) not in (16, 24, 32):
        raise ValueError(f"AES takes a key of 16, 24 or 32 bytes, not {len(key)}")
    return lambda mode: Cipher(algorithms.AES(key), mode), modes
