"""Exports of logs, as far as they go before there are queries."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import NOWHERE, PUBLISHER, Refused, Scene

ABILITY = "CAN_EXPORT_QUERY_ANALYSIS_LOG"
QUOTAS = ["Concurrent ongoing log exports per membership", "Concurrent ongoing log exports per account"]


def join(scene: Scene, *abilities: str) -> dict[str, str]:
    """Have the publisher join with these abilities."""
    collaboration = scene.create(members=[scene.member(PUBLISHER, list(abilities))])
    return {"membershipIdentifier": scene.join(scene.publisher, collaboration)["id"]}


def start(client: Any, membership: dict[str, str]) -> None:
    client.start_analysis_log_export(
        **membership,
        analysisId=NOWHERE,
        analysisType="PROTECTED_QUERY",
        resultConfiguration={"outputConfiguration": {"s3": {"bucket": "logs", "keyPrefix": "spark"}}},
    )


@pytest.mark.rule("LOG-1")
def test_exports_need_the_ability(scene: Scene, refused: Refused) -> None:
    """A member that can't export logs is denied, before anything is looked for."""
    with refused("AccessDeniedException", "INSUFFICIENT_PERMISSIONS", rule="LIFE-26"):
        start(scene.publisher, join(scene))


@pytest.mark.rule("LOG-1", "QUO-26", "QUO-27")
@pytest.mark.parametrize(("quota", "default"), [(QUOTAS[0], 5), (QUOTAS[1], 10)])
def test_exports_are_within_quotas(scene: Scene, refused: Refused, quota: str, default: int) -> None:
    """There are quotas of ongoing exports, of a membership and of an account."""
    membership = join(scene, ABILITY)
    assert scene.handle.quotas[quota] == default
    scene.handle.quotas[quota] = 0
    with refused("ServiceQuotaExceededException") as error:
        start(scene.publisher, membership)
    assert (error["quotaName"], error["quotaValue"]) == (quota, 0.0)


@pytest.mark.rule("LOG-2")
def test_unknown_queries_have_no_logs(scene: Scene, refused: Refused) -> None:
    """A query that isn't there isn't found, and nothing is listed."""
    membership: Any = join(scene, ABILITY)
    with refused("ResourceNotFoundException", rule="LOG-2") as error:
        start(scene.publisher, membership)
    assert (error["resourceType"], error["resourceId"]) == ("MEMBERSHIP", NOWHERE)
    client: Any = scene.publisher
    every: list[dict[str, Any]] = [{}, {"analysisIdentifier": NOWHERE}, {"status": "SUCCESS"}]
    for filters in every:
        answer = client.list_analysis_log_exports(**membership, **filters)
        assert answer["analysisLogExports"] == []
        assert "nextToken" not in answer


@pytest.mark.rule("LOG-6")
def test_exports_are_the_memberships(scene: Scene, refused: Refused) -> None:
    """An unknown export isn't found under one's own membership; another's membership isn't found at all."""
    membership: Any = join(scene, ABILITY)
    with refused("ResourceNotFoundException", rule="LOG-6") as error:
        scene.publisher.get_analysis_log_export(**membership, analysisLogExportIdentifier=NOWHERE)
    assert (error["resourceType"], error["resourceId"]) == ("MEMBERSHIP", NOWHERE)
    for client in (scene.advertiser, scene.stranger):
        with refused("ResourceNotFoundException", rule="ERR-10"):
            client.get_analysis_log_export(**membership, analysisLogExportIdentifier=NOWHERE)
        with refused("ResourceNotFoundException", rule="ERR-10"):
            client.list_analysis_log_exports(**membership)
        with refused("ResourceNotFoundException", rule="ERR-10"):
            start(client, membership)


def test_after_removal(scene: Scene, refused: Refused) -> None:
    """A removed member lists its exports, and starts none."""
    collaboration = scene.create(members=[scene.member(PUBLISHER, [ABILITY])])
    membership: Any = {"membershipIdentifier": scene.join(scene.publisher, collaboration)["id"]}
    scene.advertiser.delete_member(collaborationIdentifier=collaboration["id"], accountId=PUBLISHER)
    with refused("AccessDeniedException", "INSUFFICIENT_PERMISSIONS", rule="LIFE-13"):
        start(scene.publisher, membership)
    client: Any = scene.publisher
    assert client.list_analysis_log_exports(**membership)["analysisLogExports"] == []
