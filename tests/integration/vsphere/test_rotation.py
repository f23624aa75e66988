"""Our certificate changes, and every vCenter is told; an announced one takes its place when it is served."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from types import SimpleNamespace
from typing import Any, cast

import pytest

from isthmus.adapters.contract import Adapter
from isthmus.core.context import Context
from isthmus.core.errors import Conflict
from isthmus.core.model.page import Page
from isthmus.core.model.record import Records
from isthmus.plugins.vsphere.connection.certificate import Certificate
from isthmus.plugins.vsphere.connection.sealed_sessions import SealedSessions
from isthmus.plugins.vsphere.registration.doctor import examine
from isthmus.plugins.vsphere.registration.extension import Wanted, pins
from isthmus.plugins.vsphere.registration.leaving import unregister
from isthmus.plugins.vsphere.registration.offer import Offer
from isthmus.plugins.vsphere.registration.our_server import OurServer
from isthmus.plugins.vsphere.registration.registrar import Registrar
from isthmus.plugins.vsphere.registration.rotation import duty, follow
from isthmus.plugins.vsphere.registration.under_way import UnderWay
from isthmus.plugins.vsphere.vcenters.reach import Reaches
from isthmus.plugins.vsphere.vcenters.store import VCenters
from isthmus.plugins.vsphere.vcenters.vcenter import VCenter as Known
from isthmus.ui_bridge.locale import Texts
from tests.integration.vsphere.conftest import SERVICE, extension, registration, specification
from tests.simulators.vcenter import VCenter, issue

CONTEXT = Context("t1", "admin", frozenset({"admin"}))


class ChangingServer(OurServer):
    """Our server, with a certificate that a test chooses; what it serves besides is well."""

    def certificate(self) -> Certificate:
        return CHOSEN["now"]

    def judge(self, url: str, version: str, **given: Any) -> Iterator[Any]:
        return iter(())


class Disturbed(Registrar):
    """Others do something when the vCenter's record was read and is not yet written."""

    def wanted(self, vcenter: Known, **given: Any) -> Wanted:
        if MEANWHILE:
            MEANWHILE.pop()()
        return super().wanted(vcenter, **given)


CHOSEN: dict[str, Certificate] = {}
FOREIGN: set[str] = set()
"""What is served there and is not our server's own."""
MEANWHILE: list[Callable[[], object]] = []


class Run:
    """A run of the duty that is not stopped."""

    name, epoch = "vsphere.certificate", 1

    def held(self) -> bool:
        return True

    def wait(self, seconds: float) -> bool:
        return True

    def go_on(self) -> bool:
        return True

    def alive(self) -> None:
        """Nothing watches."""


@pytest.fixture
def registrar(records: Records) -> Registrar:
    texts = Texts.load("isthmus.ui_bridge", "isthmus.plugins.vsphere")
    reaches = Reaches(VCenters(records))
    ours = ChangingServer("https://isthmus.example:7460", lambda certificate: certificate not in FOREIGN)
    none = SimpleNamespace(operations=SimpleNamespace(list=lambda query: Page([])))
    idle = UnderWay(lambda: cast(Adapter, SimpleNamespace(storage=lambda context: none)), SealedSessions(records))
    return Disturbed(
        reaches, ours, Offer((), texts), "1.2.3", "root@localhost", lambda _, name: name, reaches.drop, idle
    )


def register(registrar: Registrar, vc: VCenter) -> Mapping[str, Any]:
    return registrar.register(CONTEXT, registration(vc))


def test_every_vcenter_is_told_and_a_dead_one_later(registrar: Registrar) -> None:
    CHOSEN["now"] = former = Certificate(issue().pem)
    with VCenter(specification()) as one, VCenter(specification()) as other:
        register(registrar, one)
        register(registrar, other)
        CHOSEN["now"] = now = Certificate(issue().pem)
        one.die()
        duty(lambda: registrar).run(Run())
        assert pins(extension(other)) == [now.fingerprint]
        assert pins(extension(one)) == [former.fingerprint]
        one.revive()
        duty(lambda: registrar).run(Run())
        assert pins(extension(one)) == [now.fingerprint]


def test_an_announced_certificate_takes_its_place_when_it_is_served(registrar: Registrar) -> None:
    CHOSEN["now"] = former = Certificate(issue().pem)
    following = Certificate(issue().pem)
    FOREIGN.add(following.pem)
    with VCenter(specification()) as vc:
        register(registrar, vc)
        registrar.upgrade({"vcenter": vc.guid, "next_certificate": following.pem})
        assert pins(extension(vc)) == [former.fingerprint, following.fingerprint]
        CHOSEN["now"] = following
        duty(lambda: registrar).run(Run())
        assert pins(extension(vc)) == [following.fingerprint]


def test_what_is_as_it_should_be_is_not_touched(registrar: Registrar) -> None:
    CHOSEN["now"] = Certificate(issue().pem)
    with VCenter(specification()) as vc:
        register(registrar, vc)
        calls = len(vc.interference.calls)
        duty(lambda: registrar).run(Run())
        assert vc.interference.calls[calls:] == []


