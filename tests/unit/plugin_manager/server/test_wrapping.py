"""What stands between the engine and a driver: a thread to turn away from, unless the driver needs none."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from isthmus.core.drivers.contract import DriverSetup, PoolReport
from isthmus.core.drivers.memory import MemoryDriver
from isthmus.core.errors import Transient
from isthmus.core.model.backend import Backend, BackendState, Health
from isthmus.plugin_manager.server.wrapping import Wrapping


class Counted:
    def __init__(self) -> None:
        self.calls: list[str] = []

    def observe(self, subject: str, method: str, seconds: float, outcome: str) -> None:
        self.calls.append(f"{subject} {method} {outcome}")


class Watched(MemoryDriver):
    """Remembers the thread in which its pools are asked for, and hangs there when told to."""

    hangs: threading.Event | None = None

    def pools(self) -> Any:
        self.thread = threading.get_ident()
        if self.hangs is not None:
            self.hangs.wait(20)
        found: list[PoolReport] = []
        return found


def wrapped(folder: Path, *, ends_in_time: bool = False) -> tuple[Watched, Any, Counted]:
    settings = {"pools": [{"name": "p", "total": 1 << 30}]}
    driver = Watched(
        DriverSetup(
            backend="b",
            name="array",
            node="n",
            settings=settings,
            secrets={},
            state=folder,
            runtime=folder,
            timeout=0.2,
        )
    )
    moment, counted = datetime.now(UTC), Counted()
    backend = Backend("b", "array", "memory", BackendState.ENABLED, Health.HEALTHY, moment, moment)
    assert not driver.ends_in_time, "what is derived from a driver does not vouch for itself"
    driver.ends_in_time = ends_in_time
    return driver, Wrapping(counted, 0.2)(driver, backend), counted


def test_a_driver_that_ends_in_time_is_called_in_the_callers_thread(tmp_path: Path) -> None:
    driver, outer, counted = wrapped(tmp_path, ends_in_time=True)
    outer.start()
    outer.pools()
    assert driver.thread == threading.get_ident()
    assert counted.calls == ["array start ok", "array pools ok"]


def test_any_other_driver_is_turned_away_from_when_it_hangs(tmp_path: Path) -> None:
    driver, outer, _ = wrapped(tmp_path)
    outer.start()
    driver.hangs = threading.Event()
    with pytest.raises(Transient, match="did not end"):
        outer.pools()
    assert driver.thread != threading.get_ident()
    driver.hangs.set()
