"""A driver inside all wrappers keeps every promise still."""

from __future__ import annotations

from pathlib import Path

import pytest

from isthmus.core.drivers.contract import Driver
from isthmus.core.drivers.wrappers import Bound, Faults, bounded, faulty, limited, measured, unwrap

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
