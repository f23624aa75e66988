"""Keeps the duties of one process: takes leases, holds them, runs what is due."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial

from ..errors import IsthmusError
from ..store.database import Database, Tx
from . import leases
from .duty import Duty
from .workers import Workers

log = logging.getLogger(__name__)

LEASE_SECONDS = 10.0
LONGEST_BACKOFF = 600.0
MOST_GIVEN_UP = 3
_MICROS = 1_000_000


class _Run:
    """The `DutyRun` that a duty's function gets."""

    def __init__(self, keeper: Keeper, held: _Held) -> None:
        self.name = held.duty.name
        self.epoch = held.epoch
        self.started = self.seen = time.monotonic()
        self._keeper = keeper
        self._held = held

    def held(self) -> bool:
        return self._held.valid and not self._keeper.stopping.is_set()

    def wait(self, seconds: float) -> bool:
        self.alive()
        until = time.monotonic() + seconds
        while self.held() and (left := until - time.monotonic()) > 0:
            self._keeper.stopping.wait(min(left, 0.5))
            self.alive()
        return self.held()

    def go_on(self) -> bool:
        self.alive()
        return self.held()

    def alive(self) -> None:
        self.seen = time.monotonic()


@dataclass(slots=True, eq=False)
class _Held:
    """A duty that this process holds. Times are of the monotonic clock; `*_at` are microseconds of the database's."""

    duty: Duty
    epoch: int
    valid_until: float
    due: float
    started_at: int
    ended_at: int
    error: str | None
    lost: bool = False
    run: _Run | None = None
    ended: float = 0.0
    woken: bool = False
    failures: int = 0

    @property
    def valid(self) -> bool:
        return not self.lost and time.monotonic() < self.valid_until

    @property
    def told(self) -> leases.Told:
        return leases.Told(self.started_at, self.ended_at, self.error)


@dataclass(slots=True)
class _Known:
    """A duty that this process may hold, and its runs that were given up but have not returned."""

    duty: Duty
    held: _Held | None = None
    given_up: set[_Run] = field(default_factory=set)


