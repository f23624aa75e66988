"""Fabrics: where the names of hosts and the paths to volumes are (schemas Fabric, Endpoint, EndpointGroup).

A service may show one host as a group in several fabrics. Such groups have the same `Id`, which is then a UUID; a host
is known by that alone, and by its path where ids are unique within their collection only.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ....core.errors import NotFound
from ....core.model.host import Initiator
from .bodies import Body, kind, link, links, mappings, text
from .client import Client
from .paths import id_of, last, uri_of
from .site import Place, Site
from .spoken import core_name

_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_PREFIXES: Mapping[str, str] = {"iQN": "", "EUI": "eui.", "NAA": "naa."}


@dataclass(frozen=True, slots=True)
class Fabric:
    """One fabric. `protocol` is the core's name of what it speaks."""

    place: Place

    @property
    def protocol(self) -> str:
        said = text(self.place.body, "FabricType")
        # A protocol that Redfish has no name for is called by the fabric's own.
        return core_name(said) if said not in ("", "OEM") else text(self.place.body, "Id").lower()

    @property
    def endpoints(self) -> str | None:
        return link(self.place.body, "Endpoints")

    @property
    def groups(self) -> str | None:
        return link(self.place.body, "EndpointGroups")

    @property
    def connections(self) -> str | None:
        return link(self.place.body, "Connections")

    def holds(self, path: str) -> bool:
        """Whether a path is below this fabric."""
        return path.startswith(f"{self.place.path}/")


def fabrics_of(site: Site) -> list[Fabric]:
    return [Fabric(place) for place in site.fabrics()]


def fabric_of(site: Site, path: str) -> Fabric | None:
    """The fabric that a path is below."""
    return next((fabric for fabric in fabrics_of(site) if fabric.holds(path)), None)


def host_id(path: str) -> str:
    """The id of the host that a group or an endpoint stands for."""
    return last(path) if _UUID.fullmatch(last(path)) else id_of(path)


def groups_of(client: Client, fabrics: list[Fabric], host: str) -> Iterator[tuple[Fabric, str, Body]]:
    """The groups that stand for a host: one in each fabric that shows it."""
    for fabric in fabrics:
        collection = fabric.groups or fabric.endpoints
        if collection is None:
            continue
        path = f"{collection}/{host}" if _UUID.fullmatch(host) else uri_of(host)
        if not fabric.holds(path):
            continue
        try:
            body = client.get(path).body
        except NotFound:
            continue
        if kind(body) in ("EndpointGroup", "Endpoint") and is_host(body):
            yield fabric, path, body


def is_host(body: Body) -> bool:
    """Whether a group or an endpoint is of those who use storage."""
    if kind(body) == "EndpointGroup":
        return text(body, "GroupType") in ("", "Initiator", "Client")
    return any(text(one, "EntityRole") in ("Initiator", "Both") for one in mappings(body, "ConnectedEntities"))


def initiators_of(client: Client, fabric: Fabric, body: Body) -> list[Initiator]:
    """The names of a host in a fabric."""
    if kind(body) == "Endpoint":
        return [Initiator(fabric.protocol, name) for name in names_of(body)]
    found = []
    for path in endpoints_in(body):
        try:
            found += [Initiator(fabric.protocol, name) for name in names_of(client.get(path).body)]
        except NotFound:
            continue
    return found


def endpoints_in(body: Body) -> list[str]:
    """The paths of the endpoints of a group; older services have them at its top."""
    return links(body, "Links", "Endpoints") or links(body, "Endpoints")


def names_of(body: Body) -> list[str]:
    """The durable names of an endpoint as initiators say them; where it has none, its own name."""
    found = []
    for one in [*mappings(body, "Identifiers"), *_of_entities(body)]:
        name, prefix = text(one, "DurableName"), _PREFIXES.get(text(one, "DurableNameFormat"), "")
        if name:
            found.append(name if name.startswith(prefix) else prefix + name)
    found = list(dict.fromkeys(found))
    return found or [name for name in (text(body, "Name"),) if name]


def identifiers(name: str) -> Mapping[str, str]:
    """A name as a durable name (schema Resource, Identifier)."""
    for form, prefix in (("EUI", "eui."), ("NAA", "naa.")):
        if name.startswith(prefix):
            return {"DurableNameFormat": form, "DurableName": name.removeprefix(prefix)}
    return {"DurableNameFormat": "iQN", "DurableName": name} if name.startswith("iqn.") else {"DurableName": name}


def _of_entities(body: Body) -> Iterator[Body]:
    for entity in mappings(body, "ConnectedEntities"):
        yield from mappings(entity, "Identifiers")
