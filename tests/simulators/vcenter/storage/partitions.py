"""The partition table of a disk (GPT, as ESXi writes it), read from and written to what really is there."""

from __future__ import annotations

import struct
import uuid
import zlib
from dataclasses import dataclass
from typing import Protocol

SECTOR = 512
# Where a VMFS partition begins, and how many sectors at the end the copy of the table takes.
FIRST, RESERVED = 2048, 34
VMFS = uuid.UUID("aa31e02a-400f-11db-9590-000c2911d1b8")
_ENTRIES, _ENTRY = 128, 128
_HEADER = struct.Struct("<8sIIIIQQQQ16sQIII")
_SLOT = struct.Struct("<16s16sQQQ72s")


class Blocks(Protocol):
    """A disk: whole sectors by offset, in bytes."""

    @property
    def size(self) -> int:
        """In bytes."""
        ...

    def read(self, offset: int, length: int) -> bytes:
        """OSError when it fails."""
        ...

    def write(self, offset: int, data: bytes) -> None:
        """OSError when it fails."""
        ...


@dataclass(frozen=True, slots=True)
class Partition:
    """One partition; both sectors belong to it."""

    number: int
    start: int
    end: int
    kind: uuid.UUID = VMFS

    @property
    def size(self) -> int:
        """In bytes."""
        return (self.end - self.start + 1) * SECTOR


@dataclass(frozen=True, slots=True)
class Table:
    """`form`: `gpt`, `mbr`, or `unknown` for a disk without a table. `occupied`: something else may be there."""

    form: str
    partitions: tuple[Partition, ...] = ()
    occupied: bool = False


def last_sector(size: int) -> int:
    """The last sector a partition may have on a disk of so many bytes."""
    return size // SECTOR - RESERVED


def read_table(disk: Blocks) -> Table:
    """What the first sectors say."""
    begin = disk.read(0, (2 + _ENTRIES * _ENTRY // SECTOR) * SECTOR)
    if begin[SECTOR : SECTOR + 8] == b"EFI PART":
        slots = (begin[2 * SECTOR + at * _ENTRY :][:_ENTRY] for at in range(_ENTRIES))
        found = []
        for number, slot in enumerate(slots, start=1):
            kind, _, start, end, _, _ = _SLOT.unpack(slot)
            if any(kind):
                found.append(Partition(number, start, end, uuid.UUID(bytes_le=kind)))
        return Table("gpt", tuple(found), bool(found))
    if begin[510:512] == b"\x55\xaa":
        return Table("mbr", occupied=True)
    # A file system straight on the disk has its superblock in the first 64 KiB and more (XFS, ext4, LVM, btrfs).
    return Table("unknown", occupied=any(begin) or any(disk.read(0, 128 * 1024)))


def write_table(disk: Blocks, partitions: tuple[Partition, ...]) -> None:
    """A new table, with its copy at the end of the disk."""
    last = disk.size // SECTOR - 1
    slots = bytearray(_ENTRIES * _ENTRY)
    for each in partitions:
        identity = uuid.uuid5(each.kind, f"{each.number}/{each.start}").bytes_le
        _SLOT.pack_into(slots, (each.number - 1) * _ENTRY, each.kind.bytes_le, identity, each.start, each.end, 0, b"")
    protective = bytearray(SECTOR)
    struct.pack_into("<B3sB3sII", protective, 446, 0, b"\0\2\0", 0xEE, b"\xff\xff\xff", 1, min(last, 0xFFFFFFFF))
    protective[510:] = b"\x55\xaa"
    size = len(slots) // SECTOR
    disk.write(0, bytes(protective) + _header(1, last, 2, last, bytes(slots)) + bytes(slots))
    disk.write((last - size) * SECTOR, bytes(slots) + _header(last, 1, last - size, last, bytes(slots)))


def clear_table(disk: Blocks) -> None:
    """No table any more."""
    disk.write(0, bytes((2 + _ENTRIES * _ENTRY // SECTOR) * SECTOR))


def _header(own: int, other: int, entries: int, last: int, slots: bytes) -> bytes:
    def packed(checksum: int) -> bytes:
        identity = uuid.uuid5(VMFS, str(last)).bytes_le
        return _HEADER.pack(
            b"EFI PART", 0x10000, _HEADER.size, checksum, 0, own, other, 34, last - RESERVED + 1, identity, entries,
            _ENTRIES, _ENTRY, zlib.crc32(slots),
        )  # fmt: skip

    return packed(zlib.crc32(packed(0))).ljust(SECTOR, b"\0")
