"""Lists: page by page while others change them, filtered, sorted, and nothing that a list does not know."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.integration.rest.client import Client
from tests.integration.rest.conftest import World

pytestmark = pytest.mark.xdist_group("rest")


def pages(client: Client, path: str) -> Iterator[list[dict[str, Any]]]:
    cursor = ""
    while True:
        page = client.get(path + cursor)
        yield page["items"]
        if page["next"] is None:
            return
        cursor = f"&cursor={page['next']}"


@pytest.fixture(scope="module")
def lister(world: World) -> Client:
    """A manager of a tenant with 25 hosts that nobody else touches."""
    client = world.as_("manager", "listed")
    for number in range(25):
        client.post("/v1/hosts", {"name": f"host{number % 7}", "metadata": {"n": str(number)}})
    return client


@pytest.mark.parametrize("sort", ["created_at", "-created_at", "name", "-name"])
def test_pages_hold_everything_once_and_in_order(lister: Client, sort: str) -> None:
    seen = [item for page in pages(lister, f"/v1/hosts?sort={sort}&limit=4") for item in page]
    assert len({item["id"] for item in seen}) == len(seen) == 25
    key = sort.removeprefix("-")
    values = [item[key] for item in seen]
    assert values == sorted(values, reverse=sort.startswith("-"))


def test_what_was_there_is_seen_once_however_much_is_added_and_removed(lister: Client) -> None:
    kept = {item["id"] for page in pages(lister, "/v1/hosts?limit=100") for item in page}
    stop = threading.Event()

    def change() -> None:
        number = 0
        while not stop.is_set():
            made = lister.post("/v1/hosts", {"name": f"host{number % 9}"})
            if number % 2:
                lister.delete(f"/v1/hosts/{made['id']}")
            number += 1

    with ThreadPoolExecutor(2) as pool:
        changing = [pool.submit(change) for _ in range(2)]
        try:
            for sort in ("name", "-created_at"):
                seen = [item["id"] for page in pages(lister, f"/v1/hosts?sort={sort}&limit=2") for item in page]
                assert len(seen) == len(set(seen))
                assert kept <= set(seen)
        finally:
            stop.set()
        for each in changing:
            each.result()


def test_a_cursor_is_good_for_its_own_list_only(lister: Client, world: World) -> None:
    cursor = lister.get("/v1/hosts?limit=2&sort=name")["next"]
    for path in (
        "/v1/hosts?limit=2&sort=-name",
        "/v1/hosts?limit=2&sort=name&name=host1",
        "/v1/volumes?limit=2&sort=name",
        "/v1/hosts?limit=2",
    ):
        assert lister.ask("GET", f"{path}&cursor={cursor}").status_code == 400, path
    forged = cursor[:-2] + ("AA" if cursor[-2:] != "AA" else "BB")
    for wrong in (forged, "x", "", "%00", "A" * 5000, "%F0%9F%98%80"):
        assert lister.ask("GET", f"/v1/hosts?limit=2&sort=name&cursor={wrong}").status_code == 400
    other = world.as_("manager", "green").ask("GET", f"/v1/hosts?limit=2&sort=name&cursor={cursor}")
    # Even where a cursor would be taken, it shows nothing but one's own.
    assert other.status_code == 400 or not {i["id"] for i in other.json()["items"]} & {
        i["id"] for i in lister.get("/v1/hosts?limit=1000")["items"]
    }


def test_filters_leave_only_what_is_equal(lister: Client, world: World) -> None:
    found = lister.get("/v1/hosts?name=host3")["items"]
    assert found
    assert {item["name"] for item in found} == {"host3"}
    assert lister.get("/v1/hosts?name=HOST3")["items"] == []
    member = world.as_("member")
    volume = member.volume("filtered")
    kept = [("state", "available"), ("pool", ""), ("protocol", "memory"), ("identifier", ""), ("profile", "")]
    shown = member.get(f"/v1/volumes/{volume}")
    for name, value in kept:
        ids = {item["id"] for item in member.get(f"/v1/volumes?limit=1000&{name}={value or shown[name]}")["items"]}
        assert volume in ids, name
    assert volume not in {item["id"] for item in member.get("/v1/volumes?state=error")["items"]}
    copy = member.done("POST", "/v1/volumes", {"name": "copy", "source_volume": volume})["resource"]
    assert [item["id"] for item in member.get(f"/v1/volumes?source_volume={volume}")["items"]] == [copy]


def test_every_filter_and_sort_that_is_described_works_and_no_other(world: World) -> None:
    values = {
        "state": {"volumes": "available", "snapshots": "error", "attachments": "error", "pools": "disabled"},
        "mode": {"attachments": "ro"},
        "protocol": {"hosts": "nbd"},
        "health": {"backends": "healthy", "systems": "healthy"},
        "profile": {"volumes": "memory"},
        "backend": {"pools": "array"},
        "tenant": {"users": "default"},
        "user": {"tokens": "admin"},
    }
    for path, methods in world.description.document["paths"].items():
        operation = methods.get("get", {})
        if not operation.get("operationId", "").startswith("list_"):
            continue
        parameters = {p["name"]: p["schema"] for p in operation["parameters"] if p["in"] == "query"}
        if "sort" not in parameters:
            continue
        kind = path.removeprefix("/v1/")
        for sort in parameters.pop("sort")["enum"]:
            world.admin.get(f"{path}?sort={sort}")
        for name in set(parameters) - {"limit", "cursor", "all_tenants", "total"}:
            boolean = {"enabled", "is_default"}
            usual = {"backends": "enabled", "systems": "enabled", "operations": "done"}.get(kind, "x")
            value = "true" if name in boolean else values.get(name, {}).get(kind, usual if name == "state" else "x")
            world.admin.get(f"{path}?{name}={value}")
        for query in ("colour=red", "sort=colour", "id=x", "metadata=x", "sort=id", "sort=", "limit=0"):
            assert world.admin.ask("GET", f"{path}?{query}").status_code == 400, f"{path}?{query}"


def test_a_value_that_a_filter_cannot_have_is_refused(world: World) -> None:
    for query in ("state=purple", "state=available&state=error", "name=%00", "state="):
        assert world.as_("member").ask("GET", f"/v1/volumes?{query}").status_code == 400, query
    assert world.admin.ask("GET", "/v1/tenants?enabled=maybe").status_code == 400


def test_what_has_a_name_may_be_filtered_by_under_it(world: World) -> None:
    """As it may be named everywhere else; a name of nothing is a mistake and no empty list."""
    member = world.as_("member", "named")
    volume = member.volume("by-name")
    profile = member.get(f"/v1/volumes/{volume}")["profile"]
    for value in ("memory", profile):
        assert volume in {item["id"] for item in member.get(f"/v1/volumes?profile={value}")["items"]}
    assert member.get("/v1/volumes?profile=default")["items"] == []
    refused = member.ask("GET", "/v1/volumes?profile=platinum")
    assert refused.status_code == 400 and "no profile platinum" in refused.json()["detail"]
    array = world.admin.get("/v1/backends/array")["id"]
    named = world.admin.get("/v1/pools?backend=array&limit=1")
    assert {item["backend"] for item in named["items"]} == {array}
    after = world.admin.get(f"/v1/pools?backend=array&limit=1&cursor={named['next']}")["items"]
    assert after and after != named["items"]
    assert world.admin.ask("GET", "/v1/pools?backend=nowhere").status_code == 400
    assert member.get(f"/v1/pools?backend={array}")["items"]
    assert member.ask("GET", "/v1/pools?backend=array").status_code == 403
    users = world.admin.get("/v1/users?tenant=named")["items"]
    assert [item["name"] for item in users] == ["named-member"]
    tokens = world.admin.get("/v1/tokens?user=named-member")["items"]
    assert {item["user"] for item in tokens} == {users[0]["id"]}
    assert world.admin.ask("GET", "/v1/users?tenant=nobody").status_code == 400


def test_a_filter_does_not_tell_what_is_there_of_others(world: World) -> None:
    world.as_("member", "hidden")
    world.admin.post("/v1/profiles", {"name": "secret", "properties": {}, "tenants": [world.tenant("hidden")]})
    manager = world.as_("manager", "curious")
    for path, there in (("users?tenant", "hidden"), ("tokens?user", "hidden-member"), ("volumes?profile", "secret")):
        refused, absent = (manager.ask("GET", f"/v1/{path}={name}") for name in (there, "nothing"))
        assert (refused.status_code, absent.status_code) == (400, 400), path
        assert refused.json()["detail"].replace(there, "nothing") == absent.json()["detail"]


def test_text_of_any_kind_may_be_filtered_by_and_does_no_harm(world: World) -> None:
    for text in ("%27%20OR%201=1--", "%F0%9F%98%80", "%25", "_", "%22", "..%2F..%2Fetc"):
        assert world.as_("member", "plain").get(f"/v1/volumes?name={text}")["items"] == []


def test_a_total_says_how_many_there_are_on_all_pages(world: World) -> None:
    page = world.admin.get("/v1/tenants?total=true&limit=1&all_tenants=true")
    assert page["total"] == len(world.admin.get("/v1/tenants?limit=1000")["items"]) > 1
