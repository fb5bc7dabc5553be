"""What members keep under their memberships, and the life that all of it shares.

A resource is created under an ACTIVE membership, found and listed there by its owner and in the collaboration by every active member, tagged,
counted against a quota, and deleted. A new kind is a subclass of :class:`Resource` with a :class:`Kind`, and the rules of its own.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from inspect import Parameter, Signature
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple, TypeVar

from cleanrooms_mock.cleanrooms.access import collaboration_of_participant, denied, own_membership
from cleanrooms_mock.cleanrooms.errors import ConflictException, ResourceNotFoundException, ResourceType, invalid_field
from cleanrooms_mock.cleanrooms.ids import new_id, now
from cleanrooms_mock.cleanrooms.objects import shown
from cleanrooms_mock.cleanrooms.service import Caller, operation
from cleanrooms_mock.rules import DOCUMENTED, INFERRED, SEEN, behaviour, rule

if TYPE_CHECKING:
    from collections.abc import Callable

    from cleanrooms_mock.cleanrooms.collaborations import Collaboration
    from cleanrooms_mock.cleanrooms.members import Member
    from cleanrooms_mock.cleanrooms.memberships import Membership
    from cleanrooms_mock.cleanrooms.quotas import Quota
    from cleanrooms_mock.protocol import Listing, Register


class Kind(NamedTuple):
    """A kind of resource that is kept under a membership.

    :ivar path: its name in an ARN.
    :ivar noun: its name in messages.
    :ivar resource_type: what exceptions call it; a kind for which the model has no name goes by its container's.
    :ivar quota: how many a membership may have, or ``None``.
    """

    path: str
    noun: str
    resource_type: ResourceType = "MEMBERSHIP"
    quota: Quota | None = None


@dataclass(slots=True, eq=False, kw_only=True)
class Resource:
    """A resource under a membership; what it is called by others follows from there."""

    kind: ClassVar[Kind]

    membership: Membership
    id: str
    arn: str
    create_time: float
    update_time: float
    tags: dict[str, str] = field(default_factory=dict)

    membership_id = shown("membership.id")
    membership_arn = shown("membership.arn")
    collaboration_id = shown("membership.collaboration_id")
    collaboration_arn = shown("membership.collaboration_arn")
    creator_account_id = shown("membership.member.account_id")

    def enter(self) -> None:
        """Show it to the collaboration."""
        self.membership.member.collaboration.resources[self.kind.path].add(self.id, self)

    def leave(self) -> None:
        """Take it out of the collaboration's sight."""
        self.membership.member.collaboration.resources[self.kind.path].discard(self.id)

    def lose_base(self, gone: Resource, time: float) -> None:
        """Take note that a resource of the collaboration is gone; whoever is built on such things overrides this."""


R = TypeVar("R", bound=Resource)
CommonOperation = Literal["get", "list", "delete", "get_collaboration", "list_collaboration"]


def identity(membership: Membership, kind: Kind) -> dict[str, Any]:
    """Return the arguments that every new resource of ``kind`` has in common."""
    resource_id, time = new_id(), now()
    return {
        "membership": membership,
        "id": resource_id,
        "arn": f"{membership.arn}/{kind.path}/{resource_id}",
        "create_time": time,
        "update_time": time,
    }


def resources_of(owner: Membership | Collaboration, kind: type[R]) -> Register[R]:
    """Return the resources of a kind that a membership or a collaboration has, in order of creation."""
    register: Register[R] = owner.resources[kind.kind.path]
    return register


def keep(caller: Caller, resource: Resource) -> None:
    """Give a new resource to its membership and show it to the collaboration."""
    resource.membership.resources[resource.kind.path].add(resource.id, resource)
    resource.enter()
    caller.backend.keep(resource)


behaviour(
    "LIFE-35",
    "A deleted resource's tags vanish with it.",
    source="inferred: API reference TagResource",
    status=INFERRED,
)


def drop(caller: Caller, resource: Resource) -> None:
    """Delete a resource."""
    resource.membership.resources[resource.kind.path].remove(resource.id)
    caller.backend.drop(resource)
    withdraw(resource, now())


