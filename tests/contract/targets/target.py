"""What every target promises: what all exports promise, and what comes of its daemons."""

from __future__ import annotations

import inspect
import os
import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

import isthmus.core
from isthmus.core.drivers.contract import Allocated, Device, Export, Grant, Resized
from isthmus.core.model.attachment import Connection
from isthmus.core.model.placement import naa_identifier
from isthmus.core.targets.contract import ChecksSettings, Counts, Generations, Target
from isthmus.plugin_manager.schemas import complete

from ..counting import read_and_write
from ..drivers.bench import MIB, pattern
from ..exports import ExportLab, ExportsSuite
from ..hosts import BusyHost, Hosts
from ..killing import Call, interrupted
from ..patience import eventually


class TargetBench(Hosts, ABC):
    """One node to try a target on. It pickles, for some calls run in a child process.

    Devices are raw files in `folder`; a target of another format brings its own `make`, `device`, `write`, `read` and
    `grow`. `size` is in bytes, `kills` the number of moments at which a call is killed.
    """

    folder: Path
    size: int = 8 * MIB
    kills: int = 8

    @abstractmethod
    def target(self) -> Target:
        """A new instance for the same node, not started: each is as good as another process."""

    @abstractmethod
    def kill_daemons(self) -> None:
        """Kill (SIGKILL) every daemon that publishes something, as a crash or a reboot does."""

    def path(self, placement: str) -> Path:
        return self.folder / f"{placement}.img"

    def make(self, placement: str) -> None:
        """A new device of `size` bytes that reads as zeros."""
        with self.path(placement).open("wb") as file:
            file.truncate(self.size)

    def device(self, placement: str) -> Device:
        path = self.path(placement)
        return Device(path, "raw", path.stat().st_size)

    def grow(self, placement: str, size: int) -> Allocated:
        os.truncate(self.path(placement), size)
        return Allocated(placement, "pool", size)

    def write(self, placement: str, offset: int, data: bytes) -> None:
        """Write to a device that is not published."""
        with self.path(placement).open("r+b") as file:
            file.seek(offset)
            file.write(data)

    def read(self, placement: str, offset: int, length: int) -> bytes:
        """Read from a device that is not published."""
        with self.path(placement).open("rb") as file:
            file.seek(offset)
            return file.read(length)

    def started(self) -> Target:
        target = self.target()
        target.start()
        return target

    def started_publisher(self) -> Published:
        return Published(self, self.started())

    def traced(self) -> Sequence[Path]:
        """The folders of the code whose lines are moments to be killed at."""
        return [Path(inspect.getfile(type(self.target()))).parent, Path(isthmus.core.__file__).parent]


@dataclass
class Published:
    """A target with the bench's devices, as something that publishes."""

    bench: TargetBench
    target: Target

    def protocols(self) -> Sequence[str]:
        return (self.target.protocol,)

    def grant(self, export: Export, grant: Grant) -> Connection:
        return self.target.grant(export, self.bench.device(export.placement), grant)

    def withdraw(self, export: Export, attachment: str) -> None:
        self.target.withdraw(export, attachment)

    def granted(self, export: Export) -> frozenset[str]:
        return self.target.granted(export)

    def resize(self, export: Export, grow: Callable[[], Allocated]) -> Resized:
        return self.target.resize(export, grow)

    def resize_to(self, export: Export, size: int) -> Resized:
        """Grow the device as the engine does."""
        return self.target.resize(export, lambda: self.bench.grow(export.placement, size))


