"""What the plug-in asks of a vCenter, asked of two simulators that know nothing of each other.

Ours always; govmomi's, which knows less, when `ISTHMUS_GOVMOMI=1` asks for it: it takes half a minute to build.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from isthmus.core.errors import IsthmusError
from isthmus.core.model.record import Records
from isthmus.plugins.vsphere.connection.endpoint import Endpoint
from isthmus.plugins.vsphere.connection.errors import LoginRefused, SessionEnded, TicketRefused, WrongCertificate
from isthmus.plugins.vsphere.connection.soap import Connection, connect
from isthmus.plugins.vsphere.connection.trust import Trust
from isthmus.plugins.vsphere.connection.vmodl import vim
from isthmus.plugins.vsphere.hosts.esx import hosts_at
from isthmus.plugins.vsphere.inventory.watch import Watch
from isthmus.plugins.vsphere.vcenters.reach import Reaches
from isthmus.plugins.vsphere.vcenters.store import VCenters
from isthmus.plugins.vsphere.vcenters.vcenter import VCenter as Known
from tests.environment.server import until
from tests.integration.vsphere.conftest import ADMINISTRATOR, specification
from tests.simulators.govmomi import vcenter as govmomi
from tests.simulators.vcenter import Certificate, VCenter, issue


@dataclass(frozen=True, slots=True)
class Site:
    """A simulated vCenter, whoever made it."""

    port: int
    user: str
    password: str
    certificate: Certificate

    @property
    def endpoint(self) -> Endpoint:
        return Endpoint("127.0.0.1", self.port, Trust(certificate=self.certificate.pem))

    def connection(self) -> Connection:
        made = connect(self.endpoint)
        made.login(self.user, self.password)
        return made

    def children(self, connection: Connection, kind: Any) -> list[Any]:
        content = connection.content
        view = content.viewManager.CreateContainerView(content.rootFolder, [kind], True)
        return list(connection.read(view, "view")["view"])


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Any:
    if os.environ.get("ISTHMUS_GOVMOMI") != "1":
        pytest.skip("govmomi's simulator is asked only with ISTHMUS_GOVMOMI=1")
    if reason := govmomi.missing():
        pytest.skip(reason)
    return govmomi.built(tmp_path_factory.mktemp("govmomi"))


@pytest.fixture(params=["ours", "govmomi"])
def site(request: pytest.FixtureRequest) -> Iterator[Site]:
    if request.param == "ours":
        with VCenter(specification()) as vc:
            yield Site(vc.port, ADMINISTRATOR.name, ADMINISTRATOR.password, vc.certificate)
        return
    with govmomi.running(request.getfixturevalue("program")) as running:
        yield Site(running.port, running.user, running.password, running.certificate)


def test_it_says_who_it_is_before_anybody_logs_in(site: Site) -> None:
    about = connect(site.endpoint).about()
    assert len(about.guid) == 36 and about.version[0].isdigit() and "vCenter" in about.full_name


def test_another_certificate_is_refused(site: Site) -> None:
    with pytest.raises(WrongCertificate):
        connect(Endpoint("127.0.0.1", site.port, Trust(certificate=issue().pem)))


def test_a_wrong_password_is_refused(site: Site) -> None:
    with pytest.raises(LoginRefused):
        connect(site.endpoint).login("nobody", "")


def test_a_ticket_clones_the_session_and_is_good_once(site: Site) -> None:
    first, second = site.connection(), connect(site.endpoint)
    ticket = first.ticket()
    assert second.clone(ticket).user == first.who().user
    assert second.cookie != first.cookie and second.who().key != first.who().key
    with pytest.raises(TicketRefused):
        connect(site.endpoint).clone(ticket)


def test_who_was_logged_out_is_told_so(site: Site) -> None:
    first, second = site.connection(), site.connection()
    with pytest.raises(SessionEnded):
        first.content.sessionManager.TerminateSession([second.who().key])
        second.who()
    assert first.who()


def test_hosts_are_read_in_one_call(site: Site) -> None:
    connection = site.connection()
    refs = site.children(connection, vim.HostSystem)
    hosts = hosts_at(connection, refs)
    assert [each.moid for each in hosts] == [ref._moId for ref in refs]
    assert all(each.name and each.connected and not each.maintenance for each in hosts)


def test_what_one_may_do_is_asked_in_one_call(site: Site) -> None:
    connection = site.connection()
    wanted = ("Host.Config.Storage", "Datastore.Delete")
    found = connection.privileges(connection.content.rootFolder, connection.who().key, wanted)
    assert found == set(wanted)


def test_what_is_not_there_is_an_error_of_ours(site: Site) -> None:
    connection = site.connection()
    with pytest.raises(IsthmusError):
        connection.read(connection.reference("Datastore", "datastore-none"), "name")


def test_the_inventory_is_fed_by_what_changes(site: Site, records: Records) -> None:
    reaches, connection = Reaches(VCenters(records)), site.connection()
    guid = connection.about().guid
    known = Known(guid, "127.0.0.1", site.port, Trust(certificate=site.certificate.pem), "t1", site.user)
    reaches.vcenters.put(known, password=site.password)
    watch = Watch(guid, reaches)
    try:
        assert watch.inventory.complete(30), watch.inventory.reason
        machine = site.children(connection, vim.VirtualMachine)[0]
        held = {each.reference.moid: each for each in watch.inventory.all("VirtualMachine")}[machine._moId]
        assert held.get("datastore") and held.get("runtime.host") and watch.inventory.all("Datastore")
        before, version = held.get("runtime.powerState"), watch.inventory.version
        (machine.PowerOffVM_Task if before == "poweredOn" else machine.PowerOnVM_Task)()
        until(lambda: watch.inventory.get(held.reference).get("runtime.powerState") != before, 20)
        assert watch.inventory.version > version
    finally:
        watch.stop()
        assert watch.join(20)
