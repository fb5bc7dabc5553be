"""Access keys, roles and their policies in moto's IAM."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from typing import Any

from moto.core.models import DEFAULT_ACCOUNT_ID

from cleanrooms_mock.integrations import loaded

#: Who assumes the roles that members give the service.
SERVICE_PRINCIPAL = "cleanrooms.amazonaws.com"

_MODELS = "moto.iam.models"

Statement = dict[str, Any]


def account_of_access_key(access_key: str, region_name: str) -> str:
    """Return the account that an access key belongs to, as moto has it, and note the key's use."""
    models = loaded(_MODELS)
    if models is None or not models.iam_backends:
        return DEFAULT_ACCOUNT_ID
    account_id: str = models.get_account_id_from(access_key)
    if account_id in models.iam_backends:
        models.mark_account_as_visited(account_id, access_key, "cleanrooms", region_name)
    return account_id


def account_of_arn(role_arn: str) -> str:
    """Return the account in a role's ARN."""
    return role_arn.split(":")[4]


def has_roles(partition: str, account_id: str) -> bool:
    """Whether the account has made any role."""
    models = loaded(_MODELS)
    return (
        models is not None
        and account_id in models.iam_backends
        and bool(models.iam_backends[account_id][partition].roles)
    )


def find_role(partition: str, account_id: str, role_arn: str) -> Any | None:
    """Return moto's role, or ``None`` if there is none."""
    if not has_roles(partition, account_id):
        return None
    models = loaded(_MODELS)
    assert models is not None
    roles = models.iam_backends[account_id][partition].roles.values()
    return next((role for role in roles if role.arn == role_arn), None)


def trusts(role: Any, service_principal: str) -> bool:
    """Whether the role's trust policy lets a service assume the role."""

    def concerns(statement: Statement) -> bool:
        principal = statement.get("Principal", {})
        services = _list(principal.get("Service", [])) if isinstance(principal, dict) else []
        return service_principal in services and _names(statement, "Action", "sts:AssumeRole")

    return _permits(_statements(role.assume_role_policy_document), concerns)


def allows(role: Any, action: str, resource: str) -> bool:
    """Whether the role's policies, inline and attached, permit ``action`` on ``resource``."""
    attached = (
        next(version.document for version in policy.versions if version.is_default)
        for policy in role.managed_policies.values()
    )
    statements = [statement for document in [*role.policies.values(), *attached] for statement in _statements(document)]

    def concerns(statement: Statement) -> bool:
        return _names(statement, "Action", action) and _names(statement, "Resource", resource)

    return _permits(statements, concerns)


def _permits(statements: Iterable[Statement], concerns: Callable[[Statement], bool]) -> bool:
    """Whether a statement that concerns the request allows it and none denies it.

    Conditions aren't evaluated: one that allows counts as met, one that denies as not.
    """
    concerned = [statement for statement in statements if concerns(statement)]
    denied = any(statement.get("Effect") == "Deny" and "Condition" not in statement for statement in concerned)
    return not denied and any(statement.get("Effect") == "Allow" for statement in concerned)


def _statements(document: str) -> list[Statement]:
    return _list(json.loads(document).get("Statement", []))


def _names(statement: Statement, element: str, value: str) -> bool:
    """Whether ``Action`` or ``Resource``, or the absence from its opposite, covers ``value``."""
    flags = re.IGNORECASE if element == "Action" else 0
    for name, expected in ((element, True), (f"Not{element}", False)):
        if name in statement:
            return any(re.fullmatch(_glob(pattern), value, flags) for pattern in _list(statement[name])) is expected
    return False


def _glob(pattern: str) -> str:
    return re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
