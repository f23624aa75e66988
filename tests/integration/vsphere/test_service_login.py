"""A service account that was refused is not tried again and again, since its vCenter would lock it; whose login it was
is said."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from isthmus.core.errors import Misconfigured
from isthmus.core.model.record import Records
from isthmus.plugins.vsphere.connection.errors import Unreachable
from isthmus.plugins.vsphere.connection.soap import Connection, Who
from isthmus.plugins.vsphere.connection.trust import Trust
from isthmus.plugins.vsphere.inventory.watch import Watch
from isthmus.plugins.vsphere.policies.keeper import Keeper
from isthmus.plugins.vsphere.reasons import said
from isthmus.plugins.vsphere.vcenters import service_login
from isthmus.plugins.vsphere.vcenters.reach import Reach, Reaches
from isthmus.plugins.vsphere.vcenters.store import VCenters
from isthmus.plugins.vsphere.vcenters.vcenter import VCenter as Known
from tests.environment.server import until
from tests.integration.vsphere.actions_site import ActionSite, Beat
from tests.integration.vsphere.conftest import SERVICE
from tests.integration.vsphere.test_exclusion import held
from tests.simulators.vcenter import VCenter

OTHER = "Changed-5"


@pytest.fixture
def reaches(records: Records, vc: VCenter) -> Iterator[Reaches]:
    made = Reaches(VCenters(records))
    known = Known(vc.guid, "127.0.0.1", vc.port, Trust(certificate=vc.certificate.pem), "t1", SERVICE.name)
    made.vcenters.put(known, password=SERVICE.password)
    yield made
    made.close()


def logins(vc: VCenter) -> int:
    return vc.interference.calls.count("Login")


def end_sessions(vc: VCenter) -> None:
    for each in vc.sessions.all():
        vc.sessions.close(each)


def ask(reach: Reach) -> str:
    def asked(connection: Connection, who: Who) -> str:
        return connection.who().user

    return reach.as_service(asked)


def refuse(reaches: Reaches, vc: VCenter) -> Misconfigured:
    with pytest.raises(Misconfigured, match="was refused") as error:
        ask(reaches.get(vc.guid))
    return error.value


def test_while_an_operation_is_under_way_a_refused_account_is_tried_once(site: ActionSite) -> None:
    (host, *_) = (each.name for each in site.hosts())
    with held(site, "vsphere.rescan", "scan") as go:
        operation = site.begin("rescan", host, site.root)
        until(lambda: site.operation(operation).step == "scan", 20)
        site.vc.change_password(SERVICE.name, OTHER)
        end_sessions(site.vc)
        before = logins(site.vc)
        watch = Watch(site.vc.guid, site.offered.desk.reaches)
        until(lambda: "was refused" in watch.inventory.reason, 20)
        for _ in range(20):
            site.offered.mirror.look(Beat())
        assert logins(site.vc) == before + 1
        site.vc.change_password(SERVICE.name, SERVICE.password)
        site.offered.desk.reaches.refresh(site.vc.guid)
        go[0] = True
        assert site.ended(operation).state == "done"
        assert site.task(operation).state == "success"
        watch.stop()
        assert watch.join(20)


def test_it_is_said_whose_login_was_refused_and_what_to_do(reaches: Reaches, vc: VCenter) -> None:
    vc.change_password(SERVICE.name, OTHER)
    error = refuse(reaches, vc)
    address = f"127.0.0.1:{vc.port}"
    assert error.message == f"The service account {SERVICE.name} of vCenter {address} was refused."
    command = f"isthmus vsphere upgrade --vcenter {address} --service-user {SERVICE.name}"
    assert command in (error.next_step or "")
    assert "Dienstkonto" in said(error.to_json(), "de") and command in said(error.to_json(), "de")
    assert SERVICE.password not in str(error.to_json())


def test_all_who_ask_at_once_and_another_process_are_answered_from_one_refusal(
    reaches: Reaches, records: Records, vc: VCenter
) -> None:
    vc.change_password(SERVICE.name, OTHER)
    reach = reaches.get(vc.guid)
    ways: list[Callable[[], object]] = [lambda: ask(reach), reach.account.begin, Keeper(reaches, {}, vc.guid).census]
    with ThreadPoolExecutor(6) as pool:
        for ended in [pool.submit(way) for way in ways * 2]:
            assert isinstance(ended.exception(), Misconfigured)
    refuse(Reaches(VCenters(records)), vc)
    assert logins(vc) == 1


def test_what_is_refused_for_tags_counts_too(reaches: Reaches, vc: VCenter) -> None:
    ask(reaches.get(vc.guid))
    vc.change_password(SERVICE.name, OTHER)
    for _ in range(3):
        with pytest.raises(Misconfigured, match="was refused"):
            Keeper(reaches, {}, vc.guid).census()
    assert vc.interference.calls.count("POST /api/session") == 1
    assert ask(reaches.get(vc.guid)) == "VSPHERE.LOCAL\\svc-isthmus", "the session that is there lives on"
    end_sessions(vc)
    refuse(reaches, vc)
    assert logins(vc) == 1


def test_a_vcenter_that_was_changed_is_tried_at_once(reaches: Reaches, vc: VCenter) -> None:
    vc.change_password(SERVICE.name, OTHER)
    refuse(reaches, vc)
    reaches.vcenters.put(reaches.vcenters.get(vc.guid), password=OTHER)
    until(lambda: reaches.get(vc.guid).vcenter.version == 2, 10)
    ask(reaches.get(vc.guid))
    assert logins(vc) == 2


def test_a_vcenter_that_is_known_anew_is_tried_at_once(reaches: Reaches, vc: VCenter) -> None:
    vc.change_password(SERVICE.name, OTHER)
    refuse(reaches, vc)
    known = reaches.vcenters.get(vc.guid)
    reaches.vcenters.forget(vc.guid)
    reaches.drop(vc.guid)
    assert reaches.vcenters.put(replace(known, version=0), password=OTHER).version == known.version
    ask(reaches.get(vc.guid))


def test_after_a_while_it_is_tried_once_more(reaches: Reaches, vc: VCenter, monkeypatch: pytest.MonkeyPatch) -> None:
    assert timedelta(minutes=10) < service_login.TRIED_AGAIN, "many vCenters lock an account for five minutes"
    monkeypatch.setattr(service_login, "TRIED_AGAIN", timedelta(seconds=1))
    vc.change_password(SERVICE.name, OTHER)
    refuse(reaches, vc)
    monkeypatch.undo()
    until(lambda: refuse(reaches, vc) and logins(vc) == 2, 20)
    refuse(reaches, vc)
    assert logins(vc) == 2


def test_a_dead_vcenter_is_not_taken_for_alive_because_its_refusal_is_remembered(reaches: Reaches, vc: VCenter) -> None:
    vc.change_password(SERVICE.name, OTHER)
    refuse(reaches, vc)
    line = reaches.get(vc.guid).line

    def dead() -> None:
        raise Unreachable("It is gone.")

    with pytest.raises(Unreachable):
        line.call(dead, seconds=5)
    until(lambda: line.condition().seconds == 0, 20)
    refuse(reaches, vc)
    assert not line.condition().open