class TargetExports(ExportLab):
    """Exports over a target's bench."""

    def __init__(self, bench: TargetBench) -> None:
        super().__init__()
        self.bench = bench
        self.hosts = bench
        self.publisher = bench.started_publisher()
        self._targets = [self.publisher.target]

    @property
    def target(self) -> Target:
        return self._targets[0]

    def another_target(self) -> Target:
        target = self.bench.started()
        self._targets.append(target)
        return target

    def another(self) -> Published:
        return Published(self.bench, self.another_target())

    def export(self) -> Export:
        placement = str(uuid.uuid4())
        self.bench.make(placement)
        return Export(placement, naa_identifier(placement))

    @property
    def size(self) -> int:
        return self.bench.size

    def write(self, export: Export, offset: int, data: bytes) -> None:
        self.bench.write(export.placement, offset, data)

    def read(self, export: Export, offset: int, length: int) -> bytes:
        return self.bench.read(export.placement, offset, length)

    def grower(self, export: Export, size: int) -> Callable[[], Allocated]:
        return lambda: self.bench.grow(export.placement, size)

    def resize(self, export: Export, size: int) -> Resized:
        return self.another().resize_to(export, size)

    def killed_resizing(self, fresh: Callable[[], tuple[Export, int]]) -> Iterator[tuple[Export, int]]:
        return self.killed("resize_to", fresh)

    def killed(self, method: str, fresh: Callable[[], tuple[Any, ...]]) -> Iterator[Any]:
        return interrupted(Call(self.bench.started_publisher, method, self.bench.traced()), fresh, self.bench.kills)

    def close(self) -> None:
        """Withdraw all and prove that nothing remains published."""
        try:
            self.target.start()
            self.withdraw_all()
            assert list(self.target.inventory()) == [], "something is still published"
        finally:
            self.target.end()
            for target in self._targets:
                target.stop()


