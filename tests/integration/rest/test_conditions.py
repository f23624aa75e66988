"""Changes on conditions, safe repeats, and plans instead of changes."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.environment.server import until
from tests.integration.rest.client import Client
from tests.integration.rest.conftest import MEMORY, World

pytestmark = pytest.mark.xdist_group("rest")


def test_a_change_counts_only_for_the_version_that_was_seen(member: Client) -> None:
    volume = member.volume("versions")
    seen = member.ask("GET", f"/v1/volumes/{volume}").headers["ETag"]
    changed = member.ask("PATCH", f"/v1/volumes/{volume}", json={"name": "mine"}, headers={"If-Match": seen})
    assert changed.status_code == 200
    assert changed.headers["ETag"] != seen
    late = member.ask("PATCH", f"/v1/volumes/{volume}", json={"name": "yours"}, headers={"If-Match": seen})
    assert (late.status_code, late.json()["code"]) == (412, "stale")
    assert member.get(f"/v1/volumes/{volume}")["name"] == "mine"
    for method, path, body in (
        ("DELETE", "", None),
        ("POST", "/extend", {"size": 1 << 30}),
    ):
        refused = member.ask(method, f"/v1/volumes/{volume}{path}", json=body, headers={"If-Match": seen})
        assert refused.status_code == 412, path
    assert member.get(f"/v1/volumes/{volume}")["state"] == "available"


def test_of_many_who_saw_the_same_version_one_wins(member: Client) -> None:
    volume = member.volume("race")
    seen = member.ask("GET", f"/v1/volumes/{volume}").headers["ETag"]

    def change(number: int) -> int:
        headers = {"If-Match": seen}
        return member.ask("PATCH", f"/v1/volumes/{volume}", json={"name": f"n{number}"}, headers=headers).status_code

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(change, range(8))) == [200] + [412] * 7


@pytest.mark.parametrize("kind", ["hosts", "profiles", "tenants", "users", "backends", "pools"])
def test_whatever_has_a_version_heeds_conditions(world: World, kind: str) -> None:
    admin = world.admin
    world.as_("member").ask("POST", "/v1/hosts", json={"name": "x"})
    world.as_("manager").post("/v1/hosts", {"name": f"host of {kind}"})
    item = admin.get(f"/v1/{kind}?all_tenants=true")["items"][-1]
    path = f"/v1/{kind}/{item['id']}"
    current = admin.ask("GET", path).headers["ETag"]
    assert current == f'"{item["version"]}"'
    assert admin.ask("GET", path, headers={"If-None-Match": current}).status_code == 304
    assert admin.ask("GET", path, headers={"If-None-Match": '"0"'}).status_code == 200
    stale = {"If-Match": f'"{item["version"] + 5}"'}
    assert admin.ask("PATCH", path, json={"metadata": {"a": "b"}}, headers=stale).status_code == 412
    if kind != "pools":
        assert admin.ask("DELETE", path, headers=stale).status_code == 412
    assert admin.patch(path, {"metadata": {"a": "b"}}, headers={"If-Match": current})["metadata"] == {"a": "b"}


def test_a_repeated_request_gives_the_same_operation(member: Client) -> None:
    body, key = {"name": "once", "size": 1 << 20, "profile": "memory"}, {"Idempotency-Key": "make-once"}
    first = member.done("POST", "/v1/volumes", body, headers=key)
    again = member.post("/v1/volumes", body, status=202, headers=key)
    assert again["id"] == first["id"]
    assert again["state"] == "done"
    assert len(member.get("/v1/volumes?name=once")["items"]) == 1
    member.done("DELETE", f"/v1/volumes/{first['resource']}", headers={"Idempotency-Key": "drop-once"})
    # Whatever became of it: the volume is gone and the answers stay.
    assert member.post("/v1/volumes", body, status=202, headers=key)["id"] == first["id"]
    assert member.get("/v1/volumes?name=once")["items"] == []
    gone = member.delete(f"/v1/volumes/{first['resource']}", status=202, headers={"Idempotency-Key": "drop-once"})
    assert gone["state"] == "done"


@pytest.mark.parametrize("other", [{"size": 2 << 20}, {"name": "twice"}, {"metadata": {"a": "b"}}])
def test_a_key_that_comes_with_another_request_is_refused(member: Client, other: dict[str, Any]) -> None:
    key = {"Idempotency-Key": f"contradiction-{sorted(other)[0]}"}
    body = {"name": "contradiction", "size": 1 << 20, "profile": "memory"}
    member.done("POST", "/v1/volumes", body, headers=key)
    refused = member.ask("POST", "/v1/volumes", json={**body, **other}, headers=key)
    assert (refused.status_code, refused.json()["code"]) == (422, "idempotency_key_reused")
    volume = member.get("/v1/volumes?name=contradiction")["items"][0]["id"]
    assert member.ask("DELETE", f"/v1/volumes/{volume}", headers=key).status_code == 422
    assert member.get(f"/v1/volumes/{volume}")["state"] == "available"


def test_one_volume_comes_of_many_requests_with_one_key(member: Client) -> None:
    body, key = {"name": "crowd", "size": 1 << 20, "profile": "memory"}, {"Idempotency-Key": "crowd"}
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda _: member.post("/v1/volumes", body, status=202, headers=key)["id"], range(20)))
    assert len(set(answers)) == 1
    member.ended(answers[0])
    assert len(member.get("/v1/volumes?name=crowd")["items"]) == 1


def test_the_same_key_of_another_user_is_another_key(world: World) -> None:
    body, key = {"name": "shared key", "size": 1 << 20, "profile": "memory"}, {"Idempotency-Key": "shared"}
    first = world.as_("member").done("POST", "/v1/volumes", body, headers=key)
    second = world.as_("member", "green").done("POST", "/v1/volumes", body, headers=key)
    third = world.as_("manager").done("POST", "/v1/volumes", {**body, "size": 2 << 20}, headers=key)
    assert len({first["id"], second["id"], third["id"]}) == 3


def test_a_dry_run_of_whatever_is_accepted_changes_nothing(world: World) -> None:
    member, manager = world.as_("member"), world.as_("manager")
    volume = member.volume("planned")
    snapshot = member.done("POST", "/v1/snapshots", {"volume": volume, "name": "s"})["resource"]
    host = manager.post("/v1/hosts", {"name": "planned"})["id"]
    loose = member.volume("loose")
    attachment = member.done("POST", "/v1/attachments", {"volume": loose, "host": host})["resource"]
    asked: dict[str, tuple[str, str, Any]] = {
        "create_volume": ("POST", "/v1/volumes", {"name": "p", "size": 1 << 20, "profile": "memory"}),
        "delete_volume": ("DELETE", f"/v1/volumes/{volume}", None),
        "extend_volume": ("POST", f"/v1/volumes/{volume}/extend", {"size": 2 << 20}),
        "revert_volume": ("POST", f"/v1/volumes/{volume}/revert", {"snapshot": snapshot}),
        "create_snapshot": ("POST", "/v1/snapshots", {"volume": volume, "name": "p"}),
        "delete_snapshot": ("DELETE", f"/v1/snapshots/{snapshot}", None),
        "create_attachment": ("POST", "/v1/attachments", {"volume": volume, "host": host}),
        "delete_attachment": ("DELETE", f"/v1/attachments/{attachment}", None),
    }
    accepting = {
        operation["operationId"]
        for methods in world.description.document["paths"].values()
        for operation in methods.values()
        if any(parameter["name"] == "dry_run" for parameter in operation["parameters"])
    }
    assert set(asked) == accepting - {"invoke_action"}
    # Events get their numbers a moment later, in the order in which they came to be.
    until(lambda: attachment in [event["resource"] for event in member.get("/v1/events?limit=1000")["items"]])
    before, events = world.admin.everything(), _last_event(member)
    for name, (method, path, body) in asked.items():
        more = "&with_snapshots=true" if name == "delete_volume" else ""
        headers = {"Idempotency-Key": f"dry-{name}"}
        answer = member.ask(method, f"{path}?dry_run=true{more}", json=body, headers=headers)
        assert answer.status_code == 200, answer.text
        plan = answer.json()["plan"]
        assert plan["steps"], name
        assert "Location" not in answer.headers
    assert world.admin.everything() == before
    assert _last_event(member) == events
    # Its key is free, for the plan was never kept.
    method, path, body = asked["extend_volume"]
    member.done(method, path, body, headers={"Idempotency-Key": "dry-create_volume"})


def test_a_dry_run_says_where_and_how_much_and_what_cannot_be(world: World) -> None:
    member = world.as_("member")
    body = {"name": "p", "size": 1 << 30, "profile": "memory"}
    planned = member.post("/v1/volumes?dry_run=true", body, status=200)
    assert planned["explanation"]["considered"] >= 2
    assert planned["plan"]["room_before"] - planned["plan"]["room_after"] == 1 << 30
    refused = member.ask("POST", "/v1/volumes?dry_run=1", json={**body, "size": 1 << 60})
    assert (refused.status_code, refused.json()["code"]) == (409, "no_placement")
    assert refused.json()["next_step"]


def test_what_is_not_accepted_but_done_at_once_takes_no_dry_run(world: World) -> None:
    for path, body in (("/v1/hosts", {"name": "h"}), ("/v1/profiles", {"name": "p", "properties": MEMORY})):
        before = len(world.admin.get(path + "?all_tenants=true")["items"])
        assert world.admin.ask("POST", path + "?dry_run=true", json=body).status_code == 400
        assert len(world.admin.get(path + "?all_tenants=true")["items"]) == before


def _last_event(client: Client) -> int:
    number = 0
    while True:
        page = client.get(f"/v1/events?after={number}&limit=1000")
        number = page["last"]
        if not page["items"]:
            return int(number)
