"""The snapshots that a storage system keeps of a datastore's volume."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ....core.context import Context
from ....core.errors import (
    Conflict,
    Invalid,
    IsthmusError,
    LimitExceeded,
    NoPlacement,
    NotOffered,
    Refused,
)
from ....core.model.request import SnapshotRequest
from ....core.model.snapshot import Snapshot, SnapshotState
from ....plugin_manager.action import Call, Choice
from ..connection.soap import Connection, Who
from ..hosts import vmfs
from ..hosts.vmfs import Vmfs
from ..reasons import because
from .backing import Backing, backing_of
from .desk import Desk
from .stage import Stage, everything
from .wanted import MARK

FILE_SYSTEM, CONSISTENCY = "vsphere-vmfs", "vsphere-consistency"
"""In the metadata of a snapshot that was taken of a datastore: the uuid of its file system, `vm` or `crash`."""
BROWSE = "Datastore.Browse"
"""Whoever is to have the content of a datastore, as it is or as it was, must be allowed to see it there."""
NOT_NOW = (Conflict, LimitExceeded, NoPlacement, NotOffered, Refused)
"""What a storage system refuses with when it could do something at another time, or after something else."""


def found_at(stage: Stage, connection: Connection, subject: Any, context: Context) -> tuple[Vmfs, Backing]:
    """A datastore and the volume behind it, of which a system keeps snapshots."""
    store = vmfs.demand(connection, subject)
    backing = backing_of(stage.systems(), context, store)
    if "snapshots" not in backing.offers():
        raise because(Conflict, "no-snapshots", system=backing.system)
    return store, backing


def snapshots_of(backing: Backing) -> list[Snapshot]:
    """The newest first."""
    found = everything(backing.storage.snapshots.list, volume=backing.volume.id)
    return sorted(found, key=lambda snapshot: snapshot.created_at, reverse=True)


def demand_snapshot(store: Vmfs, backing: Backing, chosen: str) -> Snapshot:
    """The one with this id, or this name if no other has it; of the file system that the datastore has now."""
    found = [each for each in snapshots_of(backing) if chosen in (each.id, each.name)]
    if not found:
        raise because(Conflict, "no-such-snapshot", name=store.name, snapshot=chosen)
    if len(found) > 1 and chosen != found[0].id:
        raise because(Invalid, "snapshot-ambiguous", snapshot=chosen)
    snapshot = found[0]
    if snapshot.state is not SnapshotState.AVAILABLE:
        raise because(Conflict, "snapshot-busy", snapshot=snapshot.name, state=snapshot.state.value)
    return snapshot


def demand_any_snapshot(store: Vmfs, backing: Backing) -> None:
    if not snapshots_of(backing):
        raise because(Conflict, "no-snapshot-yet", name=store.name)


def request_of(mark: str, volume: str, file_system: str, given: Mapping[str, Any], name: str) -> SnapshotRequest:
    """What is asked of the storage; the metadata say whose it is and of what."""
    notes = {MARK: mark, FILE_SYSTEM: file_system, CONSISTENCY: str(given.get("consistency", "vm"))}
    return SnapshotRequest(volume, name, str(given.get("description", "")), metadata=notes)


def demand_taking(store: Vmfs, backing: Backing, given: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """The storage's plan for a snapshot now, while hosts write; raises with its own words why there can be none."""
    wanted = request_of("plan", backing.volume.id, store.uuid, given, name)
    try:
        return dict(backing.storage.snapshots.create(wanted, dry_run=True).plan or {})
    except NOT_NOW as error:
        raise because(Conflict, "no-snapshot-now", system=backing.system, name=store.name, said=words(error)) from None


def words(error: IsthmusError) -> str:
    """Cause and cure as a storage system tells them."""
    return " ".join(part for part in (error.message, error.next_step) if part)


def snapshot_choices(desk: Desk, stage: Stage, call: Call) -> Sequence[Choice]:
    """Those of the datastore that the action is done to."""
    seat = desk.seat(call)

    def found(connection: Connection, who: Who) -> tuple[Vmfs, Backing]:
        return found_at(stage, connection, connection.reference(seat.target.kind, seat.target.moid), seat.context)

    return [
        Choice(each.id, each.name, _details(each))
        for each in snapshots_of(seat.ask(found)[1])
        if each.state is SnapshotState.AVAILABLE
    ]


def shown_time(snapshot: Snapshot) -> str:
    """When it was taken, for people."""
    return f"{snapshot.created_at:%Y-%m-%d %H:%M} UTC"


def _details(snapshot: Snapshot) -> Mapping[str, Any]:
    found: dict[str, Any] = {"created_at": shown_time(snapshot), "size": snapshot.size}
    if CONSISTENCY in snapshot.metadata:
        found["consistent"] = snapshot.metadata[CONSISTENCY] == "vm"
    return {**found, "description": snapshot.description}
