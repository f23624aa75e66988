"""Refuses pools whose driver lacks an ability that the profile or the request needs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from ..contract import Classes, ClassFilter, Mask, PlacementRequest, Row


class AbilitiesFilter(ClassFilter):
    """Leaves pools whose driver has all abilities needed."""

    name: ClassVar[str] = "abilities"
    advice: ClassVar[str] = "Use a back end whose driver has the missing abilities (`isthmus backend list`)."

    def classes(self, classes: Classes, request: PlacementRequest) -> Mask | None:
        needed = request.needed_abilities
        if not needed:
            return None
        wanted = frozenset(needed)
        return classes.matching(f"abilities {' '.join(needed)}", lambda found: wanted <= found.abilities)

    def numbers(self, row: Row, request: PlacementRequest) -> Mapping[str, Any]:
        return {"missing": sorted(set(request.needed_abilities) - row.capabilities.abilities)}
