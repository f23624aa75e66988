"""Faults happen when they are wanted, once."""

from __future__ import annotations

from pathlib import Path

import pytest

from isthmus.core.drivers.contract import DriverSetup, Wanted
from isthmus.core.drivers.memory import MemoryDriver
from isthmus.core.drivers.wrappers import Crash, Fault, Faults, Moment, faulty
from isthmus.core.errors import Transient

MIB = 1 << 20
ORDER = Wanted("p", "pool", MIB, thin=False)


@pytest.fixture
def memory(tmp_path: Path) -> MemoryDriver:
    driver = MemoryDriver(DriverSetup("b", "memory", "node", {}, {}, tmp_path, tmp_path))
    driver.start()
    return driver


def test_a_fault_before_leaves_the_back_end_as_it_was(memory: MemoryDriver) -> None:
    driver = faulty(memory, Faults(Fault("create", Transient("try again"))))
    with pytest.raises(Transient):
        driver.create(ORDER)
    assert memory.inspect("p", {}) is None
    driver.create(ORDER)
    assert memory.inspect("p", {}) is not None


def test_a_fault_after_leaves_the_change_made(memory: MemoryDriver) -> None:
    driver = faulty(memory, Faults(Fault("create", Crash(), Moment.AFTER)))
    with pytest.raises(Crash):
        driver.create(ORDER)
    assert memory.inspect("p", {}) is not None


def test_the_nth_call_fails_and_no_other(memory: MemoryDriver) -> None:
    faults = Faults(Fault("inspect", Transient("third"), nth=3))
    driver = faulty(memory, faults)
    driver.create(ORDER)
    assert [_fails(driver) for _ in range(5)] == [False, False, True, False, False]
    assert faults.calls["inspect"] == 5 and faults.calls["create"] == 1 and faults.calls["*"] == 6
    assert faults.pending == ()


def test_a_fault_added_later_counts_from_then(memory: MemoryDriver) -> None:
    faults = Faults()
    driver = faulty(memory, faults)
    assert not _fails(driver)
    faults.add(Fault("*", Transient("second from now"), nth=2))
    assert [_fails(driver) for _ in range(3)] == [False, True, False]
    faults.add(Fault("inspect", Transient("never")))
    faults.clear()
    assert not _fails(driver)


def test_inside_is_every_part_of_the_call(memory: MemoryDriver) -> None:
    """Crash at each entry of a function in turn: the call is cut short at first and runs to its end at last."""
    points = 0
    for entry in range(1, 100):
        try:
            faulty(memory, Faults(Fault("create", Crash(), Moment.INSIDE, entry=entry))).create(ORDER)
        except Crash:
            points += 1
            assert memory.inspect("p", {}) is None
            assert memory.pools()[0].ours == 0
            continue
        break
    else:
        pytest.fail("the call never came to its end")
    assert points > 5
    assert memory.inspect("p", {}) is not None


def test_a_crash_passes_through_what_catches_errors() -> None:
    with pytest.raises(Crash):
        try:
            raise Crash
        except Exception:
            pytest.fail("caught")


def _fails(driver: MemoryDriver) -> bool:
    try:
        driver.inspect("p", {})
    except Transient:
        return True
    return False
