"""Our certificate changes, and every vCenter is told; an announced one takes its place when it is served."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from isthmus.core.context import Context
from isthmus.core.model.record import Records
from isthmus.plugins.vsphere.connection.certificate import Certificate
from isthmus.plugins.vsphere.registration.extension import pins
from isthmus.plugins.vsphere.registration.offer import Offer
from isthmus.plugins.vsphere.registration.our_server import OurServer
from isthmus.plugins.vsphere.registration.registrar import Registrar
from isthmus.plugins.vsphere.registration.rotation import duty
from isthmus.plugins.vsphere.vcenters.reach import Reaches
from isthmus.plugins.vsphere.vcenters.store import VCenters
from isthmus.ui_bridge.locale import Texts
from tests.integration.vsphere.conftest import extension, registration, specification
from tests.simulators.vcenter import VCenter, issue

CONTEXT = Context("t1", "admin", frozenset({"admin"}))


class ChangingServer(OurServer):
    """Our server, with a certificate that a test chooses; what it serves besides is well."""

    def certificate(self) -> Certificate:
        return CHOSEN["now"]

    def judge(self, url: str, version: str, *, from_host: str = "", pin: str = "") -> Iterator[Any]:
        return iter(())


CHOSEN: dict[str, Certificate] = {}


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
    ours = ChangingServer("https://isthmus.example:7460")
    return Registrar(reaches, ours, Offer((), texts), "1.2.3", "root@localhost", lambda _, name: name, reaches.drop)


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
