"""Buckets and objects in moto's S3."""

from __future__ import annotations

import base64
import binascii
import hashlib
from typing import Any, NamedTuple

from cleanrooms_mock.integrations import loaded

_SHA256_SIZE = 32


class StoredObject(NamedTuple):
    """The newest version of an object.

    :ivar version_id: its version, ``None`` if its bucket had no versioning when it was stored.
    :ivar sha256: the SHA-256 of its bytes, in hexadecimal digits.
    """

    version_id: str | None
    sha256: str


def bucket_region(partition: str, bucket: str) -> str | None:
    """Return the Region of ``bucket``, whosever it is, or ``None`` if there is no such bucket."""
    found = _bucket(partition, bucket)
    return None if found is None else str(found.region_name)


def has_buckets(partition: str, account_id: str) -> bool:
    """Whether the account has made any bucket."""
    return bool(_buckets(partition, account_id))


def is_versioned(partition: str, bucket: str) -> bool:
    """Whether there is such a bucket, and versioning is on in it."""
    found = _bucket(partition, bucket)
    return found is not None and bool(found.is_versioned)


def find_object(partition: str, bucket: str, key: str) -> StoredObject | None:
    """Return an object as it is now, or ``None`` if there is none or it was deleted."""
    found = _bucket(partition, bucket)
    stored = None if found is None else found.keys.get(key)
    # What a versioned bucket keeps of a deleted object is a marker, which has no bytes.
    if stored is None or not hasattr(stored, "value"):
        return None
    version = str(stored.version_id)
    return StoredObject(None if version == "null" else version, _uploaded_sha256(stored) or _sha256(stored.value))


def _bucket(partition: str, bucket: str) -> Any | None:
    models = loaded("moto.s3.models")
    owner = None if models is None else models.s3_backends.bucket_accounts.get(bucket)
    if owner is None or owner[0] != partition:
        return None
    # moto lists the storage of S3 Tables among the names of buckets, too.
    return _buckets(partition, owner[1]).get(bucket)


def _buckets(partition: str, account_id: str) -> dict[str, Any]:
    models = loaded("moto.s3.models")
    if models is None or account_id not in dict.keys(models.s3_backends):
        return {}
    account = models.s3_backends[account_id]
    buckets: dict[str, Any] = account[partition].buckets if partition in dict.keys(account) else {}
    return buckets


def _uploaded_sha256(stored: Any) -> str | None:
    """Return the SHA-256 that was uploaded with an object; that of one uploaded in parts is of its parts' and not of its bytes."""
    if stored.checksum_algorithm != "SHA256" or not stored.checksum_value or stored.multipart is not None:
        return None
    try:
        digest = base64.b64decode(stored.checksum_value, validate=True)
    except binascii.Error:
        return None
    return digest.hex() if len(digest) == _SHA256_SIZE else None


def _sha256(value: bytes) -> str:
    return hashlib.sha256(value).hexdigest()
