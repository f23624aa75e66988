"""Measuring pools: what drivers report goes to the store and the scheduler, and back ends' health with it."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import bindparam, select

from ..drivers.contract import PoolReport
from ..errors import IsthmusError, Unavailable
from ..model.backend import Backend, BackendState, Health
from ..model.identity import new_id, now
from ..model.pool import Pool, PoolState
from ..store import nouns, pools, schema
from ..store.database import Tx
from .live_backends import Live
from .parts import Parts

_log = logging.getLogger(__name__)
_refreshing = threading.Lock()
_STANDING = (
    select(schema.backends.c.state).where(schema.backends.c.id == bindparam("wanted")).with_for_update(read=True)
)
PATIENCE = 5.0
"""For how many seconds the start of the server waits for back ends."""

LATE = 1.0
"""A measurement that took longer, in seconds, tells the scheduler by itself."""

DEFAULT_RATIO = 5.0
DEFAULT_RESERVE = 0.05


class Measuring:
    """Measures back ends beside each other, so that one that hangs keeps nobody waiting for the others."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._guard = threading.Lock()
        self._running: dict[str, threading.Thread] = {}

    def measure_all(self, patience: float) -> None:
        """Measure the pools of every back end that this node reaches, as they are from now on.

        One that has not answered after `patience` seconds is unavailable; it is measured on, and counts again when it
        answers. Raises `Unavailable` when the database does not answer.
        """
        parts = self._parts
        with parts.database.read() as tx:
            backends = nouns.backends.where(tx)
        parts.live.keep({backend.id: backend.created_at for backend in backends})
        mine = [backend for backend in backends if backend.node in (None, parts.settings.node)]
        threads = [(backend, *self._begin(backend)) for backend in mine]
        until = time.monotonic() + patience
        for backend, thread, fresh in threads:
            thread.join(max(0.0, until - time.monotonic()))
            if not fresh and not thread.is_alive():
                # What was begun before may have been answered before, too.
                thread, _ = self._begin(backend)
                thread.join(max(0.0, until - time.monotonic()))
            if thread.is_alive():
                reason = f"It has not answered for {patience:.0f} s."
                _log.warning("back end %s: %s", backend.name, reason)
                parts.database.change(lambda tx, b=backend, r=reason: _failed(tx, b, r))  # type: ignore[misc]
        refresh(parts)

    def _begin(self, backend: Backend) -> tuple[threading.Thread, bool]:
        """The thread that measures this back end: one that still does, or a new one; whether it is new."""
        with self._guard:
            running = self._running.get(backend.id)
            fresh = running is None or not running.is_alive()
            if running is None or fresh:
                running = threading.Thread(
                    target=self._measure, args=(backend,), name=f"measure-{backend.name}", daemon=True
                )
                self._running[backend.id] = running
                running.start()
            return running, fresh

    def _measure(self, backend: Backend) -> None:
        begun = time.monotonic()
        try:
            measure(self._parts, backend)
            if time.monotonic() - begun > LATE:
                refresh(self._parts)
        except Unavailable as error:
            _log.warning("what back end %s reports is not stored: %s", backend.name, error)
        except Exception:
            _log.exception("measuring back end %s", backend.name)


def measure(parts: Parts, backend: Backend) -> None:
    """Measure one back end; its pools become unavailable, with the reason, when it does not answer."""
    try:
        live = parts.live.get(backend.id)
        live.driver.check()
        reports = live.driver.pools()
    except IsthmusError as error:
        reason, advice = str(error), error.next_step or ""
        parts.database.change(lambda tx: _failed(tx, backend, reason, advice))
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
    """Write what was measured; ratio and reserve stay as an administrator set them.

    The back end may have been disabled or removed while it was measured, here or by another process: its row says.
    """
    row = tx.execute(_STANDING, {"wanted": live.backend.id}).first()
    if row is None:
        return []
    live = replace(live, backend=replace(live.backend, state=BackendState(row.state)))
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


def _failed(tx: Tx, backend: Backend, reason: str, advice: str = "") -> None:
    """Everybody sees the reason, at the pools; what is to be done about it stands at the back end alone."""
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
    _health(tx, backend.id, Health.FAILED, f"{reason} {advice}".strip())


def _health(tx: Tx, backend: str, health: Health, reason: str, **more: Any) -> None:
    known = nouns.backends.find(tx, backend)
    if known is None:
        return
    fresh = {"health": health, "health_reason": reason, **more}
    if any(getattr(known, name) != value for name, value in fresh.items()):
        nouns.backends.change(tx, backend, **fresh)
