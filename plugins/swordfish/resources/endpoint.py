"""Endpoints: the names of hosts, which are made and removed here, and the targets that attachments bring."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv4Address, ip_address
from typing import Any

from ....core.errors import Conflict
from ....core.model.host import Initiator
from ....core.model.request import Changes, HostRequest
from .. import uris
from ..fabric_ends import (
    InitiatorEnd,
    TargetEnd,
    durable_name,
    endpoint_of,
    endpoints_of,
    find_initiator,
    initiator_id,
    initiator_name,
)
from ..protocol.links import counted
from ..protocol.refusal import refuse
from ..protocol.request import Request
from ..protocol.resource import Body, Collection, Creation, JsonSchema, Property, Resource, Window
from ..protocol.windows import window_of
from ..uris import link
from .endpoint_group import undisturbed
from .fabric import fabric_type, load
from .volume import NAME

End = InitiatorEnd | TargetEnd

_IDENTIFIERS: JsonSchema = {
    "type": "array",
    "items": {
        "type": "object",
        "properties": {
            "DurableName": {"type": "string", "minLength": 1, "maxLength": 255},
            "DurableNameFormat": {"enum": ["iQN", "EUI", "NAA", None]},
        },
        "required": ["DurableName"],
        "additionalProperties": False,
    },
}
_ENTITIES: JsonSchema = {
    "type": "array",
    "items": {
        "type": "object",
        "properties": {
            "EntityRole": {"enum": ["Initiator"]},
            "EntityType": {"enum": ["StorageInitiator"]},
            "Identifiers": _IDENTIFIERS,
        },
        "additionalProperties": False,
    },
}


def _list(request: Request, after: str | None, limit: int) -> Window:
    protocol = load(request)
    return window_of([uris.endpoint(protocol, one) for one in endpoints_of(request, protocol)], after, limit)


def _create(request: Request, values: Mapping[str, Any]) -> str:
    """A host with this one name; several are made one by `EndpointGroup`."""
    protocol = load(request)
    pointer, name = _wanted(values)
    if protocol == "iscsi" and durable_name(name) is None:
        advice = "Over iSCSI a host is known by an iQN (iqn.…), an EUI-64 or an NAA."
        raise refuse(400, "PropertyValueFormatError", name, pointer[1:], related=(pointer,), resolution=advice)
    host = HostRequest(
        values.get("Name", name), (Initiator(protocol, name),), installation=request.context.tenant is None
    )
    try:
        request.storage.hosts.create(host)
    except Conflict as taken:
        if find_initiator(request, protocol, initiator_id(name)) is None:
            raise
        where = uris.endpoint(protocol, initiator_id(name))
        raise refuse(
            409,
            "ResourceAlreadyExists",
            "Endpoint",
            pointer[1:],
            name,
            related=(pointer,),
            resolution=f"It is {where}.",
        ) from taken
    return uris.endpoint(protocol, initiator_id(name))


def _wanted(values: Mapping[str, Any]) -> tuple[str, str]:
    """The one name that a body asks for, and where it stands."""
    found: dict[str, str] = {}
    places = [("/Identifiers", values.get("Identifiers", ()))]
    for number, entity in enumerate(values.get("ConnectedEntities", ())):
        places.append((f"/ConnectedEntities/{number}/Identifiers", entity.get("Identifiers", ())))
    for place, identifiers in places:
        for number, one in enumerate(identifiers):
            said_name, where = one["DurableName"], f"{place}/{number}/DurableName"
            name = initiator_name(said_name, one.get("DurableNameFormat"))
            if name is None:
                raise refuse(400, "PropertyValueFormatError", said_name, where[1:], related=(where,))
            found.setdefault(name, where)
    if not found:
        raise refuse(400, "CreateFailedMissingReqProperties", "Identifiers", related=("/Identifiers",))
    if len(found) > 1:
        place = list(found.values())[1]
        advice = "An endpoint has one name. Make one for each, and an endpoint group of them."
        raise refuse(400, "PropertyValueError", place[1:], related=(place,), resolution=advice)
    name, place = next(iter(found.items()))
    return place, name


def _delete(request: Request, end: InitiatorEnd) -> None:
    """Take the name from its host; a host without names goes. A target goes with the connections through it."""
    hosts = request.storage.hosts
    left = tuple(one for one in end.host.initiators if one != end.initiator)
    if left:
        # What is written are all names: one that came meanwhile must not be lost.
        with undisturbed(request, end.host):
            hosts.update(end.host.id, Changes(initiators=left), if_version=end.host.version)
    else:
        # A host that has got another name meanwhile must not go.
        with undisturbed(request, end.host):
            hosts.delete(end.host.id, if_version=end.host.version)


def _name(end: End, request: Request) -> str:
    if isinstance(end, InitiatorEnd):
        return end.host.name
    return str(end.attachments[0].connection.get("iqn") or f"Target of volume {end.attachments[0].volume}")


def _description(end: End, request: Request) -> str:
    if isinstance(end, InitiatorEnd):
        return f"Initiator {end.initiator.name} of host {end.host.name}"
    return f"Where volume {end.attachments[0].volume} is reached"


def _identifiers(end: End, request: Request) -> list[Mapping[str, str]] | None:
    name = end.initiator.name if isinstance(end, InitiatorEnd) else str(end.attachments[0].connection.get("iqn", ""))
    known = durable_name(name)
    return None if known is None else [known]


def _entities(end: End, request: Request) -> list[dict[str, Any]]:
    if isinstance(end, TargetEnd):
        volume = uris.volume(end.attachments[0].tenant, end.attachments[0].volume)
        return [{"EntityRole": "Target", "EntityType": "Volume", "EntityLink": link(volume)}]
    entity: dict[str, Any] = {"EntityRole": "Initiator", "EntityType": "StorageInitiator"}
    known = _identifiers(end, request)
    return [entity if known is None else {**entity, "Identifiers": known}]


def _transport(end: End, request: Request) -> list[dict[str, Any]] | None:
    if isinstance(end, InitiatorEnd):
        return None
    said = end.attachments[0].connection
    doors = [portal.rpartition(":")[::2] for portal in said.get("portals", ())]
    if "port" in said:
        doors.append((str(said["address"]), str(said["port"])))
    return [_door(address.strip("[]"), int(port)) for address, port in doors] or None


def _door(address: str, port: int) -> dict[str, Any]:
    door: dict[str, Any] = {"TransportProtocol": "TCP", "Port": port}
    try:
        version = "IPv4Address" if isinstance(ip_address(address), IPv4Address) else "IPv6Address"
    except ValueError:
        # A name: the schema has no place for it.
        return door
    return {**door, version: {"Address": address}}


def _links(end: End, request: Request) -> dict[str, Any]:
    return counted("Connections", [uris.connection(one.protocol, one.id) for one in end.attachments])


ENDPOINT = Resource(
    type="Endpoint",
    version="v1_8_2",
    path=uris.endpoint("{protocol}", "{endpoint}"),
    load=endpoint_of,
    id_of=lambda end: str(end.id),
    name=_name,
    delete=_delete,
    stays=lambda end, request: isinstance(end, TargetEnd),
    properties=(
        Property("Description", _description),
        Property("EndpointProtocol", lambda end, request: fabric_type(request.params["protocol"])),
        Property("Identifiers", _identifiers),
        Property("ConnectedEntities", _entities),
        Property("IPTransportDetails", _transport),
        Property("Status", lambda end, request: {"State": "Enabled"}),
        Property("Links", _links),
    ),
)

ENDPOINTS = Collection(
    type="EndpointCollection",
    path=uris.endpoints("{protocol}"),
    name="Endpoints",
    member=ENDPOINT,
    list=_list,
    uri_of=lambda uri, request: str(uri),
    creation=Creation(
        Body(
            {
                "Name": NAME,
                "Identifiers": _IDENTIFIERS,
                "ConnectedEntities": _ENTITIES,
                **{
                    name: {"readOnly": True}
                    for name in ("Id", "Description", "EndpointProtocol", "IPTransportDetails", "Status", "Links")
                },
            },
            core={"name": "/Name", "initiators": "/Identifiers"},
        ),
        _create,
    ),
)

SERVED = (ENDPOINTS, ENDPOINT)