class Keeper:
    """Runs each duty in one process of the installation at a time.

    `owner` names this process among all others. A duty is taken when its lease (by the database's clock) has lapsed,
    and held by renewing it at a third of `lease` seconds; a process that cannot renew stops by itself before the
    lease lapses. `is_dead` may say that an owner lives no more (a killed process of this node), so that its duties
    are taken over at once.
    """

    def __init__(
        self,
        database: Database,
        owner: str,
        duties: Iterable[Duty] = (),
        *,
        lease: float = LEASE_SECONDS,
        is_dead: Callable[[str], bool] = lambda owner: False,
    ) -> None:
        self.stopping = threading.Event()
        self._database = database
        self._owner = owner
        self._lease = lease
        self._is_dead = is_dead
        self._changed = threading.Condition()
        self._known: dict[str, _Known] = {}
        self._workers = Workers("duty")
        self._thread: threading.Thread | None = None
        self._clock = 0
        self._claim_at = 0.0
        self._registered: set[str] = set()
        for duty in duties:
            self.add(duty)

    def add(self, duty: Duty) -> None:
        """Let this process hold `duty` too; raises `ValueError` when there is one of that name."""
        with self._changed:
            if duty.name in self._known:
                raise ValueError(f"there are two duties called {duty.name}")
            self._known[duty.name] = _Known(duty)
            self._claim_at = 0.0
            self._changed.notify_all()

    def start(self) -> None:
        """Begin, in threads of its own."""
        self._thread = threading.Thread(target=self._keep, name="duties", daemon=True)
        self._thread.start()

    def wake(self, name: str) -> None:
        """Run the duty soon, if this process holds it, though not before its `pause` is over. Cheap; never blocks
        for long."""
        known = self._known.get(name)
        held = known.held if known is not None else None
        if held is None or held.woken:
            return
        with self._changed:
            held.woken = True
            if held.run is None and not held.failures:
                held.due = min(held.due, held.ended + held.duty.pause)
                self._changed.notify_all()

    def holds(self, name: str) -> bool:
        """Whether this process holds the duty now."""
        known = self._known.get(name)
        return known is not None and known.held is not None and known.held.valid

    def stop(self, timeout: float = 3.0, *, release: bool = True) -> None:
        """Let runs end, for at most `timeout` seconds, and give the duties back. Idempotent.

        What still runs then keeps its lease until that lapses; without `release` everything does, as when the process
        dies.
        """
        until = time.monotonic() + timeout
        self.stopping.set()
        with self._changed:
            self._changed.notify_all()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(timeout)
        with self._changed:
            while self._running() and (left := until - time.monotonic()) > 0:
                self._changed.wait(left)
            ended = [known.held for known in self._known.values() if known.held is not None and not known.held.run]
            for held in ended:
                self._known[held.duty.name].held = None
        self._workers.stop()
        if ended and release:
            try:
                self._database.change(
                    lambda tx: [leases.release(tx, h.duty.name, self._owner, h.epoch, h.told) for h in ended]
                )
            except Exception as error:
                log.warning("giving back duties failed, they lapse in %s s: %s", self._lease, _sentence(error))

    def _running(self) -> bool:
        return any(known.held is not None and known.held.run is not None for known in self._known.values())

    def _keep(self) -> None:
        renew_at = 0.0
        while not self.stopping.is_set():
            try:
                if time.monotonic() >= self._claim_at:
                    self._claim_at = time.monotonic() + self._lease / 4
                    self._claim()
                if time.monotonic() >= renew_at:
                    renew_at = time.monotonic() + self._lease / 3
                    self._renew()
            except Exception as error:  # the database is away: leases run out by themselves, and the next try comes
                log.warning("keeping duties failed: %s", _sentence(error))
            with self._changed:
                soonest = min(self._start_due(), renew_at, self._claim_at)
                if not self.stopping.is_set():
                    self._changed.wait(max(0.0, soonest - time.monotonic()))

    def _start_due(self) -> float:
        """Start what is due; returns when the next one is."""
        moment = time.monotonic()
        soonest = moment + self._lease
        for known in self._known.values():
            held = known.held
            if held is None or held.run is not None or not held.valid:
                continue
            if held.due <= moment:
                held.woken = False
                held.run = _Run(self, held)
                held.started_at = self._clock + int(moment * _MICROS)
                self._workers.submit(partial(self._perform, held.run, held))
            else:
                soonest = min(soonest, held.due)
        return soonest

    def _perform(self, run: _Run, held: _Held) -> None:
        error: str | None = None
        try:
            held.duty.run(run)
        except Exception as raised:
            error = _sentence(raised)
            expected = isinstance(raised, IsthmusError)
            log.warning("duty %s failed: %s", run.name, error, exc_info=None if expected else raised)
        with self._changed:
            self._known[run.name].given_up.discard(run)
            if held.run is run:
                held.run = None
                held.ended = time.monotonic()
                held.ended_at = self._clock + int(held.ended * _MICROS)
                held.error = error
                held.failures = held.failures + 1 if error else 0
                held.due = held.ended + self._rest(held)
            self._changed.notify_all()

    def _rest(self, held: _Held) -> float:
        duty = held.duty
        if held.failures:
            return max(duty.pause, min(max(duty.interval, 1.0) * 2.0 ** min(held.failures, 10), LONGEST_BACKOFF))
        return duty.pause if held.woken else max(duty.interval, duty.pause)

    def _claim(self) -> None:
        """Take what is free."""
        with self._changed:
            wanted = {
                name: known.duty
                for name, known in self._known.items()
                if known.held is None and len(known.given_up) < MOST_GIVEN_UP
            }
        if not wanted:
            return
        missing = wanted.keys() - self._registered
        if missing:
            self._database.change(lambda tx: leases.register(tx, missing))
            self._registered |= missing
        asked = time.monotonic()
        with self._database.read() as tx:
            rows = [row for row in leases.rows(tx) if row.name in wanted]
        for row in rows:
            self._clock = row.clock - int(asked * _MICROS)
            dead = row.owner is not None and row.owner != self._owner and self._is_dead(row.owner)
            if row.owner in (None, self._owner) or row.lease_until <= row.clock or dead:
                self._take(row, wanted[row.name], dead)

    def _take(self, row: leases.Row, duty: Duty, dead: bool) -> None:
        asked = time.monotonic()
        lease = int(self._lease * _MICROS)
        if not self._database.change(lambda tx: leases.claim(tx, row, self._owner, lease, dead=dead), durable=True):
            return
        due = asked
        if row.last_ended > row.last_started:  # else it never ran, or died in the middle
            due += max(0.0, duty.interval - (row.clock - row.last_ended) / _MICROS)
        with self._changed:
            self._known[duty.name].held = _Held(
                duty=duty,
                epoch=row.epoch + 1,
                valid_until=asked + self._lease,
                due=due,
                started_at=row.last_started,
                ended_at=row.last_ended,
                error=row.last_error,
            )
        log.info("duty %s is held here now (epoch %s)", duty.name, row.epoch + 1)

    def _renew(self) -> None:
        with self._changed:
            for known in self._known.values():
                self._give_up_hanging(known)
            holding = [known.held for known in self._known.values() if known.held is not None]
            told = {held.duty.name: held.told for held in holding}
        if not holding:
            return
        asked = time.monotonic()
        lease = int(self._lease * _MICROS)

        def renew(tx: Tx) -> list[bool]:
            kept = []
            for held in holding:
                this = (tx, held.duty.name, self._owner, held.epoch)
                if held.lost:
                    leases.release(*this, told[held.duty.name])
                kept.append(not held.lost and leases.renew(*this, lease, told[held.duty.name]))
            return kept

        kept = self._database.change(renew)
        lapsed = []
        with self._changed:
            for held, ours in zip(holding, kept, strict=True):
                if ours:
                    held.valid_until = asked + self._lease
                else:
                    lapsed.append(held)
                    self._lose(held)
        for held in lapsed:
            log.warning("duty %s is no longer held here (epoch %s)", held.duty.name, held.epoch)

    def _give_up_hanging(self, known: _Known) -> None:
        held = known.held
        if held is None or held.run is None:
            return
        silent = time.monotonic() - held.run.seen
        if silent > held.duty.deadline:
            held.error = f"A run has hung for {silent:.0f} s and was given up."
            log.error("duty %s: a run has hung for %.0f s and is given up", held.duty.name, silent)
            held.lost = True

    def _lose(self, held: _Held) -> None:
        held.lost = True
        known = self._known[held.duty.name]
        if known.held is held:
            known.held = None
        if held.run is not None:
            known.given_up.add(held.run)


def _sentence(error: BaseException) -> str:
    text = str(error) if isinstance(error, IsthmusError) else f"{type(error).__name__}: {error}"
    return text[:1000]
