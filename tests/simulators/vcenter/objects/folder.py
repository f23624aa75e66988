"""Folder: of datacenters, hosts, machines, datastores or networks."""
# ruff: noqa: N802 (methods carry their WSDL names)

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from ..registry import named_fault, vim, vmodl
from ..wire.call import Call
from .entity import Entity
from .folder_children import FolderChildren

if TYPE_CHECKING:
    from ..vcenter import VCenter


# What moving an entity needs, on it and on the folder it goes to.
_MOVE = {
    vim.Folder: "Folder.Move",
    vim.Datacenter: "Datacenter.Move",
    vim.VirtualMachine: "VirtualMachine.Inventory.Move",
    vim.Datastore: "Datastore.Move",
    vim.Network: "Network.Move",
    vim.ComputeResource: "Host.Inventory.MoveCluster",
    vim.ClusterComputeResource: "Host.Inventory.MoveCluster",
}


class Folder(FolderChildren):
    """`childType` says what it may hold."""

    KIND = vim.Folder
    PREFIX = "group-"
    PRIVILEGES: ClassVar = {"Destroy_Task": "Folder.Delete", "Rename_Task": "Folder.Rename"}

    def __init__(self, vc: VCenter, name: str, parent: Entity | None, child_types: list[Any]) -> None:
        super().__init__(vc, name, parent)
        self.set("childType", child_types)
        if isinstance(parent, Folder):
            parent.extend("childEntity", self.ref)

    def adopt(self, child: Entity) -> None:
        """Take an entity in."""
        self.extend("childEntity", child.ref)

    def CreateFolder(self, call: Call, name: str) -> Any:
        with self.vc.model.change():
            self.demand_free(name)
            return Folder(self.vc, name, self, list(self.get("childType"))).ref

    def CreateDatacenter(self, call: Call, name: str) -> Any:
        if vim.Datacenter not in self.get("childType"):
            raise named_fault(vmodl.fault.NotSupported(), "This folder cannot hold datacenters")
        with self.vc.model.change():
            self.demand_free(name)
            return self.vc.add_datacenter(name, self).ref

    def demand_free(self, name: str) -> None:
        """InvalidName, DuplicateName: why nothing new here can have this name."""
        if not name:
            raise named_fault(vim.fault.InvalidName(name=name), "A name is needed")
        for ref in self.get("childEntity") or []:
            if self.vc.entity(ref).name == name:
                raise named_fault(vim.fault.DuplicateName(name=name, object=ref), f"The name '{name}' already exists.")

    def MoveIntoFolder_Task(self, call: Call, children: list[Any]) -> Any:
        for ref in children:
            child = self.vc.entity(ref)
            privilege = _MOVE.get(child.KIND)
            if privilege is None:
                raise named_fault(vmodl.fault.NotSupported(), f"{child.KIND.__name__} cannot be moved")
            self.vc.rights.demand(call.session, child, privilege)
            self.vc.rights.demand(call.session, self, privilege)
        return self.vc.tasks.start(call, self, "Folder.moveInto", lambda task: self._move(children)).ref

    def _move(self, children: list[Any]) -> None:
        with self.vc.model.change():
            for ref in children:
                child = self.vc.entity(ref)
                if child is self or child in self.ancestors():
                    raise named_fault(vim.fault.InvalidFolder(target=self.ref), "A folder cannot hold itself")
                # Of the folder only: what it is made of stays as it is.
                Entity.detach(child)
                child.set("parent", self.ref)
                self.adopt(child)
