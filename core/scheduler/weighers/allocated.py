"""Prefers pools that have promised fewer bytes, whatever their size."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from ..contract import PlacementRequest, Pools, Vector, Weigher

_HALF = float(1 << 40)


class AllocatedWeigher(Weigher):
    """1 / (1 + provisioned in TiB): 1 for an untouched pool, one half at 1 TiB."""

    name: ClassVar[str] = "allocated"
    weight: ClassVar[float] = 0.25
    steady: ClassVar[bool] = True

    def weigh(self, pools: Pools, request: PlacementRequest) -> Vector:
        return np.asarray(_HALF / (pools.provisioned + _HALF), np.float64)
