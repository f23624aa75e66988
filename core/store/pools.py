"""The room of pools: promised and given back by conditional UPDATE, measured without touching the promises."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Any

from sqlalchemy import and_, bindparam, case, select, update
from sqlalchemy.sql import ColumnElement

from ..model.identity import now
from ..model.pool import Pool, PoolState
from . import schema
from .database import Tx
from .dialects import Whole, insert_if_absent
from .nouns import pools as repository
from .statement import Statement

_pools = schema.pools
_this = _pools.c.id == bindparam("wanted")
_size = bindparam("size", type_=_pools.c.provisioned.type)
_foreign = case((_pools.c.used > _pools.c.ours, _pools.c.used - _pools.c.ours), else_=0)
_usable: ColumnElement[Any] = _pools.c.total * (1.0 - _pools.c.reserve)


def _room(usable: ColumnElement[Any]) -> ColumnElement[Any]:
    return Whole(usable) - _pools.c.provisioned - _foreign


_above_reserve = _pools.c.total - _pools.c.used > _pools.c.total * _pools.c.reserve
_fits = {False: _room(_usable) >= _size, True: and_(_room(_usable * _pools.c.ratio) >= _size, _above_reserve)}
_promise = {
    (thin, states): Statement(
        update(_pools)
        .where(_this, _fits[thin], _pools.c.state.in_([bindparam(f"state_{i}") for i in range(states)]))
        .values(provisioned=_pools.c.provisioned + _size)
    )
    for thin in (False, True)
    for states in (1, 2, 3)
}
_give_back = Statement(
    update(_pools)
    .where(_this)
    .values(provisioned=case((_pools.c.provisioned < _size, 0), else_=_pools.c.provisioned - _size))
)
_MEASURED = ("total", "used", "ours", "state", "reason")
_DESCRIBED = ("zone", "granularity", "thin", "thick", "ratio", "reserve", "protocols", "abilities", "capabilities")


def _setting(names: tuple[str, ...]) -> Any:
    values: dict[str, Any] = {name: bindparam(f"v_{name}", type_=_pools.c[name].type) for name in names}
    if "state" in values:
        values["state"] = case((_pools.c.state == PoolState.DISABLED.value, _pools.c.state), else_=values["state"])
    values["updated_at"] = bindparam("v_updated_at", type_=_pools.c.updated_at.type)
    return update(_pools).where(_this).values(values)


_measure = {names: _setting(names) for names in (_MEASURED[:3], _MEASURED)}
_describe = (
    update(_pools)
    .where(_this)
    .values(
        {
            **{name: bindparam(f"v_{name}", type_=_pools.c[name].type) for name in _DESCRIBED},
            "updated_at": bindparam("v_updated_at", type_=_pools.c.updated_at.type),
            "version": _pools.c.version + 1,
        }
    )
)
_named = select(*repository.columns).where(_pools.c.backend == bindparam("b"), _pools.c.name == bindparam("n"))


def reserve(
    tx: Tx, pool: str, size: int, thin: bool, *, states: Collection[PoolState] = (PoolState.AVAILABLE,)
) -> bool:
    """Promise `size` bytes of the pool if its room (see `Pool`) allows it and it is in one of `states`.

    Returns whether it was promised. A thin promise also needs reported free space above the reserve. Neither the
    version nor the time of change moves.
    """
    parameters: dict[str, Any] = {"wanted": pool, "size": size}
    parameters.update({f"state_{i}": str(state) for i, state in enumerate(states)})
    return bool(tx.execute(_promise[(thin, len(states))], parameters).rowcount == 1)


def release(tx: Tx, pool: str, size: int) -> None:
    """Take back a promise of `size` bytes; what is promised never goes below zero."""
    tx.execute(_give_back, {"wanted": pool, "size": size})


def report(
    tx: Tx,
    pool: str,
    *,
    total: int,
    used: int,
    ours: int,
    state: PoolState | None = None,
    reason: str = "",
) -> bool:
    """Write down what the driver measured, in bytes; promises and version stay. Returns whether the pool exists.

    With `state`, the pool's state and its reason are set too; a pool that was disabled stays so.
    """
    names = _MEASURED[:3] if state is None else _MEASURED
    values: dict[str, Any] = {"total": total, "used": used, "ours": ours, "state": state, "reason": reason}
    parameters = {f"v_{name}": values[name] for name in names}
    parameters |= {"wanted": pool, "v_updated_at": now()}
    return bool(tx.execute(_measure[names], parameters).rowcount == 1)


def upsert(tx: Tx, pool: Pool) -> Pool:
    """Make the pool of this back end and name, or bring it up to date; returns it as it is now.

    An existing pool keeps its id, its promises, its metadata and its time of creation. Its version rises only when
    what describes it changed (zone, granularity, kinds of provisioning, ratio, reserve, protocols, abilities,
    capabilities), not when a measured value did.
    """
    values = {name: getattr(pool, name) for name in repository.names} | {"provisioned": 0, "version": 1}
    if insert_if_absent(tx, _pools, values):
        return replace(pool, provisioned=0, version=1)
    known = repository.noun_of(tx.execute(_named, {"b": pool.backend, "n": pool.name}).one())
    report(tx, known.id, total=pool.total, used=pool.used, ours=pool.ours, state=pool.state, reason=pool.reason)
    if any(getattr(known, name) != getattr(pool, name) for name in _DESCRIBED):
        described = {f"v_{name}": getattr(pool, name) for name in _DESCRIBED}
        tx.execute(_describe, described | {"wanted": known.id, "v_updated_at": now()})
    return repository.get(tx, known.id)
