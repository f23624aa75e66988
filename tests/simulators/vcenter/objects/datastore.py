"""Datastore: VMFS or NFS, as the hosts that mount it see it."""
# ruff: noqa: N802 (methods carry their WSDL names)

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any, ClassVar

from ..registry import named_fault, vim
from ..wire.call import Call
from .datacenter import Datacenter, datacenter_of
from .datastore_files import DatastoreFiles

if TYPE_CHECKING:
    from ..vcenter import VCenter
    from .host_system import HostSystem


class Datastore(DatastoreFiles):
    """`info` decides its kind: VmfsDatastoreInfo or NasDatastoreInfo. Bytes for sizes."""

    KIND = vim.Datastore
    PREFIX = "datastore-"
    PRIVILEGES: ClassVar = {"Destroy_Task": "Datastore.Delete", "Rename_Task": "Datastore.Rename"}

    def __init__(self, vc: VCenter, name: str, datacenter: Datacenter, info: Any, capacity: int, free: int) -> None:
        super().__init__(vc, name, datacenter.datastores)
        self.set("info", info)
        volume = getattr(info, "vmfs", None) or getattr(info, "nas", None)
        self.set(
            "summary",
            vim.Datastore.Summary(
                datastore=self.ref,
                name=name,
                url=info.url,
                capacity=capacity,
                freeSpace=free,
                uncommitted=0,
                accessible=True,
                multipleHostAccess=False,
                type=volume.type if volume is not None else "VMFS",
                maintenanceMode="normal",
            ),
        )
        self.set(
            "capability",
            vim.Datastore.Capability(
                directoryHierarchySupported=True,
                rawDiskMappingsSupported=True,
                perFileThinProvisioningSupported=True,
                storageIORMSupported=True,
            ),
        )
        self.set("iormConfiguration", vim.StorageResourceManager.IORMConfigInfo(enabled=False, congestionThreshold=30))
        datacenter.datastores.adopt(self)
        datacenter.extend("datastore", self.ref)

    def renamed(self) -> None:
        super().renamed()
        self.set("info.name", self.name)

    def hosts(self) -> list[HostSystem]:
        """Those that mount it."""
        return [self.vc.host(each.key) for each in self.get("host") or []]

    def resize(self, capacity: int, free: int) -> None:
        """Say other sizes, in bytes."""
        with self.vc.model.change():
            self.set("summary.capacity", capacity)
            self.set("summary.freeSpace", free)
            self.set("info.freeSpace", free)
            self.set("info.timestamp", self.vc.clock.now())

    def mount_on(self, hosts: list[HostSystem], mode: str = "readWrite", path: str = "") -> None:
        """Hosts see it from now on."""
        info = vim.host.MountInfo(
            path=path or str(self.get("summary.url")), accessMode=mode, mounted=True, accessible=True
        )
        with self.vc.model.change():
            mounts = [vim.Datastore.HostMount(key=host.ref, mountInfo=info) for host in hosts]
            self.set("host", [*(self.get("host") or []), *mounts])
            self.set("summary.multipleHostAccess", len(self.get("host")) > 1)
            self.set("summary.accessible", True)
            for host in hosts:
                host.extend("datastore", self.ref)
            for compute in {host.compute.moid: host.compute for host in hosts}.values():
                compute.refer("datastore")

    def unmounted(self, host: HostSystem) -> None:
        """A host no longer sees it. Called by the host."""
        with self.vc.model.change():
            left = [each for each in self.get("host") or [] if each.key._moId != host.moid]
            self.set("host", left)
            self.set("summary.multipleHostAccess", len(left) > 1)
            self.set("summary.accessible", bool(left))

    def mount_of(self, host: HostSystem) -> Any | None:
        """MountInfo of one host; None when it does not know the datastore."""
        return next((each.mountInfo for each in self.get("host") or [] if each.key._moId == host.moid), None)

    def RefreshDatastore(self, call: Call) -> None:
        self.set("info.timestamp", self.vc.clock.now())

    def RefreshDatastoreStorageInfo(self, call: Call) -> None:
        self.set("info.timestamp", self.vc.clock.now())

    def RenameDatastore(self, call: Call, name: str) -> None:
        self.rename(name)

    def DestroyDatastore(self, call: Call) -> None:
        self.destroy()

    def DatastoreEnterMaintenanceMode(self, call: Call) -> Any:
        def work(task: object) -> None:
            self.demand_no_machines()
            self.set("summary.maintenanceMode", "inMaintenance")

        task = self.vc.tasks.start(call, self, "Datastore.enterMaintenanceMode", work)
        return vim.storageDrs.StoragePlacementResult(task=task.ref)

    def DatastoreExitMaintenanceMode_Task(self, call: Call) -> Any:
        def work(task: object) -> None:
            self.set("summary.maintenanceMode", "normal")

        return self.vc.tasks.start(call, self, "Datastore.exitMaintenanceMode", work).ref

    def destroy(self) -> None:
        with self.vc.model.change():
            self.demand_unused()
            for host in self.hosts():
                host.unmount(self)
            super().destroy()

    def demand_unused(self) -> None:
        """ResourceInUse while machines are on it, or anything else needs it."""
        self.demand_no_machines()
        self.demand_unblocked()

    def demand_no_machines(self) -> None:
        """ResourceInUse while machines are on it."""
        machines = [self.vc.entity(ref).name for ref in self.get("vm") or []]
        if machines:
            raise named_fault(
                vim.fault.ResourceInUse(type=vim.Datastore, name=self.name),
                f"The resource '{self.name}' is in use by {', '.join(machines[:5])}.",
            )

    def detach(self) -> None:
        super().detach()
        datacenter_of(self).discard("datastore", self.ref)


def vmfs_info(name: str, capacity: int, free: int, *, extents: list[Any], volume: str = "") -> Any:
    """VmfsDatastoreInfo of a VMFS 6 volume."""
    identity = volume or f"{uuid.uuid4().hex[:8]}-{uuid.uuid4().hex[:8]}-{uuid.uuid4().hex[:4]}-{uuid.uuid4().hex[:12]}"
    return vim.host.VmfsDatastoreInfo(
        name=name,
        url=f"ds:///vmfs/volumes/{identity}/",
        freeSpace=free,
        maxFileSize=64 << 40,
        vmfs=vim.host.VmfsVolume(
            type="VMFS",
            name=name,
            capacity=capacity,
            uuid=identity,
            blockSizeMb=1,
            blockSize=1024,
            maxBlocks=63963136,
            majorVersion=6,
            version="6.82",
            extent=extents,
            vmfsUpgradable=False,
            ssd=False,
            local=False,
        ),
    )


def nas_info(name: str, capacity: int, free: int, *, host: str, path: str, version: str = "NFS") -> Any:
    """NasDatastoreInfo of an export."""
    identity = uuid.uuid5(uuid.NAMESPACE_URL, f"{host}:{path}").hex[:17]
    return vim.host.NasDatastoreInfo(
        name=name,
        url=f"ds:///vmfs/volumes/{identity[:8]}-{identity[8:16]}/",
        freeSpace=free,
        maxFileSize=64 << 40,
        nas=vim.host.NasVolume(
            type=version,
            name=name,
            capacity=capacity,
            remoteHost=host,
            remotePath=path,
            userName="",
            remoteHostNames=[host],
            securityType="AUTH_SYS",
        ),
    )
