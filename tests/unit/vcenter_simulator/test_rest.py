"""The REST side: sessions, tickets of the user interface, tags, the inventory in short."""

from __future__ import annotations

import base64
import json
from http.client import HTTPSConnection
from typing import Any

import pytest

from tests.simulators.vcenter import VCenter, client
from tests.simulators.vcenter.registry import vim
from tests.simulators.vcenter.specification import ADMINISTRATOR

from .people import OPERATOR, READER, specification
from .plugins import KEY, extension


def ask(vc: VCenter, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
    """Status and body."""
    connection = HTTPSConnection("127.0.0.1", vc.port, context=vc.client_context(), timeout=20)
    try:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, None if body is None else json.dumps(body), sent)
        reply = connection.getresponse()
        content = reply.read()
        return reply.status, json.loads(content) if content else None
    finally:
        connection.close()


def login(vc: VCenter, user: Any = ADMINISTRATOR) -> dict[str, str]:
    """The header of a new session."""
    encoded = base64.b64encode(f"{user.name}:{user.password}".encode()).decode()
    status, token = ask(vc, "POST", "/api/session", Authorization=f"Basic {encoded}")
    assert status == 201
    return {"vmware_api_session_id": token}


def test_a_session_is_made_shown_and_ended(vc: VCenter) -> None:
    session = login(vc)
    status, shown = ask(vc, "GET", "/api/session", **session)
    assert (status, shown["user"]) == (200, "VSPHERE.LOCAL\\administrator")
    assert ask(vc, "DELETE", "/api/session", **session) == (204, None)
    assert ask(vc, "GET", "/api/session", **session)[0] == 401


def test_the_tokens_of_rest_and_soap_are_not_one_another(vc: VCenter, service: Any) -> None:
    soap = service._stub.GetSessionId()
    assert ask(vc, "GET", "/api/session", vmware_api_session_id=soap)[0] == 401
    service._stub.SetSessionId(login(vc)["vmware_api_session_id"])
    with pytest.raises(vim.fault.NotAuthenticated):
        service.CurrentTime()


def test_a_wrong_password_makes_no_session(vc: VCenter) -> None:
    wrong = base64.b64encode(b"administrator@vsphere.local:wrong").decode()
    assert ask(vc, "POST", "/api/session", Authorization=f"Basic {wrong}")[0] == 401
    assert ask(vc, "POST", "/api/session")[0] == 401


PATH = "/api/ui/vcenter/session/clone-ticket"


def test_the_page_of_a_plugin_has_its_users_session_cloned(vc: VCenter, service: Any) -> None:
    service.content.extensionManager.RegisterExtension(extension())
    token = vc.interface_sessions.open(READER.name, READER.password, KEY)
    status, answer = ask(vc, "POST", PATH, {"vc_guid": vc.guid}, vmware_api_session_id=token)
    assert status == 200
    clone = client.anonymous(vc)
    ticket = answer["session_clone_ticket"]
    assert clone.content.sessionManager.CloneSession(ticket).userName == "VSPHERE.LOCAL\\reader"
    with pytest.raises(vim.fault.InvalidLogin):
        client.anonymous(vc).content.sessionManager.CloneSession(ticket)


def test_a_linked_vcenter_gives_tickets_where_the_plugin_is_registered(vc: VCenter, service: Any) -> None:
    service.content.extensionManager.RegisterExtension(extension())
    token = vc.interface_sessions.open(READER.name, READER.password, KEY)
    with VCenter(specification()) as other:
        wanted = {"vc_guid": other.guid}
        assert ask(vc, "POST", PATH, wanted, vmware_api_session_id=token)[0] == 404
        vc.link(other)
        assert ask(vc, "POST", PATH, wanted, vmware_api_session_id=token)[0] == 403
        client.connect(other).content.extensionManager.RegisterExtension(extension())
        status, answer = ask(vc, "POST", PATH, wanted, vmware_api_session_id=token)
        assert status == 200
        with pytest.raises(vim.fault.InvalidLogin):
            client.anonymous(vc).content.sessionManager.CloneSession(answer["session_clone_ticket"])
        _, answer = ask(vc, "POST", PATH, wanted, vmware_api_session_id=token)
        client.anonymous(other).content.sessionManager.CloneSession(answer["session_clone_ticket"])
        other.die()
        assert ask(vc, "POST", PATH, wanted, vmware_api_session_id=token)[0] == 503
        assert ask(vc, "POST", PATH, {"vc_guid": vc.guid}, vmware_api_session_id=token)[0] == 200


def test_only_the_token_of_a_page_gets_tickets(vc: VCenter, service: Any) -> None:
    service.content.extensionManager.RegisterExtension(extension())
    assert ask(vc, "POST", PATH, {"vc_guid": vc.guid}, vmware_api_session_id="made up")[0] == 401
    assert ask(vc, "POST", PATH, {"vc_guid": vc.guid}, **login(vc))[0] == 401
    token = vc.interface_sessions.open(READER.name, READER.password, KEY)
    assert ask(vc, "POST", PATH, {}, vmware_api_session_id=token)[0] == 400
    vc.interface_sessions.close(token)
    assert ask(vc, "POST", PATH, {"vc_guid": vc.guid}, vmware_api_session_id=token)[0] == 401


