"""Prefers pools with the larger share of their capacity still to be promised."""

from __future__ import annotations

from typing import ClassVar

from ..contract import PlacementRequest, Pools, Vector, Weigher


class FreeCapacityWeigher(Weigher):
    """Room divided by what the pool may promise when empty (thin: with over-subscription)."""

    name: ClassVar[str] = "free_capacity"
    weight: ClassVar[float] = 1.0
    steady: ClassVar[bool] = True

    def weigh(self, pools: Pools, request: PlacementRequest) -> Vector:
        return pools.share
