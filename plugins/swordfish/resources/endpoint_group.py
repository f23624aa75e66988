"""Endpoint groups: hosts, each with its names for the fabric's protocol.

Every host is a group of every fabric, for one may be given volumes by protocols for which it needs no name. An endpoint
is in exactly one group: put into another one it leaves its own, taken out it has a group of its own, and a group whose
last endpoint goes that way goes too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from ....adapters.contract import Storage
from ....core.errors import Conflict, InUse, NotFound, Stale
from ....core.model.host import Host, Initiator
from ....core.model.page import Query
from ....core.model.request import Changes, HostRequest
from .. import uris
from ..fabric_ends import InitiatorEnd, attached_to, find_initiator, initiator_id
from ..identifiers import identifier
from ..protocol.core_window import core_window
from ..protocol.links import LINKS, counted, member, wrong_link
from ..protocol.refusal import refuse
from ..protocol.request import Request
from ..protocol.resource import Body, Collection, Creation, JsonSchema, Property, Resource, Window
from .fabric import load as load_fabric
from .volume import NAME

_PLACE = "/Links/Endpoints"
_LINKS: JsonSchema = {"type": "object", "properties": {"Endpoints": LINKS}, "additionalProperties": False}


def find_group(request: Request, protocol: str, wanted: str) -> Host | None:
    """The host with this id, None where the caller can see none."""
    try:
        host = request.storage.hosts.get(wanted)
    except NotFound:
        return None
    return host if host.id == wanted else None


def _load(request: Request) -> Host:
    host = find_group(request, load_fabric(request), request.params["group"])
    if host is None:
        raise NotFound(f"There is no endpoint group {request.params['group']}.")
    return host


def _list(request: Request, after: str | None, limit: int) -> Window:
    load_fabric(request)
    return core_window(request.storage.hosts.list, Query(), after, limit)


def _links(host: Host, request: Request) -> dict[str, Any]:
    protocol = request.params["protocol"]
    attached = attached_to(request, host.id, protocol)
    return {
        **counted("Endpoints", [uris.endpoint(protocol, initiator_id(one.name)) for one in names(host, protocol)]),
        **counted("Connections", [uris.connection(protocol, one.id) for one in attached]),
    }


def names(host: Host, protocol: str) -> tuple[Initiator, ...]:
    """The host's names for a protocol."""
    return tuple(one for one in host.initiators if one.protocol == protocol)


def ends(request: Request, protocol: str, links: Sequence[Mapping[str, str]], place: str) -> list[InitiatorEnd]:
    """The initiators that the links at `place` of a body lead to, each once; refuses what leads elsewhere."""
    found: dict[str, InitiatorEnd] = {}
    for number, given in enumerate(links):
        uri = given["@odata.id"]
        wanted = member(uri, uris.endpoints(protocol))
        end = None if wanted is None else find_initiator(request, protocol, wanted)
        if end is None:
            advice = f"Name an initiator that is a member of {uris.endpoints(protocol)}."
            raise wrong_link(f"{place}/{number}/@odata.id", uri, advice)
        found[end.id] = end
    return list(found.values())


def _create(request: Request, values: Mapping[str, Any]) -> str:
    protocol = load_fabric(request)
    found = ends(request, protocol, values.get("Links", {}).get("Endpoints", ()), _PLACE)
    owner = found[0].host.tenant if found else request.context.tenant
    _check_owner(found, owner)
    wanted = HostRequest(
        values["Name"], tuple(end.initiator for end in found), installation=owner is None, take=bool(found)
    )
    host = _storage(request, owner).hosts.create(wanted)
    return uris.endpoint_group(protocol, host.id)


