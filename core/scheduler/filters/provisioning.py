"""Refuses pools that cannot allocate thin, or thick, as the request wants."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any, ClassVar

from ..contract import Classes, ClassFilter, Mask, PlacementRequest, Row


class ProvisioningFilter(ClassFilter):
    """Leaves pools that offer the wanted provisioning policy."""

    name: ClassVar[str] = "provisioning"
    advice: ClassVar[str] = "Take a profile with the other provisioningPolicy."

    def key(self, request: PlacementRequest) -> Hashable | None:
        return request.thin

    def classes(self, classes: Classes, request: PlacementRequest) -> Mask:
        return classes.thin if request.thin else classes.thick

    def numbers(self, row: Row, request: PlacementRequest) -> Mapping[str, Any]:
        return {"wanted": "thin" if request.thin else "thick", "thin": row.pool.thin, "thick": row.pool.thick}
