"""The memory driver keeps every promise."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from isthmus.core.drivers.contract import Driver, DriverSetup, Export, Grant, Publishes
from isthmus.core.drivers.memory import MemoryClient, MemoryDriver
from isthmus.core.model.attachment import AccessMode, Connection

from .bench import MIB, Bench
from .clones import ClonesSuite
from .driver import DriverSuite
from .extends import ExtendsSuite
from .live_snapshots import LiveSnapshotsSuite
from .meters import MetersSuite
from .publishes import PublishesSuite
from .reverts import RevertsSuite
from .snapshots import SnapshotsSuite


@dataclass
class MemoryBench(Bench):
    folder: Path

    def driver(self) -> Driver:
        pools = [{"name": "pool", "total": 1024 * MIB, "foreign": MIB}, {"name": "other", "total": 64 * MIB}]
        return MemoryDriver(
            DriverSetup("backend", "memory", "node", {"pools": pools}, {}, self.folder / "state", self.folder / "run")
        )

    def write(self, driver: Driver, placement: str, reference: Mapping[str, Any], offset: int, data: bytes) -> None:
        with _bare_client(driver, placement) as client:
            client.write(offset, data)

    def read(self, driver: Driver, placement: str, reference: Mapping[str, Any], offset: int, length: int) -> bytes:
        with _bare_client(driver, placement) as client:
            return client.read(offset, length)

    def connect(self, connection: Connection, grant: Grant) -> MemoryClient:
        return MemoryClient(connection, grant.initiators[0])


@contextmanager
def _bare_client(driver: Driver, placement: str) -> Iterator[MemoryClient]:
    """A host for one read or write."""
    assert isinstance(driver, Publishes)
    export = Export(placement, "naa.0")
    client = MemoryClient(driver.grant(export, Grant("bare", "bare", AccessMode.READ_WRITE)))
    try:
        yield client
    finally:
        client.close()
        driver.withdraw(export, "bare")


class TestMemory(
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
        return MemoryBench(tmp_path)
