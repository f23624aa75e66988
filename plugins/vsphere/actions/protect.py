"""`protect`: the volume behind a datastore says when its snapshots are taken by themselves."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from ....core.context import Context
from ....core.errors import Failed, Invalid, IsthmusError, NotFound, NotOffered, Stale
from ....core.journal.step import Run
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
    """Checks, plans and does it. What holds afterwards is what was asked for alone: nothing of what the volume said
    before stays. Data: system, volume, datastore, name (of the datastore), before and wanted (what the volume says)."""

    def __init__(self, desk: Desk, stage: Stage) -> None:
        self._desk, self._stage = desk, stage

    def check(self, call: Call) -> None:
        """That the storage system offers it; with an input whether that can be kept."""
        self._asked(call)

    def plan(self, call: Call) -> Mapping[str, Any]:
        """What holds now and what would, and which snapshots would go by it."""
        store, backing = self._asked(call)
        return {
            "datastore": {"id": store.moid, "name": store.name},
            "volume": {"id": backing.volume.id, "name": backing.volume.name},
            "system": backing.system,
            **_change(backing, backing.volume.protection, _wanted(call.input)),
        }

    def examine(self, run: Run) -> None:
        """Once more; and what the volume says until now."""
        given = run.data["input"]
        with self._stage.vcenter(run) as connection:
            store, backing = self._found(connection, self._stage.subject(run, connection), run.context, given)
        run.data |= {"system": backing.system, "volume": backing.volume.id}
        run.data |= {"datastore": store.moid, "name": store.name}
        run.data |= {"before": dict(backing.volume.protection), "wanted": dict(_wanted(given))}

    def set(self, run: Run) -> None:
        """The volume says what is wanted. Raises `Stale` when somebody let it say something else meanwhile: that
        stays."""
        data, volumes = run.data, self._stage.storage(run).volumes
        volume = volumes.get(data["volume"])
        if volume.protection == data["wanted"]:
            return
        if volume.protection != data["before"]:
            raise because(Stale, "volume-changed", name=data["name"])
        try:
            volumes.update(volume.id, Changes(protection=data["wanted"]), if_version=volume.version)
        except Stale:
            raise because(Stale, "volume-changed", name=data["name"]) from None

    def reset(self, run: Run) -> None:
        """The volume says what it said before, unless somebody let it say something else by now."""
        data, volumes = run.data, self._stage.storage(run).volumes
        with suppress(NotFound):
            volume = volumes.get(data["volume"])
            if volume.protection == data["wanted"] != data["before"]:
                volumes.update(volume.id, Changes(protection=data["before"]), if_version=volume.version)

    def read_back(self, run: Run) -> None:
        """The volume says it, and what follows from that."""
        data, storage = run.data, self._stage.storage(run)
        volume = storage.volumes.get(data["volume"])
        if volume.protection != data["wanted"]:
            raise because(Failed, "differs", name=data["name"])
        backing = Backing(data["system"], volume, storage)
        run.result |= {"datastore": data["datastore"], "volume": volume.id, "system": backing.system}
        run.result |= _change(backing, data["before"], data["wanted"])

    def _asked(self, call: Call) -> tuple[Vmfs, Backing]:
        seat = self._desk.seat(call)

        def found(connection: Connection, who: Who) -> tuple[Vmfs, Backing]:
            subject = connection.reference(seat.target.kind, seat.target.moid)
            return self._found(connection, subject, seat.context, call.input)

        return seat.ask(found)

    def _found(
        self, connection: Connection, subject: Any, context: Context, given: Mapping[str, Any]
    ) -> tuple[Vmfs, Backing]:
        store = vmfs.demand(connection, subject)
        backing = backing_of(self._stage.systems(), context, store)
        if OFFERED not in backing.offers():
            raise because(NotOffered, "no-schedules", system=backing.system)
        if given:
            _wanted(given)
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


def _change(backing: Backing, before: Mapping[str, Any], wanted: Mapping[str, Any]) -> Mapping[str, Any]:
    """What the volume said, what it is to say, and what follows from that."""
    moment, storage = now(), backing.storage
    becomes = Schedule.of(replace(backing.volume, protection=wanted), storage)
    taken = [each for each in scheduled(snapshots_of(backing)) if each.state is SnapshotState.AVAILABLE]
    following = becomes.takes.next_after(moment) if becomes.takes is not None else None
    return {
        "before": Schedule.of(replace(backing.volume, protection=before), storage).to_json(),
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
