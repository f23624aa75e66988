"""A vCenter is told once of what its administrator must know, on the right object, in its own language; alarms colour
the object and clear it again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from isthmus.core.errors import IsthmusError, Unavailable
from isthmus.core.model.host import Initiator
from isthmus.core.model.page import Query
from isthmus.core.model.request import AttachmentRequest, HostRequest
from isthmus.core.store import nouns, schema
from isthmus.plugins.vsphere.events.board import Board
from isthmus.plugins.vsphere.events.drift import findings
from isthmus.plugins.vsphere.events.memory import Memory
from isthmus.plugins.vsphere.events.notice import Notice
from tests.environment.engine import done
from tests.environment.server import until
from tests.integration.vsphere.conftest import specification
from tests.integration.vsphere.events_site import (
    GIB,
    EventsSite,
    arguments,
    colour,
    events_site,
    in_language,
    kinds,
    posted,
)
from tests.simulators.vcenter import VCenter, sized
from tests.simulators.vcenter.objects.alarm import Alarm


@pytest.fixture
def site(tmp_path: Path) -> Iterator[EventsSite]:
    with events_site(tmp_path) as made:
        yield made


@pytest.fixture
def vc(site: EventsSite) -> Iterator[VCenter]:
    with VCenter(specification(datacenters=(sized(hosts=2, datastores=1, machines=0),))) as made:
        site.add(made)
        yield made


@pytest.fixture
def volume(site: EventsSite, vc: VCenter) -> str:
    made = site.volume()
    site.back(vc, made)
    return made


def test_a_pool_that_fills_up_colours_the_datastore_and_room_clears_it(
    site: EventsSite, vc: VCenter, volume: str
) -> None:
    herald = site.herald()
    herald.tell(vc.guid)
    assert posted(vc) == []
    for used, kind, shown in ((85, "pool.filling", "yellow"), (96, "pool.full", "red"), (50, "pool.relieved", "green")):
        site.fill(volume, used)
        herald.tell(vc.guid)
        assert (kinds(vc)[-1], colour(vc)) == (kind, shown)
        herald.tell(vc.guid)
    assert kinds(vc) == ["pool.filling", "pool.full", "pool.relieved"], "each is told once"
    told = posted(vc)[1]
    assert told[1] == "datastore-001" and "behind datastore datastore-001 is 96 % full" in told[2]


def test_a_pool_at_the_bound_does_not_fill_the_list_of_events(site: EventsSite, vc: VCenter, volume: str) -> None:
    herald = site.herald()
    for used in (800, 795, 801, 790, 800):
        site.fill(volume, used / 10)
        herald.tell(vc.guid)
    assert kinds(vc) == ["pool.filling"]


def test_a_pool_that_promises_too_much_is_told(site: EventsSite, vc: VCenter, volume: str) -> None:
    herald = site.herald(promised=200.0)
    site.pool(volume, provisioned=250 * GIB, total=100 * GIB, used=GIB, ours=GIB)
    herald.tell(vc.guid)
    site.pool(volume, provisioned=100 * GIB)
    herald.tell(vc.guid)
    assert kinds(vc) == ["pool.oversubscribed", "pool.covered"]
    assert colour(vc) == "green"


def test_a_back_end_that_is_away_and_back_is_told_when_it_was_away_twice(
    site: EventsSite, vc: VCenter, volume: str
) -> None:
    herald = site.herald()
    site.pool(volume, state="unavailable", reason="The array does not answer.")
    herald.tell(vc.guid)
    assert posted(vc) == []
    herald.tell(vc.guid)
    assert (kinds(vc), colour(vc)) == (["storage.lost"], "red")
    assert "The array does not answer." in posted(vc)[0][2]
    site.pool(volume, state="available", reason="")
    herald.tell(vc.guid)
    assert (kinds(vc), colour(vc)) == (["storage.lost", "storage.back"], "green")


def test_a_system_that_is_silent_is_told_and_nothing_is_said_of_its_volumes(
    site: EventsSite, vc: VCenter, volume: str
) -> None:
    herald = site.herald()
    site.fill(volume, 99)
    herald.tell(vc.guid)
    local = site.systems["local"]

    class Silent:
        """The system while it does not answer; the core's events still come."""

        def storage(self, context: object) -> object:
            storage = local.storage(context)  # type: ignore[arg-type]

            def refuse(query: Query | None = None) -> object:
                raise Unavailable("The system is down.")

            storage.volumes.list = refuse  # type: ignore[method-assign,assignment]
            return storage

    site.systems["local"] = Silent()  # type: ignore[assignment]
    herald.tell(vc.guid)
    herald.tell(vc.guid)
    assert kinds(vc) == ["pool.full", "storage.lost"]
    site.systems["local"] = local
    herald.tell(vc.guid)
    assert kinds(vc)[2:] == ["storage.back"], "how full the pool is was known all the time"
    assert colour(vc) == "red"


