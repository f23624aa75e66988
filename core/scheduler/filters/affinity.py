"""Refuses pools away from the resources that the request wants to be near."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from ..contract import Mask, PlacementRequest, PoolFilter, Pools, Row


class AffinityFilter(PoolFilter):
    """Leaves pools that satisfy every `near` hint and are among `only_pools`, where the request names them."""

    name: ClassVar[str] = "affinity"
    advice: ClassVar[str] = "Ask without the affinity hint, or make room where the named resources are."

    def pools(self, pools: Pools, request: PlacementRequest) -> Mask | None:
        mask = None if request.only_pools is None else pools.among(request.only_pools)
        for hint in request.near:
            there = pools.at(hint)
            mask = there if mask is None else mask & there
        return mask

    def numbers(self, row: Row, request: PlacementRequest) -> Mapping[str, Any]:
        if request.only_pools is not None and row.pool.id not in request.only_pools:
            return {"allowed": sorted(request.only_pools)}
        place = {"pool": row.pool.id, "backend": row.pool.backend}
        for hint in request.near:
            if place[hint.scope] not in hint.ids:
                return {"near": str(hint.scope), "wanted": sorted(hint.ids), "has": place[hint.scope]}
        return {}
