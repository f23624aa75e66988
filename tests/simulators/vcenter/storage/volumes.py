"""The file systems that one host knows: found on its disks, mounted, unmounted, and copies of others."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ..objects.vmfs_datastore import VmfsDatastore
from ..registry import named_fault, vim
from . import vmfs
from .disk import PDL, Disk
from .partitions import Partition
from .vmfs import Found, Header

if TYPE_CHECKING:
    from .host_storage import HostStorage


@dataclass(slots=True)
class Volume:
    """A file system this host knows. `forced`: a copy that is mounted under the identity of the original.
    `unmap_priority` and `unmap_bandwidth` (in MB/s): how this host gives free blocks back by itself."""

    header: Header
    disks: tuple[str, ...]
    mounted: bool = True
    forced: bool = False
    unmap_priority: str = "low"
    unmap_bandwidth: int | None = None


@dataclass(frozen=True, slots=True)
class Copy:
    """An extent on a disk other than the one it was made on."""

    disk: Disk
    header: Header
    partition: Partition


class HostVolumes:
    """Called under the host's storage lock."""

    def __init__(self, storage: HostStorage) -> None:
        self._storage = storage
        self.known: dict[str, Volume] = {}

    def on(self, disk: str) -> list[Volume]:
        """Those that use a disk."""
        return [each for each in self.known.values() if disk in each.disks]

    def contents(self) -> list[tuple[Disk, Found]]:
        """What really is on each disk now; disks that cannot be read are left out."""
        found = []
        for disk in self._storage.disks.values():
            if disk.usable:
                try:
                    found.append((disk, vmfs.look(disk)))
                except OSError:
                    continue
        return found

    def copies(self) -> list[Copy]:
        """Extents that are copies and not mounted, by what their headers say."""
        return [
            Copy(disk, found.header, found.partition)
            for disk, found in self.contents()
            if found.header is not None and found.partition is not None
            if found.header.own.disk != disk.name and not self.on(disk.name)
        ]

    def scan(self) -> None:
        """Mount what is new, forget what is gone, and take over what others changed."""
        found: dict[str, dict[int, tuple[Disk, Header]]] = {}
        readable = set()
        for disk, content in self.contents():
            readable.add(disk.name)
            header = content.header
            if header is not None and (header.own.disk == disk.name or self.on(disk.name)):
                found.setdefault(header.uuid, {})[header.ordinal] = (disk, header)
        for extents in found.values():
            if 0 not in extents:
                continue
            head = extents[0][1]
            if len(extents) == len(head.extents):
                self._meet(head, tuple(extents[at][0].name for at in range(len(head.extents))))
        for uuid, volume in list(self.known.items()):
            if uuid not in found and volume.disks[0] in readable:
                self.forget(uuid)
        self._storage.publish()

    def _meet(self, header: Header, disks: tuple[str, ...]) -> None:
        known = self.known.get(header.uuid)
        if known is None:
            self.mount_new(header, disks)
            return
        known.header, known.disks = header, disks
        if known.mounted:
            datastore = self.datastore(header.uuid)
            if datastore is not None:
                datastore.take_over(header, self.catalogue(known))

    def mount_new(self, header: Header, disks: tuple[str, ...]) -> VmfsDatastore:
        """A file system this host did not know."""
        volume = Volume(header, disks)
        self.known[header.uuid] = volume
        datastore = self.datastore(header.uuid)
        if datastore is None:
            datastore = VmfsDatastore.found(self._storage.host, header)
            datastore.load(self.catalogue(volume))
        host = self._storage.host
        if datastore.mount_of(host) is None:
            host.mount(datastore, path=f"/vmfs/volumes/{header.uuid}")
        return datastore

    def catalogue(self, volume: Volume) -> dict[str, Any]:
        """The files on it, as they are on its disk now; none when it cannot be read."""
        disk, partition = self.head(volume)
        try:
            return vmfs.read_catalogue(disk, partition)
        except OSError:
            return {}

    def head(self, volume: Volume) -> tuple[Disk, Partition]:
        """The first disk and the partition on it. PlatformConfigFault when they cannot be reached."""
        return self.extent(volume, 0)

    def extent(self, volume: Volume, ordinal: int) -> tuple[Disk, Partition]:
        """One of its disks and the partition on it. PlatformConfigFault when they cannot be reached."""
        disk = self._storage.disks.get(volume.disks[ordinal])
        if disk is None or not disk.usable:
            raise broken(f"The disk {volume.disks[ordinal]} cannot be reached by {self._storage.host.name}")
        try:
            found = vmfs.look(disk)
        except OSError as error:
            raise broken(str(error)) from None
        if found.partition is None:
            raise broken(f"The disk {disk.name} holds no file system any more")
        return disk, found.partition

    def save(self, uuid: str, files: dict[str, Any]) -> bool:
        """Write the catalogue; False when this host cannot."""
        volume = self.known.get(uuid)
        if volume is None or not volume.mounted or not self._storage.host.connected:
            return False
        try:
            disk, partition = self.head(volume)
            vmfs.write_catalogue(disk, partition, files)
        except (OSError, vim.fault.HostConfigFault):
            self._storage.publish()
            return False
        return True

    def rewrite(self, volume: Volume, header: Header) -> None:
        """Another header on all its disks."""
        for ordinal in range(len(volume.disks)):
            disk, partition = self.extent(volume, ordinal)
            self.written(lambda: vmfs.write_header(disk, partition, replace(header, ordinal=ordinal)))  # noqa: B023
        volume.header = replace(header, ordinal=0)

    @staticmethod
    def written(work: Any) -> None:
        """Do some writing; PlatformConfigFault when the disk refuses."""
        try:
            work()
        except OSError as error:
            raise broken(str(error)) from None

    def volume(self, uuid: str) -> Volume:
        """NotFound for one this host does not know."""
        found = self.known.get(uuid)
        if found is None:
            raise named_fault(vim.fault.NotFound(), f"The host {self._storage.host.name} knows no volume {uuid}")
        return found

    def mount(self, uuid: str) -> None:
        """VmfsAlreadyMounted; PlatformConfigFault when its disks are out of reach."""
        volume = self.volume(uuid)
        if volume.mounted:
            raise named_fault(
                vim.fault.VmfsAlreadyMounted(uuid=uuid), f"The volume {uuid} is mounted on the host already"
            )
        self.head(volume)
        volume.mounted = True
        datastore = self.datastore(uuid)
        if datastore is not None:
            datastore.take_over(volume.header, self.catalogue(volume))
        self._storage.publish()

    def unmount(self, uuid: str) -> None:
        """InvalidState when it is unmounted; ResourceInUse, with the reasons."""
        volume = self.volume(uuid)
        if not volume.mounted:
            raise named_fault(vim.fault.InvalidState(), f"The volume {uuid} is not mounted on the host")
        datastore = self.datastore(uuid)
        if datastore is not None:
            datastore.demand_unused_by(self._storage.host)
        volume.mounted = False
        if volume.forced:
            self.forget(uuid)
        self._storage.publish()

    def forget(self, uuid: str) -> None:
        """The host no longer knows it."""
        self.known.pop(uuid, None)
        datastore, host = self.datastore(uuid), self._storage.host
        if datastore is not None and datastore.mount_of(host) is not None:
            host.unmount(datastore)
            datastore.leave_when_unseen()

    def datastore(self, uuid: str) -> VmfsDatastore | None:
        """The datastore of a file system in this vCenter's inventory."""
        for each in self._storage.host.vc.model.every(VmfsDatastore):
            if each.uuid == uuid:
                return each
        return None

    def accessible(self, volume: Volume) -> bool:
        """Whether it is mounted and all its disks are there."""
        return volume.mounted and self.reason(volume) is None

    def reason(self, volume: Volume) -> str | None:
        """Why it cannot be reached, as MountInfo says; None when it can."""
        for name in volume.disks:
            disk = self._storage.disks.get(name)
            if disk is None or disk.lost == PDL or disk.detached:
                return "PermanentDeviceLoss"
            if disk.lost is not None:
                return "AllPathsDown_Start"
        return None

    def described(self) -> Any:
        """HostFileSystemVolumeInfo."""
        shares = [
            (volume, mount)
            for ref in self._storage.host.get("datastore") or []
            for each in [self._storage.host.vc.datastore(ref)]
            if (volume := getattr(each.get("info"), "nas", None)) is not None
            if (mount := each.mount_of(self._storage.host)) is not None
        ]
        return vim.host.FileSystemVolumeInfo(
            volumeTypeList=["VMFS", "NFS", "NFS41"],
            mountInfo=[
                *(
                    vim.host.FileSystemMountInfo(mountInfo=self._mount_info(each), volume=described(each))
                    for each in self.known.values()
                ),
                *(vim.host.FileSystemMountInfo(mountInfo=mount, volume=volume) for volume, mount in shares),
            ],
        )

    def _mount_info(self, volume: Volume) -> Any:
        reason = self.reason(volume)
        return vim.host.MountInfo(
            path=f"/vmfs/volumes/{volume.header.uuid}",
            accessMode="readWrite",
            mounted=volume.mounted,
            accessible=self.accessible(volume),
            inaccessibleReason=reason if volume.mounted else None,
        )

    def publish(self) -> None:
        """Let the datastores show how this host sees them."""
        for uuid, volume in self.known.items():
            datastore = self.datastore(uuid)
            if datastore is not None:
                datastore.seen(self._storage.host, self._mount_info(volume), described(volume))


