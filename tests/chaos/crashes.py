"""Points at which an engine can be made to die, or a back end to fail: each transaction and each driver call."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from typing import Any, TypeVar

from isthmus.core.drivers.contract import DriverSetup
from isthmus.core.drivers.memory.driver import MemoryDriver
from isthmus.core.errors import Failed
from isthmus.core.store.database import Database, Tx

T = TypeVar("T")

CHANGING = ["create", "delete", "extend", "snapshot", "live_snapshot", "delete_snapshot", "revert", "clone_snapshot", "clone", "grant", "withdraw", "resize"]
READING = ("inspect", "inspect_snapshot", "granted")


class Crash(BaseException):
    """The process dies here."""


class CrashPoints:
    """Counts the points that the threads under test pass, and dies at the chosen one.

    `dies_at` is the number of the point (from 1) at which everything stops, None to count only. `fails_at` is the
    number of the driver call that raises `Failed` after it did its work, which is the worst moment.
    """

    def __init__(self) -> None:
        self.arm()
        self._lock = threading.Lock()
        self._mine: set[str] = set()

    def arm(self, *, dies_at: int | None = None, fails_at: int | None = None) -> None:
        """Start counting anew."""
        self.passed, self.calls = 0, 0
        self.names: list[str] = []
        self.dies_at, self.fails_at = dies_at, fails_at
        self.died = threading.Event()

    def point(self, name: str) -> None:
        """Pass a point, or die there."""
        if not _under_test():
            return
        with self._lock:
            if self.died.is_set():
                raise Crash(name)
            self.passed += 1
            self.names.append(name)
            if self.dies_at == self.passed:
                self.died.set()
                raise Crash(name)

    def call(self, name: str) -> None:
        """A driver call has done its work; it may be the one that fails nevertheless."""
        if not _under_test():
            return
        with self._lock:
            self.calls += 1
            failing = self.fails_at == self.calls
        if failing:
            raise Failed(f"The back end failed in {name}, as it was told to.")


def _under_test() -> bool:
    """Runners and the thread that makes the request; not heartbeats, sweepers and duties."""
    name = threading.current_thread().name
    return name.startswith(("isthmus-runner", "MainThread", "request"))


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
            result = original(self, *args, **kwargs)
            points.point(f"after {name}")
            if name in CHANGING:
                points.call(name)
            return result

        return method

    return type("CrashingDriver", (MemoryDriver,), {name: around(name) for name in (*CHANGING, *READING)})
