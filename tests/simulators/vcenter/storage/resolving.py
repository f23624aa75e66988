"""Copies of file systems (an array's snapshots and clones): found by what is on the disks, then given an identity."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..objects.datacenter import datacenter_of
from ..objects.vmfs_datastore import VmfsDatastore, datastores_in
from ..registry import named_fault, vim, vmodl
from . import vmfs
from .formatting import ONE_AT_A_TIME
from .vmfs import Extent, Header
from .volumes import Copy, Volume, broken, described

if TYPE_CHECKING:
    from .host_storage import HostStorage

_BLOCK = 1 << 20


def unresolved(storage: HostStorage) -> list[Any]:
    """HostUnresolvedVmfsVolume of each copied file system that the host sees now. Several copies of one are one
    entry."""
    by_uuid: dict[str, list[Copy]] = {}
    for each in storage.volumes.copies():
        by_uuid.setdefault(each.header.uuid, []).append(each)
    return [_described(storage, uuid, copies) for uuid, copies in by_uuid.items()]


def _described(storage: HostStorage, uuid: str, copies: list[Copy]) -> Any:
    header = copies[0].header
    ordinals = [each.header.ordinal for each in copies]
    several = len(set(ordinals)) != len(ordinals)
    complete = set(ordinals) == set(range(len(header.extents)))
    extents, first = [], 0
    for each in sorted(copies, key=lambda copy: copy.header.ordinal):
        blocks = each.header.own.size // _BLOCK
        extents.append(
            vim.host.UnresolvedVmfsExtent(
                device=vim.host.ScsiDisk.Partition(diskName=each.disk.name, partition=each.partition.number),
                devicePath=f"{each.disk.device_path}:{each.partition.number}",
                vmfsUuid=uuid,
                isHeadExtent=each.header.ordinal == 0,
                ordinal=each.header.ordinal,
                startBlock=first,
                endBlock=first + blocks - 1,
                reason="diskIdMismatch",
            )
        )
        first = 0 if several else first + blocks
    return vim.host.UnresolvedVmfsVolume(
        extent=extents,
        vmfsLabel=header.label,
        vmfsUuid=uuid,
        totalBlocks=header.size // _BLOCK,
        resolveStatus=vim.host.UnresolvedVmfsVolume.ResolveStatus(
            # Under its own identity, that is: not beside the original.
            resolvable=complete and not several and uuid not in storage.volumes.known,
            incompleteExtents=not complete,
            multipleCopies=several,
        ),
    )


def _chosen(storage: HostStorage, paths: list[str]) -> list[Copy]:
    """The copies a client named by their extents, the head first. NotFound for one that is not there now;
    VmfsAmbiguousMount when the extents do not make one whole file system."""
    copies = {f"{each.disk.device_path}:{each.partition.number}": each for each in storage.volumes.copies()}
    chosen = []
    for path in paths:
        if path not in copies:
            raise named_fault(vim.fault.NotFound(), f"{path} is no extent of an unresolved volume")
        chosen.append(copies[path])
    if not chosen:
        raise named_fault(vmodl.fault.InvalidArgument(invalidProperty="extentDevicePath"), "No extent is named")
    chosen.sort(key=lambda copy: copy.header.ordinal)
    header = chosen[0].header
    alike = all(each.header.uuid == header.uuid for each in chosen)
    if not alike or [each.header.ordinal for each in chosen] != list(range(len(header.extents))):
        raise named_fault(
            vim.fault.VmfsAmbiguousMount(uuid=header.uuid), "The extents do not make one whole file system"
        )
    return chosen


def resignature(storage: HostStorage, paths: list[str]) -> VmfsDatastore:
    """Give a copy an identity of its own, on its disks, and mount it: a new datastore `snap-…`."""
    with ONE_AT_A_TIME:
        return _resignature(storage, _chosen(storage, paths))


def _resignature(storage: HostStorage, chosen: list[Copy]) -> VmfsDatastore:
    head = chosen[0].header
    taken = {each.name for each in datastores_in(datacenter_of(storage.host))}
    number = 1
    while (label := f"snap-{number:08x}-{head.label}"[:42]) in taken:
        number += 1
    header = Header(
        vmfs.new_uuid(),
        label,
        tuple(Extent(copy.disk.name, copy.partition.number, copy.header.own.size) for copy in chosen),
        version=head.version,
    )
    for ordinal, copy in enumerate(chosen):
        _write(copy, replace(header, ordinal=ordinal))
    datastore = storage.volumes.mount_new(header, tuple(copy.disk.name for copy in chosen))
    storage.publish()
    return datastore


def resolve(storage: HostStorage, spec: Any) -> Any:
    """Resignature, or mount under the identity of the original, which must not be there (VmfsAlreadyMounted)."""
    try:
        if spec.uuidResolution == "resignature":
            datastore = resignature(storage, list(spec.extentDevicePath))
            return vim.host.UnresolvedVmfsResolutionResult(spec=spec, vmfs=datastore.get("info.vmfs"))
        chosen = _chosen(storage, list(spec.extentDevicePath))
        header = chosen[0].header
        if header.uuid in storage.volumes.known:
            raise named_fault(vim.fault.VmfsAlreadyMounted(uuid=header.uuid), "The original is mounted on the host")
        storage.volumes.mount_new(header, tuple(copy.disk.name for copy in chosen))
        volume: Volume = storage.volumes.volume(header.uuid)
        volume.forced = True
        storage.publish()
        return vim.host.UnresolvedVmfsResolutionResult(spec=spec, vmfs=described(volume))
    except vmodl.MethodFault as fault:
        return vim.host.UnresolvedVmfsResolutionResult(spec=spec, fault=fault)


def _write(copy: Copy, header: Header) -> None:
    try:
        vmfs.write_header(copy.disk, copy.partition, header)
    except OSError as error:
        raise broken(str(error)) from None
