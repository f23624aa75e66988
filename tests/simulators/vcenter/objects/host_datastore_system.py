"""HostDatastoreSystem: making, enlarging, mounting and removing datastores through one host."""
# ruff: noqa: N802 (methods carry their WSDL names)

from __future__ import annotations

from typing import Any

from ..managed import computed
from ..registry import named_fault, vim, vmodl
from ..storage import formatting, resolving
from ..storage.description import scsi_disk
from ..storage.host_storage import HostStorage
from ..storage.lookup import storage_of
from ..storage.volumes import Volume
from ..wire.call import Call
from .datastore import Datastore
from .host_system import HostPart, HostSystem
from .nas_datastore import NasDatastore, mount
from .vmfs_datastore import VmfsDatastore


class HostDatastoreSystem(HostPart):
    """All it does is done on the host's own disks."""

    KIND = vim.host.DatastoreSystem

    def __init__(self, host: HostSystem, moid: str) -> None:
        super().__init__(host, moid)
        self.set(
            "capabilities",
            vim.host.DatastoreSystem.Capabilities(
                nfsMountCreationRequired=True,
                nfsMountCreationSupported=True,
                localDatastoreSupported=False,
                vmfsExtentExpansionSupported=True,
            ),
        )

    @computed("datastore")
    def datastores(self, session: object) -> Any:
        """Those the host mounts."""
        return self.host.get("datastore")

    @property
    def _storage(self) -> HostStorage:
        self.host.demand_connected()
        return storage_of(self.host)

    def QueryAvailableDisksForVmfs(self, call: Call, datastore: Any) -> list[Any]:
        storage = self._storage
        with storage.lock:
            return [scsi_disk(each) for each in formatting.available(storage)]

    def QueryVmfsDatastoreCreateOptions(self, call: Call, path: str, version: int | None) -> list[Any]:
        storage = self._storage
        with storage.lock:
            return formatting.create_options(storage, path)

    def CreateVmfsDatastore(self, call: Call, spec: Any) -> Any:
        storage = self._storage
        with storage.lock:
            return formatting.create(storage, spec).ref

    def QueryVmfsDatastoreExpandOptions(self, call: Call, datastore: Any) -> list[Any]:
        storage = self._storage
        with storage.lock:
            return formatting.expand_options(storage, self._volume(storage, datastore))

    def ExpandVmfsDatastore(self, call: Call, datastore: Any, spec: Any) -> Any:
        storage = self._storage
        with storage.lock:
            return self._enlarged(datastore, formatting.expand(storage, self._volume(storage, datastore), spec))

    def QueryVmfsDatastoreExtendOptions(
        self, call: Call, datastore: Any, path: str, without_expansion: bool | None
    ) -> list[Any]:
        storage = self._storage
        with storage.lock:
            self._volume(storage, datastore)
            return formatting.extend_options(storage, path)

    def ExtendVmfsDatastore(self, call: Call, datastore: Any, spec: Any) -> Any:
        storage = self._storage
        with storage.lock:
            return self._enlarged(datastore, formatting.extend(storage, self._volume(storage, datastore), spec))

    def _volume(self, storage: HostStorage, ref: Any) -> Volume:
        """The file system of a datastore. NotFound on a host that does not have it; DatastoreNotWritableOnHost where it
        cannot be written."""
        datastore = self.vc.datastore(ref)
        volume = storage.volumes.known.get(datastore.uuid) if isinstance(datastore, VmfsDatastore) else None
        if volume is None:
            raise named_fault(vim.fault.NotFound(), f"The host {self.host.name} has no VMFS datastore {datastore.name}")
        if not storage.volumes.accessible(volume):
            raise named_fault(
                vim.fault.DatastoreNotWritableOnHost(datastore=ref, name=datastore.name, host=self.host.ref),
                f"The datastore {datastore.name} is not writable on the host {self.host.name}.",
            )
        return volume

    def _enlarged(self, ref: Any, header: Any) -> Any:
        datastore = self.vc.datastore(ref)
        assert isinstance(datastore, VmfsDatastore)
        datastore.set("info.vmfs.capacity", header.size)
        datastore.measure()
        return ref

    def QueryUnresolvedVmfsVolumes(self, call: Call) -> list[Any]:
        storage = self._storage
        with storage.lock:
            return resolving.unresolved(storage)

    def ResignatureUnresolvedVmfsVolume_Task(self, call: Call, spec: Any) -> Any:
        def work(task: object) -> Any:
            storage = self._storage
            with storage.lock:
                datastore = resolving.resignature(storage, list(spec.extentDevicePath))
            return vim.host.ResignatureRescanResult(result=datastore.ref)

        return self.vc.tasks.start(call, self, "host.DatastoreSystem.resignatureUnresolvedVmfsVolume", work).ref

    def CreateNasDatastore(self, call: Call, spec: Any) -> Any:
        storage = self._storage
        store = mount(self.host, spec)
        storage.publish()
        return store.ref

    def RemoveDatastore(self, call: Call, ref: Any) -> None:
        self._remove(self.vc.datastore(ref))

    def RemoveDatastoreEx_Task(self, call: Call, refs: list[Any]) -> Any:
        result = vim.host.DatastoreSystem.DatastoreResult

        def work(task: object) -> Any:
            results = []
            for ref in refs:
                try:
                    self._remove(self.vc.datastore(ref))
                    results.append(result(key=ref))
                except vmodl.MethodFault as fault:
                    results.append(result(key=ref, fault=fault))
            return result.Array(results)

        return self.vc.tasks.start(call, self, "host.DatastoreSystem.removeDatastoreEx", work).ref

    def _remove(self, datastore: Datastore) -> None:
        """A file system on disks ends for all hosts; an export is unmounted from this one."""
        storage = self._storage
        if datastore.mount_of(self.host) is None:
            raise named_fault(vim.fault.NotFound(), f"The host {self.host.name} has no datastore {datastore.name}")
        if not isinstance(datastore, NasDatastore):
            datastore.destroy()
            return
        datastore.demand_unused_by(self.host)
        with self.vc.model.change():
            self.host.unmount(datastore)
            if not datastore.hosts():
                datastore.destroy()
        storage.publish()