behaviour(
    "LIFE-10",
    "When a member is removed or leaves, what it kept under its membership vanishes from all views of the collaboration; its owner keeps it.",
    source="user guide: remove member; API reference DeleteMember",
    status=DOCUMENTED,
)


def withdraw_all(membership: Membership, time: float) -> None:
    """Take everything of a membership out of the collaboration."""
    for register in membership.resources.values():
        for resource in register:
            withdraw(resource, time)


def withdraw(resource: Resource, time: float) -> None:
    """Take a resource out of the collaboration's sight, and let others know that were built on it."""
    resource.leave()
    collaboration = resource.membership.member.collaboration
    # Once a member is removed, what it keeps is in its membership alone.
    registers = [*collaboration.resources.values(), *resource.membership.resources.values()]
    for other in dict.fromkeys(other for register in registers for other in register):
        other.lose_base(resource, time)


@rule(
    "LIFE-13",
    source="inferred: members keep access to what is theirs, and need deletes to clean up (user guide: delete collaboration)",
    status=INFERRED,
    answer="AccessDeniedException INSUFFICIENT_PERMISSIONS",
)
def active_membership(caller: Caller, membership_id: str) -> Membership:
    """In a membership that is REMOVED or COLLABORATION_DELETED resources can be read, listed and deleted, but not created, updated, populated or
    started.
    """
    membership = own_membership(caller, membership_id)
    if membership.status != "ACTIVE":
        raise denied(caller.account_id, f"membership {membership.id} is {membership.status}")
    return membership


@rule(
    "LIFE-24",
    source="inferred: the service model's four types, see ERR-11",
    status=INFERRED,
    answer="ResourceNotFoundException",
)
def existing(resource: R | None, resource_type: ResourceType, resource_id: str, message: str) -> R:
    """A resource that doesn't exist under a membership or in a collaboration isn't found. `resourceType` is its own where the model has one, else its
    container's; `resourceId` is what was asked for.
    """
    if resource is None:
        raise ResourceNotFoundException(resource_type, resource_id, message)
    return resource


def resource_of_membership(membership: Membership, kind: type[R], resource_id: str) -> R:
    """Return a resource under a membership."""
    return existing(
        resources_of(membership, kind).get(resource_id),
        kind.kind.resource_type,
        resource_id,
        f"Membership {membership.id} has no {kind.kind.noun} {resource_id}.",
    )


def own_resource(caller: Caller, membership_id: str, kind: type[R], resource_id: str) -> R:
    """Return a resource of the caller's, to read or delete it."""
    return resource_of_membership(own_membership(caller, membership_id), kind, resource_id)


def own_resource_to_change(caller: Caller, membership_id: str, kind: type[R], resource_id: str) -> R:
    """Return a resource of the caller's, to update, populate or start it."""
    return resource_of_membership(active_membership(caller, membership_id), kind, resource_id)


def own_resources(caller: Caller, membership_id: str, kind: type[R]) -> Listing[R]:
    """Return the caller's resources of a kind, to list them."""
    return resources_of(own_membership(caller, membership_id), kind)


behaviour(
    "LIFE-22",
    "An operation on a membership that doesn't exist or is another account's, of the same collaboration too, doesn't find it.",
    source="aws-sdk-pandas#2380",
    status=SEEN,
)
behaviour(
    "LIFE-20",
    "An operation on a collaboration that doesn't exist or was deleted doesn't find it, a stranger's or a former member's is denied.",
    source="inferred: see ERR-8",
    status=INFERRED,
)


@rule(
    "LIFE-21",
    source="inferred: see COL-31",
    status=INFERRED,
    answer="AccessDeniedException INSUFFICIENT_PERMISSIONS",
)
def active_member(caller: Caller, collaboration_id: str) -> Member:
    """What members keep in a collaboration is seen by members that have joined it."""
    member = collaboration_of_participant(caller, collaboration_id)
    if member.status != "ACTIVE":
        raise denied(caller.account_id, f"you haven't joined collaboration {collaboration_id}")
    return member


