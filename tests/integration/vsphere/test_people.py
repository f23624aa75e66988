"""People come from vCenters with their own sessions and rights; one vCenter's are never another's."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from isthmus.core.errors import Forbidden, Invalid, NotFound, Unauthenticated
from isthmus.core.model.record import Records
from isthmus.plugins.vsphere.connection.errors import (
    PrivilegeMissing,
    SessionEnded,
    TicketRefused,
    Unreachable,
)
from isthmus.plugins.vsphere.connection.sealed_sessions import SealedSessions
from isthmus.plugins.vsphere.connection.sessions import UserSessions
from isthmus.plugins.vsphere.connection.trust import Trust
from isthmus.plugins.vsphere.connection.vmodl import vim
from isthmus.plugins.vsphere.registration.identity import KEY
from isthmus.plugins.vsphere.vcenters import people as module
from isthmus.plugins.vsphere.vcenters.people import People, Person, Place, Shown
from isthmus.plugins.vsphere.vcenters.reach import Reaches
from isthmus.plugins.vsphere.vcenters.store import VCenters
from isthmus.plugins.vsphere.vcenters.vcenter import VCenter as Known
from tests.environment.server import until
from tests.integration.vsphere.conftest import ANNA, BERND, SERVICE, specification
from tests.simulators.vcenter import Grant, Role, User, VCenter

pytestmark = pytest.mark.filterwarnings("error::pytest.PytestUnhandledThreadExceptionWarning")

VIEWER = Role("Storage viewers", ("Isthmus.View",))
PROVISIONER = Role("Storage provisioners", ("Isthmus.View", "Isthmus.Provision"))
MANAGER = Role("Storage managers", ("Isthmus.View", "Isthmus.Provision", "Isthmus.Manage"))


@dataclass(slots=True)
class Site:
    """What this server knows of its vCenters and their people."""

    records: Records
    vcenters: VCenters
    reaches: Reaches
    sessions: UserSessions
    people: People
    closed: set[str]

    def add(self, vc: VCenter, tenant: str) -> Known:
        """A vCenter that is registered, there and here."""
        vc.extensions.set("extensionList", [vim.Extension(key=KEY, version="1")])
        trust = Trust(certificate=vc.certificate.pem)
        made = Known(vc.guid, "127.0.0.1", vc.port, trust, tenant, SERVICE.name)
        return self.vcenters.put(made, password=SERVICE.password)

    def find(self, vc: VCenter, token: str, gateway: VCenter | None = None, **place: str) -> Person:
        return self.people.find(Shown(token, (gateway or vc).url), Place(vc.guid, **place))


@pytest.fixture
def site(records: Records) -> Site:
    vcenters = VCenters(records)
    reaches, sessions, closed = Reaches(vcenters), UserSessions(), set[str]()
    people = People(reaches, sessions, lambda tenant: tenant not in closed)
    return Site(records, vcenters, reaches, sessions, people, closed)


def person(user: User, role: Role | str, entity: str = "") -> User:
    """The same user with a role of ours."""
    name = role if isinstance(role, str) else role.name
    return User(user.name, user.password, (Grant("ReadOnly"), Grant(name, entity)) if entity else (Grant(name),))


def vcenter(*users: User, **given: Any) -> VCenter:
    spec = specification(roles=(VIEWER, PROVISIONER, MANAGER), **given)
    kept = tuple(user for user in spec.users if user.name not in {each.name for each in users})
    return VCenter(type(spec)(**{**{n: getattr(spec, n) for n in spec.__slots__}, "users": (*kept, *users)}))


def token(vc: VCenter, user: User) -> str:
    """What the vSphere Client gives the page of a person who is logged in."""
    return vc.interface_sessions.open(user.name, user.password, KEY)


@pytest.mark.parametrize(("role", "expected"), [(VIEWER, "reader"), (PROVISIONER, "member"), (MANAGER, "manager")])
def test_privileges_there_are_a_role_here(site: Site, role: Role, expected: str) -> None:
    with vcenter(person(ANNA, role)) as vc:
        known = site.add(vc, "t1")
        found = site.find(vc, token(vc, ANNA)).context
    assert found.roles == {expected}
    assert (found.tenant, found.user) == ("t1", f"anna@vsphere.local@{known.name}")


def test_somebody_without_our_privileges_is_told_which_one_to_ask_for(site: Site) -> None:
    with vcenter() as vc:
        site.add(vc, "t1")
        with pytest.raises(PrivilegeMissing) as error:
            site.find(vc, token(vc, ANNA))
    assert error.value.details["privilege"] == "Isthmus.View"


def test_a_right_on_one_thing_is_none_on_another(site: Site) -> None:
    with vcenter(person(ANNA, PROVISIONER, "datastore-001")) as vc:
        site.add(vc, "t1")
        shown = token(vc, ANNA)
        moid = vc.named("datastore-001").moid
        assert site.find(vc, shown, kind="Datastore", moid=moid).context.roles == {"member"}
        with pytest.raises(PrivilegeMissing):
            site.find(vc, shown, kind="HostSystem", moid=vc.named("esx-01.example.test").moid)


def test_two_vcenters_and_two_people_are_never_mixed(site: Site) -> None:
    with (
        vcenter(person(ANNA, MANAGER), person(BERND, VIEWER)) as one,
        vcenter(person(ANNA, VIEWER), person(BERND, PROVISIONER)) as other,
    ):
        site.add(one, "t1")
        site.add(other, "t2")
        shown = {(vc.guid, user.name): token(vc, user) for vc in (one, other) for user in (ANNA, BERND)}
        expected = {
            (one.guid, ANNA.name): ("t1", "manager"),
            (one.guid, BERND.name): ("t1", "reader"),
            (other.guid, ANNA.name): ("t2", "reader"),
            (other.guid, BERND.name): ("t2", "member"),
        }
        wrong: list[object] = []

        def ask(vc: VCenter, user: User) -> None:
            for _ in range(5):
                found = site.find(vc, shown[vc.guid, user.name]).context
                (role,) = found.roles
                if (found.tenant, role) != expected[vc.guid, user.name] or not found.user.startswith(user.name):
                    wrong.append(found)

        threads = [threading.Thread(target=ask, args=(vc, user)) for vc in (one, other) for user in (ANNA, BERND)]
        for each in threads:
            each.start()
        for each in threads:
            each.join(30)
        assert wrong == []
        with pytest.raises(Unauthenticated):
            site.find(other, shown[one.guid, ANNA.name])


def test_linked_vcenters_are_reached_with_the_session_of_the_one_the_client_runs_on(site: Site) -> None:
    with vcenter(person(ANNA, MANAGER)) as one, vcenter(person(ANNA, VIEWER)) as other:
        one.link(other)
        site.add(one, "t1")
        site.add(other, "t2")
        shown = token(one, ANNA)
        assert site.find(other, shown, gateway=one).context.roles == {"reader"}
        assert site.find(one, shown).context.tenant == "t1"


def test_the_session_token_goes_to_no_address_but_a_registered_vcenters(site: Site) -> None:
    with vcenter(person(ANNA, MANAGER)) as one, vcenter() as stranger:
        site.add(one, "t1")
        shown = token(one, ANNA)
        site.find(one, shown, gateway=stranger)
        assert stranger.interference.calls == []


def test_an_ended_session_of_the_client_is_refused(site: Site) -> None:
    with vcenter(person(ANNA, MANAGER)) as vc:
        site.add(vc, "t1")
        shown = token(vc, ANNA)
        vc.interface_sessions.close(shown)
        with pytest.raises(TicketRefused, match="gave no ticket"):
            site.find(vc, shown)


def test_an_expired_ticket_is_refused_with_what_to_do(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    with vcenter(person(ANNA, MANAGER)) as vc:
        site.add(vc, "t1")
        shown = token(vc, ANNA)
        late(vc, monkeypatch)
        with pytest.raises(TicketRefused) as error:
            site.find(vc, shown)
    assert "Reload the page" in (error.value.next_step or "")


def late(vc: VCenter, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every ticket comes too late to the vCenter."""
    redeem = vc.sessions.redeem

    def redeem_late(ticket: str) -> Any:
        vc.clock.advance(vc.spec.ticket_life + 1)
        return redeem(ticket)

    monkeypatch.setattr(vc.sessions, "redeem", redeem_late)


