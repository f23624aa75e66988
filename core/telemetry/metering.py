"""Measures volumes and pools where they are; a back end that hangs costs the caller a few seconds and no more."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from ..drivers.contract import Metered, PoolReport
from ..drivers.wrappers import Bound
from ..errors import Failed, Transient, Unavailable
from ..model.attachment import AttachmentState
from ..model.identity import now
from ..model.measurement import Measurement
from ..model.pool import Pool
from ..model.volume import Volume, VolumeState
from ..runtime.exports import export_of
from ..runtime.live_backends import Live
from ..runtime.parts import Parts
from ..store import nouns

T = TypeVar("T")

PATIENCE = 5.0
"""The seconds that one measurement may take."""

MOST_HUNG = 4
"""With so many measurements that hang on one back end no further one is begun; its other calls keep their room."""

FRESH = 2.0
"""For so many seconds the report of a back end's pools is given to whoever asks."""

_THERE = frozenset({VolumeState.AVAILABLE, VolumeState.EXTENDING})


@dataclass(slots=True)
class _Reports:
    """What a back end last said of its pools; one asks it at a time."""

    turn: threading.Lock = field(default_factory=threading.Lock)
    asked: float = float("-inf")
    at: datetime | None = None
    reports: Sequence[PoolReport] = ()


class Metering:
    """Asks drivers and targets. Raises `Transient` when they do not answer within `patience` seconds, `Unavailable`
    for a back end of another node, and what drivers raise."""

    def __init__(self, parts: Parts, patience: float = PATIENCE) -> None:
        self._parts = parts
        self._patience = patience
        self._guard = threading.Lock()
        self._bounds: dict[str, Bound] = {}
        self._reports: dict[str, _Reports] = {}

    def volume(self, volume: Volume) -> Measurement:
        """What the volume occupies, and what the hosts that have it did."""
        with self._parts.database.read() as tx:
            placement = nouns.placements.find(tx, volume.placement) if volume.placement else None
            attachments = nouns.attachments_of_volume.all(tx, volume.id)
        empty = Measurement("volume", volume.id, now())
        if placement is None:
            return empty
        protocols = {each.protocol for each in attachments if each.state is AttachmentState.ATTACHED}

        def measure(live: Live) -> tuple[Metered | None, datetime]:
            return live.publisher.meter(export_of(placement), protocols), now()

        metered, at = self._ask(placement.backend, f"Measuring volume {volume.id}", measure)
        if metered is None:
            if self._stands(volume):
                raise Failed(f"The back end has nothing of volume {volume.id}.", next_step="Run `isthmus doctor`.")
            return empty
        counters = metered.counters
        if counters is None:
            return Measurement("volume", volume.id, at, allocated_bytes=metered.allocated)
        return Measurement(
            "volume",
            volume.id,
            at,
            allocated_bytes=metered.allocated,
            read_operations=counters.read_operations,
            read_bytes=counters.read_bytes,
            written_operations=counters.written_operations,
            written_bytes=counters.written_bytes,
            series=counters.series,
            since=counters.since,
        )

    def pool(self, pool: Pool) -> Measurement:
        """What the back end says of the pool now, and what is promised of it."""
        at, reports = self._pools(pool.backend)
        report = next((report for report in reports if report.name == pool.name), None)
        if report is None:
            raise Unavailable(f"The back end no longer reports the pool {pool.name}.")
        return Measurement(
            "pool",
            pool.id,
            at,
            allocated_bytes=report.ours,
            total_bytes=report.total,
            used_bytes=report.used,
            provisioned_bytes=pool.provisioned,
        )

    def _stands(self, volume: Volume) -> bool:
        """Whether the volume must still be where it was a moment ago."""
        with self._parts.database.read() as tx:
            current = nouns.volumes.find(tx, volume.id)
        return current is not None and current.placement == volume.placement and current.state in _THERE

    def _pools(self, backend: str) -> tuple[datetime, Sequence[PoolReport]]:
        with self._guard:
            known = self._reports.setdefault(backend, _Reports())
        what = "Measuring the back end's pools"
        if not known.turn.acquire(timeout=self._patience):
            raise _silent(f"{what} did not end within {self._patience:g} s")
        try:
            if known.at is None or time.monotonic() - known.asked > FRESH:
                reports = self._ask(backend, what, lambda live: list(live.driver.pools()))
                known.asked, known.at, known.reports = time.monotonic(), now(), reports
            return known.at, known.reports
        finally:
            known.turn.release()

    def _ask(self, backend: str, what: str, measure: Callable[[Live], T]) -> T:
        with self._guard:
            bound = self._bounds.setdefault(backend, Bound(MOST_HUNG))
        try:
            found: T = bound.call(what, lambda: measure(self._parts.live.get(backend)), self._patience)
            return found
        except Transient as error:
            raise _silent(error.message) from error


def _silent(said: str) -> Transient:
    return Transient(said, next_step="Look at the back end, and ask again when it answers.")
