"""Pools: what back ends offer, and how far they may be promised."""

from __future__ import annotations

from typing import Any

from ..context import Context
from ..errors import Invalid
from ..model.pool import Pool
from ..model.request import Changes
from ..runtime.parts import Parts
from ..store import nouns
from .checks import check_metadata
from .collection import Collection
from .references import backend_id


class Pools(Collection[Pool]):
    def __init__(self, parts: Parts) -> None:
        super().__init__(
            parts,
            nouns.pools,
            "pool",
            owned=False,
            filters=("name", "backend", "state", "zone"),
            references={"backend": backend_id},
        )

    def update(self, context: Context, pool: str, changes: Changes, *, if_version: int | None = None) -> Pool:
        """Over-subscription ratio, reserve and metadata; for administrators."""
        values: dict[str, Any] = {}
        if changes.ratio is not None:
            if not 1.0 <= changes.ratio <= 1000.0:
                raise Invalid("The ratio is between 1 (no over-subscription) and 1000.", field="ratio")
            values["ratio"] = float(changes.ratio)
        if changes.reserve is not None:
            if not 0.0 <= changes.reserve < 1.0:
                raise Invalid("The reserve is a fraction from 0 to less than 1.", field="reserve")
            values["reserve"] = float(changes.reserve)
        if changes.metadata is not None:
            values["metadata"] = check_metadata(changes.metadata)
        changed = self.change_now(context, pool, values, if_version=if_version, verb="write")
        self.parts.scheduler.upsert(changed)
        return changed
