"""Two requests that exclude each other, the first held in the middle of its transaction: never do both succeed.

The back end copies detached volumes only, so that a copy and an attachment exclude each other too.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from isthmus.core.errors import IsthmusError
from isthmus.core.model.host import Initiator
from isthmus.core.model.request import (
    AttachmentRequest,
    Changes,
    HostRequest,
    ProfileRequest,
    SnapshotRequest,
    VolumeRequest,
)
from isthmus.core.store import nouns
from isthmus.core.store.database import Database
from tests.environment.engine import MEMORY_PROFILE, ended
from tests.unit.engine.bench import SIZE, Bench

LOOK = 0.4
"""How long the second may run, in seconds, while the first is held; it should be waiting then."""


class Scene:
    """What the requests are about."""

    def __init__(self, bench: Bench) -> None:
        self.bench, self.engine, self.root = bench, bench.engine, bench.root
        self.profile = self.engine.profiles.create(self.root, ProfileRequest("own", MEMORY_PROFILE)).id
        self.member = bench.tenant("other", "manager")
        self.backend = self.engine.backends.get(self.root, "array").id
        self.host = self.engine.hosts.create(self.root, HostRequest("h", (Initiator("memory", "one"),))).id

    def furnish(self) -> None:
        self.volume = self.bench.volume()
        self.snapshot = self.bench.snapshot(self.volume)

    def create(self, **more: Any) -> Any:
        return self.engine.volumes.create(self.root, VolumeRequest("new", SIZE, **{"profile": self.profile, **more}))

    def create_elsewhere(self) -> Any:
        return self.engine.volumes.create(self.member, VolumeRequest("new", SIZE, profile="memory"))

    def make_host(self) -> Any:
        return self.engine.hosts.create(self.member, HostRequest("theirs"))

    def attach(self) -> Any:
        return self.engine.attachments.create(self.root, AttachmentRequest(self.volume, self.host))

    def take(self) -> Any:
        return self.engine.snapshots.create(self.root, SnapshotRequest(self.volume, "second"))

    def forget_tenant(self) -> Any:
        assert self.member.tenant is not None
        return self.engine.tenants.delete(self.root, self.member.tenant)

    def delete(self) -> Any:
        return self.engine.volumes.delete(self.root, self.volume, with_snapshots=True)

    def revert(self) -> Any:
        return self.engine.volumes.revert(self.root, self.volume, self.snapshot)

    def extend(self) -> Any:
        return self.engine.volumes.extend(self.root, self.volume, 2 * SIZE)

    def delete_snapshot(self) -> Any:
        return self.engine.snapshots.delete(self.root, self.snapshot)

    def copy(self) -> Any:
        return self.create(source_snapshot=self.snapshot)

    def clone(self) -> Any:
        return self.create(source_volume=self.volume)

    def delete_profile(self) -> Any:
        return self.engine.profiles.delete(self.root, self.profile)

    def remove_backend(self) -> Any:
        return self.engine.backends.remove(self.root, self.backend)

    def delete_host(self) -> Any:
        return self.engine.hosts.delete(self.root, self.host)

    def change_initiators(self) -> Any:
        return self.engine.hosts.update(self.root, self.host, Changes(initiators=(Initiator("memory", "two"),)))


S = Scene
PAIRS: list[tuple[Callable[[Scene], Any], str, Callable[[Scene], Any], bool]] = [
    (S.create, "volumes", S.delete_profile, False),
    (S.create, "volumes", S.remove_backend, False),
    (S.create_elsewhere, "volumes", S.forget_tenant, False),
    (S.make_host, "hosts", S.forget_tenant, False),
    (S.copy, "volumes", S.delete_snapshot, True),
    (S.copy, "volumes", S.delete, True),
    (S.clone, "volumes", S.delete, True),
    (S.clone, "volumes", S.revert, True),
    (S.clone, "volumes", S.extend, True),
    (S.clone, "volumes", S.attach, True),
    (S.attach, "attachments", S.clone, True),
    (S.attach, "attachments", S.delete, True),
    (S.attach, "attachments", S.revert, True),
    (S.attach, "attachments", S.delete_host, True),
    (S.attach, "attachments", S.change_initiators, True),
    (S.take, "snapshots", S.delete, True),
    (S.take, "snapshots", S.revert, True),
    (S.take, "snapshots", S.extend, True),
]


@pytest.fixture
def bench(database: Database, tmp_path: Path) -> Iterator[Bench]:
    made = Bench.open(database, tmp_path, lacks=("live_snapshot",))
    yield made
    made.close()


@pytest.mark.parametrize(
    ("first", "table", "second", "furnished"), PAIRS, ids=[f"{p[0].__name__}-{p[2].__name__}" for p in PAIRS]
)
def test_never_do_both_succeed(
    bench: Bench,
    monkeypatch: pytest.MonkeyPatch,
    first: Callable[[Scene], Any],
    table: str,
    second: Callable[[Scene], Any],
    furnished: bool,
) -> None:
    scene = Scene(bench)
    if furnished:
        scene.furnish()
    # The driver is held too, so that what was accepted first is still under way when the second is asked.
    go_on = threading.Event()
    hold_driver(bench, go_on)
    come, release = held(monkeypatch, getattr(nouns, table))
    one, other = Asked(first, scene), Asked(second, scene)
    one.start()
    assert come.wait(10)
    other.start()
    other.join(LOOK)
    release.set()
    one.join(30)
    other.join(30)
    assert not one.is_alive() and not other.is_alive()
    go_on.set()
    for asked in (one, other):
        assert asked.error is None or isinstance(asked.error, IsthmusError), asked.error
        if asked.error is None and hasattr(asked.answer, "kind"):
            ended(bench.engine, asked.answer.id)
    assert one.error is None, one.error
    assert other.error is not None
    assert bench.counts() == []


class Asked(threading.Thread):
    """A request in a thread of its own, and what came of it."""

    def __init__(self, request: Callable[[Scene], Any], scene: Scene) -> None:
        super().__init__(daemon=True)
        self._request, self._scene = request, scene
        self.answer: Any = None
        self.error: Exception | None = None

    def run(self) -> None:
        try:
            self.answer = self._request(self._scene)
        except Exception as error:
            self.error = error


def held(monkeypatch: pytest.MonkeyPatch, repository: Any) -> tuple[threading.Event, threading.Event]:
    """The next insert into this table waits before it: (it has come, it may go on)."""
    come, release = threading.Event(), threading.Event()
    insert = repository.insert

    def waiting(tx: Any, noun: Any, **more: Any) -> None:
        if not come.is_set():
            come.set()
            assert release.wait(30)
        insert(tx, noun, **more)

    monkeypatch.setattr(repository, "insert", waiting)
    return come, release


def hold_driver(bench: Bench, go_on: threading.Event) -> None:
    """No call that changes the back end comes to an end before `go_on`."""

    def before(method: str) -> None:
        if method not in ("pools", "start", "inspect"):
            assert go_on.wait(30)

    bench.driver.before = staticmethod(before)