def test_tags_are_made_attached_and_found(vc: VCenter) -> None:
    session = login(vc)
    base = "/api/cis/tagging"
    category = {"name": "profile", "description": "", "cardinality": "SINGLE", "associable_types": ["Datastore"]}
    status, category_id = ask(vc, "POST", f"{base}/category", category, **session)
    assert status == 200
    assert ask(vc, "POST", f"{base}/category", category, **session)[0] == 400
    tags = [
        ask(vc, "POST", f"{base}/tag", {"name": name, "description": "", "category_id": category_id}, **session)[1]
        for name in ("gold", "silver")
    ]
    store = {"id": vc.named("datastore-001").moid, "type": "Datastore"}
    where = f"{base}/tag-association"
    assert ask(vc, "POST", f"{where}/{tags[0]}?action=attach", {"object_id": store}, **session) == (204, None)
    assert ask(vc, "POST", f"{where}/{tags[1]}?action=attach", {"object_id": store}, **session)[0] == 400
    machine = {"id": vc.named("vm-001").moid, "type": "VirtualMachine"}
    assert ask(vc, "POST", f"{where}/{tags[0]}?action=attach", {"object_id": machine}, **session)[0] == 400
    found = ask(vc, "POST", f"{where}?action=list-attached-tags", {"object_id": store}, **session)
    assert found == (200, [tags[0]])
    found = ask(vc, "POST", f"{where}/{tags[0]}?action=list-attached-objects", **session)
    assert found == (200, [{"type": "Datastore", "id": store["id"]}])
    assert ask(vc, "GET", f"{base}/tag/{tags[0]}", **session)[1]["name"] == "gold"
    old = f"/rest/com/vmware/cis/tagging/tag-association/id:{tags[0]}?~action=detach"
    assert ask(vc, "POST", old, {"object_id": store}, **session)[0] == 204
    assert ask(vc, "POST", f"{where}?action=list-attached-tags", {"object_id": store}, **session) == (200, [])
    assert ask(vc, "GET", "/rest/com/vmware/cis/tagging/tag", **session) == (200, {"value": tags})
    assert ask(vc, "DELETE", f"{base}/category/{category_id}", **session) == (204, None)
    assert ask(vc, "GET", f"{base}/tag", **session) == (200, [])


def test_tags_and_categories_get_other_names(vc: VCenter) -> None:
    session, base = login(vc), "/api/cis/tagging"
    category = ask(vc, "POST", f"{base}/category", {"name": "profile"}, **session)[1]
    gold, silver = (
        ask(vc, "POST", f"{base}/tag", {"name": name, "category_id": category}, **session)[1]
        for name in ("gold", "silver")
    )
    assert ask(vc, "PATCH", f"{base}/tag/{gold}", {"name": "best", "description": "d"}, **session) == (204, None)
    shown = ask(vc, "GET", f"{base}/tag/{gold}", **session)[1]
    assert (shown["name"], shown["description"]) == ("best", "d")
    assert ask(vc, "PATCH", f"{base}/tag/{gold}", {"name": "silver"}, **session)[0] == 400
    old = f"/rest/com/vmware/cis/tagging/tag/id:{silver}"
    assert ask(vc, "PATCH", old, {"update_spec": {"name": "good"}}, **session)[0] == 204
    assert ask(vc, "PATCH", f"{base}/category/{category}", {"name": "level"}, **session)[0] == 204
    assert ask(vc, "PATCH", f"{base}/tag/{gold}", {"name": "x"}, **login(vc, READER))[0] == 403


def test_an_old_release_has_rest_at_its_former_address_only() -> None:
    with VCenter(specification(release="7.0.0")) as old:
        encoded = base64.b64encode(f"{ADMINISTRATOR.name}:{ADMINISTRATOR.password}".encode()).decode()
        assert ask(old, "POST", "/api/session", Authorization=f"Basic {encoded}")[0] == 404
        status, made = ask(old, "POST", "/rest/com/vmware/cis/session", Authorization=f"Basic {encoded}")
        assert status == 200
        session = {"vmware_api_session_id": made["value"]}
        assert ask(old, "GET", "/api/cis/tagging/tag", **session)[0] == 404
        assert ask(old, "GET", "/rest/com/vmware/cis/tagging/tag", **session) == (200, {"value": []})


def test_making_tags_needs_the_right_to(vc: VCenter) -> None:
    status, body = ask(vc, "POST", "/api/cis/tagging/category", {"name": "x"}, **login(vc, READER))
    assert (status, body["error_type"]) == (403, "UNAUTHORIZED")


def test_the_inventory_in_short_shows_what_the_user_may_read(vc: VCenter) -> None:
    session = login(vc)
    store = vc.named("datastore-001")
    expected = {
        "datastore": store.moid,
        "name": "datastore-001",
        "type": "VMFS",
        "free_space": store.get("summary.freeSpace"),
        "capacity": store.get("summary.capacity"),
    }
    assert ask(vc, "GET", "/api/vcenter/datastore", **session) == (200, [expected])
    assert ask(vc, "GET", "/api/vcenter/datastore?names=other", **session) == (200, [])
    assert ask(vc, "GET", f"/api/vcenter/datastore/{store.moid}", **session)[1]["name"] == "datastore-001"
    assert len(ask(vc, "GET", "/api/vcenter/host", **session)[1]) == 2
    assert ask(vc, "GET", "/api/vcenter/vm", **session)[1][0]["power_state"] == "POWERED_OFF"
    theirs = login(vc, OPERATOR)
    assert ask(vc, "GET", "/api/vcenter/vm", **theirs) == (200, [])
    assert len(ask(vc, "GET", "/api/vcenter/datastore", **theirs)[1]) == 1
    assert ask(vc, "GET", "/api/vcenter/datastore")[0] == 401
    assert ask(vc, "GET", "/api/vcenter/nonsense", **session)[0] == 404
