"""A vCenter with a datastore on a volume of an engine, and the herald that watches both."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from isthmus.adapters.contract import Adapter
from isthmus.core.context import Context
from isthmus.core.engine.engine import Engine
from isthmus.core.events.log import append
from isthmus.core.model.request import VolumeRequest
from isthmus.core.security.sealing import Sealer
from isthmus.core.store import nouns
from isthmus.core.store.database import Database
from isthmus.core.store.records import OwnedRecords
from isthmus.core.store.schema import metadata
from isthmus.plugins.vsphere.connection.soap import connect
from isthmus.plugins.vsphere.connection.trust import Trust
from isthmus.plugins.vsphere.connection.vmodl import vim
from isthmus.plugins.vsphere.events.alarms import Alarms
from isthmus.plugins.vsphere.events.condition import Bounds
from isthmus.plugins.vsphere.events.herald import Herald
from isthmus.plugins.vsphere.events.kinds import BY_NAME
from isthmus.plugins.vsphere.inventory.watch import Watches
from isthmus.plugins.vsphere.registration.identity import KEY
from isthmus.plugins.vsphere.registration.offer import Offer
from isthmus.plugins.vsphere.vcenters.reach import Reaches
from isthmus.plugins.vsphere.vcenters.store import VCenters
from isthmus.plugins.vsphere.vcenters.vcenter import Registration
from isthmus.plugins.vsphere.vcenters.vcenter import VCenter as Known
from isthmus.ui_bridge.locale import Texts
from tests.environment.engine import KEY as ROOT_KEY
from tests.environment.engine import Installation, done
from tests.environment.server import until
from tests.integration.vsphere.conftest import ADMINISTRATOR, SERVICE, specification
from tests.simulators.vcenter import VCenter
from tests.simulators.vcenter.objects.datastore import vmfs_info

GIB = 1 << 30
TEXTS = Texts.load("isthmus.ui_bridge", "isthmus.plugins.vsphere")


@dataclass
class EventsSite:
    """`root` administers the engine; `systems` are what the herald sees, and may be changed."""

    engine: Engine
    root: Context
    records: OwnedRecords
    systems: dict[str, Adapter]
    reaches: Reaches
    watches: Watches

    def herald(self, **bounds: float) -> Herald:
        """A new one, as after a start of the server."""
        return Herald(self.reaches, self.watches, self.records, lambda: self.systems, TEXTS, Bounds(**bounds))

    def add(self, vc: VCenter) -> None:
        """Make the vCenter known, with types of events and alarms registered there."""
        trust = Trust(certificate=vc.certificate.pem)
        known = Known(
            vc.guid, "127.0.0.1", vc.port, trust, str(self.root.tenant), SERVICE.name,
            registration=Registration("1", "https://isthmus.example/", "AA"),
        )  # fmt: skip
        self.reaches.vcenters.put(known, password=SERVICE.password)
        offer = Offer((), TEXTS)
        resources = [
            vim.Extension.ResourceInfo(
                locale=locale, module=module, data=[vim.KeyValue(key=key, value=text) for key, text in data.items()]
            )
            for locale, module, data in offer.resources()
            if data
        ]
        types = [vim.Extension.EventTypeInfo(eventID=each) for each in offer.events()]
        vc.extensions.set(
            "extensionList", [vim.Extension(key=KEY, version="1", eventList=types, resourceList=resources)]
        )
        connection = connect(known.endpoint)
        connection.login(ADMINISTRATOR.name, ADMINISTRATOR.password)
        Alarms(connection, TEXTS).put()
        connection.logout()
        assert self.watches.inventory(vc.guid).complete(20)

    def volume(self, name: str = "gold", profile: str = "memory") -> str:
        """A volume of the engine."""
        made = self.engine.volumes.create(self.root, VolumeRequest(name, size=GIB, profile=profile))
        return str(done(self.engine, made).result["volume"])

    def back(self, vc: VCenter, volume: str, store: str = "datastore-001") -> None:
        """Let a datastore of the vCenter lie on the volume."""
        identifier = self.engine.volumes.get(self.root, volume).identifier
        assert identifier
        found = vc.named(store)
        extent = vim.host.ScsiDisk.Partition(diskName=identifier, partition=1)
        found.set("info", vmfs_info(store, GIB, GIB, extents=[extent]))
        inventory = self.watches.inventory(vc.guid)
        until(lambda: identifier in str([each.get("info") for each in inventory.all("Datastore")]))

    def pool(self, volume: str, **values: Any) -> None:
        """Let the pool that the volume is in say something else of itself."""
        pool = self.engine.volumes.get(self.root, volume).pool
        self.change(nouns.pools, str(pool), **values)

    def fill(self, volume: str, percent: float) -> None:
        """Let the pool that the volume is in be so full."""
        self.pool(volume, used=int(percent * GIB), total=100 * GIB)

    def change(self, kind: Any, identifier: str, **values: Any) -> None:
        """Change a row of the engine's."""
        self.engine.parts.database.change(lambda tx: kind.change(tx, identifier, **values))

    def happened(self, event: str, resource: str, **body: Any) -> None:
        """An event of the core's, numbered."""
        events = self.engine.events
        before = events.newest(self.root)
        identifier = self.engine.parts.database.change(
            lambda tx: append(
                tx, event, "operation", resource, tenant=self.root.tenant, context=self.root, body=body,
                operation=resource,
            )
        )  # fmt: skip
        self.engine.parts.announce()
        until(lambda: any(each.id == identifier for each in events.after(self.root, before)))


def posted(vc: VCenter) -> list[tuple[str, str, str]]:
    """What was posted of ours: the kind, the name of what it is about, and the text."""
    manager = vc.events
    found = []
    for event in manager.events:
        kind = str(getattr(event, "eventTypeId", "")).removeprefix(f"{KEY}.")
        if kind in BY_NAME:
            subject = manager.subject(event)
            found.append((kind, subject.name if subject is not None else "", str(event.fullFormattedMessage)))
    return found


def kinds(vc: VCenter) -> list[str]:
    """The kinds of what was posted."""
    return [kind for kind, _, _ in posted(vc)]


def colour(vc: VCenter, name: str = "datastore-001") -> str:
    """What an object is coloured."""
    return str(vc.named(name).get("overallStatus"))


@contextmanager
def events_site(folder: Path) -> Iterator[EventsSite]:
    database = Database(f"sqlite:///{folder / 'isthmus.db'}")
    metadata.create_all(database.engine)
    installation = Installation.begin(database, folder)
    engine = installation.engine()
    engine.start()
    root = installation.furnish(engine)
    records = OwnedRecords(database, "plugin:vsphere", Sealer([ROOT_KEY]))
    reaches = Reaches(VCenters(records))
    watches = Watches(reaches)
    try:
        yield EventsSite(engine, root, records, {"local": installation.adapter(engine)}, reaches, watches)
    finally:
        watches.close()
        reaches.close()
        engine.stop()
        database.close()


def in_language(locale: str) -> VCenter:
    """A vCenter whose own language that is."""
    return VCenter(replace(specification(), locale=locale))


def arguments(vc: VCenter, kind: str) -> Mapping[str, str]:
    """Those of the last event of the kind."""
    found = [each for each in vc.events.events if getattr(each, "eventTypeId", "") == f"{KEY}.{kind}"]
    return {each.key: str(each.value) for each in found[-1].arguments}
