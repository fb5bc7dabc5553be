"""Which operation a request is for, and what stands in the labels of its path."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

# An ARN in the last label may stand there with its slashes as they are, from senders that didn't encode them.
_ARN = ("arn:", "arn%3A", "arn%3a")


class Template:
    """A request path of the model, such as ``/memberships/{membershipIdentifier}/protectedQueries``."""

    def __init__(self, uri: str) -> None:
        self.segments = _segments(uri)
        self.labels = tuple(
            (at, step[1:-1].rstrip("+")) for at, step in enumerate(self.segments) if step.startswith("{")
        )
        self._literals = tuple((at, step) for at, step in enumerate(self.segments) if not step.startswith("{"))

    def read(self, segments: list[str]) -> dict[str, str] | None:
        """Return the labels' values, or ``None`` if the path isn't of this form."""
        if len(segments) < len(self.segments):
            return None
        last = len(self.segments) - 1
        if len(segments) > last + 1:
            if not segments[last].startswith(_ARN):
                return None
            segments = [*segments[:last], "/".join(segments[last:])]
        for at, literal in self._literals:
            if segments[at] != literal:
                return None
        return {name: unquote(segments[at]) if "%" in segments[at] else segments[at] for at, name in self.labels}


def _segments(uri: str) -> list[str]:
    return uri.split("?", 1)[0].split("/")


class Router:
    """All operations of a service, as a tree of path segments.

    :param uris: method and path of the model, by operation.
    """

    def __init__(self, uris: dict[str, tuple[str, str]]) -> None:
        self._roots: dict[str, dict[str | None, Any]] = {}
        for operation, (method, uri) in uris.items():
            node = self._roots.setdefault(method, {})
            for segment in _segments(uri):
                node = node.setdefault(None if segment.startswith("{") else segment, {})
            node["/"] = operation

    def match(self, method: str, segments: list[str]) -> str | None:
        """Return the name of the operation, or ``None``."""
        return self._descend(self._roots.get(method, {}), segments, 0)

    def _descend(self, node: dict[str | None, Any], segments: list[str], at: int) -> str | None:
        if at == len(segments):
            return node.get("/")
        for child in (node.get(segments[at]), node.get(None)):
            if child is not None and (found := self._descend(child, segments, at + 1)):
                return found
        rest = node.get(None)
        return rest.get("/") if rest is not None and segments[at].startswith(_ARN) else None