def test_one_session_serves_many_requests_and_a_new_one_follows_when_it_ends(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "REMEMBERED_SECONDS", 0.0)
    with vcenter(person(ANNA, MANAGER)) as vc:
        site.add(vc, "t1")
        shown = token(vc, ANNA)
        for _ in range(3):
            site.find(vc, shown)
        assert vc.interference.calls.count("CloneSession") == 1
        for each in vc.sessions.all():
            if each.agent != "vsphere-ui":
                vc.sessions.close(each)
        assert site.find(vc, shown).context.roles == {"manager"}
        assert vc.interference.calls.count("CloneSession") == 2


def test_lost_rights_count_after_seconds(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "REMEMBERED_SECONDS", 0.0)
    with vcenter(person(ANNA, MANAGER)) as vc:
        site.add(vc, "t1")
        shown = token(vc, ANNA)
        site.find(vc, shown)
        with vc.model.change():
            vc.rights.permissions.clear()
            vc.rights.changed()
        with pytest.raises((Forbidden, NotFound)):
            site.find(vc, shown)


def test_a_disabled_tenant_lets_nobody_in(site: Site) -> None:
    with vcenter(person(ANNA, MANAGER)) as vc:
        site.add(vc, "t1")
        site.closed.add("t1")
        with pytest.raises(Forbidden, match="disabled"):
            site.find(vc, token(vc, ANNA))


