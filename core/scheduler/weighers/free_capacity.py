"""Prefers pools with the larger share of their capacity still to be promised."""

from __future__ import annotations

from typing import ClassVar

from ..contract import PoolWeigher, Row


class FreeCapacityWeigher(PoolWeigher):
    """Room divided by what the pool may promise when empty (thin: with over-subscription)."""

    name: ClassVar[str] = "free_capacity"
    weight: ClassVar[float] = 1.0

    def value(self, row: Row, thin: bool) -> float:
        return row.room(thin) / max(1, row.limit(thin))
