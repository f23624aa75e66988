"""Volumes: what is accepted, and under which conditions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..context import Context
from ..errors import Invalid, NotOffered
from ..model.identity import new_id, now
from ..model.operation import Operation
from ..model.placement import Placement, PlacementRole
from ..model.protection import Protection
from ..model.request import Changes, VolumeRequest
from ..model.snapshot import SnapshotState
from ..model.volume import Volume, VolumeState
from ..profiles.schema import check_protection
from ..runtime.parts import Parts
from ..store import nouns, usage
from ..store.database import Tx
from .acceptance import accept, planned, promise, repeated
from .checks import check_size, rounded_up
from .collection import Collection, plain_changes
from .references import profile_id
from .superseding import supersede
from .volume_creation import VolumeCreation
from .volume_guards import (
    about,
    begin,
    capacity,
    own_snapshot,
    placed,
    refuse_attached,
    refuse_children,
    refuse_copies,
    refuse_snapshots,
    require_available,
    take_room,
)


class Volumes(Collection[Volume]):
    def __init__(self, parts: Parts) -> None:
        super().__init__(
            parts,
            nouns.volumes,
            "volume",
            sorts=("created_at", "name", "size"),
            filters=("name", "state", "profile", "pool", "identifier", "source_volume", "source_snapshot", "protocol"),
            references={"profile": profile_id},
        )
        self._creation = VolumeCreation(parts, self)

    def total(self, tx: Tx, context: Context) -> int | None:
        """From the usage row: counting a tenant's volumes would take longer the more there are."""
        return None if context.tenant is None else usage.get(tx, context.tenant).volumes

    def create(
        self, context: Context, wanted: VolumeRequest, *, key: str | None = None, dry_run: bool = False
    ) -> Operation:
        """Place and make a volume: empty, from a snapshot, or as a clone of a volume."""
        return self._creation.create(context, wanted, key=key, dry_run=dry_run)

    def update(self, context: Context, volume: str, changes: Changes, *, if_version: int | None = None) -> Volume:
        """Name, description, metadata and protection, at once."""
        values = plain_changes(changes.name, changes.description, changes.metadata)
        if changes.protection is not None:
            check_protection(changes.protection)
            Protection.of(changes.protection)
            values["protection"] = dict(changes.protection)
        return self.change_now(context, volume, values, if_version=if_version)

    def extend(
        self,
        context: Context,
        volume: str,
        size: int,
        *,
        key: str | None = None,
        dry_run: bool = False,
        if_version: int | None = None,
    ) -> Operation:
        again = repeated(
            self.parts, context, "volume.extend", lambda: {"volume": volume, "size": size}, None if dry_run else key
        )
        if again is not None:
            return again
        check_size(size)
        with self.parts.database.read() as tx:
            known = self.seen(tx, context, volume, "extend")
            placement, pool = placed(tx, known)
        if "extend" not in pool.abilities:
            raise NotOffered("The back end of this volume cannot extend volumes.")
        rounded = rounded_up(size, pool.granularity)
        if rounded <= known.size:
            raise Invalid(
                f"The volume has {known.size} bytes already.", next_step="Ask for a larger size.", field="size"
            )
        promised: dict[str, int] = {}

        def work(tx: Tx, operation: str) -> Mapping[str, Any]:
            begin(tx, volume, VolumeState.EXTENDING, operation, if_version)
            current = nouns.volumes.get(tx, volume)
            placed = nouns.placements.get(tx, str(current.placement))
            more = rounded - placed.size
            if more <= 0 or rounded <= current.size:
                raise Invalid(f"The volume has {current.size} bytes already.", field="size")
            refuse_children(tx, volume)
            take_room(tx, pool.id, more, placed.thin, "for the growth")
            usage.charge(tx, known.tenant, known.profile, size=more)
            nouns.placements.change(tx, placed.id, size=rounded)
            promised[pool.id] = more
            return {
                **about(self.parts, current, placed, pool, tx),
                "old_size": placed.size,
                "size": rounded,
            }

        if dry_run:
            plan = {
                "pool": pool.id,
                "backend": pool.backend,
                "size": known.size,
                "new_size": rounded,
                **capacity(pool, rounded - placement.size, placement.thin),
            }
            return planned(self.parts, context, "volume.extend", "volume", volume, plan, work)
        return accept(
            self.parts,
            context,
            "volume.extend",
            "volume",
            volume,
            lambda: {"volume": volume, "size": size},
            work,
            key=key,
            tenant=known.tenant,
            accepted=lambda: promise(self.parts, promised),
        )

    def revert(
        self,
        context: Context,
        volume: str,
        snapshot: str,
        *,
        key: str | None = None,
        dry_run: bool = False,
        if_version: int | None = None,
    ) -> Operation:
        again = repeated(
            self.parts,
            context,
            "volume.revert",
            lambda: {"volume": volume, "snapshot": snapshot},
            None if dry_run else key,
        )
        if again is not None:
            return again
        with self.parts.database.read() as tx:
            known = self.seen(tx, context, volume, "revert")
            own_snapshot(tx, volume, snapshot)
            placement, pool = placed(tx, known)
        if "revert" not in pool.abilities:
            raise NotOffered("The back end of this volume cannot revert to snapshots.")
        fresh, moment = new_id(), now()
        promised: dict[str, int] = {}

        def work(tx: Tx, operation: str) -> Mapping[str, Any]:
            begin(tx, volume, VolumeState.REVERTING, operation, if_version)
            current = nouns.volumes.get(tx, volume)
            old = nouns.placements.get(tx, str(current.placement))
            refuse_attached(tx, volume, "reverted")
            refuse_children(tx, volume)
            require_available(tx, own_snapshot(tx, volume, snapshot))
            take_room(tx, pool.id, old.size, old.thin, "for the reverted copy beside the present one until it is done")
            promised[pool.id] = old.size
            nouns.placements.insert(
                tx,
                Placement(
                    fresh,
                    volume,
                    old.pool,
                    old.backend,
                    PlacementRole.TARGET,
                    old.size,
                    old.thin,
                    old.identifier,
                    moment,
                ),
            )
            return {
                **about(self.parts, current, old, pool, tx),
                "placement": fresh,
                "old_placement": old.id,
                "old_size": old.size,
                "size": old.size,
                "snapshot": snapshot,
            }

        if dry_run:
            plan = {
                "pool": pool.id,
                "backend": pool.backend,
                "size": placement.size,
                **capacity(pool, placement.size, placement.thin),
            }
            return planned(self.parts, context, "volume.revert", "volume", volume, plan, work)
        return accept(
            self.parts,
            context,
            "volume.revert",
            "volume",
            volume,
            lambda: {"volume": volume, "snapshot": snapshot},
            work,
            key=key,
            tenant=known.tenant,
            accepted=lambda: promise(self.parts, promised),
        )

    def delete(
        self,
        context: Context,
        volume: str,
        *,
        with_snapshots: bool = False,
        key: str | None = None,
        dry_run: bool = False,
        if_version: int | None = None,
    ) -> Operation:
        again = repeated(
            self.parts,
            context,
            "volume.delete",
            lambda: {"volume": volume, "with_snapshots": with_snapshots},
            None if dry_run else key,
        )
        if again is not None:
            return again
        with self.parts.database.read() as tx:
            known = self.seen(tx, context, volume, "delete")
            _placement, pool = placed(tx, known)
        plan: dict[str, Any] = {"pool": pool.id, "backend": pool.backend}

        def work(tx: Tx, operation: str) -> Mapping[str, Any]:
            before = nouns.volumes.get(tx, volume)
            begin(
                tx,
                volume,
                VolumeState.DELETING,
                operation,
                if_version,
                states=(VolumeState.AVAILABLE, VolumeState.ERROR),
            )
            supersede(tx, before.operation)
            current = nouns.volumes.get(tx, volume)
            active = nouns.placements.get(tx, str(current.placement))
            snapshots = nouns.snapshots_of_volume.all(tx, volume)
            refuse_attached(tx, volume, "deleted")
            refuse_snapshots(snapshots, with_snapshots)
            for snapshot in snapshots:
                supersede(tx, snapshot.operation)
                # Before copies are looked for: one that is being accepted is then seen here, or refused there.
                nouns.snapshots.change(tx, snapshot.id, state=SnapshotState.DELETING.value, operation=operation)
            refuse_copies(tx, volume, [snapshot.id for snapshot in snapshots])
            placements = nouns.placements_of_volume.all(tx, volume)
            plan["released"] = sum(p.size for p in placements) + sum(s.reserved for s in snapshots)
            return {
                **about(self.parts, current, active, pool, tx),
                "charged": active.size,
            }

        if dry_run:
            return planned(self.parts, context, "volume.delete", "volume", volume, plan, work)
        return accept(
            self.parts,
            context,
            "volume.delete",
            "volume",
            volume,
            lambda: {"volume": volume, "with_snapshots": with_snapshots},
            work,
            key=key,
            tenant=known.tenant,
        )
