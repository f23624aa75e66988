"""What the header of a layer's file says, read without a program (format: docs/interop/qcow2.txt of qemu)."""

from __future__ import annotations

import struct
from pathlib import Path

from ...errors import Failed


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
