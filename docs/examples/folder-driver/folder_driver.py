"""A small driver for Isthmus: each volume is a fully allocated file of one folder."""

from __future__ import annotations

import errno
import os
import pwd
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

from isthmus.core.drivers.contract import Allocated, Device, DriverSetup, Item, PoolReport, Wanted
from isthmus.core.errors import Failed, Refused, Transient, Unavailable

POOL = "folder"


class FolderDriver:
    """Extends and Serves besides the core. `PLACEMENT.raw` is a volume, `PLACEMENT.new` one that is being made."""

    name: ClassVar[str] = "folder"
    contract_version: ClassVar[int] = 1
    settings_schema: ClassVar[Mapping[str, Any]] = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "additionalProperties": False,
        "required": ["directory"],
        "properties": {"directory": {"type": "string", "pattern": "^/", "description": "The folder for the volumes."}},
    }

    def __init__(self, setup: DriverSetup) -> None:
        self._folder = Path(setup.settings["directory"])
        self._user = setup.user

    def start(self) -> None:
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o711)
        except OSError as error:
            raise Unavailable(f"{self._folder} cannot be made: {error.strerror}") from error

    def stop(self) -> None:
        """Nothing is held open."""

    def check(self) -> None:
        if not os.access(self._folder, os.W_OK | os.X_OK):
            raise Transient(f"{self._folder} cannot be written to", next_step="Look at its owner, mode and mount.")

    def pools(self) -> Sequence[PoolReport]:
        with self._reported(0):
            room = shutil.disk_usage(self._folder)
            ours = sum(path.stat().st_blocks * 512 for path in self._folder.iterdir())
        total = room.used + room.free  # what is set aside for root is not there
        return [PoolReport(POOL, total=total, used=room.used, ours=ours, granularity=4096, thin=False, thick=True)]

    def create(self, wanted: Wanted) -> Allocated:
        if wanted.pool != POOL:
            raise Refused(f"There is no pool {wanted.pool} in {self._folder}.")
        found = self.inspect(wanted.placement, {})
        if found is None:
            with self._reported(wanted.size):
                self._make(wanted)
            found = self.inspect(wanted.placement, {})
        if found is None or found.size != wanted.size:
            raise Refused(f"Volume {wanted.placement} is there with another size.")
        return found

    def delete(self, placement: str, reference: Mapping[str, Any]) -> None:
        with self._reported(0):
            for suffix in (".raw", ".new"):
                self._path(placement, suffix).unlink(missing_ok=True)
            self._sync()

    def inspect(self, placement: str, reference: Mapping[str, Any]) -> Allocated | None:
        with self._reported(0):
            try:
                size = self._path(placement).stat().st_size
            except FileNotFoundError:
                return None
        return Allocated(placement, POOL, size)

    def inventory(self) -> Iterable[Item]:
        with self._reported(0):
            return [Item("volume", path.stem, POOL, path.stat().st_size) for path in self._folder.glob("*.raw")]

    def extend(self, placement: str, reference: Mapping[str, Any], size: int) -> Allocated:
        found = self._require(placement)
        if found.size < size:
            with self._reported(size - found.size):
                self._allocate(self._path(placement), size)
        return self._require(placement)

    def forms(self) -> Mapping[str, str]:
        return {"path": "", "image": ""}

    def device(self, placement: str, reference: Mapping[str, Any], form: str) -> Device:
        found, path = self._require(placement), self._path(placement)
        if self._user is not None:
            with self._reported(0):
                account = pwd.getpwnam(self._user)
                os.chown(path, account.pw_uid, account.pw_gid)
        return Device(path, "raw", found.size)

    def release(self, placement: str, reference: Mapping[str, Any]) -> None:
        """A plain file needs nothing."""

    def _make(self, wanted: Wanted) -> None:
        """All or nothing: the name `.raw` appears only on a file that is complete and on the disk."""
        unfinished = self._path(wanted.placement, ".new")
        try:
            unfinished.touch(mode=0o600)
            self._allocate(unfinished, wanted.size)
        except OSError:
            unfinished.unlink(missing_ok=True)
            raise
        unfinished.rename(self._path(wanted.placement))
        self._sync()

    def _allocate(self, path: Path, size: int) -> None:
        with path.open("r+b") as file:
            needed = size - os.fstat(file.fileno()).st_blocks * 512
            if needed > shutil.disk_usage(self._folder).free:
                raise OSError(errno.ENOSPC, "too little room")
            os.posix_fallocate(file.fileno(), 0, size)
            os.fsync(file.fileno())

    def _require(self, placement: str) -> Allocated:
        found = self.inspect(placement, {})
        if found is None:
            raise Failed(f"There is no volume {placement} in {self._folder}.")
        return found

    def _path(self, placement: str, suffix: str = ".raw") -> Path:
        return self._folder / f"{placement}{suffix}"

    def _sync(self) -> None:
        descriptor = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    @contextmanager
    def _reported(self, needed: int) -> Iterator[None]:
        """Turn the file system's errors into those that the journal acts on."""
        try:
            yield
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                free = shutil.disk_usage(self._folder).free
                raise Refused(
                    f"{self._folder} is full: {needed} bytes are needed, {free} are free.",
                    next_step="Delete what is no longer needed, or make the file system larger.",
                    free=free,
                    needed=needed,
                ) from error
            raise Failed(f"{error.filename or self._folder}: {error.strerror}") from error