def resource_of_collaboration(caller: Caller, collaboration_id: str, kind: type[R], resource_id: str) -> R:
    """Return a member's resource, as every active member of the collaboration sees it."""
    return existing(
        shared_resources(caller, collaboration_id, kind).get(resource_id),
        "COLLABORATION",
        resource_id,
        f"Collaboration {collaboration_id} has no {kind.kind.noun} {resource_id}.",
    )


def shared_resources(caller: Caller, collaboration_id: str, kind: type[R]) -> Register[R]:
    """Return all members' resources of a kind, as every active member of the collaboration sees them."""
    return resources_of(active_member(caller, collaboration_id).collaboration, kind)


def answer_for(kind: type[Resource], name: str, *operations: CommonOperation) -> None:
    """Register operations that do for this kind of resource what they do for every other.

    :param name: what operations call it, such as ``id_mapping_table``.
    :param operations: to get, list and delete the caller's own, to get and list all members' in the collaboration.
    """
    identifier = f"{name}_identifier"

    def get(caller: Caller, *, membership_identifier: str, **identifiers: str) -> Resource:
        return own_resource(caller, membership_identifier, kind, identifiers[identifier])

    def list_(caller: Caller, *, membership_identifier: str) -> Listing[Resource]:
        return own_resources(caller, membership_identifier, kind)

    def delete(caller: Caller, *, membership_identifier: str, **identifiers: str) -> None:
        drop(caller, own_resource(caller, membership_identifier, kind, identifiers[identifier]))

    def get_collaboration(caller: Caller, *, collaboration_identifier: str, **identifiers: str) -> Resource:
        return resource_of_collaboration(caller, collaboration_identifier, kind, identifiers[identifier])

    def list_collaboration(caller: Caller, *, collaboration_identifier: str) -> Listing[Resource]:
        return shared_resources(caller, collaboration_identifier, kind)

    functions: dict[CommonOperation, tuple[str, Callable[..., Any], list[str]]] = {
        "get": (f"get_{name}", get, ["membership_identifier", identifier]),
        "list": (f"list_{name}s", list_, ["membership_identifier"]),
        "delete": (f"delete_{name}", delete, ["membership_identifier", identifier]),
        "get_collaboration": (f"get_collaboration_{name}", get_collaboration, ["collaboration_identifier", identifier]),
        "list_collaboration": (f"list_collaboration_{name}s", list_collaboration, ["collaboration_identifier"]),
    }
    for one in operations:
        operation_name, function, identifiers = functions[one]
        function.__name__, function.__module__ = operation_name, kind.__module__
        function.__signature__ = Signature(  # type: ignore[attr-defined]
            [
                Parameter("caller", Parameter.POSITIONAL_OR_KEYWORD),
                *(Parameter(each, Parameter.KEYWORD_ONLY) for each in identifiers),
            ]
        )
        operation(function)


@rule(
    "LIFE-26",
    source="API reference; that everything else is open is inferred",
    status=DOCUMENTED,
    answer="AccessDeniedException INSUFFICIENT_PERMISSIONS",
)
def member_has_ability(membership: Membership, ability: str) -> None:
    """Abilities gate only intermediate tables (CAN_QUERY), PySpark templates (CAN_RECEIVE_RESULTS), log exports, queries and jobs; everything else is
    open to every active member.
    """
    if ability not in membership.member.abilities:
        raise denied(membership.member.account_id, f"you don't have the ability {ability}")


def within_quota(caller: Caller, membership: Membership, kind: type[Resource]) -> None:
    """Refuse one more resource than the kind's quota allows under a membership."""
    if kind.kind.quota is not None:
        caller.controls.quotas.check(kind.kind.quota, len(resources_of(membership, kind)))


def name_is_free(membership: Membership, kind: type[R], name: str) -> None:
    """Refuse a new resource a name that one of its kind has under the membership; which rule says so is the caller's."""
    for other in resources_of(membership, kind):
        if other.name == name:  # type: ignore[attr-defined]
            raise already_exists(other, f"Membership {membership.id} has a {kind.kind.noun} named {name}: {other.id}.")


