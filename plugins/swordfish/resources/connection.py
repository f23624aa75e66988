"""Connections: attachments. One gives one volume to one host."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ....core.errors import Invalid, NotFound
from ....core.model.attachment import AccessMode, Attachment, AttachmentState
from ....core.model.host import Host
from ....core.model.operation import Operation
from ....core.model.page import Query
from ....core.model.request import AttachmentRequest, ChapCredential
from ....core.model.volume import Volume
from .. import uris
from ..fabric_ends import is_published, target_id
from ..protocol.core_errors import refusal_of
from ..protocol.core_window import core_window
from ..protocol.links import LINK, LINKS, counted, member, wrong_link
from ..protocol.refusal import refuse
from ..protocol.request import Request
from ..protocol.resource import Action, Body, Collection, Creation, JsonSchema, Property, Resource, Window
from ..uris import link
from .endpoint_group import ends, find_group, names
from .fabric import load as load_fabric
from .volume import NAME

_STATUS: Mapping[AttachmentState, tuple[str, str]] = {
    AttachmentState.ATTACHING: ("Starting", "OK"),
    AttachmentState.ATTACHED: ("Enabled", "OK"),
    AttachmentState.DETACHING: ("UnavailableOffline", "OK"),
    AttachmentState.ERROR: ("UnavailableOffline", "Critical"),
}
_NAME = "name"
"""The note of an attachment that keeps the name given to a connection."""

_ENDPOINTS, _GROUPS = "InitiatorEndpoints", "InitiatorEndpointGroups"
_VOLUME = "/VolumeInfo/0/Volume/@odata.id"
_USER, _PASSWORD = "/ConnectionKeys/CHAP/CHAPUsername", "/ConnectionKeys/CHAP/CHAPPassword"
_VOLUME_INFO: JsonSchema = {
    "type": "array",
    "items": {
        "type": "object",
        "properties": {
            "Volume": LINK,
            "AccessCapabilities": {"type": "array", "items": {"enum": ["Read", "Write"]}},
            "LUN": {"type": ["integer", "null"]},
        },
        "required": ["Volume"],
        "additionalProperties": False,
    },
}
_LINKS: JsonSchema = {
    "type": "object",
    "properties": {_ENDPOINTS: LINKS, _GROUPS: LINKS},
    "additionalProperties": False,
}
_KEYS: JsonSchema = {
    "type": "object",
    "properties": {
        "CHAP": {
            "type": "object",
            "properties": {
                "CHAPUsername": {"type": ["string", "null"]},
                "CHAPPassword": {"type": "string", "writeOnly": True},
            },
            "required": ["CHAPPassword"],
            "additionalProperties": False,
            "writeOnly": True,
        },
    },
    "additionalProperties": False,
    "writeOnly": True,
}


def _load(request: Request) -> Attachment:
    wanted = request.params["connection"]
    attachment = request.storage.attachments.get(wanted)
    if attachment.id != wanted or attachment.protocol != request.params["protocol"]:
        raise NotFound(f"There is no connection {wanted} in this fabric.")
    return attachment


def _list(request: Request, after: str | None, limit: int) -> Window:
    query = Query(filters={"protocol": load_fabric(request)})
    return core_window(request.storage.attachments.list, query, after, limit)


def _volume_info(attachment: Attachment, request: Request) -> list[dict[str, Any]]:
    writes = attachment.mode is AccessMode.READ_WRITE
    info: dict[str, Any] = {
        "Volume": link(uris.volume(attachment.tenant, attachment.volume)),
        "AccessCapabilities": ["Read", "Write"] if writes else ["Read"],
    }
    if "lun" in attachment.connection:
        info["LUN"] = attachment.connection["lun"]
    return [info]


def _keys(attachment: Attachment, request: Request) -> dict[str, Any] | None:
    """Who the host logs in as; the password is null in responses (schema Connection, CHAPConnectionKey)."""
    user = attachment.connection.get("chap_user")
    return None if user is None else {"CHAP": {"CHAPUsername": user, "CHAPPassword": None}}


def _links(attachment: Attachment, request: Request) -> dict[str, Any]:
    """Access is the host's, by all its names: the group, not single endpoints (the schema wants one or the other)."""
    protocol = attachment.protocol
    found = counted(_GROUPS, [uris.endpoint_group(protocol, attachment.host)])
    if is_published(attachment):
        found |= counted("TargetEndpoints", [uris.endpoint(protocol, target_id(attachment))])
    return found


