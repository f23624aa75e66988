"""The pages' API before real parts: actions on a simulated vCenter whose hosts log in to what the engine exports."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import pytest

from isthmus.core.errors import NotFound
from isthmus.plugin_manager.places import Places
from isthmus.plugins.vsphere.bridging import VsphereClient
from isthmus.plugins.vsphere.connection.line import CALLS_AT_ONCE
from isthmus.plugins.vsphere.connection.trust import Trust
from isthmus.plugins.vsphere.connection.vmodl import vim
from isthmus.plugins.vsphere.reasons import texts
from isthmus.plugins.vsphere.registration.identity import KEY
from isthmus.plugins.vsphere.vcenters import doorkeeper
from isthmus.plugins.vsphere.vcenters.people import People
from isthmus.plugins.vsphere.vcenters.vcenter import VCenter as Known
from isthmus.ui_bridge.api.application import Api
from isthmus.ui_bridge.dynamic import DynamicItems, Item, Question
from isthmus.ui_bridge.manifest import Surface
from isthmus.ui_bridge.objects import ObjectId
from isthmus.ui_bridge.platform import Sender
from isthmus.ui_bridge.view import View
from tests.environment.server import until
from tests.integration.vsphere.actions_site import GIB, ActionSite
from tests.integration.vsphere.conftest import ANNA, BERND, SERVICE, specification
from tests.simulators.vcenter import Grant, Role, User, VCenter, rights

HOST = "esx-01.example.test"
CLUSTER = "cluster-1"
SIZE = 2 * GIB
VIEWERS = Role("Storage viewers", ("Isthmus.View",))
_ENDED = ("done", "failed", "cancelled", "needs_attention", "abandoned")


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: Any


@dataclass(frozen=True, slots=True)
class Page:
    """A page of the vSphere Client at one vCenter, before somebody."""

    api: Api
    vc: VCenter
    token: str
    address: str = "192.0.2.1"

    def urn(self, name: str) -> str:
        entity = self.vc.named(name)
        return f"urn:vmomi:{entity.ref._wsdlName}:{entity.moid}:{self.vc.guid}"

    def ask(self, path: str, at: str = "", body: Any = None, locale: str = "en", **query: Any) -> Answer:
        """At a named object, or the whole vCenter. A POST when there is a body."""
        place = f"object={self.urn(at)}" if at else f"vcenter={self.vc.guid}"
        words = "".join(f"&{name}={value}" for name, value in query.items())
        content = b"" if body is None else json.dumps(body).encode()
        environ: dict[str, Any] = {
            "REQUEST_METHOD": "GET" if body is None else "POST",
            "PATH_INFO": f"/vsphere/ui/api/{path}",
            "QUERY_STRING": f"{place}&locale={locale}{words}",
            "CONTENT_LENGTH": str(len(content)),
            "CONTENT_TYPE": "application/json",
            "REMOTE_ADDR": self.address,
            "wsgi.input": io.BytesIO(content),
            "HTTP_VMWARE_API_SESSION_ID": self.token,
            "HTTP_VMWARE_API_GATEWAY_URL": self.vc.url,
        }
        begun: list[Any] = []
        parts = self.api(environ, lambda *given: begun.append(given))
        (status, headers), *_ = begun
        return Answer(int(status.split()[0]), dict(headers), json.loads(b"".join(parts)))

    def got(self, path: str, at: str = "", body: Any = None, **query: Any) -> Any:
        answer = self.ask(path, at, body, **query)
        assert answer.status in (200, 202), answer.body
        return answer.body

    def begin(self, action: str, at: str, **given: Any) -> Any:
        return self.got(f"actions/{action}", at, {"input": given})["operation"]

    def followed(self, operation: Any, *, until_: Callable[[Any], bool] = lambda found: False) -> list[Any]:
        """All that long polls say of it, until it has ended or is as asked."""
        seen = [operation]
        while seen[-1]["state"] not in _ENDED and not until_(seen[-1]):
            assert len(seen) < 300
            seen.append(self.got(f"operations/{operation['id']}", after=seen[-1]["version"], wait=20))
        return seen


def states(operation: Any) -> dict[str, str]:
    return {each["id"]: each["state"] for each in operation["steps"]}


def client(site: ActionSite) -> Api:
    """The API with the site's parts."""
    people = People(site.offered.desk.reaches, site.sessions, lambda tenant: True)

    def content(*asked: Any) -> Any:
        raise NotFound("There are no pages here.")

    platform = VsphereClient("vsphere", "1.0", people, lambda: {"local": site.adapter}, content)
    offered = [action for _, action in site.catalogue.list()]
    surface = Surface("vsphere", offered, (View("overview"),), texts())
    return Api(
        "/vsphere/ui",
        platform,
        site.catalogue,
        surface,
        DynamicItems(platform, site.catalogue, surface),
        Places(CALLS_AT_ONCE + 4),
    )


