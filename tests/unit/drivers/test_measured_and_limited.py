"""Calls are measured, and no more of them run at once than wanted."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from isthmus.core.drivers.contract import Allocated, DriverSetup, Export, Wanted
from isthmus.core.drivers.memory import MemoryDriver
from isthmus.core.drivers.wrappers import limited, measured
from isthmus.core.errors import Busy, Refused
from isthmus.core.progress import Stopped

MIB = 1 << 20


class Notes:
    def __init__(self) -> None:
        self.taken: list[tuple[str, str, str]] = []
        self.seconds: list[float] = []

    def observe(self, subject: str, method: str, seconds: float, outcome: str) -> None:
        self.taken.append((subject, method, outcome))
        self.seconds.append(seconds)


@pytest.fixture
def memory(tmp_path: Path) -> MemoryDriver:
    driver = MemoryDriver(DriverSetup("b", "memory", "node", {}, {}, tmp_path, tmp_path))
    driver.start()
    return driver


def test_every_call_is_reported_with_its_outcome(memory: MemoryDriver) -> None:
    notes = Notes()
    driver = measured(memory, notes, "array-1")
    driver.create(Wanted("p", "pool", MIB, True))
    with pytest.raises(Refused):
        driver.create(Wanted("q", "no-such-pool", MIB, True))
    with pytest.raises(AttributeError):
        driver.create(None)  # type: ignore[arg-type]
    assert notes.taken == [
        ("array-1", "create", "ok"),
        ("array-1", "create", "storage_refused"),
        ("array-1", "create", "bug"),
    ]
    assert all(seconds > 0 for seconds in notes.seconds)


def test_no_more_calls_run_at_once_than_allowed(memory: MemoryDriver) -> None:
    driver = limited(memory, calls=2)
    guard, running, most = threading.Lock(), 0, 0
    full = threading.Event()
    memory.create(Wanted("p", "pool", MIB, True))

    def grow() -> Allocated:
        nonlocal running, most
        with guard:
            running += 1
            most = max(most, running)
            if running == 2:
                full.set()
        full.wait(10)
        with guard:
            running -= 1
        return Allocated("p", "pool", MIB)

    with ThreadPoolExecutor(6) as threads:
        list(threads.map(lambda _: driver.resize(Export("p", "naa.6"), grow), range(6)))
    assert most == 2


def test_who_waits_too_long_is_told_that_it_is_busy(memory: MemoryDriver) -> None:
    driver = limited(memory, calls=1, timeout=0.02)
    memory.create(Wanted("p", "pool", MIB, True))
    with ThreadPoolExecutor(1) as thread:

        def grow() -> Allocated:
            with pytest.raises(Busy, match="1 calls are running"):
                thread.submit(driver.inspect, "p", {}).result(10)
            thread.submit(driver.stop).result(10)
            return driver.extend("p", {}, 2 * MIB)

        assert driver.resize(Export("p", "naa.6"), grow).allocated.size == 2 * MIB
    assert driver.inspect("p", {}) is not None


def test_a_call_whose_result_nobody_wants_any_more_is_no_defect(tmp_path: Path) -> None:
    class Unwanted(MemoryDriver):
        def create(self, wanted: Wanted) -> Allocated:
            raise Stopped

    notes = Notes()
    driver = measured(Unwanted(DriverSetup("b", "memory", "node", {}, {}, tmp_path, tmp_path)), notes, "array-1")
    with pytest.raises(Stopped):
        driver.create(Wanted("p", "pool", MIB, True))
    assert notes.taken == [("array-1", "create", "stopped")]
