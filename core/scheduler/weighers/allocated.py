"""Prefers pools that have promised fewer bytes, whatever their size."""

from __future__ import annotations

from typing import ClassVar

from ..contract import PoolWeigher, Row

_HALF = float(1 << 40)


class AllocatedWeigher(PoolWeigher):
    """1 / (1 + provisioned in TiB): 1 for an untouched pool, one half at 1 TiB."""

    name: ClassVar[str] = "allocated"
    weight: ClassVar[float] = 0.25

    def value(self, row: Row, thin: bool) -> float:
        return _HALF / (_HALF + max(0, row.provisioned))
