"""Names that exist once, and what may be written into any noun."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from isthmus.core.errors import Conflict, Invalid, Stale
from isthmus.core.model.host import Initiator
from isthmus.core.model.request import (
    AttachmentRequest,
    BackendRequest,
    Changes,
    HostRequest,
    ProfileRequest,
    SnapshotRequest,
    TenantRequest,
    UserRequest,
    VolumeRequest,
)
from tests.environment.engine import MEMORY_PROFILE
from tests.unit.engine.bench import SIZE, Bench

MAKERS: dict[str, Callable[[Bench, str], Any]] = {
    "back end": lambda b, name: b.engine.backends.add(b.root, BackendRequest(name, "memory")),
    "profile": lambda b, name: b.engine.profiles.create(b.root, ProfileRequest(name, MEMORY_PROFILE)),
    "tenant": lambda b, name: b.engine.tenants.create(b.root, TenantRequest(name)),
    "user": lambda b, name: b.engine.users.create(b.root, UserRequest(name, None, ("reader",))),
}


@pytest.mark.parametrize("noun", MAKERS)
def test_a_name_is_given_once_also_to_many_at_a_time(bench: Bench, noun: str) -> None:
    made: list[Any] = []
    refused: list[Exception] = []
    together = threading.Barrier(4)

    def make() -> None:
        together.wait(10)
        try:
            made.append(MAKERS[noun](bench, "same"))
        except Exception as error:
            refused.append(error)

    threads = [threading.Thread(target=make) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(made) == 1
    assert [type(error) for error in refused] == [Conflict] * 3
    assert "same" in str(refused[0])
    assert [error.details for error in refused] == [{"field": "name", "value": "same"}] * 3  # type: ignore[attr-defined]


@pytest.mark.parametrize("noun", ["back end", "profile", "tenant"])
def test_a_name_that_is_taken_is_refused_as_a_new_name(bench: Bench, noun: str) -> None:
    one, _ = MAKERS[noun](bench, "one"), MAKERS[noun](bench, "two")
    service: Any = {
        "back end": bench.engine.backends,
        "profile": bench.engine.profiles,
        "tenant": bench.engine.tenants,
    }[noun]
    with pytest.raises(Conflict, match="two already"):
        service.update(bench.root, one.id, Changes(name="two"))
    assert service.update(bench.root, one.id, Changes(name="three")).name == "three"


def test_ensure_finds_the_host_that_another_makes_in_this_moment(bench: Bench) -> None:
    wanted = HostRequest("h", (Initiator("iscsi", "iqn.2004-10.com.example:one"),))
    found: list[Any] = []
    together = threading.Barrier(4)

    def ensure() -> None:
        together.wait(10)
        try:
            found.append(bench.engine.hosts.ensure(bench.root, wanted).id)
        except Exception as error:
            found.append(error)

    threads = [threading.Thread(target=ensure) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(found) == 4
    assert len(set(found)) == 1, found


def test_ensure_gives_every_tenant_the_host_of_the_installation(bench: Bench) -> None:
    shared = HostRequest("h", (Initiator("iscsi", "iqn.2004-10.com.example:one"),), installation=True)
    host = bench.engine.hosts.create(bench.root, shared)
    member = bench.tenant("other", "manager")
    mine = HostRequest("mine", shared.initiators)
    assert bench.engine.hosts.ensure(member, mine).id == host.id


BAD_NAMES = ["", " ", ".", "..", "a/b", "a\\b", "a\x00", "a\n", "a\x85", "a\u202e", "a\ud800", "x" * 256, " a", "a "]


@pytest.mark.parametrize("name", BAD_NAMES)
def test_unusable_names_are_refused_for_every_noun(bench: Bench, name: str) -> None:
    volume, host = bench.volume(), bench.host()
    engine, root = bench.engine, bench.root
    asked: list[Callable[[], Any]] = [
        lambda: engine.volumes.create(root, VolumeRequest(name, SIZE, profile="memory")),
        lambda: engine.volumes.update(root, volume, Changes(name=name)),
        lambda: engine.snapshots.create(root, SnapshotRequest(volume, name)),
        lambda: engine.hosts.create(root, HostRequest(name)),
        lambda: engine.hosts.update(root, host, Changes(name=name)),
        *(lambda make=make: make(bench, name) for make in MAKERS.values()),
    ]
    for ask in asked:
        with pytest.raises(Invalid):
            ask()


BAD_METADATA: list[Any] = [
    {"": "x"},
    {"k" * 256: "x"},
    {"k": "v" * 1025},
    {"k": 1},
    {"k\x00": "v"},
    {"k": "\ud800"},
    {str(n): "" for n in range(65)},
    ["k"],
]


@pytest.mark.parametrize("metadata", BAD_METADATA, ids=range(len(BAD_METADATA)))
def test_unusable_metadata_is_refused_for_every_noun(bench: Bench, metadata: Any) -> None:
    volume, host = bench.volume(), bench.host()
    engine, root = bench.engine, bench.root
    pool = engine.pools.list(root).items[0].id
    asked: list[Callable[[], Any]] = [
        lambda: engine.volumes.create(root, VolumeRequest("v", SIZE, profile="memory", metadata=metadata)),
        lambda: engine.volumes.update(root, volume, Changes(metadata=metadata)),
        lambda: engine.snapshots.create(root, SnapshotRequest(volume, "s", metadata=metadata)),
        lambda: engine.attachments.create(root, AttachmentRequest(volume, host, metadata=metadata)),
        lambda: engine.hosts.create(root, HostRequest("h", metadata=metadata)),
        lambda: engine.pools.update(root, pool, Changes(metadata=metadata)),
        lambda: engine.backends.update(root, "array", Changes(metadata=metadata)),
        lambda: engine.profiles.create(root, ProfileRequest("p", MEMORY_PROFILE, metadata=metadata)),
        lambda: engine.tenants.create(root, TenantRequest("t", metadata=metadata)),
        lambda: engine.users.create(root, UserRequest("u", None, ("reader",), metadata=metadata)),
    ]
    for ask in asked:
        with pytest.raises(Invalid):
            ask()


def test_other_texts_of_hosts_and_back_ends_are_checked(bench: Bench) -> None:
    with pytest.raises(Invalid, match="os_type"):
        bench.engine.hosts.create(bench.root, HostRequest("h", os_type="x" * 256))
    with pytest.raises(Invalid, match="address"):
        bench.engine.hosts.create(bench.root, HostRequest("h", address="a\x00"))
    with pytest.raises(Invalid, match="zone"):
        bench.engine.backends.add(bench.root, BackendRequest("b", "memory", zone="z" * 256))
    with pytest.raises(Invalid, match="description"):
        bench.engine.volumes.create(bench.root, VolumeRequest("v", SIZE, profile="memory", description="\ud800"))


def test_an_idempotency_key_must_fit(bench: Bench) -> None:
    for key in ("", "k" * 256, "k\x00"):
        with pytest.raises(Invalid, match="idempotency key"):
            bench.engine.volumes.create(bench.root, VolumeRequest("v", SIZE, profile="memory"), key=key)


def test_every_change_heeds_the_version(bench: Bench) -> None:
    volume, host = bench.volume(), bench.host()
    snapshot, attached = bench.snapshot(volume), bench.volume("attached")
    attachment = bench.attach(attached, host)
    engine, root = bench.engine, bench.root
    pool = engine.pools.list(root).items[0].id
    tenant = engine.tenants.create(root, TenantRequest("t")).id
    user = engine.users.create(root, UserRequest("u", tenant, ("reader",))).id
    profile = engine.profiles.create(root, ProfileRequest("p", MEMORY_PROFILE)).id
    note, old = Changes(metadata={"k": "v"}), 99
    asked: list[Callable[[], Any]] = [
        lambda: engine.volumes.update(root, volume, note, if_version=old),
        lambda: engine.volumes.extend(root, volume, 2 * SIZE, if_version=old),
        lambda: engine.volumes.extend(root, volume, 2 * SIZE, if_version=old, dry_run=True),
        lambda: engine.volumes.revert(root, volume, snapshot, if_version=old),
        lambda: engine.volumes.delete(root, volume, with_snapshots=True, if_version=old),
        lambda: engine.snapshots.update(root, snapshot, note, if_version=old),
        lambda: engine.snapshots.delete(root, snapshot, if_version=old),
        lambda: engine.attachments.update(root, attachment, note, if_version=old),
        lambda: engine.attachments.delete(root, attachment, if_version=old),
        lambda: engine.hosts.update(root, host, note, if_version=old),
        lambda: engine.hosts.delete(root, host, if_version=old),
        lambda: engine.pools.update(root, pool, note, if_version=old),
        lambda: engine.backends.update(root, "array", note, if_version=old),
        lambda: engine.backends.remove(root, "array", if_version=old),
        lambda: engine.profiles.update(root, profile, note, if_version=old),
        lambda: engine.profiles.delete(root, profile, if_version=old),
        lambda: engine.tenants.update(root, tenant, note, if_version=old),
        lambda: engine.tenants.delete(root, tenant, if_version=old),
        lambda: engine.users.update(root, user, note, if_version=old),
        lambda: engine.users.delete(root, user, if_version=old),
    ]
    for number, ask in enumerate(asked):
        with pytest.raises(Stale):
            ask()
            pytest.fail(f"request {number} was accepted")


def test_trying_what_is_there_already_does_it_no_harm(bench: Bench) -> None:
    known = bench.engine.backends.get(bench.root, "array")
    same = BackendRequest(known.name, known.driver, settings=known.settings)
    volume = bench.volume()
    assert bench.engine.backends.test(bench.root, same).ok
    with pytest.raises(Conflict):
        bench.engine.backends.add(bench.root, same)
    bench.snapshot(volume)
    assert bench.counts() == []
