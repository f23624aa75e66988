"""One caller at a time for an object, on behalf of somebody."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from isthmus.core.datapath.object_lock import ObjectLocks
from isthmus.core.drivers.contract import DriverSetup, Export, Wanted
from isthmus.core.drivers.memory import MemoryDriver
from isthmus.core.drivers.wrappers import locked, on_behalf_of
from isthmus.core.errors import Busy

MIB = 1 << 20


class Locks:
    """Remembers what is held, in which order, for whom."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, str]] = []
        self.held: set[str] = set()

    @contextmanager
    def hold(self, object_id: str, owner: str, timeout: float) -> Iterator[None]:
        if object_id in self.held:
            raise Busy(object_id)
        self.taken.append((object_id, owner))
        self.held.add(object_id)
        try:
            yield
        finally:
            self.held.remove(object_id)


@pytest.fixture
def memory(tmp_path: Path) -> MemoryDriver:
    driver = MemoryDriver(DriverSetup("b", "memory", "node", {}, {}, tmp_path, tmp_path))
    driver.start()
    return driver


def test_a_changing_call_holds_every_object_it_names_in_one_order(memory: MemoryDriver) -> None:
    locks = Locks()
    driver = locked(memory, locks)
    with on_behalf_of("owner-1"):
        driver.create(Wanted("m", "pool", MIB, True))
        driver.snapshot("m", {}, "a")
        driver.revert(Wanted("b", "pool", MIB, True), "m", {}, "a", {})
        driver.withdraw(Export("m", "naa.6"), "attachment")
    ids = ["m", "a", "m", "a", "b", "m", "m"]
    assert locks.taken == [(object_id, "owner-1") for object_id in ids]
    assert not locks.held


def test_reading_holds_nothing_and_needs_no_owner(memory: MemoryDriver) -> None:
    locks = Locks()
    driver = locked(memory, locks)
    driver.inspect("m", {})
    driver.inspect_snapshot("a", {})
    driver.granted(Export("m", "naa.6"))
    driver.pools()
    list(driver.inventory())
    assert locks.taken == []


def test_a_call_inside_a_call_has_its_lock_already(memory: MemoryDriver) -> None:
    locks = Locks()
    driver = locked(memory, locks)
    with on_behalf_of("owner-1"):
        driver.create(Wanted("m", "pool", MIB, True))
        grown = driver.resize(Export("m", "naa.6"), lambda: driver.extend("m", {}, 2 * MIB))
        assert grown.allocated.size == 2 * MIB
        driver.delete("m", {})
    assert [object_id for object_id, _ in locks.taken] == ["m", "m", "m"]


def test_the_lock_is_released_when_the_call_fails(memory: MemoryDriver) -> None:
    locks = Locks()
    driver = locked(memory, locks)
    with on_behalf_of("owner-1"), pytest.raises(Exception, match="no-such-pool"):
        driver.create(Wanted("m", "no-such-pool", MIB, True))
    assert not locks.held


def test_a_change_on_behalf_of_nobody_is_a_mistake(memory: MemoryDriver) -> None:
    driver = locked(memory, Locks())
    with pytest.raises(RuntimeError, match="on behalf of nobody"):
        driver.delete("m", {})


def test_two_threads_do_not_meet_on_one_object(memory: MemoryDriver, tmp_path: Path) -> None:
    driver = locked(memory, ObjectLocks(tmp_path / "locks", lambda owner: True), timeout=0.05)
    entered, leave = threading.Event(), threading.Event()
    memory.create(Wanted("m", "pool", MIB, True))
    memory.create(Wanted("other", "pool", MIB, True))

    def grow_slowly() -> None:
        def grow() -> object:
            entered.set()
            leave.wait(10)
            return memory.extend("m", {}, 2 * MIB)

        with on_behalf_of("slow"):
            driver.resize(Export("m", "naa.6"), grow)  # type: ignore[arg-type]

    thread = threading.Thread(target=grow_slowly)
    thread.start()
    try:
        assert entered.wait(10)
        with on_behalf_of("quick"):
            driver.delete("other", {})
            with pytest.raises(Busy):
                driver.delete("m", {})
    finally:
        leave.set()
        thread.join()
    with on_behalf_of("quick"):
        driver.delete("m", {})
