"""Everything that the service shows: what the modules of `resources` declare."""

from __future__ import annotations

from collections.abc import Sequence

from .resource import Served
from .resources import metadata, registries, service_root, storage_service, volume
from .resources.json_schemas import json_schemas

_RESOURCES: Sequence[Served] = (
    *service_root.SERVED,
    *storage_service.SERVED,
    *volume.SERVED,
    *registries.SERVED,
)

SERVED: Sequence[Served] = (
    *_RESOURCES,
    *json_schemas(_RESOURCES),
    metadata.metadata(_RESOURCES),
    metadata.SERVICE_DOCUMENT,
)