class TargetSuite(ExportsSuite):
    """A test class gives the fixture `bench`."""

    @pytest.fixture
    def bench(self) -> TargetBench:
        raise NotImplementedError("a test class gives the fixture `bench`")

    @pytest.fixture
    def exports(self, bench: TargetBench) -> Iterator[TargetExports]:
        exports = TargetExports(bench)
        try:
            yield exports
        finally:
            exports.close()

    def test_is_a_target_with_a_schema_of_its_settings(self, exports: TargetExports) -> None:
        target = exports.target
        assert isinstance(target, Target)
        assert target.name and target.protocol and target.form in {"path", "image"}
        Draft202012Validator.check_schema(dict(target.settings_schema))
        if isinstance(target, ChecksSettings):
            target.check_settings(complete({}, target.settings_schema))

    def test_start_and_stop_are_idempotent_and_exports_stay(self, exports: TargetExports) -> None:
        export = exports.export()
        grant, connection = exports.grant(export)
        with exports.client(connection, grant) as client, BusyHost(client) as host:
            exports.target.start()
            other = exports.another_target()
            other.check()
            other.stop()
            other.stop()
            exports.target.stop()
            now = host.rounds
            eventually(lambda: host.rounds > now + 3 or host.failure is not None, "the host works on")
            exports.target.start()
            exports.target.check()
        assert host.failure is None
        assert exports.another().granted(export) == {grant.attachment}

    def test_the_inventory_is_what_is_published(self, exports: TargetExports) -> None:
        assert list(exports.target.inventory()) == []
        published, withdrawn = exports.export(), exports.export()
        for export in (published, withdrawn):
            grant, _ = exports.grant(export)
        assert set(exports.another_target().inventory()) == {published.placement, withdrawn.placement}
        exports.target.withdraw(withdrawn, grant.attachment)
        assert list(exports.another_target().inventory()) == [published.placement]

    def test_nobody_holds_a_device_after_the_last_withdrawal(self, exports: TargetExports, bench: TargetBench) -> None:
        export = exports.export()
        grants = [exports.grant(export, exports.hosts.host_grant(shared=True)) for _ in range(2)]
        for grant, connection in grants:
            with exports.client(connection, grant) as client:
                client.write(0, pattern(1, 4096))
        path = bench.path(export.placement)
        exports.target.withdraw(export, grants[0][0].attachment)
        exports.target.withdraw(export, grants[1][0].attachment)
        assert not _holders(path)

    def test_after_its_daemons_died_exports_come_back_the_same(
        self, exports: TargetExports, bench: TargetBench
    ) -> None:
        self._come_back(exports, bench, bench.kill_daemons)

    def test_after_its_daemons_were_ended_exports_come_back_the_same(
        self, exports: TargetExports, bench: TargetBench
    ) -> None:
        def end() -> None:
            exports.target.end()
            exports.target.end()

        self._come_back(exports, bench, end)

    def _come_back(self, exports: TargetExports, bench: TargetBench, die: Callable[[], None]) -> None:
        alone, shared = exports.export(), exports.export()
        granted = [(alone, *exports.grant(alone))]
        granted += [(shared, *exports.grant(shared, exports.hosts.host_grant(shared=True))) for _ in range(2)]
        for number, (_, grant, connection) in enumerate(granted):
            with exports.client(connection, grant) as client:
                client.write(number * 4096, pattern(number, 4096))
        before = exports.target.generation() if isinstance(exports.target, Generations) else ""
        die()
        for _, grant, connection in granted:
            assert exports.refuses(connection, grant)
        again = exports.another()
        # Not in the order in which they were made: what is handed out must not hang on it.
        for export, grant, connection in reversed(granted):
            assert again.grant(export, grant) == connection
        if isinstance(again.target, Generations):
            assert again.target.generation() != before
        for number, (_, grant, connection) in enumerate(granted):
            with exports.client(connection, grant) as client:
                assert client.read(number * 4096, 4096) == pattern(number, 4096)
        assert exports.publisher.granted(shared) == {grant.attachment for export, grant, _ in granted[1:]}

    def test_what_died_is_withdrawn_without_an_error(self, exports: TargetExports, bench: TargetBench) -> None:
        export = exports.export()
        grant, _ = exports.grant(export)
        bench.kill_daemons()
        publisher = exports.another()
        publisher.withdraw(export, grant.attachment)
        assert publisher.granted(export) == frozenset()
        assert export.placement not in publisher.target.inventory()

    def test_what_hosts_read_and_write_is_counted_exactly(self, exports: TargetExports) -> None:
        export, counting = exports.export(), _counting(exports)
        assert counting.count(export) is None, "nothing is published"
        grants = [exports.grant(export, exports.hosts.host_grant(shared=True)) for _ in range(2)]
        with exports.client(grants[0][1], grants[0][0]) as one, exports.client(grants[1][1], grants[1][0]) as other:
            before = counting.count(export)
            read_and_write(one)
            read_and_write(other)
            after = counting.count(export)
            assert before is not None and after is not None
            assert _counting(exports, exports.another_target()).count(export) == after, "every instance tells the same"
        assert after.series == before.series
        assert after.written_operations - before.written_operations == 4
        assert after.written_bytes - before.written_bytes == 2 * 12288
        assert after.read_operations - before.read_operations == 2
        assert after.read_bytes - before.read_bytes == 2 * 4096

    def test_counters_that_fell_back_are_another_series(self, exports: TargetExports, bench: TargetBench) -> None:
        export, counting = exports.export(), _counting(exports)
        grant, connection = exports.grant(export)
        seen = []
        for _ in range(2):
            with exports.client(connection, grant) as client:
                read_and_write(client)
                seen.append(counting.count(export))
        bench.kill_daemons()
        assert counting.count(export) is None
        exports.publisher.grant(export, grant)
        with exports.client(connection, grant) as client:
            read_and_write(client)
            seen.append(counting.count(export))
        first, second, third = (found for found in seen if found is not None)
        for earlier, later in ((first, second), (second, third)):
            assert earlier.series != later.series or later.written_bytes == earlier.written_bytes + 12288

    def test_of_another_export_nothing_is_counted(self, exports: TargetExports) -> None:
        export, idle, counting = exports.export(), exports.export(), _counting(exports)
        grant, connection = exports.grant(export)
        exports.grant(idle)
        with exports.client(connection, grant) as client:
            read_and_write(client)
            found = counting.count(idle)
        assert found is not None and (found.written_operations, found.written_bytes) == (0, 0)


def _counting(exports: TargetExports, target: Target | None = None) -> Counts:
    found = target or exports.target
    if not isinstance(found, Counts):
        pytest.skip(f"target {found.name} has no figures of what hosts do")
    return found


def _holders(path: Path) -> list[str]:
    """The processes that have the file open."""
    found = []
    for link in Path("/proc").glob("[0-9]*/fd/*"):
        try:
            if link.readlink() == path:
                found.append(link.parts[2])
        except OSError:
            continue
    return found
