"""`protect`: the volume behind a datastore says when its snapshots are taken by themselves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from ....core.errors import Failed, Invalid, IsthmusError, NotOffered, Stale
from ....core.model.identity import now
from ....core.model.request import Changes, SnapshotRequest
from ....core.model.snapshot import SnapshotState
from ....plugin_manager.action import Call
from ..connection.soap import Connection, Who
from ..hosts import vmfs
from ..hosts.vmfs import Vmfs
from ..reasons import because
from .backing import Backing, backing_of
from .declared.protect import AS_PROFILE, NEVER
from .desk import Desk
from .points import snapshots_of, words
from .schedule import OFFERED, Schedule, document, scheduled
from .stage import Stage


class Protect:
    """Checks, plans and does it at once. What holds afterwards is what was asked for alone: nothing of what the volume
    said before stays."""

    def __init__(self, desk: Desk, stage: Stage) -> None:
        self._desk, self._stage = desk, stage

    def check(self, call: Call) -> None:
        """That the storage system offers it; with an input whether that can be kept."""
        self._asked(call)

    def plan(self, call: Call) -> Mapping[str, Any]:
        """What holds now and what would, and which snapshots would go by it."""
        store, backing = self._asked(call)
        return _told(store, backing, _wanted(call.input))

    def run(self, call: Call) -> Mapping[str, Any]:
        """The volume as it was read is changed, or none: `Stale` when somebody changed it meanwhile. The same again
        changes nothing."""
        store, backing = self._asked(call)
        volume, wanted = backing.volume, _wanted(call.input)
        if volume.protection != wanted:
            volumes = backing.storage.volumes
            try:
                volumes.update(volume.id, Changes(protection=wanted), if_version=volume.version)
            except Stale:
                raise because(Stale, "volume-changed", name=store.name) from None
            if volumes.get(volume.id).protection != wanted:
                raise because(Failed, "differs", name=store.name)
        return _told(store, backing, wanted)

    def _asked(self, call: Call) -> tuple[Vmfs, Backing]:
        seat = self._desk.seat(call)

        def found(connection: Connection, who: Who) -> tuple[Vmfs, Backing]:
            store = vmfs.demand(connection, connection.reference(seat.target.kind, seat.target.moid))
            return store, backing_of(self._stage.systems(), seat.context, store)

        store, backing = seat.ask(found)
        if OFFERED not in backing.storage.describe().offers:
            raise because(NotOffered, "no-schedules", system=backing.system)
        if call.input:
            _wanted(call.input)
        return store, backing


def _wanted(given: Mapping[str, Any]) -> Mapping[str, Any]:
    """What the volume is to say. Raises `Invalid` for a time that there is not, and for what nothing is kept by."""
    every, first = str(given["every"]), given.get("first")
    bounds = [name for name in ("first", "keep", "days") if given.get(name) is not None]
    if every in (NEVER, AS_PROFILE):
        if bounds:
            raise because(Invalid, "no-schedule-to-bound", every=every, bounds=", ".join(bounds))
        return {} if every == AS_PROFILE else document(every, None, None, None)
    return document(every, None if first is None else _moment(str(first)), given.get("keep"), given.get("days"))


def _moment(said: str) -> str:
    try:
        found = datetime.fromisoformat(said)
        return (found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)).isoformat()
    except (ValueError, OverflowError):
        raise because(Invalid, "no-such-time", time=said) from None


def _told(store: Vmfs, backing: Backing, wanted: Mapping[str, Any]) -> Mapping[str, Any]:
    """What the volume said when it was read, and what follows from what is wanted."""
    moment, storage = now(), backing.storage
    becomes = Schedule.of(replace(backing.volume, protection=wanted), storage)
    taken = [each for each in scheduled(snapshots_of(backing)) if each.state is SnapshotState.AVAILABLE]
    following = becomes.takes.next_after(moment) if becomes.takes is not None else None
    return {
        "datastore": {"id": store.moid, "name": store.name},
        "volume": {"id": backing.volume.id, "name": backing.volume.name},
        "system": backing.system,
        "before": Schedule.of(backing.volume, storage).to_json(),
        "becomes": becomes.to_json(),
        "next": None if following is None else following.isoformat(),
        "scheduled": len(taken),
        "discarded": 0 if becomes.takes is None else len(becomes.takes.over(taken, moment)),
        "refused_now": None if becomes.takes is None else _refused(backing),
    }


def _refused(backing: Backing) -> str | None:
    """Why the storage would take no snapshot at this moment, in its own words: then it takes none by schedule."""
    try:
        backing.storage.snapshots.create(SnapshotRequest(backing.volume.id, "scheduled"), dry_run=True)
    except IsthmusError as error:
        return words(error)
    return None
