"""Measuring pools: what drivers report goes to the store and the scheduler, and back ends' health with it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ..drivers.contract import PoolReport
from ..errors import IsthmusError
from ..model.backend import Backend, BackendState, Health
from ..model.identity import new_id, now
from ..model.pool import Pool, PoolState
from ..store import nouns, pools
from ..store.database import Tx
from .live_backends import Live
from .parts import Parts

_log = logging.getLogger(__name__)
_refreshing = threading.Lock()
DEFAULT_RATIO = 5.0
DEFAULT_RESERVE = 0.05


def measure_all(parts: Parts) -> None:
    """Measure the pools of every back end that this node reaches."""
    with parts.database.read() as tx:
        backends = nouns.backends.where(tx)
    for backend in backends:
        if backend.node in (None, parts.settings.node):
            measure(parts, backend)
    refresh(parts)


def measure(parts: Parts, backend: Backend) -> None:
    """Measure one back end; its pools become unavailable, with the reason, when it does not answer."""
    try:
        live = parts.live.get(backend.id)
        live.driver.check()
        reports = live.driver.pools()
    except IsthmusError as error:
        reason = str(error)
        parts.database.change(lambda tx: _failed(tx, backend, reason))
        parts.live.forget(backend.id)
        return
    except Exception:
        _log.exception("measuring back end %s", backend.name)
        parts.database.change(lambda tx: _failed(tx, backend, "The driver failed; see the server's log."))
        return
    parts.database.change(lambda tx: store_reports(tx, live, reports))


def refresh(parts: Parts) -> None:
    """Let the scheduler know exactly the pools that the store has.

    One at a time: otherwise one that read earlier could finish later and take back what the other brought.
    """
    with _refreshing:
        with parts.database.read() as tx:
            known = nouns.pools.where(tx)
        parts.scheduler.replace(known)


def pools_of(live: Live, reports: Sequence[PoolReport]) -> list[Pool]:
    """The pools that these reports describe, not yet stored."""
    backend, moment = live.backend, now()
    ratio = float(backend.settings.get("ratio", DEFAULT_RATIO))
    reserve = float(backend.settings.get("reserve", DEFAULT_RESERVE))
    state = PoolState.AVAILABLE if backend.state is BackendState.ENABLED else PoolState.DISABLED
    return [
        Pool(
            id=new_id(),
            backend=backend.id,
            name=report.name,
            state=state,
            zone=report.zone or backend.zone,
            total=report.total,
            used=report.used,
            ours=report.ours,
            provisioned=0,
            granularity=report.granularity,
            thin=report.thin,
            thick=report.thick,
            ratio=ratio,
            reserve=reserve,
            protocols=tuple(live.publisher.protocols()),
            abilities=live.abilities,
            created_at=moment,
            updated_at=moment,
            capabilities=_capabilities(live, report),
        )
        for report in reports
    ]


def store_reports(tx: Tx, live: Live, reports: Sequence[PoolReport]) -> list[Pool]:
    """Write what was measured; ratio and reserve stay as an administrator set them."""
    known = {pool.name: pool for pool in nouns.pools_of_backend.all(tx, live.backend.id)}
    stored = []
    for pool in pools_of(live, reports):
        if pool.name in known:
            pool = replace(pool, ratio=known[pool.name].ratio, reserve=known[pool.name].reserve)
        stored.append(pools.upsert(tx, pool))
    reported = {report.name for report in reports}
    for name, pool in known.items():
        if name not in reported:
            pools.report(
                tx,
                pool.id,
                total=pool.total,
                used=pool.used,
                ours=pool.ours,
                state=PoolState.UNAVAILABLE,
                reason="The back end no longer reports this pool.",
            )
    _health(tx, live.backend.id, Health.HEALTHY, "", abilities=live.abilities)
    return stored


def _capabilities(live: Live, report: PoolReport) -> dict[str, Any]:
    """What the driver says, over what holds for all: several hosts at once, unless it says otherwise."""
    return {"multiAttach": True, **report.capabilities}


def _failed(tx: Tx, backend: Backend, reason: str) -> None:
    for pool in nouns.pools_of_backend.all(tx, backend.id):
        pools.report(
            tx,
            pool.id,
            total=pool.total,
            used=pool.used,
            ours=pool.ours,
            state=PoolState.UNAVAILABLE,
            reason=reason,
        )
    _health(tx, backend.id, Health.FAILED, reason)


def _health(tx: Tx, backend: str, health: Health, reason: str, **more: Any) -> None:
    known = nouns.backends.find(tx, backend)
    if known is None:
        return
    fresh = {"health": health, "health_reason": reason, **more}
    if any(getattr(known, name) != value for name, value in fresh.items()):
        nouns.backends.change(tx, backend, **fresh)
