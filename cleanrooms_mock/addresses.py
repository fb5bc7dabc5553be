"""Which addresses are the service's, and which operation each of them leads to."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

from cleanrooms_mock.cleanrooms.service import protocol
from cleanrooms_mock.protocol import Operation, Route

#: Every name under which botocore, a VPC endpoint or a hand-written request reaches the service, in every partition.
ENDPOINT = re.compile(
    r"https?://(?:[\w-]+\.)*cleanrooms(?:-fips)?\.(?!s3[.-])(?P<region>[a-z0-9-]+)\.(?:vpce\.)?"
    r"(?:amazonaws\.(?:com(?:\.cn)?|eu)|api\.(?:aws|amazonwebservices\.(?:com\.cn|eu))"
    r"|(?:api\.)?(?:c2s\.ic\.gov|sc2s\.sgov\.gov|csp\.hci\.ic\.gov|cloud\.adc-e\.uk|aws\.(?:ic\.gov|scloud|hci\.ic\.gov)|cloud-aws\.adc-e\.uk))"
    r"(?::\d+)?(?=[/?#]|$)"
)
#: What each of them contains, so that other services' addresses aren't looked into.
_NAME = "cleanrooms"


class Destination(NamedTuple):
    """Where a request goes: the Region, the path, and the operation that the protocol finds for that."""

    region_name: str
    path: str
    route: Route | None


def split(url: str) -> tuple[str, str]:
    """Return the address and the query string of a URL."""
    address, _, query = url.partition("#")[0].partition("?")
    return address, query


def destination_of(method: str, address: str) -> Destination | None:
    """Return where a request leads, or ``None`` if its address isn't the service's."""
    return _destination(method, address) if _NAME in address else None


@lru_cache(maxsize=1024)
def _destination(method: str, address: str) -> Destination | None:
    endpoint = ENDPOINT.match(address)
    if endpoint is None:
        return None
    path = address[endpoint.end() :]
    return Destination(endpoint["region"], path, protocol().route(method, path))


@lru_cache(maxsize=1024)
def destination_of_call(name: str, address: str) -> tuple[str, Operation, Mapping[str, str]] | None:
    """Return the Region of an operation's address, the operation, and what stands in the path's labels; ``None`` if it isn't one of the operation's.

    :param name: the operation's in the model.
    """
    endpoint = ENDPOINT.match(address)
    if endpoint is None:
        return None
    operation = protocol().operation(name)
    labels = operation.template.read(address[endpoint.end() :].split("/"))
    return None if labels is None else (endpoint["region"], operation, labels)
