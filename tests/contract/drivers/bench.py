"""What an implementation supplies to the suites, and what the suites build on it.

The test of a driver is a `Bench` for it and one class that inherits the suites of what it can:

    class TestMine(DriverSuite, ExtendsSuite, SnapshotsSuite):
        @pytest.fixture
        def bench(self, tmp_path: Path) -> Bench:
            return MyBench(tmp_path)
"""

from __future__ import annotations

import inspect
import random
import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

import isthmus.core
from isthmus.core.drivers.contract import (
    Allocated,
    Clones,
    Driver,
    Item,
    PoolReport,
    Publishes,
    Reverts,
    Snapshots,
    Taken,
    Wanted,
)
from isthmus.core.errors import StorageError

from ..hosts import Hosts
from ..killing import Call, interrupted

MIB = 1 << 20


class Bench(Hosts, ABC):
    """One back end to try a driver on. It pickles, for some calls run in a child process.

    The back end may hold other objects; the suites remove what they made. `pool` is the pool to use, `another_pool`
    a second one where there is one, `size` what most objects get, in bytes.
    """

    pool: str = "pool"
    another_pool: str | None = None
    size: int = 8 * MIB
    kills: int = 12

    @abstractmethod
    def driver(self) -> Driver:
        """A new instance on the same back end, not started: each is as good as another process."""

    @abstractmethod
    def write(self, driver: Driver, placement: str, reference: Mapping[str, Any], offset: int, data: bytes) -> None:
        """Write to a detached object, by whatever way."""

    @abstractmethod
    def read(self, driver: Driver, placement: str, reference: Mapping[str, Any], offset: int, length: int) -> bytes:
        """Read from a detached object, by whatever way."""

    def publisher(self, driver: Driver) -> Publishes:
        """What publishes the driver's objects: the driver itself, or its composition with a target."""
        if not isinstance(driver, Publishes):
            pytest.skip(f"driver {driver.name} does not publish, and this bench brings no target")
        return driver

    def started(self) -> Driver:
        """A new instance, started."""
        driver = self.driver()
        driver.start()
        return driver

    def started_publisher(self) -> Publishes:
        """What publishes, over a new instance."""
        return self.publisher(self.started())

    def traced(self, driver: Driver) -> Sequence[Path]:
        """The folders of the code whose lines are moments to be killed at."""
        return [Path(inspect.getfile(type(driver))).parent, Path(isthmus.core.__file__).parent]


@dataclass(frozen=True)
class Volume:
    placement: str
    pool: str
    size: int
    reference: Mapping[str, Any]
    thin: bool


@dataclass(frozen=True)
class Kept:
    """A snapshot."""

    id: str
    size: int
    reference: Mapping[str, Any]


def pattern(seed: int, length: int) -> bytes:
    """Bytes that look like no other seed's."""
    return random.Random(seed).randbytes(length)


