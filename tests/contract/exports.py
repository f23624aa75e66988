"""What everything promises that publishes objects to hosts: drivers that export by themselves, and targets."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from isthmus.core.drivers.contract import Allocated, Export, Grant, Publishes, Resized
from isthmus.core.model.attachment import AccessMode, Connection

from .drivers.bench import MIB, pattern
from .hosts import BusyHost, Client, Hosts
from .patience import eventually


class ExportLab(ABC):
    """Objects to publish, what publishes them, and hosts."""

    hosts: Hosts
    publisher: Publishes

    @abstractmethod
    def another(self) -> Publishes:
        """What publishes, once more, as in another process."""

    @abstractmethod
    def export(self) -> Export:
        """A new object with its wire identifier, not published; `size` bytes."""

    @property
    @abstractmethod
    def size(self) -> int: ...

    @abstractmethod
    def write(self, export: Export, offset: int, data: bytes) -> None:
        """Write to the object while it is not published."""

    @abstractmethod
    def read(self, export: Export, offset: int, length: int) -> bytes:
        """Read from the object while it is not published."""

    @abstractmethod
    def grower(self, export: Export, size: int) -> Callable[[], Allocated]:
        """What grows the object to `size`; skips the test where objects do not grow."""

    @abstractmethod
    def killed(self, method: str, fresh: Callable[[], tuple[Any, ...]]) -> Iterator[Any]:
        """Arguments of calls whose process was killed in the middle; see `killing.interrupted`."""

    def resize(self, export: Export, size: int) -> Resized:
        """Grow a published object in another process's name; skips where a lab does not bring it."""
        pytest.skip("these objects do not grow from another process")

    def killed_resizing(self, fresh: Callable[[], tuple[Export, int]]) -> Iterator[tuple[Export, int]]:
        """Arguments of calls of `resize` whose process was killed in the middle."""
        pytest.skip("these objects do not grow from another process")

    def grant(self, export: Export, grant: Grant | None = None) -> tuple[Grant, Connection]:
        wanted = grant or self.hosts.host_grant()
        self.granted_to.append((export, wanted.attachment))
        return wanted, self.publisher.grant(export, wanted)

    def __init__(self) -> None:
        self.granted_to: list[tuple[Export, str]] = []

    def withdraw_all(self) -> None:
        for export, attachment in self.granted_to:
            self.publisher.withdraw(export, attachment)

    @contextmanager
    def client(self, connection: Connection, grant: Grant) -> Iterator[Client]:
        client = self.hosts.connect(connection, grant)
        try:
            yield client
        finally:
            client.close()

    def refuses(self, connection: Connection, grant: Grant) -> bool:
        """Whether such a host is kept out: at the door, or at its first read."""
        try:
            with self.client(connection, grant) as client:
                client.read(0, 4096)
        except OSError:
            return True
        return False


