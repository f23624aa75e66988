"""Refuses pools whose capabilities are not what the profile asks."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any, ClassVar

from ..contract import Classes, ClassFilter, Mask, PlacementRequest, Row


class CapabilitiesFilter(ClassFilter):
    """Leaves pools of the profile's storage type for which its selectors and service levels hold."""

    name: ClassVar[str] = "capabilities"
    advice: ClassVar[str] = "Compare the profile with the capabilities of the pools (`isthmus pool show`)."

    def key(self, request: PlacementRequest) -> Hashable | None:
        return request.requirement.key

    def classes(self, classes: Classes, request: PlacementRequest) -> Mask:
        requirement = request.requirement
        return classes.matching(f"capabilities {requirement.key}", requirement.matches)

    def numbers(self, row: Row, request: PlacementRequest) -> Mapping[str, Any]:
        return {"unmet": request.requirement.failures(row.capabilities)}

    def remark(self, refused: Sequence[Mapping[str, Any]], request: PlacementRequest) -> str:
        unmet = refused[0]["unmet"][0]
        has = "not reported" if unmet["has"] is None else f"is {unmet['has']}"
        return f"{unmet['capability']} {has}, wanted {unmet['wanted']}"
