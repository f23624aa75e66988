"""The memory driver keeps every promise."""

from __future__ import annotations

from collections.abc import Mapping
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


class _bare_client:
    """A host for one read or write."""

    def __init__(self, driver: Driver, placement: str) -> None:
        assert isinstance(driver, Publishes)
        self._driver, self._export = driver, Export(placement, "naa.0")

    def __enter__(self) -> MemoryClient:
        grant = Grant("bare", "bare", AccessMode.READ_WRITE)
        self._client = MemoryClient(self._driver.grant(self._export, grant))
        return self._client

    def __exit__(self, *_: object) -> None:
        self._client.close()
        self._driver.withdraw(self._export, "bare")


class TestMemory(
    DriverSuite, ExtendsSuite, SnapshotsSuite, LiveSnapshotsSuite, RevertsSuite, ClonesSuite, PublishesSuite
):
    @pytest.fixture
    def bench(self, tmp_path: Path) -> Bench:
        return MemoryBench(tmp_path)