def test_an_older_vcenter_gets_the_pin_and_no_certificate(registrar: Registrar) -> None:
    CHOSEN["now"] = now = Certificate(issue().pem)
    with VCenter(specification(release="8.0.1")) as vc:
        register(registrar, vc)
        server = extension(vc).server[0]
        assert (server.serverThumbprint, server.serverCertificate) == (now.fingerprint, None)


def test_what_is_neither_our_own_nor_announced_waits_for_a_person(
    registrar: Registrar, caplog: pytest.LogCaptureFixture
) -> None:
    CHOSEN["now"] = former = Certificate(issue().pem)
    with VCenter(specification()) as vc:
        register(registrar, vc)
        CHOSEN["now"] = foreign = Certificate(issue().pem)
        FOREIGN.add(foreign.pem)
        work = duty(lambda: registrar)
        for _ in range(2):
            work.run(Run())
        (found,) = examine(registrar, {"vcenter": vc.guid, "repair": True})["vcenters"]
        assert pins(extension(vc)) == [former.fingerprint]
        assert [each.getMessage().count(foreign.fingerprint) for each in caplog.records] == [1]
        wrong = {each["check"]: each for each in found["findings"] if each["level"] == "error"}
        assert foreign.fingerprint in wrong["vcenter"]["text"] and not found["repaired"]
        assert "isthmus vsphere upgrade" in wrong["vcenter"]["cure"]
        registrar.upgrade({"vcenter": vc.guid})
        assert pins(extension(vc)) == [foreign.fingerprint]
        work.run(Run())
        assert examine(registrar, {"vcenter": vc.guid, "repair": True})["vcenters"][0]["healthy"]


def followed(registrar: Registrar, guid: str) -> None:
    CHOSEN["now"] = Certificate(issue().pem)
    follow(registrar, registrar.vcenters.get(guid))


def repaired(registrar: Registrar, guid: str) -> None:
    CHOSEN["now"] = Certificate(issue().pem)
    examine(registrar, {"vcenter": guid, "repair": True})


def upgraded(registrar: Registrar, guid: str) -> None:
    registrar.upgrade({"vcenter": guid})


AT_THE_SAME_TIME = pytest.mark.parametrize("work", [followed, repaired, upgraded])


@AT_THE_SAME_TIME
def test_what_others_change_at_the_same_time_is_not_taken_back(
    registrar: Registrar, work: Callable[[Registrar, str], None]
) -> None:
    CHOSEN["now"] = Certificate(issue().pem)
    following = Certificate(issue().pem)
    with VCenter(specification()) as vc:
        registrar.register(CONTEXT, {**registration(vc), "administrators": True, "alias": ["former.example"]})
        given = {"vcenter": vc.guid, "administrators": False, "alias": ["new.example"]}
        MEANWHILE.append(lambda: registrar.upgrade({**given, "next_certificate": following.pem}))
        work(registrar, vc.guid)
        known = registrar.vcenters.get(vc.guid)
        assert (known.administrators, known.aliases) == (False, ("new.example",))
        assert registrar.vcenters.password(vc.guid) == SERVICE.password
        assert known.registration is not None and known.registration.next_certificate == following.pem
        assert pins(extension(vc)) == [CHOSEN["now"].fingerprint, following.fingerprint]


@AT_THE_SAME_TIME
def test_who_is_unregistered_at_the_same_time_stays_so(
    registrar: Registrar, work: Callable[[Registrar, str], None]
) -> None:
    CHOSEN["now"] = Certificate(issue().pem)
    with VCenter(specification()) as vc:
        register(registrar, vc)
        MEANWHILE.append(lambda: unregister(registrar, {"vcenter": vc.guid}))
        with suppress(Conflict):
            work(registrar, vc.guid)
        assert registrar.vcenters.find(vc.guid) is None and extension(vc) is None


def test_what_is_registered_while_it_is_taken_out_is_taken_out_too(
    registrar: Registrar, monkeypatch: pytest.MonkeyPatch
) -> None:
    CHOSEN["now"] = Certificate(issue().pem)
    forget = registrar.vcenters.forget
    with VCenter(specification()) as vc:
        register(registrar, vc)
        left = [followed]

        def late(guid: str, *, version: int | None = None) -> bool:
            if left:
                left.pop()(registrar, guid)
                assert extension(vc) is not None
            return forget(guid, version=version)

        monkeypatch.setattr(registrar.vcenters, "forget", late)
        answer = unregister(registrar, {"vcenter": vc.guid})
        assert answer == {"vcenter": vc.guid, "unregistered": True, "forgotten": True}
        assert registrar.vcenters.find(vc.guid) is None and extension(vc) is None


def test_two_tenants_do_not_register_one_vcenter_at_the_same_time(registrar: Registrar) -> None:
    CHOSEN["now"] = Certificate(issue().pem)
    with VCenter(specification()) as vc:
        MEANWHILE.append(lambda: register(registrar, vc))
        with pytest.raises(Conflict, match="another tenant"):
            registrar.register(CONTEXT, {**registration(vc), "tenant": "t2"})
        assert registrar.vcenters.get(vc.guid).tenant == "t1"
