"""qcow2 images: snapshots, reverts and clones are new layers; an image daemon exchanges them while hosts write."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

from ...datapath.image_daemon import ImageDaemon, Layer
from ...datapath.image_daemons import ImageDaemons
from ...errors import Failed, Refused
from ..contract import Allocated, Device, DriverSetup, Taken, Wanted
from . import disk
from .driver import FileDriver
from .family import SNAPSHOT, VOLUME, Cut, Family, Member, new_layer
from .fuse import EXPORT, RawView, fuse_obstacle
from .header import backing_layer, holds_no_data, visible_size
from .images import Images
from .merging import Merging

DEEPEST = 64


class Qcow2Driver(FileDriver):
    """Volumes as qcow2 images, each a chain of layers of which only the top one is written to.

    A snapshot puts a new layer on top; what was the top is the snapshot. A revert or a clone is a new layer on the
    snapshot's. A layer that is no volume's or snapshot's any longer stays while another rests on it, and is merged
    with it where that costs little or a daemon can do it beside the hosts' I/O. A chain has at most 64 layers.
    """

    format: ClassVar[str] = "qcow2"

    def __init__(self, setup: DriverSetup) -> None:
        super().__init__(setup)
        state, runtime = setup.state / "daemons", setup.runtime
        self._daemons = ImageDaemons(state, runtime, user=setup.user, timeout=setup.timeout)
        # Only root may mount, so a daemon that shows a raw view runs as this process does.
        self._mounting = ImageDaemons(state, runtime, user=None, timeout=setup.timeout)
        self._views = RawView(setup.runtime / "views", self._who)
        self._merging = Merging(self._daemons, setup.timeout)

    def extend(self, placement: str, reference: Mapping[str, Any], size: int) -> Allocated:
        with self._changing(VOLUME, placement) as family:
            member = family.volumes[placement]
            path = family.file(member.layer)
            now = visible_size(path)
            if now < size:
                self._require_room(0 if member.thin else size - now)
                self._grow(family, placement, size)
                disk.sync(path)
            return self._allocated(family, placement)

    def snapshot(self, placement: str, reference: Mapping[str, Any], snapshot: str) -> Taken:
        with disk.reported(self._directory, 0):
            if taken := self._taken(snapshot):
                return taken
        with self._changing(VOLUME, placement) as family:
            self._folder.index(snapshot, family.path)
            self._cut(family, placement, snapshot)
        with disk.reported(self._directory, 0):
            made = self._taken(snapshot)
        if made is None:
            raise Failed(f"Snapshot {snapshot} is gone right after it was taken.")
        return made

    def live_snapshot(self, placement: str, reference: Mapping[str, Any], snapshot: str) -> Taken:
        return self.snapshot(placement, reference, snapshot)

    def delete_snapshot(self, snapshot: str, reference: Mapping[str, Any]) -> None:
        self._remove(SNAPSHOT, snapshot)

    def inspect_snapshot(self, snapshot: str, reference: Mapping[str, Any]) -> Taken | None:
        with disk.reported(self._directory, 0):
            return self._taken(snapshot)

    def revert(
        self, wanted: Wanted, placement: str, reference: Mapping[str, Any], snapshot: str, taken: Mapping[str, Any]
    ) -> Allocated:
        return self.clone_snapshot(wanted, snapshot, taken)

    def clone_snapshot(self, wanted: Wanted, snapshot: str, taken: Mapping[str, Any]) -> Allocated:
        self._admit(wanted)
        if made := self._made_already(wanted):
            return made
        with self._changing(SNAPSHOT, snapshot) as family:
            below = family.snapshots[snapshot].layer
            if made := self._put_on(family, wanted, below):
                return made
        return self._copy(family, wanted, below)

    def clone(self, wanted: Wanted, placement: str, reference: Mapping[str, Any]) -> Allocated:
        self._admit(wanted)
        if made := self._made_already(wanted):
            return made
        with self._changing(VOLUME, placement) as family:
            if made := self._put_on(family, wanted, below := self._standing(family, placement)):
                return made
        return self._copy(family, wanted, below)

    def forms(self) -> Mapping[str, str]:
        return {"image": "", "path": fuse_obstacle()}

    def device(self, placement: str, reference: Mapping[str, Any], form: str) -> Device:
        with self._changing(VOLUME, placement) as family:
            member = family.volumes[placement]
            path = family.file(member.layer)
            size = visible_size(path)
            if form != "path":
                daemon = self._open(family, placement, self._daemons)
                return Device(path, "qcow2", size, daemon.control, member.thin)
            if obstacle := fuse_obstacle():
                raise Refused(f"A qcow2 image cannot be shown as a raw file here: {obstacle}.")
            running = self._daemons.find(placement)
            if running is not None and not running.exports():
                self._daemons.end(placement)
            if running is None:
                self._views.clear(placement)
            daemon = self._open(family, placement, self._mounting)
            return Device(self._views.show(placement, daemon), "raw", size, thin=member.thin)

    def release(self, placement: str, reference: Mapping[str, Any]) -> None:
        self._end_daemon(placement)
        with disk.reported(self._directory, 0, away=True):
            family = self._folder.find(VOLUME, placement)
            if family is not None:
                with self._folder.locked(family.path) as held:
                    self._merging.tidy(self._complete(held))

    def _end_daemon(self, volume: str) -> None:
        self._daemons.end(volume)
        with disk.reported(self._directory, 0, away=True):
            self._views.clear(volume)

    def _make(self, path: Path, size: int, thin: bool) -> None:
        Images(path.parent, self._setup.timeout).make(path, size, thin=thin)

    @contextmanager
    def _changing(self, kind: str, object_id: str) -> Iterator[Family]:
        """The family of an object, locked, an interrupted change of it completed."""
        with disk.reported(self._directory, 0):
            found = self._require(kind, object_id)
            with self._folder.locked(found.path) as held:
                if held.member(kind, object_id) is None:
                    raise Failed(f"There is no {kind} {object_id} in {self._directory}.")
                yield self._complete(held)

    def _complete(self, family: Family) -> Family:
        """Complete a change of a volume's top layer whose maker died.

        Going on is right wherever it died: the new layer holds nothing but what was written after the change.
        """
        cut = family.cut
        if cut is None:
            return family
        daemon = self._daemons.find(cut.volume)
        if daemon is not None and daemon.layers():
            daemon.put_overlay(_layer(family, cut.above, family.volumes[cut.volume].thin))
        return self._finish(family, cut)

    def _finish(self, family: Family, cut: Cut) -> Family:
        thin = family.volumes[cut.volume].thin
        family = replace(family, cut=None).with_volume(cut.volume, Member(cut.above, thin))
        if cut.snapshot is not None:
            family = family.with_snapshot(cut.snapshot, Member(cut.below, thin))
        self._folder.commit(family)
        return family

    def _cut(self, family: Family, volume: str, snapshot: str | None) -> Family:
        """Put a new layer on top of the volume; what was the top becomes `snapshot`, or is only rested on."""
        family = self._merging.make_room(family, family.volumes[volume].layer, DEEPEST)
        member = family.volumes[volume]
        size = visible_size(family.file(member.layer))
        above = self._layer_on(family, member.layer, size, member.thin)
        cut = Cut(volume, member.layer, above, snapshot)
        daemon = self._daemons.find(volume)
        if daemon is None or not daemon.layers():
            return self._finish(family, cut)
        # From here on the daemon may have exchanged the layers, whatever becomes of this process.
        family = replace(family, cut=cut)
        family.save()
        try:
            daemon.put_overlay(_layer(family, above, member.thin))
        except (Refused, Failed):
            if daemon.layers()[:1] == (member.layer,):
                self._folder.commit(replace(family, cut=None))
            raise
        return self._finish(family, cut)

    def _standing(self, family: Family, volume: str) -> str:
        """A layer that nobody writes to and that shows what the volume shows now."""
        top = family.file(family.volumes[volume].layer)
        below = backing_layer(top)
        if below is None or self._daemons.find(volume) is not None or not holds_no_data(top):
            below = family.volumes[volume].layer
            self._cut(family, volume, None)
        return below

    def _put_on(self, family: Family, wanted: Wanted, below: str) -> Allocated | None:
        """Make the volume `wanted` as a new layer on `below`. None when that would make the chain too long; then
        `below` is kept for a copy."""
        self._folder.index(wanted.placement, family.path)
        family = self._folder.reread(family)
        if len(family.chain(below)) >= DEEPEST:
            family.pinned(wanted.placement, below).save()
            return None
        size = max(wanted.size, visible_size(family.file(below)))
        layer = self._layer_on(family, below, size, wanted.thin)
        family = family.with_volume(wanted.placement, Member(layer, wanted.thin))
        self._folder.commit(family)
        return self._allocated(family, wanted.placement)

    def _copy(self, family: Family, wanted: Wanted, below: str) -> Allocated:
        """Make the volume `wanted` as an image of its own with the content of `below`, which is pinned."""
        source = family.file(below)
        size = max(wanted.size, visible_size(source))
        images = Images(family.path, self._setup.timeout)

        def make(path: Path) -> None:
            images.flatten(source, path, thin=wanted.thin)
            if visible_size(path) < size:
                Images(path.parent, self._setup.timeout).grow(path, size, thin=wanted.thin)

        made = self._new_family(VOLUME, wanted.placement, wanted.thin, size, make)
        self._unpin(wanted.placement)
        return made

    def _unpin(self, maker: str) -> None:
        with disk.reported(self._directory, 0):
            family = self._folder.pinned_by(maker)
            if family is not None:
                with self._folder.locked(family.path) as held:
                    self._folder.commit(held.unpinned(maker))

    def _layer_on(self, family: Family, below: str, size: int, thin: bool) -> str:
        """An empty layer of `size` bytes on `below`; nothing names it yet. Nothing remains of it when that fails."""
        layer = new_layer()
        path = family.path / f"{layer}.qcow2"
        self._require_room(0 if thin else size)
        try:
            Images(family.path, self._setup.timeout, family.lock).make(
                path, size, thin=thin, backing=family.file(below)
            )
            self._hand_over(path)
            disk.sync(path)
            disk.sync(family.path)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        return layer

    def _grow(self, family: Family, volume: str, size: int) -> None:
        member = family.volumes[volume]
        path = family.file(member.layer)
        images = Images(family.path, self._setup.timeout, family.lock)
        daemon = self._daemons.find(volume)
        if daemon is None or not daemon.layers():
            self._merging.pause(family, volume)
            images.grow(path, size, thin=member.thin)
        elif member.thin:
            daemon.resize(size)
            if EXPORT in daemon.exports():
                self._views.look_again(volume, size)
        elif daemon.exports():
            self._views.grow(volume, size)
        else:
            # qemu allocates space only when it grows an image that no daemon has open.
            daemon.close()
            try:
                images.grow(path, size, thin=False)
            finally:
                daemon.open(_layers(family, member))

    def _open(self, family: Family, volume: str, daemons: ImageDaemons) -> ImageDaemon:
        layers = _layers(family, family.volumes[volume])
        for layer in layers:
            self._hand_over(layer.path)
        fresh = daemons.find(volume) is None
        daemon = daemons.ensure(volume)
        if len(family.volumes) > 1 and not daemon.layers():
            self._merging.pause(family, volume)
        if daemon.open(layers)[:1] != (layers[0].name,):
            raise Failed(
                f"The daemon of volume {volume} has another image open than {layers[0].path}.",
                next_step="Detach the volume from all hosts, then attach it again.",
            )
        if len(layers) > 1 or not fresh:
            self._merging.tidy(family)
        return daemon

    def _remove(self, kind: str, object_id: str) -> None:
        self._unpin(object_id)
        super()._remove(kind, object_id)

    def _let_go(self, family: Family, kind: str, object_id: str) -> Family:
        family = self._complete(family)
        if kind == VOLUME:
            daemon = self._daemons.find(object_id)
            if daemon is not None and daemon.exports() - {EXPORT}:
                raise Refused(f"Volume {object_id} is still published.", next_step="Detach it from all hosts.")
            self._end_daemon(object_id)
        return family

    def _tidy(self, family: Family) -> None:
        self._merging.tidy(family)

    def _made_already(self, wanted: Wanted) -> Allocated | None:
        """The volume that an earlier try made. It may be larger than `wanted`: as large as the snapshot."""
        found = self.inspect(wanted.placement, {})
        if found is not None:
            self._unpin(wanted.placement)
        if found is not None and found.size < wanted.size:
            raise Refused(f"Volume {wanted.placement} exists with {found.size} bytes instead of {wanted.size}.")
        return found


def _layer(family: Family, name: str, thin: bool) -> Layer:
    return Layer(name, family.file(name), "qcow2", thin)


def _layers(family: Family, member: Member) -> list[Layer]:
    return [_layer(family, name, member.thin) for name in family.chain(member.layer)]
