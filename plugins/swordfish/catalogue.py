"""Everything that the service shows: what the modules of `resources` declare."""

from __future__ import annotations

from collections.abc import Sequence

from .protocol.resource import Served
from .resources import (
    account,
    account_service,
    class_of_service,
    connection,
    consistency_group,
    endpoint,
    endpoint_group,
    event_destination,
    event_service,
    fabric,
    line_of_service,
    line_of_service_capabilities,
    manager,
    metadata,
    privilege_registry,
    registries,
    role,
    service_root,
    session,
    session_service,
    storage,
    storage_controller,
    storage_pool,
    storage_pool_metrics,
    storage_service,
    task,
    task_monitor,
    task_service,
    telemetry_service,
    volume,
    volume_collection,
    volume_metrics,
)
from .resources.json_schemas import json_schemas

_RESOURCES: Sequence[Served] = (
    *service_root.SERVED,
    *manager.SERVED,
    *session_service.SERVED,
    *session.SERVED,
    *account_service.SERVED,
    *account.SERVED,
    *role.SERVED,
    *privilege_registry.SERVED,
    *storage_service.SERVED,
    *volume.SERVED,
    *volume_collection.SERVED,
    *consistency_group.SERVED,
    *task_service.SERVED,
    *task.SERVED,
    *task_monitor.SERVED,
    *class_of_service.SERVED,
    *line_of_service.SERVED,
    *line_of_service_capabilities.SERVED,
    *storage.SERVED,
    *storage_controller.SERVED,
    *storage_pool.SERVED,
    *fabric.SERVED,
    *endpoint.SERVED,
    *endpoint_group.SERVED,
    *connection.SERVED,
    *event_service.SERVED,
    *event_destination.SERVED,
    *volume_metrics.SERVED,
    *storage_pool_metrics.SERVED,
    *telemetry_service.SERVED,
    *registries.SERVED,
)

SERVED: Sequence[Served] = (
    *_RESOURCES,
    *json_schemas(_RESOURCES),
    metadata.metadata(_RESOURCES),
    metadata.SERVICE_DOCUMENT,
)
