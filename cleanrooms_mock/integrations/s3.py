"""Buckets and objects in moto's S3."""

from __future__ import annotations

import base64
import binascii
import hashlib
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from cleanrooms_mock.integrations import loaded

_SHA256_SIZE = 32
_CHUNK = 1 << 20


class StoredObject(NamedTuple):
    """The newest version of an object.

    :ivar version_id: its version, ``None`` if its bucket had no versioning when it was stored.
    :ivar sha256: the SHA-256 of its bytes, in hexadecimal digits.
    """

    version_id: str | None
    sha256: str


@dataclass(frozen=True, slots=True)
class DataObject:
    """The newest version of an object, whose bytes are to be read.

    :ivar size: in bytes.
    :ivar kms_key: the id or ARN of the KMS key that it is encrypted with, ``None`` if it is with none of the account's own.
    :ivar is_sealed: whether whoever stored it has encrypted it, so that S3 hands out bytes that say nothing.
    """

    bucket: str
    key: str
    size: int
    kms_key: str | None
    is_sealed: bool
    _stored: Any

    @property
    def uri(self) -> str:
        """Where it is, as ``s3://bucket/key``."""
        return f"s3://{self.bucket}/{self.key}"

    def copy_to(self, path: Path) -> None:
        """Write its bytes to a file, a part at a time.

        :raises FileNotFoundError: if it has been deleted or replaced since it was found.
        """
        stored = self._stored
        with path.open("wb") as file, stored.lock:
            try:
                stored._value_buffer.seek(0)
            except ValueError as error:
                raise FileNotFoundError(self.uri) from error
            shutil.copyfileobj(stored._value_buffer, file, _CHUNK)


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
    if stored is None or not _has_bytes(stored):
        return None
    version = str(stored.version_id)
    return StoredObject(None if version == "null" else version, _uploaded_sha256(stored) or _sha256(stored.value))


def objects_below(partition: str, bucket: str, prefix: str) -> list[DataObject] | None:
    """Return the objects whose keys begin with ``prefix``, in the order of their keys, or ``None`` if there is no such bucket."""
    found = _bucket(partition, bucket)
    if found is None:
        return None
    return [
        _data_object(bucket, key, stored)
        for key, stored in sorted(found.keys.items())
        if key.startswith(prefix) and _has_bytes(stored)
    ]


def object_at(partition: str, bucket: str, key: str) -> DataObject | None:
    """Return an object to be read, or ``None`` if there is none or it was deleted."""
    found = _bucket(partition, bucket)
    stored = None if found is None else found.keys.get(key)
    return None if stored is None or not _has_bytes(stored) else _data_object(bucket, key, stored)


def bucket_key(partition: str, bucket: str) -> str | None:
    """Return the id or ARN of the KMS key that a bucket encrypts new objects with, ``None`` if it does so with none of the account's own."""
    found = _bucket(partition, bucket)
    encryption = None if found is None else found.encryption
    rule = encryption["Rule"] if encryption else {}
    rule = rule[0] if isinstance(rule, list) else rule
    key = rule.get("ApplyServerSideEncryptionByDefault", {}).get("KMSMasterKeyID")
    return None if key is None else str(key)


def put_object(partition: str, bucket: str, key: str, value: bytes) -> None:
    """Store an object in a bucket that exists, with the encryption and the versioning that the bucket has."""
    models = loaded("moto.s3.models")
    assert models is not None
    _, account_id = models.s3_backends.bucket_accounts[bucket]
    models.s3_backends[account_id][partition].put_object(bucket, key, value)


def _has_bytes(stored: Any) -> bool:
    # What a versioned bucket keeps of a deleted object is a marker, which has none.
    return hasattr(stored, "contentsize")


def _data_object(bucket: str, key: str, stored: Any) -> DataObject:
    # The names that Amazon's encryption clients note the key of an object under.
    is_sealed = any(name in stored.metadata for name in ("x-amz-meta-x-amz-key-v2", "x-amz-meta-x-amz-key"))
    return DataObject(bucket, key, stored.size, stored.kms_key_id, is_sealed, stored)


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
