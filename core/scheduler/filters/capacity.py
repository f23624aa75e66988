"""Refuses pools that cannot promise as many bytes as are needed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ..contract import Mask, PlacementRequest, PoolFilter, Pools, Row
from ..ranking import highest
from ..sizes import spoken


class CapacityFilter(PoolFilter):
    """Leaves pools with room (`Pool.room`) for the size in the pool's granularity, times the count.

    A thin placement also needs reported free space above the pool's reserve, however much may still be promised.
    """

    name: ClassVar[str] = "capacity"
    advice: ClassVar[str] = "Add a back end, free space on one, or ask for less."

    def pools(self, pools: Pools, request: PlacementRequest) -> Mask | None:
        mask: Mask = pools.room >= pools.needed
        return mask

    def numbers(self, row: Row, request: PlacementRequest) -> Mapping[str, Any]:
        found = {"needed": request.needed(row.pool.granularity), "room": row.room(request.thin)}
        if request.thin and row.headroom <= 0:
            found["free_above_reserve"] = row.headroom
        return found

    def nearest(self, refused: Pools, count: int) -> NDArray[np.intp]:
        """Those with the largest room, largest first."""
        return refused.rows.take(highest(refused.room, count))

    def remark(self, refused: Sequence[Mapping[str, Any]], request: PlacementRequest) -> str:
        usable = [found["room"] for found in refused if "free_above_reserve" not in found]
        if not usable:
            return "no free space above the reserve"
        return f"largest room {spoken(max(0, *usable))}"
