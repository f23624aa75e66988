"""The volume behind a datastore with all that is shown of it, read from its system in one turn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ....adapters.contract import Storage
from ....core.errors import Conflict, IsthmusError, StorageError
from ....core.model.attachment import Attachment
from ....core.model.host import Host
from ....core.model.measurement import Measurement
from ....core.model.page import LARGEST_PAGE, Query
from ....core.model.snapshot import Snapshot
from ....ui_bridge.block import Level, Notice
from ..actions.schedule import OFFERED, Schedule
from ..inventory.item import Item
from ..reasons import because
from .asking import tried
from .disks import disks
from .scene import Scene
from .stored import Stored, find


@dataclass(frozen=True, slots=True)
class Behind:
    """A volume with its snapshots, when these are taken by themselves, attachments (with the hosts, by id) and what is
    measured of it. Where the system does not offer that, or does not answer in time, it is None or empty."""

    stored: Stored
    snapshots: Sequence[Snapshot] | None
    schedule: Schedule | None
    attachments: Sequence[Attachment]
    hosts: dict[str, Host]
    now: Measurement | None
    history: Sequence[Measurement]


def behind(scene: Scene, store: Item) -> Behind | Notice:
    """What lies behind the datastore, or why that cannot be shown."""
    error: IsthmusError
    names = disks(store)
    if not names:
        kind = str(store.get("summary.type", ""))
        return scene.words.notice(Level.INFO, "no-volume", name=store.name, kind=kind)
    if len(names) > 1:
        return _said(scene, because(Conflict, "several-disks", name=store.name, count=len(names)), Level.INFO)
    answers = scene.ask(lambda system, storage: find(system, storage, names))
    for system, found in answers.found.items():
        for stored in found.values():
            return _all(scene, system, stored)
    for system in answers.silent:
        error = because(Conflict, "system-silent", system=system, name=store.name)
        return _said(scene, error, Level.WARNING)
    return _said(scene, because(Conflict, "not-ours", name=store.name), Level.INFO)


def _all(scene: Scene, system: str, stored: Stored) -> Behind:
    volume = stored.volume.id
    of_it = Query(filters={"volume": volume}, limit=LARGEST_PAGE)

    def attached(_: str, storage: Storage) -> tuple[Sequence[Attachment], dict[str, Host]]:
        page = tried(lambda: storage.attachments.list(of_it))
        found = [] if page is None else page.items
        hosts = (tried(lambda host=each.host: storage.hosts.get(host)) for each in found)  # type: ignore[misc]
        return found, {each.id: each for each in hosts if each is not None}

    def kept(_: str, storage: Storage) -> tuple[Sequence[Snapshot] | None, Schedule | None]:
        page = tried(lambda: storage.snapshots.list(of_it))
        offered = OFFERED in storage.describe().offers
        return None if page is None else page.items, Schedule.of(stored.volume, storage) if offered else None

    def measured(_: str, storage: Storage) -> tuple[Measurement | None, Sequence[Measurement]]:
        try:
            now = tried(lambda: storage.metrics.volume(volume))
            return now, tried(lambda: storage.metrics.history("volume", volume)) or ()
        except StorageError:
            return None, ()

    snapshots, schedule = scene.ask(kept, only=system).found.get(system, (None, None))
    attachments, hosts = scene.ask(attached, only=system).found.get(system, ((), {}))
    now, history = scene.ask(measured, only=system).found.get(system, (None, ()))
    return Behind(stored, snapshots, schedule, attachments, hosts, now, history)


def _said(scene: Scene, error: IsthmusError, level: Level) -> Notice:
    message, cure = scene.words.told(error)
    return Notice(Level.WARNING if level is Level.WARNING else Level.INFO, message, cure)
