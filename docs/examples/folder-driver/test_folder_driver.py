"""The folder driver keeps the promises of Isthmus's contract."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from folder_driver import FolderDriver

from isthmus.core.drivers.contract import Driver, DriverSetup
from tests.contract.drivers.bench import Bench
from tests.contract.drivers.driver import DriverSuite
from tests.contract.drivers.extends import ExtendsSuite
from tests.contract.drivers.serves import ServesSuite


@dataclass
class FolderBench(Bench):
    place: Path
    pool: str = "folder"

    def driver(self) -> Driver:
        settings = {"directory": str(self.place / "volumes")}
        return FolderDriver(DriverSetup("id", "mine", "node", settings, {}, self.place / "state", self.place / "run"))

    def write(self, driver: Driver, placement: str, reference: Mapping[str, Any], offset: int, data: bytes) -> None:
        with (self.place / "volumes" / f"{placement}.raw").open("r+b") as file:
            file.seek(offset)
            file.write(data)

    def read(self, driver: Driver, placement: str, reference: Mapping[str, Any], offset: int, length: int) -> bytes:
        with (self.place / "volumes" / f"{placement}.raw").open("rb") as file:
            file.seek(offset)
            return file.read(length)


class TestFolder(DriverSuite, ExtendsSuite, ServesSuite):
    @pytest.fixture
    def bench(self, tmp_path: Path) -> Bench:
        return FolderBench(tmp_path)
