"""A back end and its pools are shown in the state in which they are, with the reason where there is one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import pytest

from isthmus.core.model.backend import Backend, BackendState, Health
from isthmus.core.model.identity import now
from isthmus.core.model.pool import Pool, PoolState
from isthmus.plugins.swordfish.arrays import Array
from isthmus.plugins.swordfish.protocol.request import Request
from isthmus.plugins.swordfish.resources.storage import status_of
from isthmus.plugins.swordfish.resources.storage_pool import STORAGE_POOL

ENABLED, DISABLED = BackendState.ENABLED, BackendState.DISABLED
REASON = "It has not answered for 10 s."
CONDITION = {
    "MessageId": "ResourceEvent.1.4.ResourceErrorsDetected",
    "Message": f"The resource property Status has detected errors of type '{REASON}'.",
    "MessageArgs": ["Status", REASON],
    "Severity": "Critical",
}
BACKEND = Backend("b", "array", "memory", ENABLED, Health.HEALTHY, created_at=now(), updated_at=now())
POOL = Pool(
    id="p",
    backend="b",
    name="pool",
    state=PoolState.AVAILABLE,
    zone=None,
    total=1000,
    used=335,
    ours=0,
    provisioned=5000,
    granularity=1,
    thin=True,
    thick=False,
    ratio=10.0,
    reserve=0.1,
    protocols=("iscsi", "nbd"),
    abilities=(),
    created_at=now(),
    updated_at=now(),
)


def shown(pool: Pool) -> dict[str, Any]:
    nobody = cast(Request, None)
    served = ("Status", "Capacity", "RemainingCapacityPercent", "SupportedProvisioningPolicies", "CompressionEnabled")
    values = {one.name: one.read(pool, nobody) for one in STORAGE_POOL.properties if one.name in served}
    return {name: value for name, value in values.items() if value is not None}


@pytest.mark.parametrize(
    ("state", "health", "reason", "status"),
    [
        (ENABLED, Health.HEALTHY, "", {"State": "Enabled", "Health": "OK"}),
        (ENABLED, Health.DEGRADED, "", {"State": "Enabled", "Health": "Warning"}),
        (ENABLED, Health.UNKNOWN, "", {"State": "Enabled"}),
        (
            ENABLED,
            Health.FAILED,
            REASON,
            {"State": "UnavailableOffline", "Health": "Critical", "Conditions": [CONDITION]},
        ),
        (ENABLED, Health.FAILED, "", {"State": "UnavailableOffline", "Health": "Critical"}),
        (DISABLED, Health.HEALTHY, "", {"State": "Disabled", "Health": "OK"}),
    ],
)
def test_a_back_end_has_its_own_status(
    state: BackendState, health: Health, reason: str, status: dict[str, Any]
) -> None:
    backend = replace(BACKEND, state=state, health=health, health_reason=reason)
    assert status_of(Array("b", backend, (POOL,))) == status


@pytest.mark.parametrize(
    ("states", "state"),
    [
        ([PoolState.AVAILABLE, PoolState.UNAVAILABLE], "Enabled"),
        ([PoolState.UNAVAILABLE, PoolState.DISABLED], "UnavailableOffline"),
        ([PoolState.DISABLED], "Disabled"),
    ],
)
def test_a_back_end_that_is_not_seen_has_the_state_of_its_pools(states: list[PoolState], state: str) -> None:
    assert status_of(Array("b", None, [replace(POOL, state=one) for one in states])) == {"State": state}


@pytest.mark.parametrize(
    ("state", "reason", "status"),
    [
        (PoolState.AVAILABLE, "", {"State": "Enabled", "Health": "OK"}),
        (PoolState.DISABLED, "", {"State": "Disabled"}),
        (
            PoolState.UNAVAILABLE,
            REASON,
            {"State": "UnavailableOffline", "Health": "Critical", "Conditions": [CONDITION]},
        ),
    ],
)
def test_a_pool_has_its_status(state: PoolState, reason: str, status: dict[str, Any]) -> None:
    assert shown(replace(POOL, state=state, reason=reason))["Status"] == status


def test_promises_are_no_capacity() -> None:
    room = {"AllocatedBytes": 1000, "ConsumedBytes": 335, "GuaranteedBytes": 1000, "ProvisionedBytes": 1000}
    body = shown(POOL)
    assert body["Capacity"] == {"Data": room, "IsThinProvisioned": False}
    assert body["RemainingCapacityPercent"] == 66
    assert body["SupportedProvisioningPolicies"] == ["Thin"]


def test_what_is_not_known_of_a_pool_is_not_shown() -> None:
    body = shown(replace(POOL, total=0, used=0, capabilities={"dataStorage": {"compression": "lz4"}}))
    assert "RemainingCapacityPercent" not in body and "CompressionEnabled" not in body
    assert shown(replace(POOL, capabilities={"dataStorage": {"compression": False}}))["CompressionEnabled"] is False
