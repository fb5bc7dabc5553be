"""Roles that callers name, looked up in moto's IAM."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cleanrooms_mock.cleanrooms.errors import invalid_configuration
from cleanrooms_mock.integrations import iam

if TYPE_CHECKING:
    from cleanrooms_mock.cleanrooms.service import Caller


def role_is_own(caller: Caller, field: str, role_arn: str) -> None:
    """Refuse a role of another account; which rule says so is the caller's."""
    if iam.account_of_arn(role_arn) != caller.account_id:
        raise invalid_configuration(field, f"role {role_arn} belongs to another account")


def own_role(caller: Caller, field: str, role_arn: str) -> Any | None:
    """Return the role that ``field`` names, or ``None`` if it isn't to be looked up; which rule refuses another one is the caller's.

    :raises ValidationException: for a role of another account, or one that doesn't exist.
    """
    role_is_own(caller, field, role_arn)
    if not caller.is_strict and not iam.has_roles(caller.partition, caller.account_id):
        return None
    role = iam.find_role(caller.partition, caller.account_id, role_arn)
    if role is None:
        raise invalid_configuration(field, f"role {role_arn} doesn't exist")
    return role


def trusts_the_service(role: Any, field: str) -> None:
    """Refuse a role that doesn't trust the service."""
    if not iam.trusts(role, iam.SERVICE_PRINCIPAL):
        raise invalid_configuration(field, f"role {role.arn} doesn't trust {iam.SERVICE_PRINCIPAL}")
