"""`snapshot`: the storage's snapshot of a datastore, with the machines on it at rest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ....core.context import Context
from ....core.errors import Conflict, Failed
from ....core.journal.step import Run
from ....core.model.snapshot import SnapshotState
from ....plugin_manager.action import Call
from ..connection.soap import Connection, Who
from ..hosts.machines import Machine
from ..hosts.vmfs import Vmfs
from ..reasons import because
from .backing import Backing
from .desk import Desk, Seat
from .hidden import demand_seen, demand_seen_still
from .points import demand_taking, found_at, snapshots_of
from .quiescing import PRIVILEGES, consistent, demand_on, demand_quiescible, running_on
from .stage import Stage
from .taking import Taking


@dataclass(frozen=True, slots=True)
class Kept:
    """A datastore of which a snapshot can be taken, its volume, and the machines that run on it."""

    store: Vmfs
    backing: Backing
    running: list[Machine]


class TakeSnapshot(Taking):
    """Checks, plans and does it. From the removal of the machines' own snapshots on, which goes on until it is done,
    the storage's snapshot stays."""

    def __init__(self, desk: Desk, stage: Stage) -> None:
        self._desk, self._stage = desk, stage

    def check(self, call: Call) -> None:
        """Volume, storage; with an input also machines, privileges and the name."""
        self._asked(call)

    def plan(self, call: Call) -> Mapping[str, Any]:
        """Which machines are put to rest, and what the snapshot needs."""
        kept = self._asked(call)
        return {
            "datastore": {"id": kept.store.moid, "name": kept.store.name},
            "volume": {
                "id": kept.backing.volume.id,
                "name": kept.backing.volume.name,
                "size": kept.backing.volume.size,
            },
            "system": kept.backing.system,
            "snapshot": demand_taking(kept.store, kept.backing, call.input, str(call.input["name"])),
            "machines": [
                {"id": each.moid, "name": each.name, "tools": each.tools}
                for each in kept.running
                if consistent(call.input)
            ],
        }

    def examine(self, run: Run) -> None:
        """Once more, before any machine is touched."""
        with self._stage.vcenter(run) as connection:
            kept = self._kept(connection, self._stage.subject(run, connection), run.context, run.data["input"])
        if consistent(run.data["input"]):
            demand_seen_still(run, self._stage, kept.store, kept.running, running=True)
        self.about(run, kept.store, kept.backing)
        run.result["datastore"], run.result["volume"] = kept.store.moid, kept.backing.volume.id

    def read_back(self, run: Run) -> None:
        """The storage shows the snapshot, and no machine has one of ours left."""
        snapshot = self._stage.storage(run).snapshots.get(run.data["point"])
        if snapshot.state is not SnapshotState.AVAILABLE or snapshot.volume != run.data["origin"]:
            raise because(Failed, "snapshot-busy", snapshot=snapshot.name, state=snapshot.state.value)
        with self._stage.vcenter(run) as connection:
            self.demand_released(run, connection)
        run.result["snapshot"], run.result["size"] = snapshot.id, snapshot.size
        run.result["machines"] = len(run.data.get("machines", ()))
        run.result["unquiesced"] = run.data.get("unquiesced", [])

    def _asked(self, call: Call) -> Kept:
        seat = self._desk.seat(call)
        kept = seat.ask(lambda connection, who: self._allowed(seat, connection, who, call.input))
        if call.input and consistent(call.input):
            demand_seen(seat, kept.store, kept.running, running=True)
        return kept

    def _allowed(self, seat: Seat, connection: Connection, who: Who, given: Mapping[str, Any]) -> Kept:
        kept = self._kept(connection, connection.reference(seat.target.kind, seat.target.moid), seat.context, given)
        if given and consistent(given):
            demand_on(connection, who, kept.running, *PRIVILEGES)
        return kept

    def _kept(self, connection: Connection, subject: Any, context: Context, given: Mapping[str, Any]) -> Kept:
        store, backing = found_at(self._stage, connection, subject, context)
        # The devices of machines are much to read, and a menu has milliseconds.
        kept = Kept(store, backing, running_on(connection, subject) if given else [])
        demand_taking(store, backing, given, str(given.get("name", store.name)))
        if given:
            if any(each.name == given["name"] for each in snapshots_of(backing)):
                raise because(Conflict, "snapshot-name-taken", name=store.name, snapshot=given["name"])
            if consistent(given):
                demand_quiescible(connection, kept.running, given)
        return kept
