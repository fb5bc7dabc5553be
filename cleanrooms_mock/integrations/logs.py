"""Log groups, streams and events in moto's CloudWatch Logs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cleanrooms_mock.integrations import loaded


def make_group(account_id: str, region_name: str, group: str) -> None:
    """Make a log group, if the account hasn't got it."""
    backend = _backend(account_id, region_name)
    if backend is None:
        # A service that makes something in an account can't wait until the test has used CloudWatch Logs itself.
        from moto.logs.models import logs_backends

        backend = logs_backends[account_id][region_name]
    backend.ensure_log_group(group)


def write(account_id: str, region_name: str, group: str, stream: str, events: Sequence[tuple[float, str]]) -> None:
    """Write events into a stream of a group; nothing, if the account hasn't got the group any more.

    :param events: times in seconds since the epoch, in their order, and texts.
    """
    backend = _backend(account_id, region_name)
    if backend is None or group not in backend.groups:
        return
    if stream not in backend.groups[group].streams:
        backend.create_log_stream(group, stream)
    entries = [{"timestamp": round(time * 1000), "message": text} for time, text in events]
    # Past the backend's own look at the present time, which isn't the mock's where a test has stopped moto's clock.
    backend.groups[group].put_log_events(stream, entries)


def _backend(account_id: str, region_name: str) -> Any | None:
    models = loaded("moto.logs.models")
    if models is None or account_id not in dict.keys(models.logs_backends):
        return None
    regions = models.logs_backends[account_id]
    return regions[region_name] if region_name in dict.keys(regions) else None
