"""Back ends: one `Storage` each, shared by all storage services."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ....core.model.backend import Backend, BackendState, Health
from ....core.model.pool import Pool, PoolState
from .. import uris
from ..arrays import Array, find, window
from ..identifiers import identifier
from ..protocol.conditions import conditions
from ..protocol.request import Request
from ..protocol.resource import SNIA, Collection, Property, Resource, Window
from ..uris import link
from ..volumes_in_pools import volumes_of

_HEALTH = {Health.HEALTHY: "OK", Health.DEGRADED: "Warning", Health.FAILED: "Critical"}


def status_of(array: Array) -> dict[str, Any]:
    """State and health: a back end's own, or for those who may not read it what follows from its pools."""
    return _of_backend(array.backend) if array.backend is not None else _of_pools(array.pools)


def _of_backend(backend: Backend) -> dict[str, Any]:
    status: dict[str, Any] = {"State": "Enabled"}
    if backend.state is BackendState.DISABLED:
        status = {"State": "Disabled"}
    elif backend.health is Health.FAILED:
        status = {"State": "UnavailableOffline"}
    # Of a health that is not known nothing is said.
    if (health := _HEALTH.get(backend.health)) is not None:
        status["Health"] = health
    known = conditions(backend.health_reason) if backend.health is Health.FAILED else None
    return status if known is None else {**status, "Conditions": known}


def _of_pools(pools: Sequence[Pool]) -> dict[str, Any]:
    states = {pool.state for pool in pools}
    if PoolState.AVAILABLE in states:
        return {"State": "Enabled"}
    return {"State": "UnavailableOffline" if PoolState.UNAVAILABLE in states else "Disabled"}


def _name(array: Array, request: Request) -> str:
    return array.backend.name if array.backend is not None else f"Storage {array.id}"


def _volumes(request: Request, after: str | None, limit: int) -> Window:
    pools: tuple[Pool, ...] = tuple(find(request).pools)
    return volumes_of(request, [pool.id for pool in pools], after, limit)


STORAGE = Resource(
    type="Storage",
    version="v1_21_0",
    path=uris.storage("{backend}"),
    load=find,
    id_of=lambda array: str(array.id),
    name=_name,
    properties=(
        Property("Status", lambda array, request: status_of(array)),
        Property("Identifiers", lambda array, request: [known] if (known := identifier(array.id)) else None),
        Property("Controllers", lambda array, request: link(uris.storage_controllers(array.id))),
        Property("StoragePools", lambda array, request: link(uris.storage_pools(array.id))),
        Property("Volumes", lambda array, request: link(uris.storage_volumes(array.id))),
    ),
)

STORAGES = Collection(
    type="StorageCollection",
    path=uris.STORAGE,
    name="Storage",
    member=STORAGE,
    list=window,
    uri_of=lambda uri, request: str(uri),
)

VOLUMES = Collection(
    type="VolumeCollection",
    publisher=SNIA,
    path=uris.storage_volumes("{backend}"),
    name="Volumes on this storage",
    list=_volumes,
    uri_of=lambda uri, request: str(uri),
)

SERVED = (STORAGES, STORAGE, VOLUMES)
