"""The datastores whose volumes lie in a storage system."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from ....adapters.contract import Storage
from ....core.context import Context
from ....core.errors import IsthmusError
from ..inventory.item import Item
from ..inventory.watch import Watches
from ..vcenters.reach import Reaches
from ..vcenters.vcenter import VCenter
from ..views.asking import Asking
from ..views.disks import by_disk
from ..views.stored import Stored, find


@dataclass(frozen=True, slots=True)
class Datastores:
    """Looks through the vCenters that are registered, as they are known now; nothing is asked of these."""

    reaches: Reaches
    watches: Watches
    asking: Asking

    def on(self, system: str) -> Sequence[Mapping[str, str]]:
        """Their names and vCenters. Those of a vCenter that is not known are left out, and all where the system does
        not answer within seconds."""
        return [
            {"name": store.name, "vcenter": vcenter.name}
            for vcenter in self.reaches.vcenters.all()
            for store in self._of(vcenter, system)
        ]

    def _of(self, vcenter: VCenter, system: str) -> Sequence[Item]:
        stores: Mapping[str, Item] = {}
        with suppress(IsthmusError):
            stores = by_disk(self.watches.inventory(vcenter.guid).all("Datastore"))
        if not stores:
            return ()

        def kept(name: str, storage: Storage) -> Mapping[str, Stored]:
            return find(name, storage, stores)

        context = Context(vcenter.tenant, "vsphere", frozenset({"manager"}))
        found = self.asking.each(context, kept, only=system).found.get(system, {})
        return [store for disk, store in stores.items() if disk in found]
