"""The manager: Isthmus itself, a program that manages storage and no hardware (schema Manager, ManagerType Service)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from .. import uris
from ..discovery import PORT
from ..discovery_settings import DiscoveryRule
from ..protocol.refusal import refuse
from ..protocol.request import Request
from ..protocol.resource import Collection, Outcome, Property, Resource
from ..protocol.windows import window_of
from ..uris import link

_SSDP = {
    "type": "object",
    "additionalProperties": False,
    "properties": {"ProtocolEnabled": {"type": "boolean"}},
}


def _load(request: Request) -> None:
    if request.params["manager"] != uris.MANAGER_ID:
        raise request.missing()


MANAGER = Resource(
    type="Manager",
    version="v1_24_0",
    path=uris.manager("{manager}"),
    load=_load,
    id_of=lambda noun: uris.MANAGER_ID,
    name=lambda noun, request: "Isthmus",
    properties=(
        Property("ManagerType", lambda noun, request: "Service"),
        Property("Model", lambda noun, request: "Isthmus"),
        Property("FirmwareVersion", lambda noun, request: request.service.setup.server.version),
        Property("ServiceEntryPointUUID", lambda noun, request: request.service.identity.uuid),
        Property("Status", lambda noun, request: {"State": "Enabled", "Health": "OK"}),
        Property("NetworkProtocol", lambda noun, request: link(uris.network_protocol(uris.MANAGER_ID))),
    ),
)

MANAGERS = Collection(
    type="ManagerCollection",
    path=uris.MANAGERS,
    name="Managers",
    list=lambda request, after, limit: window_of([uris.manager(uris.MANAGER_ID)], after, limit),
    uri_of=lambda uri, request: str(uri),
)


def _protocols(request: Request) -> DiscoveryRule:
    _load(request)
    return request.service.discovery.read()


def _https(rule: DiscoveryRule, request: Request) -> dict[str, Any] | None:
    """How clients reach the service that they are asking, unless a proxy speaks TLS for it."""
    address = urlsplit(request.service.setup.server.address)
    return {"ProtocolEnabled": True, "Port": address.port or 443} if address.scheme == "https" else None


def _ssdp(rule: DiscoveryRule, request: Request) -> dict[str, Any] | None:
    return {"ProtocolEnabled": rule.enabled, "Port": PORT} if request.service.discovery.offered else None


def _update(request: Request, rule: DiscoveryRule, changes: Mapping[str, Any]) -> Outcome:
    if not request.service.discovery.offered:
        raise refuse(400, "PropertyUnknown", "SSDP", related=("/SSDP",))
    enabled = changes.get("SSDP", {}).get("ProtocolEnabled", rule.enabled)
    request.service.discovery.write(enabled, if_version=request.expected(rule))
    return None


NETWORK_PROTOCOL = Resource(
    type="ManagerNetworkProtocol",
    version="v1_12_0",
    path=uris.network_protocol("{manager}"),
    load=_protocols,
    id_of=lambda rule: "NetworkProtocol",
    name=lambda rule, request: "Protocols of the service",
    update=_update,
    properties=(
        Property("Status", lambda rule, request: {"State": "Enabled", "Health": "OK"}),
        Property("HTTPS", _https),
        Property("SSDP", _ssdp, write=_SSDP),
    ),
)

SERVED = (MANAGERS, MANAGER, NETWORK_PROTOCOL)
