"""What a test tells the mock of Entity Resolution and of Clean Rooms ML."""

from __future__ import annotations

from typing import Any

import pytest
from moto.core.base_backend import BackendDict

from cleanrooms_mock import Handle, mock_cleanrooms
from cleanrooms_mock.cleanrooms.entity_resolution import audience_models, entity_resolution
from tests.cleanrooms.test_audience_models import model_of
from tests.cleanrooms.test_id_namespaces import namespace_of
from tests.conftest import ADVERTISER, PUBLISHER

WORKFLOW = f"arn:aws:entityresolution:us-east-1:{PUBLISHER}:idmappingworkflow/match"
SOURCE, TARGET = namespace_of(PUBLISHER), namespace_of(ADVERTISER)
WRONG = [
    "",
    "customers",
    None,
    "arn:aws:entityresolution:us-east-1:22:idnamespace/customers",
    f"arn:aws:entityresolution:us-east-1:{PUBLISHER}:idnamespace/",
    f"arn:aws:entityresolution::{PUBLISHER}:idnamespace/customers",
    f"arn:aws:entityresolution:us-east-1:{PUBLISHER}:schemamapping/customers",
    f"x{SOURCE}",
]


@pytest.mark.rule("IDN-2")
@pytest.mark.parametrize("arn", [*WRONG, WORKFLOW, model_of(PUBLISHER)])
def test_arn_of_no_namespace(cleanrooms: Handle, arn: Any) -> None:
    """What no association could name is refused as a namespace, alone and as a workflow's, with the form that it should have."""
    registry = cleanrooms.entity_resolution
    with pytest.raises(ValueError, match="arn:aws:entityresolution:REGION:ACCOUNT:idnamespace/NAME, not ") as caught:
        registry.add_id_namespace(arn, "SOURCE")
    assert repr(arn) in str(caught.value)
    for ends in ({"source": arn, "target": TARGET}, {"source": SOURCE, "target": arn}):
        with pytest.raises(ValueError, match="idnamespace/NAME"):
            registry.add_id_mapping_workflow(WORKFLOW, **ends)
    assert not registry.namespaces
    assert not registry.workflows


@pytest.mark.rule("IDN-2")
@pytest.mark.parametrize("arn", [*WRONG, SOURCE, model_of(PUBLISHER)])
def test_arn_of_no_workflow(cleanrooms: Handle, arn: Any) -> None:
    """What no ID mapping table could name is refused as a workflow."""
    with pytest.raises(ValueError, match="arn:aws:entityresolution:REGION:ACCOUNT:idmappingworkflow/NAME, not "):
        cleanrooms.entity_resolution.add_id_mapping_workflow(arn, source=SOURCE, target=TARGET)
    assert not cleanrooms.entity_resolution.workflows


@pytest.mark.rule("AUD-1")
@pytest.mark.parametrize("arn", [*WRONG, SOURCE, model_of("22"), model_of(PUBLISHER, "")])
def test_arn_of_no_model(cleanrooms: Handle, arn: Any) -> None:
    """What no association could name is refused as a configured audience model."""
    with pytest.raises(ValueError, match="arn:aws:cleanrooms-ml:REGION:ACCOUNT:configured-audience-model/ID, not "):
        cleanrooms.audience_models.add_configured_audience_model(arn)
    assert not cleanrooms.audience_models.arns


@pytest.mark.rule("IDN-2")
@pytest.mark.parametrize("kind", ["source", "BOTH", "", None])
def test_no_type_of_namespace(cleanrooms: Handle, kind: Any) -> None:
    """A namespace is a source or a target."""
    with pytest.raises(ValueError, match=r"SOURCE or TARGET, not ") as caught:
        cleanrooms.entity_resolution.add_id_namespace(SOURCE, kind)
    assert repr(kind) in str(caught.value)
    assert not cleanrooms.entity_resolution.namespaces


@pytest.mark.rule("IDN-2")
def test_what_is_told_is_kept(cleanrooms: Handle) -> None:
    """A workflow is kept with its namespaces, kind and rows, whose ids are strings; what is told again replaces it."""
    registry = cleanrooms.entity_resolution
    rows: list[Any] = [("a", "x"), (1, 2)]
    registry.add_id_mapping_workflow(
        WORKFLOW, source=SOURCE, target=TARGET, provider=True, incremental=True, rows=iter(rows)
    )
    workflow = registry.workflows[WORKFLOW]
    assert (workflow.source, workflow.target) == (SOURCE, TARGET)
    assert workflow.provider
    assert workflow.incremental
    assert workflow.rows == (("a", "x"), ("1", "2"))
    registry.add_id_mapping_workflow(WORKFLOW, source=TARGET, target=SOURCE)
    workflow = registry.workflows[WORKFLOW]
    assert (workflow.source, workflow.provider, workflow.incremental, workflow.rows) == (TARGET, False, False, ())
    registry.add_id_namespace(SOURCE, "SOURCE")
    registry.add_id_namespace(SOURCE, "TARGET", [{"name": "match"}])
    assert registry.namespaces[SOURCE].type == "TARGET"
    assert registry.namespaces[SOURCE].id_mapping_workflows == ({"name": "match"},)


def tell(handle: Handle) -> None:
    handle.entity_resolution.add_id_namespace(SOURCE, "SOURCE")
    handle.entity_resolution.add_id_mapping_workflow(WORKFLOW, source=SOURCE, target=TARGET)
    handle.audience_models.add_configured_audience_model(model_of(PUBLISHER))


def known() -> list[int]:
    return [len(entity_resolution.namespaces), len(entity_resolution.workflows), len(audience_models.arns)]


@pytest.mark.rule("IDN-2", "AUD-1")
def test_gone_with_the_mock() -> None:
    """What a test has told goes when the last mock stops, and is shared by mocks within mocks."""
    with mock_cleanrooms() as handle:
        tell(handle)
        with mock_cleanrooms() as inner:
            assert inner.entity_resolution is handle.entity_resolution
            assert inner.audience_models is handle.audience_models
        assert known() == [1, 1, 1]
    assert known() == [0, 0, 0]
    with mock_cleanrooms() as handle:
        assert not handle.entity_resolution.namespaces
        assert not handle.audience_models.arns


@pytest.mark.rule("IDN-2", "AUD-1")
def test_gone_when_moto_resets(cleanrooms: Handle) -> None:
    """moto's reset of all state takes it along, and leaves a registry that can be told anew."""
    registry = cleanrooms.entity_resolution
    tell(cleanrooms)
    BackendDict.reset()
    assert known() == [0, 0, 0]
    registry.add_id_namespace(SOURCE, "TARGET")
    assert cleanrooms.entity_resolution.namespaces[SOURCE].type == "TARGET"
