"""Prefers pools with the larger share of their capacity still to be promised."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from ..contract import PlacementRequest, Pools, Vector, Weigher


class FreeCapacityWeigher(Weigher):
    """room / limit: the share of what the pool may promise (thin: with over-subscription) that is still free."""

    name: ClassVar[str] = "free_capacity"
    weight: ClassVar[float] = 1.0

    def weigh(self, pools: Pools, request: PlacementRequest) -> Vector:
        return np.asarray(pools.room / np.maximum(pools.limit, 1), np.float64)
