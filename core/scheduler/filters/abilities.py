"""Refuses pools whose driver lacks an ability that the profile or the request needs."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any, ClassVar

from ..contract import Classes, ClassFilter, Mask, PlacementRequest, Row


class AbilitiesFilter(ClassFilter):
    """Leaves pools whose driver has all abilities needed."""

    name: ClassVar[str] = "abilities"
    advice: ClassVar[str] = "Use a back end whose driver has the missing abilities (`isthmus backend list`)."

    def key(self, request: PlacementRequest) -> Hashable | None:
        return request.needed_abilities or None

    def classes(self, classes: Classes, request: PlacementRequest) -> Mask:
        wanted = frozenset(request.needed_abilities)
        return classes.matching(f"abilities {sorted(wanted)}", lambda found: wanted <= found.abilities)

    def numbers(self, row: Row, request: PlacementRequest) -> Mapping[str, Any]:
        return {"missing": sorted(set(request.needed_abilities) - row.capabilities.abilities)}
