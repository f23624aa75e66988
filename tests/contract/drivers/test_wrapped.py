"""A driver inside all wrappers keeps every promise still."""

from __future__ import annotations

from pathlib import Path

import pytest

from isthmus.core.drivers.contract import Allocated, Driver, DriverSetup, Wanted
from isthmus.core.drivers.memory import MemoryDriver
from isthmus.core.drivers.wrappers import Bound, Faults, alone, bounded, faulty, limited, measured, unwrap
from isthmus.core.progress import heard, report

from .bench import Bench
from .clones import ClonesSuite
from .driver import DriverSuite
from .extends import ExtendsSuite
from .live_snapshots import LiveSnapshotsSuite
from .meters import MetersSuite
from .publishes import PublishesSuite
from .reverts import RevertsSuite
from .snapshots import SnapshotsSuite
from .test_memory import MemoryBench


class _Silent:
    def observe(self, subject: str, method: str, seconds: float, outcome: str) -> None:
        pass


class WrappedBench(MemoryBench):
    kills = 4

    def driver(self) -> Driver:
        return bounded(
            limited(measured(faulty(super().driver(), Faults()), _Silent(), "array"), calls=4), 30.0, Bound()
        )

    def traced(self, driver: Driver) -> list[Path]:
        return [*super().traced(unwrap(driver))]


class TestWrapped(
    DriverSuite,
    ExtendsSuite,
    SnapshotsSuite,
    LiveSnapshotsSuite,
    RevertsSuite,
    ClonesSuite,
    PublishesSuite,
    MetersSuite,
):
    @pytest.fixture
    def bench(self, tmp_path: Path) -> Bench:
        return WrappedBench(tmp_path)


def test_what_a_driver_reports_of_its_progress_comes_through_all_wrappers(tmp_path: Path) -> None:
    class Reporting(MemoryDriver):
        def create(self, wanted: Wanted) -> Allocated:
            report(0.5)
            return super().create(wanted)

    inner = Reporting(DriverSetup("b", "array", "n", {}, {}, tmp_path, tmp_path))
    layers = limited(measured(faulty(inner, Faults()), _Silent(), "array"), calls=4)
    driver = bounded(alone(layers, set()), 30.0, Bound())
    driver.start()
    told: list[float] = []
    with heard(told.append):
        driver.create(Wanted("p", "pool", 1 << 20, True))
    assert told == [0.5]
