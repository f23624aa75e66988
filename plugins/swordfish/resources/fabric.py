"""Fabrics: one for each protocol by which hosts reach volumes here."""

from __future__ import annotations

from collections.abc import Sequence

from ....core.errors import NotFound
from ....core.model.page import Query
from .. import protocols, uris
from ..protocol.request import Request
from ..protocol.resource import Collection, Property, Resource, Window
from ..protocol.windows import window_of
from ..uris import link

_OF_HOSTS = ("iscsi", "nbd", "memory")
"""The protocols that a host can have names for."""

_NAMES = {"iscsi": "iSCSI", "nbd": "NBD", "memory": "Memory"}


def protocols_here(request: Request) -> Sequence[str]:
    """The protocols that volumes can be reached by now, and those that something is still known of."""
    offered = set(request.storage.describe().protocols)
    return sorted(
        offered | {protocol for protocol in _OF_HOSTS if protocol not in offered and _used(request, protocol)}
    )


def load(request: Request) -> str:
    """The protocol in the path; raises `NotFound`."""
    protocol = request.params["protocol"]
    if protocol not in protocols_here(request):
        raise NotFound(f"There is no fabric {protocol}.", next_step=f"Look into {uris.FABRICS}.")
    return protocol


def fabric_type(protocol: str) -> str:
    """Redfish's name of the protocol (schema Protocol)."""
    return protocols.said(protocol) or "OEM"


def _used(request: Request, protocol: str) -> bool:
    query = Query(filters={"protocol": protocol}, limit=1)
    return bool(request.storage.attachments.list(query).items or request.storage.hosts.list(query).items)


def _list(request: Request, after: str | None, limit: int) -> Window:
    return window_of([uris.fabric(protocol) for protocol in protocols_here(request)], after, limit)


FABRIC = Resource(
    type="Fabric",
    version="v1_4_0",
    path=uris.fabric("{protocol}"),
    load=load,
    id_of=str,
    name=lambda protocol, request: _NAMES.get(protocol, protocol),
    properties=(
        Property("Description", lambda protocol, request: f"Hosts and volumes that meet over {protocol}"),
        Property("FabricType", lambda protocol, request: fabric_type(protocol)),
        Property("Endpoints", lambda protocol, request: link(uris.endpoints(protocol))),
        Property("EndpointGroups", lambda protocol, request: link(uris.endpoint_groups(protocol))),
        Property("Connections", lambda protocol, request: link(uris.connections(protocol))),
    ),
)

FABRICS = Collection(
    type="FabricCollection",
    path=uris.FABRICS,
    name="Fabrics",
    member=FABRIC,
    list=_list,
    uri_of=lambda uri, request: str(uri),
)

SERVED = (FABRICS, FABRIC)
