"""The partitions of a disk as the API describes them, and as a client may ask for them."""

from __future__ import annotations

from typing import Any

from ..registry import vim
from .disk import Disk
from .partitions import FIRST, SECTOR, VMFS, Partition, Table, last_sector

_INFO = vim.host.DiskPartitionInfo


def partition_info(disk: Disk, table: Table) -> Any:
    """HostDiskPartitionInfo of what is on a disk."""
    return _INFO(
        deviceName=disk.device_path,
        spec=specification(disk, table.partitions, table.form),
        layout=described_layout(disk.size, table.partitions),
    )


def described_layout(size: int, partitions: tuple[Partition, ...]) -> Any:
    """HostDiskPartitionLayout; a disk without partitions is one free range."""
    end = size // SECTOR
    free = _INFO.BlockRange(type="none", start=_lba(0), end=_lba(end - 1))
    return _INFO.Layout(total=_lba(end), partition=[block_range(each) for each in partitions] or [free])


def specification(disk: Disk, partitions: tuple[Partition, ...], form: str = "gpt") -> Any:
    """HostDiskPartitionSpec."""
    return _INFO.Specification(
        partitionFormat=form,
        totalSectors=disk.size // SECTOR,
        sectorSize=SECTOR,
        partition=[
            _INFO.Partition(
                partition=each.number,
                startSector=each.start,
                endSector=each.end,
                type="vmfs" if each.kind == VMFS else "none",
                guid=each.kind.hex,
                logical=False,
                attributes=0,
            )
            for each in partitions
        ],
    )


def block_range(partition: Partition) -> Any:
    """HostDiskPartitionBlockRange."""
    return _INFO.BlockRange(
        partition=partition.number,
        type="vmfs" if partition.kind == VMFS else "none",
        start=_lba(partition.start),
        end=_lba(partition.end),
    )


def whole(size: int) -> Partition:
    """The one partition of a disk of so many bytes that is given to VMFS as a whole."""
    return Partition(1, FIRST, last_sector(size))


def wanted(spec: Any, disk: Disk, number: int = 1) -> Partition | None:
    """The VMFS partition a HostDiskPartitionSpec asks for; None when it has none, or one that does not fit on the
    disk."""
    for each in spec.partition or []:
        if each.type == "vmfs" and each.partition == number:
            fits = FIRST <= each.startSector < each.endSector <= last_sector(disk.size)
            return Partition(number, each.startSector, each.endSector) if fits else None
    return None


def _lba(block: int) -> Any:
    return vim.host.DiskDimensions.Lba(blockSize=SECTOR, block=block)
