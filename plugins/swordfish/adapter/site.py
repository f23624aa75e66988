"""Where things are in a service, found by its links: the storage that somebody here may use, fabrics, tasks.

A service may have StorageServices (one for each tenant, or one for all) or nothing but Storage, at the root or below
its systems. What hardly ever changes is looked up every half minute only.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ....core.context import Context
from ....core.errors import Forbidden, Misconfigured, NotFound, Unavailable
from .bodies import Body, kind, link, links, text
from .client import Client
from .paths import last


@dataclass(frozen=True, slots=True)
class Place:
    """A StorageService or a Storage, at a path."""

    path: str
    body: Body

    def called(self, name: str) -> bool:
        """Whether that is its Id or its Name."""
        return name in (text(self.body, "Id"), text(self.body, "Name"), last(self.path))


@dataclass(frozen=True, slots=True)
class Share:
    """What one tenant has of a service: all `places`, with the paths of their collections."""

    places: Sequence[Place]

    @property
    def volumes(self) -> tuple[str, ...]:
        return self._collections("Volumes")

    @property
    def pools(self) -> tuple[str, ...]:
        return self._collections("StoragePools")

    @property
    def classes(self) -> tuple[str, ...]:
        return self._collections("ClassesOfService")

    @property
    def default_class(self) -> str | None:
        """The class of volumes for which none is named."""
        return next((found for place in self.places if (found := link(place.body, "DefaultClassOfService"))), None)

    def _collections(self, name: str) -> tuple[str, ...]:
        found = (link(place.body, name) for place in self.places)
        return tuple(dict.fromkeys(path for path in found if path is not None))


class Site:
    """One service, and who of here has what of it.

    `service` names (Id or Name) what everybody uses; `services` names it for each tenant (id), and then others have
    nothing there.
    """

    def __init__(self, client: Client, service: str | None, services: Mapping[str, str] | None) -> None:
        self.client = client
        self._service = service
        self._services = services

    @property
    def shared(self) -> bool:
        """Whether several tenants of here are kept apart there."""
        return self._services is not None

    def share(self, context: Context) -> Share:
        """What the context's tenant has; who acts for no tenant has what all tenants have.

        `Forbidden` where a tenant has nothing, `Misconfigured` where what the settings name is not there.
        """
        wanted = self._wanted(context)
        places = self._places("StorageServices")
        if not places:
            places = self._places("Storage") or self._below_systems()
            if not places:
                raise Misconfigured(f"{self.client.address} shows no storage.", next_step="See what its user may read.")
            if not wanted:
                return Share(places)
        if wanted:
            return Share([self._named(places, name) for name in wanted])
        if len(places) > 1:
            raise Misconfigured(
                f"The system {self.client.system} has several storage services.",
                next_step="Name one in the system's setting `service`, or one for each tenant in `services`.",
            )
        return Share(places)

    def _wanted(self, context: Context) -> Sequence[str]:
        """The names of what the context's tenant has; none where no setting says so."""
        if self._services is None or (context.tenant is None and self._service is not None):
            return () if self._service is None else (self._service,)
        if context.tenant is None:
            return tuple(dict.fromkeys(self._services.values()))
        if context.tenant not in self._services:
            raise Forbidden(
                f"The tenant {context.tenant} has no storage service in this system.",
                next_step="Ask an administrator to name one in the system's setting `services`.",
            )
        return (self._services[context.tenant],)

    def fabrics(self) -> Iterator[Place]:
        """The fabrics that connect storage with its hosts."""
        yield from self._places("Fabrics")

    def tasks(self) -> str | None:
        """The collection of tasks."""
        service = link(self.root(), "Tasks") or link(self.root(), "TaskService")
        return None if service is None else link(self.client.known(service).body, "Tasks")

    def stream(self) -> str | None:
        """Where events are streamed."""
        service = link(self.root(), "EventService")
        return None if service is None else link(self.client.known(service).body, "ServerSentEventUri")

    def root(self) -> Body:
        """The service root; raises `Unavailable` where there is none."""
        root = self.client.root()
        if kind(root) not in ("ServiceRoot", "") or not root:
            raise Unavailable(f"{self.client.address} does not speak Redfish.", next_step="Check the address.")
        return root

    def _named(self, places: Sequence[Place], name: str) -> Place:
        found = [place for place in places if place.called(name)]
        if len(found) != 1:
            raise Misconfigured(
                f"The system {self.client.system} has {'several' if found else 'no'} {name!r}.",
                next_step="Name a storage service by its Id in the system's settings.",
            )
        return found[0]

    def _places(self, name: str) -> list[Place]:
        collection = link(self.root(), name)
        if collection is None:
            return []
        return self._members(collection)

    def _members(self, collection: str) -> list[Place]:
        try:
            answer = self.client.known(collection)
        except NotFound:
            return []
        found = []
        whole = "Members@odata.nextLink" not in answer.body
        for path in links(answer.body, "Members") if whole else self.client.uris(collection):
            try:
                found.append(Place(path, self.client.known(path).body))
            except NotFound:
                continue
        return found

    def _below_systems(self) -> list[Place]:
        found: list[Place] = []
        for name in ("StorageSystems", "Systems"):
            for system in self._places(name):
                collection = link(system.body, "Storage")
                if collection is not None:
                    found += self._members(collection)
        return list({place.path: place for place in found}.values())
