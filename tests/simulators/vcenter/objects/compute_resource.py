"""ComputeResource and ClusterComputeResource: one host that stands alone, or several that belong together."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from ..registry import vim
from .cluster_heartbeats import ClusterHeartbeats
from .datacenter import datacenter_of
from .folder import Folder
from .resource_pool import ResourcePool

if TYPE_CHECKING:
    from ..vcenter import VCenter
    from .host_system import HostSystem


class ComputeResource(ClusterHeartbeats):
    """What holds a host that is in no cluster."""

    KIND = vim.ComputeResource
    PREFIX = "domain-s"
    PRIVILEGES: ClassVar = {
        "Destroy_Task": "Host.Inventory.RemoveHostFromCluster",
        "Rename_Task": "Host.Inventory.RenameCluster",
    }

    def __init__(self, vc: VCenter, name: str, folder: Folder) -> None:
        super().__init__(vc, name, folder)
        self.pool = ResourcePool(vc, self)
        self.set("resourcePool", self.pool.ref)
        folder.adopt(self)

    def take(self, host: HostSystem) -> None:
        """A host more."""
        self.extend("host", host.ref)

    def release(self, host: HostSystem) -> None:
        """A host less."""
        self.discard("host", host.ref)

    def refer(self, kind: str) -> None:
        """Say again which datastores (`datastore`) or networks (`network`) its hosts have."""
        with self.vc.model.change():
            found = {}
            for ref in self.get("host") or []:
                for each in self.vc.model.of(ref).get(kind) or []:
                    found[each._moId] = each
            self.set(kind, list(found.values()))
            datacenter = datacenter_of(self)
            shared = {each._moId: each for each in datacenter.get(kind) or []}
            datacenter.set(kind, list({**shared, **found}.values()))


class Cluster(ComputeResource):
    """A cluster."""

    KIND = vim.ClusterComputeResource
    PREFIX = "domain-c"
    PRIVILEGES: ClassVar = {
        "Destroy_Task": "Host.Inventory.DeleteCluster",
        "Rename_Task": "Host.Inventory.RenameCluster",
        "ReconfigureComputeResource_Task": "Host.Inventory.EditCluster",
    }

    def __init__(self, vc: VCenter, name: str, folder: Folder) -> None:
        super().__init__(vc, name, folder)
        self.set(
            "configurationEx",
            vim.cluster.ConfigInfoEx(
                dasConfig=vim.cluster.DasConfigInfo(enabled=False), drsConfig=vim.cluster.DrsConfigInfo(enabled=False)
            ),
        )