def test_a_volume_in_error_and_a_volume_that_is_gone_are_told_and_never_mended(
    site: EventsSite, vc: VCenter, volume: str
) -> None:
    herald = site.herald()
    herald.tell(vc.guid)
    site.change(nouns.volumes, volume, state="error")
    herald.tell(vc.guid)
    site.change(nouns.volumes, volume, state="available")
    herald.tell(vc.guid)
    assert kinds(vc) == ["volume.error", "volume.well"]
    site.engine.volumes.delete(site.root, volume)
    until(lambda: not site.engine.volumes.list(site.root).items)
    herald.tell(vc.guid)
    assert (kinds(vc)[-1], colour(vc)) == ("volume.gone", "red")
    (found,) = findings(site.records, vc.guid)
    assert "behind datastore datastore-001 is no longer in storage system local" in found.text and found.cure
    assert vc.named("datastore-001").name == "datastore-001", "nothing is deleted by itself"
    vc.named("datastore-001").destroy()
    until(lambda: not site.watches.inventory(vc.guid).all("Datastore"))
    herald.tell(vc.guid)
    assert list(findings(site.records, vc.guid)) == []


def test_texts_are_in_the_vcenters_language(site: EventsSite) -> None:
    with in_language("de") as german, in_language("zh_CN") as chinese:
        for each in (german, chinese):
            site.add(each)
            site.back(each, site.volume(f"gold-{each.port}"))
        for pool in pools_of(site):
            site.change(nouns.pools, pool, used=90 * GIB, total=100 * GIB)
        herald = site.herald()
        herald.tell(german.guid)
        herald.tell(chinese.guid)
        assert "ist zu 90 % voll" in posted(german)[0][2]
        assert "已使用 90%" in posted(chinese)[0][2]
        names = [str(each.get("info").name) for each in german.model.every(Alarm)]
        assert "Isthmus: Platz im Pool hinter einem Datenspeicher" in names


def pools_of(site: EventsSite) -> list[str]:
    return [each.id for each in site.engine.pools.list(site.root).items]


def test_a_failed_operation_is_told_once_where_it_was_begun(site: EventsSite, vc: VCenter, volume: str) -> None:
    herald = site.herald()
    herald.tell(vc.guid)
    operation = operation_on(site, volume)
    error = {"message": "No room.", "next_step": "Wait."}
    site.happened("operation.failed", operation, kind="volume.extend", error=error)
    herald.tell(vc.guid)
    herald.tell(vc.guid)
    assert kinds(vc) == ["operation.failed"]
    assert posted(vc)[0][1] == "datastore-001" and "No room. Wait." in posted(vc)[0][2]


def operation_on(site: EventsSite, volume: str) -> str:
    """Some operation of the core on the volume."""
    made = site.engine.volumes.extend(site.root, volume, 2 << 30)
    return done(site.engine, made).id


def test_an_operation_that_waits_for_a_person_is_told_until_somebody_came(
    site: EventsSite, vc: VCenter, volume: str
) -> None:
    herald = site.herald()
    operation = operation_on(site, volume)
    herald.tell(vc.guid)
    database = site.engine.parts.database

    def state(value: str) -> None:
        table = schema.operations
        database.change(lambda tx: tx.execute(table.update().where(table.c.id == operation).values(state=value)))

    state("needs_attention")
    herald.tell(vc.guid)
    herald.tell(vc.guid)
    assert (kinds(vc), colour(vc)) == (["operation.attention"], "yellow")
    assert arguments(vc, "operation.attention")["operation"] == operation
    state("done")
    herald.tell(vc.guid)
    assert (kinds(vc)[-1], colour(vc)) == ("operation.settled", "green")


