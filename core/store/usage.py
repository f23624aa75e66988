"""How much each tenant has and may have: a row for all profiles together and one per profile.

Volumes count with their size, snapshots with the bytes that are promised to them, in the profile of their volume.

The rows change in the transaction that adds or removes what they count, by conditional UPDATE, and nowhere else:
counting inside a transaction grants too much when others commit at the same time.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import and_, bindparam, case, func, literal, or_, select, union_all, update
from sqlalchemy.sql import ColumnElement

from ..errors import Invalid, LimitExceeded
from ..model.tenant import Limit
from ..model.volume import VolumeState
from . import schema
from .database import Tx
from .dialects import insert_if_absent
from .statement import Statement

ALL = ""
"""The `profile` of the row that counts all profiles of a tenant."""

_LARGEST = (1 << 63) - 1
_usage = schema.usage
_row = and_(_usage.c.tenant == bindparam("t"), _usage.c.profile == bindparam("p"))
_read = select(_usage).where(_row)
_read_tenant = select(_usage).where(_usage.c.tenant == bindparam("t")).order_by(_usage.c.profile)
_read_all = select(_usage).order_by(_usage.c.tenant, _usage.c.profile)


def _never_negative(column: ColumnElement[int], change: ColumnElement[int]) -> ColumnElement[int]:
    return case((column + change < 0, 0), else_=column + change)


def _within(column: ColumnElement[int], most: ColumnElement[int | None], change: str) -> ColumnElement[bool]:
    given = bindparam(change, type_=column.type)
    return or_(given <= 0, most.is_(None), column + given <= most)


_add = {
    "volumes": _never_negative(_usage.c.volumes, bindparam("v", type_=_usage.c.volumes.type)),
    "bytes": _never_negative(_usage.c.bytes, bindparam("b", type_=_usage.c.bytes.type)),
}
_charge = Statement(
    update(_usage)
    .where(
        _row,
        _within(_usage.c.volumes, _usage.c.max_volumes, "v"),
        _within(_usage.c.bytes, _usage.c.max_bytes, "b"),
    )
    .values(_add)
)
_take_back = update(_usage).where(_row).values(_add)
_limit = update(_usage).where(_row).values(max_volumes=bindparam("most_volumes"), max_bytes=bindparam("most_bytes"))
_set = update(_usage).where(_row).values(volumes=bindparam("v"), bytes=bindparam("b"))
_MOVING = (VolumeState.EXTENDING.value, VolumeState.RETYPING.value, VolumeState.REVERTING.value)


def _count(tenant: ColumnElement[str] | None) -> Any:
    """What is stored and what is there, in one statement, so that both are of one moment."""
    volumes, snapshots = schema.volumes, schema.snapshots
    moving = or_(
        volumes.c.state.in_(_MOVING), and_(volumes.c.state == VolumeState.ERROR.value, volumes.c.operation.is_not(None))
    )
    in_motion = func.sum(case((moving, 1), else_=0))
    stored = select(literal(0), _usage.c.tenant, _usage.c.profile, _usage.c.volumes, _usage.c.bytes, literal(0))
    there = select(
        literal(1), volumes.c.tenant, volumes.c.profile, func.count(), func.sum(volumes.c.size), in_motion
    ).group_by(volumes.c.tenant, volumes.c.profile)
    kept = (
        select(literal(1), volumes.c.tenant, volumes.c.profile, literal(0), func.sum(snapshots.c.reserved), literal(0))
        .join(volumes, volumes.c.id == snapshots.c.volume)
        .group_by(volumes.c.tenant, volumes.c.profile)
    )
    if tenant is not None:
        stored = stored.where(_usage.c.tenant == tenant)
        there, kept = there.where(volumes.c.tenant == tenant), kept.where(volumes.c.tenant == tenant)
    return union_all(stored, there, kept)


_counted = _count(None)
_counted_of_tenant = _count(bindparam("t"))
_lock = update(_usage).where(_row).values(volumes=_usage.c.volumes)


def charge(tx: Tx, tenant: str, profile: str, *, volumes: int = 0, size: int = 0) -> None:
    """Add `volumes` and `size` bytes (either may be negative) to what the tenant has, in all and in the profile.

    Raises `LimitExceeded` when a limit does not allow it; the transaction is then as it was before. Giving back is
    always allowed. Concurrent charges of one tenant follow one another until their transactions end.
    """
    _add_to(tx, tenant, ALL, volumes, size)
    try:
        _add_to(tx, tenant, profile, volumes, size)
    except LimitExceeded:
        tx.execute(_take_back, {"t": tenant, "p": ALL, "v": -volumes, "b": -size})
        raise


def set_limits(
    tx: Tx, tenant: str, profile: str | None, *, max_volumes: int | None = None, max_bytes: int | None = None
) -> Limit:
    """Say how much the tenant may have, over all profiles (None) or in one; None means no limit.

    A limit below what is there already is allowed: it only stops further growth.
    """
    for name, value in (("max_volumes", max_volumes), ("max_bytes", max_bytes)):
        if value is not None and not 0 <= value <= _LARGEST:
            raise Invalid(f"{name} must be a whole number from 0 to {_LARGEST}.")
    parameters = {"t": tenant, "p": profile or ALL, "most_volumes": max_volumes, "most_bytes": max_bytes}
    if tx.execute(_limit, parameters).rowcount == 0:
        _make(tx, tenant, profile or ALL)
        tx.execute(_limit, parameters)
    return get(tx, tenant, profile)


def get(tx: Tx, tenant: str, profile: str | None = None) -> Limit:
    """What the tenant has and may have, over all profiles (None) or in one; zeros when it never had anything."""
    row = tx.execute(_read, {"t": tenant, "p": profile or ALL}).first()
    return Limit(tenant, profile or None, 0, 0) if row is None else _limit_of(row)


def listed(tx: Tx, tenant: str | None = None) -> list[Limit]:
    """All rows of one tenant, or of every tenant (None); the row over all profiles comes first."""
    rows = tx.execute(_read_all) if tenant is None else tx.execute(_read_tenant, {"t": tenant})
    return [_limit_of(row) for row in rows]


def forget(tx: Tx, tenant: str) -> None:
    """Remove the rows of a tenant that is no more."""
    tx.execute(_usage.delete().where(_usage.c.tenant == tenant))


def forget_profiles(tx: Tx) -> None:
    """Remove the rows, limits included, of profiles that are no more."""
    tx.execute(_usage.delete().where(_usage.c.profile != ALL, _usage.c.profile.not_in(select(schema.profiles.c.id))))


@dataclass(frozen=True, slots=True)
class Drift:
    """A usage row that does not say what is there. `profile` None means over all profiles; sizes in bytes."""

    tenant: str
    profile: str | None
    volumes: int
    bytes: int
    counted_volumes: int
    counted_bytes: int


def recount(tx: Tx, *, repair: bool = False) -> list[Drift]:
    """Count volumes and snapshots anew and return the rows that differ; with `repair` they are set right.

    A profile with a volume that is being extended, retyped or reverted, or was left in error by that, is left out,
    and so is its tenant's total: its charge and its size are for the moment not the same. Charges made meanwhile
    wait when repairing.
    """
    drifts = _compare(tx.execute(_counted))
    if not repair:
        return drifts
    repaired = []
    for tenant in sorted({drift.tenant for drift in drifts}):
        _make(tx, tenant, ALL)
        tx.execute(_lock, {"t": tenant, "p": ALL})
        for drift in _compare(tx.execute(_counted_of_tenant, {"t": tenant})):
            profile = drift.profile or ALL
            _make(tx, tenant, profile)
            tx.execute(_set, {"t": tenant, "p": profile, "v": drift.counted_volumes, "b": drift.counted_bytes})
            repaired.append(drift)
    return repaired


def _compare(rows: Iterable[Any]) -> list[Drift]:
    stored: dict[tuple[str, str], tuple[int, int]] = {}
    counted: dict[tuple[str, str], tuple[int, int]] = {}
    moving: set[tuple[str, str]] = set()
    for is_count, tenant, profile, volumes, size, in_motion in rows:
        if not is_count:
            stored[tenant, profile] = (int(volumes), int(size))
            continue
        for key in ((tenant, profile), (tenant, ALL)):
            before = counted.get(key, (0, 0))
            counted[key] = (before[0] + int(volumes), before[1] + int(size))
            if in_motion:
                moving.add(key)
    drifts = []
    for key in sorted((stored.keys() | counted.keys()) - moving):
        have, found = stored.get(key, (0, 0)), counted.get(key, (0, 0))
        if have != found:
            drifts.append(Drift(key[0], key[1] or None, *have, *found))
    return drifts


def _add_to(tx: Tx, tenant: str, profile: str, volumes: int, size: int) -> None:
    parameters = {"t": tenant, "p": profile, "v": volumes, "b": size}
    while tx.execute(_charge, parameters).rowcount == 0:
        row = tx.execute(_read, parameters).first()
        if row is None:
            _make(tx, tenant, profile)
        else:
            # Passes where the row came, or room was made in it, after the update had looked.
            _refuse_beyond(_limit_of(row), volumes, size)


def _make(tx: Tx, tenant: str, profile: str) -> None:
    insert_if_absent(tx, _usage, {"tenant": tenant, "profile": profile, "volumes": 0, "bytes": 0})


def _limit_of(row: Any) -> Limit:
    return Limit(row.tenant, row.profile or None, row.volumes, row.bytes, row.max_volumes, row.max_bytes)


def _refuse_beyond(limit: Limit, volumes: int, size: int) -> None:
    """Raise `LimitExceeded` if the limit does not allow this."""
    for resource, used, most, asked in (
        ("volumes", limit.volumes, limit.max_volumes, volumes),
        ("bytes", limit.bytes, limit.max_bytes, size),
    ):
        if most is not None and asked > 0 and used + asked > most:
            scope = "in all" if limit.profile is None else f"of profile {limit.profile}"
            raise LimitExceeded(
                f"The limit on {resource} {scope} is {most}, with {used} in use and {asked} more asked for.",
                next_step="Delete what is not needed, or ask an administrator to raise the limit.",
                tenant=limit.tenant,
                profile=limit.profile,
                resource=resource,
                limit=most,
                used=used,
                asked=asked,
            )
