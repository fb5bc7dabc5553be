"""The objects that a table's data are in, and their way into the query's folder."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from cleanrooms_mock.analysis.data_rules import bucket_exists, format_is_supported, role_may, unreadable
from cleanrooms_mock.integrations import s3
from cleanrooms_mock.integrations.s3 import DataObject

_LOCATION = re.compile(r"s3[an]?://([^/]+)(?:/+(.*))?", re.DOTALL)


class Role(NamedTuple):
    """The role that a table is read with.

    :ivar strict: whether it is checked even where no role was ever made.
    """

    arn: str
    strict: bool


@dataclass(slots=True)
class Objects:
    """The objects of one table.

    :ivar table: what the collaboration calls the table.
    :ivar partition: such as ``aws``.
    :ivar folder: where copies go.
    :ivar role: ``None`` if nobody's rights are to be checked.
    """

    table: str
    partition: str
    folder: Path
    role: Role | None
    _copies: int = 0

    def below(self, location: str | None) -> list[DataObject]:
        """Return the objects of a location that have bytes, in the order of their keys, but for hidden ones.

        :raises Refusal: if it is no location in S3, its bucket doesn't exist, or the role may not read it.
        """
        bucket, prefix = self._parsed(location)
        found = bucket_exists(self.table, str(location), s3.objects_below(self.partition, bucket, prefix))
        self._permitted([("s3:ListBucket", f"arn:{self.partition}:s3:::{bucket}")])
        return [
            one
            for one in found
            if one.size and _is_data(one.key[len(prefix) :], is_folder=prefix.endswith("/") or not prefix)
        ]

    def at(self, uri: str) -> DataObject:
        """Return one object.

        :raises Refusal: if it doesn't exist.
        """
        bucket, key = self._parsed(uri)
        one = s3.object_at(self.partition, bucket, key)
        if one is None:
            raise unreadable(self.table, uri, "doesn't exist")
        return one

    def copy(self, one: DataObject) -> Path:
        """Copy an object into the folder and return where it is.

        :raises Refusal: if the role may not read it, or nobody can.
        """
        format_is_supported(
            self.table,
            unsupported=f"has {one.uri}, which was encrypted before it came to S3" if one.is_sealed else None,
        )
        self._permitted(self._needed(one))
        self._copies += 1
        # Names of tables have no dots, so that no two have a file of one name.
        path = self.folder / f"{self.table}.{self._copies:06}.parquet"
        try:
            one.copy_to(path)
        except FileNotFoundError as error:
            raise unreadable(self.table, one.uri, "was deleted while it was read") from error
        return path

    def _permitted(self, needed: Iterator[tuple[str, str]] | list[tuple[str, str]]) -> None:
        if self.role is not None:
            role_may(self.table, self.partition, self.role.arn, needed, strict=self.role.strict)

    def _needed(self, one: DataObject) -> Iterator[tuple[str, str]]:
        yield "s3:GetObject", f"arn:{self.partition}:s3:::{one.bucket}/{one.key}"
        if one.kms_key is not None and "alias/" not in one.kms_key:
            yield "kms:Decrypt", one.kms_key if one.kms_key.startswith("arn:") else self._key_arn(one)

    def _key_arn(self, one: DataObject) -> str:
        assert self.role is not None
        account_id = self.role.arn.split(":")[4]
        return f"arn:{self.partition}:kms:{s3.bucket_region(self.partition, one.bucket)}:{account_id}:key/{one.kms_key}"

    def _parsed(self, location: str | None) -> tuple[str, str]:
        found = _LOCATION.fullmatch(location or "")
        format_is_supported(
            self.table,
            unsupported=None if found else f"has no location in Amazon S3, such as s3://bucket/prefix/, but {location}",
        )
        assert found is not None
        return found[1], found[2] or ""


def _is_data(path: str, *, is_folder: bool) -> bool:
    """Whether an object belongs to a location, by what its key has behind it: nothing that Spark hides, nor what another location has."""
    if not is_folder and path and not path.startswith("/"):
        return False
    names = path.lstrip("/").split("/")
    return (not path or bool(names[-1])) and not any(
        name.startswith(".") or (name.startswith("_") and "=" not in name) for name in names
    )