@pytest.fixture
def page(site: ActionSite) -> Page:
    """Anna's, who may do everything."""
    return Page(client(site), site.vc, token(site.vc, ANNA))


def token(vc: VCenter, user: User) -> str:
    return vc.interface_sessions.open(user.name, user.password, KEY)


@contextmanager
def another(site: ActionSite, *users: User) -> Iterator[VCenter]:
    """A second vCenter of the same tenant."""
    kept = tuple(each for each in specification().users if each.name not in {user.name for user in users})
    spec = specification(roles=(VIEWERS,))
    with VCenter(type(spec)(users=(*kept, *users), roles=(VIEWERS,))) as vc:
        vc.extensions.set("extensionList", [vim.Extension(key=KEY, version="1")])
        trust = Trust(certificate=vc.certificate.pem)
        known = Known(vc.guid, "127.0.0.1", vc.port, trust, str(site.root.tenant), SERVICE.name)
        site.offered.desk.reaches.vcenters.put(known, password=SERVICE.password)
        yield vc


def test_a_page_provisions_a_datastore_from_choices_to_the_end(site: ActionSite, page: Page) -> None:
    session = page.got("session", HOST)
    assert session["object"] == {"id": page.urn(HOST), "kind": "HostSystem", "name": HOST}
    assert session["role"] == "member" and "Isthmus.Provision" not in session["missing_privileges"]
    assert session["user"] == site.person.user and session["vcenter"]["guid"] == site.vc.guid
    found = page.got("actions/provision", HOST)
    assert found["available"] and set(found["choices"]) == {"system", "profile", "pool", "hosts"}
    profiles = page.got("actions/provision/choices/profile", HOST, {"input": {"system": "local"}})["items"]
    assert {"plain", "shared"} <= {each["value"] for each in profiles}
    (pool, *_) = page.got("actions/provision/choices/pool", HOST, {"input": {}})["items"]
    assert "free" in pool["note"]
    given = {"name": "gold", "size": SIZE, "profile": "plain", "pool": pool["value"]}
    before = site.footprint()
    planned = page.got("actions/provision/plan", HOST, {"input": given})
    assert site.footprint() == before
    said = json.dumps(planned["blocks"], ensure_ascii=False)
    assert pool["title"] in said and HOST in said and "everything is taken back" in said
    operation = page.got("actions/provision", HOST, {"input": given, "key": "once"})["operation"]
    assert page.got("actions/provision", HOST, {"input": given, "key": "once"})["operation"]["id"] == operation["id"]
    ended = page.followed(operation)[-1]
    assert ended["state"] == "done", ended["error"]
    assert set(states(ended).values()) == {"done"} and ended["progress"] == 1.0 and ended["can"] == []
    assert ended["object"] == {"id": page.urn(HOST), "name": HOST} and ended["title"] == "Provision Datastore"
    assert ended["explanation_blocks"][0]["type"] == "facts"
    assert [each["id"] for each in page.got("operations", HOST)["items"]] == [ended["id"]]
    assert [each["id"] for each in page.got("operations")["items"]] == [ended["id"]]
    explained = page.got(f"explain/{ended['request_id']}")["blocks"]
    assert pool["title"] in json.dumps(explained)
    assert site.vc.named("gold") is not None


