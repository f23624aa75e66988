"""Pools for the scheduler's tests."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from isthmus.core.model.pool import Pool, PoolState

GIB = 1 << 30
_LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


def pool(
    id: str,
    *,
    backend: str = "b1",
    state: PoolState = PoolState.AVAILABLE,
    zone: str | None = None,
    total: int = 100 * GIB,
    used: int = 0,
    ours: int = 0,
    provisioned: int = 0,
    granularity: int = 1,
    thin: bool = True,
    thick: bool = True,
    ratio: float = 1.0,
    reserve: float = 0.0,
    protocols: tuple[str, ...] = ("iscsi",),
    abilities: tuple[str, ...] = ("extend", "snapshot"),
    capabilities: Mapping[str, Any] | None = None,
    reason: str = "",
) -> Pool:
    """A pool with room, unless told otherwise."""
    return Pool(
        id=id,
        backend=backend,
        name=f"pool {id}",
        state=state,
        zone=zone,
        total=total,
        used=used,
        ours=ours,
        provisioned=provisioned,
        granularity=granularity,
        thin=thin,
        thick=thick,
        ratio=ratio,
        reserve=reserve,
        protocols=protocols,
        abilities=abilities,
        created_at=_LONG_AGO,
        updated_at=_LONG_AGO,
        capabilities=capabilities or {},
        reason=reason,
    )
