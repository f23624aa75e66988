"""What is measured of a pool (schema StoragePoolMetrics)."""

from __future__ import annotations

from ....core.errors import NotFound
from ....core.model.pool import Pool
from .. import uris
from ..protocol.request import Request
from ..protocol.resource import SNIA, Property, Resource
from ..telemetry.reports import summed_statistics


def _load(request: Request) -> Pool:
    pool = request.storage.pools.get(request.params["pool"])
    if pool.backend != request.params["backend"]:
        raise NotFound(f"There is no pool {pool.id} in this storage.")
    return pool


def _io(pool: Pool, request: Request) -> dict[str, int] | None:
    """The sum over volumes; a caller who sees only some of them is told nothing rather than a part."""
    if not request.context.is_admin:
        return None
    return summed_statistics(request.storage, lambda volume: volume.pool == pool.id)


STORAGE_POOL_METRICS = Resource(
    type="StoragePoolMetrics",
    version="v1_0_1",
    publisher=SNIA,
    path=uris.storage_pool_metrics("{backend}", "{pool}"),
    load=_load,
    name=lambda pool, request: f"Metrics of {pool.name}",
    properties=(
        Property("Description", lambda pool, request: "Summed over the volumes that are attached now."),
        Property("IOStatistics", _io),
    ),
)

SERVED = (STORAGE_POOL_METRICS,)
