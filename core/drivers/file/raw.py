"""Raw files: with reflink, snapshots share blocks and are taken while hosts write; elsewhere they are copies."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from ...errors import Failed, Refused
from ..contract import Allocated, Device, Taken, Wanted
from . import disk
from .driver import FileDriver
from .family import SNAPSHOT, VOLUME
from .header import visible_size


class RawDriver(FileDriver):
    """Raw files on a file system without reflink: a snapshot is a copy, taken of a detached volume only."""

    format: ClassVar[str] = "raw"

    def extend(self, placement: str, reference: Mapping[str, Any], size: int) -> Allocated:
        with disk.reported(self._directory, size):
            family = self._require(VOLUME, placement)
            with self._folder.locked(family.path) as held:
                member = held.volumes[placement]
                path = held.file(member.layer)
                now = visible_size(path)
                if now < size:
                    self._require_room(0 if member.thin else size - now)
                    self._grow(path, now, size, member.thin)
                    disk.sync(path)
                return self._allocated(held, placement)

    def snapshot(self, placement: str, reference: Mapping[str, Any], snapshot: str) -> Taken:
        with disk.reported(self._directory, 0):
            if taken := self._taken(snapshot):
                return taken
            source = self._file(VOLUME, placement)
            self._new_family(SNAPSHOT, snapshot, True, visible_size(source), lambda path: self._copy(source, path))
            made = self._taken(snapshot)
        if made is None:
            raise Failed(f"Snapshot {snapshot} is gone right after it was taken.")
        return made

    def delete_snapshot(self, snapshot: str, reference: Mapping[str, Any]) -> None:
        self._remove(SNAPSHOT, snapshot)

    def inspect_snapshot(self, snapshot: str, reference: Mapping[str, Any]) -> Taken | None:
        with disk.reported(self._directory, 0):
            return self._taken(snapshot)

    def revert(
        self, wanted: Wanted, placement: str, reference: Mapping[str, Any], snapshot: str, taken: Mapping[str, Any]
    ) -> Allocated:
        return self._from(wanted, SNAPSHOT, snapshot)

    def clone_snapshot(self, wanted: Wanted, snapshot: str, taken: Mapping[str, Any]) -> Allocated:
        return self._from(wanted, SNAPSHOT, snapshot)

    def clone(self, wanted: Wanted, placement: str, reference: Mapping[str, Any]) -> Allocated:
        return self._from(wanted, VOLUME, placement)

    def forms(self) -> Mapping[str, str]:
        return {"image": "", "path": ""}

    def device(self, placement: str, reference: Mapping[str, Any], form: str) -> Device:
        with disk.reported(self._directory, 0):
            member = self._require(VOLUME, placement).volumes[placement]
            path = self._file(VOLUME, placement)
            self._hand_over(path)
            return Device(path, "raw", visible_size(path), thin=member.thin)

    def release(self, placement: str, reference: Mapping[str, Any]) -> None:
        """A raw file needs nothing to be released."""

    def _make(self, path: Path, size: int, thin: bool) -> None:
        path.touch(mode=0o600)
        self._grow(path, 0, size, thin)

    def _grow(self, path: Path, now: int, size: int, thin: bool) -> None:
        if thin:
            with path.open("r+b") as file:
                file.truncate(size)
            return
        try:
            disk.allocate(path, size)
        except BaseException:
            # What the volume had stays as it was; what was allocated beyond it is given back.
            with path.open("r+b") as file:
                file.truncate(now)
            raise

    def _copy(self, source: Path, made: Path) -> None:
        disk.copy(source, made)

    def _from(self, wanted: Wanted, kind: str, source_id: str) -> Allocated:
        self._admit(wanted)
        with disk.reported(self._directory, wanted.size):
            source = self._file(kind, source_id)
            size = max(wanted.size, visible_size(source))
            if existing := self._existing(wanted, size):
                return existing

            def make(path: Path) -> None:
                self._copy(source, path)
                self._grow(path, visible_size(path), size, wanted.thin)

            return self._new_family(VOLUME, wanted.placement, wanted.thin, size, make)

    def _file(self, kind: str, object_id: str) -> Path:
        family = self._require(kind, object_id)
        member = family.member(kind, object_id)
        if member is None:
            raise Refused(f"There is no {kind} {object_id}.")
        return family.file(member.layer)


class ReflinkDriver(RawDriver):
    """Raw files on a file system with reflink (xfs, btrfs): snapshots and clones share blocks until one is written.

    A reflink of a file that is being written is its content at one moment between two writes. A thick volume's
    blocks are its own until a snapshot or clone shares them; from then on its overwrites need new ones, which the
    scheduler has promised to the snapshot.
    """

    reflink: ClassVar[bool] = True

    def live_snapshot(self, placement: str, reference: Mapping[str, Any], snapshot: str) -> Taken:
        return self.snapshot(placement, reference, snapshot)

    def _copy(self, source: Path, made: Path) -> None:
        disk.reflink(source, made)
