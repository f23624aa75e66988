"""Steps that take a snapshot of a datastore's volume, with the machines on it at rest."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from typing import Any

from ....adapters.contract import Storage
from ....core.errors import Failed, NotFound
from ....core.journal.step import Run, Wait
from ....core.model.operation import Operation
from ....core.model.snapshot import Snapshot, SnapshotState
from ..hosts.vmfs import Vmfs
from ..reasons import because
from .asked import asked
from .backing import Backing
from .points import request_of
from .quiescing import Quiescing
from .stage import everything
from .wanted import MARK


class Taking(Quiescing):
    """Data: system, origin (the volume), datastore, file_system (its uuid), point (the snapshot)."""

    def about(self, run: Run, store: Vmfs, backing: Backing) -> None:
        """What the steps go by."""
        run.data["system"], run.data["origin"] = backing.system, backing.volume.id
        run.data["datastore"], run.data["file_system"] = store.moid, store.uuid

    def point_name(self, given: Mapping[str, Any]) -> str:
        """What the snapshot is to be called."""
        return str(given["name"])

    def take(self, run: Run) -> Wait | None:
        """The storage's snapshot, while all machines rest. Read back."""
        if not self.copies(run):
            return None
        storage, given = self._stage.storage(run), run.data["input"]
        name = self.point_name(given)
        wanted = request_of(run.operation.id, run.data["origin"], run.data["file_system"], given, name)
        child = asked(run, "snapshot", lambda key: storage.snapshots.create(wanted, key=key))
        found = self._stage.ended(run, storage, child)
        if isinstance(found, Wait):
            return found
        snapshot = storage.snapshots.get(str(found.result["snapshot"]))
        if snapshot.state is not SnapshotState.AVAILABLE:
            raise because(Failed, "snapshot-busy", snapshot=snapshot.name, state=snapshot.state.value)
        run.data["point"] = snapshot.id
        return None

    def untake(self, run: Run) -> Wait | None:
        """The storage's snapshot of this operation goes, whether the journal knows of it or not."""
        if not self.copies(run):
            return None
        storage = self._stage.storage(run)
        children = []
        for each in self._taken(run):
            with suppress(NotFound):
                children.append(asked(run, each.id, partial(_deleted, storage, each.id)))
        return self._stage.all_ended(run, storage, children)

    def _taken(self, run: Run) -> list[Snapshot]:
        listed = everything(self._stage.storage(run).snapshots.list, volume=run.data["origin"])
        return [each for each in listed if each.metadata.get(MARK) == run.operation.id]


def _deleted(storage: Storage, snapshot: str, key: str) -> Operation:
    return storage.snapshots.delete(snapshot, key=key)
