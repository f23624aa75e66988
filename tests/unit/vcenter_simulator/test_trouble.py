"""What goes wrong on purpose, and several vCenters at once."""

from __future__ import annotations

import threading
from http.client import HTTPException
from typing import Any

import pytest

from tests.contract.patience import eventually
from tests.simulators.vcenter import VCenter, client, issue
from tests.simulators.vcenter.registry import vim, vmodl

from .people import READER, specification


def test_the_next_call_of_a_method_fails_and_the_one_after_does_not(vc: VCenter, service: Any) -> None:
    vc.trouble("CreateFolder", fault=vim.fault.DuplicateName(name="a", object=vc.root.ref))
    assert service.CurrentTime()
    with pytest.raises(vim.fault.DuplicateName):
        service.content.rootFolder.CreateFolder("a")
    service.content.rootFolder.CreateFolder("a")


def test_a_dropped_connection_may_hide_what_was_done(vc: VCenter, service: Any) -> None:
    vc.trouble("CreateFolder", drop=True)
    vc.trouble("CreateFolder", drop=True, after=True)
    for done in (False, True):
        with pytest.raises(OSError):
            service.content.rootFolder.CreateFolder("a")
        assert ("a" in [each.name for each in service.content.rootFolder.childEntity]) is done


def test_a_call_that_hangs_disturbs_no_other(vc: VCenter, service: Any) -> None:
    vc.trouble("CreateFolder", seconds=60, drop=True)
    impatient = client.connect(vc, httpConnectionTimeout=0.3)
    with pytest.raises(TimeoutError):
        impatient.content.rootFolder.CreateFolder("a")
    assert service.CurrentTime()


def test_trouble_may_be_for_one_object_only(vc: VCenter, service: Any) -> None:
    hosts = client.view(service, vim.HostSystem).view
    fault = vmodl.fault.HostNotConnected()
    vc.trouble("DisconnectHost_Task", fault=fault, when=lambda receiver, arguments: receiver._moId == hosts[1]._moId)
    assert client.finished(service, hosts[0].DisconnectHost_Task()).state == "success"
    with pytest.raises(vmodl.fault.HostNotConnected):
        hosts[1].DisconnectHost_Task()


def test_a_dead_vcenter_refuses_and_comes_back_without_its_sessions(vc: VCenter, service: Any) -> None:
    service.content.rootFolder.CreateFolder("kept")
    port = vc.port
    vc.die()
    with pytest.raises(OSError):
        client.connect(vc)
    vc.revive()
    assert vc.port == port
    service._stub.DropConnections()
    with pytest.raises(vim.fault.NotAuthenticated):
        service.CurrentTime()
    assert "kept" in [each.name for each in client.connect(vc).content.rootFolder.childEntity]


def test_who_waits_is_let_go_when_the_vcenter_dies(vc: VCenter, service: Any) -> None:
    collector = service.content.propertyCollector
    collector.CreateFilter(client.object_spec([service.content.rootFolder], vim.Folder, ["name"]), True)
    version = collector.WaitForUpdatesEx("", None).version
    ended: list[BaseException] = []

    def wait() -> None:
        try:
            collector.WaitForUpdatesEx(version, None)
        except (OSError, HTTPException, vmodl.MethodFault) as error:
            ended.append(error)

    waiter = threading.Thread(target=wait)
    waiter.start()
    eventually(lambda: vc.sessions.all()[0].busy == 1, "the wait has begun")
    vc.die()
    waiter.join(20)
    assert len(ended) == 1


def test_another_certificate_is_not_trusted_by_who_pinned_the_first(vc: VCenter, service: Any) -> None:
    old = vc.client_context()
    vc.serve(issue())
    service._stub.DropConnections()
    service._stub.schemeArgs["context"] = old
    with pytest.raises(OSError, match="certificate verify failed"):
        service.CurrentTime()
    assert client.connect(vc).CurrentTime()


def test_two_vcenters_know_nothing_of_each_other(vc: VCenter, service: Any) -> None:
    with VCenter(specification(release="7.0.3")) as other:
        theirs = client.connect(other, READER)
        assert other.guid != vc.guid
        assert theirs.content.about.instanceUuid == other.guid
        service.content.rootFolder.CreateFolder("a")
        assert [each.name for each in theirs.content.rootFolder.childEntity] == ["Datacenter"]
        theirs._stub.SetSessionId(service._stub.GetSessionId())
        with pytest.raises(vim.fault.NotAuthenticated):
            theirs.CurrentTime()
        vc.die()
        assert client.connect(other).CurrentTime()


def test_what_was_called_is_noted(vc: VCenter, service: Any) -> None:
    vc.interference.calls.clear()
    service.CurrentTime()
    assert vc.interference.calls == ["CurrentTime"]
