"""The thread that keeps what this process holds: renews leases, watches deadlines, wakes what is to be tried again."""

from __future__ import annotations

import logging
import threading
import time

from ..errors import Unavailable
from ..store.database import Tx
from . import ledger
from .attention import give_up, hanging
from .station import Dead, Station
from .tenure import Tenure

_log = logging.getLogger(__name__)
_LONGEST_TICK = 1.0


class Keeper:
    """Renews, watches and rings until the journal stops."""

    def __init__(self, station: Station) -> None:
        self.station = station
        self._tick = min(_LONGEST_TICK, station.timing.heartbeat)
        self._thread = threading.Thread(target=self._work, name="isthmus-keeper", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def join(self, timeout: float) -> None:
        if self._thread.is_alive():
            self._thread.join(timeout)

    def _work(self) -> None:
        station, last = self.station, time.monotonic()
        left = self._tick
        while not station.over.is_set():
            station.alarm.wait(max(0.0, min(self._tick, left)))
            station.alarm.clear()
            try:
                left = station.ring()
                moment = time.monotonic()
                if moment - last > self._tick + station.timing.heartbeat:
                    self.forgive(moment - last)
                last = moment
                self.look(moment)
            except Dead:
                return
            except Unavailable as error:
                _log.warning("leases could not be renewed: %s", error)
            except Exception:
                _log.exception("keeping leases failed")

    def forgive(self, pause: float) -> None:
        """This whole process was stopped for a while: no step hung on its own account."""
        for tenure in list(self.station.held.values()):
            if tenure.watched is not None:
                tenure.watched += pause

    def look(self, moment: float) -> None:
        """Give up what hangs, renew what is due."""
        held = list(self.station.held.items())
        for operation_id, tenure in held:
            # Where it stands is read before the watch: if the runner moves on meanwhile, the write is refused.
            hold, deadline, watched = tenure.hold(), tenure.step.deadline, tenure.watched
            if watched is not None and not tenure.lost and moment - watched > deadline:
                self._hung(operation_id, tenure, hold, watched)
        self._renew(moment, [tenure for _, tenure in held if not tenure.lost])

    def _hung(self, operation_id: str, tenure: Tenure, hold: ledger.Hold, watched: float) -> None:
        station, thread = self.station, tenure.thread
        error = hanging(tenure, time.monotonic() - watched)
        if not give_up(station, tenure, error, hold, lambda: tenure.watched == watched):
            return
        tenure.lost = True
        if station.held.get(operation_id) is tenure:
            del station.held[operation_id]
        if thread is not None:
            station.dispatcher.replace(thread)

    def _renew(self, moment: float, held: list[Tenure]) -> None:
        station, timing = self.station, self.station.timing
        due = {t.operation.id: t for t in held if moment - t.renewed >= timing.heartbeat}
        queued = [i for i, renewed in list(station.claimed.items()) if moment - renewed >= timing.heartbeat]
        told = [t for t in held if not t.told]
        if not due and not queued and not told:
            return
        wanted = [*due, *queued]

        def work(tx: Tx) -> dict[str, tuple[int, bool]]:
            for tenure in told:
                tenure.told = True
                ledger.tell(tx, tenure.hold(), tenure.progress, tenure.note)
            return ledger.renew(tx, station.owner, wanted, timing.lease) if wanted else {}

        alive = station.change(work)
        for operation_id, tenure in due.items():
            epoch, cancel = alive.get(operation_id, (-1, False))
            if epoch != tenure.epoch:
                tenure.lost = True
                continue
            tenure.renewed = moment
            if cancel and not tenure.cancel:
                tenure.cancel = True
                tenure.signal()
        for operation_id in queued:
            if operation_id not in alive:
                station.claimed.pop(operation_id, None)
            elif operation_id in station.claimed:
                station.claimed[operation_id] = moment
