"""A vCenter is not unregistered while somebody's operation there needs it, and nobody's session is left there."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from isthmus.core.errors import Occupied
from isthmus.core.model.operation import OperationState
from isthmus.plugins.vsphere.connection.sealed_sessions import SealedSessions
from isthmus.plugins.vsphere.connection.vmodl import vim
from isthmus.plugins.vsphere.registration.leaving import planned, unregister
from isthmus.plugins.vsphere.registration.offer import Offer
from isthmus.plugins.vsphere.registration.our_server import OurServer
from isthmus.plugins.vsphere.registration.registrar import Registrar
from isthmus.plugins.vsphere.registration.under_way import UnderWay
from isthmus.plugins.vsphere.vcenters.store import VCenters
from isthmus.ui_bridge.locale import Texts
from tests.environment.server import until
from tests.integration.vsphere.actions_site import GIB, ActionSite
from tests.integration.vsphere.conftest import extension
from tests.integration.vsphere.test_actions_provision import CLUSTER, wanted
from tests.integration.vsphere.test_exclusion import held


@pytest.fixture
def registrar(site: ActionSite) -> Registrar:
    texts = Texts.load("isthmus.ui_bridge", "isthmus.plugins.vsphere")
    found = extension(site.vc)
    found.description, found.lastHeartbeatTime = vim.Description(label="x", summary="y"), datetime.now(UTC)
    reaches = site.offered.desk.reaches
    under_way = UnderWay(lambda: site.adapter, SealedSessions(site.records))
    ours = OurServer("https://isthmus.example:7460")
    return Registrar(
        reaches, ours, Offer((), texts), "1.2.3", "root@localhost", lambda _, name: name, reaches.drop, under_way
    )


@pytest.fixture
def gold(site: ActionSite) -> str:
    site.done("provision", CLUSTER, **wanted(profile="shared"))
    return "gold"


def sessions(site: ActionSite) -> int:
    """How many of Anna's there are at the vCenter."""
    return sum("anna" in each.user.lower() for each in site.vc.sessions.all())


def test_what_is_under_way_keeps_a_vcenter_registered_until_it_has_ended(
    site: ActionSite, registrar: Registrar, gold: str
) -> None:
    with held(site, "vsphere.expand", "examine") as go:
        operation = site.begin("expand", gold, size=3 * GIB)
        with pytest.raises(Occupied, match=f"expand {operation.id}") as caught:
            unregister(registrar, {"vcenter": site.vc.guid})
        assert caught.value.details["operations"] == [operation.id]
        assert extension(site.vc) is not None and VCenters(site.records).find(site.vc.guid) is not None
        with pytest.raises(Occupied, match=f"expand {operation.id}"):
            planned(registrar, {"vcenter": site.vc.guid})
        (unended,) = planned(registrar, {"vcenter": site.vc.guid, "forget": True})["unended"]
        assert operation.id in unended
        go[0] = True
        assert site.ended(operation).state == "done"
    assert unregister(registrar, {"vcenter": site.vc.guid})["forgotten"]
    assert extension(site.vc) is None


def test_what_waits_for_a_person_does_too(
    site: ActionSite, registrar: Registrar, gold: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    station = site.array.engine.parts.journal._station
    monkeypatch.setattr(station, "retries", replace(station.retries, patience=0.0))
    with site.failing("vsphere.expand", "read_back", times=1000):
        operation = site.begin("expand", gold, size=3 * GIB)
        until(lambda: site.operation(operation).state is OperationState.NEEDS_ATTENTION, 60)
        with pytest.raises(Occupied, match="needs attention"):
            unregister(registrar, {"vcenter": site.vc.guid})
    site.array.engine.operations.abandon(site.root, operation.id)
    assert unregister(registrar, {"vcenter": site.vc.guid})["forgotten"]


def test_one_that_is_forgotten_all_the_same_keeps_nobodys_session(
    site: ActionSite, registrar: Registrar, gold: str
) -> None:
    before = sessions(site)
    with held(site, "vsphere.expand", "examine") as go:
        operation = site.begin("expand", gold, size=3 * GIB)
        assert sessions(site) == before + 1
        answer = unregister(registrar, {"vcenter": site.vc.guid, "forget": True})
        assert answer["forgotten"] and [each.split()[1] for each in answer["unended"]] == [operation.id]
        assert sessions(site) == before and not list(SealedSessions(site.records).every())
        go[0] = True
        until(lambda: not site.operation(operation).state.live, 30)
