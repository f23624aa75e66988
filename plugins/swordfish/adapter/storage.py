"""What a Swordfish service offers to platforms."""

from __future__ import annotations

from collections.abc import Iterator

from ....adapters.contract import storage as contract
from ....adapters.contract.base import BaseStorage
from ....core.context import Context
from ....core.errors import Forbidden, NotFound
from ....core.model.description import Description
from .accepted import Accepted
from .attachments import SwordfishAttachments
from .bodies import at, link, text
from .chap import Chap
from .client import Answer
from .events import SwordfishEvents
from .fabrics import fabrics_of
from .hosts import SwordfishHosts
from .metrics import SwordfishMetrics
from .operations import SwordfishOperations
from .pools import SwordfishPools
from .profiles import SwordfishProfiles
from .replicas import CLONE, SNAPSHOT, offers_copies
from .site import Share, Site
from .snapshots import SwordfishSnapshots
from .volumes import SwordfishVolumes


class SwordfishStorage(BaseStorage):
    """One service on behalf of a context. It is asked what it offers, by the resources that it has and what they
    allow; what cannot be known before there is a volume is offered, and refused when the service refuses it."""

    def __init__(self, context: Context, system: str, site: Site, accepted: Accepted, chap: Chap | None) -> None:
        super().__init__(context, system)
        self._system = system
        self._site = site
        operations = SwordfishOperations(context, site, accepted)
        self.operations: contract.Operations = operations
        self.volumes: contract.Volumes = SwordfishVolumes(context, site, operations)
        self.snapshots: contract.Snapshots = SwordfishSnapshots(context, site, operations)
        self.pools: contract.Pools = SwordfishPools(context, site, operations)
        self.profiles: contract.Profiles = SwordfishProfiles(context, site, operations)
        self.hosts: contract.Hosts = SwordfishHosts(context, site, operations)
        self.attachments: contract.Attachments = SwordfishAttachments(context, site, operations, chap)
        self.events: contract.Events = SwordfishEvents(context, site, operations)
        self.metrics: contract.Metrics = SwordfishMetrics(context, site, operations)

    def describe(self) -> Description:
        self._site.client.forget()
        root = self._site.root()
        share = self._share()
        product = text(root, "Product") or text(root, "Vendor") or "Redfish"
        name, _, version = product.rpartition(" ")
        versioned = bool(name) and version[:1].isdigit()
        return Description(
            system=self._system,
            product=name if versioned else product,
            version=version if versioned else text(root, "RedfishVersion"),
            offers=tuple(self._offers(share)),
            protocols=tuple(sorted({fabric.protocol for fabric in fabrics_of(self._site)})),
        )

    def _share(self) -> Share:
        """What is there; nothing for somebody whose tenant has nothing, so that the system can be asked how it is."""
        try:
            return self._site.share(self.context)
        except Forbidden:
            return Share(())

    def _offers(self, share: Share) -> Iterator[str]:
        if share.volumes:
            yield "volumes"
            yield from self._of_volumes(share)
        if share.pools:
            yield "pools"
            if self._linked(share.pools[0], "Metrics"):
                yield "metrics.pool"
        if share.classes:
            yield "profiles"
            if "POST" in (self._collection(share.classes[0]).allowed or ()):
                yield "profiles.create"
        fabrics = fabrics_of(self._site)
        if any(fabric.groups or fabric.endpoints for fabric in fabrics):
            yield "hosts"
        if any(fabric.connections for fabric in fabrics):
            yield "attachments"
        yield "operations"
        if self._site.stream() is not None:
            yield "events.stream"
        if self._site.tasks() is not None:
            yield "operations.list"

    def _of_volumes(self, share: Share) -> Iterator[str]:
        collection = self._collection(share.volumes[0])
        create = len(share.volumes) == 1 and "POST" in (collection.allowed or {"POST"})
        if create:
            yield "volumes.create"
        sample = self._sample(share.volumes[0])
        allowed = None if sample is None else sample.allowed
        if allowed is None or "PATCH" in allowed:
            yield from ("volumes.update", "volumes.extend")
        if allowed is None or "DELETE" in allowed:
            yield "volumes.delete"
        if sample is None or offers_copies(sample.body, SNAPSHOT):
            yield "snapshots"
        if sample is None or offers_copies(sample.body, CLONE):
            yield "volumes.clone"
            yield "volumes.from_snapshot"
        if sample is not None and link(sample.body, "Metrics") is not None:
            yield "metrics.volume"

    def _sample(self, collection: str) -> Answer | None:
        """The first volume, from which what the others allow can be told; None where there is none."""
        for path in self._site.client.uris(collection):
            try:
                return self._site.client.get(path)
            except NotFound:
                continue
        return None

    def _linked(self, collection: str, name: str) -> bool:
        sample = self._sample(collection)
        return sample is not None and at(sample.body, name) is not None

    def _collection(self, path: str) -> Answer:
        return self._site.client.get(path)
