"""A file system of hosts, as far as the simulator needs one on a real disk.

The format is our own: in the first partition a header (identity, label, size, and the disk it was made on), then a
catalogue of the files with their sizes, and the contents of the small ones (descriptions of machines). So an array's
copy carries them, and shows itself as a copy: its header names another disk than the one it is on.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import struct
import time
from dataclasses import asdict, dataclass, replace
from typing import Any

from .disk import Disk
from .partitions import SECTOR, VMFS, Blocks, Partition, Table, read_table

MIB = 1 << 20
# As VMFS 6: smaller disks are refused.
SMALLEST = 1300 * MIB
_MAGIC = b"SIMVMFS1"
_HEADER_SIZE, _CATALOGUE_AT, _CATALOGUE_SIZE = 4096, 64 * 1024, 4 * MIB
# What the file system needs for itself.
OVERHEAD = 16 * MIB
_LENGTH = struct.Struct("<8sI32s")


@dataclass(frozen=True, slots=True)
class Extent:
    """A partition that holds a part of the file system. `size` in bytes."""

    disk: str
    partition: int
    size: int


@dataclass(frozen=True, slots=True)
class Header:
    """What the beginning of each extent says. `extents`: all, the head first; `ordinal`: which of them this is."""

    uuid: str
    label: str
    extents: tuple[Extent, ...]
    ordinal: int = 0
    version: int = 6

    @property
    def size(self) -> int:
        """Of the whole file system, in bytes."""
        return sum(each.size for each in self.extents)

    @property
    def own(self) -> Extent:
        """The extent whose header this is."""
        return self.extents[self.ordinal]

    def resized(self, size: int) -> Header:
        """With another size of this extent."""
        changed = replace(self.own, size=size)
        return replace(self, extents=tuple(changed if each == self.own else each for each in self.extents))


def new_uuid() -> str:
    """An identity as VMFS makes them: of the time, and of chance."""
    return f"{int(time.time()):08x}-{secrets.token_hex(4)}-{secrets.token_hex(2)}-{secrets.token_hex(6)}"


@dataclass(frozen=True, slots=True)
class Found:
    """What a disk holds."""

    table: Table
    header: Header | None = None
    partition: Partition | None = None


def look(disk: Blocks) -> Found:
    """Read a disk. OSError when it cannot be read."""
    table = read_table(disk)
    for each in table.partitions:
        if each.kind == VMFS:
            header = _unpacked(disk.read(each.start * SECTOR, _HEADER_SIZE))
            if header is not None:
                return Found(table, header, each)
    return Found(table)


def write_header(disk: Blocks, partition: Partition, header: Header) -> None:
    """Replace the header."""
    document = {**asdict(header), "extents": [asdict(each) for each in header.extents]}
    disk.write(partition.start * SECTOR, _packed(document, _HEADER_SIZE))


def clear(disk: Blocks, partition: Partition) -> None:
    """No file system there any more."""
    disk.write(partition.start * SECTOR, bytes(_HEADER_SIZE))


def read_catalogue(disk: Blocks, partition: Partition) -> dict[str, Any]:
    """The files, by path; none where nothing was written yet."""
    at = partition.start * SECTOR + _CATALOGUE_AT
    first = disk.read(at, _HEADER_SIZE)
    magic, length, _ = _LENGTH.unpack_from(first)
    if magic != _MAGIC or length > _CATALOGUE_SIZE:
        return {}
    whole = disk.read(at, _rounded(_LENGTH.size + length))
    document = _document(whole)
    return document if isinstance(document, dict) else {}


def write_catalogue(disk: Blocks, partition: Partition, files: dict[str, Any]) -> None:
    """Replace the catalogue. OSError when it is too large."""
    data = _packed(files, None)
    if len(data) > _CATALOGUE_SIZE:
        raise OSError("too many files")
    disk.write(partition.start * SECTOR + _CATALOGUE_AT, data)


def reclaim(disk: Disk, partition: Partition) -> None:
    """Give back all blocks that nothing is kept in: those behind the catalogue."""
    first = partition.start * SECTOR + _CATALOGUE_AT + _CATALOGUE_SIZE
    disk.unmap(first, (partition.end + 1) * SECTOR - first)


def _packed(document: Any, size: int | None) -> bytes:
    text = json.dumps(document, separators=(",", ":")).encode()
    data = _LENGTH.pack(_MAGIC, len(text), hashlib.sha256(text).digest()) + text
    if size is not None and len(data) > size:
        raise OSError("the description does not fit")
    return data.ljust(size or _rounded(len(data)), b"\0")


def _rounded(length: int) -> int:
    return -(-length // SECTOR) * SECTOR


def _document(data: bytes) -> Any:
    magic, length, digest = _LENGTH.unpack_from(data)
    text = data[_LENGTH.size : _LENGTH.size + length]
    if magic != _MAGIC or hashlib.sha256(text).digest() != digest:
        return None
    return json.loads(text)


def _unpacked(data: bytes) -> Header | None:
    document = _document(data)
    if not isinstance(document, dict):
        return None
    return Header(**{**document, "extents": tuple(Extent(**each) for each in document["extents"])})
