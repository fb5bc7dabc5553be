"""What a test has told the mock of services that moto doesn't have: Entity Resolution, and audience models of Clean Rooms ML."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

IdNamespaceType = Literal["SOURCE", "TARGET"]

_NAMESPACE = "arn:aws:entityresolution:REGION:ACCOUNT:idnamespace/NAME"
_WORKFLOW = "arn:aws:entityresolution:REGION:ACCOUNT:idmappingworkflow/NAME"
_MODEL = "arn:aws:cleanrooms-ml:REGION:ACCOUNT:configured-audience-model/ID"


class IdNamespace(NamedTuple):
    """An ID namespace of Entity Resolution."""

    type: IdNamespaceType
    id_mapping_workflows: tuple[Mapping[str, Any], ...]


class IdMappingWorkflow(NamedTuple):
    """An ID mapping workflow of Entity Resolution, and the pairs of ids that it would find."""

    source: str
    target: str
    provider: bool
    incremental: bool
    rows: tuple[tuple[str, str], ...]


class EntityResolution:
    """The namespaces and workflows that a test has registered, by ARN. What it hasn't is taken as it is named."""

    def __init__(self) -> None:
        self.namespaces: dict[str, IdNamespace] = {}
        self.workflows: dict[str, IdMappingWorkflow] = {}

    def clear(self) -> None:
        """Forget everything."""
        self.namespaces.clear()
        self.workflows.clear()

    def add_id_namespace(
        self, arn: str, id_namespace_type: IdNamespaceType, id_mapping_workflows: Sequence[Mapping[str, Any]] = ()
    ) -> None:
        """Register an ID namespace.

        :param arn: ``arn:aws:entityresolution:REGION:ACCOUNT:idnamespace/NAME``.
        :param id_namespace_type: ``SOURCE`` or ``TARGET``.
        :param id_mapping_workflows: what the answers' ``idMappingWorkflowsSupported`` holds.
        :raises ValueError: for an ARN of another form or another type.
        """
        _check_arn(arn, _NAMESPACE)
        if id_namespace_type not in ("SOURCE", "TARGET"):
            raise ValueError(f"an ID namespace is of type SOURCE or TARGET, not {id_namespace_type!r}")
        self.namespaces[arn] = IdNamespace(id_namespace_type, tuple(id_mapping_workflows))

    def add_id_mapping_workflow(
        self,
        arn: str,
        *,
        source: str,
        target: str,
        provider: bool = False,
        incremental: bool = False,
        rows: Iterable[tuple[str, str]] = (),
    ) -> None:
        """Register an ID mapping workflow.

        :param arn: ``arn:aws:entityresolution:REGION:ACCOUNT:idmappingworkflow/NAME``.
        :param source: ARN of its source namespace.
        :param target: ARN of its target namespace.
        :param provider: whether a provider matches for it, in place of rules.
        :param incremental: whether it runs incrementally.
        :param rows: the pairs of sourceid and targetid that it finds.
        :raises ValueError: for an ARN of another form.
        """
        _check_arn(arn, _WORKFLOW)
        _check_arn(source, _NAMESPACE)
        _check_arn(target, _NAMESPACE)
        pairs = tuple((str(source_id), str(target_id)) for source_id, target_id in rows)
        self.workflows[arn] = IdMappingWorkflow(source, target, provider, incremental, pairs)


class AudienceModels:
    """The configured audience models that a test has registered, by ARN."""

    def __init__(self) -> None:
        self.arns: set[str] = set()

    def clear(self) -> None:
        """Forget everything."""
        self.arns.clear()

    def add_configured_audience_model(self, arn: str) -> None:
        """Register a configured audience model; as soon as an account has any, others of it don't exist.

        :param arn: ``arn:aws:cleanrooms-ml:REGION:ACCOUNT:configured-audience-model/ID``.
        :raises ValueError: for an ARN of another form.
        """
        _check_arn(arn, _MODEL)
        self.arns.add(arn)

    def any_of(self, account_id: str) -> bool:
        """Whether one of the account's was registered."""
        return any(arn.split(":")[4] == account_id for arn in self.arns)


def _check_arn(arn: str, form: str) -> None:
    """Refuse what no call could ever name."""
    pattern = (
        form.replace("arn:aws:", "arn:aws[a-z-]*:").replace("REGION", "[a-z0-9-]+").replace("ACCOUNT", "[0-9]{12}")
    )
    if not isinstance(arn, str) or not re.fullmatch(re.sub("NAME|ID$", ".+", pattern), arn):
        raise ValueError(f"an ARN here is {form}, not {arn!r}")


#: ARNs name their account and Region, so there is one registry for all.
entity_resolution = EntityResolution()
audience_models = AudienceModels()