def test_after_a_restart_nothing_is_told_twice_and_nothing_is_lost(
    site: EventsSite, vc: VCenter, volume: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.herald().tell(vc.guid)
    operation = operation_on(site, volume)
    site.fill(volume, 99)
    site.happened("operation.failed", operation, kind="volume.extend", error={"message": "No room."})
    post = Board.post

    def posts_and_dies(board: Board, notices: Sequence[Notice]) -> None:
        post(board, notices)
        if notices:
            raise SystemExit

    # Each time another one is found in the vCenter's list, and not posted again.
    monkeypatch.setattr(Board, "post", posts_and_dies)
    for expected in (["operation.failed"], ["operation.failed", "pool.full"]):
        with pytest.raises(SystemExit):
            site.herald().tell(vc.guid)
        assert kinds(vc) == expected
    monkeypatch.setattr(Board, "post", post)
    site.herald().tell(vc.guid)
    assert kinds(vc) == ["operation.failed", "pool.full"]


def test_what_was_written_down_and_not_posted_is_posted_after_a_restart(
    site: EventsSite, vc: VCenter, volume: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.herald().tell(vc.guid)
    site.fill(volume, 99)
    post = Board.post

    def dies(board: Board, notices: object) -> None:
        raise SystemExit

    monkeypatch.setattr(Board, "post", dies)
    with pytest.raises(SystemExit):
        site.herald().tell(vc.guid)
    assert kinds(vc) == []
    monkeypatch.setattr(Board, "post", post)
    site.herald().tell(vc.guid)
    assert kinds(vc) == ["pool.full"]


def test_a_dead_vcenter_keeps_no_other_and_is_told_when_it_is_back(site: EventsSite, vc: VCenter, volume: str) -> None:
    class Beat:
        name, epoch = "vsphere.events", 1

        def held(self) -> bool:
            return True

        def wait(self, seconds: float) -> bool:
            return True

        def go_on(self) -> bool:
            return True

        def alive(self) -> None:
            """Nothing watches."""

    with VCenter(specification()) as dead:
        site.add(dead)
        site.back(dead, volume)
        herald = site.herald()
        herald.tell(vc.guid)
        herald.tell(dead.guid)
        dead.die()
        site.fill(volume, 99)
        herald = site.herald()

        def looked() -> bool:
            herald.look(Beat())
            return kinds(vc) == ["pool.full"]

        until(looked, 30)
        assert kinds(dead) == []
        dead.revive()
        site.reaches.refresh(dead.guid)

        def told() -> bool:
            try:
                herald.tell(dead.guid)
            except IsthmusError:
                return False
            return kinds(dead) == ["pool.full"]

        until(told, 60)
        assert kinds(vc) == ["pool.full"]


def test_what_is_not_of_this_vcenter_is_not_told_there(site: EventsSite, vc: VCenter) -> None:
    site.volume("elsewhere")
    for pool in pools_of(site):
        site.change(nouns.pools, pool, used=99 * GIB, total=100 * GIB)
    site.herald().tell(vc.guid)
    assert kinds(vc) == []


def test_a_vcenter_that_is_forgotten_leaves_nothing(site: EventsSite, vc: VCenter, volume: str) -> None:
    herald = site.herald()
    site.fill(volume, 99)
    herald.tell(vc.guid)
    memory = Memory(site.records, vc.guid)
    assert memory.all() and memory.position()
    herald.forget(vc.guid)
    assert not memory.all() and memory.position() is None


def test_volumes_of_a_host_that_is_gone_are_told_and_a_host_that_was_renamed_is_not(
    site: EventsSite, vc: VCenter
) -> None:
    volume = site.volume(profile="shared")
    site.back(vc, volume)
    kept, gone = vc.named("esx-01.example.test"), vc.named("esx-02.example.test")
    adapters = kept.get("config.storageDevice.hostBusAdapter")
    real = next(each.iScsiName for each in adapters if getattr(each, "iScsiName", None))
    attachments = []
    for host, name in ((kept, real), (gone, "iqn.1998-01.com.vmware:gone")):
        made = site.engine.hosts.ensure(site.root, HostRequest(host.name, (Initiator("iscsi", name),)))
        attached = site.engine.attachments.create(site.root, AttachmentRequest(volume, made.id))
        attachments.append(str(done(site.engine, attached).result["attachment"]))
    herald = site.herald()
    herald.tell(vc.guid)
    for host in (kept, gone):
        host.set("name", f"other-{host.name}")
    inventory = site.watches.inventory(vc.guid)
    until(lambda: all(each.name.startswith("other-") for each in inventory.all("HostSystem")))
    herald.tell(vc.guid)
    assert kinds(vc) == ["host.stale"]
    assert arguments(vc, "host.stale")["hosts"] == "esx-02.example.test"
    assert str(vc.root.get("overallStatus")) == "yellow"
    (found,) = findings(site.records, vc.guid)
    assert "attached to host esx-02.example.test, which the vCenter no longer has" in found.text
    assert "isthmus attachment list --where host=" in found.cure
    done(site.engine, site.engine.attachments.delete(site.root, attachments[1]))
    herald.tell(vc.guid)
    assert kinds(vc) == ["host.stale", "host.tidy"]
    assert str(vc.root.get("overallStatus")) == "green"
    assert list(findings(site.records, vc.guid)) == []
