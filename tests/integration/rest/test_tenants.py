"""Who may do what: roles, and tenants that do not exist for each other."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from typing import Any

import pytest

from tests.integration.rest.client import Client
from tests.integration.rest.conftest import MEMORY, World

pytestmark = pytest.mark.xdist_group("rest")


@pytest.fixture(scope="module")
def blue(world: World) -> Mapping[str, str]:
    """What the tenant blue owns, by the name of its path parameter."""
    member, manager = world.as_("member"), world.as_("manager")
    volume, attached = member.volume("blue"), member.volume("blue attached")
    snapshot = member.done("POST", "/v1/snapshots", {"volume": volume, "name": "s"})
    host = manager.post("/v1/hosts", {"name": "blue"})["id"]
    attachment = member.done("POST", "/v1/attachments", {"volume": attached, "host": host})
    return {
        "volume": volume,
        "snapshot": snapshot["resource"],
        "host": host,
        "attachment": attachment["resource"],
        "operation": attachment["id"],
        "request_id": attachment["request_id"],
        "tenant": world.tenant("blue"),
        "user": world.users["blue-member"],
    }


BODIES: Mapping[str, Any] = {
    "update_volume": {"name": "stolen"},
    "extend_volume": {"size": 1 << 40},
    "update_snapshot": {"name": "stolen"},
    "update_attachment": {"metadata": {"a": "b"}},
    "update_host": {"name": "stolen"},
    "update_tenant": {"name": "stolen"},
    "update_user": {"password": "stolen stolen stolen"},
    "set_limit": {"max_volumes": 0},
}


@pytest.mark.parametrize("role", ["member", "manager", "service"])
def test_what_another_tenant_owns_is_not_there_for_any_verb(world: World, blue: Mapping[str, str], role: str) -> None:
    stranger, before = world.as_(role, "green"), world.as_("member").everything_of()
    tried = set()
    for path, methods in world.description.document["paths"].items():
        named = [name for name in blue if f"{{{name}}}" in path]
        if not named:
            continue
        for method, operation in methods.items():
            name = operation["operationId"]
            body = {"snapshot": blue["snapshot"]} if name == "revert_volume" else BODIES.get(name)
            answer = stranger.ask(method.upper(), path.format(**blue), json=body)
            assert answer.status_code == 404, f"{method} {path}: {answer.status_code} {answer.text}"
            mine = stranger.ask(method.upper(), path.format(**{name: f"no-{name}" for name in blue}), json=body)
            # Not there, and not there for this caller: nobody can tell one from the other.
            assert _without(answer.json(), *blue.values()) == _without(mine.json(), *(f"no-{n}" for n in blue))
            tried.add(named[0])
    assert tried == set(blue)
    assert world.as_("member").everything_of() == before


def test_what_another_tenant_owns_cannot_be_used_either(world: World, blue: Mapping[str, str]) -> None:
    stranger, manager = world.as_("member", "green"), world.as_("manager", "green")
    own, host = stranger.volume("green"), manager.post("/v1/hosts", {"name": "green"})["id"]
    for path, body in (
        ("/v1/snapshots", {"volume": blue["volume"], "name": "s"}),
        ("/v1/volumes", {"name": "x", "source_volume": blue["volume"]}),
        ("/v1/volumes", {"name": "x", "source_snapshot": blue["snapshot"]}),
        ("/v1/volumes", {"name": "x", "size": 1 << 20, "profile": "memory", "near": [blue["volume"]]}),
        ("/v1/attachments", {"volume": blue["volume"], "host": host}),
        ("/v1/attachments", {"volume": own, "host": blue["host"]}),
        ("/v1/tokens", {"name": "x", "user": "blue-member"}),
    ):
        answer = manager.ask("POST", path, json=body)
        assert answer.status_code in (400, 404), (path, body, answer.text)
    assert manager.ask("POST", f"/v1/volumes/{own}/revert", json={"snapshot": blue["snapshot"]}).status_code == 400


def test_lists_show_ones_own_and_nothing_else(world: World, blue: Mapping[str, str]) -> None:
    stranger = world.as_("manager", "green")
    for name in ("volumes", "snapshots", "attachments", "hosts", "operations", "messages", "users", "tokens"):
        for more in ("", "&all_tenants=true"):
            items = stranger.get(f"/v1/{name}?limit=1000{more}")["items"]
            assert {item["tenant"] for item in items} <= {world.tenant("green"), None}, name
    assert [tenant["name"] for tenant in stranger.get("/v1/tenants")["items"]] == ["green"]
    events = stranger.get("/v1/events?limit=1000")["items"]
    assert {event["tenant"] for event in events} <= {world.tenant("green")}


def test_a_reader_reads_and_changes_nothing(world: World, blue: Mapping[str, str]) -> None:
    reader, before = world.as_("reader"), world.admin.everything()
    for name in ("volume", "snapshot", "attachment", "host", "operation"):
        assert reader.get(f"/v1/{name}s/{blue[name]}")["id"] == blue[name]
    host = blue["host"]
    for method, path, body in (
        ("POST", "/v1/volumes", {"name": "x", "size": 1 << 20, "profile": "memory"}),
        ("POST", "/v1/volumes?dry_run=true", {"name": "x", "size": 1 << 20, "profile": "memory"}),
        ("DELETE", f"/v1/volumes/{blue['volume']}", None),
        ("PATCH", f"/v1/volumes/{blue['volume']}", {"name": "x"}),
        ("POST", f"/v1/volumes/{blue['volume']}/extend", {"size": 1 << 30}),
        ("POST", f"/v1/volumes/{blue['volume']}/revert", {"snapshot": blue["snapshot"]}),
        ("POST", "/v1/snapshots", {"volume": blue["volume"], "name": "x"}),
        ("DELETE", f"/v1/snapshots/{blue['snapshot']}", None),
        ("POST", "/v1/attachments", {"volume": blue["volume"], "host": host}),
        ("DELETE", f"/v1/attachments/{blue['attachment']}", None),
        ("GET", f"/v1/attachments/{blue['attachment']}/connection", None),
        ("POST", "/v1/hosts", {"name": "x"}),
        ("DELETE", f"/v1/hosts/{host}", None),
        ("POST", f"/v1/operations/{blue['operation']}/cancel", None),
        ("POST", "/v1/users", {"name": "x", "tenant": blue["tenant"], "roles": ["reader"]}),
    ):
        answer = reader.ask(method, path, json=body)
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden"), f"{method} {path}"
    assert world.admin.everything() == before


@pytest.mark.parametrize("role", ["reader", "member", "manager"])
def test_the_installation_is_for_administrators(world: World, role: str) -> None:
    client = world.as_(role)
    pool = client.get("/v1/pools")["items"][0]["id"]
    for method, path, body in (
        ("GET", "/v1/backends", None),
        ("GET", "/v1/backends/array", None),
        ("POST", "/v1/backends", {"name": "x", "driver": "memory"}),
        ("POST", "/v1/backends/test", {"name": "x", "driver": "memory"}),
        ("POST", "/v1/backends/array/test", None),
        ("PATCH", "/v1/backends/array", {"enabled": False}),
        ("DELETE", "/v1/backends/array", None),
        ("POST", "/v1/tenants", {"name": "x"}),
        ("DELETE", f"/v1/tenants/{world.tenant('blue')}", None),
        ("PUT", f"/v1/tenants/{world.tenant('blue')}/limits", {"max_volumes": 5}),
        ("PATCH", f"/v1/pools/{pool}", {"ratio": 2}),
        ("POST", "/v1/profiles", {"name": "x", "properties": MEMORY}),
        ("PATCH", "/v1/profiles/memory", {"description": "x"}),
        ("DELETE", "/v1/profiles/memory", None),
        ("GET", "/v1/doctor", None),
        ("GET", "/v1/extensions", None),
        ("PATCH", "/v1/extensions/plugins/rest", {"enabled": False}),
        ("POST", "/v1/users", {"name": "x", "tenant": None, "roles": ["admin"]}),
    ):
        answer = client.ask(method, path, json=body)
        # A user of no tenant is not there for those who are bound to one.
        assert answer.status_code == (404 if "admin" in str(body) and role == "manager" else 403), (
            f"{role}: {method} {path}: {answer.status_code} {answer.text}"
        )


def test_nobody_gives_more_than_they_have(world: World, blue: Mapping[str, str]) -> None:
    manager = world.as_("manager")
    for body in (
        {"name": "x", "tenant": blue["tenant"], "roles": ["admin"]},
        {"name": "x", "tenant": blue["tenant"], "roles": ["manager", "admin"]},
    ):
        assert manager.ask("POST", "/v1/users", json=body).status_code == 403
    member = world.as_("member")
    assert member.ask("POST", "/v1/tokens", json={"name": "x", "roles": ["manager"]}).status_code in (400, 403)
    assert member.ask("POST", "/v1/tokens", json={"name": "x", "user": "blue-manager"}).status_code == 403
    less = member.post("/v1/tokens", {"name": "less", "roles": ["member"], "lifetime": 3600})
    assert less["roles"] == ["member"]


def test_an_administrator_acts_for_the_tenant_that_is_named(world: World) -> None:
    for name in ("blue", world.tenant("blue")):
        with closing(world.client(tenant=name)) as acting:
            assert acting.get("/v1/whoami")["tenant"] == world.tenant("blue")
            volume = acting.volume(f"made for {name[:4]}")
            assert acting.get(f"/v1/volumes/{volume}")["tenant"] == world.tenant("blue")
    assert world.as_("member").get(f"/v1/volumes/{volume}")["id"] == volume
    assert world.admin.get("/v1/whoami")["tenant"] is None
    refused = world.admin.ask("POST", "/v1/volumes", json={"name": "x", "size": 1 << 20, "profile": "memory"})
    assert 400 <= refused.status_code < 500
    with closing(world.client(tenant="nothing")) as nobody:
        assert nobody.ask("GET", "/v1/volumes").status_code == 401


def test_only_administrators_choose_a_tenant(world: World) -> None:
    member = world.as_("member")
    for tenant, status in (("blue", 200), (world.tenant("blue"), 200), ("green", 401), (world.tenant("green"), 401)):
        answer = member.ask("GET", "/v1/whoami", headers={"X-Isthmus-Tenant": tenant})
        assert answer.status_code == status, tenant


def test_secrets_of_an_attachment_are_for_its_owner(world: World, blue: Mapping[str, str]) -> None:
    path = f"/v1/attachments/{blue['attachment']}/connection"
    assert world.as_("member").get(path)["secrets"] is not None
    assert world.as_("service").get(path)["protocol"] == "memory"
    assert world.as_("service", "green").ask("GET", path).status_code == 404
    assert world.admin.ask("GET", path).status_code == 403


def test_a_disabled_tenant_and_user_are_refused_at_once(world: World) -> None:
    client: Client = world.as_("member", "closing")
    assert client.get("/v1/volumes")["items"] == []
    world.admin.patch(f"/v1/tenants/{world.tenant('closing')}", {"enabled": False})
    assert client.ask("GET", "/v1/volumes").status_code == 401
    world.admin.patch(f"/v1/tenants/{world.tenant('closing')}", {"enabled": True})
    assert client.get("/v1/volumes")["items"] == []
    world.admin.patch("/v1/users/closing-member", {"enabled": False})
    assert client.ask("GET", "/v1/volumes").status_code == 401
    world.admin.patch("/v1/users/closing-member", {"enabled": True, "roles": ["reader"]})
    answer = client.ask("POST", "/v1/volumes", json={"name": "x", "size": 1 << 20, "profile": "memory"})
    assert answer.status_code == 403
    world.admin.delete("/v1/users/closing-member")
    assert client.ask("GET", "/v1/volumes").status_code == 401


def test_limits_are_seen_by_the_tenant_and_set_by_administrators(world: World) -> None:
    client, tenant = world.as_("member", "limited"), world.tenant("limited")
    set_to = world.admin.ask("PUT", f"/v1/tenants/{tenant}/limits", json={"max_volumes": 1})
    assert set_to.json()["max_volumes"] == 1
    client.volume("only one")
    answer = client.ask("POST", "/v1/volumes", json={"name": "second", "size": 1 << 20, "profile": "memory"})
    assert (answer.status_code, answer.json()["code"]) == (403, "limit_exceeded")
    shown = client.get("/v1/limits")["items"][0]
    assert (shown["volumes"], shown["bytes"], shown["max_volumes"]) == (1, 1 << 20, 1)
    assert client.get(f"/v1/tenants/{tenant}/limits")["items"][0] == shown


def _without(document: Any, *names: str) -> Any:
    """The document with names and its own request id blotted out."""
    text = str({key: value for key, value in document.items() if key != "request_id"})
    for name in names:
        text = text.replace(name, "NAME")
    return text
