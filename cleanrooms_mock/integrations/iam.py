"""Access keys, roles and their policies in moto's IAM."""

from __future__ import annotations

import json
from typing import Any

from moto.core.models import DEFAULT_ACCOUNT_ID

from cleanrooms_mock.integrations import loaded

_MODELS = "moto.iam.models"


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
    """Whether a statement of the role's trust policy lets the service assume it; conditions aren't evaluated."""
    document = json.loads(role.assume_role_policy_document)
    for statement in _list(document.get("Statement", [])):
        principal = statement.get("Principal", {})
        services = _list(principal.get("Service", [])) if isinstance(principal, dict) else []
        actions = _list(statement.get("Action", []))
        if (
            statement.get("Effect") == "Allow"
            and service_principal in services
            and any(action in ("sts:AssumeRole", "sts:*", "*") for action in actions)
        ):
            return True
    return False


def allows(role: Any, action: str, resource: str) -> bool:
    """Whether the role's policies, inline and attached, permit ``action`` on ``resource`` and none denies it."""
    from moto.iam.access_control import IAMPolicy, PermissionResult

    inline = [IAMPolicy(document) for document in role.policies.values()]
    attached = [IAMPolicy(policy) for policy in role.managed_policies.values()]
    results = {policy.is_action_permitted(action, resource) for policy in inline + attached}
    return PermissionResult.PERMITTED in results and PermissionResult.DENIED not in results


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