class ExportsSuite:
    """A test class gives the fixture `exports`."""

    def test_a_granted_host_reads_what_was_there_and_its_writes_stay(self, exports: ExportLab) -> None:
        export = exports.export()
        exports.write(export, 0, pattern(1, 8192))
        grant, connection = exports.grant(export)
        with exports.client(connection, grant) as client:
            assert client.size == exports.size
            assert client.read(0, 8192) == pattern(1, 8192)
            assert client.read(MIB, 4096) == bytes(4096)
            client.write(4096, pattern(2, 8192))
            assert client.read(0, 12288) == pattern(1, 8192)[:4096] + pattern(2, 8192)
        exports.publisher.withdraw(export, grant.attachment)
        assert exports.read(export, 0, 12288) == pattern(1, 8192)[:4096] + pattern(2, 8192)

    def test_the_host_sees_the_durable_identifier(self, exports: ExportLab) -> None:
        export = exports.export()
        grant, connection = exports.grant(export)
        assert connection.public.get("identifier", export.identifier) == export.identifier
        with exports.client(connection, grant) as client:
            if client.identifier is None:
                pytest.skip(f"{connection.protocol} shows no identifier")
            assert client.identifier == export.identifier

    def test_granting_again_gives_the_same_connection_and_disturbs_nobody(self, exports: ExportLab) -> None:
        export = exports.export()
        grant, connection = exports.grant(export)
        with exports.client(connection, grant) as client, BusyHost(client) as host:
            eventually(lambda: host.rounds > 3 or host.failure is not None, "the host works")
            assert exports.publisher.grant(export, grant) == connection
            assert exports.another().grant(export, grant) == connection
            now = host.rounds
            eventually(lambda: host.rounds > now + 3 or host.failure is not None, "the host works on")
        assert host.failure is None

    def test_granting_after_a_withdrawal_gives_the_same_address(self, exports: ExportLab) -> None:
        export = exports.export()
        grant, connection = exports.grant(export)
        exports.publisher.withdraw(export, grant.attachment)
        again = exports.another().grant(export, grant)
        assert again.public == connection.public
        with exports.client(again, grant) as client:
            client.write(0, pattern(1, 4096))

    def test_a_read_only_host_reads_and_does_not_write(self, exports: ExportLab) -> None:
        export = exports.export()
        exports.write(export, 0, pattern(1, 4096))
        grant, connection = exports.grant(export, exports.hosts.host_grant(AccessMode.READ_ONLY))
        with exports.client(connection, grant) as client:
            assert client.read(0, 4096) == pattern(1, 4096)
            with pytest.raises(OSError):
                client.write(0, pattern(2, 4096))
        exports.publisher.withdraw(export, grant.attachment)
        assert exports.read(export, 0, 4096) == pattern(1, 4096)

    def test_granted_names_exactly_those_who_can_reach_it(self, exports: ExportLab) -> None:
        export = exports.export()
        assert exports.publisher.granted(export) == frozenset()
        grants = [exports.grant(export, exports.hosts.host_grant(shared=True))[0] for _ in range(2)]
        assert exports.another().granted(export) == {grant.attachment for grant in grants}
        exports.publisher.withdraw(export, grants[0].attachment)
        assert exports.another().granted(export) == {grants[1].attachment}

    def test_withdrawing_ends_a_live_session(self, exports: ExportLab) -> None:
        export = exports.export()
        grant, connection = exports.grant(export)
        with exports.client(connection, grant) as client:
            client.write(0, pattern(1, 4096))
            exports.publisher.withdraw(export, grant.attachment)
            assert exports.publisher.granted(export) == frozenset()
            with pytest.raises(OSError):
                client.write(0, pattern(2, 4096))
        assert exports.refuses(connection, grant)
        assert exports.read(export, 0, 4096) == pattern(1, 4096)

    def test_withdrawing_what_is_not_granted_succeeds(self, exports: ExportLab) -> None:
        export = exports.export()
        exports.publisher.withdraw(export, "6f1c2a52-0000-4000-8000-000000000000")
        grant, _ = exports.grant(export)
        for publisher in (exports.publisher, exports.publisher, exports.another()):
            publisher.withdraw(export, grant.attachment)
        assert exports.publisher.granted(export) == frozenset()

    def test_withdrawing_one_host_leaves_the_other_at_work(self, exports: ExportLab) -> None:
        export = exports.export()
        first, to_first = exports.grant(export, exports.hosts.host_grant(shared=True))
        second, to_second = exports.grant(export, exports.hosts.host_grant(shared=True))
        with exports.client(to_first, first) as leaving, exports.client(to_second, second) as staying:
            leaving.write(0, pattern(1, 4096))
            assert staying.read(0, 4096) == pattern(1, 4096)
            with BusyHost(staying, MIB) as host:
                eventually(lambda: host.rounds > 3 or host.failure is not None, "the other host works")
                exports.publisher.withdraw(export, first.attachment)
                now = host.rounds
                eventually(lambda: host.rounds > now + 3 or host.failure is not None, "the other host works on")
            assert host.failure is None
            with pytest.raises(OSError):
                leaving.write(0, pattern(2, 4096))
            assert staying.read(0, 4096) == pattern(1, 4096)

    def test_a_joining_host_disturbs_nobody(self, exports: ExportLab) -> None:
        export = exports.export()
        first, to_first = exports.grant(export, exports.hosts.host_grant(shared=True))
        with exports.client(to_first, first) as client, BusyHost(client) as host:
            eventually(lambda: host.rounds > 3 or host.failure is not None, "the host works")
            second, to_second = exports.grant(export, exports.hosts.host_grant(shared=True))
            with exports.client(to_second, second) as other:
                other.write(MIB, pattern(1, 4096))
            now = host.rounds
            eventually(lambda: host.rounds > now + 3 or host.failure is not None, "the host works on")
        assert host.failure is None

    def test_credentials_of_one_attachment_open_no_other(self, exports: ExportLab) -> None:
        export, other = exports.export(), exports.export()
        grant, connection = exports.grant(export)
        stranger, to_other = exports.grant(other)
        if connection.secrets == to_other.secrets:
            pytest.skip(f"{connection.protocol} hands out no credentials here")
        for host in (grant, stranger):
            assert exports.refuses(replace(connection, secrets=to_other.secrets), host)
        assert not exports.refuses(connection, grant)
        assert not exports.refuses(to_other, stranger)

    def test_a_host_of_another_name_is_kept_out(self, exports: ExportLab) -> None:
        if not exports.hosts.checks_names:
            pytest.skip("the protocol does not know hosts by name")
        grant, connection = exports.grant(exports.export())
        stranger = replace(grant, initiators=exports.hosts.host_grant().initiators)
        assert exports.refuses(connection, stranger)
        assert not exports.refuses(connection, grant)

    def test_a_host_sees_the_new_size_and_loses_nothing(self, exports: ExportLab) -> None:
        export = exports.export()
        size = exports.size * 2
        grow = exports.grower(export, size)
        grant, connection = exports.grant(export)
        with exports.client(connection, grant) as client:
            client.write(0, pattern(1, 4096))
            resized = exports.publisher.resize(export, grow)
            assert resized.allocated.size == size
            if resized.online:
                eventually(lambda: client.size == size, "the connected host sees the new size")
                client.write(size - 4096, pattern(2, 4096))
        connection = exports.publisher.grant(export, grant)
        with exports.client(connection, grant) as client:
            assert client.size == size
            client.write(size - 4096, pattern(2, 4096))
            assert client.read(0, 4096) == pattern(1, 4096)
            assert client.read(size - 4096, 4096) == pattern(2, 4096)

    def test_resizing_what_is_not_published_grows_it(self, exports: ExportLab) -> None:
        export = exports.export()
        size = exports.size * 2
        assert exports.publisher.resize(export, exports.grower(export, size)).allocated.size == size
        grant, connection = exports.grant(export)
        with exports.client(connection, grant) as client:
            assert client.size == size

    def test_different_objects_are_published_at_once(self, exports: ExportLab) -> None:
        objects = [(exports.export(), exports.hosts.host_grant()) for _ in range(6)]
        publishers = [exports.publisher, exports.another()]

        def live(number: int) -> None:
            export, grant = objects[number]
            publisher = publishers[number % 2]
            exports.granted_to.append((export, grant.attachment))
            with exports.client(publisher.grant(export, grant), grant) as client:
                client.write(0, pattern(number, 4096))
                assert client.read(0, 4096) == pattern(number, 4096)
            assert publisher.granted(export) == {grant.attachment}
            publisher.withdraw(export, grant.attachment)

        with ThreadPoolExecutor(4) as threads:
            list(threads.map(live, range(len(objects))))
        for number, (export, _) in enumerate(objects):
            assert exports.publisher.granted(export) == frozenset()
            assert exports.read(export, 0, 4096) == pattern(number, 4096)

    def test_grant_is_finished_by_a_second_call_after_a_kill(self, exports: ExportLab) -> None:
        def fresh() -> tuple[Export, Grant]:
            export, grant = exports.export(), exports.hosts.host_grant()
            exports.granted_to.append((export, grant.attachment))
            return export, grant

        for export, grant in exports.killed("grant", fresh):
            publisher = exports.another()
            connection = publisher.grant(export, grant)
            with exports.client(connection, grant) as client:
                client.write(0, pattern(1, 4096))
            assert publisher.granted(export) == {grant.attachment}
            publisher.withdraw(export, grant.attachment)
            assert exports.refuses(connection, grant)
            assert exports.read(export, 0, 4096) == pattern(1, 4096)

    def test_grant_is_undone_by_withdraw_after_a_kill(self, exports: ExportLab) -> None:
        def fresh() -> tuple[Export, Grant]:
            export, grant = exports.export(), exports.hosts.host_grant()
            exports.granted_to.append((export, grant.attachment))
            return export, grant

        for export, grant in exports.killed("grant", fresh):
            publisher = exports.another()
            publisher.withdraw(export, grant.attachment)
            assert publisher.granted(export) == frozenset()
            assert exports.read(export, 0, 4096) == bytes(4096)

    def test_a_resize_is_finished_by_a_second_call_after_a_kill(self, exports: ExportLab) -> None:
        size = exports.size * 2
        granted: dict[str, tuple[Grant, Connection]] = {}

        def fresh() -> tuple[Export, int]:
            export = exports.export()
            exports.write(export, 4096, pattern(1, 4096))
            granted[export.placement] = exports.grant(export)
            return export, size

        for export, _ in exports.killed_resizing(fresh):
            grant, connection = granted[export.placement]
            assert exports.another().grant(export, grant) == connection
            assert exports.resize(export, size).allocated.size == size
            connection = exports.another().grant(export, grant)
            with exports.client(connection, grant) as client:
                assert client.size == size
                assert client.read(4096, 4096) == pattern(1, 4096)
                client.write(size - 4096, pattern(2, 4096))
            exports.publisher.withdraw(export, grant.attachment)
            assert exports.read(export, size - 4096, 4096) == pattern(2, 4096)

    def test_withdraw_is_finished_by_a_second_call_after_a_kill(self, exports: ExportLab) -> None:
        connections: dict[str, tuple[Connection, Grant]] = {}

        def fresh() -> tuple[Export, str]:
            export = exports.export()
            grant, connection = exports.grant(export)
            connections[grant.attachment] = connection, grant
            with exports.client(connection, grant) as client:
                client.write(0, pattern(1, 4096))
            return export, grant.attachment

        for export, attachment in exports.killed("withdraw", fresh):
            publisher = exports.another()
            publisher.withdraw(export, attachment)
            assert publisher.granted(export) == frozenset()
            assert exports.refuses(*connections[attachment])
            assert exports.read(export, 0, 4096) == pattern(1, 4096)
