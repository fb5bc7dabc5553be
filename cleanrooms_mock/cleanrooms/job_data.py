"""What a job runs on: its script and libraries as they were when the template was made, and the whole of its tables."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from cleanrooms_mock.analysis.refusals import Refusal
from cleanrooms_mock.cleanrooms.query_data import Place, source_of
from cleanrooms_mock.integrations import glue, s3
from cleanrooms_mock.rules import DOCUMENTED, rule

if TYPE_CHECKING:
    from cleanrooms_mock.analysis.sources import Source
    from cleanrooms_mock.cleanrooms.template_sources import Artifact

#: Of all artifacts of a template, in bytes.
MOST_BYTES = 1_000_000_000


@rule(
    "PJ-16",
    source="user guide: PySpark templates; the codes are inferred",
    status=DOCUMENTED,
    answer="FAILED INVALID_RESOURCE or RESOURCE_NOT_FOUND",
)
def artifact_is_unchanged(artifact: Artifact, stored: s3.StoredObject | None) -> None:
    """A job runs its template's artifacts as they were when the template was made: the object's newest version is still that one, with the same SHA-256. Of
    one that couldn't be looked up then, whatever is stored is taken. All of a template together have no more than 1 GB.
    """
    name = f"s3://{artifact.bucket}/{artifact.key}"
    if stored is None:
        raise Refusal("RESOURCE_NOT_FOUND", f"The analysis template's artifact {name} doesn't exist")
    if artifact.version_id is not None and stored != (artifact.version_id, artifact.sha256):
        raise Refusal("INVALID_RESOURCE", f"Artifact {name} has been modified since the analysis template was created")


def stored_artifacts(artifacts: Sequence[Artifact], folder: Path, *, partition: str) -> list[Path]:
    """Bring the artifacts of a template into a folder, each into one of its own, under its own name.

    :param partition: the partition of the Region.
    :raises Refusal: for one that has been changed or deleted, and for too many bytes of all.
    """
    paths, room = [], MOST_BYTES
    for number, artifact in enumerate(artifacts):
        artifact_is_unchanged(artifact, s3.find_object(partition, artifact.bucket, artifact.key))
        found = s3.object_at(partition, artifact.bucket, artifact.key)
        assert found is not None
        room -= found.size
        if room < 0:
            raise Refusal("INVALID_RESOURCE", f"The analysis template's artifacts have more than {MOST_BYTES} bytes")
        path = folder / str(number) / _file_name(artifact.key)
        path.parent.mkdir(parents=True)
        found.copy_to(path)
        if artifact.version_id is not None and _sha256(path) != artifact.sha256:
            # It was uploaded with a checksum that is another file's.
            raise Refusal("INVALID_RESOURCE", f"Artifact {found.uri} isn't what its SHA-256 says")
        paths.append(path)
    return paths


def whole_sources(
    places: Iterable[Place], names: Iterable[str], folder: Path, *, partition: str, strict: bool
) -> dict[str, Source]:
    """Bring the data of a job's tables into its folder, all columns that they allow.

    :param names: the tables as the script calls them.
    :param partition: the partition of the Region.
    :returns: a source for each of those names.
    :raises Refusal: for data that can't be read, and for what jobs can't read.
    """
    from cleanrooms_mock.analysis.jobs import format_is_for_jobs

    found = {}
    for place in places:
        format_is_for_jobs(place.table.name, is_iceberg=_is_iceberg(place))
        columns = frozenset(place.table.columns)
        found[place.table.name] = source_of(place, columns, folder, partition=partition, strict=strict)
    return {name: found[name.lower()] for name in names}


def _is_iceberg(place: Place) -> bool:
    stored = None if place.reference is None else glue.find_stored_table(*place.reference)
    return stored is not None and stored.parameters.get("table_type", "").upper() == "ICEBERG"


def _file_name(key: str) -> str:
    """Return the last part of a key as the name of a file, which every key has one of."""
    name = PurePosixPath(key).name.replace("\0", "_")[-100:]
    return "artifact" if name in ("", "..") else name


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        digest = hashlib.sha256()
        while part := file.read(1 << 20):
            digest.update(part)
    return digest.hexdigest()
