"""The journal: accepted operations are run to their end, or taken back, whatever dies meanwhile."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable

from ..dispatchers.contract import Dispatcher
from ..dispatchers.local import LocalDispatcher
from ..errors import Overloaded, Unavailable
from ..model.operation import Operation
from ..store.database import Database
from . import control, ledger, operations
from .keeper import Keeper
from .operations import calling
from .owner import new_owner, retire
from .registry import Flows
from .station import Ended, Retries, Station, Timing
from .stepper import Stepper
from .sweeper import Sweeper

_LONGEST_RETRY_AFTER = 30


class Journal:
    """One journal of one process.

    `node` is the name of this machine for steps that must run on it. `lease`, `heartbeat` and `sweep` are in seconds;
    after a process dies without a word, another takes over within `lease + sweep`. `threads` operations run at a time;
    at most `backlog` more may wait for a thread or for their next try (those that wait for a time or for others do not
    count). `ended` is called in the transaction in which an
    operation ends or comes to need attention, `on_end` after its commit, both with the operation.
    """

    def __init__(
        self,
        database: Database,
        flows: Flows,
        *,
        node: str,
        owner: str | None = None,
        lease: float = 10.0,
        heartbeat: float = 3.0,
        sweep: float = 2.0,
        threads: int = 8,
        backlog: int = 256,
        dispatcher: Dispatcher | None = None,
        retries: Retries | None = None,
        ended: Ended | None = None,
        on_end: Callable[[Operation], None] | None = None,
    ) -> None:
        self.owner = new_owner(node) if owner is None else owner
        self.node = node
        self._threads, self._backlog = threads, backlog
        self._station = Station(
            database,
            flows,
            dispatcher if dispatcher is not None else LocalDispatcher(),
            node=node,
            owner=self.owner,
            timing=Timing(lease, heartbeat, sweep),
            retries=retries if retries is not None else Retries(),
            ended=ended,
            on_end=on_end,
        )
        self._stepper = Stepper(self._station)
        self._keeper = Keeper(self._station)
        self._sweeper = Sweeper(self._station, backlog, threads)
        self._ended = False

    def start(self) -> None:
        """Start the threads, and take over at once what dead processes of this node left. Raises `Unavailable`."""
        self._station.dispatcher.start(self._stepper.run, self._threads)
        try:
            self._sweeper.sweep()
        except Unavailable:
            self._station.dispatcher.stop()
            raise
        self._keeper.start()
        self._sweeper.start()

    def stop(self, drain: float = 3.0) -> None:
        """Take up nothing more, give running steps `drain` seconds, then release what has not ended, so that another
        process takes it up at once; a step that still runs here is fenced out. Idempotent."""
        if self._ended:
            return
        self._ended = True
        station = self._station
        station.stopping.set()
        station.dispatcher.stop()
        for tenure in list(station.held.values()):
            tenure.signal()
        station.claimed.clear()
        until = time.monotonic() + drain
        while station.held and time.monotonic() < until:
            time.sleep(0.01)
        with contextlib.suppress(Unavailable):
            station.change(lambda tx: ledger.release_all(tx, self.owner), durable=True)
        retire(self.owner)
        station.over.set()
        station.alarm.set()
        self._keeper.join(1.0)
        self._sweeper.join(1.0)

    def kill(self, timeout: float = 5.0) -> bool:
        """For tests: stop as a process does that dies. Nothing is written any more, no lease is released.

        Steps that are in the middle of a call of a driver cannot be stopped; they are waited for `timeout` seconds.
        Returns whether none is left.
        """
        station = self._station
        station.kill()
        self._ended = True
        station.stopping.set()
        station.over.set()
        station.alarm.set()
        station.dispatcher.stop()
        for tenure in list(station.held.values()):
            tenure.signal()
        retire(self.owner)
        until = time.monotonic() + timeout
        while station.held and time.monotonic() < until:
            time.sleep(0.002)
        return not station.held

    def admit(self) -> None:
        """Raise `Overloaded` when more operations wait than can be finished soon. Steps are always admitted, since
        what they ask for is needed to finish what was accepted."""
        load = self._station.live()
        if load < self._backlog + self._threads or calling.get() is not None:
            return
        rate = max(self._sweeper.rate, 1.0)
        after = max(1, min(_LONGEST_RETRY_AFTER, math.ceil(load / rate)))
        raise Overloaded(
            f"{load} operations have not ended; no more are accepted now.",
            next_step=f"Repeat the request in {after} s.",
            retry_after=after,
        )

    def claim(self, node: str | None = None) -> str | None:
        """As whom to accept an operation whose first step runs on `node`: this journal's owner, or None when others
        may run it."""
        here = self._station.dispatcher.runs_here and node in (None, self.node)
        return self.owner if here else None

    def submit(self, operation_id: str) -> None:
        """Run an operation whose accepting transaction has been committed, claimed for this journal's owner or not."""
        station = self._station
        if station.dead:
            return
        if station.stopping.is_set():
            station.change(lambda tx: ledger.release(tx, self.owner, operation_id))
            return
        if station.dispatcher.runs_here:
            station.claimed[operation_id] = time.monotonic()
        station.dispatch(operation_id)

    def running(self, operation_id: str) -> Operation | None:
        """The operation as its runner in this process knows it; None when none here has it."""
        tenure = self._station.held.get(operation_id)
        return None if tenure is None else tenure.operation

    def wait(self, operation_id: str, timeout: float) -> Operation:
        """The operation as soon as it has ended or needs attention, or as it is after `timeout` seconds.

        Raises `NotFound` and `Unavailable`.
        """
        station = self._station

        def look() -> Operation:
            with station.database.read() as tx:
                return operations.get(tx, operation_id)

        return station.waiters.wait(
            operation_id, timeout, look, lambda: operation_id in station.claimed or operation_id in station.held
        )

    def cancel(self, operation_id: str) -> Operation:
        """Ask that it be taken back; see `control.cancel`. Raises `Conflict`, `NotFound`."""
        return control.cancel(self._station, operation_id)

    def retry(self, operation_id: str) -> Operation:
        """Let an operation that needs attention go on at its step. Raises `Conflict`, `NotFound`."""
        return control.retry(self._station, operation_id)

    def abandon(self, operation_id: str) -> Operation:
        """End an operation that needs attention as it stands. Raises `Conflict`, `NotFound`."""
        return control.abandon(self._station, operation_id)

    def sweep(self) -> int:
        """Look at once for operations that nobody runs; returns how many were found."""
        return self._sweeper.sweep()

    @property
    def backlog(self) -> int:
        """How many operations were accepted here and have not ended, but for those that wait for others."""
        return self._station.live()
