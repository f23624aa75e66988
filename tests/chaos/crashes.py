"""Points at which an engine can be made to die, a request be taken back, or a back end fail.

They are each transaction and each driver call.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from enum import StrEnum
from typing import Any, TypeVar

from isthmus.core.drivers.contract import DriverSetup
from isthmus.core.drivers.memory.driver import MemoryDriver
from isthmus.core.errors import Failed, Refused, Transient
from isthmus.core.store.database import Database, Tx

T = TypeVar("T")

CHANGING = (
    "create",
    "delete",
    "extend",
    "snapshot",
    "live_snapshot",
    "delete_snapshot",
    "revert",
    "clone_snapshot",
    "clone",
    "grant",
    "withdraw",
    "resize",
)
READING = ("inspect", "inspect_snapshot", "granted")


class Crash(BaseException):
    """The process dies here."""


class Failure(StrEnum):
    """How a call of the back end fails: after its work, which is the worst moment, or before it."""

    FAILED = "fails after its work"
    REFUSED = "refuses before its work"
    TRANSIENT = "loses its answer"


_RAISED = {Failure.FAILED: Failed, Failure.REFUSED: Refused, Failure.TRANSIENT: Transient}


class CrashPoints:
    """Counts the points that the threads under test pass, and acts at the chosen one.

    `dies_at` is the number of the point (from 1) at which everything stops, `cancels_at` that at which `cancel` is
    called, `fails_at` the number of the driver call that goes wrong as `failure` says. None: never.
    `turned` is how many points had been passed when the failure or the cancel came.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.cancel: Callable[[], None] = lambda: None
        self.arm()

    def arm(
        self,
        *,
        dies_at: int | None = None,
        fails_at: int | None = None,
        failure: Failure = Failure.FAILED,
        cancels_at: int | None = None,
    ) -> None:
        """Start counting anew."""
        self.passed, self.calls, self.turned = 0, 0, 0
        self.dies_at, self.fails_at, self.failure, self.cancels_at = dies_at, fails_at, failure, cancels_at
        self.died = threading.Event()

    def point(self, name: str) -> None:
        """Pass a point, or die there."""
        if not _under_test():
            return
        with self._lock:
            if self.died.is_set():
                raise Crash(name)
            self.passed += 1
            if self.dies_at == self.passed:
                self.died.set()
                raise Crash(name)
            cancelling = self.cancels_at == self.passed
            if cancelling:
                self.turned = self.passed
        if cancelling:
            self._cancel(name)

    def call(self, after: bool) -> None:
        """A driver call is about to begin, or has done its work; it may be the one that fails."""
        if not _under_test():
            return
        with self._lock:
            if not after:
                self.calls += 1
            failing = self.fails_at == self.calls and after is (self.failure is not Failure.REFUSED)
            if failing:
                self.turned = self.passed
        if failing:
            raise _RAISED[self.failure]("The back end was told to go wrong.")

    def _cancel(self, name: str) -> None:
        thread = threading.Thread(target=self.cancel, name="canceller")
        thread.start()
        # Within a transaction the cancel has to wait for it.
        if name != "before a commit":
            thread.join(5.0)


def _under_test() -> bool:
    """Runners and the thread that makes the request; not heartbeats, sweepers and duties."""
    return threading.current_thread().name.startswith(("isthmus-runner", "MainThread"))


class CrashingDatabase(Database):
    """A database whose transactions are points: before, between the writes and the commit, and after it."""

    points: CrashPoints

    def change(self, work: Callable[[Tx], T], *, durable: bool = False) -> T:
        self.points.point("before a transaction")

        def cut_short(tx: Tx) -> T:
            result = work(tx)
            self.points.point("before a commit")
            return result

        result = super().change(cut_short, durable=durable)
        self.points.point("after a commit")
        return result


def crashing_driver(points: CrashPoints) -> Callable[[DriverSetup], MemoryDriver]:
    """The memory driver with a point before and after each call."""

    def around(name: str) -> Callable[..., Any]:
        original = getattr(MemoryDriver, name)

        @functools.wraps(original)
        def method(self: MemoryDriver, *args: Any, **kwargs: Any) -> Any:
            points.point(f"before {name}")
            points.call(after=False)
            result = original(self, *args, **kwargs)
            points.point(f"after {name}")
            points.call(after=True)
            return result

        return method

    return type("CrashingDriver", (MemoryDriver,), {name: around(name) for name in (*CHANGING, *READING)})
