"""What is measured of a volume, now (schema VolumeMetrics)."""

from __future__ import annotations

from ....core.errors import NotFound
from ....core.model.measurement import Measurement
from .. import uris
from ..protocol.request import Request
from ..protocol.resource import SNIA, Property, Resource
from ..telemetry.metrics import io_statistics


def _load(request: Request) -> Measurement:
    storage = request.tenant_storage
    volume = storage.volumes.get(request.params["volume"])
    if volume.tenant != request.params["tenant"]:
        raise NotFound(f"There is no volume {volume.id} in this storage service.")
    return storage.metrics.volume(volume.id)


VOLUME_METRICS = Resource(
    type="VolumeMetrics",
    version="v1_1_1",
    publisher=SNIA,
    path=uris.volume_metrics("{tenant}", "{volume}"),
    load=_load,
    name=lambda found, request: "What hosts did with the volume",
    properties=(Property("IOStatistics", lambda found, request: io_statistics(found)),),
)

SERVED = (VOLUME_METRICS,)
