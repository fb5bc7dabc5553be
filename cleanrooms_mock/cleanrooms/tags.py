"""Tags of the service's resources, through its own operations and through the Resource Groups Tagging API."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from cleanrooms_mock.cleanrooms.backend import CleanRoomsBackend, Taggable
from cleanrooms_mock.cleanrooms.errors import ResourceNotFoundException, ResourceType, invalid_field
from cleanrooms_mock.cleanrooms.service import operation
from cleanrooms_mock.protocol.patterns import compile_pattern
from cleanrooms_mock.rules import DOCUMENTED, INFERRED, SEEN, behaviour, rule

if TYPE_CHECKING:
    from cleanrooms_mock.cleanrooms.service import Caller

_LIMIT = 50
_RESERVED = "aws:"
_allowed = compile_pattern(r"[\p{L}\p{Z}\p{N}_.:/=+@-]+")
_RESOURCE_TYPES: dict[str, ResourceType] = {
    "collaboration": "COLLABORATION",
    "configuredtable": "CONFIGURED_TABLE",
    "configuredtableassociation": "CONFIGURED_TABLE_ASSOCIATION",
}

behaviour(
    "TAG-1",
    "Collaborations, memberships and configured tables can be tagged, and everything that is kept under a membership but log exports.",
    source="service authorization reference",
    status=DOCUMENTED,
)
behaviour(
    "TAG-2",
    "Change requests, analysis rules, schemas and log exports can't be tagged: there is no ARN for them.",
    source="inferred from the list of resource types in the service authorization reference",
    status=INFERRED,
)
behaviour(
    "TAG-6",
    "TagResource adds and overwrites, other tags stay; an empty map changes nothing.",
    source="AWS tagging practice",
    status=DOCUMENTED,
)
behaviour(
    "TAG-7",
    "UntagResource takes its keys from the query string, ignores those that aren't there, and answers 200 with an empty body.",
    source="service model; that unknown keys are ignored is inferred",
    status=DOCUMENTED,
)
behaviour(
    "TAG-8",
    "ListTagsForResource always has `tags`, empty when there are none.",
    source="recorded ListTagsForResource",
    status=SEEN,
)
behaviour(
    "TAG-12",
    "Tagging doesn't move a resource's updateTime. Tags go away with their resource.",
    source="inferred",
    status=INFERRED,
)
behaviour(
    "TAG-13",
    "A membership's tags can be read and changed in every status, as long as it exists.",
    source="inferred",
    status=INFERRED,
)
behaviour(
    "TAG-14",
    "The Resource Groups Tagging API reads, sets and removes the tags of the caller's collaborations, memberships and configured tables. One whose tags were all "
    "removed is still listed, with none. It takes moto 5.2.3 or newer.",
    source="recorded tagging GetResources",
    status=SEEN,
)
behaviour(
    "TAG-15",
    "Tags given to a create call are stored in the same step.",
    source="service authorization reference",
    status=DOCUMENTED,
)


@operation
def tag_resource(caller: Caller, *, resource_arn: str, tags: dict[str, str]) -> None:
    add_tags(caller.backend, resource_arn, tags)


@operation
def untag_resource(caller: Caller, *, resource_arn: str, tag_keys: list[str]) -> None:
    remove_tags(caller.backend, resource_arn, tag_keys)


@operation
def list_tags_for_resource(caller: Caller, *, resource_arn: str) -> dict[str, str]:
    return own_resource(caller.backend, resource_arn).tags


def add_tags(backend: CleanRoomsBackend, arn: str, tags: dict[str, str]) -> None:
    """Give ``tags`` to the resource ``arn``."""
    resource = own_resource(backend, arn)
    resource.tags.update(check_tags(tags, already=resource.tags))
    backend.keep(resource)


def remove_tags(backend: CleanRoomsBackend, arn: str, tag_keys: list[str]) -> None:
    """Take the tags with these keys from the resource ``arn``."""
    resource = own_resource(backend, arn)
    keys_are_not_reserved(tag_keys, "tagKeys")
    for key in tag_keys:
        resource.tags.pop(key, None)


def check_tags(tags: dict[str, str] | None, already: Iterable[str] = ()) -> dict[str, str]:
    """Return ``tags``, once they have passed the rules for the tags of a resource that has those ``already``."""
    if not tags:
        return {}
    keys_are_not_reserved(tags, "tags")
    characters_are_allowed(tags)
    not_too_many({*tags, *already})
    return tags


@rule(
    "TAG-4",
    source="inferred: the tag operations model no other exception that fits",
    status=INFERRED,
    answer="ResourceNotFoundException",
)
def own_resource(backend: CleanRoomsBackend, arn: str) -> Taggable:
    """A resource that doesn't exist, or is of another account or Region, isn't found; `resourceType` follows from the ARN, `resourceId` is its
    last part.
    """
    resource = backend.taggable.get(arn)
    if resource is None:
        path = arn.split(":", 5)[5].split("/")
        kind = path[-2] if len(path) > 1 else ""
        raise ResourceNotFoundException(
            _RESOURCE_TYPES.get(kind, "MEMBERSHIP"), path[-1], f"No resource {arn} was found."
        )
    return resource


behaviour(
    "TAG-5",
    "A collaboration's tags are its creator's, who alone reads and changes them; a membership's are its owner's. Others don't find the resource, "
    "which is inferred.",
    source="user guide: edit-collaboration",
    status=DOCUMENTED,
)


@rule(
    "TAG-10",
    source="inferred: AWS-wide rule for tags",
    status=INFERRED,
    answer="ValidationException FIELD_VALIDATION_FAILED",
)
def keys_are_not_reserved(keys: Iterable[str], field: str) -> None:
    """Keys that begin with `aws:`, in any case, are AWS's own."""
    for key in keys:
        if key.lower().startswith(_RESERVED):
            raise invalid_field(field, f"tag key {key!r} begins with 'aws:', which is reserved")


@rule(
    "TAG-11",
    source="service model; the characters are inferred from AWS-wide rules for tags",
    status=INFERRED,
    answer="ValidationException FIELD_VALIDATION_FAILED",
)
def characters_are_allowed(tags: dict[str, str]) -> None:
    """Keys have 1 to 128 characters and values up to 256: letters, digits, spaces and `+ - = . _ : / @`. Keys are case-sensitive."""
    for key, value in tags.items():
        for text in (key, value):
            if text and not _allowed(text):
                raise invalid_field(
                    "tags", f"tag {key!r} has a character other than letters, digits, spaces and + - = . _ : / @"
                )


@rule(
    "TAG-9",
    source="inferred: AWS-wide limit of tags",
    status=INFERRED,
    answer="ValidationException FIELD_VALIDATION_FAILED",
)
def not_too_many(keys: set[str]) -> None:
    """A resource has at most 50 tags, those that it had and those that are added taken together."""
    if len(keys) > _LIMIT:
        raise invalid_field("tags", f"a resource can have at most {_LIMIT} tags, not {len(keys)}")
