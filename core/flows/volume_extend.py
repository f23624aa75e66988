"""`volume.extend`: grow on the back end, under its export where there is one, and read the size back."""

from __future__ import annotations

from typing import Any

from ..drivers.contract import Allocated
from ..errors import Failed
from ..journal.step import Commit, Flow, Run, Step
from ..model.placement import Placement
from ..model.volume import VolumeState
from ..runtime.parts import Parts
from ..store import nouns, pools, usage
from .volume_settle import settled
from .volume_state import again, available_again, count_excess, in_error, node_of


class ExtendVolume:
    """Data: volume, placement, backend, node, pool, old_size, size, thin, profile, tenant, protocol."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts

    def flow(self) -> Flow:
        return Flow(
            "volume.extend",
            (
                Step("grow", self.grow, self.look, node=node_of),
                Step("read_back", self.read_back, node=node_of),
            ),
            undone=self.undone,
            attention=in_error,
            retried=again(VolumeState.EXTENDING),
            abandoned=settled(self.parts, VolumeState.EXTENDING),
        )

    def grow(self, run: Run) -> None:
        data = run.data
        placement = self._placement(data["placement"])
        driver = self.parts.live.get(data["backend"]).driver

        def extend() -> Allocated:
            return driver.extend(placement.id, placement.reference, data["size"])  # type: ignore[no-any-return]

        with self.parts.holding(placement.id):
            if self.parts.exports.published(placement, data["protocol"]):
                data["online"] = self.parts.exports.resize(placement, data["protocol"], extend).online
            else:
                extend()
                data["online"] = True

    def look(self, run: Run) -> Commit:
        """Nothing shrinks: an object that grew before the failure keeps its size, and is counted with it."""
        data = run.data
        kept = max(data["old_size"], min(self._inspect(run).size, data["size"]))
        back = data["size"] - kept

        def commit(tx: Any) -> None:
            pools.release(tx, data["pool"], back)
            usage.charge(tx, data["tenant"], data["profile"], size=-back)
            self.parts.scheduler.adjust(data["pool"], -back)
            nouns.placements.change(tx, data["placement"], size=kept)
            nouns.volumes.change(tx, data["volume"], size=kept)

        return commit

    def read_back(self, run: Run) -> Commit:
        data = run.data
        found = self._inspect(run)
        if found.size < data["size"]:
            raise Failed(f"The back end shows {found.size} bytes after growing to {data['size']}.")
        result: dict[str, Any] = {"volume": data["volume"], "size": found.size, "online": data["online"]}
        if not data["online"]:
            result["warning"] = "The hosts see the new size when they reconnect."

        def commit(tx: Any) -> None:
            count_excess(self.parts, run, tx, found.size)
            nouns.placements.change(tx, data["placement"], size=found.size, reference=dict(found.reference))
            volume = available_again(run, tx, size=found.size)
            self.parts.happened(tx, "volume.extended", volume, run.context, run.operation.id)

        run.result.update(result)
        return commit

    def undone(self, run: Run, tx: Any) -> None:
        available_again(run, tx)

    def _placement(self, identifier: str) -> Placement:
        with self.parts.database.read() as tx:
            return nouns.placements.get(tx, identifier)

    def _inspect(self, run: Run) -> Allocated:
        placement = self._placement(run.data["placement"])
        found: Allocated | None = self.parts.live.get(placement.backend).driver.inspect(
            placement.id, placement.reference
        )
        if found is None:
            raise Failed("The back end no longer shows the volume.")
        return found
