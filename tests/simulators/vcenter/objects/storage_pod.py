"""StoragePod: a datastore cluster, with Storage DRS on or off."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..managed import computed
from ..registry import vim
from .folder import Folder

if TYPE_CHECKING:
    from ..vcenter import VCenter


class StoragePod(Folder):
    """A folder of datastores. Nothing is balanced; what is configured is kept."""

    KIND = vim.StoragePod
    PREFIX = "group-p"

    def __init__(self, vc: VCenter, name: str, parent: Folder) -> None:
        super().__init__(vc, name, parent, [vim.Datastore])
        pod = vim.storageDrs.PodConfigInfo(
            enabled=False,
            ioLoadBalanceEnabled=False,
            defaultVmBehavior="manual",
            loadBalanceInterval=480,
            defaultIntraVmAffinity=True,
        )
        entry = vim.StorageResourceManager.PodStorageDrsEntry(storageDrsConfig=vim.storageDrs.ConfigInfo(podConfig=pod))
        self.set("podStorageDrsEntry", entry)

    @property
    def always_read(self) -> bool:
        # Its size is that of its datastores.
        return True

    @computed("summary")
    def summary(self, session: object) -> object:
        """The sums over its datastores, in bytes."""
        stores = [self.vc.datastore(ref) for ref in self.get("childEntity") or []]
        return vim.StoragePod.Summary(
            name=self.name,
            capacity=sum(each.get("summary.capacity") for each in stores),
            freeSpace=sum(each.get("summary.freeSpace") for each in stores),
        )
