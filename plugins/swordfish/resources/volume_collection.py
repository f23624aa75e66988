"""The volumes of a storage service: volumes in the order of their making, then snapshots; and how to make one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ....core.errors import Invalid, NotFound
from ....core.model.page import Query
from ....core.model.profile import Profile
from ....core.model.request import VolumeRequest
from ....core.model.snapshot import Snapshot
from ....core.model.tenant import Tenant
from ....core.model.volume import Volume
from .. import uris
from ..maintenance.asking import asked
from ..maintenance.change import create_volume
from ..protocol.refusal import Refusal, refuse
from ..protocol.request import Request
from ..protocol.resource import SNIA, Body, Collection, Creation, JsonSchema, Outcome, Property, Resource, Window
from ..uris import link
from . import storage_service
from .volume import BYTES, CAPACITY, NAME, VOLUME, wanted_size
from .volume_facts import all_with, find

CAPABILITIES = "Capabilities"
"""Stands in the place of a volume's id; no volume is called so."""

_VOLUMES, _SNAPSHOTS = "v.", "s."
_CLASS = "/Links/ClassOfService/@odata.id"
_LINKS: JsonSchema = {
    "type": "object",
    "properties": {
        "ClassOfService": {
            "type": "object",
            "properties": {"@odata.id": {"type": "string"}},
            "required": ["@odata.id"],
            "additionalProperties": False,
        },
        "ProvidingStoragePool": {},
    },
    "additionalProperties": False,
}
_MADE_BY: Mapping[str, str] = {
    "ReplicaInfo": "Make copies by the action Volume.CreateReplicaTarget of what is to be copied.",
    "ProvisioningPolicy": "The class of service says how the volume is provisioned.",
}
_SENT: Mapping[str, JsonSchema] = {
    "Name": NAME,
    "DisplayName": NAME,
    "CapacityBytes": BYTES,
    "Capacity": CAPACITY,
    "Links": _LINKS,
}
_READ_ONLY: Mapping[str, JsonSchema] = {
    name: {"readOnly": True, **({"description": _MADE_BY[name]} if name in _MADE_BY else {})}
    for name in (
        "Id",
        "CapacitySources",
        "Encrypted",
        "Compressed",
        "Deduplicated",
        "RAIDType",
        *(one.name for one in VOLUME.properties if "@" not in one.name),
    )
    if name not in _SENT
}


def _list(request: Request, after: str | None, limit: int) -> Window:
    """Volumes, and where they end snapshots, by a cursor of the core's."""
    storage_service.load(request)
    storage, tenant = request.tenant_storage, request.params["tenant"]
    place, cursor, members = _VOLUMES, None, list[Volume]()
    if after is not None:
        place, cursor = after[:2], after[2:] or None
        if place not in (_VOLUMES, _SNAPSHOTS):
            raise refuse(400, "QueryParameterValueError", "$skiptoken")
    try:
        if place == _SNAPSHOTS:
            volumes = storage.volumes.list(Query(limit=1, with_total=True))
            room = limit
        else:
            volumes = storage.volumes.list(Query(limit=limit, cursor=cursor, with_total=True))
            members, room, cursor = list(volumes.items), limit - len(volumes.items), None
            if volumes.next is not None:
                room = 0
        snapshots = storage.snapshots.list(Query(limit=max(room, 1), cursor=cursor, with_total=True))
    except Invalid as error:
        raise refuse(400, "QueryParameterValueError", "$skiptoken", resolution=error.message) from error
    found = [uris.volume(tenant, one.id) for one in members]
    found += [uris.volume(tenant, one.id) for one in snapshots.items[:room]]
    following: str | None
    if place == _VOLUMES and volumes.next is not None:
        following = _VOLUMES + volumes.next
    elif room == 0:
        following = _SNAPSHOTS if snapshots.total else None
    else:
        following = None if snapshots.next is None else _SNAPSHOTS + snapshots.next
    return Window(found, (volumes.total or 0) + (snapshots.total or 0), following)


def _sought(request: Request, wanted: Mapping[str, str]) -> Sequence[str] | None:
    """Volumes and snapshots by id or by name."""
    storage_service.load(request)
    storage = request.tenant_storage
    found: list[Volume | Snapshot]
    if "Id" in wanted:
        one = find(storage, wanted["Id"])
        found = [] if one is None else [one]
    elif "Name" in wanted:
        found = [*all_with(storage.volumes.list, "name", wanted["Name"])]
        found += all_with(storage.snapshots.list, "name", wanted["Name"])
    else:
        return None
    return [uris.volume(one.tenant, one.id) for one in found if one.tenant == request.params["tenant"]]


