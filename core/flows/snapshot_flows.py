"""`snapshot.create` and `snapshot.delete`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..drivers.contract import Taken
from ..errors import Failed, Refused
from ..journal.step import Commit, Flow, Run, Step
from ..model.placement import Placement
from ..model.snapshot import SnapshotState
from ..runtime.parts import Parts
from ..store import nouns, pools, usage
from .volume_state import node_of


class CreateSnapshot:
    """Data: snapshot, volume, placement, backend, node, pool, reserved, protocol."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts

    def flow(self) -> Flow:
        return Flow(
            "snapshot.create",
            (
                Step("take", self.take, self.forget, node=node_of),
                Step("read_back", self.read_back, node=node_of),
            ),
            undone=self.undone,
            attention=snapshot_in_error,
            retried=snapshot_again(SnapshotState.CREATING),
        )

    def take(self, run: Run) -> None:
        data = run.data
        placement = self._placement(run)
        live = self.parts.live.get(data["backend"])
        with self.parts.holding(placement.id, data["snapshot"]):
            if not self.parts.exports.published(placement, data["protocol"]):
                take = live.driver.snapshot
            elif "live_snapshot" in live.abilities:
                take = live.driver.live_snapshot
            else:
                raise Refused(
                    "This back end takes snapshots of detached volumes only.", next_step="Detach the volume first."
                )
            taken: Taken = take(placement.id, placement.reference, data["snapshot"])
        data["reference"] = dict(taken.reference)

    def forget(self, run: Run) -> None:
        data = run.data
        with self.parts.holding(data["placement"], data["snapshot"]):
            self.parts.live.get(data["backend"]).driver.delete_snapshot(data["snapshot"], data.get("reference", {}))

    def read_back(self, run: Run) -> Commit:
        data = run.data
        driver = self.parts.live.get(data["backend"]).driver
        found: Taken | None = driver.inspect_snapshot(data["snapshot"], data.get("reference", {}))
        if found is None:
            raise Failed("The back end took the snapshot and does not show it.")

        def commit(tx: Any) -> None:
            nouns.snapshots.change(
                tx,
                data["snapshot"],
                state=SnapshotState.AVAILABLE.value,
                size=found.size,
                reference=dict(found.reference),
                operation=None,
            )
            nouns.volumes.change(tx, data["volume"])
            snapshot = nouns.snapshots.get(tx, data["snapshot"])
            self.parts.happened(tx, "snapshot.created", snapshot, run.context, run.operation.id)

        run.result.update({"snapshot": data["snapshot"], "volume": data["volume"]})
        return commit

    def undone(self, run: Run, tx: Any) -> None:
        nouns.snapshots.delete(tx, run.data["snapshot"])
        _give_back(self.parts, run, tx)

    def _placement(self, run: Run) -> Placement:
        with self.parts.database.read() as tx:
            return nouns.placements.get(tx, run.data["placement"])


class DeleteSnapshot:
    """Data: snapshot, volume, placement (it was taken of), active_placement, reference, backend, node, pool,
    reserved."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts

    def flow(self) -> Flow:
        return Flow(
            "snapshot.delete",
            (
                Step("delete", self.delete, deadline=300.0, node=node_of),
                Step("read_back", self.read_back, node=node_of),
            ),
            pivot="delete",
            attention=snapshot_in_error,
            retried=snapshot_again(SnapshotState.DELETING),
        )

    def delete(self, run: Run) -> None:
        data = run.data
        with self.parts.holding(data["snapshot"], data["placement"], data["active_placement"]):
            self.parts.live.get(data["backend"]).driver.delete_snapshot(data["snapshot"], data["reference"])

    def read_back(self, run: Run) -> Commit:
        data = run.data
        if self.parts.live.get(data["backend"]).driver.inspect_snapshot(data["snapshot"], data["reference"]):
            raise Failed("The back end still shows the snapshot after deleting it.")

        def commit(tx: Any) -> None:
            snapshot = nouns.snapshots.get(tx, data["snapshot"])
            nouns.snapshots.delete(tx, snapshot.id)
            _give_back(self.parts, run, tx)
            self.parts.happened(tx, "snapshot.deleted", snapshot, run.context, run.operation.id)

        run.result.update({"snapshot": data["snapshot"]})
        return commit


def _give_back(parts: Parts, run: Run, tx: Any) -> None:
    """What was promised to the snapshot, and counted as its tenant's."""
    data = run.data
    nouns.volumes.change(tx, data["volume"])
    volume = nouns.volumes.get(tx, data["volume"])
    pools.release(tx, data["pool"], data["reserved"])
    usage.charge(tx, volume.tenant, volume.profile, size=-data["reserved"])
    parts.scheduler.adjust(data["pool"], -data["reserved"])


def snapshot_in_error(run: Run, tx: Any) -> None:
    nouns.snapshots.change(tx, run.data["snapshot"], state=SnapshotState.ERROR.value, operation=run.operation.id)


def snapshot_again(state: SnapshotState) -> Callable[[Run, Any], None]:
    """A hook for an operation that is retried: the snapshot is in `state` again."""

    def hook(run: Run, tx: Any) -> None:
        nouns.snapshots.change(tx, run.data["snapshot"], state=state.value, operation=run.operation.id)

    return hook