def _update(request: Request, host: Host, changes: Mapping[str, Any]) -> None:
    """Put endpoints into the group, then give those that are left out groups of their own.

    Each of them moves in one step: it is in one group or the other, whatever happens meanwhile.
    """
    protocol = request.params["protocol"]
    if "Endpoints" not in changes["Links"]:
        raise refuse(400, "NoOperation")
    found = ends(request, protocol, changes["Links"]["Endpoints"], _PLACE)
    _check_owner(found, host.tenant)
    wanted = {end.initiator for end in found}
    leaving = [one for one in names(host, protocol) if one not in wanted]
    coming = tuple(end.initiator for end in found if end.host.id != host.id)
    if leaving and not wanted and len(leaving) == len(host.initiators):
        advice = "A group keeps one endpoint at least. To be rid of it, delete the group."
        raise refuse(400, "PropertyValueError", _PLACE[1:], related=(_PLACE,), resolution=advice)
    attached = attached_to(request, host.id, protocol)
    if attached and (leaving or coming):
        raise InUse(
            "Volumes are connected to this group; its endpoints stay as they are until the connections are deleted.",
            next_step="Delete the connections first.",
            attachments=[one.id for one in attached],
        )
    storage = _storage(request, host.tenant)
    changes_of_host = Changes(initiators=(*host.initiators, *coming), take=True)
    with undisturbed(request, host):
        storage.hosts.update(host.id, changes_of_host, if_version=host.version)
    for one in leaving:
        storage.hosts.create(HostRequest(one.name, (one,), installation=host.tenant is None, take=True))


def _delete(request: Request, host: Host) -> None:
    protocol = request.params["protocol"]
    others = {one.protocol for one in host.initiators} - {protocol}
    if others:
        where = ", ".join(uris.endpoint_group(other, host.id) for other in sorted(others))
        raise Conflict("The group has endpoints in other fabrics.", next_step=f"Delete the endpoints of {where} first.")
    with undisturbed(request, host):
        request.storage.hosts.delete(host.id, if_version=host.version)


@contextmanager
def undisturbed(request: Request, host: Host) -> Iterator[None]:
    """For changes that are bound to what was seen of a host, whether or not the client has set a condition.

    Something may be connected to it, or it may get another name, in this very moment. A client that has set no
    condition is then told of a conflict, not that its condition holds no more.
    """
    try:
        yield
    except Stale as stale:
        if request.expected(host) is not None:
            raise
        raise Conflict("The host is changed by somebody else in this moment.", next_step="Try again.") from stale


def _check_owner(found: Sequence[InitiatorEnd], owner: str | None) -> None:
    """Refuse endpoints that belong to somebody else than the group does."""
    for number, end in enumerate(found):
        if end.host.tenant != owner:
            place = f"{_PLACE}/{number}/@odata.id"
            advice = "All endpoints of a group belong to the same tenant, or all to the installation."
            raise refuse(400, "PropertyValueError", place[1:], related=(place,), resolution=advice)


def _storage(request: Request, owner: str | None) -> Storage:
    """The storage system on behalf of the caller, acting for the owner of a group."""
    if owner is None or owner == request.context.tenant:
        return request.storage
    return request.adapter.storage(replace(request.context, tenant=owner))


ENDPOINT_GROUP = Resource(
    type="EndpointGroup",
    version="v1_3_4",
    path=uris.endpoint_group("{protocol}", "{group}"),
    load=_load,
    id_of=lambda host: str(host.id),
    name=lambda host, request: host.name,
    update=_update,
    delete=_delete,
    properties=(
        Property("GroupType", lambda host, request: "Initiator"),
        Property("Identifier", lambda host, request: identifier(host.id)),
        Property("Links", _links, write=_LINKS),
    ),
)

ENDPOINT_GROUPS = Collection(
    type="EndpointGroupCollection",
    path=uris.endpoint_groups("{protocol}"),
    name="Endpoint groups",
    member=ENDPOINT_GROUP,
    list=_list,
    uri_of=lambda host, request: uris.endpoint_group(request.params["protocol"], host.id),
    creation=Creation(
        Body(
            {
                "Name": NAME,
                "GroupType": {"enum": ["Initiator"]},
                "Links": _LINKS,
                "Endpoints": {"readOnly": True, "description": "Name them in Links/Endpoints."},
                "Id": {"readOnly": True},
                "Description": {"readOnly": True},
                "Identifier": {"readOnly": True},
            },
            required=("Name",),
            core={"name": "/Name", "initiators": _PLACE},
        ),
        _create,
    ),
)

SERVED = (ENDPOINT_GROUPS, ENDPOINT_GROUP)