def _status(attachment: Attachment, request: Request) -> dict[str, str]:
    state, health = _STATUS[attachment.state]
    return {"State": state, "Health": health}


def _create(request: Request, values: Mapping[str, Any]) -> Operation:
    """Attach. Everything is looked at before anything is done; the core then decides once more."""
    protocol = load_fabric(request)
    volume, mode = _wanted_volume(request, protocol, values["VolumeInfo"])
    host, place = _wanted_host(request, protocol, values["Links"])
    notes = {_NAME: values["Name"]} if "Name" in values else {}
    wanted = AttachmentRequest(volume.id, host.id, mode, notes, _wanted_credential(values))
    try:
        return request.storage.attachments.create(wanted, key=request.key)
    except Invalid as error:
        pointers = {
            "host": place,
            "credential": "/ConnectionKeys/CHAP",
            "credential.user": _USER,
            "credential.secret": _PASSWORD,
            "metadata": "/Name",
        }
        raise refusal_of(error, request.path, pointers) from error


def _wanted_volume(request: Request, protocol: str, infos: list[Mapping[str, Any]]) -> tuple[Volume, AccessMode]:
    if len(infos) != 1:
        advice = "A connection gives one volume to one host. Make one connection for each volume."
        key, size = ("ArraySizeTooLong", "1") if infos else ("ArraySizeTooShort", "1")
        raise refuse(400, key, "VolumeInfo", size, related=("/VolumeInfo",), resolution=advice)
    info = infos[0]
    if info.get("LUN") is not None:
        advice = "The service chooses the LUN and tells it in the connection. Leave it out."
        place = "/VolumeInfo/0/LUN"
        raise refuse(400, "PropertyNotWritable", place[1:], related=(place,), resolution=advice)
    capabilities = set(info.get("AccessCapabilities", ("Read", "Write")))
    if "Read" not in capabilities:
        place = "/VolumeInfo/0/AccessCapabilities"
        advice = "A host may read, or read and write: [Read] or [Read, Write]."
        raise refuse(400, "PropertyValueError", place[1:], related=(place,), resolution=advice)
    uri = info["Volume"]["@odata.id"]
    volume = _find_volume(request, uri)
    if volume is None:
        raise wrong_link(_VOLUME, uri, "Name a volume of a storage service that you can see; a snapshot is none.")
    if volume.protocol != protocol:
        advice = f"This volume is reached over {volume.protocol}: POST to {uris.connections(volume.protocol)}."
        raise wrong_link(_VOLUME, uri, advice)
    return volume, AccessMode.READ_WRITE if "Write" in capabilities else AccessMode.READ_ONLY


def _find_volume(request: Request, uri: str) -> Volume | None:
    """The volume at a URI, None where the caller can see none."""
    found = request.service.router.find(uri.rstrip("/"))
    if found is None or found[0].path != uris.volume("{tenant}", "{volume}"):
        return None
    tenant, wanted = found[1]["tenant"], found[1]["volume"]
    try:
        volume = request.storage.volumes.get(wanted)
    except NotFound:
        return None
    return volume if (volume.tenant, volume.id) == (tenant, wanted) else None