def new_name_is_free(resource: Resource, name: str | None) -> None:
    """As :func:`name_is_free`, for an update, which models no conflict."""
    for other in resources_of(resource.membership, type(resource)):
        if other is not resource and other.name == name:  # type: ignore[attr-defined]
            raise invalid_field("name", f"another {resource.kind.noun} of the membership is named {name}")


def already_exists(resource: Resource, message: str) -> ConflictException:
    """Return the conflict with a resource that exists."""
    return ConflictException("ALREADY_EXISTS", resource.kind.resource_type, resource.id, message)


def invalid_state(resource: Resource, message: str) -> ConflictException:
    """Return the conflict with the state that a resource is in."""
    return ConflictException("INVALID_STATE", resource.kind.resource_type, resource.id, message)


behaviour(
    "LIFE-36",
    "`createTime` never moves. `updateTime` moves when the resource itself is updated, not what hangs on it.",
    source="recorded GetConfiguredTable",
    status=SEEN,
)
behaviour(
    "LIFE-37",
    "Membership ids and ARNs in an answer are the owner's; views of the collaboration give `creatorAccountId` instead.",
    source="service model",
    status=DOCUMENTED,
)
behaviour(
    "LIFE-1",
    "Analysis templates, privacy budget templates, ID mapping tables, ID namespace and audience model associations and collaborations can always be deleted: their operations model no conflict.",
    source="service model",
    status=DOCUMENTED,
)
behaviour(
    "LIFE-2",
    "What keeps a membership from being deleted: see MEM-36. Queries, jobs and log exports don't.",
    source="API reference DeleteMembership; terraform-provider-awscc#3000",
    status=SEEN,
)
behaviour(
    "LIFE-3",
    "What keeps the creator's membership from being deleted comes first: see MEM-35.",
    source="terraform-provider-aws membership.go",
    status=SEEN,
)
behaviour(
    "LIFE-4",
    "Configured tables, associations and their analysis rules can be deleted whatever is built on them; the conflict that these operations model is one of concurrent changes.",
    source="inferred, as TAB-22",
    status=INFERRED,
)
behaviour(
    "LIFE-5",
    "A second delete of the same thing doesn't find it, but for intermediate tables.",
    source="terraform-provider-aws configured_table.go",
    status=SEEN,
)
behaviour(
    "LIFE-11",
    "A member that leaves has nothing under its membership any more, and can't join again.",
    source="user guide: leave collaboration",
    status=DOCUMENTED,
)
behaviour(
    "LIFE-12",
    "After a collaboration is deleted all views of it are closed, while its members still read and delete what is under their memberships.",
    source="user guide: delete collaboration; that the views are closed is inferred",
    status=DOCUMENTED,
)
behaviour(
    "LIFE-23",
    "A resource under another one of the caller's memberships is as unknown as any: see LIFE-24.",
    source="inferred",
    status=INFERRED,
)
behaviour(
    "LIFE-30",
    "Pages of lists have 100 items unless maxResults says otherwise. A nextToken is there only if another page is, and is good for its own list and filters only: see ERR-13, ERR-14.",
    source="API reference, all list operations; page size and tokens are inferred",
    status=DOCUMENTED,
)
behaviour(
    "LIFE-31",
    "Every list operation takes nextToken and maxResults; where there is nothing the list is empty.",
    source="service model",
    status=DOCUMENTED,
)
behaviour(
    "LIFE-32",
    "Log exports and versions of intermediate tables are listed newest first, everything else in order of creation, which is our choice.",
    source="API reference",
    status=DOCUMENTED,
)
behaviour(
    "LIFE-33",
    "Deletes answer 204 without a body, everything else 200.",
    source="service model",
    status=DOCUMENTED,
)
behaviour(
    "LIFE-34",
    "ARNs of what is under a membership are longer than the model's maximum for tagged resources: see TAG-3.",
    source="AWS's CloudFormation handlers",
    status=SEEN,
)
