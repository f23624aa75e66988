"""Prefers pools that call themselves good."""

from __future__ import annotations

from typing import ClassVar

from ..contract import PoolWeigher, Row


class GoodnessWeigher(PoolWeigher):
    """The number `advanced.goodness` of the pool's capabilities (0 to 100) divided by 100; 0 when it reports none."""

    name: ClassVar[str] = "goodness"
    weight: ClassVar[float] = 1.0

    def value(self, row: Row, thin: bool) -> float:
        return row.capabilities.goodness
