"""HostStorageSystem: adapters, disks, paths and file systems of one host."""
# ruff: noqa: N802 (methods carry their WSDL names)

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ..registry import invalid_argument, named_fault, vim, vmodl
from ..storage import adapter_options, layout, partitions, resolving, vmfs
from ..storage.adapter import Adapter
from ..storage.disk import ACTIVE, DISABLED, Disk, Path
from ..storage.host_storage import HostStorage
from ..storage.volumes import Volume
from ..wire.call import Call
from .host_system import HostPart, HostSystem

_POLICIES = ("VMW_PSP_RR", "VMW_PSP_MRU", "VMW_PSP_FIXED")
_OF_LUN = vim.host.StorageSystem.ScsiLunResult
_OF_VOLUME = vim.host.StorageSystem.VmfsVolumeResult


class HostStorageSystem(HostPart):
    """`storage` is what the host really has; the properties show it."""

    KIND = vim.host.StorageSystem

    def __init__(self, host: HostSystem, moid: str) -> None:
        super().__init__(host, moid)
        self.storage = HostStorage(host, self)
        host.set(
            "config",
            vim.host.ConfigInfo(host=host.ref, product=host.get("summary.config.product")),
        )
        self.storage.publish()
        host.vc.parting.append(self.storage.close)

    @contextmanager
    def _adapter(self, device: str) -> Iterator[Adapter]:
        with self.storage.lock:
            yield self.storage.demand_adapter(device)
            self.storage.publish()

    def AddInternetScsiSendTargets(self, call: Call, device: str, targets: list[Any]) -> None:
        with self._adapter(device) as adapter:
            adapter.add_sends(targets)

    def RemoveInternetScsiSendTargets(self, call: Call, device: str, targets: list[Any], force: bool | None) -> None:
        with self._adapter(device) as adapter:
            adapter.remove_sends(targets)

    def AddInternetScsiStaticTargets(self, call: Call, device: str, targets: list[Any]) -> None:
        with self._adapter(device) as adapter:
            adapter.add_statics(targets)

    def RemoveInternetScsiStaticTargets(self, call: Call, device: str, targets: list[Any]) -> None:
        with self._adapter(device) as adapter:
            adapter.remove_statics(targets)

    def UpdateInternetScsiAuthenticationProperties(
        self, call: Call, device: str, properties: Any, targets: Any
    ) -> None:
        with self._adapter(device) as adapter:
            adapter.authenticate(properties, targets)

    def UpdateInternetScsiName(self, call: Call, device: str, name: str) -> None:
        with self._adapter(device) as adapter:
            if not name.startswith(("iqn.", "eui.", "naa.")) or len(name) > 223:
                raise invalid_argument("iScsiName", f"{name} is no iSCSI name")
            adapter.name = name

    def UpdateInternetScsiAlias(self, call: Call, device: str, alias: str) -> None:
        with self._adapter(device) as adapter:
            adapter.alias = alias

    def UpdateInternetScsiAdvancedOptions(self, call: Call, device: str, targets: Any, options: list[Any]) -> None:
        with self._adapter(device) as adapter:
            adapter_options.demand(options)
            adapter.options.update((each.key, each.value) for each in options)

    def UpdateSoftwareInternetScsiEnabled(self, call: Call, enabled: bool) -> None:
        self.host.demand_connected()
        with self.storage.lock:
            self.storage.adapter.enabled = enabled
            self.storage.publish()

    def RescanHba(self, call: Call, device: str) -> None:
        if device != "vmhba0":
            self.storage.demand_adapter(device)
            self.storage.rescan()

    def RescanAllHba(self, call: Call) -> None:
        self.storage.rescan()

    def RescanVmfs(self, call: Call) -> None:
        self.host.demand_connected()
        with self.storage.lock:
            self.storage.volumes.scan()

    def RefreshStorageSystem(self, call: Call) -> None:
        self.host.demand_connected()
        self.storage.publish()

    def AttachScsiLun(self, call: Call, uuid: str) -> None:
        self.host.demand_connected()
        with self.storage.lock:
            disk = self.storage.disk_by_uuid(uuid)
            if not disk.detached:
                raise named_fault(vim.fault.InvalidState(), f"The disk {disk.name} is attached already")
            disk.detached = False
            self.storage.publish()

    def DetachScsiLun(self, call: Call, uuid: str) -> None:
        self.host.demand_connected()
        with self.storage.lock:
            disk = self.storage.disk_by_uuid(uuid)
            if disk.detached:
                raise named_fault(vim.fault.InvalidState(), f"The disk {disk.name} is detached already")
            users = [each.header.label for each in self.storage.volumes.on(disk.name) if each.mounted]
            users += self._mapped(disk)
            if users:
                raise named_fault(
                    vim.fault.ResourceInUse(name=disk.name),
                    f"The resource '{disk.name}' is in use by {', '.join(users)}.",
                )
            disk.detached = True
            self.storage.publish()

    def _mapped(self, disk: Disk) -> list[str]:
        """The machines of this host that have the disk as a raw device, by name."""
        machines = [self.vc.machine(ref) for ref in self.host.get("vm") or []]
        return [
            each.name
            for each in machines
            if any(
                getattr(getattr(device, "backing", None), "lunUuid", None) == disk.uuid
                for device in each.get("config.hardware.device")
            )
        ]

    def AttachScsiLunEx_Task(self, call: Call, uuids: list[str]) -> Any:
        return self._each(call, "attachScsiLunEx", self.AttachScsiLun, uuids, _OF_LUN)

    def DetachScsiLunEx_Task(self, call: Call, uuids: list[str]) -> Any:
        return self._each(call, "detachScsiLunEx", self.DetachScsiLun, uuids, _OF_LUN)

    def DeleteScsiLunState(self, call: Call, name: str) -> None:
        with self.storage.lock:
            disk = self.storage.disk(name)
            if not disk.detached:
                raise named_fault(vim.fault.InvalidState(), f"The disk {name} is not detached")
            if disk.lost is not None:
                del self.storage.disks[disk.name]
            self.storage.publish()

    def UpdateScsiLunDisplayName(self, call: Call, uuid: str, name: str) -> None:
        with self.storage.lock:
            self.storage.disk_by_uuid(uuid).label = name
            self.storage.publish()

    def SetMultipathLunPolicy(self, call: Call, lun: str, policy: Any) -> None:
        with self.storage.lock:
            if policy.policy not in _POLICIES:
                raise invalid_argument("policy", f"There is no policy {policy.policy}")
            self.storage.disk_by_uuid(lun).policy = policy.policy
            self.storage.publish()

    def QueryPathSelectionPolicyOptions(self, call: Call) -> list[Any]:
        labels = zip(_POLICIES, ("Round Robin", "Most Recently Used", "Fixed"), strict=True)
        return [
            vim.host.PathSelectionPolicyOption(
                policy=vim.ElementDescription(key=key, label=label, summary=label)
            )
            for key, label in labels
        ]  # fmt: skip

    def EnableMultipathPath(self, call: Call, name: str) -> None:
        self._turn(name, ACTIVE)

    def DisableMultipathPath(self, call: Call, name: str) -> None:
        self._turn(name, DISABLED)

    def _turn(self, name: str, state: str) -> None:
        with self.storage.lock:
            disk, path = self._path(name)
            others = [each for each in disk.paths if each is not path and each.state == ACTIVE]
            if state == DISABLED and not others and self.storage.volumes.on(disk.name):
                raise named_fault(vim.fault.HostConfigFault(), f"{name} is the last path to {disk.name}")
            path.state = state
            self.storage.publish()

    def _path(self, name: str) -> tuple[Disk, Path]:
        for disk in self.storage.disks.values():
            for path in disk.paths:
                if path.name == name:
                    return disk, path
        raise named_fault(vim.fault.NotFound(), f"There is no path {name}")

    def RetrieveDiskPartitionInfo(self, call: Call, paths: list[str]) -> list[Any]:
        with self.storage.lock:
            found = []
            for path in paths:
                disk = self.storage.disk(path)
                try:
                    found.append(layout.partition_info(disk, partitions.read_table(disk)))
                except OSError as error:
                    raise named_fault(vim.fault.HostConfigFault(), f"{path} cannot be read: {error}") from None
            return found

    def MountVmfsVolume(self, call: Call, uuid: str) -> None:
        self.host.demand_connected()
        with self.storage.lock:
            self.storage.volumes.mount(uuid)

    def UnmountVmfsVolume(self, call: Call, uuid: str) -> None:
        self.host.demand_connected()
        with self.storage.lock:
            self.storage.volumes.unmount(uuid)

    UnmountForceMountedVmfsVolume = UnmountVmfsVolume

    def MountVmfsVolumeEx_Task(self, call: Call, uuids: list[str]) -> Any:
        return self._each(call, "mountVmfsVolumeEx", self.MountVmfsVolume, uuids, _OF_VOLUME)

    def UnmountVmfsVolumeEx_Task(self, call: Call, uuids: list[str]) -> Any:
        return self._each(call, "unmountVmfsVolumeEx", self.UnmountVmfsVolume, uuids, _OF_VOLUME)

    def UnmapVmfsVolumeEx_Task(self, call: Call, uuids: list[str]) -> Any:
        return self._each(call, "unmapVmfsVolumeEx", self._reclaim, uuids, _OF_VOLUME)

    def _reclaim(self, call: Call, uuid: str) -> None:
        self.host.demand_connected()
        with self.storage.lock:
            volumes = self.storage.volumes
            volume = volumes.volume(uuid)
            for ordinal in range(len(volume.disks)):
                disk, partition = volumes.extent(volume, ordinal)
                if not disk.thin:
                    raise named_fault(vmodl.fault.NotSupported(), f"The disk {disk.name} takes no blocks back")
                volumes.written(lambda: vmfs.reclaim(disk, partition))  # noqa: B023

    def UpdateVmfsUnmapPriority(self, call: Call, uuid: str, priority: str) -> None:
        if priority not in ("none", "low"):
            raise invalid_argument("unmapPriority", f"There is no priority {priority}")
        with self._automatic(uuid) as volume:
            volume.unmap_priority, volume.unmap_bandwidth = priority, None

    def UpdateVmfsUnmapBandwidth(self, call: Call, uuid: str, spec: Any) -> None:
        if spec.policy != "fixed" or not 100 <= spec.fixedValue <= 2000:
            raise invalid_argument("unmapBandwidthSpec", "Only a fixed bandwidth of 100 to 2000 MB/s is simulated")
        with self._automatic(uuid) as volume:
            volume.unmap_bandwidth = int(spec.fixedValue)

    @contextmanager
    def _automatic(self, uuid: str) -> Iterator[Volume]:
        """A file system that gives blocks back by itself: VMFS 6."""
        self.host.demand_connected()
        with self.storage.lock:
            volume = self.storage.volumes.volume(uuid)
            if volume.header.version < 6:
                raise named_fault(vmodl.fault.NotSupported(), "VMFS 5 gives no blocks back by itself")
            yield volume
            self.storage.publish()

    def DeleteVmfsVolumeState(self, call: Call, uuid: str) -> None:
        self.host.demand_connected()
        with self.storage.lock:
            if self.storage.volumes.volume(uuid).mounted:
                raise named_fault(vim.fault.InvalidState(), f"The volume {uuid} is mounted")
            self.storage.volumes.forget(uuid)
            self.storage.publish()

    def _each(self, call: Call, what: str, method: Any, names: list[str], result: Any) -> Any:
        """A task that does something to several; its result says of each how it went."""

        def work(task: object) -> Any:
            results = []
            for name in names:
                try:
                    method(call, name)
                    results.append(result(key=name))
                except vmodl.MethodFault as fault:
                    results.append(result(key=name, fault=fault))
            return result.Array(results)

        return self.vc.tasks.start(call, self, f"host.StorageSystem.{what}", work).ref

    def QueryUnresolvedVmfsVolume(self, call: Call) -> list[Any]:
        self.host.demand_connected()
        with self.storage.lock:
            return resolving.unresolved(self.storage)

    def ResolveMultipleUnresolvedVmfsVolumes(self, call: Call, specs: list[Any]) -> list[Any]:
        self.host.demand_connected()
        with self.storage.lock:
            return [resolving.resolve(self.storage, each) for each in specs]

    def ResolveMultipleUnresolvedVmfsVolumesEx_Task(self, call: Call, specs: list[Any]) -> Any:
        def work(task: object) -> Any:
            found = self.ResolveMultipleUnresolvedVmfsVolumes(call, specs)
            return vim.host.UnresolvedVmfsResolutionResult.Array(found)

        return self.vc.tasks.start(call, self, "host.StorageSystem.resolveMultiple", work).ref
