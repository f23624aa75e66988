"""The files of a datastore: a catalogue with sizes, and the contents of the small ones."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, replace
from typing import Any

from ..registry import named_fault, vim

_PATH = re.compile(r"\[(?P<store>[^\]]+)\]\s*(?P<path>.*)")
DISK, DESCRIPTION, MAPPING, SNAPSHOT = "disk", "description", "mapping", "snapshot"


@dataclass(frozen=True, slots=True)
class File:
    """`size` is what it may grow to, `allocated` what it takes now; bytes."""

    kind: str
    size: int = 0
    allocated: int = 0
    content: str = ""


class Files:
    """By path within the datastore (`machine/machine.vmx`)."""

    def __init__(self) -> None:
        self.all: dict[str, File] = {}

    @property
    def allocated(self) -> int:
        """What all of them take, in bytes."""
        return sum(each.allocated for each in self.all.values())

    @property
    def promised(self) -> int:
        """What they may still grow by, in bytes."""
        return sum(max(each.size - each.allocated, 0) for each in self.all.values())

    def document(self) -> dict[str, Any]:
        """As it is kept on a disk."""
        return {path: asdict(file) for path, file in self.all.items()}

    def load(self, document: dict[str, Any]) -> None:
        """Replace all by what was kept."""
        self.all = {path: File(**file) for path, file in document.items()}

    def put(self, path: str, file: File) -> None:
        """Make or replace one."""
        self.all = {**self.all, path: file}

    def resize(self, path: str, size: int) -> None:
        """Another size; what it takes stays, unless it was fully allocated."""
        old = self.all[path]
        allocated = size if old.allocated == old.size else min(old.allocated, size)
        self.put(path, replace(old, size=size, allocated=allocated))

    def drop(self, path: str) -> None:
        """Nothing when there is none."""
        self.all = {each: file for each, file in self.all.items() if each != path}

    def drop_folder(self, folder: str) -> None:
        """All below a folder."""
        self.all = {each: file for each, file in self.all.items() if not each.startswith(f"{folder}/")}


def parsed(path: str) -> tuple[str, str]:
    """`[datastore] folder/file` as its two parts. InvalidDatastorePath for what is none."""
    match = _PATH.fullmatch(path.strip())
    if match is None:
        raise named_fault(vim.fault.InvalidDatastorePath(datastorePath=path), f"Invalid datastore path '{path}'.")
    return match["store"], match["path"].strip("/")
