"""`snapshot-delete`: a snapshot that the storage keeps of a datastore goes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from ....core.errors import Failed, NotFound
from ....core.journal.step import Run, Wait
from ....plugin_manager.action import Call, Choice
from ..connection.soap import Connection, Who
from ..hosts.vmfs import Vmfs
from ..reasons import because
from .asked import asked
from .backing import Backing
from .desk import Desk
from .points import demand_any_snapshot, demand_snapshot, found_at, snapshot_choices
from .stage import Stage


class DeleteSnapshot:
    """Checks, plans and does it. Data: system, volume, point."""

    def __init__(self, desk: Desk, stage: Stage) -> None:
        self._desk, self._stage = desk, stage

    def check(self, call: Call) -> None:
        """That there are snapshots; with an input that there is this one."""
        self._asked(call)

    def snapshot_choices(self, call: Call) -> Sequence[Choice]:
        return snapshot_choices(self._desk, self._stage, call)

    def plan(self, call: Call) -> Mapping[str, Any]:
        """What would go."""
        store, backing = self._asked(call)
        snapshot = demand_snapshot(store, backing, str(call.input["snapshot"]))
        planned = backing.storage.snapshots.delete(snapshot.id, dry_run=True).plan or {}
        return {
            "datastore": {"id": store.moid, "name": store.name},
            "volume": {"id": backing.volume.id, "name": backing.volume.name},
            "system": backing.system,
            "snapshot": {"id": snapshot.id, "name": snapshot.name, "size": snapshot.size, **planned},
        }

    def examine(self, run: Run) -> None:
        """Which it is."""
        with self._stage.vcenter(run) as connection:
            store, backing = found_at(self._stage, connection, self._stage.subject(run, connection), run.context)
        snapshot = demand_snapshot(store, backing, str(run.data["input"]["snapshot"]))
        run.data["system"], run.data["volume"], run.data["point"] = backing.system, backing.volume.id, snapshot.id
        run.result["datastore"], run.result["volume"], run.result["snapshot"] = (
            store.moid, backing.volume.id, snapshot.id,
        )  # fmt: skip

    def delete(self, run: Run) -> Wait | None:
        storage, point = self._stage.storage(run), run.data["point"]
        try:
            child = asked(run, point, lambda key: storage.snapshots.delete(point, key=key))
        except NotFound:
            return None
        found = self._stage.ended(run, storage, child)
        return found if isinstance(found, Wait) else None

    def read_back(self, run: Run) -> None:
        """The storage shows it no more."""
        with suppress(NotFound):
            snapshot = self._stage.storage(run).snapshots.get(run.data["point"])
            raise because(Failed, "snapshot-busy", snapshot=snapshot.name, state=snapshot.state.value)

    def _asked(self, call: Call) -> tuple[Vmfs, Backing]:
        seat = self._desk.seat(call)

        def found(connection: Connection, who: Who) -> tuple[Vmfs, Backing]:
            subject: Any = connection.reference(seat.target.kind, seat.target.moid)
            store, backing = found_at(self._stage, connection, subject, seat.context)
            demand_any_snapshot(store, backing)
            if call.input:
                demand_snapshot(store, backing, str(call.input["snapshot"]))
            return store, backing

        return seat.ask(found)
