"""Refuses pools that are disabled or whose back end does not answer."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any, ClassVar

from ..contract import Classes, ClassFilter, Mask, PlacementRequest, Row


class StateFilter(ClassFilter):
    """Leaves pools in state `available`."""

    name: ClassVar[str] = "state"
    advice: ClassVar[str] = "`isthmus pool show ID` says why a pool of `isthmus pool list` is not available."

    def key(self, request: PlacementRequest) -> Hashable | None:
        return ""

    def classes(self, classes: Classes, request: PlacementRequest) -> Mask:
        return classes.available

    def numbers(self, row: Row, request: PlacementRequest) -> Mapping[str, Any]:
        return {"state": str(row.pool.state), "reason": row.pool.reason}
