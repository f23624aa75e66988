"""What a driver promises whose objects are published, by itself or composed with a target."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest

from isthmus.core.drivers.contract import Allocated, Export, Extends, Publishes, Resized
from isthmus.core.errors import StorageError
from isthmus.core.model.placement import naa_identifier

from ..exports import ExportLab, ExportsSuite
from .bench import Bench, Lab, Suite, Volume
from .driver import SUITES


@dataclass(frozen=True)
class Resizer:
    """Grows published objects as the engine does."""

    driver: Extends
    publisher: Publishes

    @classmethod
    def open(cls, bench: Bench) -> Resizer:
        driver = bench.started()
        assert isinstance(driver, Extends)
        return cls(driver, bench.publisher(driver))

    def resize(self, export: Export, size: int) -> Resized:
        return self.publisher.resize(export, lambda: self.driver.extend(export.placement, export.reference, size))


class DriverExports(ExportLab):
    """Exports over a driver's bench."""

    def __init__(self, lab: Lab) -> None:
        super().__init__()
        self.lab = lab
        self.hosts = lab.bench
        self.publisher = lab.bench.publisher(lab.driver)
        self._volumes: dict[str, Volume] = {}

    def another(self) -> Publishes:
        return self.lab.bench.publisher(self.lab.another())

    def volume_and_export(self) -> tuple[Volume, Export]:
        volume = self.lab.create()
        self._volumes[volume.placement] = volume
        return volume, Export(volume.placement, naa_identifier(volume.placement), volume.reference)

    def export(self) -> Export:
        return self.volume_and_export()[1]

    @property
    def size(self) -> int:
        return self.lab.rounded(self.lab.bench.size)

    def write(self, export: Export, offset: int, data: bytes) -> None:
        self.lab.write(self._volumes[export.placement], offset, data)

    def read(self, export: Export, offset: int, length: int) -> bytes:
        return self.lab.read(self._volumes[export.placement], offset, length)

    def grower(self, export: Export, size: int) -> Callable[[], Allocated]:
        driver = self.lab.driver
        if not isinstance(driver, Extends):
            pytest.skip(f"driver {driver.name} does not extend here")
        return lambda: driver.extend(export.placement, export.reference, size)

    def killed(self, method: str, fresh: Callable[[], tuple[Any, ...]]) -> Iterator[Any]:
        return self.lab.killed(method, fresh, self.lab.bench.started_publisher)

    def resize(self, export: Export, size: int) -> Resized:
        driver = self.lab.another()
        assert isinstance(driver, Extends)
        return Resizer(driver, self.lab.bench.publisher(driver)).resize(export, size)

    def killed_resizing(self, fresh: Callable[[], tuple[Export, int]]) -> Iterator[tuple[Export, int]]:
        if not isinstance(self.lab.driver, Extends):
            pytest.skip(f"driver {self.lab.driver.name} does not extend here")
        return self.lab.killed("resize", fresh, partial(Resizer.open, self.lab.bench))


class PublishesSuite(ExportsSuite, Suite):
    @pytest.fixture
    def exports(self, lab: Lab) -> Iterator[DriverExports]:
        exports = DriverExports(lab)
        try:
            yield exports
        finally:
            exports.withdraw_all()

    def test_protocols_are_named(self, exports: DriverExports) -> None:
        protocols = exports.publisher.protocols()
        assert protocols and all(protocols)
        _, connection = exports.grant(exports.export())
        assert connection.protocol in protocols

    def test_exports_outlive_the_instance_that_made_them(self, exports: DriverExports, bench: Bench) -> None:
        driver = bench.started()
        export, grant = exports.export(), bench.host_grant()
        exports.granted_to.append((export, grant.attachment))
        connection = bench.publisher(driver).grant(export, grant)
        with exports.client(connection, grant) as client:
            client.write(0, bytes(4096))
            driver.stop()
            client.write(4096, bytes(4096))
            assert exports.another().granted(export) == {grant.attachment}
            assert exports.another().grant(export, grant) == connection
            client.write(8192, bytes(4096))

    def test_what_was_withdrawn_can_be_deleted(self, exports: DriverExports, lab: Lab) -> None:
        export = exports.export()
        grant, connection = exports.grant(export)
        with exports.client(connection, grant) as client:
            client.write(0, bytes(4096))
            exports.publisher.withdraw(export, grant.attachment)
        lab.driver.delete(export.placement, export.reference)
        assert lab.driver.inspect(export.placement, export.reference) is None
        exports.publisher.withdraw(export, grant.attachment)
        assert exports.publisher.granted(export) == frozenset()

    def test_granting_what_is_absent_is_an_error(self, exports: DriverExports, bench: Bench) -> None:
        placement = str(uuid.uuid4())
        with pytest.raises(StorageError):
            exports.publisher.grant(Export(placement, naa_identifier(placement)), bench.host_grant())


SUITES["publish"] = PublishesSuite