@dataclass
class Lab:
    """A bench at work: makes objects, knows what it made, and removes it all, whatever became of the test."""

    bench: Bench
    driver: Driver = field(init=False)
    _instances: list[Driver] = field(default_factory=list)
    _placements: list[str] = field(default_factory=list)
    _snapshots: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.driver = self.another()
        self._before = set(self.driver.inventory())
        self._measured = self.report()

    def another(self) -> Driver:
        """One more instance, started; stopped at the end."""
        driver = self.bench.started()
        self._instances.append(driver)
        return driver

    def report(self, pool: str | None = None) -> PoolReport:
        """The pool as it is measured now."""
        name = pool or self.bench.pool
        return next(report for report in self.driver.pools() if report.name == name)

    def rounded(self, size: int) -> int:
        """`size` as the engine would ask for it."""
        granularity = self._measured.granularity
        return -(-size // granularity) * granularity

    def wanted(self, size: int | None = None, thin: bool | None = None, pool: str | None = None) -> Wanted:
        """An order for one more object."""
        placement = str(uuid.uuid4())
        self._placements.append(placement)
        return Wanted(
            placement,
            pool or self.bench.pool,
            self.rounded(size or self.bench.size),
            self._measured.thin if thin is None else thin,
        )

    def create(self, size: int | None = None, thin: bool | None = None) -> Volume:
        wanted = self.wanted(size, thin)
        return self.volume(wanted, self.driver.create(wanted))

    def volume(self, wanted: Wanted, allocated: Allocated) -> Volume:
        assert allocated.placement == wanted.placement
        return Volume(wanted.placement, allocated.pool, allocated.size, allocated.reference, wanted.thin)

    def write(self, volume: Volume, offset: int, data: bytes) -> None:
        self.bench.write(self.driver, volume.placement, volume.reference, offset, data)

    def read(self, volume: Volume, offset: int, length: int) -> bytes:
        return self.bench.read(self.driver, volume.placement, volume.reference, offset, length)

    def snapshot_id(self) -> str:
        """An id for one more snapshot."""
        snapshot = str(uuid.uuid4())
        self._snapshots.append(snapshot)
        return snapshot

    def take(self, volume: Volume) -> Kept:
        assert isinstance(self.driver, Snapshots)
        return self.kept(self.driver.snapshot(volume.placement, volume.reference, self.snapshot_id()))

    def kept(self, taken: Taken) -> Kept:
        return Kept(taken.snapshot, taken.size, taken.reference)

    def from_snapshot(self, volume: Volume, snapshot: Kept, size: int | None = None) -> Volume:
        """A new object with the snapshot's content, made by whichever ability the driver has for it."""
        wanted = self.wanted(size or snapshot.size, volume.thin)
        if isinstance(self.driver, Clones):
            return self.volume(wanted, self.driver.clone_snapshot(wanted, snapshot.id, snapshot.reference))
        if isinstance(self.driver, Reverts):
            made = self.driver.revert(wanted, volume.placement, volume.reference, snapshot.id, snapshot.reference)
            return self.volume(wanted, made)
        pytest.skip(f"driver {self.driver.name} has no ability to bring a snapshot's content back")

    def content(self, volume: Volume, snapshot: Kept, offset: int, length: int) -> bytes:
        """What stands in a snapshot."""
        made = self.from_snapshot(volume, snapshot)
        try:
            return self.read(made, offset, length)
        finally:
            self.driver.delete(made.placement, made.reference)

    def items(self, driver: Driver | None = None) -> set[Item]:
        """What this test has on the back end, as an instance that knows nothing of it lists it."""
        listed = list((driver or self.another()).inventory())
        assert len(listed) == len(set(listed)), f"listed twice: {listed}"
        return set(listed) - self._before

    def killed(
        self, method: str, fresh: Callable[[], tuple[Any, ...]], opener: Callable[[], Any] | None = None
    ) -> Iterator[Any]:
        """Arguments of calls whose process was killed in the middle; see `interrupted`.

        The call is one of the driver's, or of what `opener` gives.
        """
        call = Call(opener or self.bench.started, method, self.bench.traced(self.driver))
        return interrupted(call, fresh, self.bench.kills)

    def clear(self) -> None:
        """Remove all that was made, in the order in which it was made, so that sources go before their copies."""
        driver = self.another()
        for placement in self._placements:
            with suppress(StorageError):
                driver.delete(placement, {})
        if isinstance(driver, Snapshots):
            for snapshot in self._snapshots:
                with suppress(StorageError):
                    driver.delete_snapshot(snapshot, {})

    def close(self) -> None:
        """Remove all that was made and prove that nothing is left."""
        try:
            self.clear()
            assert not self.items(), "the back end still holds objects that were deleted"
        finally:
            for driver in self._instances:
                driver.stop()


class Suite:
    """The base of all suites: a test class gives the fixture `bench`."""

    @pytest.fixture
    def bench(self) -> Bench:
        raise NotImplementedError("a test class gives the fixture `bench`")

    @pytest.fixture
    def lab(self, bench: Bench) -> Iterator[Lab]:
        lab = Lab(bench)
        try:
            yield lab
        finally:
            lab.close()
