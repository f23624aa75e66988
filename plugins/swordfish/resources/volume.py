"""Volumes of a storage service."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ....core.errors import NotFound
from ....core.model.operation import Operation
from ....core.model.page import Query
from ....core.model.request import Changes, VolumeRequest
from ....core.model.volume import Volume
from .. import uris
from ..request import Request
from ..resource import SNIA, Body, Collection, Creation, Outcome, Property, Resource, Window

_CAPACITY = {"type": "integer", "minimum": 1, "maximum": 2**62}
_NAME = {"type": "string", "minLength": 1, "maxLength": 255}


def load(request: Request) -> Volume:
    volume = request.tenant_storage.volumes.get(request.params["volume"])
    if volume.tenant != request.params["tenant"]:
        raise NotFound(f"There is no volume {volume.id} in this storage service.")
    return volume


def _list(request: Request, after: str | None, limit: int) -> Window:
    page = request.tenant_storage.volumes.list(Query(limit=limit, cursor=after, with_total=True))
    return Window(page.items, page.total or 0, page.next)


def _create(request: Request, values: Mapping[str, Any]) -> Operation:
    return request.tenant_storage.volumes.create(VolumeRequest(name=values["Name"], size=values["CapacityBytes"]))


def _update(request: Request, volume: Volume, changes: Mapping[str, Any]) -> Outcome:
    volumes = request.tenant_storage.volumes
    if "DisplayName" in changes:
        volume = volumes.update(volume.id, Changes(name=changes["DisplayName"]), if_version=request.expected(volume))
    if "CapacityBytes" in changes:
        return volumes.extend(volume.id, changes["CapacityBytes"], if_version=request.expected(volume))
    return None


VOLUME = Resource(
    type="Volume",
    version="v1_10_2",
    publisher=SNIA,
    path=uris.volume("{tenant}", "{volume}"),
    load=load,
    id_of=lambda volume: str(volume.id),
    name=lambda volume, request: volume.name,
    update=_update,
    delete=lambda request, volume: request.tenant_storage.volumes.delete(
        volume.id, if_version=request.expected(volume)
    ),
    properties=(
        Property("DisplayName", lambda volume, request: volume.name, write=_NAME, core="name"),
        Property("CapacityBytes", lambda volume, request: volume.size, write=_CAPACITY, core="size"),
        Property("Status", lambda volume, request: {"State": "Enabled", "Health": "OK"}),
    ),
)

VOLUMES = Collection(
    type="VolumeCollection",
    publisher=SNIA,
    path=uris.volumes("{tenant}"),
    name="Volumes",
    member=VOLUME,
    list=_list,
    uri_of=lambda volume, request: uris.volume(volume.tenant, volume.id),
    creation=Creation(
        Body(
            {"Name": _NAME, "CapacityBytes": _CAPACITY},
            required=("Name", "CapacityBytes"),
            core={"name": "/Name", "size": "/CapacityBytes"},
        ),
        _create,
    ),
)

SERVED = (VOLUMES, VOLUME)
