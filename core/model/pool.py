"""A pool: the unit in which a back end offers room."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class PoolState(StrEnum):
    AVAILABLE = "available"
    UNAVAILABLE = "unavailable"
    DISABLED = "disabled"


@dataclass(frozen=True, slots=True)
class Pool:
    """A pool as the scheduler and an administrator see it. All sizes in bytes.

    `total` and `used` are what the driver reported last, `ours` what it says Isthmus's own objects occupy.
    `provisioned` is what was promised to live placements and snapshots; only the store's conditional updates
    change it. `foreign` = max(0, used - ours).
    Thick room = total·(1-reserve) - provisioned - foreign.
    Thin room = total·ratio·(1-reserve) - provisioned - foreign, and the reported free space above the reserve.
    `ratio` is the over-subscription allowed for thin volumes (1.0: none), `reserve` a fraction of total kept free.
    `protocols` are the access protocols its volumes can be published with; `capabilities` is the nested document
    (in OpenSDS's names) that profiles are matched against; `abilities` are the driver's, by name.
    """

    id: str
    backend: str
    name: str
    state: PoolState
    zone: str | None
    total: int
    used: int
    ours: int
    provisioned: int
    granularity: int
    thin: bool
    thick: bool
    ratio: float
    reserve: float
    protocols: tuple[str, ...]
    abilities: tuple[str, ...]
    created_at: datetime
    updated_at: datetime
    version: int = 1
    capabilities: Mapping[str, Any] = field(default_factory=dict)
    reason: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)

    @property
    def foreign(self) -> int:
        """Bytes used by what is not Isthmus's."""
        return max(0, self.used - self.ours)

    @property
    def free(self) -> int:
        """Reported free bytes."""
        return max(0, self.total - self.used)

    def room(self, thin: bool) -> int:
        """Bytes that can still be promised to a thin or a thick placement (may be negative)."""
        usable = self.total * (1.0 - self.reserve)
        if not thin:
            return int(usable) - self.provisioned - self.foreign
        return int(usable * self.ratio) - self.provisioned - self.foreign
