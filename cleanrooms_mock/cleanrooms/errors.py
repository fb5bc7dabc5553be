"""The seven exceptions of the service (ERR: how errors look)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from cleanrooms_mock.protocol import ServiceError
from cleanrooms_mock.rules import DOCUMENTED, INFERRED, behaviour

behaviour(
    "ERR-1",
    "An error's body is the JSON of its members, its type stands in the header `x-amzn-errortype` as a bare name, and a request id in "
    "`x-amzn-requestid`. Members that don't apply are absent, not null.",
    source="service model, AWS rest-json protocol",
    status=DOCUMENTED,
)
behaviour(
    "ERR-2",
    "Throttling answers status 429 and a quota 402, as the service model has it; the 400 on AWS's page of common errors is not this "
    "service's own.",
    source="service model",
    status=DOCUMENTED,
)
behaviour(
    "ERR-5",
    "A ValidationException that needs the state or several members to be seen has the reason INVALID_CONFIGURATION when two settings "
    "contradict each other, and FIELD_VALIDATION_FAILED when one value alone is wrong.",
    source="inferred from the names of the reasons in the service model",
    status=INFERRED,
)
behaviour(
    "ERR-9",
    "No operation answers an exception that it doesn't model: Create, Get, Update and DeleteCollaboration have neither "
    "ResourceNotFoundException nor ConflictException, the tag operations have only ResourceNotFoundException and ValidationException.",
    source="service model",
    status=DOCUMENTED,
)

ResourceType = Literal["CONFIGURED_TABLE", "COLLABORATION", "MEMBERSHIP", "CONFIGURED_TABLE_ASSOCIATION"]


class AccessDeniedException(ServiceError):
    """The caller may not do this."""

    code = "AccessDeniedException"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.reason = "INSUFFICIENT_PERMISSIONS"


class ConflictException(ServiceError):
    """The resource is in a state in which this can't be done."""

    code = "ConflictException"

    def __init__(
        self,
        reason: Literal["ALREADY_EXISTS", "SUBRESOURCES_EXIST", "INVALID_STATE"],
        resource_type: ResourceType | None,
        resource_id: str | None,
        message: str,
    ) -> None:
        super().__init__(message)
        self.reason = reason
        self.resource_type = resource_type
        self.resource_id = resource_id


class InternalServerException(ServiceError):
    """An error of the service itself; only an injected fault makes one."""

    code = "InternalServerException"


class ResourceNotFoundException(ServiceError):
    """There is no such resource, or none that the caller can see."""

    code = "ResourceNotFoundException"

    def __init__(self, resource_type: ResourceType, resource_id: str, message: str | None = None) -> None:
        super().__init__(message or f"No {resource_type.lower().replace('_', ' ')} with id {resource_id} was found.")
        self.resource_type = resource_type
        self.resource_id = resource_id


class ServiceQuotaExceededException(ServiceError):
    """The call would go beyond a quota of the account."""

    code = "ServiceQuotaExceededException"

    def __init__(self, quota_name: str, quota_value: float) -> None:
        super().__init__(f"This would exceed the quota '{quota_name}', which is {quota_value:g}.")
        self.quota_name = quota_name
        self.quota_value = float(quota_value)


class ThrottlingException(ServiceError):
    """Too many requests of one kind in a second."""

    code = "ThrottlingException"


class ValidationException(ServiceError):
    """The input is wrong, by itself or together with what the collaboration has agreed on.

    :param fields: pairs of a field's path and what is wrong with it.
    """

    code = "ValidationException"

    def __init__(
        self,
        message: str,
        *,
        reason: Literal[
            "FIELD_VALIDATION_FAILED", "INVALID_CONFIGURATION", "INVALID_QUERY", "IAM_SYNCHRONIZATION_DELAY"
        ],
        fields: Sequence[tuple[str, str]] = (),
    ) -> None:
        super().__init__(message)
        self.reason = reason
        self.field_list = [{"name": name, "message": complaint} for name, complaint in fields] or None


def invalid_field(field: str, complaint: str) -> ValidationException:
    """One input value that is wrong by itself."""
    return ValidationException(f"{field}: {complaint}", reason="FIELD_VALIDATION_FAILED", fields=[(field, complaint)])


def invalid_configuration(field: str, complaint: str) -> ValidationException:
    """One input value that contradicts another, or what the collaboration has agreed on."""
    return ValidationException(f"{field}: {complaint}", reason="INVALID_CONFIGURATION", fields=[(field, complaint)])
