"""`volume.settle`: after an extend or a revert was given up, the volume is what is there.

Asked for in the transaction that gives the other operation up, so that no volume is left behind with good data and
nobody to make it available. Nothing shrinks and nothing is guessed: only what was read back becomes available.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from ..drivers.contract import Allocated
from ..errors import Failed
from ..journal import operations
from ..journal.step import Commit, Flow, Run, Step
from ..model.identity import new_id
from ..model.placement import Placement
from ..model.volume import Volume, VolumeState
from ..runtime.parts import Parts
from ..store import nouns, pools, usage
from .volume_state import again, available_again, count_excess, in_error, node_of

KIND = "volume.settle"


class SettleVolume:
    """Data: volume, backend, node, pool, thin, profile, tenant, size (promised to the active placement) and state
    (the volume's meanwhile)."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts

    def flow(self) -> Flow:
        return Flow(
            KIND,
            (
                Step("discard", self.discard, deadline=300.0, node=node_of),
                Step("read_back", self.read_back, node=node_of),
            ),
            pivot="discard",
            attention=in_error,
            retried=lambda run, tx: again(VolumeState(run.data["state"]))(run, tx),
        )

    def discard(self, run: Run) -> None:
        """Remove what a revert made beside the volume, or left behind when it had switched."""
        driver = self.parts.live.get(run.data["backend"]).driver
        for placement in self._placements(run)[1]:
            with self.parts.holding(placement.id):
                driver.delete(placement.id, placement.reference)

    def read_back(self, run: Run) -> Commit:
        data = run.data
        active, others = self._placements(run)
        driver = self.parts.live.get(data["backend"]).driver
        with self.parts.database.read() as tx:
            known = nouns.volumes.get(tx, data["volume"])
        with self.parts.holding(active.id):
            found: Allocated | None = driver.inspect(active.id, active.reference)
            if found is None:
                raise Failed("The back end no longer shows the volume.")
            if found.size < known.size:
                raise Failed(f"The back end shows {found.size} bytes instead of {known.size}.")
            self._show(known, active, found)
        if any(driver.inspect(other.id, other.reference) is not None for other in others):
            raise Failed("The back end still shows an object that is no longer the volume's.")
        run.result.update({"volume": known.id, "size": found.size})
        return lambda tx: self._settle(run, tx, active, others, found)

    def _show(self, volume: Volume, active: Placement, found: Allocated) -> None:
        """Hosts see what it grew to before the other operation was given up."""
        if found.size > volume.size and self.parts.exports.published(active, volume.protocol):
            self.parts.exports.resize(active, volume.protocol, lambda: found)

    def _settle(self, run: Run, tx: Any, active: Placement, others: Sequence[Placement], found: Allocated) -> None:
        data = run.data
        for other in others:
            nouns.placements.delete(tx, other.id)
            self._release(tx, other.pool, other.size)
        spare = data["size"] - found.size
        if spare > 0:
            self._release(tx, data["pool"], spare)
            usage.charge(tx, data["tenant"], data["profile"], size=-spare)
        count_excess(self.parts, run, tx, found.size)
        reference = dict(found.reference) or dict(active.reference)
        nouns.placements.change(tx, active.id, size=found.size, reference=reference)
        volume = available_again(run, tx, size=found.size)
        self.parts.happened(tx, "volume.settled", volume, run.context, run.operation.id)

    def _release(self, tx: Any, pool: str, size: int) -> None:
        pools.release(tx, pool, size)
        self.parts.scheduler.adjust(pool, -size)

    def _placements(self, run: Run) -> tuple[Placement, list[Placement]]:
        """The volume's active placement, and the others."""
        with self.parts.database.read() as tx:
            volume = nouns.volumes.get(tx, run.data["volume"])
            found = nouns.placements_of_volume.all(tx, volume.id)
        active = next(placement for placement in found if placement.id == volume.placement)
        return active, [placement for placement in found if placement is not active]


def settled(parts: Parts, state: VolumeState) -> Callable[[Run, Any], None]:
    """A hook for an operation that is given up: another one settles its volume, which is in `state` meanwhile."""

    def hook(run: Run, tx: Any) -> None:
        data, settling = run.data, new_id()
        volume = nouns.volumes.get(tx, data["volume"])
        active = nouns.placements.get(tx, str(volume.placement))
        operations.accept(
            tx,
            id=settling,
            flow=parts.flows.newest(KIND),
            resource_type="volume",
            resource=volume.id,
            # What it was asked for by may have ended long ago, and does not wait for this one.
            context=replace(run.context, parent=None),
            tenant=volume.tenant,
            data={
                "volume": volume.id,
                "backend": active.backend,
                "node": data["node"],
                "pool": active.pool,
                "thin": active.thin,
                "profile": volume.profile,
                "tenant": volume.tenant,
                "size": active.size,
                "state": state.value,
            },
            node=data["node"],
        )
        nouns.volumes.change(tx, volume.id, state=state.value, operation=settling)

    return hook