@pytest.mark.parametrize("step", ["attach", "format", "read_back"])
def test_steps_that_were_taken_back_say_so_and_where_it_failed(site: ActionSite, page: Page, step: str) -> None:
    with site.failing("vsphere.provision", step):
        ended = page.followed(page.begin("provision", HOST, name="gold", size=SIZE, profile="plain"))[-1]
    assert ended["state"] == "failed" and ended["error"]["message"] == "The step was told to fail."
    found = states(ended)
    names = list(found)
    at = names.index(step)
    assert [found[each] for each in names] == [
        *["undone"] * at, "failed", *["pending"] * (len(names) - at - 1),
    ]  # fmt: skip


def test_while_it_is_taken_back_steps_say_what_is_left_to_take_back(site: ActionSite, page: Page) -> None:
    site.vc.trouble("RemoveInternetScsiStaticTargets", seconds=60)
    with site.failing("vsphere.provision", "format"):
        operation = page.begin("provision", HOST, name="gold", size=SIZE, profile="plain")
        back = page.followed(operation, until_=lambda each: each["undoing"] and each["step"] == "targets")[-1]
        assert states(back) == {
            "announce": "done", "volume": "done", "attach": "done", "targets": "running",
            "scan": "undone", "format": "failed", "mount": "pending", "read_back": "pending",
        }  # fmt: skip
        assert back["can"] == [] and back["undoing"]
        site.vc.interference.clear()
        assert page.followed(back)[-1]["state"] == "failed"


def test_a_page_cancels_what_it_began(site: ActionSite, page: Page) -> None:
    before = site.footprint()
    site.vc.trouble("RescanHba", seconds=60)
    operation = page.begin("provision", HOST, name="gold", size=SIZE, profile="plain")
    page.followed(operation, until_=lambda each: each["step"] == "scan")
    cancelled = page.got(f"operations/{operation['id']}/cancel", HOST, {})
    site.vc.interference.clear()
    assert cancelled["cancel_requested"] and cancelled["can"] == []
    ended = page.followed(cancelled)[-1]
    assert ended["state"] == "cancelled" and "failed" not in states(ended).values()
    assert ended["error"] == {"message": "Cancelled. Everything is as it was before.", "next_step": ""}
    assert site.footprint() == before
    assert page.ask(f"operations/{operation['id']}/cancel", HOST, {}).status == 409


def test_a_deletion_is_followed_to_its_end_although_the_datastore_is_gone(site: ActionSite, page: Page) -> None:
    site.done("provision", HOST, name="gold", size=SIZE, profile="plain")
    planned = page.got("actions/delete/plan", "gold", {"input": {}}, locale="de")["blocks"]
    assert "Ab dem Schritt „Dateisystem zerstören“ gibt es kein Zurück." in [each.get("text") for each in planned]
    urn = page.urn("gold")
    ended = page.followed(page.begin("delete", "gold"))[-1]
    assert ended["state"] == "done", ended["error"]
    assert ended["object"] == {"id": urn, "name": "gold"}


