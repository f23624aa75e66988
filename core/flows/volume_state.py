"""What the flows of one volume have in common: where they run, what they count, and the volume's state."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..errors import Failed
from ..journal.step import Run
from ..model.pool import PoolState
from ..model.volume import Volume, VolumeState
from ..runtime.parts import Parts
from ..store import nouns, pools, usage


def node_of(run: Run) -> str | None:
    """The node that reaches the back end."""
    node = run.data.get("node")
    return None if node is None else str(node)


def in_error(run: Run, tx: Any) -> None:
    """Leave the volume in error, naming the operation; only retry, abandon or delete go on from there."""
    nouns.volumes.change(tx, run.data["volume"], state=VolumeState.ERROR.value, operation=run.operation.id)


def again(state: VolumeState) -> Callable[[Run, Any], None]:
    """A hook for an operation that is retried: the volume is in `state` again, and nobody else's."""

    def hook(run: Run, tx: Any) -> None:
        nouns.volumes.change(tx, run.data["volume"], state=state.value, operation=run.operation.id)

    return hook


def available_again(run: Run, tx: Any, **values: Any) -> Volume:
    """The volume is available (with new values) and no operation holds it."""
    nouns.volumes.change(tx, run.data["volume"], state=VolumeState.AVAILABLE.value, operation=None, **values)
    return nouns.volumes.get(tx, run.data["volume"])


def count_excess(parts: Parts, run: Run, tx: Any, found: int) -> None:
    """Promise and charge what the back end made beyond what was reserved: hosts see it, so it counts.

    `found` is what was read back, in bytes. Raises `Failed` or `LimitExceeded` when there is no room for it.
    """
    data = run.data
    excess = found - data["size"]
    if excess <= 0:
        return
    if not pools.reserve(tx, data["pool"], excess, data["thin"], states=tuple(PoolState)):
        raise Failed(f"The back end made {found} bytes instead of {data['size']}, and the pool has no room for that.")
    usage.charge(tx, data["tenant"], data["profile"], size=excess)
    parts.scheduler.adjust(data["pool"], excess)