def test_nobody_and_an_unknown_vcenter_are_refused(site: Site) -> None:
    with pytest.raises(Unauthenticated):
        site.people.find(Shown(""), Place("none"))
    with pytest.raises(NotFound):
        site.people.find(Shown("x"), Place("none"))


def test_a_dead_vcenter_blocks_nobody(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SECONDS", 2.0)
    with vcenter(person(ANNA, MANAGER)) as dead, vcenter(person(ANNA, MANAGER)) as alive:
        site.add(dead, "t1")
        site.add(alive, "t2")
        shown = token(alive, ANNA)
        dead.trouble(seconds=60, times=10_000)
        threads = [threading.Thread(target=_refused, args=(site, dead)) for _ in range(20)]
        for each in threads:
            each.start()
        assert site.find(alive, shown).context.roles == {"manager"}
        for each in threads:
            each.join(20)
        assert not any(each.is_alive() for each in threads)
        calls = len(dead.interference.calls)
        with pytest.raises(Unreachable) as error:
            site.find(dead, "any")
        assert "did not answer" in error.value.message
        assert len(dead.interference.calls) == calls, "it was asked although it is taken for dead"
        dead.interference.clear()


def test_a_vcenter_that_comes_back_is_used_again(site: Site) -> None:
    with vcenter(person(ANNA, MANAGER)) as vc:
        site.add(vc, "t1")
        shown = token(vc, ANNA)
        vc.stop()
        with pytest.raises(Unreachable):
            site.find(vc, shown)
        vc.start()
        assert until(_found(lambda: site.find(vc, shown)), 20).context.roles == {"manager"}


def test_a_sealed_session_outlives_the_process_that_kept_it(site: Site) -> None:
    with vcenter(person(ANNA, MANAGER)) as vc:
        endpoint = site.add(vc, "t1").endpoint
        session = site.find(vc, token(vc, ANNA)).session
        kept = SealedSessions(site.records)
        kept.keep("operation-1", endpoint, vc.guid, session.connection)
        kept.keep("operation-1", endpoint, vc.guid, session.connection)
        site.sessions.close()
        connection, who = SealedSessions(site.records).resume("operation-1", endpoint)
        assert who.user == "VSPHERE.LOCAL\\anna"
        assert connection.about().guid == vc.guid
        cookie = connection.cookie
        record = site.records.get("session", "operation-1")
        assert record is not None and cookie not in repr(record) and cookie.encode() not in (record.sealed or b"")
        kept.end("operation-1", endpoint)
        kept.end("operation-1", endpoint)
        with pytest.raises(SessionEnded):
            kept.resume("operation-1", endpoint)
        assert cookie not in {each.cookie for each in vc.sessions.all()}


def test_a_sealed_session_that_vcenter_ended_gives_way_to_the_service_account(site: Site) -> None:
    with vcenter(person(ANNA, MANAGER)) as vc:
        endpoint = site.add(vc, "t1").endpoint
        session = site.find(vc, token(vc, ANNA)).session
        kept = SealedSessions(site.records)
        kept.keep("operation-1", endpoint, vc.guid, session.connection)
        for each in vc.sessions.all():
            vc.sessions.close(each)
        with pytest.raises(SessionEnded):
            kept.resume("operation-1", endpoint)
        assert site.reaches.get(vc.guid).as_service(lambda connection, who: who.user).endswith("svc-isthmus")


def test_the_service_account_logs_in_again_when_its_session_has_ended(site: Site) -> None:
    with vcenter() as vc:
        site.add(vc, "t1")
        reach = site.reaches.get(vc.guid)
        assert reach.as_service(lambda connection, _: connection.who().user) == "VSPHERE.LOCAL\\svc-isthmus"
        for each in vc.sessions.all():
            vc.sessions.close(each)
        assert reach.as_service(lambda connection, _: connection.who().user) == "VSPHERE.LOCAL\\svc-isthmus"


def _refused(site: Site, vc: VCenter) -> None:
    with pytest.raises(Exception, match="vCenter"):
        site.find(vc, "any")


def _found(work: Callable[[], Person]) -> Callable[[], Person | None]:
    def attempt() -> Person | None:
        try:
            return work()
        except Unreachable:
            return None

    return attempt


@pytest.mark.parametrize("kind", ["Nothing", "HostMountInfo", "string"])
def test_a_type_that_there_is_not_is_refused(site: Site, kind: str) -> None:
    with vcenter(person(ANNA, MANAGER)) as vc:
        site.add(vc, "t1")
        with pytest.raises(Invalid):
            site.find(vc, token(vc, ANNA), kind=kind, moid="x")


def test_a_thing_that_there_is_not_is_not_found(site: Site) -> None:
    with vcenter(person(ANNA, MANAGER)) as vc:
        site.add(vc, "t1")
        with pytest.raises(NotFound):
            site.find(vc, token(vc, ANNA), kind="Datastore", moid="datastore-none")
