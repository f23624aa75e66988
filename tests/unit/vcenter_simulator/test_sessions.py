"""Sessions: who gets in, how long it lasts, and how it is cloned."""

from __future__ import annotations

import ssl
from typing import Any

import pytest
from pyVim import connect as pyvim

from tests.simulators.vcenter import Specification, User, VCenter, client, issue
from tests.simulators.vcenter.registry import vim, vmodl
from tests.simulators.vcenter.releases import RELEASES

from .people import READER, STRANGER, specification


@pytest.mark.parametrize("release", RELEASES)
def test_an_unmodified_client_negotiates_the_version_of_every_release(release: str) -> None:
    with VCenter(Specification(release=release)) as vc:
        service = client.connect(vc)
        about = service.content.about
        assert (about.version, about.apiVersion, about.instanceUuid) == (release, vc.release.api_version, vc.guid)
        assert service._stub.version == vc.release.api


def test_a_request_in_a_version_the_release_does_not_speak_is_refused() -> None:
    with VCenter(Specification(release="7.0.3")) as vc:
        library: Any = pyvim
        stub = library.SoapStubAdapter(
            host="127.0.0.1", port=vc.port, version="vim.version.v9_0_0_0", sslContext=vc.client_context()
        )
        with pytest.raises(vmodl.fault.InvalidRequest, match="Unsupported version"):
            vim.ServiceInstance("ServiceInstance", stub).RetrieveContent()


def test_another_certificate_than_the_pinned_one_is_refused(vc: VCenter) -> None:
    library: Any = pyvim
    with pytest.raises(ssl.SSLCertVerificationError):
        library.SmartConnect(host="127.0.0.1", port=vc.port, user="x", pwd="x", sslContext=issue().client_context())


def test_a_wrong_password_is_an_invalid_login(vc: VCenter) -> None:
    for user in (User("administrator@vsphere.local", "wrong"), User("nobody@vsphere.local", "Secret-1")):
        with pytest.raises(vim.fault.InvalidLogin):
            client.connect(vc, user)


def test_a_user_without_any_permission_cannot_log_in(vc: VCenter) -> None:
    with pytest.raises(vim.fault.NoPermission):
        client.connect(vc, STRANGER)


def test_without_a_session_only_what_is_anonymous_answers(vc: VCenter) -> None:
    service = client.anonymous(vc)
    assert service.content.sessionManager.currentSession is None
    with pytest.raises(vim.fault.NotAuthenticated):
        service.CurrentTime()
    with pytest.raises(vim.fault.NotAuthenticated):
        _ = service.content.taskManager.recentTask


def test_logout_ends_the_session(service: Any) -> None:
    service.content.sessionManager.Logout()
    with pytest.raises(vim.fault.NotAuthenticated):
        service.CurrentTime()


def test_a_second_login_in_a_session_is_refused(service: Any) -> None:
    with pytest.raises(vim.fault.InvalidLogin):
        service.content.sessionManager.Login("administrator@vsphere.local", "Secret-1", None)


def test_sessions_are_listed_and_terminated(vc: VCenter, service: Any) -> None:
    other = client.connect(vc, READER)
    sessions = service.content.sessionManager.sessionList
    assert {each.userName for each in sessions} == {"VSPHERE.LOCAL\\administrator", "VSPHERE.LOCAL\\reader"}
    key = other.content.sessionManager.currentSession.key
    assert service.content.sessionManager.SessionIsActive(key, "VSPHERE.LOCAL\\reader")
    with pytest.raises(vim.fault.NoPermission):
        other.content.sessionManager.TerminateSession([key])
    service.content.sessionManager.TerminateSession([key])
    with pytest.raises(vim.fault.NotAuthenticated):
        other.CurrentTime()
    with pytest.raises(vim.fault.NotFound):
        service.content.sessionManager.TerminateSession([key])


def test_a_cookie_says_nothing_that_the_list_of_sessions_shows(vc: VCenter, service: Any) -> None:
    shown = service.content.sessionManager.currentSession.key
    assert service._stub.GetSessionId() not in (None, shown)


def test_an_idle_session_ends_and_a_used_one_does_not(vc: VCenter, service: Any) -> None:
    vc.clock.advance(1000)
    service.CurrentTime()
    vc.clock.advance(1000)
    service.CurrentTime()
    vc.clock.advance(1801)
    with pytest.raises(vim.fault.NotAuthenticated):
        service.CurrentTime()


def test_a_ticket_clones_the_session_once(vc: VCenter) -> None:
    ticket = client.connect(vc, READER).content.sessionManager.AcquireCloneTicket()
    clone = client.anonymous(vc)
    assert clone.content.sessionManager.CloneSession(ticket).userName == "VSPHERE.LOCAL\\reader"
    clone.CurrentTime()
    with pytest.raises(vim.fault.InvalidLogin):
        client.anonymous(vc).content.sessionManager.CloneSession(ticket)


def test_a_ticket_expires(vc: VCenter, service: Any) -> None:
    ticket = service.content.sessionManager.AcquireCloneTicket()
    vc.clock.advance(vc.spec.ticket_life + 1)
    with pytest.raises(vim.fault.InvalidLogin):
        client.anonymous(vc).content.sessionManager.CloneSession(ticket)


def test_a_ticket_ends_with_the_session_it_is_of(vc: VCenter, service: Any) -> None:
    ticket = service.content.sessionManager.AcquireCloneTicket()
    service.content.sessionManager.Logout()
    with pytest.raises(vim.fault.InvalidLogin):
        client.anonymous(vc).content.sessionManager.CloneSession(ticket)


def test_a_ticket_is_good_at_the_vcenter_that_issued_it_only(vc: VCenter, service: Any) -> None:
    with VCenter(specification()) as other:
        vc.link(other)
        ticket = service.content.sessionManager.AcquireCloneTicket()
        with pytest.raises(vim.fault.InvalidLogin):
            client.anonymous(other).content.sessionManager.CloneSession(ticket)
        client.anonymous(vc).content.sessionManager.CloneSession(ticket)


def test_a_clone_outlives_nothing_but_itself(vc: VCenter, service: Any) -> None:
    clone = client.anonymous(vc)
    clone.content.sessionManager.CloneSession(service.content.sessionManager.AcquireCloneTicket())
    service.content.sessionManager.Logout()
    clone.CurrentTime()


def test_what_the_registry_does_not_know_is_not_found(vc: VCenter, service: Any) -> None:
    with pytest.raises(vmodl.fault.MethodNotFound) as caught:
        service.content.sessionManager.AcquireLocalTicket("root")
    assert caught.value.method == "AcquireLocalTicket"
    gone = vim.Datastore("datastore-999", service._stub)
    with pytest.raises(vmodl.fault.ManagedObjectNotFound):
        _ = gone.name
    mistaken = vim.Datastore(service.content.rootFolder._moId, service._stub)
    with pytest.raises(vmodl.fault.ManagedObjectNotFound):
        _ = mistaken.name
