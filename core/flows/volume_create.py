"""`volume.create`: allocate on the pool that was reserved, read back, make available."""

from __future__ import annotations

from typing import Any

from ..drivers.contract import Allocated, Wanted
from ..errors import Failed, Refused
from ..journal.step import Commit, Flow, Run, Step
from ..model.volume import VolumeState
from ..runtime.live_backends import Live
from ..runtime.parts import Parts
from ..store import nouns, pools, usage
from .volume_state import again, available_again, count_excess, in_error, node_of


class CreateVolume:
    """Data: volume, placement, backend, node, pool, pool_name, size, thin, profile, tenant; and for a copy
    source_snapshot or source_volume."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts

    def flow(self) -> Flow:
        return Flow(
            "volume.create",
            (
                Step("allocate", self.allocate, self.free, deadline=300.0, node=node_of),
                Step("read_back", self.read_back, node=node_of),
            ),
            undone=self.undone,
            attention=in_error,
            retried=again(VolumeState.CREATING),
        )

    def allocate(self, run: Run) -> None:
        data = run.data
        wanted = Wanted(data["placement"], data["pool_name"], data["size"], data["thin"])
        live = self.parts.live.get(data["backend"])
        if data.get("source_snapshot"):
            allocated = self._from_snapshot(live.driver, wanted, data["source_snapshot"])
        elif data.get("source_volume"):
            allocated = self._from_volume(live, wanted, data["source_volume"])
        else:
            with self.parts.holding(wanted.placement):
                allocated = live.driver.create(wanted)
        data["reference"] = dict(allocated.reference)

    def free(self, run: Run) -> None:
        with self.parts.holding(run.data["placement"]):
            self.parts.live.get(run.data["backend"]).driver.delete(run.data["placement"], run.data.get("reference", {}))

    def read_back(self, run: Run) -> Commit:
        data = run.data
        found = self.parts.live.get(data["backend"]).driver.inspect(data["placement"], data.get("reference", {}))
        if found is None:
            raise Failed("The back end made the volume and does not show it.")
        if found.size < data["size"]:
            raise Failed(f"The back end made {found.size} bytes instead of {data['size']}.")
        run.result.update({"volume": data["volume"]})
        return lambda tx: self._available(run, found, tx)

    def undone(self, run: Run, tx: Any) -> None:
        data = run.data
        nouns.placements.delete(tx, data["placement"])
        nouns.volumes.delete(tx, data["volume"])
        pools.release(tx, data["pool"], data["size"])
        usage.charge(tx, data["tenant"], data["profile"], volumes=-1, size=-data["size"])
        self.parts.scheduler.adjust(data["pool"], -data["size"])

    def _available(self, run: Run, found: Allocated, tx: Any) -> None:
        data = run.data
        count_excess(self.parts, run, tx, found.size)
        reference = dict(found.reference) or data.get("reference", {})
        if reference or found.size != data["size"]:
            nouns.placements.change(tx, data["placement"], size=found.size, reference=reference)
        volume = available_again(run, tx, size=found.size)
        self.parts.happened(tx, "volume.created", volume, run.context, run.operation.id)

    def _from_snapshot(self, driver: Any, wanted: Wanted, snapshot: str) -> Allocated:
        with self.parts.database.read() as tx:
            source = nouns.snapshots.get(tx, snapshot)
        held = [wanted.placement, snapshot, *([source.placement] if source.placement else [])]
        with self.parts.holding(*held):
            return driver.clone_snapshot(wanted, snapshot, source.reference)  # type: ignore[no-any-return]

    def _from_volume(self, live: Live, wanted: Wanted, volume: str) -> Allocated:
        with self.parts.database.read() as tx:
            source = nouns.volumes.get(tx, volume)
            placement = nouns.placements.get(tx, str(source.placement))
        with self.parts.holding(wanted.placement, placement.id):
            if "live_snapshot" not in live.abilities and self.parts.exports.published(placement, source.protocol):
                raise Refused(
                    "This back end copies detached volumes only.", next_step="Detach the volume, or copy a snapshot."
                )
            return live.driver.clone(wanted, placement.id, placement.reference)  # type: ignore[no-any-return]
