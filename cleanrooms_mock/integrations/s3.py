"""Buckets in moto's S3."""

from __future__ import annotations

from cleanrooms_mock.integrations import loaded


def bucket_region(partition: str, bucket: str) -> str | None:
    """Return the Region of ``bucket``, whosever it is, or ``None`` if there is no such bucket."""
    models = loaded("moto.s3.models")
    owner = None if models is None else models.s3_backends.bucket_accounts.get(bucket)
    if models is None or owner is None or owner[0] != partition:
        return None
    region_name: str = models.s3_backends[owner[1]][partition].buckets[bucket].region_name
    return region_name


def has_buckets(partition: str, account_id: str) -> bool:
    """Whether the account has made any bucket."""
    models = loaded("moto.s3.models")
    return models is not None and (partition, account_id) in models.s3_backends.bucket_accounts.values()
