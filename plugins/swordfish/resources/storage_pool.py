"""Pools: once each, below their back end; the collections of storage services link there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ....core.model.page import Query
from ....core.model.pool import Pool, PoolState
from .. import uris
from ..arrays import find, find_pool
from ..identifiers import identifier
from ..protocol.conditions import conditions
from ..protocol.request import Request
from ..protocol.resource import SNIA, Collection, Property, Resource, Window
from ..uris import link
from ..volumes_in_pools import volumes_of
from .storage_service import load as load_service


def _status(pool: Pool, request: Request) -> dict[str, Any]:
    if pool.state is PoolState.DISABLED:
        return {"State": "Disabled"}
    if pool.state is PoolState.AVAILABLE:
        return {"State": "Enabled", "Health": "OK"}
    known = conditions(pool.reason)
    status = {"State": "UnavailableOffline", "Health": "Critical"}
    return status if known is None else {**status, "Conditions": known}


def _capacity(pool: Pool, request: Request) -> dict[str, Any]:
    """What the back end has set aside for the pool is there whole, and the pool does not grow by itself: allocated,
    guaranteed and provisioned (Capacity, CapacityInfo) are one figure. What is promised beyond it to thin volumes is
    in none of them."""
    return {
        "Data": {
            "AllocatedBytes": pool.total,
            "ConsumedBytes": pool.used,
            "GuaranteedBytes": pool.total,
            "ProvisionedBytes": pool.total,
        },
        "IsThinProvisioned": False,
    }


def _remaining(pool: Pool, request: Request) -> int | None:
    return None if pool.total <= 0 else pool.free * 100 // pool.total


def policies_of(pool: Pool) -> list[str]:
    """How the pool sets room aside for volumes (schema DataStorageLoSCapabilities, ProvisioningPolicy)."""
    return [name for name, offered in (("Fixed", pool.thick), ("Thin", pool.thin)) if offered]


def _reported(name: str) -> Any:
    """What the pool says of its data storage, where that is yes or no."""

    def read(pool: Pool, request: Request) -> bool | None:
        section = pool.capabilities.get("dataStorage")
        value = section.get(name) if isinstance(section, Mapping) else None
        return value if isinstance(value, bool) else None

    return read


def _list_of_storage(request: Request, after: str | None, limit: int) -> Window:
    backend = find(request).id
    return _window(request, Query(filters={"backend": backend}, limit=limit, cursor=after, with_total=True))


def _list_of_service(request: Request, after: str | None, limit: int) -> Window:
    load_service(request)
    return _window(request, Query(limit=limit, cursor=after, with_total=True))


def _window(request: Request, query: Query) -> Window:
    page = request.storage.pools.list(query)
    return Window(page.items, page.total or 0, page.next)


def _uri(pool: Pool, request: Request) -> str:
    return uris.storage_pool(pool.backend, pool.id)


STORAGE_POOL = Resource(
    type="StoragePool",
    version="v1_9_1",
    publisher=SNIA,
    path=uris.storage_pool("{backend}", "{pool}"),
    load=find_pool,
    id_of=lambda pool: str(pool.id),
    name=lambda pool, request: pool.name,
    properties=(
        Property("Status", _status),
        Property("Identifier", lambda pool, request: identifier(pool.id)),
        Property("Capacity", _capacity),
        Property("RemainingCapacityPercent", _remaining),
        Property("SupportedProvisioningPolicies", lambda pool, request: policies_of(pool) or None),
        Property("CompressionEnabled", _reported("compression")),
        Property("DeduplicationEnabled", _reported("deduplication")),
        Property("AllocatedVolumes", lambda pool, request: link(uris.allocated_volumes(pool.backend, pool.id))),
        Property("Metrics", lambda pool, request: request.served(uris.storage_pool_metrics(pool.backend, pool.id))),
        Property("Links", lambda pool, request: {"OwningStorageResource": link(uris.storage(pool.backend))}),
    ),
)

POOLS_OF_STORAGE = Collection(
    type="StoragePoolCollection",
    publisher=SNIA,
    path=uris.storage_pools("{backend}"),
    name="Pools of this storage",
    member=STORAGE_POOL,
    list=_list_of_storage,
    uri_of=_uri,
)

POOLS_OF_SERVICE = Collection(
    type="StoragePoolCollection",
    publisher=SNIA,
    path=uris.service_pools("{tenant}"),
    name="Pools of this storage service",
    member=STORAGE_POOL,
    list=_list_of_service,
    uri_of=_uri,
)

ALLOCATED_VOLUMES = Collection(
    type="VolumeCollection",
    publisher=SNIA,
    path=uris.allocated_volumes("{backend}", "{pool}"),
    name="Volumes in this pool",
    list=lambda request, after, limit: volumes_of(request, [find_pool(request).id], after, limit),
    uri_of=lambda uri, request: str(uri),
)

SERVED = (POOLS_OF_STORAGE, STORAGE_POOL, ALLOCATED_VOLUMES, POOLS_OF_SERVICE)
