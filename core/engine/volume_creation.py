"""Making a volume: placed, reserved and accepted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from ..context import Context
from ..errors import Invalid, LimitExceeded, NoPlacement, NotOffered
from ..model.identity import new_id, now
from ..model.operation import Operation
from ..model.placement import Placement, PlacementRole, naa_identifier
from ..model.request import VolumeRequest
from ..model.volume import Volume, VolumeState
from ..profiles.requirement import Requirement
from ..runtime.parts import Parts
from ..scheduler.candidate import Candidate
from ..scheduler.request import PlacementRequest
from ..scheduler.scheduler import Proposal, no_placement
from ..security.policy import authorise
from ..store import nouns, pools, usage
from ..store.database import Tx
from .acceptance import accept, planned, promise, repeated
from .checks import check_description, check_metadata, check_name, check_size
from .placing import Source, affinity, chosen_pool, find_profile, hold_profile, hold_tenant, owner_of, read_source

if TYPE_CHECKING:
    from .volumes import Volumes


class VolumeCreation:
    """Accepts new volumes: empty ones, copies of snapshots and clones."""

    def __init__(self, parts: Parts, volumes: Volumes) -> None:
        self.parts = parts
        self._volumes = volumes

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
            source = read_source(tx, self._volumes, context, wanted)
            profile = find_profile(tx, context, wanted.profile or (source.profile if source else None))
            near, apart = affinity(tx, self._volumes, context, wanted)
            pools = chosen_pool(tx, wanted, source)
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
                only_pools=pools,
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


def _check_source(source: Source, size: int, requirement: Requirement) -> None:
    if size < source.size:
        raise Invalid(f"The copy must have at least the source's {source.size} bytes.", field="size")
    if "clone" not in source.abilities:
        raise NotOffered("The back end of the source cannot make copies.")