def described(volume: Volume) -> Any:
    """HostVmfsVolume."""
    header = volume.header
    return vim.host.VmfsVolume(
        type="VMFS",
        name=header.label,
        capacity=header.size,
        uuid=header.uuid,
        blockSizeMb=1,
        blockSize=1024,
        unmapGranularity=1024,
        unmapPriority=volume.unmap_priority,
        unmapBandwidthSpec=_bandwidth(volume),
        maxBlocks=63963136,
        majorVersion=header.version,
        version="6.82" if header.version >= 6 else "5.81",
        extent=[vim.host.ScsiDisk.Partition(diskName=name, partition=1) for name in volume.disks],
        vmfsUpgradable=False,
        forceMountedInfo=vim.host.ForceMountedInfo(persist=True, mounted=True) if volume.forced else None,
        ssd=False,
        local=False,
        scsiDiskType="native512",
    )


def _bandwidth(volume: Volume) -> Any:
    """None while the priority counts."""
    if volume.unmap_bandwidth is None:
        return None
    return vim.host.VmfsVolume.UnmapBandwidthSpec(
        policy="fixed", fixedValue=volume.unmap_bandwidth, dynamicMin=0, dynamicMax=0
    )


def broken(text: str) -> Any:
    """PlatformConfigFault: the host tried and could not."""
    return named_fault(vim.fault.PlatformConfigFault(text=text), f"An error occurred during host configuration: {text}")
