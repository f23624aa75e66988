"""Refuses pools where resources are that the request wants to be apart from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from ..contract import Mask, PlacementRequest, PoolFilter, Pools, Row


class AntiAffinityFilter(PoolFilter):
    """Leaves pools that no `apart` hint names and that are not among `exclude_pools`."""

    name: ClassVar[str] = "anti_affinity"
    advice: ClassVar[str] = "Ask without the anti-affinity hint, or add a pool elsewhere."

    def pools(self, pools: Pools, request: PlacementRequest) -> Mask | None:
        if not request.apart and not request.exclude_pools:
            return None
        there = pools.among(request.exclude_pools)
        for hint in request.apart:
            there |= pools.at(hint)
        return ~there

    def numbers(self, row: Row, request: PlacementRequest) -> Mapping[str, Any]:
        if row.pool.id in request.exclude_pools:
            return {"excluded": row.pool.id}
        place = {"pool": row.pool.id, "backend": row.pool.backend}
        for hint in request.apart:
            if place[hint.scope] in hint.ids:
                return {"apart": str(hint.scope), "taken": place[hint.scope]}
        return {}
