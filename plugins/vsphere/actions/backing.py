"""The volume behind a datastore: in which system, by the name that it has on the wire."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ....adapters.contract import Adapter, Storage
from ....core.context import Context
from ....core.errors import Conflict, IsthmusError, NotOffered
from ....core.model.attachment import Attachment
from ....core.model.volume import Volume
from ..hosts.esx import Esx
from ..hosts.vmfs import Vmfs
from ..inventory.glance import remembered
from ..reasons import because
from .by_hand import detaching
from .stage import everything


@dataclass(frozen=True, slots=True)
class Backing:
    """A volume and the system that has it."""

    system: str
    volume: Volume
    storage: Storage

    def offers(self) -> Sequence[str]:
        """What the system can do (`Description.offers`)."""
        context = self.storage.context
        known = ("offers", self.system, context.tenant, context.user, *sorted(context.roles))
        return remembered(known, lambda: self.storage.describe().offers)

    def attachments(self) -> list[Attachment]:
        return list(everything(self.storage.attachments.list, volume=self.volume.id))

    def snapshots(self) -> int:
        """How many snapshots the volume has."""
        try:
            return sum(1 for _ in everything(self.storage.snapshots.list, volume=self.volume.id))
        except NotOffered:
            return 0

    def demand_only(self, hosts: Sequence[Esx], name: str) -> None:
        """Raises with the names of who else has it. `name` is that of the datastore."""
        iqns = frozenset(str(each.adapter().iScsiName) for each in hosts)
        others = {
            host.name
            for host in (self.storage.hosts.get(each.host) for each in self.attachments())
            if iqns.isdisjoint(each.name for each in host.initiators)
        }
        if others:
            way = detaching(self.system, "volume", self.volume.id)
            raise because(Conflict, "other-hosts", name=name, hosts=sorted(others), way=way)


def backing_of(systems: Mapping[str, Adapter], context: Context, store: Vmfs) -> Backing:
    """Raises `Conflict`: it lies on several volumes, no system has it, or one that may have it does not answer."""
    if len(store.disks) != 1:
        raise because(Conflict, "several-disks", name=store.name, count=len(store.disks))
    known = ("behind", context.tenant, context.user, *sorted(context.roles), store.disks[0])
    found = remembered(known, lambda: behind(systems, context, store.disks[0]))
    if isinstance(found, Backing):
        return found
    if found:
        raise because(Conflict, "system-silent", system=found, name=store.name)
    raise because(Conflict, "not-ours", name=store.name)


def behind(systems: Mapping[str, Adapter], context: Context, identifier: str) -> Backing | str:
    """The volume with this identifier on the wire. Without one: a system that does not answer and may have it, or
    nothing."""
    silent = ""
    for name, adapter in systems.items():
        storage = adapter.storage(context)
        try:
            found = next(iter(everything(storage.volumes.list, identifier=identifier)), None)
        except NotOffered:
            continue
        except IsthmusError:
            silent = silent or name
            continue
        if found is not None:
            return Backing(name, found, storage)
    return silent


def targets_of(attachments: Iterable[Attachment]) -> list[str]:
    """The iSCSI names of the targets that these go through. One that is still being made, or failed, has none."""
    return sorted({str(each.connection["iqn"]) for each in attachments if "iqn" in each.connection})
