"""The state of one account in one Region, kept where moto keeps the state of its own services."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

from moto.core.base_backend import AccountSpecificBackend, BackendDict, BaseBackend, backend_lock

from cleanrooms_mock.cleanrooms.world import World, forget, world_of
from cleanrooms_mock.protocol import Register, ServiceError

if TYPE_CHECKING:
    from cleanrooms_mock.cleanrooms.analysis_runs import AnalysisRun
    from cleanrooms_mock.cleanrooms.configured_tables import ConfiguredTable
    from cleanrooms_mock.cleanrooms.members import Member
    from cleanrooms_mock.cleanrooms.memberships import Membership

try:
    from moto.core.resource_tagging import TaggableResourcesMixin, TaggedResource
except ImportError:  # moto before 5.2.3, whose Resource Groups Tagging API can't be extended

    class TaggableResourcesMixin:  # type: ignore[no-redef]
        """Stands in for moto's."""


class Taggable(Protocol):
    """A resource that has tags."""

    @property
    def arn(self) -> str: ...

    tags: dict[str, str]


class CleanRoomsBackend(BaseBackend, TaggableResourcesMixin):
    """The Clean Rooms state of one account in one Region.

    It holds state and no operations: those are functions in the modules of their resources.

    :ivar world: what this account shares with the others of the Region.
    :ivar memberships: the account's memberships by id, in every status.
    :ivar participations: the account's place in each collaboration it is invited to or active in, by collaboration id.
    :ivar configured_tables: the account's configured tables by id.
    :ivar collaborations_created: how many collaborations it created that still exist.
    :ivar ongoing: its queries and jobs that haven't come to their end, by id.
    :ivar taggable: its resources that can be tagged, by ARN.
    :ivar tagged: those that carry tags or once did, by ARN.
    """

    SERVICE_NAMESPACE = "cleanrooms"

    def __init__(self, region_name: str, account_id: str) -> None:
        super().__init__(region_name, account_id)
        self.memberships: Register[Membership] = Register()
        self.participations: Register[Member] = Register()
        self.configured_tables: Register[ConfiguredTable] = Register()
        self.collaborations_created = 0
        self.ongoing: dict[str, AnalysisRun] = {}
        self.taggable: dict[str, Taggable] = {}
        self.tagged: dict[str, Taggable] = {}

    @property
    def world(self) -> World:
        return world_of(self.region_name)

    def reset(self) -> None:
        forget(self.region_name)
        super().reset()

    def keep(self, resource: Taggable) -> None:
        """Make ``resource`` one that this account can tag, with the tags that it was created with."""
        self.taggable[resource.arn] = resource
        if resource.tags:
            self.tagged[resource.arn] = resource

    def drop(self, resource: Taggable) -> None:
        """Forget ``resource`` and its tags."""
        self.taggable.pop(resource.arn, None)
        self.tagged.pop(resource.arn, None)

    def cancel_runs(self, membership: Membership | None) -> None:
        """End the queries and jobs that are ongoing under a membership that comes to its end."""
        for run in [run for run in self.ongoing.values() if run.membership is membership]:
            run.give_up()

    def iter_tagged_resources(self) -> Iterator[TaggedResource]:
        """Answer moto's Resource Groups Tagging API."""
        for arn, resource in self.tagged.items():
            kind, *ids = arn.split(":", 5)[5].split("/")
            if len(ids) > 1:  # what is under a membership has tags of this service's own operations alone
                continue
            yield TaggedResource(arn, resource.tags, f"cleanrooms:{kind}", {"include_untagged": True})

    def tag_resource(self, arn: str, tags: dict[str, str]) -> None:
        """Answer moto's Resource Groups Tagging API."""
        from cleanrooms_mock.cleanrooms.tags import add_tags

        with self.world.lock, _failures_for_moto():
            add_tags(self, arn, tags)

    def untag_resource(self, arn: str, tag_keys: list[str]) -> None:
        """Answer moto's Resource Groups Tagging API."""
        from cleanrooms_mock.cleanrooms.tags import remove_tags

        with self.world.lock, _failures_for_moto():
            remove_tags(self, arn, tag_keys)

    # moto's server asks its backends for their URLs.

    @property
    def url_bases(self) -> list[str]:
        return [r"https?://cleanrooms\.(.+)\.amazonaws\.com"]

    @property
    def url_paths(self) -> dict[str, Callable[..., Any]]:
        return server_paths

    urls = url_paths


@contextmanager
def _failures_for_moto() -> Iterator[None]:
    """Moto's Resource Groups Tagging API lists a resource as failed on this exception alone."""
    try:
        yield
    except ServiceError as error:
        raise NotImplementedError(error.message) from error


#: What moto's server calls, by path; ``intercept.py`` fills it when it is installed.
server_paths: dict[str, Callable[..., Any]] = {}


class _EveryRegion(AccountSpecificBackend[CleanRoomsBackend]):
    """The backends of one account; moto's own knows only the Regions that botocore lists for a service."""

    __getitem__ = dict.__getitem__

    def __missing__(self, region_name: str) -> CleanRoomsBackend:
        with backend_lock:
            return self.setdefault(region_name, CleanRoomsBackend(region_name, self.account_id))


class _Backends(BackendDict[CleanRoomsBackend]):
    # Each call looks its account up here, and moto would take a lock for that.
    __getitem__ = dict.__getitem__

    def __missing__(self, account_id: str) -> _EveryRegion:
        with backend_lock:
            instances: list[Any] = BackendDict._instances  # type: ignore[misc]
            if not any(instance is self for instance in instances):
                instances.append(self)
            made = _EveryRegion("cleanrooms", account_id, CleanRoomsBackend, False, ["us-east-1"])
            return self.setdefault(account_id, made)  # type: ignore[return-value]


cleanrooms_backends = _Backends(CleanRoomsBackend, "cleanrooms", use_boto3_regions=False)
