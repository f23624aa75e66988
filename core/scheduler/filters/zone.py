"""Refuses pools outside the availability zone asked for."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any, ClassVar

from ..contract import Classes, ClassFilter, Mask, PlacementRequest, Row


class ZoneFilter(ClassFilter):
    """Leaves pools of the zone that the caller or the profile names; without one, all."""

    name: ClassVar[str] = "zone"
    advice: ClassVar[str] = "Ask for a zone that has pools (`isthmus pool list`), or for none."

    def key(self, request: PlacementRequest) -> Hashable | None:
        return request.in_zone

    def classes(self, classes: Classes, request: PlacementRequest) -> Mask:
        return classes.in_zone(request.in_zone or "")

    def numbers(self, row: Row, request: PlacementRequest) -> Mapping[str, Any]:
        return {"zone": row.pool.zone, "wanted": request.in_zone}
