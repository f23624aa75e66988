"""What must hold before a volume is changed, and who is told what when it does not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..errors import Conflict, InUse, Invalid, NoPlacement, Occupied, Unavailable
from ..journal.operations import repository as operations
from ..model.operation import OperationState
from ..model.placement import Placement
from ..model.pool import Pool, PoolState
from ..model.snapshot import Snapshot, SnapshotState
from ..model.volume import Volume, VolumeState
from ..runtime.parts import Parts
from ..scheduler.sizes import spoken
from ..store import nouns, pools
from ..store.database import Tx


def begin(
    tx: Tx,
    volume: str,
    state: VolumeState,
    operation: str,
    if_version: int | None,
    states: tuple[VolumeState, ...] = (VolumeState.AVAILABLE,),
) -> None:
    """Take the volume for one change, or say who has it."""
    if not nouns.volumes.change(
        tx, volume, states=states, if_version=if_version, state=state.value, operation=operation
    ):
        refuse_occupied(tx, nouns.volumes.require_version(tx, volume, if_version))


def placed(tx: Tx, volume: Volume) -> tuple[Placement, Pool]:
    placement = nouns.placements.get(tx, str(volume.placement))
    return placement, nouns.pools.get(tx, placement.pool)


def about(parts: Parts, volume: Volume, placement: Placement, pool: Pool, tx: Tx) -> dict[str, Any]:
    return {
        "volume": volume.id,
        "placement": placement.id,
        "backend": placement.backend,
        "node": parts.live.node_of(tx, placement.backend),
        "pool": pool.id,
        "pool_name": pool.name,
        "thin": placement.thin,
        "profile": volume.profile,
        "tenant": volume.tenant,
        "protocol": volume.protocol,
    }


def refuse_occupied(tx: Tx, volume: Volume) -> None:
    """Raise why the volume cannot be changed now."""
    if volume.state is VolumeState.ERROR:
        raise Conflict(
            f"The volume {volume.id} is in error.",
            next_step=way_out(tx, "volume", volume.operation),
            operation=volume.operation,
        )
    raise Occupied(
        f"The volume {volume.id} is {volume.state.value}.",
        next_step=f"Wait for operation {volume.operation}.",
        operation=volume.operation,
        state=volume.state.value,
    )


def way_out(tx: Tx, what: str, operation: str | None) -> str:
    """What a person can do about a resource that `operation` left in error."""
    left = None if operation is None else operations.find(tx, operation)
    if left is not None and left.state is OperationState.NEEDS_ATTENTION:
        return f"See operation {operation}: retry or abandon it, or delete the {what}."
    return f"Delete the {what}: the operation that left it in error was given up."


def require_available(tx: Tx, snapshot: Snapshot) -> None:
    """Raise why nothing can be made of the snapshot now."""
    if snapshot.state is SnapshotState.AVAILABLE:
        return
    raise Conflict(
        f"The snapshot {snapshot.id} is {_said(snapshot.state)}.",
        next_step=way_out(tx, "snapshot", snapshot.operation)
        if snapshot.state is SnapshotState.ERROR
        else f"Wait for operation {snapshot.operation}.",
        operation=snapshot.operation,
    )


def _said(state: SnapshotState) -> str:
    return "in error" if state is SnapshotState.ERROR else state.value


def capacity(pool: Pool, size: int, thin: bool) -> dict[str, Any]:
    """The pool's room before and after `size` bytes more are promised."""
    return {"room_before": pool.room(thin), "room_after": pool.room(thin) - size}


def take_room(tx: Tx, pool: str, size: int, thin: bool, purpose: str) -> None:
    """Promise `size` bytes more to what lies in the pool already.

    A disabled back end takes nothing new, and what is there lives on. Raises `Unavailable` with the pool's own reason,
    and `NoPlacement` when the room does not suffice.
    """
    if pools.reserve(tx, pool, size, thin, states=(PoolState.AVAILABLE, PoolState.DISABLED)):
        return
    current = nouns.pools.get(tx, pool)
    if current.state is PoolState.UNAVAILABLE:
        raise Unavailable(
            f"The pool {current.name} is unavailable: {current.reason}",
            next_step="Mend its back end; it is asked again by itself.",
            pool=pool,
        )
    raise NoPlacement(
        f"The pool {current.name} has no room for {spoken(size)} more, {purpose}.",
        next_step="Free or add room in the pool.",
        pool=pool,
        needed=size,
        room=current.room(thin),
    )


def own_snapshot(tx: Tx, volume: str, snapshot: str) -> Snapshot:
    found = nouns.snapshots.find(tx, snapshot)
    if found is None or found.volume != volume:
        raise Invalid(f"The volume has no snapshot {snapshot}.", field="snapshot")
    return found


def refuse_attached(tx: Tx, volume: str, done: str) -> None:
    attached = nouns.attachments_of_volume.all(tx, volume)
    if attached:
        raise InUse(
            f"The volume is attached to {len(attached)} host(s) and cannot be {done}.",
            next_step="Detach it first.",
            attachments=[attachment.id for attachment in attached],
        )


def refuse_snapshots(found: Sequence[Snapshot], with_snapshots: bool) -> None:
    moving = [s.id for s in found if s.state in (SnapshotState.CREATING, SnapshotState.DELETING)]
    if moving:
        raise Occupied("Snapshots of the volume are being changed.", next_step="Wait for them.", snapshots=moving)
    if found and not with_snapshots:
        raise InUse(
            f"The volume has {len(found)} snapshot(s).",
            next_step="Delete them first, or ask for the volume to be deleted with its snapshots.",
            snapshots=[snapshot.id for snapshot in found],
        )


def refuse_children(tx: Tx, volume: str) -> None:
    """Copies and snapshots that are being made read from the volume; they end first."""
    refuse_copies(tx, volume, [])
    snapshots = nouns.snapshots_of_volume.all(tx, volume)
    moving = [s for s in snapshots if s.state in (SnapshotState.CREATING, SnapshotState.DELETING)]
    if moving:
        raise Occupied(
            "Snapshots of the volume are being changed.",
            next_step=f"Wait for operation {moving[0].operation}.",
            operation=moving[0].operation,
            snapshots=[snapshot.id for snapshot in moving],
        )


def refuse_copies(tx: Tx, volume: str, snapshots: Sequence[str]) -> None:
    """Raise `Occupied` while a volume is made from this one, or from one of these snapshots."""
    table = nouns.volumes.table
    source = table.c.source_volume == volume
    if snapshots:
        source |= table.c.source_snapshot.in_(snapshots)
    copies = nouns.volumes.where(tx, source, table.c.state == VolumeState.CREATING.value, limit=10)
    if copies:
        raise Occupied(
            "The volume is being copied.",
            next_step=f"Wait for operation {copies[0].operation}.",
            operation=copies[0].operation,
            volumes=[copy.id for copy in copies],
        )
