"""What clients put into folders: machines that are new or lie on a datastore already, and datastore clusters."""
# ruff: noqa: N802 (methods carry their WSDL names)

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from ..registry import named_fault, vim, vmodl
from ..wire.call import Call
from .entity import Entity

if TYPE_CHECKING:
    from .compute_resource import ComputeResource
    from .folder import Folder
    from .host_system import HostSystem


class FolderChildren(Entity):
    """What Folder builds on. The kinds of the children know folders themselves, so they are looked for when needed."""

    @property
    def _folder(self) -> Folder:
        return cast("Folder", self)

    def CreateStoragePod(self, call: Call, name: str) -> Any:
        from .storage_pod import StoragePod

        if vim.StoragePod not in self.get("childType"):
            raise named_fault(vmodl.fault.NotSupported(), "This folder cannot hold datastore clusters")
        self._folder.demand_free(name)
        return StoragePod(self.vc, name, self._folder).ref

    def RegisterVM_Task(self, call: Call, path: str, name: str | None, template: bool, pool: Any, host: Any) -> Any:
        from .machine_registration import register

        self._demand_machines()
        where = self._host(pool, host)
        return self.vc.tasks.start(
            call, self, "Folder.registerVm", lambda task: register(self._folder, where, path, name).ref
        ).ref

    def CreateVM_Task(self, call: Call, config: Any, pool: Any, host: Any) -> Any:
        from .machine_registration import create

        self._demand_machines()
        where = self._host(pool, host)
        return self.vc.tasks.start(
            call, self, "Folder.createVm", lambda task: create(self._folder, where, config).ref
        ).ref

    def _demand_machines(self) -> None:
        if vim.VirtualMachine not in self.get("childType"):
            raise named_fault(vmodl.fault.NotSupported(), "This folder cannot hold machines")

    def _host(self, pool: Any, host: Any) -> HostSystem:
        """The host that is named, or the first connected one of the pool's cluster."""
        if host is not None:
            return self.vc.host(host)
        if pool is None:
            raise named_fault(vmodl.fault.InvalidArgument(invalidProperty="pool"), "A host or a pool is needed")
        compute = cast("ComputeResource", self.vc.entity(self.vc.entity(pool).get("owner")))
        for ref in compute.get("host") or []:
            if self.vc.host(ref).connected:
                return self.vc.host(ref)
        raise named_fault(vmodl.fault.HostNotConnected(), f"No host of {compute.name} is connected")
