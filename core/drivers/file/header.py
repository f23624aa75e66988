"""The header of a layer's file, read and written without a program (format: docs/interop/qcow2.txt of qemu)."""

from __future__ import annotations

import os
import struct
from pathlib import Path

from ...errors import Failed

_CLUSTER_BITS = 16
_CLUSTER = 1 << _CLUSTER_BITS
_HEADER = struct.Struct(">4sIQIIQIIQQIIQQQQII8x")
"""Version 3, with the compression type and its padding at the end."""
_REFCOUNT_ORDER = 4
_NOT_ENCRYPTED = 0
_NO_SNAPSHOTS = (0, 0)
_NO_FEATURES = (0, 0, 0)
_BACKING_FORMAT = 0xE2792ACA

LARGEST_WRITTEN = (_CLUSTER // 8) * (_CLUSTER // 8) * _CLUSTER
"""The size in bytes up to which the first-level table fits into one cluster (4 TiB)."""


def write_empty(path: Path, size: int, backing: str | None = None) -> None:
    """Write a qcow2 image of `size` bytes, at most `LARGEST_WRITTEN`, that reads as zeros, or as the qcow2 file
    `backing` beside it and zeros beyond its end.

    To qemu the same as what `qemu-img create` writes, at a tenth of the time: header, reference counts of the four
    clusters that there are, and an empty first-level table. Whatever was at `path` is replaced.
    """
    extensions, name = b"", b""
    if backing is not None:
        extensions = struct.pack(">II8s", _BACKING_FORMAT, len(b"qcow2"), b"qcow2")
        name = backing.encode()
    extensions += bytes(8)
    entries = -(-size // (_CLUSTER // 8 * _CLUSTER))
    header = _HEADER.pack(
        b"QFI\xfb",
        3,
        _HEADER.size + len(extensions) if name else 0,
        len(name),
        _CLUSTER_BITS,
        size,
        _NOT_ENCRYPTED,
        entries,
        3 * _CLUSTER,
        _CLUSTER,
        1,
        *_NO_SNAPSHOTS,
        *_NO_FEATURES,
        _REFCOUNT_ORDER,
        _HEADER.size,
    )
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        os.ftruncate(handle, 4 * _CLUSTER)
        os.pwrite(handle, struct.pack(">Q", 2 * _CLUSTER), _CLUSTER)
        os.pwrite(handle, struct.pack(">4H", 1, 1, 1, 1), 2 * _CLUSTER)
        os.pwrite(handle, header + extensions + name, 0)
    finally:
        os.close(handle)


def backing_layer(path: Path) -> str | None:
    """The layer on which the one in the file `path` rests, read from the header of a qcow2 file."""
    if path.suffix != ".qcow2":
        return None
    with path.open("rb") as file:
        offset, length = struct.unpack(">QI", _checked(file.read(32), path)[8:20])
        if not offset:
            return None
        file.seek(offset)
        return Path(file.read(length).decode()).stem


def visible_size(path: Path) -> int:
    """The size that a host sees of the layer in the file `path`, in bytes."""
    if path.suffix != ".qcow2":
        return path.stat().st_size
    with path.open("rb") as file:
        size: int = struct.unpack(">Q", _checked(file.read(32), path)[24:32])[0]
        return size


def holds_no_data(path: Path) -> bool:
    """Whether nothing was ever written to the layer in the file `path`: its first-level table is all zeros.

    Only to be asked while no daemon has it open (format: docs/interop/qcow2.txt of qemu).
    """
    with path.open("rb") as file:
        header = _checked(file.read(48), path)
        entries, offset = struct.unpack(">IQ", header[36:48])
        file.seek(offset)
        table = file.read(entries * 8)
    return not any(table)


def _checked(header: bytes, path: Path) -> bytes:
    if len(header) < 32 or header[:4] != b"QFI\xfb":
        raise Failed(f"{path} is not a qcow2 image.", next_step="Restore it from a backup.")
    return header
