"""A driver inside all wrappers keeps every promise still."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from isthmus.core.datapath.object_lock import ObjectLocks
from isthmus.core.drivers.contract import Driver
from isthmus.core.drivers.wrappers import (
    Bound,
    Call,
    Faults,
    bounded,
    faulty,
    limited,
    locked,
    measured,
    on_behalf_of,
    unwrap,
    wrap,
)

from .bench import Bench
from .clones import ClonesSuite
from .driver import DriverSuite
from .extends import ExtendsSuite
from .live_snapshots import LiveSnapshotsSuite
from .publishes import PublishesSuite
from .reverts import RevertsSuite
from .snapshots import SnapshotsSuite
from .test_memory import MemoryBench


class _Silent:
    def observe(self, subject: str, method: str, seconds: float, outcome: str) -> None:
        pass


def _as_an_operation(call: Call, proceed: Callable[[], Any]) -> Any:
    with on_behalf_of("operation"):
        return proceed()


class WrappedBench(MemoryBench):
    kills = 4

    def driver(self) -> Driver:
        inner = limited(measured(faulty(super().driver(), Faults()), _Silent(), "array"), calls=4)
        return wrap(bounded(locked(inner, ObjectLocks(self.folder / "locks", _alive)), 30.0, Bound()), _as_an_operation)

    def traced(self, driver: Driver) -> list[Path]:
        return [*super().traced(unwrap(driver))]


def _alive(owner: str) -> bool:
    return True


class TestWrapped(
    DriverSuite, ExtendsSuite, SnapshotsSuite, LiveSnapshotsSuite, RevertsSuite, ClonesSuite, PublishesSuite
):
    @pytest.fixture
    def bench(self, tmp_path: Path) -> Bench:
        return WrappedBench(tmp_path)
