"""What a placement depends on: who will own it, its profile, its source, and the volumes it is to be near or apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, select

from ..context import Context
from ..errors import Invalid, NotFound, NotOffered, Refused
from ..model.profile import Profile
from ..model.request import VolumeRequest
from ..model.snapshot import SnapshotState
from ..model.volume import VolumeState
from ..scheduler.request import Hint, Scope
from ..store import nouns, schema
from ..store.database import Tx
from ..store.statement import Statement
from .volume_guards import refuse_occupied, require_available

if TYPE_CHECKING:
    from .volumes import Volumes

_TENANT = Statement(
    select(schema.tenants.c.id).where(schema.tenants.c.id == bindparam("wanted")).with_for_update(read=True)
)
_PROFILE = Statement(
    select(schema.profiles.c.id).where(schema.profiles.c.id == bindparam("wanted")).with_for_update(read=True)
)
"""Locks for sharing: who makes things at once does not wait, who deletes what they depend on does. SQLite has one
writer at a time and needs none."""


def owner_of(context: Context) -> str:
    """The tenant that will own what is made; an administrator must act for one."""
    if context.tenant is None:
        raise Invalid("No tenant is named.", next_step="Act for a tenant: name it in the request.", field="tenant")
    return context.tenant


def hold_tenant(tx: Tx, tenant: str) -> None:
    """Make sure that the tenant stays until this transaction ends; raises `NotFound`."""
    if tx.execute(_TENANT, {"wanted": tenant}).first() is None:
        raise NotFound(f"There is no tenant {tenant}.", next_step="Check the tenant you act for.")


def hold_profile(tx: Tx, profile: str) -> None:
    """Make sure that the profile stays until this transaction ends; raises `NotFound`."""
    if tx.execute(_PROFILE, {"wanted": profile}).first() is None:
        raise NotFound(f"There is no profile {profile}.", next_step="List the profiles you may use.")


def find_profile(tx: Tx, context: Context, wanted: str | None) -> Profile:
    """The profile with this id or name, or the default one; a profile kept for other tenants is `NotFound`."""
    if wanted is None:
        found = nouns.profiles.where(tx, nouns.profiles.table.c.is_default.is_(True), limit=1)
        if not found:
            raise Invalid("There is no default profile.", next_step="Name a profile, or make one the default.")
        profile = found[0]
    else:
        known = nouns.profile_by_name.find(tx, wanted) or nouns.profiles.find(tx, wanted)
        if known is None:
            raise NotFound(f"There is no profile {wanted}.", next_step="List the profiles you may use.")
        profile = known
    if profile.tenants and not context.is_admin and context.tenant not in profile.tenants:
        raise NotFound(f"There is no profile {wanted}.", next_step="List the profiles you may use.")
    return profile


@dataclass(frozen=True, slots=True)
class Source:
    """What a volume is copied from: its size in bytes, its pool, and what the back end can do."""

    volume: str
    snapshot: str | None
    size: int
    pool: str
    profile: str | None
    abilities: tuple[str, ...]

    def hold(self, tx: Tx) -> None:
        """Make sure, in the accepting transaction, that the source stays, and as it is, until the copy is made.

        Raising the version of the source row makes a concurrent delete, revert or attach see the copy, or be seen by
        it.
        """
        if self.snapshot is not None:
            if not nouns.snapshots.change(tx, self.snapshot, states=(SnapshotState.AVAILABLE,)):
                require_available(tx, nouns.snapshots.get(tx, self.snapshot))
            return
        if not nouns.volumes.change(tx, self.volume, states=(VolumeState.AVAILABLE,)):
            refuse_occupied(tx, nouns.volumes.get(tx, self.volume))
        if "live_snapshot" not in self.abilities and nouns.attachments_of_volume.all(tx, self.volume):
            raise Refused(
                "The back end of the source copies detached volumes only.",
                next_step="Detach the volume, or copy a snapshot.",
            )


def read_source(tx: Tx, volumes: Volumes, context: Context, wanted: VolumeRequest) -> Source | None:
    """The source that a request names, if the caller may see it."""
    if wanted.source_volume and wanted.source_snapshot:
        raise Invalid("Name a source volume or a source snapshot, not both.", field="source_snapshot")
    if wanted.source_snapshot:
        snapshot = nouns.snapshots.find(tx, wanted.source_snapshot)
        volume = None if snapshot is None else nouns.volumes.find(tx, snapshot.volume)
        if snapshot is None or volume is None or not volumes.shows(context, volume):
            raise NotFound(
                f"There is no snapshot {wanted.source_snapshot}.",
                next_step="Check the id and the tenant you act for.",
                resource=wanted.source_snapshot,
            )
        size, name = snapshot.size, snapshot.id
    elif wanted.source_volume:
        volume = volumes.seen(tx, context, wanted.source_volume)
        size, name = volume.size, None
    else:
        return None
    placement = nouns.placements.get(tx, str(volume.placement))
    pool = nouns.pools.get(tx, placement.pool)
    return Source(volume.id, name, size, pool.id, volume.profile, pool.abilities)


def chosen_pool(tx: Tx, wanted: VolumeRequest, source: Source | None) -> frozenset[str] | None:
    """The one pool that the volume may lie in, None for any. Raises `NotFound` for a pool that there is not, and
    `NotOffered` for one that the source of a copy is not in."""
    if wanted.pool is not None and nouns.pools.find(tx, wanted.pool) is None:
        raise NotFound(f"There is no pool {wanted.pool}.", next_step="List the pools.", resource=wanted.pool)
    if source is None:
        return None if wanted.pool is None else frozenset({wanted.pool})
    if wanted.pool not in (None, source.pool):
        raise NotOffered(
            "A copy lies in the pool of what it is copied from.", next_step="Leave the pool out.", pool=source.pool
        )
    return frozenset({source.pool})


def affinity(
    tx: Tx, volumes: Volumes, context: Context, wanted: VolumeRequest
) -> tuple[tuple[Hint, ...], tuple[Hint, ...]]:
    """Where the volumes are that the new one is to be near to and apart from."""
    if wanted.scope not in tuple(Scope):
        raise Invalid("The scope of affinity is `pool` or `backend`.", field="scope")
    scope = Scope(wanted.scope)

    def hints(names: tuple[str, ...]) -> tuple[Hint, ...]:
        return tuple(Hint(scope, frozenset({_where(tx, volumes, context, name, scope)})) for name in names)

    return hints(wanted.near), hints(wanted.apart)


def _where(tx: Tx, volumes: Volumes, context: Context, volume: str, scope: Scope) -> str:
    placement = nouns.placements.get(tx, str(volumes.seen(tx, context, volume).placement))
    return placement.pool if scope is Scope.POOL else placement.backend