def _wanted_host(request: Request, protocol: str, links: Mapping[str, Any]) -> tuple[Host, str]:
    """The host that the links lead to, and where in the body it is named."""
    by_group, by_endpoint = links.get(_GROUPS, ()), links.get(_ENDPOINTS, ())
    group_place, endpoint_place = f"/Links/{_GROUPS}", f"/Links/{_ENDPOINTS}"
    if by_group and by_endpoint:
        places = (endpoint_place, group_place)
        raise refuse(400, "PropertyValueConflict", *(place[1:] for place in places), related=places)
    if not by_group and not by_endpoint:
        raise refuse(400, "CreateFailedMissingReqProperties", group_place[1:], related=(group_place,))
    if by_endpoint:
        return _host_of(request, protocol, by_endpoint, endpoint_place), endpoint_place
    if len(by_group) > 1:
        advice = "A connection gives one volume to one host. Make one connection for each group."
        raise refuse(400, "ArraySizeTooLong", group_place[1:], "1", related=(group_place,), resolution=advice)
    uri = by_group[0]["@odata.id"]
    wanted = member(uri, uris.endpoint_groups(protocol))
    host = None if wanted is None else find_group(request, protocol, wanted)
    if host is None:
        advice = f"Name a member of {uris.endpoint_groups(protocol)}."
        raise wrong_link(f"{group_place}/0/@odata.id", uri, advice)
    return host, group_place


def _host_of(request: Request, protocol: str, links: list[Mapping[str, str]], place: str) -> Host:
    """The one host whose names in this fabric are all these: whatever a host is given, it is given by all its names."""
    found = ends(request, protocol, links, place)
    host = found[0].host
    if {end.host.id for end in found} != {host.id}:
        advice = "These endpoints are of several groups. Make one connection for each group."
        raise refuse(400, "PropertyValueError", place[1:], related=(place,), resolution=advice)
    if len(found) != len(names(host, protocol)):
        group = uris.endpoint_group(protocol, host.id)
        advice = f"These are not all endpoints of their group, and volumes are given to whole groups. Name {group}."
        raise refuse(400, "PropertyValueError", place[1:], related=(place,), resolution=advice)
    return host


def _wanted_credential(values: Mapping[str, Any]) -> ChapCredential | None:
    chap = values.get("ConnectionKeys", {}).get("CHAP")
    return None if chap is None else ChapCredential(chap["CHAPPassword"], chap.get("CHAPUsername") or "")


def _delete(request: Request, attachment: Attachment) -> Operation:
    return request.storage.attachments.delete(attachment.id, key=request.key, if_version=request.expected(attachment))


def _never(request: Request, attachment: Attachment, values: Mapping[str, Any]) -> None:
    raise refuse(400, "ActionNotSupported", "Connection")


CONNECTION = Resource(
    type="Connection",
    version="v1_4_0",
    path=uris.connection("{protocol}", "{connection}"),
    load=_load,
    id_of=lambda attachment: str(attachment.id),
    name=lambda attachment, request: attachment.metadata.get(_NAME) or f"Volume {attachment.volume}",
    delete=_delete,
    actions=tuple(
        # A connection has the one volume that it was made with.
        Action(f"Connection.{verb}VolumeInfo", Body({}), _never, offered=lambda attachment, request: False)
        for verb in ("Add", "Remove")
    ),
    properties=(
        Property("ConnectionType", lambda attachment, request: "Storage"),
        Property("Status", _status),
        Property("VolumeInfo", _volume_info),
        Property("ConnectionKeys", _keys),
        Property("Links", _links),
    ),
)

CONNECTIONS = Collection(
    type="ConnectionCollection",
    path=uris.connections("{protocol}"),
    name="Connections",
    member=CONNECTION,
    list=_list,
    uri_of=lambda attachment, request: uris.connection(attachment.protocol, attachment.id),
    creation=Creation(
        Body(
            {
                "Name": NAME,
                "ConnectionType": {"enum": ["Storage"]},
                "VolumeInfo": _VOLUME_INFO,
                "Links": _LINKS,
                "ConnectionKeys": _KEYS,
                "Id": {"readOnly": True},
                "Description": {"readOnly": True},
                "Status": {"readOnly": True},
            },
            required=("VolumeInfo", "Links"),
        ),
        _create,
        keyed=True,
    ),
)

SERVED = (CONNECTIONS, CONNECTION)
