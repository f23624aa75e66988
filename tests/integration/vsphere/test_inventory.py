"""The inventory comes whole, follows every change by itself, and finds its way back after an interruption."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from isthmus.core.errors import NotFound, Unavailable
from isthmus.core.model.record import Records
from isthmus.plugins.vsphere.connection.trust import Trust
from isthmus.plugins.vsphere.inventory.inventory import Inventory
from isthmus.plugins.vsphere.inventory.item import Change, Movement, Reference
from isthmus.plugins.vsphere.inventory.watch import Watch, Watches
from isthmus.plugins.vsphere.vcenters.reach import Reaches
from isthmus.plugins.vsphere.vcenters.store import VCenters
from isthmus.plugins.vsphere.vcenters.vcenter import VCenter as Known
from tests.environment.server import until
from tests.integration.vsphere.conftest import SERVICE
from tests.simulators.vcenter import VCenter


@pytest.fixture
def reaches(records: Records) -> Reaches:
    return Reaches(VCenters(records))


def add(reaches: Reaches, vc: VCenter) -> None:
    trust = Trust(certificate=vc.certificate.pem)
    known = Known(vc.guid, "127.0.0.1", vc.port, trust, "t1", SERVICE.name)
    reaches.vcenters.put(known, password=SERVICE.password)


@pytest.fixture
def watch(reaches: Reaches, vc: VCenter) -> Iterator[Watch]:
    add(reaches, vc)
    made = Watch(vc.guid, reaches)
    assert made.inventory.complete(20)
    yield made
    made.stop()
    assert made.join(20), "the watch did not end"


def datastore(vc: VCenter) -> Reference:
    return Reference("Datastore", vc.named("datastore-001").moid)


def test_the_first_inventory_is_whole_and_plain(watch: Watch, vc: VCenter) -> None:
    found = watch.inventory
    assert [each.name for each in found.all("HostSystem")] == ["esx-01.example.test", "esx-02.example.test"]
    store = found.get(datastore(vc))
    assert (store.name, store.get("summary.type"), store.get("summary.capacity")) == ("datastore-001", "VMFS", 1 << 40)
    assert store.get("info")["vmfs"]["extent"][0]["diskName"].startswith("naa.6")
    machine = found.get(store.get("vm")[0])
    assert machine.get("runtime.host") in {each.reference for each in found.all("HostSystem")}
    assert found.all("ClusterComputeResource")[0].name == "cluster-1"
    with pytest.raises(NotFound):
        found.get(Reference("Datastore", "datastore-none"))


def test_a_change_is_seen_and_told_without_asking(watch: Watch, vc: VCenter) -> None:
    told: list[Change] = []
    end = watch.inventory.listen(told.extend)
    version = watch.inventory.version
    vc.named("datastore-001").set("name", "renamed")
    assert watch.inventory.wait(version, 20) > version
    assert watch.inventory.get(datastore_by_name(watch.inventory, "renamed")).name == "renamed"
    until(lambda: told)
    assert told[0].movement is Movement.CHANGED and told[0].values["name"] == "renamed"
    end()
    version = watch.inventory.version
    vc.named("renamed").set("name", "datastore-001")
    assert watch.inventory.wait(version, 20) > version
    assert len(told) == 1


def datastore_by_name(inventory: Inventory, name: str) -> Reference:
    (found,) = [each.reference for each in inventory.all("Datastore") if each.name == name]
    return found


def test_what_comes_and_goes_is_seen(watch: Watch, vc: VCenter) -> None:
    made = vc.add_datacenter("Elsewhere", vc.root)
    until(lambda: "Elsewhere" in {each.name for each in watch.inventory.all("Datacenter")})
    made.destroy()
    until(lambda: "Elsewhere" not in {each.name for each in watch.inventory.all("Datacenter")})


def test_after_a_vcenters_death_what_changed_meanwhile_is_found(watch: Watch, vc: VCenter) -> None:
    store = datastore(vc)
    vc.die()
    until(lambda: watch.inventory.reason)
    assert watch.inventory.get(store).name == "datastore-001", "what was known stays to be seen"
    told: list[Change] = []
    watch.inventory.listen(told.extend)
    vc.named("datastore-001").set("name", "meanwhile")
    vc.revive()
    until(lambda: watch.inventory.get(store).name == "meanwhile", 40)
    assert watch.inventory.reason == ""
    assert [(each.movement, dict(each.values)) for each in told] == [(Movement.CHANGED, {"name": "meanwhile"})]


def test_an_ended_session_is_begun_anew(watch: Watch, vc: VCenter) -> None:
    store = datastore(vc)
    for each in vc.sessions.all():
        vc.sessions.close(each)
    vc.named("datastore-001").set("name", "after")
    until(lambda: watch.inventory.get(store).name == "after", 40)


def test_a_listener_that_fails_harms_nobody(watch: Watch, vc: VCenter) -> None:
    told: list[Change] = []

    def fail(changes: Any) -> None:
        raise RuntimeError("mine")

    watch.inventory.listen(fail)
    watch.inventory.listen(told.extend)
    vc.named("datastore-001").set("name", "once")
    until(lambda: told)
    vc.named("once").set("name", "twice")
    until(lambda: len(told) > 1)


def test_without_a_service_account_it_is_said_why_nothing_is_there(reaches: Reaches, vc: VCenter) -> None:
    known = Known(vc.guid, "127.0.0.1", vc.port, Trust(certificate=vc.certificate.pem), "t1")
    reaches.vcenters.put(known)
    watches = Watches(reaches)
    inventory = watches.inventory(vc.guid)
    until(lambda: inventory.reason)
    with pytest.raises(Unavailable, match="service account"):
        inventory.all("Datastore")
    watches.close()


def test_one_watch_serves_all_who_ask_and_a_dead_vcenter_keeps_no_other(reaches: Reaches, vc: VCenter) -> None:
    add(reaches, vc)
    watches = Watches(reaches)
    with VCenter() as dead:
        add(reaches, dead)
        dead.stop()
        assert watches.inventory(vc.guid) is watches.inventory(vc.guid)
        with pytest.raises(Unavailable):
            watches.inventory(dead.guid).all("Datastore")
        assert watches.inventory(vc.guid).complete(20)
    watches.close()
    with pytest.raises(NotFound):
        watches.inventory("none")


def test_a_watch_ends_with_its_vcenters_registration_and_begins_anew_with_the_next(
    reaches: Reaches, vc: VCenter
) -> None:
    add(reaches, vc)
    watches = Watches(reaches)
    first = watches.inventory(vc.guid)
    assert first.complete(20)
    # As another process does it: nobody tells this one.
    reaches.vcenters.forget(vc.guid)
    reaches.refresh(vc.guid)
    vc.die()
    until(lambda: "not registered" in first.reason, 40)
    vc.revive()
    add(reaches, vc)
    assert watches.inventory(vc.guid).complete(20)
    assert watches.inventory(vc.guid) is not first
    watches.close()


def test_a_watch_that_nobody_needs_ends_and_who_asks_later_begins_anew(reaches: Reaches, vc: VCenter) -> None:
    add(reaches, vc)
    now = [1000.0]
    watch = Watch(vc.guid, reaches, idle=60, wait=1, clock=lambda: now[0])
    assert watch.inventory.complete(20) and watch.use()
    end = watch.inventory.listen(lambda changes: None)
    now[0] += 61
    assert not watch.join(3), "who listens needs it"
    assert watch.inventory.reason == ""
    end()
    assert watch.join(20), "it goes on though nobody needs it"
    assert not watch.use()
    assert watch.inventory.reason and watch.inventory.all("Datastore"), "what was known is still to be seen"
    assert not [each for each in vc.sessions.all() if each.user == SERVICE.name], "it logged out"


def test_asking_keeps_a_watch_alive(reaches: Reaches, vc: VCenter) -> None:
    add(reaches, vc)
    now = [1000.0]
    watch = Watch(vc.guid, reaches, idle=60, wait=1, clock=lambda: now[0])
    assert watch.inventory.complete(20)
    for _ in range(3):
        now[0] += 40
        assert watch.use()
        version = watch.inventory.version
        vc.named(watch.inventory.all("Datastore")[0].name).set("name", f"renamed-{now[0]}")
        assert watch.inventory.wait(version, 20) > version
    watch.stop()
    assert watch.join(20)
