"""Snapshots of volumes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from ..context import Context
from ..errors import Conflict, NotOffered, Occupied, Refused
from ..model.identity import new_id, now
from ..model.operation import Operation
from ..model.pool import Pool
from ..model.request import Changes, SnapshotRequest
from ..model.snapshot import Snapshot, SnapshotState
from ..model.volume import Volume, VolumeState
from ..runtime.parts import Parts
from ..security.policy import authorise
from ..store import nouns, usage
from ..store.database import Tx
from .acceptance import accept, planned, promise, repeated
from .checks import check_description, check_metadata, check_name
from .collection import Collection, plain_changes
from .superseding import supersede
from .volume_guards import capacity, refuse_occupied, take_room
from .volumes import Volumes


class Snapshots(Collection[Snapshot]):
    def __init__(self, parts: Parts, volumes: Volumes) -> None:
        super().__init__(
            parts,
            nouns.snapshots,
            "snapshot",
            sorts=("created_at", "name", "size"),
            filters=("name", "state", "volume", "pool"),
        )
        self.volumes = volumes

    def create(
        self, context: Context, wanted: SnapshotRequest, *, key: str | None = None, dry_run: bool = False
    ) -> Operation:
        """Take a snapshot; of an attached volume only where the driver can while hosts write.

        What the pool promises to it counts among the tenant's bytes; raises `LimitExceeded` beyond the limit.
        """
        again = repeated(self.parts, context, "snapshot.create", lambda: asdict(wanted), None if dry_run else key)
        if again is not None:
            return again
        check_name(wanted.name)
        check_description(wanted.description)
        metadata = check_metadata(wanted.metadata)
        with self.parts.database.read() as tx:
            volume = self.volumes.seen(tx, context, wanted.volume)
            authorise(context, "snapshot:create", volume.tenant)
            placement = nouns.placements.get(tx, str(volume.placement))
            pool = nouns.pools.get(tx, placement.pool)
            _check_able(tx, volume, pool)
        snapshot, moment = new_id(), now()
        promised: dict[str, int] = {}

        def work(tx: Tx, operation: str) -> Mapping[str, Any]:
            if not nouns.volumes.change(tx, volume.id, states=(VolumeState.AVAILABLE,)):
                refuse_occupied(tx, nouns.volumes.get(tx, volume.id))
            current = nouns.volumes.get(tx, volume.id)
            placed = nouns.placements.get(tx, str(current.placement))
            take_room(tx, pool.id, placed.size, placed.thin, "promised to the snapshot")
            promised[pool.id] = placed.size
            usage.charge(tx, volume.tenant, volume.profile, size=placed.size)
            nouns.snapshots.insert(
                tx,
                Snapshot(
                    id=snapshot,
                    tenant=volume.tenant,
                    volume=volume.id,
                    name=wanted.name,
                    size=current.size,
                    state=SnapshotState.CREATING,
                    created_at=moment,
                    updated_at=moment,
                    description=wanted.description,
                    placement=placed.id,
                    pool=pool.id,
                    reserved=placed.size,
                    operation=operation,
                    metadata=metadata,
                ),
            )
            return {
                "snapshot": snapshot,
                "volume": volume.id,
                "placement": placed.id,
                "backend": placed.backend,
                "node": self.parts.live.node_of(tx, placed.backend),
                "pool": pool.id,
                "reserved": placed.size,
                "protocol": volume.protocol,
            }

        if dry_run:
            plan = {"pool": pool.id, "size": placement.size, **capacity(pool, placement.size, placement.thin)}
            return planned(self.parts, context, "snapshot.create", "snapshot", None, plan, work)
        return accept(
            self.parts,
            context,
            "snapshot.create",
            "snapshot",
            snapshot,
            lambda: asdict(wanted),
            work,
            key=key,
            tenant=volume.tenant,
            accepted=lambda: promise(self.parts, promised),
        )

    def update(self, context: Context, snapshot: str, changes: Changes, *, if_version: int | None = None) -> Snapshot:
        values = plain_changes(changes.name, changes.description, changes.metadata)
        return self.change_now(context, snapshot, values, if_version=if_version)

    def delete(
        self,
        context: Context,
        snapshot: str,
        *,
        key: str | None = None,
        dry_run: bool = False,
        if_version: int | None = None,
    ) -> Operation:
        again = repeated(
            self.parts, context, "snapshot.delete", lambda: {"snapshot": snapshot}, None if dry_run else key
        )
        if again is not None:
            return again
        with self.parts.database.read() as tx:
            known = self.seen(tx, context, snapshot, "delete")

        def work(tx: Tx, operation: str) -> Mapping[str, Any]:
            before = nouns.snapshots.get(tx, snapshot)
            # The volume first: it serialises with a change of the volume that reads its snapshots.
            if not nouns.volumes.change(tx, known.volume, states=(VolumeState.AVAILABLE, VolumeState.ERROR)):
                refuse_occupied(tx, nouns.volumes.get(tx, known.volume))
            if not nouns.snapshots.change(
                tx,
                snapshot,
                states=(SnapshotState.AVAILABLE, SnapshotState.ERROR),
                if_version=if_version,
                state=SnapshotState.DELETING.value,
                operation=operation,
            ):
                current = nouns.snapshots.require_version(tx, snapshot, if_version)
                raise Occupied(
                    f"The snapshot is {current.state.value}.",
                    next_step=f"Wait for operation {current.operation}.",
                    operation=current.operation,
                )
            supersede(tx, before.operation)
            _refuse_copies(tx, snapshot)
            pool = nouns.pools.get(tx, str(known.pool))
            volume = nouns.volumes.get(tx, known.volume)
            return {
                "snapshot": snapshot,
                "volume": known.volume,
                "placement": known.placement,
                "active_placement": volume.placement,
                "reference": dict(before.reference),
                "backend": pool.backend,
                "node": self.parts.live.node_of(tx, pool.backend),
                "pool": pool.id,
                "reserved": before.reserved,
            }

        if dry_run:
            plan = {"pool": known.pool, "released": known.reserved}
            return planned(self.parts, context, "snapshot.delete", "snapshot", snapshot, plan, work)
        return accept(
            self.parts,
            context,
            "snapshot.delete",
            "snapshot",
            snapshot,
            lambda: {"snapshot": snapshot},
            work,
            key=key,
            tenant=known.tenant,
        )


def _check_able(tx: Tx, volume: Volume, pool: Pool) -> None:
    if "snapshot" not in pool.abilities:
        raise NotOffered("The back end of this volume takes no snapshots.")
    if "live_snapshot" not in pool.abilities and nouns.attachments_of_volume.all(tx, volume.id):
        raise Refused(
            "This back end takes snapshots of detached volumes only: a copy under a writer would not be of one moment.",
            next_step="Detach the volume first.",
        )


def _refuse_copies(tx: Tx, snapshot: str) -> None:
    table = nouns.volumes.table
    copies = nouns.volumes.where(
        tx, table.c.source_snapshot == snapshot, table.c.state == VolumeState.CREATING.value, limit=10
    )
    if copies:
        raise Conflict(
            "A volume is being made from this snapshot.",
            next_step="Wait for that to end.",
            volumes=[copy.id for copy in copies],
        )
