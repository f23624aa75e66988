"""A VMFS datastore on real disks: its name, its size and its files are what its disks say."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..registry import named_fault, vim
from ..storage import partitions, vmfs
from ..storage.lookup import storage_of
from ..storage.vmfs import Header
from .datacenter import Datacenter, datacenter_of
from .datastore import Datastore, vmfs_info
from .host_system import HostSystem

if TYPE_CHECKING:
    from ..storage.host_storage import HostStorage
    from ..vcenter import VCenter

_MIB = 1 << 20


class VmfsDatastore(Datastore):
    """The hosts that mount it do all reading and writing."""

    PLAYED = False

    def __init__(self, vc: VCenter, name: str, datacenter: Datacenter, info: Any, capacity: int, free: int) -> None:
        # What its disks last called it; the name may have a number behind it.
        self.label = str(info.vmfs.name)
        # The files as they were last read from a disk or written to it.
        self._kept: dict[str, Any] = {}
        super().__init__(vc, name, datacenter, info, capacity, free)

    @classmethod
    def found(cls, host: HostSystem, header: Header) -> VmfsDatastore:
        """A datastore new to this vCenter, named after the volume; a name that is taken gets a number."""
        datacenter = datacenter_of(host)
        extents = [vim.host.ScsiDisk.Partition(diskName=each.disk, partition=1) for each in header.extents]
        free = header.size - vmfs.OVERHEAD
        info = vmfs_info(header.label, header.size, free, extents=extents, volume=header.uuid)
        info.name = _free_name(datacenter, header.label)
        return cls(host.vc, info.name, datacenter, info, header.size, free)

    @property
    def uuid(self) -> str:
        """Of the file system; another after a resignature (which makes another datastore)."""
        return str(self.get("info.vmfs.uuid"))

    def siblings(self) -> list[Any]:
        return datastores_in(datacenter_of(self))

    def load(self, catalogue: dict[str, Any]) -> None:
        """Take over what a disk says of its files."""
        self.files.load(catalogue)
        self._kept = catalogue
        self.measure()

    def take_over(self, header: Header, catalogue: dict[str, Any]) -> None:
        """Take over what the disks say now: label, size and files."""
        with self.vc.model.change():
            if header.label != self.label:
                self.set("name", _free_name(datacenter_of(self), header.label, self))
                super().renamed()
                self.label = header.label
            self.set("info.vmfs.capacity", header.size)
            # What others did to the disk counts; a change that is being made here is not on it yet.
            if catalogue != self._kept:
                self.load(catalogue)

    def measure(self) -> None:
        """Say how large it is and how much is free."""
        capacity = int(self.get("info.vmfs.capacity")) // _MIB * _MIB
        with self.vc.model.change():
            self.resize(capacity, max(capacity - vmfs.OVERHEAD - self.files.allocated, 0))
            self.set("summary.uncommitted", self.files.promised)

    def seen(self, host: HostSystem, mount: Any, volume: Any) -> None:
        """How one host sees it. Called by the host's storage, within a change."""
        if self.mount_of(host) is None:
            return
        entries = [
            vim.Datastore.HostMount(key=each.key, mountInfo=mount) if each.key._moId == host.moid else each
            for each in self.get("host")
        ]
        self.set("host", entries)
        self.set("summary.accessible", any(each.mountInfo.accessible for each in entries))
        self.set("summary.multipleHostAccess", sum(bool(each.mountInfo.mounted) for each in entries) > 1)
        self.set("info.vmfs", volume)
        self.measure()

    def save(self) -> None:
        document = self.files.document()
        for host in self.hosts():
            storage = storage_of(host)
            with storage.lock:
                if storage.volumes.save(self.uuid, document):
                    self._kept = document
                    self.measure()
                    return
        raise named_fault(
            vim.fault.InaccessibleDatastore(datastore=self.ref, name=self.name),
            f"Unable to access the datastore {self.name}: no host can write to it.",
        )

    def writer(self) -> HostStorage:
        """The storage of a host that can write to it. HostConfigFault when there is none."""
        for host in self.hosts():
            storage = storage_of(host)
            volume = storage.volumes.known.get(self.uuid)
            if host.connected and volume is not None and storage.volumes.accessible(volume):
                return storage
        raise named_fault(vim.fault.HostConfigFault(), f"No host can reach the datastore {self.name}.")

    def machines_on(self, host: HostSystem) -> list[str]:
        """The machines of a host that have files here, by name."""
        machines = [self.vc.machine(ref) for ref in self.get("vm") or []]
        return [each.name for each in machines if each.host is host]

    def demand_unused_by(self, host: HostSystem) -> None:
        """ResourceInUse while the host needs it: for machines, or for anything the cluster does with it."""
        machines = self.machines_on(host)
        if machines:
            raise named_fault(
                vim.fault.ResourceInUse(type=vim.Datastore, name=self.name),
                f"The resource '{self.name}' is in use by {', '.join(machines[:5])}.",
            )
        self.demand_unblocked()

    def rename(self, name: str) -> None:
        """The label on the disks changes with it."""
        before = self.name
        super().rename(name)
        self.label = name
        try:
            storage = self.writer()
            with storage.lock:
                volume = storage.volumes.volume(self.uuid)
                storage.volumes.rewrite(volume, replace(volume.header, label=name))
        except vim.fault.HostConfigFault:
            super().rename(before)
            self.label = before
            raise
        for host in self.hosts():
            other = storage_of(host)
            with other.lock:
                if self.uuid in other.volumes.known:
                    known = other.volumes.known[self.uuid]
                    known.header = replace(known.header, label=name)
                    other.publish()

    def destroy(self) -> None:
        self.demand_unused()
        storage, uuid = self.writer(), self.uuid
        with storage.lock:
            volume = storage.volumes.volume(uuid)
            for ordinal in range(len(volume.disks)):
                disk, partition = storage.volumes.extent(volume, ordinal)
                storage.volumes.written(lambda: vmfs.clear(disk, partition))  # noqa: B023
                storage.volumes.written(lambda: partitions.clear_table(disk))  # noqa: B023
        hosts = self.hosts()
        super().destroy()
        for host in hosts:
            other = storage_of(host)
            with other.lock:
                other.volumes.known.pop(uuid, None)
                other.publish()

    def leave_when_unseen(self) -> None:
        """A datastore that no host knows any more leaves the inventory, unless machines still name it."""
        if not self.get("host") and not self.get("vm"):
            with self.vc.model.change():
                super().destroy()


def datastores_in(datacenter: Datacenter) -> list[Any]:
    """All datastores of a datacenter, in whatever folders."""
    return [each for each in datacenter.vc.model.every(Datastore) if datacenter in each.ancestors()]


def demand_free_name(datacenter: Datacenter, name: str) -> None:
    """InvalidName; DuplicateName for one that a datastore of the datacenter has."""
    if not name or len(name) > 42 or "/" in name:
        raise named_fault(vim.fault.InvalidName(name=name), f"The name '{name}' is not valid for a datastore.")
    for each in datastores_in(datacenter):
        if each.name == name:
            raise named_fault(vim.fault.DuplicateName(name=name, object=each.ref), f"The name '{name}' already exists.")


def _free_name(datacenter: Datacenter, name: str, but: Datastore | None = None) -> str:
    taken = {each.name for each in datastores_in(datacenter) if each is not but}
    number, found = 0, name
    while found in taken:
        number += 1
        found = f"{name} ({number})"
    return found
