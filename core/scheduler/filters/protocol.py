"""Refuses pools whose volumes cannot be reached by the access protocol of the profile."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any, ClassVar

from ..contract import Classes, ClassFilter, Mask, PlacementRequest, Row


class ProtocolFilter(ClassFilter):
    """Leaves pools that offer the profile's access protocol; without one, all."""

    name: ClassVar[str] = "protocol"
    advice: ClassVar[str] = "Take a profile with an access protocol that the pools offer (`isthmus pool list`)."

    def key(self, request: PlacementRequest) -> Hashable | None:
        return request.requirement.protocol

    def classes(self, classes: Classes, request: PlacementRequest) -> Mask:
        protocol = request.requirement.protocol
        return classes.matching(f"protocol {protocol}", lambda capabilities: protocol in capabilities.protocols)

    def numbers(self, row: Row, request: PlacementRequest) -> Mapping[str, Any]:
        return {"wanted": request.requirement.protocol, "offered": sorted(row.capabilities.protocols)}
