"""Which operation a request is for, and what stands in the labels of its path."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

# An ARN in the last label may stand there with its slashes as they are, from senders that didn't encode them.
_ARN = ("arn:", "arn%3A", "arn%3a")
# No segment has a slash, so these can't be taken for one.
_LABEL, _END = "/", "//"


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
    """All operations of a service, as a tree of path segments; where a word and a label may stand, the word goes first.

    :param uris: method and path of the model, by operation.
    """

    def __init__(self, uris: dict[str, tuple[str, str]]) -> None:
        self._roots: dict[str, dict[str, Any]] = {}
        for operation, (method, uri) in uris.items():
            node = self._roots.setdefault(method, {})
            for segment in _segments(uri):
                node = node.setdefault(_LABEL if segment.startswith("{") else segment, {})
            node[_END] = operation

    def match(self, method: str, segments: list[str]) -> str | None:
        """Return the name of the operation, or ``None``."""
        return self._descend(self._roots.get(method, {}), segments, 0)

    def _descend(self, node: dict[str, Any], segments: list[str], at: int) -> str | None:
        whole: str | None = None  # the operation for which all that follows belongs to the ARN in its last label
        for segment in segments[at:]:
            at += 1
            child, label = node.get(segment), node.get(_LABEL)
            if child is not None and label is not None:
                if found := self._descend(child, segments, at):
                    return found
                child = None
            if child is None:
                if label is None:
                    return whole
                child = label
                if segment.startswith(_ARN):
                    whole = label.get(_END)
            node = child
        return node.get(_END, whole)
