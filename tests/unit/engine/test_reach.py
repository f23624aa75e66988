"""Who may do what: a tenant sees nothing of another, and every service asks before it answers."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from isthmus.core.context import Context
from isthmus.core.errors import Conflict, Forbidden, Invalid, IsthmusError, NotFound
from isthmus.core.model.identity import new_id
from isthmus.core.model.page import Query
from isthmus.core.model.request import (
    AttachmentRequest,
    BackendRequest,
    Changes,
    Credential,
    HostRequest,
    ProfileRequest,
    SnapshotRequest,
    TenantRequest,
    TokenRequest,
    UserRequest,
    VolumeRequest,
)
from isthmus.core.store import schema
from tests.environment.engine import MEMORY_PROFILE, done
from tests.unit.engine.bench import SIZE, Bench


def test_what_is_foreign_answers_exactly_as_what_is_not(bench: Bench) -> None:
    engine, root = bench.engine, bench.root
    volume, host = bench.volume(), bench.host()
    snapshot, attached = bench.snapshot(volume), bench.volume("attached")
    attachment = bench.attach(attached, host)
    operation = engine.operations.list(root).items[0].id
    known = engine.users.create(root, UserRequest("somebody", root.tenant, ("member",))).id
    stranger = bench.tenant("strangers", "manager", "member")
    own = str(done(engine, engine.volumes.create(stranger, VolumeRequest("o", SIZE, profile="memory"))).resource)
    asked: list[tuple[str, Callable[[str], Any]]] = [
        (volume, lambda i: engine.volumes.get(stranger, i)),
        (volume, lambda i: engine.volumes.delete(stranger, i)),
        (volume, lambda i: engine.volumes.extend(stranger, i, 2 * SIZE)),
        (volume, lambda i: engine.volumes.revert(stranger, i, snapshot)),
        (volume, lambda i: engine.volumes.update(stranger, i, Changes(name="x"))),
        (volume, lambda i: engine.snapshots.create(stranger, SnapshotRequest(i, "s"))),
        (volume, lambda i: engine.volumes.create(stranger, VolumeRequest("v", source_volume=i))),
        (volume, lambda i: engine.volumes.create(stranger, VolumeRequest("v", SIZE, near=(i,)))),
        (volume, lambda i: engine.attachments.create(stranger, AttachmentRequest(i, host))),
        (snapshot, lambda i: engine.volumes.create(stranger, VolumeRequest("v", source_snapshot=i))),
        (snapshot, lambda i: engine.volumes.revert(stranger, own, i)),
        (snapshot, lambda i: engine.snapshots.get(stranger, i)),
        (snapshot, lambda i: engine.snapshots.delete(stranger, i)),
        (host, lambda i: engine.attachments.create(stranger, AttachmentRequest(own, i))),
        (host, lambda i: engine.hosts.get(stranger, i)),
        (host, lambda i: engine.hosts.delete(stranger, i)),
        (attachment, lambda i: engine.attachments.get(stranger, i)),
        (attachment, lambda i: engine.attachments.connection(stranger, i)),
        (attachment, lambda i: engine.attachments.delete(stranger, i)),
        (operation, lambda i: engine.operations.get(stranger, i)),
        (operation, lambda i: engine.operations.wait(stranger, i, 0.0)),
        (operation, lambda i: engine.operations.abandon(stranger, i)),
        (operation, lambda i: engine.operations.explain(stranger, i)),
        (known, lambda i: engine.users.get(stranger, i)),
        (known, lambda i: engine.tokens.create(stranger, TokenRequest("t", user=i))),
        (str(root.tenant), lambda i: engine.tenants.get(stranger, i)),
        (str(root.tenant), lambda i: engine.tenants.limits(stranger, i)),
    ]
    for number, (foreign, ask) in enumerate(asked):
        absent = new_id()
        answers = [answer(ask, foreign), answer(ask, absent)]
        there, nowhere = (
            (type(e), str(e).replace(i, "ID"), e.next_step, sorted(e.details))
            for e, i in zip(answers, (foreign, absent), strict=True)
        )
        assert there == nowhere, number


def answer(ask: Callable[[str], Any], identifier: str) -> IsthmusError:
    with pytest.raises(IsthmusError) as refused:
        ask(identifier)
    return refused.value


def test_readers_read_and_change_nothing(bench: Bench) -> None:
    engine = bench.engine
    volume, host = bench.volume(), bench.host()
    snapshot = bench.snapshot(volume)
    reader = bench.user(bench.root.tenant, "reader")
    assert [v.id for v in engine.volumes.list(reader).items] == [volume]
    asked: list[Callable[[], Any]] = [
        lambda: engine.volumes.create(reader, VolumeRequest("v", SIZE, profile="memory")),
        lambda: engine.volumes.create(reader, VolumeRequest("v", SIZE, profile="memory"), dry_run=True),
        lambda: engine.volumes.update(reader, volume, Changes(name="x")),
        lambda: engine.volumes.extend(reader, volume, 2 * SIZE),
        lambda: engine.volumes.revert(reader, volume, snapshot),
        lambda: engine.volumes.delete(reader, volume),
        lambda: engine.snapshots.create(reader, SnapshotRequest(volume, "s")),
        lambda: engine.snapshots.delete(reader, snapshot),
        lambda: engine.attachments.create(reader, AttachmentRequest(volume, host)),
        lambda: engine.hosts.create(reader, HostRequest("h")),
        lambda: engine.hosts.delete(reader, host),
        lambda: engine.users.create(reader, UserRequest("u", reader.tenant, ("reader",))),
        lambda: engine.operations.cancel(reader, engine.operations.list(reader).items[0].id),
        *installation_asks(bench, reader),
    ]
    for number, ask in enumerate(asked):
        with pytest.raises(Forbidden):
            ask()
            pytest.fail(f"request {number} was accepted")


def test_what_belongs_to_the_installation_is_for_administrators(bench: Bench) -> None:
    manager = bench.user(bench.root.tenant, "manager")
    for ask in installation_asks(bench, manager):
        with pytest.raises(Forbidden):
            ask()


def installation_asks(bench: Bench, context: Context) -> list[Callable[[], Any]]:
    engine = bench.engine
    pool = engine.pools.list(bench.root).items[0].id
    return [
        lambda: engine.backends.add(context, BackendRequest("b", "memory")),
        lambda: engine.backends.test(context, BackendRequest("b", "memory")),
        lambda: engine.backends.test(context, "array"),
        lambda: engine.backends.update(context, "array", Changes(enabled=False)),
        lambda: engine.backends.remove(context, "array"),
        lambda: engine.pools.update(context, pool, Changes(ratio=2.0)),
        lambda: engine.profiles.create(context, ProfileRequest("p")),
        lambda: engine.profiles.delete(context, "memory"),
        lambda: engine.tenants.create(context, TenantRequest("t")),
        lambda: engine.tenants.set_limit(context, str(context.tenant), None, max_volumes=1, max_bytes=1),
        lambda: engine.hosts.create(context, HostRequest("h", installation=True)),
        lambda: engine.doctor.examine(context),
    ]


def test_events_of_the_installation_are_not_shown_to_tenants(bench: Bench) -> None:
    member = bench.user(bench.root.tenant, "member")
    bench.volume()
    bench.engine.profiles.create(bench.root, ProfileRequest("seen by root"))
    everywhere = bench.installation.administrator(bench.engine)
    everywhere = Context(None, everywhere.user, everywhere.roles)
    wanted = {"volume.created", "profile.created", "backend.created"}
    seen: set[str] = set()
    for _ in range(200):
        seen = {event.kind for event in bench.engine.events.after(everywhere, 0, 1000)}
        if wanted <= seen:
            break
        time.sleep(0.05)
    assert wanted <= seen
    mine = bench.engine.events.after(member, 0, 1000)
    assert {event.tenant for event in mine} == {bench.root.tenant}
    assert "volume.created" in {event.kind for event in mine}


def test_an_administrator_lists_the_tenant_acted_for_or_everything(bench: Bench) -> None:
    volume = bench.volume()
    stranger = bench.tenant("strangers", "member")
    theirs = bench.engine.volumes.create(stranger, VolumeRequest("theirs", SIZE, profile="memory"))
    done(bench.engine, theirs)
    nobody = Context(None, bench.root.user, bench.root.roles)
    assert [v.id for v in bench.engine.volumes.list(bench.root).items] == [volume]
    assert {v.id for v in bench.engine.volumes.list(nobody).items} == {volume, theirs.resource}
    everything = bench.engine.volumes.list(bench.root, Query(all_tenants=True)).items
    assert {v.id for v in everything} == {volume, theirs.resource}
    assert [v.id for v in bench.engine.volumes.list(stranger, Query(all_tenants=True)).items] == [theirs.resource]
    explained = bench.engine.operations.explain(bench.root, theirs.request_id)
    assert [operation.id for operation in explained.operations] == [theirs.id]
    with pytest.raises(NotFound):
        bench.engine.operations.explain(stranger, bench.engine.operations.list(bench.root).items[0].request_id)


def test_a_profile_kept_for_a_tenant_is_there_for_that_tenant_only(bench: Bench) -> None:
    engine = bench.engine
    one, other = bench.tenant("one", "member"), bench.tenant("other", "member")
    kept = engine.profiles.create(bench.root, ProfileRequest("kept", MEMORY_PROFILE, tenants=(str(one.tenant),)))
    assert kept.name in [profile.name for profile in engine.profiles.list(one).items]
    assert kept.name not in [profile.name for profile in engine.profiles.list(other).items]
    done(engine, engine.volumes.create(one, VolumeRequest("v", SIZE, profile="kept")))
    for ask in (
        lambda: engine.profiles.get(other, "kept"),
        lambda: engine.volumes.create(other, VolumeRequest("v", SIZE, profile="kept")),
    ):
        with pytest.raises(NotFound):
            ask()


def test_the_last_administrator_stays(bench: Bench) -> None:
    engine, root = bench.engine, bench.root
    for ask in (
        lambda: engine.users.delete(root, root.user),
        lambda: engine.users.update(root, root.user, Changes(enabled=False)),
        lambda: engine.users.update(root, root.user, Changes(roles=("reader",))),
    ):
        with pytest.raises(Conflict, match="last administrator"):
            ask()
    second = bench.user(None, "admin")
    engine.users.delete(second, root.user)
    with pytest.raises(Conflict, match="last administrator"):
        engine.users.delete(second, second.user)


def test_a_user_of_a_tenant_is_made_no_administrator(bench: Bench) -> None:
    engine, root = bench.engine, bench.root
    manager = bench.tenant("shop", "manager")
    with pytest.raises(Invalid, match="does not administer"):
        engine.users.create(root, UserRequest("boss", manager.tenant, ("member", "admin")))
    with pytest.raises(Invalid, match="does not administer"):
        engine.users.update(root, manager.user, Changes(roles=("admin",)))
    with pytest.raises(Invalid, match="only the roles manager"):
        engine.tokens.create(root, TokenRequest("t", user=manager.user, roles=("admin",)))


def test_an_administrator_of_a_tenant_whom_an_earlier_release_made_is_its_manager(bench: Bench) -> None:
    engine, root = bench.engine, bench.root
    manager, other = bench.tenant("shop", "manager"), bench.tenant("mill", "member")
    users, tokens, former = schema.users, schema.tokens, {"roles": ("admin",)}
    engine.database.change(lambda tx: tx.execute(users.update().where(users.c.id == manager.user).values(former)))
    engine.database.change(lambda tx: tx.execute(tokens.update().where(tokens.c.user == manager.user).values(former)))
    found = engine.users.get(root, manager.user)
    assert found.roles == ("manager",)
    shown, text = engine.tokens.create(manager, TokenRequest("own"))
    assert shown.roles == ("manager",)
    engine.users.update(manager, manager.user, Changes(password="a long enough phrase"))
    old = [token.id for token in engine.tokens.list(root, Query(filters={"user": manager.user})).items]
    assert len(old) == 2
    for credential in (Credential(token=text), Credential(user=found.name, password="a long enough phrase")):
        caller = engine.users.authenticate(credential)
        assert (caller.tenant, caller.is_admin) == (manager.tenant, False) and caller.roles == {"manager"}
        assert [tenant.id for tenant in engine.tenants.list(caller).items] == [manager.tenant]
        with pytest.raises(NotFound):
            engine.users.get(caller, other.user)
        with pytest.raises(Forbidden):
            engine.tenants.set_limit(caller, str(manager.tenant), None, max_volumes=None, max_bytes=None)
