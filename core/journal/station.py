"""What the parts of one journal share: its settings, what it holds, and the only way to write."""

from __future__ import annotations

import heapq
import logging
import random
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

from ..dispatchers.contract import Dispatcher
from ..errors import Unavailable
from ..model.operation import Operation
from ..store.database import Database, Tx
from .registry import Flows
from .tenure import Tenure
from .waiting import Waiters

T = TypeVar("T")
_log = logging.getLogger(__name__)

Ended = Callable[[Tx, Operation], None]


class Dead(BaseException):
    """This journal was killed: nothing it does may be written. No step catches it."""


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds. A lease must outlast several heartbeats."""

    lease: float = 10.0
    heartbeat: float = 3.0
    sweep: float = 2.0


@dataclass(frozen=True, slots=True)
class Retries:
    """How a failed step is tried again; pauses are in seconds.

    A pause up to `held_pause` keeps the thread, a longer one gives it up. From the pivot on and when undoing, a step
    is tried for `patience` times its deadline. The time it waits for other operations does not count, so the number
    of tries is bounded as well: by `tries` and what fits into the deadline. A step whose runner died `crashes` times
    is not taken up once more.
    """

    first_pause: float = 0.1
    longest_pause: float = 10.0
    held_pause: float = 0.25
    patience: float = 3.0
    tries: int = 30
    crashes: int = 10

    def pause(self, attempt: int) -> float:
        """How long to wait after the given failed attempt: doubling, with jitter."""
        full = min(self.longest_pause, self.first_pause * 2.0 ** min(attempt - 1, 30))
        return float(full * random.uniform(0.5, 1.0))  # noqa: S311 - jitter, not a secret

    def again(self, attempt: int, age: float, pause: float, deadline: float) -> bool:
        """Whether a step that has failed `attempt` times within `age` seconds is tried again after `pause`."""
        return age + pause <= deadline and attempt < self.tries + deadline / max(self.longest_pause, 0.01)


class Station:
    """One journal's common ground.

    `stopping` says that nothing more is taken up, `over` that nothing is held any more. `claimed` is what this
    process owns and no thread has begun (with the time of the last renewal), `held` what threads run, `queued` what
    was given to the dispatcher, `paused` what is given to it when the pause before its next try is over. `strangers` is
    how many more there are that nobody runs and this process has not begun to know, as of the last sweep.
    """

    def __init__(
        self,
        database: Database,
        flows: Flows,
        dispatcher: Dispatcher,
        *,
        node: str,
        owner: str,
        timing: Timing,
        retries: Retries,
        ended: Ended | None,
        on_end: Callable[[Operation], None] | None,
    ) -> None:
        self.database, self.flows, self.dispatcher = database, flows, dispatcher
        self.node, self.owner, self.timing, self.retries = node, owner, timing, retries
        self.ended, self.on_end = ended, on_end
        self.held: dict[str, Tenure] = {}
        self.claimed: dict[str, float] = {}
        self.queued: dict[str, float] = {}
        self.paused: set[str] = set()
        self.strangers = 0
        self.waiters = Waiters()
        self.stopping = threading.Event()
        self.over = threading.Event()
        self.alarm = threading.Event()
        self.dead = False
        self.finished = 0
        self._gate = threading.Condition()
        self._writing = 0
        self._timers: list[tuple[float, str]] = []

    def change(self, work: Callable[[Tx], T], *, durable: bool = False) -> T:
        """Write, unless this journal was killed; raises `Dead` then."""

        def unless_dead(tx: Tx) -> T:
            result = work(tx)
            if self.dead:
                raise Dead
            return result

        with self._gate:
            if self.dead:
                raise Dead
            self._writing += 1
        try:
            return self.database.change(unless_dead, durable=durable)
        finally:
            with self._gate:
                self._writing -= 1
                self._gate.notify_all()

    def insist(self, work: Callable[[Tx], T], *, durable: bool = False) -> T:
        """Write, and while the database does not answer try again until it does; raises `Unavailable` when the
        journal stops meanwhile. `work` may thus run twice and must be fenced."""
        return self._insisting(lambda: self.change(work, durable=durable))

    def look(self, work: Callable[[Tx], T]) -> T:
        """Read, and insist likewise."""

        def read() -> T:
            with self.database.read() as tx:
                return work(tx)

        return self._insisting(read)

    def _insisting(self, call: Callable[[], T]) -> T:
        pause = 0.05
        while True:
            try:
                return call()
            except Unavailable as error:
                if self.stopping.wait(pause):
                    raise
                _log.warning("the database does not answer, a runner waits for it: %s", error)
                pause = min(2.0, pause * 2)

    def kill(self) -> None:
        """Write nothing from now on; returns when no write is under way."""
        with self._gate:
            self.dead = True
            for tenure in list(self.held.values()):
                tenure.lost = True
            while self._writing:
                self._gate.wait()

    def dispatch(self, operation_id: str, node: str | None = None) -> None:
        """Ask for a runner; if the carrier is down, the sweeper asks again."""
        self.paused.discard(operation_id)
        if self.dead or self.stopping.is_set():
            return
        if node in (None, self.node):
            self.queued[operation_id] = time.monotonic()
        elif self.dispatcher.runs_here:
            return  # The sweeper of that node finds it.
        try:
            self.dispatcher.dispatch(operation_id, node)
        except Unavailable as error:
            self.queued.pop(operation_id, None)
            _log.warning("the dispatcher does not answer: %s", error)

    def dispatch_later(self, operation_id: str, delay: float) -> None:
        """Ask for a runner in `delay` seconds."""
        with self._gate:
            heapq.heappush(self._timers, (time.monotonic() + delay, operation_id))
        self.alarm.set()

    def retry_later(self, operation_id: str, delay: float) -> None:
        """Ask for a runner for its next try, in `delay` seconds."""
        self.paused.add(operation_id)
        self.dispatch_later(operation_id, delay)

    def ring(self) -> float:
        """Dispatch what is due now; returns the seconds until the next, at most 3600."""
        ready = []
        with self._gate:
            moment = time.monotonic()
            while self._timers and self._timers[0][0] <= moment:
                ready.append(heapq.heappop(self._timers)[1])
            left = self._timers[0][0] - moment if self._timers else 3600.0
        for operation_id in ready:
            self.dispatch(operation_id)
        return left

    def load(self) -> int:
        """How many operations wait for a thread of this process or have one."""
        waiting = len(self.queued) if self.dispatcher.runs_here else self.dispatcher.backlog()
        return waiting + len(self.held)

    def live(self) -> int:
        """How many operations were accepted for this process and have not ended, but for those that wait for others or
        for a time."""
        return self.load() + len(self.paused) + self.strangers

    def count_strangers(self, pending: Iterable[str]) -> None:
        """Note how many of `pending`, which nobody runs, this process does not know of."""
        with self._gate:
            known = {operation_id for _, operation_id in self._timers}
        known |= {*self.queued, *self.held, *self.claimed}
        self.strangers = sum(operation_id not in known for operation_id in pending)

    def announce(self, operation: Operation) -> None:
        """Tell the threads and parts of this process that an operation has ended or needs attention."""
        self.finished += 1
        self.waiters.notify(operation)
        if self.on_end is not None:
            try:
                self.on_end(operation)
            except Exception:
                _log.exception("telling the end of operation %s failed [%s]", operation.id, operation.request_id)
