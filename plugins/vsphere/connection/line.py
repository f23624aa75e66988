"""The way to one vCenter: so many calls at a time, each with an end, and none at all while it is known to be dead.

So a vCenter that does not answer costs its own callers a refusal with the reason, and everybody else nothing.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextvars import copy_context
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import TypeVar

from ....core.errors import Overloaded
from .errors import CertificateExpired, Unreachable, WrongCertificate

CALLS_AT_ONCE = 8
FIRST_PAUSE = 1.0
LONGEST_PAUSE = 60.0
_PATIENCE = 1.0
_IDLE_SECONDS = 30.0
"""How long a thread waits for its next call."""

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Condition:
    """Whether calls are let through, and if not why and for how many seconds to come."""

    open: bool
    reason: str = ""
    seconds: float = 0.0


class Line:
    """Calls to the vCenter called `name`. After a failure of the way (no fault of the vCenter's) no call is let
    through for a while, which doubles each time; then one is tried. Safe for several threads."""

    def __init__(self, name: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.name = name
        self._clock = clock
        self._places = threading.BoundedSemaphore(CALLS_AT_ONCE)
        self._lock = threading.Lock()
        self._reason = ""
        self._next_step: str | None = None
        self._until = 0.0
        self._pause = 0.0
        self._handed: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._idle = 0

    def condition(self) -> Condition:
        """How it is now."""
        with self._lock:
            left = self._until - self._clock()
            return Condition(not self._reason, self._reason, max(0.0, left))

    def call(self, work: Callable[[], Answer], *, seconds: float) -> Answer:
        """What `work` returns or raises, after `seconds` at most.

        Raises `Unreachable` at once while the vCenter is taken for dead, and when the time is over; `Overloaded` when
        too many calls are under way. Work that is given up goes on until its own timeouts end it.
        """
        self._admit()
        if not self._places.acquire(timeout=min(_PATIENCE, seconds)):
            raise Overloaded(
                f"vCenter {self.name} has more to answer than it manages.", next_step="Try again.", retry_after=2
            )
        future: Future[Answer] = Future()

        def run() -> None:
            try:
                future.set_result(work())
            except BaseException as error:
                future.set_exception(error)
            finally:
                self._places.release()

        context = copy_context()
        self._hand_over(lambda: context.run(run))
        try:
            answer = future.result(seconds)
        except (Unreachable, WrongCertificate, CertificateExpired) as error:
            self._failed(error.message, error.next_step)
            raise
        except TimeoutError:
            late = Unreachable(
                f"vCenter {self.name} did not answer within {seconds:.0f} s.",
                next_step="Check the load of the vCenter and the network between.",
                vcenter=self.name,
            )
            self._failed(late.message, late.next_step)
            raise late from None
        except BaseException:
            self._answered()
            raise
        self._answered()
        return answer

    def forgive(self) -> None:
        """Let the next call through: something was changed that may have mended it."""
        self._answered()

    def _hand_over(self, run: Callable[[], None]) -> None:
        """To a thread that has nothing to do, or to a new one: to start one for each call would cost more than the
        call."""
        with self._lock:
            needed = self._idle == 0
            if not needed:
                self._idle -= 1
        self._handed.put(run)
        if needed:
            threading.Thread(target=self._work, name=f"vcenter-{self.name}", daemon=True).start()

    def _work(self) -> None:
        while True:
            try:
                run = self._handed.get(timeout=_IDLE_SECONDS)
            except Empty:
                with self._lock:
                    if self._idle:
                        self._idle -= 1
                        return
                continue  # somebody counts on this thread already
            run()
            # What it held must not live on until the next call.
            del run
            with self._lock:
                self._idle += 1

    def _admit(self) -> None:
        with self._lock:
            left = self._until - self._clock()
            if left > 0:
                raise Unreachable(
                    self._reason, next_step=self._next_step, vcenter=self.name, retry_after=max(1, round(left))
                )
            if self._reason:
                # This one call tries; the others are told no until it has come back or taken too long.
                self._until = self._clock() + self._pause

    def _failed(self, reason: str, next_step: str | None) -> None:
        with self._lock:
            self._reason, self._next_step = reason, next_step
            self._pause = min(LONGEST_PAUSE, self._pause * 2 or FIRST_PAUSE)
            self._until = self._clock() + self._pause

    def _answered(self) -> None:
        with self._lock:
            self._reason, self._next_step, self._until, self._pause = "", None, 0.0, 0.0
