"""How images lie in the back end's folder, so that every change happens completely or not at all.

    isthmus.json                 whose folder this is, and the format of its images
    families/NAME/family.json    which layer each volume and snapshot of this family has
    families/NAME/LAYER.FORMAT   the layers; a qcow2 layer names the one below it in its own header
    index/ID                     a link to the family of the volume or snapshot ID
    making/ID/                   a family that is being made; it moves to families/ when it is complete

A family holds the images that share layers. Its family.json is replaced in one piece, so a snapshot, a clone or a
delete either has happened or has not; a layer that nothing names any longer is removed afterwards, at the latest by
the next change of the family. All changes of a family are made under a lock on its folder.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import secrets
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ...errors import Busy, Failed, Invalid, Unavailable
from .disk import FAMILIES, make_folder, sync, write_durably
from .header import backing_layer, visible_size

_ID = re.compile(r"[0-9A-Za-z][0-9A-Za-z-]{0,63}\Z")
_DOCUMENT = "family.json"
_PAUSE = 0.002
VOLUME, SNAPSHOT = "volume", "snapshot"


@dataclass(frozen=True, slots=True)
class Member:
    """A volume or snapshot: its top layer, and whether all its space is to be allocated."""

    layer: str
    thin: bool = True


@dataclass(frozen=True, slots=True)
class Cut:
    """A change of a volume's top layer that has begun: from `below` to `above`, perhaps for a snapshot's sake."""

    volume: str
    below: str
    above: str
    snapshot: str | None = None


@dataclass(frozen=True, slots=True)
class Family:
    """What family.json says. `pins` are layers that a copy under way (by the id of what it makes) still reads.

    `lock` is the descriptor that holds the family's lock, -1 where it is only read. A program that works on the
    layers inherits it, so that the family stays locked until it has ended, even if the caller is killed meanwhile.
    """

    path: Path
    volumes: Mapping[str, Member] = field(default_factory=dict)
    snapshots: Mapping[str, Member] = field(default_factory=dict)
    pins: Mapping[str, str] = field(default_factory=dict)
    cut: Cut | None = None
    lock: int = field(default=-1, compare=False)

    @property
    def empty(self) -> bool:
        return not (self.volumes or self.snapshots or self.pins)

    def file(self, layer: str) -> Path:
        """The file of a layer: `LAYER.qcow2` or `LAYER.raw`."""
        for path in (self.path / f"{layer}.qcow2", self.path / f"{layer}.raw"):
            if path.exists():
                return path
        raise Failed(f"The file of layer {layer} is missing in {self.path}.", next_step="Restore it from a backup.")

    def member(self, kind: str, object_id: str) -> Member | None:
        return (self.volumes if kind == VOLUME else self.snapshots).get(object_id)

    def named(self) -> frozenset[str]:
        """The layers that something other than a layer rests on."""
        members = (*self.volumes.values(), *self.snapshots.values())
        cut = (self.cut.below, self.cut.above) if self.cut else ()
        return frozenset({*(member.layer for member in members), *self.pins.values(), *cut})

    def layers(self) -> Mapping[str, str | None]:
        """All layer files that are there, each with the layer below it.

        One that nothing names may have been left half-written by a death: it rests on nothing, and is swept away.
        """
        named, found = self.named(), dict[str, str | None]()
        for path in self.path.iterdir():
            if not _is_layer(path):
                continue
            try:
                found[path.stem] = backing_layer(path)
            except Failed:
                if path.stem in named:
                    raise
                found[path.stem] = None
        return found

    def chain(self, layer: str) -> tuple[str, ...]:
        """The layer and those below it, down to the base."""
        found = [layer]
        while (below := backing_layer(self.file(found[-1]))) is not None:
            if below in found or len(found) > 1000:
                raise Failed(f"The layers of {self.path} rest on each other in a circle.")
            found.append(below)
        return tuple(found)

    def with_volume(self, volume: str, member: Member) -> Family:
        return replace(self, volumes={**self.volumes, volume: member})

    def with_snapshot(self, snapshot: str, member: Member) -> Family:
        return replace(self, snapshots={**self.snapshots, snapshot: member})

    def without(self, object_id: str) -> Family:
        """Without the volume or snapshot of that id."""
        return replace(
            self,
            volumes={name: member for name, member in self.volumes.items() if name != object_id},
            snapshots={name: member for name, member in self.snapshots.items() if name != object_id},
        )

    def pinned(self, maker: str, layer: str) -> Family:
        """With `layer` kept for the copy that makes the object `maker`."""
        return replace(self, pins={**self.pins, maker: layer})

    def unpinned(self, maker: str) -> Family:
        return replace(self, pins={name: layer for name, layer in self.pins.items() if name != maker})

    def save(self) -> None:
        """Make this the truth. Durable on return."""
        document = {
            "version": 1,
            "volumes": {name: {"layer": one.layer, "thin": one.thin} for name, one in self.volumes.items()},
            "snapshots": {name: {"layer": one.layer, "thin": one.thin} for name, one in self.snapshots.items()},
            "pins": dict(self.pins),
            "cut": [self.cut.volume, self.cut.below, self.cut.above, self.cut.snapshot] if self.cut else None,
        }
        write_durably(self.path / _DOCUMENT, json.dumps(document, indent=1).encode())

    def sweep(self) -> None:
        """Remove the layers on which nothing rests any longer, from the top down."""
        layers = dict(self.layers())
        while True:
            used = self.named() | {below for below in layers.values() if below}
            unused = [layer for layer in layers if layer not in used]
            if not unused:
                return
            for layer in unused:
                self.file(layer).unlink(missing_ok=True)
                del layers[layer]


def read_family(path: Path) -> Family | None:
    """The family in the folder `path`; None when there is none. Raises `Failed` when its document is unreadable."""
    try:
        document = json.loads((path / _DOCUMENT).read_text())
        cut = document["cut"]
        return Family(
            path,
            {name: Member(str(one["layer"]), bool(one["thin"])) for name, one in document["volumes"].items()},
            {name: Member(str(one["layer"]), bool(one["thin"])) for name, one in document["snapshots"].items()},
            {name: str(layer) for name, layer in document["pins"].items()},
            Cut(*cut) if cut else None,
        )
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (ValueError, KeyError, TypeError) as error:
        raise Failed(f"{path / _DOCUMENT} is damaged: {error}.", next_step="Restore it from a backup.") from error


class Folder:
    """The folder of one back end."""

    def __init__(self, path: Path, timeout: float) -> None:
        self.path = path
        self._families = path / FAMILIES
        self._index = path / "index"
        self._making = path / "making"
        self._timeout = timeout

    def prepare(self) -> None:
        """Make the folders and remove what an interrupted delete left. Daemons' accounts may pass, not look."""
        for folder in (self.path, self._families, self._index, self._making):
            make_folder(folder)
        for gone in self._families.glob(".gone-*"):
            shutil.rmtree(gone, ignore_errors=True)

    def marker(self) -> Mapping[str, Any]:
        """What isthmus.json says; empty when the folder is new."""
        try:
            found: Mapping[str, Any] = json.loads((self.path / "isthmus.json").read_text())
            return found
        except FileNotFoundError:
            return {}

    def mark(self, backend: str, kind: str) -> None:
        write_durably(self.path / "isthmus.json", json.dumps({"backend": backend, "format": kind}).encode())

    def require_known(self, note: Path) -> None:
        """Raise `Unavailable` when this node has used the folder, which `note` remembers, and it is empty now.

        It is then a mount point whose file system is missing: what would be made in it would be in the wrong place,
        and what is not found in it is not gone.
        """
        with suppress(FileNotFoundError):
            if note.read_text() == str(self.path) and not self.marker():
                raise Unavailable(
                    "The back end's folder held images and is empty now.",
                    next_step=f"Is the file system of {self.path} mounted? If the images are gone for good, remove "
                    f"{note}.",
                )

    def remember(self, note: Path) -> None:
        """Let `note` say that this node has used the folder."""
        if not note.exists() or note.read_text() != str(self.path):
            note.parent.mkdir(parents=True, exist_ok=True)
            write_durably(note, str(self.path).encode())

    def find(self, kind: str, object_id: str) -> Family | None:
        """The family that has the volume or snapshot; None when no family has."""
        _check(object_id)
        for path in (self._families / object_id, self._index / object_id):
            family = read_family(path.resolve())
            if family is not None and family.member(kind, object_id) is not None:
                return family
        return None

    def pinned_by(self, object_id: str) -> Family | None:
        """The family that keeps a layer for the copy that makes the object; None when there is none."""
        _check(object_id)
        family = read_family((self._index / object_id).resolve())
        return family if family is not None and object_id in family.pins else None

    def size(self, kind: str, object_id: str) -> int | None:
        """The size that a host sees of the volume or snapshot, in bytes; None when there is none."""
        return self._unlocked(kind, object_id, lambda family, layer: visible_size(family.file(layer)))

    def occupied(self, kind: str, object_id: str) -> int | None:
        """The bytes that its layers occupy, those that others rest on as well included; None when there is none."""

        def measured(family: Family, layer: str) -> int:
            return sum(family.file(one).stat().st_blocks * 512 for one in family.chain(layer))

        return self._unlocked(kind, object_id, measured)

    def _unlocked(self, kind: str, object_id: str, look: Callable[[Family, str], int]) -> int | None:
        """What `look` says of the top layer of the volume or snapshot; None when there is none."""
        family = self.find(kind, object_id)
        while family is not None:
            member = family.member(kind, object_id)
            if member is None:
                return None
            try:
                return look(family, member.layer)
            except (Failed, FileNotFoundError):
                # Nothing is locked: the layers may have been merged since the document was read.
                before, family = family, self.find(kind, object_id)
                if family == before:
                    raise
        return None

    def families(self) -> Iterator[Family]:
        for path in sorted(self._families.iterdir()):
            family = read_family(path) if not path.name.startswith(".") else None
            if family is not None:
                yield family

    def unfinished(self) -> tuple[str, ...]:
        """The ids of what is being made, or was when its maker died."""
        return tuple(sorted(path.name for path in self._making.iterdir()))

    def files(self) -> Iterator[Path]:
        """Every file and folder of ours."""
        for top in (self._families, self._making, self._index):
            for folder, folders, names in os.walk(top):
                for name in (*folders, *names):
                    yield Path(folder, name)

    @contextmanager
    def locked(self, path: Path) -> Iterator[Family]:
        """The family in `path`, which nobody else changes while the block runs. Raises `Busy` after the timeout."""
        handle = self._lock(path)
        try:
            family = read_family(path)
            if family is None:
                raise _gone(path)
            yield replace(family, lock=handle)
        finally:
            os.close(handle)

    def reread(self, family: Family) -> Family:
        """The family, which is locked, as it is saved now."""
        now = read_family(family.path)
        if now is None:
            raise _gone(family.path)
        return replace(now, lock=family.lock)

    def _lock(self, path: Path) -> int:
        deadline = time.monotonic() + self._timeout
        try:
            handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except FileNotFoundError:
            raise _gone(path) from None
        try:
            while True:
                try:
                    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    return handle
                except BlockingIOError:
                    if time.monotonic() >= deadline:
                        raise Busy(f"Another call is still working on the images in {path}.") from None
                    time.sleep(_PAUSE)
        except BaseException:
            os.close(handle)
            raise

    def begin(self, object_id: str) -> Path:
        """An empty folder in which the family of a new object is made; what an interrupted try left is removed."""
        _check(object_id)
        made = self._making / object_id
        if made.exists():
            shutil.rmtree(made)
        made.mkdir(mode=0o711)
        made.chmod(0o711)
        return made

    def discard(self, object_id: str) -> None:
        """Remove what an interrupted try to make `object_id` left."""
        _check(object_id)
        shutil.rmtree(self._making / object_id, ignore_errors=True)

    def publish(self, object_id: str, family: Family) -> Family:
        """Make the family that was begun for `object_id` a family of the back end. Durable on return."""
        family.save()
        place = self._families / object_id
        if place.exists():
            # An older family has this name: the images made from a deleted object of the same id.
            place = self._families / f"{object_id}.{secrets.token_hex(4)}"
            self.index(object_id, place)
        family.path.rename(place)
        sync(self._families)
        return replace(family, path=place)

    def index(self, object_id: str, place: Path) -> None:
        """Note in which family the object is found. Durable on return."""
        _check(object_id)
        if place.name == object_id:
            return
        link, fresh = self._index / object_id, self._index / f".{object_id}.new"
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(Path("..") / "families" / place.name)
        fresh.replace(link)
        sync(self._index)

    def commit(self, family: Family) -> None:
        """Save the family and remove what it no longer needs; with the last member the family itself goes."""
        if not family.empty:
            family.save()
            family.sweep()
            return
        gone = self._families / f".gone-{secrets.token_hex(8)}"
        family.path.rename(gone)
        sync(self._families)
        shutil.rmtree(gone, ignore_errors=True)

    def forget(self, object_id: str) -> None:
        """Remove the object's note; the object is gone already."""
        note = self._index / object_id
        # A file system that cannot be written refuses to remove even what is not there.
        if note.is_symlink() or note.exists():
            note.unlink(missing_ok=True)


def new_layer() -> str:
    """A fresh name for a layer."""
    return secrets.token_hex(8)


def _is_layer(path: Path) -> bool:
    return path.suffix in (".qcow2", ".raw") and not path.name.startswith(".")


def _gone(path: Path) -> Failed:
    return Failed(f"The images in {path} are gone.")


def _check(object_id: str) -> None:
    if not _ID.match(object_id):
        raise Invalid(f"{object_id!r} is no id.")
