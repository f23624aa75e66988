"""Making and enlarging file systems on real disks."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..objects.datacenter import datacenter_of
from ..objects.vmfs_datastore import VmfsDatastore, demand_free_name
from ..registry import invalid_argument, named_fault, vim
from . import layout, vmfs
from .disk import Disk
from .partitions import Partition, last_sector, write_table
from .vmfs import Extent, Header
from .volumes import Volume, broken

if TYPE_CHECKING:
    from .host_storage import HostStorage


# Two hosts of one process do not format one disk at once, nor take one name.
ONE_AT_A_TIME = threading.Lock()


def available(storage: HostStorage) -> list[Disk]:
    """The disks that no file system of hosts is on: blank ones, those with other contents, and copies."""
    found = []
    for disk, content in storage.volumes.contents():
        header = content.header
        taken = storage.volumes.on(disk.name) or (header is not None and header.own.disk == disk.name)
        if not taken and disk.size >= vmfs.SMALLEST:
            found.append(disk)
    return found


def create_options(storage: HostStorage, path: str) -> list[Any]:
    """What can be made of a disk: the whole. NotFound; HostConfigFault when it cannot be read."""
    disk = storage.disk(path)
    try:
        content = vmfs.look(disk)
    except OSError as error:
        raise named_fault(vim.fault.HostConfigFault(), f"The disk {disk.name} cannot be read: {error}") from None
    if disk not in available(storage):
        return []
    partition = layout.whole(disk.size)
    return [
        vim.host.VmfsDatastoreOption(
            info=vim.host.VmfsDatastoreOption.AllExtentInfo(
                layout=layout.partition_info(disk, content.table).layout,
                partitionFormatChange=content.table.form == "mbr",
                vmfsExtent=layout.block_range(partition),
            ),
            spec=vim.host.VmfsDatastoreCreateSpec(
                diskUuid=disk.uuid,
                partition=layout.specification(disk, (partition,)),
                vmfs=vim.host.VmfsVolume.Specification(
                    extent=vim.host.ScsiDisk.Partition(diskName=disk.name, partition=1),
                    majorVersion=6,
                    volumeName="",
                ),
            ),
        )
    ]


def create(storage: HostStorage, spec: Any) -> VmfsDatastore:
    """Partition and format a disk, then mount it. DuplicateName, HostConfigFault, PlatformConfigFault."""
    with ONE_AT_A_TIME:
        return _create(storage, spec)


def _create(storage: HostStorage, spec: Any) -> VmfsDatastore:
    name = spec.vmfs.volumeName
    demand_free_name(datacenter_of(storage.host), name)
    disk = _disk(storage, spec.diskUuid)
    partition = layout.wanted(spec.partition, disk)
    if partition is None or spec.vmfs.extent.diskName.rpartition("/")[2] != disk.name:
        raise broken(f"The partition does not fit on {disk.name}")
    if partition.size < vmfs.SMALLEST - (1 << 22):
        raise broken(f"{disk.name} is too small for VMFS: it needs {vmfs.SMALLEST} bytes")
    _demand_free(storage, disk)
    version = spec.vmfs.majorVersion or 6
    if version not in (5, 6):
        raise broken(f"VMFS {version} cannot be made")
    header = Header(vmfs.new_uuid(), name, (Extent(disk.name, partition.number, partition.size),), version=version)
    _format(disk, partition, header)
    datastore = storage.volumes.mount_new(header, (disk.name,))
    storage.publish()
    return datastore


def _disk(storage: HostStorage, uuid: str) -> Disk:
    try:
        disk = storage.disk_by_uuid(uuid)
    except vim.fault.NotFound:
        raise named_fault(vim.fault.HostConfigFault(), f"The host has no disk {uuid}") from None
    if not disk.usable:
        raise broken(f"The disk {disk.name} cannot be reached by {storage.host.name}")
    return disk


def _demand_free(storage: HostStorage, disk: Disk) -> None:
    """PlatformConfigFault for a disk that holds a file system of hosts, whether this host knows it or not."""
    try:
        header = vmfs.look(disk).header
    except OSError as error:
        raise broken(str(error)) from None
    for volume in storage.volumes.on(disk.name):
        raise broken(f"{disk.name} is in use by the datastore {volume.header.label}")
    if header is not None and header.own.disk == disk.name:
        raise broken(f"{disk.name} holds the VMFS volume {header.label} ({header.uuid}) already; rescan the host")


def _format(disk: Disk, partition: Partition, header: Header) -> None:
    try:
        write_table(disk, (partition,))
        vmfs.write_header(disk, partition, header)
        if header.ordinal == 0:
            vmfs.write_catalogue(disk, partition, {})
    except OSError as error:
        raise broken(str(error)) from None


def expand_options(storage: HostStorage, volume: Volume) -> list[Any]:
    """The disks of a file system that are larger than its partition, by what the host last read of them."""
    options = []
    for ordinal, name in enumerate(volume.disks):
        disk, partition = storage.volumes.extent(volume, ordinal)
        grown = replace(partition, end=last_sector(disk.size))
        if grown.size - partition.size < 1 << 20:
            continue
        options.append(
            vim.host.VmfsDatastoreOption(
                info=vim.host.VmfsDatastoreOption.SingleExtentInfo(
                    layout=layout.described_layout(disk.size, (partition,)),
                    vmfsExtent=layout.block_range(grown),
                ),
                spec=vim.host.VmfsDatastoreExpandSpec(
                    diskUuid=disk.uuid,
                    partition=layout.specification(disk, (grown,)),
                    extent=vim.host.ScsiDisk.Partition(diskName=name, partition=partition.number),
                ),
            )
        )
    return options


def expand(storage: HostStorage, volume: Volume, spec: Any) -> Header:
    """Let an extent grow on its disk, whose size is asked of the target now. PlatformConfigFault when it does not fit
    there."""
    name = spec.extent.diskName.rpartition("/")[2]
    if name not in volume.disks:
        raise invalid_argument("spec.extent", f"{name} is no disk of this datastore")
    ordinal = volume.disks.index(name)
    disk, partition = storage.volumes.extent(volume, ordinal)
    try:
        disk.size = disk.measure()
    except OSError as error:
        raise broken(str(error)) from None
    grown = layout.wanted(spec.partition, disk, partition.number)
    if grown is None or grown.start != partition.start or grown.end < partition.end:
        raise broken(f"The partition does not fit on {name}, which has {disk.size} bytes")
    storage.volumes.written(lambda: write_table(disk, (grown,)))
    header = replace(volume.header, ordinal=ordinal).resized(grown.size)
    storage.volumes.rewrite(volume, header)
    storage.publish()
    return volume.header


def extend_options(storage: HostStorage, path: str) -> list[Any]:
    """What a further disk can give: the whole. None for one that is not free."""
    disk = storage.disk(path)
    if disk not in available(storage):
        return []
    partition = layout.whole(disk.size)
    return [
        vim.host.VmfsDatastoreOption(
            info=vim.host.VmfsDatastoreOption.AllExtentInfo(
                layout=layout.described_layout(disk.size, ()), vmfsExtent=layout.block_range(partition)
            ),
            spec=vim.host.VmfsDatastoreExtendSpec(
                diskUuid=disk.uuid,
                partition=layout.specification(disk, (partition,)),
                extent=[vim.host.ScsiDisk.Partition(diskName=disk.name, partition=1)],
            ),
        )
    ]


def extend(storage: HostStorage, volume: Volume, spec: Any) -> Header:
    """Take a further disk into a file system."""
    disk = _disk(storage, spec.diskUuid)
    partition = layout.wanted(spec.partition, disk)
    if partition is None:
        raise broken(f"The partition does not fit on {disk.name}")
    with ONE_AT_A_TIME:
        return _extended(storage, volume, disk, partition)


def _extended(storage: HostStorage, volume: Volume, disk: Disk, partition: Partition) -> Header:
    _demand_free(storage, disk)
    extents = (*volume.header.extents, Extent(disk.name, partition.number, partition.size))
    header = replace(volume.header, extents=extents)
    _format(disk, partition, replace(header, ordinal=len(extents) - 1))
    volume.disks = (*volume.disks, disk.name)
    storage.volumes.rewrite(volume, header)
    storage.publish()
    return volume.header
