"""An object that an abandoned call still works on is left alone until that call ends."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from isthmus.core.drivers.contract import DriverSetup, Wanted
from isthmus.core.drivers.memory.driver import MemoryDriver
from isthmus.core.drivers.wrappers import Bound, alone, bounded
from isthmus.core.drivers.wrappers.wrapper import Call, wrap
from isthmus.core.errors import Busy, Transient

WANTED = Wanted("p1", "pool", 1 << 20, True)


class Hanging:
    """A memory driver whose calls wait for `go`."""

    def __init__(self, folder: Path) -> None:
        setup = DriverSetup("b", "b", "n", {}, {}, folder, folder)
        self.go = threading.Event()
        self.inner = MemoryDriver(setup)
        self.inner.start()
        self.busy: set[str] = set()
        self.bound = Bound()
        self.driver = self.wrapped()

    def wrapped(self) -> MemoryDriver:
        def around(call: Call, proceed: object) -> object:
            assert self.go.wait(20)
            return proceed()  # type: ignore[operator]

        return bounded(alone(wrap(self.inner, around), self.busy), 0.05, self.bound)


@pytest.fixture
def hanging(tmp_path: Path) -> Hanging:
    return Hanging(tmp_path)


def test_a_call_for_an_object_that_a_hanging_call_has_is_refused_as_busy(hanging: Hanging) -> None:
    with pytest.raises(Transient):
        hanging.driver.create(WANTED)
    with pytest.raises(Busy):
        hanging.driver.delete("p1", {})


def test_that_holds_also_for_a_driver_that_was_made_anew(hanging: Hanging) -> None:
    with pytest.raises(Transient):
        hanging.driver.create(WANTED)
    with pytest.raises(Busy):
        hanging.wrapped().delete("p1", {})


def test_when_the_hanging_call_has_ended_the_object_can_be_worked_on_again(hanging: Hanging) -> None:
    with pytest.raises(Transient):
        hanging.driver.create(WANTED)
    hanging.go.set()
    for _ in range(2000):
        if not hanging.bound.hung:
            break
        threading.Event().wait(0.005)
    assert alone(hanging.inner, hanging.busy).create(WANTED).size == WANTED.size
    assert hanging.busy == set()


def test_other_objects_and_reading_are_not_held_up_by_it(hanging: Hanging) -> None:
    with pytest.raises(Transient):
        hanging.driver.create(WANTED)
    with pytest.raises(Transient):
        hanging.driver.create(Wanted("p2", "pool", 1 << 20, True))
    with pytest.raises(Transient):
        hanging.driver.inspect("p1", {})


def test_a_call_inside_a_call_has_its_objects(tmp_path: Path) -> None:
    hanging = Hanging(tmp_path)
    hanging.go.set()
    hanging.inner.create(WANTED)

    def around(call: Call, proceed: object) -> object:
        if call.method == "delete":
            assert outer.extend("p1", {}, 2 << 20).size == 2 << 20
        return proceed()  # type: ignore[operator]

    outer = alone(hanging.inner, hanging.busy)
    alone(wrap(outer, around), hanging.busy).delete("p1", {})
