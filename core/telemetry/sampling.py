"""Measures pools and attached volumes again and again, so that a trend can be shown.

Every process samples for itself what its node reaches, and forgets at its end: a history is a convenience, and whoever
needs years of it has it collected. What cannot be measured leaves a hole.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable
from typing import TypeVar

from sqlalchemy import or_

from ..errors import IsthmusError
from ..model.measurement import Measurement
from ..model.pool import Pool
from ..model.volume import Volume
from ..runtime.exports import attached_here
from ..runtime.parts import Parts
from ..store import nouns
from .history import History
from .metering import Metering

_log = logging.getLogger(__name__)
T = TypeVar("T", Pool, Volume)

HOUR, DAY = 3600.0, 86400.0
POOL_INTERVAL = 300.0
"""The least seconds between two samples of a pool."""

MOST_SAMPLES = 360
"""So many are kept of each thing at most."""

MOST_VOLUMES = 500
"""So many attached volumes are sampled, those that were attached first."""


class Sampler:
    """Samples attached volumes every `interval` seconds and keeps an hour of it; pools every 5 minutes, a day of it.

    `interval` 0: never.
    """

    def __init__(self, parts: Parts, metering: Metering, interval: float) -> None:
        self._parts = parts
        self._metering = metering
        self._interval = interval
        self._pool_interval = max(interval, POOL_INTERVAL)
        self._pools_due = float("-inf")
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        pace = interval or HOUR
        self.volumes = History(max(2, min(MOST_SAMPLES, round(HOUR / pace))))
        self.pools = History(max(2, min(MOST_SAMPLES, round(DAY / self._pool_interval))))

    @property
    def enabled(self) -> bool:
        return self._interval > 0

    def start(self) -> None:
        """Begin; the first samples are taken one interval later."""
        if self.enabled and self._thread is None:
            self._thread = threading.Thread(target=self._run, name="isthmus-sample", daemon=True)
            self._thread.start()

    def stop(self, timeout: float = 1.0) -> None:
        """Take no further sample; one that hangs is left behind. Idempotent."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout)

    def sample(self) -> None:
        """Measure everything once. Raises what the database raises."""
        self._sample_volumes()
        if time.monotonic() >= self._pools_due:
            self._pools_due = time.monotonic() + self._pool_interval
            self._sample_pools()

    def _run(self) -> None:
        while not self._stop.wait(self._interval):
            try:
                self.sample()
            except IsthmusError as error:
                _log.warning("nothing is sampled: %s", error)
            except Exception:
                _log.exception("sampling")

    def _sample_volumes(self) -> None:
        with self._parts.database.read() as tx:
            attached = {found.placement: found.backend for found in attached_here(tx, self._parts.settings.node)}
            placements = list(attached)[:MOST_VOLUMES]
            volumes = nouns.volumes.where(tx, nouns.volumes.table.c.placement.in_(placements)) if placements else []
        self.volumes.forget_others([volume.id for volume in volumes])
        backends = ((volume, attached[str(volume.placement)]) for volume in volumes)
        self._keep(self.volumes, backends, self._metering.volume)

    def _sample_pools(self) -> None:
        here = nouns.backends.table.c.node
        with self._parts.database.read() as tx:
            near = nouns.backends.where(tx, or_(here.is_(None), here == self._parts.settings.node))
            wanted = {backend.id for backend in near}
            pools = [pool for pool in nouns.pools.where(tx) if pool.backend in wanted]
        self.pools.forget_others([pool.id for pool in pools])
        self._keep(self.pools, ((pool, pool.backend) for pool in pools), self._metering.pool)

    def _keep(self, history: History, things: Iterable[tuple[T, str]], measure: Callable[[T], Measurement]) -> None:
        silent: set[str] = set()
        for thing, backend in things:
            if self._stop.is_set():
                return
            if backend in silent:
                continue
            try:
                history.keep(measure(thing))
            except IsthmusError as error:
                # Asked once a round: with many volumes it would take for ever to wait for each.
                silent.add(backend)
                _log.info("back end %s is not sampled: %s", backend, error)
