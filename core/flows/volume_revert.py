"""`volume.revert`: make a new object from the snapshot, switch to it, remove the old one.

Nothing is overwritten in place. The new placement takes over the wire identifier, so hosts find the same volume.
"""

from __future__ import annotations

from typing import Any

from ..drivers.contract import Wanted
from ..errors import Failed
from ..journal.step import Commit, Flow, Run, Step
from ..model.placement import PlacementRole
from ..model.volume import VolumeState
from ..runtime.parts import Parts
from ..store import nouns, pools
from .volume_settle import settled
from .volume_state import again, available_again, in_error, node_of


class RevertVolume:
    """Data: volume, snapshot, placement (the new one), old_placement, backend, node, pool, pool_name, size, thin."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts

    def flow(self) -> Flow:
        return Flow(
            "volume.revert",
            (
                Step("prepare", self.prepare, self.discard_new, deadline=300.0, node=node_of),
                Step("check", self.check, node=node_of),
                Step("switch", self.switch, node=node_of),
                Step("discard", self.discard_old, node=node_of),
                Step("finish", self.finish, node=node_of),
            ),
            pivot="switch",
            undone=self.undone,
            attention=in_error,
            retried=again(VolumeState.REVERTING),
            abandoned=settled(self.parts, VolumeState.REVERTING),
        )

    def prepare(self, run: Run) -> None:
        data = run.data
        with self.parts.database.read() as tx:
            snapshot = nouns.snapshots.get(tx, data["snapshot"])
            old = nouns.placements.get(tx, data["old_placement"])
        wanted = Wanted(data["placement"], data["pool_name"], data["size"], data["thin"])
        driver = self.parts.live.get(data["backend"]).driver
        with self.parts.holding(wanted.placement, old.id, snapshot.id):
            allocated = driver.revert(wanted, old.id, old.reference, snapshot.id, snapshot.reference)
        data["reference"] = dict(allocated.reference)

    def discard_new(self, run: Run) -> None:
        self._delete(run, run.data["placement"], run.data.get("reference", {}))

    def check(self, run: Run) -> None:
        data = run.data
        found = self.parts.live.get(data["backend"]).driver.inspect(data["placement"], data.get("reference", {}))
        if found is None or found.size != data["size"]:
            raise Failed("The back end does not show the reverted object in the volume's size.")

    def switch(self, run: Run) -> Commit:
        data = run.data

        def commit(tx: Any) -> None:
            nouns.placements.change(tx, data["old_placement"], role=PlacementRole.SOURCE.value)
            nouns.placements.change(
                tx, data["placement"], role=PlacementRole.ACTIVE.value, reference=dict(data.get("reference", {}))
            )
            nouns.volumes.change(tx, data["volume"], placement=data["placement"])

        return commit

    def discard_old(self, run: Run) -> None:
        with self.parts.database.read() as tx:
            old = nouns.placements.get(tx, run.data["old_placement"])
        self._delete(run, old.id, old.reference)

    def finish(self, run: Run) -> Commit:
        data = run.data
        if self.parts.live.get(data["backend"]).driver.inspect(data["old_placement"], {}) is not None:
            raise Failed("The back end still shows the object from before the revert.")

        def commit(tx: Any) -> None:
            nouns.placements.delete(tx, data["old_placement"])
            pools.release(tx, data["pool"], data["old_size"])
            self.parts.scheduler.adjust(data["pool"], -data["old_size"])
            volume = available_again(run, tx)
            self.parts.happened(tx, "volume.reverted", volume, run.context, run.operation.id)

        run.result.update({"volume": data["volume"], "snapshot": data["snapshot"]})
        return commit

    def undone(self, run: Run, tx: Any) -> None:
        data = run.data
        nouns.placements.delete(tx, data["placement"])
        pools.release(tx, data["pool"], data["size"])
        self.parts.scheduler.adjust(data["pool"], -data["size"])
        available_again(run, tx)

    def _delete(self, run: Run, placement: str, reference: Any) -> None:
        with self.parts.holding(placement):
            self.parts.live.get(run.data["backend"]).driver.delete(placement, reference)
