"""Spreads volumes over back ends: prefers pools of the back end that has promised the least of what it has."""

from __future__ import annotations

from typing import ClassVar

from ..contract import PlacementRequest, Pools, RequestWeigher, Vector


class SpreadWeigher(RequestWeigher):
    """1 / (1 + provisioned / total), both summed over all pools of the back end."""

    name: ClassVar[str] = "spread"
    weight: ClassVar[float] = 0.5

    def weigh(self, pools: Pools, request: PlacementRequest) -> Vector:
        return pools.backend_spare
