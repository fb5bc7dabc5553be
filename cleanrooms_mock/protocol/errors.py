"""What a call can be refused with."""

from __future__ import annotations

from typing import ClassVar, NamedTuple


class ServiceError(Exception):
    """An exception that the service model declares.

    A subclass is named after the error shape, sets ``code`` to that name, and has one attribute for each member of the
    shape, in snake_case; a member that is ``None`` is left out of the answer. HTTP status and members come from the model.

    :ivar message: what the caller reads.
    :ivar rule: id of the rule that refused, where that isn't the function that raised it.
    """

    code: ClassVar[str]

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message
        self.rule: str | None = None


class UnmodelledError(Exception):
    """An answer outside the model: an HTTP status, and an error code if there is one to tell."""

    def __init__(self, status: int, message: str, code: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code


class Fault(NamedTuple):
    """One member of a request that breaks a constraint of the model.

    :ivar path: the member, nested ones with dots, items of lists as ``member.N`` counted from 1.
    :ivar message: the constraint that is broken.
    """

    path: str
    message: str


class Violations(Exception):
    """A request that breaks constraints of the model; carries every broken member."""

    def __init__(self, faults: list[Fault]) -> None:
        self.faults = faults
        details = "; ".join(
            f"Value at '{fault.path}' failed to satisfy constraint: {fault.message}" for fault in faults
        )
        self.message = f"{len(faults)} validation error{'s' if len(faults) > 1 else ''} detected: {details}"
        super().__init__(self.message)


class ForeignToken(Violations):
    """A pagination token that isn't of the listing that it was given to."""
