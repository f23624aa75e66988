"""Volumes: what is accepted, and under which conditions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from ..context import Context
from ..errors import Conflict, InUse, Invalid, LimitExceeded, NoPlacement, NotOffered, Occupied, Refused
from ..model.identity import new_id, now
from ..model.operation import Operation
from ..model.placement import Placement, PlacementRole, naa_identifier
from ..model.pool import Pool
from ..model.request import Changes, VolumeRequest
from ..model.snapshot import Snapshot, SnapshotState
from ..model.volume import Volume, VolumeState
from ..profiles.requirement import Requirement
from ..runtime.parts import Parts
from ..scheduler.candidate import Candidate
from ..scheduler.request import PlacementRequest
from ..scheduler.scheduler import Proposal, no_placement
from ..scheduler.sizes import spoken
from ..security.policy import authorise
from ..store import nouns, pools, usage
from ..store.database import Tx
from .acceptance import accept, planned, promise, repeated
from .checks import check_description, check_metadata, check_name, check_size, rounded_up
from .collection import Collection, plain_changes
from .placing import Source, affinity, find_profile, hold_profile, hold_tenant, owner_of, read_source
from .superseding import supersede


class Volumes(Collection[Volume]):
    def __init__(self, parts: Parts) -> None:
        super().__init__(
            parts,
            nouns.volumes,
            "volume",
            sorts=("created_at", "name", "size"),
            filters=("name", "state", "profile", "pool", "identifier", "source_volume", "source_snapshot", "protocol"),
        )

    def total(self, tx: Tx, context: Context) -> int | None:
        """From the usage row: counting a tenant's volumes would take longer the more there are."""
        return None if context.tenant is None else usage.get(tx, context.tenant).volumes

    def create(
        self, context: Context, wanted: VolumeRequest, *, key: str | None = None, dry_run: bool = False
    ) -> Operation:
        """Place and make a volume: empty, from a snapshot, or as a clone of a volume.

        What finds no room is refused here, and why is kept as a message under the request id.
        """
        try:
            return self._create(context, wanted, key, dry_run)
        except (NoPlacement, LimitExceeded) as error:
            if not dry_run:
                self.parts.refused(context, error, "volume")
            raise

    def _create(self, context: Context, wanted: VolumeRequest, key: str | None, dry_run: bool) -> Operation:
        again = repeated(self.parts, context, "volume.create", lambda: asdict(wanted), None if dry_run else key)
        if again is not None:
            return again
        tenant = owner_of(context)
        authorise(context, "volume:create", tenant)
        check_name(wanted.name)
        check_description(wanted.description)
        metadata = check_metadata(wanted.metadata)
        with self.parts.database.read() as tx:
            source = read_source(tx, self, context, wanted)
            profile = find_profile(tx, context, wanted.profile or (source.profile if source else None))
            near, apart = affinity(tx, self, context, wanted)
        requirement = Requirement.of(profile)
        if requirement.storage_type != "block":
            raise Invalid(f"The profile {profile.name} is for {requirement.storage_type} storage, not for volumes.")
        size = check_size(wanted.size if wanted.size or not source else source.size)
        if source is not None:
            _check_source(source, size, requirement)
        proposal = self.parts.scheduler.propose(
            PlacementRequest(
                size=size,
                thin=requirement.thin,
                requirement=requirement,
                zone=wanted.zone,
                near=near,
                apart=apart,
                only_pools=frozenset({source.pool}) if source else None,
                abilities=("clone",) if source else (),
            )
        )
        volume, placement, moment = new_id(), new_id(), now()
        plan: dict[str, Any] = {"unenforced": list(profile.unenforced)}
        promised: dict[str, int] = {}

        def work(tx: Tx, operation: str) -> Mapping[str, Any]:
            hold_tenant(tx, tenant)
            hold_profile(tx, profile.id)
            if source is not None:
                source.hold(tx)
            best = self._reserve(tx, proposal, requirement.thin)
            pool, rounded = nouns.pools.get(tx, best.pool), best.size
            if not pool.protocols:
                raise NotOffered(
                    f"Volumes of the pool {pool.name} cannot be reached over any protocol now.",
                    next_step="See why with `isthmus backend test`.",
                    pool=pool.id,
                )
            promised.clear()
            promised[pool.id] = best.reserve
            room = pool.room(requirement.thin)
            plan.update(pool=pool.id, backend=pool.backend, size=best.reserve)
            plan.update(room_before=room + best.reserve, room_after=room)
            usage.charge(tx, tenant, profile.id, volumes=1, size=rounded)
            protocol = requirement.protocol or pool.protocols[0]
            identifier = naa_identifier(placement)
            nouns.placements.insert(
                tx,
                Placement(
                    placement,
                    volume,
                    pool.id,
                    pool.backend,
                    PlacementRole.ACTIVE,
                    rounded,
                    requirement.thin,
                    identifier,
                    moment,
                ),
            )
            nouns.volumes.insert(
                tx,
                Volume(
                    id=volume,
                    tenant=tenant,
                    name=wanted.name,
                    size=rounded,
                    profile=profile.id,
                    state=VolumeState.CREATING,
                    protocol=protocol,
                    created_at=moment,
                    updated_at=moment,
                    description=wanted.description,
                    zone=pool.zone,
                    placement=placement,
                    pool=pool.id,
                    identifier=identifier,
                    source_volume=wanted.source_volume,
                    source_snapshot=wanted.source_snapshot,
                    operation=operation,
                    metadata=metadata,
                ),
            )
            return {
                "volume": volume,
                "placement": placement,
                "backend": pool.backend,
                "node": self.parts.live.node_of(tx, pool.backend),
                "pool": pool.id,
                "pool_name": pool.name,
                "size": rounded,
                "thin": requirement.thin,
                "profile": profile.id,
                "tenant": tenant,
                "source_snapshot": wanted.source_snapshot,
                "source_volume": wanted.source_volume,
            }

        explanation = proposal.explanation.to_json
        if dry_run:
            return planned(self.parts, context, "volume.create", "volume", None, plan, work, explanation)
        return accept(
            self.parts,
            context,
            "volume.create",
            "volume",
            volume,
            lambda: asdict(wanted),
            work,
            key=key,
            tenant=tenant,
            explanation=explanation,
            accepted=lambda: promise(self.parts, promised),
        )

    def update(self, context: Context, volume: str, changes: Changes, *, if_version: int | None = None) -> Volume:
        values = plain_changes(changes.name, changes.description, changes.metadata)
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
            placement, pool = self._placed(tx, known)
        if "extend" not in pool.abilities:
            raise NotOffered("The back end of this volume cannot extend volumes.")
        rounded = rounded_up(size, pool.granularity)
        if rounded <= known.size:
            raise Invalid(
                f"The volume has {known.size} bytes already.", next_step="Ask for a larger size.", field="size"
            )
        promised: dict[str, int] = {}

        def work(tx: Tx, operation: str) -> Mapping[str, Any]:
            self._begin(tx, volume, VolumeState.EXTENDING, operation, if_version)
            current = nouns.volumes.get(tx, volume)
            placed = nouns.placements.get(tx, str(current.placement))
            more = rounded - placed.size
            if more <= 0 or rounded <= current.size:
                raise Invalid(f"The volume has {current.size} bytes already.", field="size")
            _refuse_children(tx, volume)
            if not pools.reserve(tx, pool.id, more, placed.thin):
                raise NoPlacement(
                    f"The pool {pool.name} has no room for {spoken(more)} more.",
                    next_step="Free or add room in the pool.",
                    pool=pool.id,
                    needed=more,
                    room=nouns.pools.get(tx, pool.id).room(placed.thin),
                )
            usage.charge(tx, known.tenant, known.profile, size=more)
            nouns.placements.change(tx, placed.id, size=rounded)
            promised[pool.id] = more
            return {
                **self._about(current, placed, pool, tx),
                "old_size": placed.size,
                "size": rounded,
            }

        if dry_run:
            growth = rounded - placement.size
            plan = {"pool": pool.id, "backend": pool.backend, **_capacity(pool, growth, placement.thin)}
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
            _own_snapshot(tx, volume, snapshot)
            placement, pool = self._placed(tx, known)
        if "revert" not in pool.abilities:
            raise NotOffered("The back end of this volume cannot revert to snapshots.")
        fresh, moment = new_id(), now()
        promised: dict[str, int] = {}

        def work(tx: Tx, operation: str) -> Mapping[str, Any]:
            self._begin(tx, volume, VolumeState.REVERTING, operation, if_version)
            current = nouns.volumes.get(tx, volume)
            old = nouns.placements.get(tx, str(current.placement))
            _refuse_attached(tx, volume, "reverted")
            _refuse_children(tx, volume)
            if _own_snapshot(tx, volume, snapshot).state is not SnapshotState.AVAILABLE:
                raise Conflict("The snapshot is not available.", next_step="Wait for its operation to end.")
            if not pools.reserve(tx, pool.id, old.size, old.thin):
                raise NoPlacement(
                    f"The pool {pool.name} has no room for the reverted copy beside the present one.",
                    next_step="Free or add room in the pool; the room is given back when the revert is done.",
                    needed=old.size,
                    room=nouns.pools.get(tx, pool.id).room(old.thin),
                )
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
                **self._about(current, old, pool, tx),
                "placement": fresh,
                "old_placement": old.id,
                "old_size": old.size,
                "size": old.size,
                "snapshot": snapshot,
            }

        if dry_run:
            plan = {"pool": pool.id, "backend": pool.backend, **_capacity(pool, placement.size, placement.thin)}
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
            _placement, pool = self._placed(tx, known)
        plan: dict[str, Any] = {"pool": pool.id, "backend": pool.backend}

        def work(tx: Tx, operation: str) -> Mapping[str, Any]:
            before = nouns.volumes.get(tx, volume)
            self._begin(
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
            _refuse_attached(tx, volume, "deleted")
            _refuse_snapshots(snapshots, with_snapshots)
            for snapshot in snapshots:
                supersede(tx, snapshot.operation)
                # Before copies are looked for: one that is being accepted is then seen here, or refused there.
                nouns.snapshots.change(tx, snapshot.id, state=SnapshotState.DELETING.value, operation=operation)
            _refuse_copies(tx, volume, [snapshot.id for snapshot in snapshots])
            placements = nouns.placements_of_volume.all(tx, volume)
            plan["released"] = sum(p.size for p in placements) + sum(s.reserved for s in snapshots)
            return {
                **self._about(current, active, pool, tx),
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

    def _reserve(self, tx: Tx, proposal: Proposal, thin: bool) -> Candidate:
        """The first proposed pool whose room the database confirms."""
        explanation = proposal.explanation
        explanation.unconfirmed.clear()
        for candidate in proposal.candidates:
            if pools.reserve(tx, candidate.pool, candidate.reserve, thin):
                explanation.choose(candidate)
                return candidate
            explanation.refuse(candidate)
        raise no_placement(explanation)

    def _begin(
        self,
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
            refuse_occupied(nouns.volumes.require_version(tx, volume, if_version))

    def _placed(self, tx: Tx, volume: Volume) -> tuple[Placement, Pool]:
        placement = nouns.placements.get(tx, str(volume.placement))
        return placement, nouns.pools.get(tx, placement.pool)

    def _about(self, volume: Volume, placement: Placement, pool: Pool, tx: Tx) -> dict[str, Any]:
        return {
            "volume": volume.id,
            "placement": placement.id,
            "backend": placement.backend,
            "node": self.parts.live.node_of(tx, placement.backend),
            "pool": pool.id,
            "pool_name": pool.name,
            "thin": placement.thin,
            "profile": volume.profile,
            "tenant": volume.tenant,
            "protocol": volume.protocol,
        }


def refuse_occupied(volume: Volume) -> None:
    """Raise why the volume cannot be changed now."""
    if volume.state is VolumeState.ERROR:
        raise Conflict(
            f"The volume {volume.id} is in error.",
            next_step=f"See operation {volume.operation}: retry or abandon it, or delete the volume.",
            operation=volume.operation,
        )
    raise Occupied(
        f"The volume {volume.id} is {volume.state.value}.",
        next_step=f"Wait for operation {volume.operation}.",
        operation=volume.operation,
        state=volume.state.value,
    )


def _capacity(pool: Pool, size: int, thin: bool) -> dict[str, Any]:
    return {"size": size, "room_before": pool.room(thin), "room_after": pool.room(thin) - size}


def _check_source(source: Source, size: int, requirement: Requirement) -> None:
    if size < source.size:
        raise Invalid(f"The copy must have at least the source's {source.size} bytes.", field="size")
    if "clone" not in source.abilities:
        raise NotOffered("The back end of the source cannot make copies.")
    if source.attached and "live_snapshot" not in source.abilities:
        raise Refused(
            "The back end of the source copies detached volumes only.",
            next_step="Detach the volume, or copy a snapshot.",
        )


def _own_snapshot(tx: Tx, volume: str, snapshot: str) -> Snapshot:
    found = nouns.snapshots.find(tx, snapshot)
    if found is None or found.volume != volume:
        raise Invalid(f"The volume has no snapshot {snapshot}.", field="snapshot")
    return found


def _refuse_attached(tx: Tx, volume: str, done: str) -> None:
    attached = nouns.attachments_of_volume.all(tx, volume)
    if attached:
        raise InUse(
            f"The volume is attached to {len(attached)} host(s) and cannot be {done}.",
            next_step="Detach it first.",
            attachments=[attachment.id for attachment in attached],
        )


def _refuse_snapshots(found: Sequence[Snapshot], with_snapshots: bool) -> None:
    moving = [s.id for s in found if s.state in (SnapshotState.CREATING, SnapshotState.DELETING)]
    if moving:
        raise Occupied("Snapshots of the volume are being changed.", next_step="Wait for them.", snapshots=moving)
    if found and not with_snapshots:
        raise InUse(
            f"The volume has {len(found)} snapshot(s).",
            next_step="Delete them first, or ask for the volume to be deleted with its snapshots.",
            snapshots=[snapshot.id for snapshot in found],
        )


def _refuse_children(tx: Tx, volume: str) -> None:
    """Copies and snapshots that are being made read from the volume; they end first."""
    _refuse_copies(tx, volume, [])
    snapshots = nouns.snapshots_of_volume.all(tx, volume)
    moving = [s for s in snapshots if s.state in (SnapshotState.CREATING, SnapshotState.DELETING)]
    if moving:
        raise Occupied(
            "Snapshots of the volume are being changed.",
            next_step=f"Wait for operation {moving[0].operation}.",
            operation=moving[0].operation,
            snapshots=[snapshot.id for snapshot in moving],
        )


def _refuse_copies(tx: Tx, volume: str, snapshots: Sequence[str]) -> None:
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
