"""Finds what nobody runs: operations whose runner died, whose time has come, or whose wake-up was lost."""

from __future__ import annotations

import logging
import threading
import time

from ..errors import Unavailable
from . import ledger, waiting
from .owner import is_dead
from .station import Dead, Station

_log = logging.getLogger(__name__)
_BATCH = 200
_FORGET = 30.0


class Sweeper:
    """Looks at the live operations every few seconds until the journal stops."""

    def __init__(self, station: Station, backlog: int, threads: int) -> None:
        self.station = station
        self._backlog, self._threads = backlog, threads
        self._thread = threading.Thread(target=self._work, name="isthmus-sweeper", daemon=True)
        self.rate = 0.0
        self._seen = (time.monotonic(), 0)

    def start(self) -> None:
        self._thread.start()

    def join(self, timeout: float) -> None:
        if self._thread.is_alive():
            self._thread.join(timeout)

    def _work(self) -> None:
        while not self.station.stopping.wait(self.station.timing.sweep) and not self.station.dead:
            try:
                self.sweep()
            except Dead:
                return
            except Unavailable as error:
                _log.warning("operations could not be looked for: %s", error)
            except Exception:
                _log.exception("looking for operations failed")

    def sweep(self) -> int:
        """Look once; returns how many operations were dispatched. Raises `Unavailable`."""
        station = self.station
        self._measure()
        with station.database.read() as tx:
            owners = ledger.owners(tx)
            overdue = waiting.overdue(tx)
        for owner in owners:
            if owner != station.owner and is_dead(owner, station.node):
                count = station.change(lambda tx, dead=owner: ledger.expire(tx, dead))  # type: ignore[misc]
                if count:
                    _log.warning("%s is dead; its %d operations are taken over", owner, count)
        for parent, child in overdue:
            station.change(lambda tx, p=parent, c=child: waiting.wake_one(tx, p, c))  # type: ignore[misc]
        count = self._dispatch_due()
        self._count_strangers()
        return count

    def _dispatch_due(self) -> int:
        station = self.station
        # Even under a flood of new requests, what was accepted before gets its turn.
        room = max(self._threads, self._backlog - station.load())
        with station.database.read() as tx:
            due = ledger.due(tx, station.node, station.flows.kinds, min(_BATCH, room))
        count = 0
        for operation_id, kind, version in due:
            if station.flows.find(kind, version) is None or self._known(operation_id):
                continue
            station.dispatch(operation_id)
            count += 1
        return count

    def _count_strangers(self) -> None:
        station = self.station
        if station.dispatcher.runs_here:
            with station.database.read() as tx:
                pending = ledger.pending(tx, station.node, self._backlog + self._threads)
            station.count_strangers(pending)

    def _known(self, operation_id: str) -> bool:
        """Whether this process runs it or will: a lease that lapsed meanwhile is renewed by the keeper."""
        station = self.station
        tenure = station.held.get(operation_id)
        if operation_id in station.claimed or (tenure is not None and not tenure.lost):
            return True
        since = station.queued.get(operation_id)
        return since is not None and (station.dispatcher.runs_here or time.monotonic() - since < _FORGET)

    def _measure(self) -> None:
        moment, finished = time.monotonic(), self.station.finished
        since, before = self._seen
        if moment - since >= 1.0:
            self.rate = 0.5 * self.rate + 0.5 * (finished - before) / (moment - since)
            self._seen = (moment, finished)
