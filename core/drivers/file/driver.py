"""The file driver's core: one pool in one folder, volumes as files."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from ...datapath.account import account, barrier
from ...errors import Failed, Misconfigured, Refused, Unavailable
from ..contract import Allocated, DriverSetup, Item, Metered, PoolReport, Taken, Wanted
from . import disk
from .family import SNAPSHOT, VOLUME, Family, Folder, Member, new_layer
from .header import visible_size
from .settings import SCHEMA, settings_of

_Make = Callable[[Path], None]
POOL = "files"
GRANULARITY = 4096
# Remembers, in the state folder, which folder of images this node has used.
NOTE = "images-folder"


class FileDriver:
    """Volumes as files of a folder. `FileDriver(setup)` gives an object of the class that the folder allows:
    qcow2 images, raw files on a file system with reflink, or raw files elsewhere; its abilities are that class's.

    The image files belong to `DriverSetup.user` with mode 0600, the folders to this process with mode 0711: a
    daemon of that account opens an image by its name and can neither list nor add nor remove any.
    Making the object raises `Unavailable` when the folder cannot be written to, `Misconfigured` when it belongs to
    another back end or holds images of another format.
    """

    name: ClassVar[str] = "file"
    settings_schema: ClassVar[Mapping[str, Any]] = SCHEMA
    format: ClassVar[str]
    reflink: ClassVar[bool] = False

    def __new__(cls, setup: DriverSetup) -> FileDriver:
        if cls is not FileDriver:
            return super().__new__(cls)
        from .choice import choose

        return super().__new__(choose(setup))

    def __init__(self, setup: DriverSetup) -> None:
        self._setup = setup
        self._settings = settings_of(setup)
        self._directory = self._settings.directory
        self._folder = Folder(self._directory, setup.timeout)
        self._who = account(setup.user) if setup.user else None

    def start(self) -> None:
        note = self._setup.state / NOTE
        try:
            self._folder.require_known(note)
            self._folder.prepare()
            marker = self._folder.marker()
            if not marker:
                self._folder.mark(self._setup.backend, self.format)
            self._folder.remember(note)
        except OSError as error:
            found = disk.storage_error(error, self._directory, GRANULARITY)
            raise Unavailable(found.message, next_step=found.next_step) from error
        if marker and marker.get("backend") != self._setup.backend:
            raise Misconfigured(
                f"The folder {self._directory} belongs to another back end ({marker.get('backend')}).",
                next_step="Give each back end a folder of its own.",
            )
        closed = barrier(self._directory / disk.FAMILIES / "image", self._who) if self._who else None
        if self._who and closed:
            raise Misconfigured(
                f"The account {self._who.name}, as which daemons run, cannot reach {self._directory}: {closed} is "
                "closed to it.",
                next_step=f"chmod o+x {closed}",
            )

    def stop(self) -> None:
        """Nothing is held between calls."""

    def check(self) -> None:
        try:
            marker = self._folder.marker()
        except OSError as error:
            raise disk.storage_error(error, self._directory, 0) from error
        if marker.get("backend") != self._setup.backend:
            raise Failed(
                "The back end's folder does not hold its images.",
                next_step=f"Look at {self._directory}: is its file system mounted?",
            )
        if not os.access(self._directory / disk.FAMILIES, os.W_OK):
            raise Failed(
                "Isthmus may not write to the back end's folder.",
                next_step=f"Correct the owner, mode or mount of {self._directory}.",
            )

    def pools(self) -> Sequence[PoolReport]:
        with disk.reported(self._directory, 0):
            measured = disk.room(self._directory)
            ours = disk.occupied(self._folder.files(), shared=self.reflink)
            thick = disk.overwrites_in_place(self._directory)
        found = {
            "dataStorage": {"isSpaceEfficient": False, "compression": False, "deduplication": False},
            "advanced": {"format": self.format, "reflink": self.reflink},
        }
        return [
            PoolReport(
                name=POOL,
                total=measured.total,
                used=measured.used,
                ours=min(ours, measured.used),
                granularity=GRANULARITY,
                thin=True,
                thick=thick,
                zone=self._settings.zone,
                capabilities=_merged(found, self._settings.capabilities),
            )
        ]

    def create(self, wanted: Wanted) -> Allocated:
        self._admit(wanted)
        return self._existing(wanted) or self._new_family(
            VOLUME, wanted.placement, wanted.thin, wanted.size, lambda path: self._make(path, wanted.size, wanted.thin)
        )

    def delete(self, placement: str, reference: Mapping[str, Any]) -> None:
        self._remove(VOLUME, placement)

    def inspect(self, placement: str, reference: Mapping[str, Any]) -> Allocated | None:
        with disk.reported(self._directory, 0):
            size = self._folder.size(VOLUME, placement)
            return None if size is None else Allocated(placement, POOL, size)

    def meter(self, placement: str, reference: Mapping[str, Any]) -> Metered | None:
        """What the file system has allocated to the image files. What hosts do is a target's to count:
        qemu-storage-daemon, which opens the images, keeps no count of what comes through its exports (7.2)."""
        with disk.reported(self._directory, 0):
            occupied = self._folder.occupied(VOLUME, placement)
            return None if occupied is None else Metered(occupied)

    def inventory(self) -> Iterable[Item]:
        with disk.reported(self._directory, 0):
            return list(self._items())

    def _items(self) -> Iterator[Item]:
        listed = set()
        for family in self._folder.families():
            for kind, members in ((VOLUME, family.volumes), (SNAPSHOT, family.snapshots)):
                for object_id in members:
                    size = self._folder.size(kind, object_id)
                    if size is not None:
                        listed.add(object_id)
                        yield Item(kind, object_id, POOL, size)
        for object_id in self._folder.unfinished():
            if object_id not in listed:
                yield Item(VOLUME, object_id, POOL, 0)

    def _make(self, path: Path, size: int, thin: bool) -> None:
        """Make the empty image file `path`."""
        raise NotImplementedError

    def _admit(self, wanted: Wanted) -> None:
        if wanted.pool != POOL:
            raise Refused(f"The file driver has no pool {wanted.pool!r}, only {POOL!r}.")
        if wanted.size <= 0 or wanted.size % GRANULARITY:
            raise Refused(f"{wanted.size} bytes is no multiple of {GRANULARITY}.")
        if not wanted.thin:
            with disk.reported(self._directory, wanted.size):
                if not disk.overwrites_in_place(self._directory):
                    raise Refused(
                        f"{self._directory} is on a copy-on-write file system, where no space can be set aside for a "
                        "thick volume.",
                        next_step="Make it thin.",
                    )

    def _require_room(self, needed: int) -> None:
        """Raise `Refused` when the file system has less than `needed` bytes."""
        if needed and disk.room(self._directory).free < needed:
            raise disk.no_room(self._directory, needed)

    def _existing(self, wanted: Wanted, at_least: int = 0) -> Allocated | None:
        """The volume if it is there already; `Refused` when its size is another than what would be made now."""
        found = self.inspect(wanted.placement, {})
        expected = max(wanted.size, at_least)
        if found is not None and found.size != expected:
            raise Refused(f"Volume {wanted.placement} exists with {found.size} bytes instead of {expected}.")
        return found

    def _new_family(self, kind: str, object_id: str, thin: bool, size: int, make: _Make) -> Allocated:
        """Make a family of one member, whose image `make(path)` writes. Nothing remains of it when that fails."""
        with disk.reported(self._directory, size):
            try:
                made = self._folder.begin(object_id)
                layer = new_layer()
                path = made / f"{layer}.{self.format}"
                self._require_room(0 if thin else size)
                make(path)
                self._hand_over(path)
                disk.sync(path)
                member = Member(layer, thin)
                family = Family(made)
                family = (
                    family.with_volume(object_id, member) if kind == VOLUME else family.with_snapshot(object_id, member)
                )
                family = self._folder.publish(object_id, family)
            except BaseException:
                self._folder.discard(object_id)
                raise
            return Allocated(object_id, POOL, visible_size(family.file(layer)))

    def _remove(self, kind: str, object_id: str) -> None:
        with disk.reported(self._directory, 0):
            self._folder.discard(object_id)
            family = self._folder.find(kind, object_id)
            if family is not None:
                with self._folder.locked(family.path) as held:
                    left = self._let_go(held, kind, object_id).without(object_id)
                    self._folder.commit(left)
                    if not left.empty:
                        self._tidy(left)
            self._folder.forget(object_id)

    def _let_go(self, family: Family, kind: str, object_id: str) -> Family:
        """Bring the family, which is locked, into a state in which the object can be removed from it."""
        return family

    def _tidy(self, family: Family) -> None:
        """What else can be given back now that an object of the family, which is locked, has gone."""

    def _require(self, kind: str, object_id: str) -> Family:
        family = self._folder.find(kind, object_id)
        if family is None:
            raise Failed(f"There is no {kind} {object_id} in {self._directory}.")
        return family

    def _allocated(self, family: Family, placement: str) -> Allocated:
        return Allocated(placement, POOL, visible_size(family.file(family.volumes[placement].layer)))

    def _taken(self, snapshot: str) -> Taken | None:
        size = self._folder.size(SNAPSHOT, snapshot)
        return None if size is None else Taken(snapshot, size)

    def _hand_over(self, path: Path) -> None:
        """Let the daemons' account read and write the image."""
        path.chmod(0o600)
        if self._who is not None:
            os.chown(path, self._who.uid, self._who.gid)


def _merged(found: Mapping[str, Any], given: Mapping[str, Any]) -> Mapping[str, Any]:
    """The capabilities found out, with those that the administrator gave on top, section by section."""
    sections = {*found, *given}
    return {
        name: {**found.get(name, {}), **given[name]}
        if isinstance(given.get(name), Mapping)
        else given.get(name, found.get(name))
        for name in sections
    }
