"""`volume.delete`: snapshots first where they go with it, then every placement; then the rows."""

from __future__ import annotations

from typing import Any

from ..errors import Failed
from ..journal.step import Commit, Flow, Run, Step
from ..model.placement import Placement
from ..model.snapshot import Snapshot, SnapshotState
from ..model.volume import VolumeState
from ..runtime.parts import Parts
from ..store import nouns, pools, usage
from .volume_state import again, in_error, node_of


class DeleteVolume:
    """Data: volume, node, charged (bytes of usage without those of its snapshots). There is no way back from the first
    step on."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts

    def flow(self) -> Flow:
        return Flow(
            "volume.delete",
            (
                Step("delete_snapshots", self.delete_snapshots, deadline=300.0, node=node_of),
                Step("delete", self.delete, deadline=300.0, node=node_of),
                Step("read_back", self.read_back, node=node_of),
            ),
            pivot="delete_snapshots",
            attention=self.attention,
            retried=self.retried,
        )

    def attention(self, run: Run, tx: Any) -> None:
        in_error(run, tx)
        self._move_snapshots(run, tx, SnapshotState.ERROR)

    def retried(self, run: Run, tx: Any) -> None:
        again(VolumeState.DELETING)(run, tx)
        self._move_snapshots(run, tx, SnapshotState.DELETING)

    def delete_snapshots(self, run: Run) -> None:
        for snapshot in self._snapshots(run):
            if snapshot.placement is None:
                continue
            with self.parts.holding(snapshot.id, snapshot.placement):
                self._driver_of_pool(snapshot.pool).delete_snapshot(snapshot.id, snapshot.reference)

    def delete(self, run: Run) -> None:
        for placement in self._placements(run):
            with self.parts.holding(placement.id):
                self.parts.live.get(placement.backend).driver.delete(placement.id, placement.reference)

    def read_back(self, run: Run) -> Commit:
        data = run.data
        snapshots, placements = self._snapshots(run), self._placements(run)
        for placement in placements:
            if self.parts.live.get(placement.backend).driver.inspect(placement.id, placement.reference) is not None:
                raise Failed("The back end still shows the volume after deleting it.")
        for snapshot in snapshots:
            if snapshot.placement is None:
                continue
            if self._driver_of_pool(snapshot.pool).inspect_snapshot(snapshot.id, snapshot.reference) is not None:
                raise Failed("The back end still shows a snapshot of the volume after deleting it.")

        def commit(tx: Any) -> None:
            for snapshot in snapshots:
                nouns.snapshots.delete(tx, snapshot.id)
                self.parts.happened(tx, "snapshot.deleted", snapshot, run.context, run.operation.id)
                if snapshot.pool is not None:
                    pools.release(tx, snapshot.pool, snapshot.reserved)
                    self.parts.scheduler.adjust(snapshot.pool, -snapshot.reserved)
            for placement in placements:
                nouns.placements.delete(tx, placement.id)
                pools.release(tx, placement.pool, placement.size)
                self.parts.scheduler.adjust(placement.pool, -placement.size)
            volume = nouns.volumes.get(tx, data["volume"])
            nouns.volumes.delete(tx, volume.id)
            charged = data["charged"] + sum(snapshot.reserved for snapshot in snapshots)
            usage.charge(tx, volume.tenant, volume.profile, volumes=-1, size=-charged)
            self.parts.happened(tx, "volume.deleted", volume, run.context, run.operation.id)

        run.result.update({"volume": data["volume"]})
        return commit

    def _move_snapshots(self, run: Run, tx: Any, state: SnapshotState) -> None:
        """Snapshots that go with the volume share its fate while a person is asked for."""
        for snapshot in nouns.snapshots_of_volume.all(tx, run.data["volume"]):
            if snapshot.operation == run.operation.id:
                nouns.snapshots.change(tx, snapshot.id, state=state.value)

    def _snapshots(self, run: Run) -> list[Snapshot]:
        with self.parts.database.read() as tx:
            return nouns.snapshots_of_volume.all(tx, run.data["volume"])

    def _placements(self, run: Run) -> list[Placement]:
        with self.parts.database.read() as tx:
            return nouns.placements_of_volume.all(tx, run.data["volume"])

    def _driver_of_pool(self, pool: str | None) -> Any:
        with self.parts.database.read() as tx:
            backend = nouns.pools.get(tx, str(pool)).backend
        return self.parts.live.get(backend).driver
