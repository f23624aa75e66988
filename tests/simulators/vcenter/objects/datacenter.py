"""Datacenter, with its four folders."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from ..registry import vim
from .entity import Entity
from .folder import Folder

if TYPE_CHECKING:
    from ..vcenter import VCenter


class Datacenter(Entity):
    """Holds hosts, machines, datastores and networks, each in a folder of its own."""

    KIND = vim.Datacenter
    PREFIX = "datacenter-"
    PRIVILEGES: ClassVar = {"Destroy_Task": "Datacenter.Delete", "Rename_Task": "Datacenter.Rename"}

    def __init__(self, vc: VCenter, name: str, parent: Folder) -> None:
        super().__init__(vc, name, parent)
        self.machines = Folder(vc, "vm", self, [vim.Folder, vim.VirtualMachine, vim.VirtualApp])
        self.hosts = Folder(vc, "host", self, [vim.Folder, vim.ComputeResource])
        self.datastores = Folder(vc, "datastore", self, [vim.Folder, vim.Datastore, vim.StoragePod])
        self.networks = Folder(vc, "network", self, [vim.Folder, vim.Network, vim.DistributedVirtualSwitch])
        self.set("vmFolder", self.machines.ref)
        self.set("hostFolder", self.hosts.ref)
        self.set("datastoreFolder", self.datastores.ref)
        self.set("networkFolder", self.networks.ref)
        parent.adopt(self)


def datacenter_of(entity: Entity) -> Datacenter:
    """The datacenter an entity is in. `LookupError` for one above all datacenters."""
    for each in (entity, *entity.ancestors()):
        if isinstance(each, Datacenter):
            return each
    raise LookupError(entity.moid)
