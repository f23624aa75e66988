"""Everything that the service shows: what the modules of `resources` declare."""

from __future__ import annotations

from collections.abc import Sequence

from .resource import Served
from .resources import service_root, storage_service, volume

SERVED: Sequence[Served] = (
    *service_root.SERVED,
    *storage_service.SERVED,
    *volume.SERVED,
)
