"""Hosts: groups of initiators in fabrics, or single ones where a service has no groups."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ....adapters.contract.base import page_of
from ....core.errors import Conflict, InUse, IsthmusError, NotFound, NotOffered, Stale
from ....core.model.host import Host, Initiator
from ....core.model.page import Page, Query
from ....core.model.request import Changes, HostRequest
from .bodies import BEGINNING, Body, link, links, text
from .bound import Bound, absent
from .client import Answer
from .fabrics import (
    Fabric,
    endpoints_in,
    fabrics_of,
    groups_of,
    host_id,
    identifiers,
    initiators_of,
    is_host,
    names_of,
)
from .names import checked_name
from .versions import version_of

_NAMES = {
    "/Name": "name",
    "/Identifiers": "initiators",
    "/Identifiers/0/DurableName": "initiators",
    "/Links/Endpoints": "initiators",
}


class SwordfishHosts(Bound):
    """The hosts of a service. It does not say whose they are: whoever may use the system sees them all."""

    def list(self, query: Query | None = None) -> Page[Host]:
        query = query or Query()
        found = self._all()
        filters = dict(query.filters)
        for name, of in (("initiator", "name"), ("protocol", "protocol")):
            if name in filters:
                wanted = filters.pop(name)
                found = [host for host in found if any(getattr(one, of) == wanted for one in host.initiators)]
        return page_of(Host, found, replace(query, filters=filters), ("created_at", "name"))

    def get(self, host: str) -> Host:
        return self._host(host, self._shown(host, None))

    def create(self, wanted: HostRequest) -> Host:
        _check(wanted)
        fabrics = fabrics_of(self.site)
        with contextlib.ExitStack() as undo:
            made: dict[str, tuple[Fabric, list[str]]] = {}
            for one in wanted.initiators:
                fabric = _speaking(fabrics, one.protocol)
                path, new = self._endpoint(fabric, one, wanted.name, wanted.take)
                if new:
                    undo.callback(self._forget, path)
                made.setdefault(fabric.place.path, (fabric, []))[1].append(path)
            first, endpoints = next(iter(made.values())) if made else (_grouping(fabrics), [])
            if len(made) > 1:
                raise NotOffered("A host of this system has names of one protocol.")
            if first.groups is None:
                if len(endpoints) != 1:
                    raise NotOffered("A host of this system has one name.")
                path = endpoints[0]
            else:
                path = self._group(first, wanted.name, endpoints)
            undo.pop_all()
        return self.get(host_id(path))

    def ensure(self, wanted: HostRequest) -> Host:
        names = set(wanted.initiators)
        found = [host for host in self._all() if names & set(host.initiators)]
        if len(found) > 1:
            raise Conflict("These initiators are of several hosts.", hosts=[host.id for host in found])
        if not found:
            return self.create(wanted)
        lacking = [one for one in wanted.initiators if one not in found[0].initiators]
        if not lacking:
            return found[0]
        return self.update(found[0].id, Changes(initiators=(*found[0].initiators, *lacking)))

    def update(self, host: str, changes: Changes, *, if_version: int | None = None) -> Host:
        if any(value is not None for value in (changes.name, changes.metadata, changes.address, changes.os_type)):
            raise NotOffered("Of a host of this system nothing but its initiators can be changed.")
        if changes.initiators is None:
            return self.get(host)
        fabrics = fabrics_of(self.site)
        for one in changes.initiators:
            _speaking(fabrics, one.protocol)
        shown = self._shown(host, if_version)
        for fabric, path, body in shown:
            wanted = [one for one in changes.initiators if one.protocol == fabric.protocol]
            present = initiators_of(self.client, fabric, body)
            if set(wanted) == set(present):
                continue
            if fabric.groups is None:
                raise NotOffered("A host of this system has one name.")
            kept = [one for one in endpoints_in(body) if self._named(one) & {each.name for each in wanted}]
            with contextlib.ExitStack() as undo:
                coming = []
                for one in wanted:
                    if one not in present:
                        endpoint, new = self._endpoint(fabric, one, text(body, "Name"), bool(changes.take))
                        coming.append(endpoint)
                        if new:
                            undo.callback(self._forget, endpoint)
                members = {"Links": {"Endpoints": [{"@odata.id": one} for one in [*kept, *coming]]}}
                answer = self.ask(path)
                self.patch(path, answer, members, _unchanged(answer, body, if_version), _NAMES)
                undo.pop_all()
            for gone in set(endpoints_in(body)) - set(kept):
                self._forget(gone)
        return self.get(host)

    def delete(self, host: str, *, if_version: int | None = None) -> None:
        # The group that has endpoints goes last: a service may have the host go with its last endpoint.
        shown = sorted(self._shown(host, if_version), key=lambda one: bool(endpoints_in(one[2])))
        for _, _, body in shown:
            if links(body, "Links", "Connections"):
                raise InUse("Volumes are attached to the host.", next_step="Detach them first.")
        _, path, body = shown[-1]
        for _, _, other in shown[:-1]:
            for endpoint in endpoints_in(other):
                self._forget(endpoint)
        answer = self.ask(path)
        self.conditional("DELETE", path, answer, None, _unchanged(answer, body, if_version))
        for endpoint in endpoints_in(body):
            self._forget(endpoint)

    def _shown(self, host: str, if_version: int | None) -> Sequence[tuple[Fabric, str, Body]]:
        """The groups that stand for a host; raises `NotFound`, and `Stale` for another version."""
        shown = list(groups_of(self.client, fabrics_of(self.site), host))
        if not shown:
            raise absent("host", host)
        if if_version is not None and self._host(host, shown).version != if_version:
            raise Stale("It was changed meanwhile.", next_step="Read it again, then decide.")
        return shown

    def _all(self) -> Sequence[Host]:
        fabrics = fabrics_of(self.site)
        shown: dict[str, list[tuple[Fabric, str, Body]]] = {}
        for fabric in fabrics:
            collection = fabric.groups or fabric.endpoints
            if collection is None:
                continue
            for path, body in self.client.members(collection):
                if is_host(body):
                    shown.setdefault(host_id(path), []).append((fabric, path, body))
        return [self._host(identifier, found) for identifier, found in shown.items()]

    def _host(self, identifier: str, shown: Sequence[tuple[Fabric, str, Body]]) -> Host:
        first = shown[0][2]
        names = [one for fabric, _, body in shown for one in initiators_of(self.client, fabric, body)]
        return Host(
            id=identifier,
            tenant=self.context.tenant,
            name=text(first, "Name") or text(first, "Id"),
            created_at=BEGINNING,
            updated_at=BEGINNING,
            version=version_of(first),
            initiators=tuple(dict.fromkeys(names)),
        )

    def _endpoint(self, fabric: Fabric, wanted: Initiator, name: str, take: bool) -> tuple[str, bool]:
        """The endpoint of an initiator, and whether it is a new one; raises `Conflict` where there is one already that
        is not to be taken."""
        if fabric.endpoints is None:
            raise NotOffered(f"The fabric {fabric.protocol} of this system has no endpoints.")
        for path, body in self.client.members(fabric.endpoints) if take else ():
            if wanted.name in names_of(body):
                return path, False
        named = identifiers(wanted.name)
        entity = {"EntityRole": "Initiator", "EntityType": "StorageInitiator", "Identifiers": [named]}
        body = {"Name": name, "Identifiers": [named], "ConnectedEntities": [entity]}
        return self._made(fabric.endpoints, body), True

    def _group(self, fabric: Fabric, name: str, endpoints: Sequence[str]) -> str:
        body: dict[str, Any] = {"Name": name, "GroupType": "Initiator"}
        if endpoints:
            body["Links"] = {"Endpoints": [{"@odata.id": one} for one in endpoints]}
        return self._made(str(fabric.groups), body)

    def _made(self, collection: str, body: Body) -> str:
        answer: Answer = self.client.change("POST", collection, body, names=_NAMES, request_id=self.context.request_id)
        path = answer.location or link(answer.body)
        if path is None:
            raise NotFound("The system made it and did not say where.")
        return path

    def _named(self, endpoint: str) -> set[str]:
        try:
            return set(names_of(self.ask(endpoint).body))
        except NotFound:
            return set()

    def _forget(self, endpoint: str) -> None:
        """Remove an endpoint that belongs to nothing any more, as far as it is there."""
        with contextlib.suppress(IsthmusError):
            self.client.change("DELETE", endpoint, request_id=self.context.request_id)


def _unchanged(answer: Answer, seen: Body, if_version: int | None) -> int | None:
    """The version of a group to which a change of its host is bound; raises `Stale` where it is not as it was seen."""
    if if_version is None:
        return None
    if answer.body != seen:
        raise Stale("It was changed meanwhile.", next_step="Read it again, then decide.")
    return version_of(answer.body)


def _check(wanted: HostRequest) -> None:
    checked_name(wanted.name)
    if wanted.installation:
        raise NotOffered("This system does not say whose its hosts are.")
    if wanted.os_type or wanted.address or wanted.metadata:
        raise NotOffered("A host of this system has a name and initiators only.")


def _speaking(fabrics: Sequence[Fabric], protocol: str) -> Fabric:
    found = next((fabric for fabric in fabrics if fabric.protocol == protocol), None)
    if found is None:
        raise NotOffered(f"No fabric of this system speaks {protocol}.")
    return found


def _grouping(fabrics: Sequence[Fabric]) -> Fabric:
    found = next((fabric for fabric in fabrics if fabric.groups is not None), None)
    if found is None:
        raise NotOffered("A host of this system has one name at least.")
    return found
