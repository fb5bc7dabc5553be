"""A rest-json server made from a botocore service model alone.

Everything here is compiled from the model at the first use of an operation and knows no service by name:
:class:`~cleanrooms_mock.protocol.restjson.RestJson` is the door, the other modules are its parts.
"""

from cleanrooms_mock.protocol.errors import Fault, ForeignToken, ServiceError, UnmodelledError, Violations
from cleanrooms_mock.protocol.pagination import Listing, Register
from cleanrooms_mock.protocol.restjson import Operation, RestJson, Route

__all__ = [
    "Fault",
    "ForeignToken",
    "Listing",
    "Operation",
    "Register",
    "RestJson",
    "Route",
    "ServiceError",
    "UnmodelledError",
    "Violations",
]