def _create(request: Request, values: Mapping[str, Any]) -> Outcome:
    name = values["Name"]
    if values.get("DisplayName", name) != name:
        raise refuse(400, "PropertyValueConflict", "DisplayName", "Name", related=("/DisplayName", "/Name"))
    size = wanted_size(values)
    if size is None:
        raise refuse(400, "CreateFailedMissingReqProperties", "CapacityBytes", related=("/CapacityBytes",))
    given = values.get("Links", {})
    if "ProvidingStoragePool" in given:
        where = "Links/ProvidingStoragePool"
        advice = "The class of service and the room in the pools decide where a volume lies."
        raise refuse(400, "PropertyNotWritable", where, related=(f"/{where}",), resolution=advice)
    named = given.get("ClassOfService")
    profile = None if named is None else _profile(request, named["@odata.id"])
    return asked(request, create_volume(VolumeRequest(name=name, size=size[0], profile=profile)))


def _profile(request: Request, uri: str) -> str:
    """The id of the profile that a class of service of this storage service stands for."""
    tenant, (stem, _, wanted) = request.params["tenant"], uri.rstrip("/").rpartition("/")
    if stem == uris.classes_of_service(tenant):
        try:
            profile = request.tenant_storage.profiles.get(wanted)
        except NotFound:
            profile = None
        if profile is not None and profile.id == wanted and _offered(profile, tenant):
            return wanted
    raise _wrong_class(request, uri)


def _offered(profile: Profile, tenant: str) -> bool:
    return profile.storage_type == "block" and (not profile.tenants or tenant in profile.tenants)


def _wrong_class(request: Request, uri: str) -> Refusal:
    classes = uris.classes_of_service(request.params["tenant"])
    advice = f"Name a class of service for volumes that is a member of {classes}."
    return refuse(400, "PropertyValueIncorrect", _CLASS[1:], uri[:100], related=(_CLASS,), resolution=advice)


def _annotations(request: Request) -> Mapping[str, Any]:
    tenant = request.params["tenant"]
    return {
        "@Redfish.OperationApplyTimeSupport": request.apply_times,
        "@Redfish.CollectionCapabilities": {
            "@odata.type": "#CollectionCapabilities.v1_4_1.CollectionCapabilities",
            "Capabilities": [
                {
                    "UseCase": "VolumeCreation",
                    "CapabilitiesObject": link(uris.volume(tenant, CAPABILITIES)),
                    "Links": {"TargetCollection": link(uris.volumes(tenant))},
                }
            ],
        },
    }


def _classes(tenant: Tenant, request: Request) -> list[str]:
    """The classes of service that a volume of this tenant may have."""
    profiles, cursor = request.tenant_storage.profiles, None
    found: list[str] = []
    while True:
        page = profiles.list(Query(limit=1000, cursor=cursor))
        found += [uris.class_of_service(tenant.id, one.id) for one in page.items if _offered(one, tenant.id)]
        cursor = page.next
        if cursor is None:
            return found


def _capable_links(tenant: Tenant, request: Request) -> dict[str, Any]:
    return {
        "ClassOfService@Redfish.OptionalOnCreate": True,
        "ClassOfService@Redfish.AllowableValues": _classes(tenant, request),
    }


VOLUME_CAPABILITIES = Resource(
    type="Volume",
    version=VOLUME.version,
    publisher=SNIA,
    path=uris.volume("{tenant}", CAPABILITIES),
    load=storage_service.load,
    id_of=lambda tenant: CAPABILITIES,
    name=lambda tenant, request: "What makes a volume",
    properties=(
        Property("Name@Redfish.RequiredOnCreate", lambda tenant, request: True),
        Property("DisplayName@Redfish.OptionalOnCreate", lambda tenant, request: True),
        Property("CapacityBytes@Redfish.RequiredOnCreate", lambda tenant, request: True),
        Property("CapacityBytes@Redfish.AllowableNumbers", lambda tenant, request: [f"1:{BYTES['maximum']}"]),
        Property("Capacity@Redfish.OptionalOnCreate", lambda tenant, request: True),
        Property("Links", _capable_links),
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
    annotations=_annotations,
    sought=_sought,
    creation=Creation(
        Body(
            {**_SENT, **_READ_ONLY},
            required=("Name",),
            core={"name": "/Name", "size": "/CapacityBytes", "profile": _CLASS},
            later=True,
        ),
        _create,
        keyed=True,
    ),
)

SERVED = (VOLUMES, VOLUME_CAPABILITIES)