def test_what_stands_past_the_point_of_no_return_is_retried_from_the_page(
    site: ActionSite, page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.done("provision", HOST, name="gold", size=SIZE, profile="plain")
    station = site.array.engine.parts.journal._station
    monkeypatch.setattr(station, "retries", replace(station.retries, patience=0.0))
    with site.failing("vsphere.delete", "detach", after=False):
        stuck = page.followed(page.begin("delete", "gold"))[-1]
    assert stuck["state"] == "needs_attention" and stuck["can"] == ["retry"]
    found = states(stuck)
    assert (found["destroy"], found["detach"], found["withdraw"]) == ("done", "failed", "pending")
    told = page.got(f"operations/{stuck['id']}", locale="de")["error"]
    assert (
        told["message"]
        == "Der Schritt „Datenträger auf den Hosts trennen“ scheitert immer wieder: The step was told to fail."
    )
    refused = page.ask(f"operations/{stuck['id']}/abandon", body={})
    assert refused.status == 403 and "Isthmus.Manage" in refused.body["message"]
    ended = page.followed(page.got(f"operations/{stuck['id']}/retry", body={}))[-1]
    assert ended["state"] == "done" and set(states(ended).values()) == {"done"}


def test_reasons_are_told_in_the_readers_language_with_a_cure(page: Page) -> None:
    given = {"input": {"name": "datastore-001", "size": SIZE, "profile": "plain"}}
    answer = page.ask("actions/provision/plan", HOST, given, locale="de-DE")
    assert answer.status == 409
    assert answer.body["message"] == "Den Namen datastore-001 hat schon ein anderer Datenspeicher."
    assert answer.body["next_step"] == "Wählen Sie einen anderen Namen."
    delete, *_ = page.got("actions", "datastore-001", locale="zh-CN")["items"]
    assert delete["title"] == texts().get(f"action.{delete['id']}.title", "zh")
    wrong = page.ask("actions/provision", HOST, {"input": {"name": "gold", "size": 1}})
    assert (wrong.status, wrong.body["field"]) == (400, "size") and "1.4 GiB" in wrong.body["message"]


def test_what_has_no_room_anywhere_is_explained(page: Page) -> None:
    given = {"input": {"name": "gold", "size": 1 << 60, "profile": "plain"}}
    answer = page.ask("actions/provision/plan", HOST, given)
    assert (answer.status, answer.body["code"]) == (409, "no_placement")
    assert [each["type"] for each in answer.body["blocks"]][:2] == ["notice", "facts"]


def test_who_may_only_look_sees_and_cannot_touch(site: ActionSite, page: Page) -> None:
    site.vc.trouble("RescanHba", seconds=2.0)
    operation = page.begin("provision", HOST, name="gold", size=SIZE, profile="plain")
    with allowed(site.vc, BERND, "Isthmus.View"):
        bernd = Page(page.api, site.vc, token(site.vc, BERND))
        found = bernd.got(f"operations/{operation['id']}", HOST)
        assert found["can"] == [] and found["user"] == site.person.user
        answer = bernd.ask(f"operations/{operation['id']}/cancel", HOST, {}, locale="de")
        assert (answer.status, "Isthmus.Provision" in answer.body["message"]) == (403, True)
        assert bernd.ask("actions/provision", HOST, {"input": {}}).status == 403
        assert not any(each["available"] for each in bernd.got("actions", HOST)["items"] if each["id"] == "provision")
    assert page.followed(operation)[-1]["state"] == "done"


@contextmanager
def allowed(vc: VCenter, user: User, *privileges: str) -> Iterator[None]:
    """Somebody has these rights on the whole vCenter."""
    number = max(vc.rights.roles) + 1
    before = dict(vc.rights.permissions)
    with vc.model.change():
        role = rights.Role(number, f"of {user.name}", frozenset({*rights.READ, *privileges}))
        vc.rights.roles = {**vc.rights.roles, number: role}
        vc.rights.permit(vc.root, rights.Permission(rights.principal(user.name), False, number, True))
    try:
        yield
    finally:
        with vc.model.change():
            vc.rights.permissions = before
            vc.rights.changed()


def test_two_vcenters_of_a_tenant_and_their_people_are_never_mixed(site: ActionSite, page: Page) -> None:
    site.vc.trouble("RescanHba", seconds=3.0)
    with another(site, User(BERND.name, BERND.password, (Grant(VIEWERS.name),))) as vc:
        bernd = Page(page.api, vc, token(vc, BERND))
        operation = page.begin("provision", HOST, name="gold", size=SIZE, profile="plain")
        assert bernd.got("session")["role"] == "reader"
        assert bernd.got("operations")["items"] == []
        for path, body in (
            (f"operations/{operation['id']}", None),
            (f"operations/{operation['id']}/cancel", {}),
            (f"explain/{operation['request_id']}", None),
        ):
            assert bernd.ask(path, body=body).status == 404
        # Neither a token of the one at the other, nor an object of the other in the session of the one.
        assert Page(page.api, vc, page.token).ask("session").status == 401
        assert Page(page.api, site.vc, bernd.token).ask(f"operations/{operation['id']}").status == 401
        wrong: list[Any] = []
        threads = [threading.Thread(target=_mixed, args=(each, wrong)) for each in (page, bernd) * 4]
        for each in threads:
            each.start()
        for each in threads:
            each.join(30)
        assert wrong == []
        assert page.followed(operation)[-1]["state"] == "done"


def _mixed(page: Page, wrong: list[Any]) -> None:
    for _ in range(5):
        found = page.got("session")
        if found["vcenter"]["guid"] != page.vc.guid or not found["user"].endswith(f":{page.vc.port}"):
            wrong.append(found)


def test_many_who_follow_an_operation_keep_nobody_from_the_vcenter(site: ActionSite, page: Page) -> None:
    site.vc.trouble("RescanHba", seconds=60)
    operation = page.begin("provision", HOST, name="gold", size=SIZE, profile="plain")
    operation = page.followed(operation, until_=lambda each: each["step"] == "scan")[-1]
    answers: list[Any] = []

    def follow() -> None:
        answers.append(page.got(f"operations/{operation['id']}", HOST, after=operation["version"], wait=20))

    threads = [threading.Thread(target=follow) for _ in range(CALLS_AT_ONCE + 4)]
    for each in threads:
        each.start()
    assert page.got("session", HOST)["object"]["name"] == HOST
    assert answers == [], "the session was told only after the operation went on"
    site.vc.interference.clear()
    for each in threads:
        each.join(30)
    assert len(answers) == len(threads) and all(each["version"] != operation["version"] for each in answers)
    assert page.followed(answers[0])[-1]["state"] == "done"


def test_a_session_that_ended_is_401_with_what_to_do(site: ActionSite, page: Page) -> None:
    answer = Page(page.api, site.vc, "made-up").ask("session", locale="de")
    assert answer.status == 401 and answer.headers["WWW-Authenticate"] == "vmware-api-session-id"
    assert answer.body["next_step"].endswith("melden Sie sich erneut am vSphere Client an.")
    assert Page(page.api, site.vc, "").ask("session").status == 401
    assert (
        Page(page.api, site.vc, "made-up").ask("session").body["message"] == "The vCenter does not know your session."
    )


def test_made_up_sessions_cost_the_vcenter_little_and_good_users_nothing(site: ActionSite, page: Page) -> None:
    attacker = "198.51.100.7"
    asked = len(_tickets(site.vc))
    found = [
        Page(page.api, site.vc, f"made-up-{number}", attacker).ask("session").status
        for number in range(doorkeeper.BURST * 3)
    ]
    assert found.count(401) <= doorkeeper.BURST + 1 and 429 in found
    assert len(_tickets(site.vc)) - asked == found.count(401)
    assert page.ask("session").status == 200
    late = Page(page.api, site.vc, "made-up-last", attacker).ask("session")
    assert late.status == 429 and int(late.headers["Retry-After"]) >= 1
    assert Page(page.api, site.vc, token(site.vc, ANNA)).ask("session").status == 200


def test_menus_are_no_way_around_the_bound(site: ActionSite, page: Page) -> None:
    asked = len(_tickets(site.vc))
    menus = DynamicItems(page.api.offering.platform, site.catalogue, page.api.offering.surface, deadline=20.0)
    target = ObjectId.parse(page.urn("datastore-001"))

    def menu(token: str, address: str) -> tuple[Item, ...]:
        return menus.answer(Question(Sender(token, site.vc.url, address), (target,), "menu", "de-DE", "req-1"))

    for number in range(doorkeeper.BURST * 2):
        told = menu(f"made-up-{number}", "198.51.100.7")
    assert len(_tickets(site.vc)) - asked == doorkeeper.BURST
    assert told and all(not each.visible and "zu viele unbekannte Sitzungen" in each.reason for each in told)
    assert not any("Sitzungen" in each.reason for each in menu(page.token, page.address))


def _tickets(vc: VCenter) -> list[str]:
    return [each for each in vc.interference.calls if "clone-ticket" in each]


def test_a_dead_vcenter_is_told_in_the_readers_language(site: ActionSite, page: Page) -> None:
    site.vc.stop()
    try:
        answer = page.ask("session", locale="de")
        assert answer.status == 503 and "nicht erreichbar" in answer.body["message"]
        assert int(answer.headers["Retry-After"]) >= 1
    finally:
        site.vc.start()
    until(lambda: page.ask("session").status == 200, 20)
