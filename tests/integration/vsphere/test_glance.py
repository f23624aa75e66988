"""Menus are answered from what was found a moment ago; whoever uses an action has everything asked again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from isthmus.core.errors import Forbidden
from isthmus.plugins.vsphere.connection.soap import Connection, connect
from isthmus.plugins.vsphere.connection.trust import Trust
from isthmus.plugins.vsphere.inventory.glance import OLDEST_SECONDS, Glances, GlancingActions, glanced
from isthmus.plugins.vsphere.inventory.watch import Watches
from isthmus.plugins.vsphere.vcenters.reach import Reaches
from isthmus.plugins.vsphere.vcenters.store import VCenters
from isthmus.plugins.vsphere.vcenters.vcenter import VCenter as Known
from tests.environment.server import until
from tests.integration.vsphere.actions_site import ActionSite
from tests.integration.vsphere.conftest import ANNA, SERVICE, specification
from tests.simulators.vcenter import Grant, Role, User, VCenter, sized

GIB = 1 << 30
HOSTS = ("esx-01.example.test", "esx-02.example.test")


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def watches(records: Any, vc: VCenter) -> Iterator[Watches]:
    reaches = Reaches(VCenters(records))
    trust = Trust(certificate=vc.certificate.pem)
    reaches.vcenters.put(
        Known(vc.guid, "127.0.0.1", vc.port, trust, "t1", SERVICE.name), password=SERVICE.password
    )  # fmt: skip
    made = Watches(reaches)
    assert made.inventory(vc.guid).complete(20)
    yield made
    made.close()
    reaches.close()


def session(vc: VCenter, user: User) -> tuple[Connection, Any]:
    endpoint = Known(vc.guid, "127.0.0.1", vc.port, Trust(certificate=vc.certificate.pem), "t1").endpoint
    connection = connect(endpoint)
    return connection, connection.login(user.name, user.password)


def calls(vc: VCenter, *methods: str) -> int:
    return sum(vc.interference.calls.count(each) for each in methods)


def test_hosts_come_from_the_inventory_and_rights_of_all_in_one_call(vc: VCenter, watches: Watches) -> None:
    connection, who = session(vc, ANNA)
    glances = Glances(watches)
    refs = [connection.reference("HostSystem", vc.named(name).moid) for name in HOSTS]
    real = connection.read_all(refs, "name", "runtime.connectionState", "configManager.storageSystem", "parent")
    with glances.glancing():
        quick = glanced(vc.guid, connection, who)
        before = calls(vc, "RetrievePropertiesEx")
        found = quick.read_all(refs, "name", "runtime.connectionState", "configManager.storageSystem", "parent")
        assert calls(vc, "RetrievePropertiesEx") == before
        assert {moid: {path: str(value) for path, value in each.items()} for moid, each in found.items()} == {
            moid: {path: str(value) for path, value in each.items()} for moid, each in real.items()
        }
        asked = calls(vc, "HasPrivilegeOnEntities")
        for each in refs:
            assert quick.privileges(each, who.key, ["Host.Config.Storage"]) == frozenset()
        # What every menu asks of hosts came with the question whether they may be seen.
        assert calls(vc, "HasPrivilegeOnEntities") == asked
        for each in refs:
            assert quick.privileges(each, who.key, ["Host.Config.DateTime"]) == frozenset()
        assert calls(vc, "HasPrivilegeOnEntities") == asked + 1
    assert glanced(vc.guid, connection, who) is connection, "outside of a glance nothing is remembered"


def test_a_change_is_seen_at_once_where_the_inventory_is_told_and_soon_elsewhere(vc: VCenter, watches: Watches) -> None:
    connection, who = session(vc, ANNA)
    clock = Clock()
    glances = Glances(watches, clock=clock)
    host = vc.named("esx-01.example.test")
    ref = connection.reference("HostSystem", host.moid)
    with glances.glancing():
        quick = glanced(vc.guid, connection, who)
        assert quick.read(ref, "runtime.connectionState")["runtime.connectionState"] == "connected"
        bios = quick.read(ref, "hardware.biosInfo")
        host.set_connection("notResponding")
        until(lambda: quick.read(ref, "runtime.connectionState")["runtime.connectionState"] == "notResponding")
        before = calls(vc, "RetrievePropertiesEx")
        assert quick.read(ref, "hardware.biosInfo") == bios
        assert calls(vc, "RetrievePropertiesEx") == before
        clock.now += OLDEST_SECONDS + 1
        quick.read(ref, "hardware.biosInfo")
        assert calls(vc, "RetrievePropertiesEx") == before + 1


def test_what_somebody_may_not_see_is_not_shown_from_the_inventory(records: Any) -> None:
    few = Role("Few", ("Isthmus.View",))
    blind = User("blind@vsphere.local", "Secret-9", (Grant(few.name, "datastore-001"),))
    spec = specification(blind, roles=(few,), datacenters=(sized(hosts=2, datastores=2, machines=0),))
    with VCenter(spec) as vc:
        reaches = Reaches(VCenters(records))
        trust = Trust(certificate=vc.certificate.pem)
        known = Known(vc.guid, "127.0.0.1", vc.port, trust, "t1", SERVICE.name)
        reaches.vcenters.put(known, password=SERVICE.password)
        watches = Watches(reaches)
        assert watches.inventory(vc.guid).complete(20)
        connection, who = session(vc, blind)
        stores = [connection.reference("Datastore", vc.named(f"datastore-00{n}").moid) for n in (1, 2)]
        with Glances(watches).glancing():
            found = glanced(vc.guid, connection, who).read_all(stores, "name")
        assert found == {stores[0]._moId: {"name": "datastore-001"}} == connection.read_all(stores, "name")
        watches.close()
        reaches.close()


def test_a_right_that_is_withdrawn_counts_at_once_when_an_action_is_used(site: ActionSite) -> None:
    site.done("provision", "esx-01.example.test", name="gold", size=3 * GIB)
    watches = Watches(site.offered.desk.reaches)
    assert watches.inventory(site.vc.guid).complete(20)
    until(lambda: "gold" in {each.name for each in watches.inventory(site.vc.guid).all("Datastore")})
    menus = GlancingActions(site.catalogue, Glances(watches))
    call = site.call("gold", {"with_snapshots": True})
    assert menus.check("vsphere", "delete", call) is None
    assert menus.check("vsphere", "delete", call) is None
    for each in list(site.vc.rights.roles.values()):
        if each.name == "Storage provisioners":
            site.vc.rights.roles[each.id] = type(each)(
                each.id, each.name, (each.privileges or frozenset()) - {"Datastore.Delete"}
            )
            site.vc.rights.changed()
    assert menus.check("vsphere", "delete", call) is None, "the menu may be a moment old"
    with pytest.raises(Forbidden, match=r"Datastore\.Delete"):
        menus.invoke("vsphere", "delete", call)
    watches.close()
