"""Buckets in moto's S3."""

from __future__ import annotations

from typing import Any

from cleanrooms_mock.integrations import loaded


def bucket_region(partition: str, bucket: str) -> str | None:
    """Return the Region of ``bucket``, whosever it is, or ``None`` if there is no such bucket."""
    models = loaded("moto.s3.models")
    owner = None if models is None else models.s3_backends.bucket_accounts.get(bucket)
    if owner is None or owner[0] != partition:
        return None
    # moto lists the storage of S3 Tables among the names of buckets, too.
    found = _buckets(partition, owner[1]).get(bucket)
    return None if found is None else str(found.region_name)


def has_buckets(partition: str, account_id: str) -> bool:
    """Whether the account has made any bucket."""
    return bool(_buckets(partition, account_id))


def _buckets(partition: str, account_id: str) -> dict[str, Any]:
    models = loaded("moto.s3.models")
    if models is None or account_id not in dict.keys(models.s3_backends):
        return {}
    account = models.s3_backends[account_id]
    buckets: dict[str, Any] = account[partition].buckets if partition in dict.keys(account) else {}
    return buckets
