"""What is measured of a storage service (schema StorageServiceMetrics)."""

from __future__ import annotations

from ....core.model.tenant import Tenant
from .. import uris
from ..protocol.request import Request
from ..protocol.resource import SNIA, Property, Resource
from ..telemetry.reports import summed_statistics
from .storage_service import load


def _io(tenant: Tenant, request: Request) -> dict[str, int] | None:
    return summed_statistics(request.tenant_storage, lambda volume: volume.tenant == tenant.id)


STORAGE_SERVICE_METRICS = Resource(
    type="StorageServiceMetrics",
    version="v1_0_1",
    publisher=SNIA,
    path=uris.service_metrics("{tenant}"),
    load=load,
    name=lambda tenant, request: f"Metrics of {tenant.name}",
    properties=(
        Property("Description", lambda tenant, request: "Summed over the volumes that are attached now."),
        Property("IOStatistics", _io),
    ),
)

SERVED = (STORAGE_SERVICE_METRICS,)
