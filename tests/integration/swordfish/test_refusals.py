"""What is refused to whom, over everything that a service with volumes shows."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from isthmus.plugins.swordfish.catalogue import SERVED
from isthmus.plugins.swordfish.protocol.resource import Collection, Resource, Served
from isthmus.plugins.swordfish.protocol.router import Router
from isthmus.plugins.swordfish.resources.account import ACCOUNT
from tests.environment.redfish import PASSWORD, SESSIONS, RedfishClient
from tests.integration.swordfish.volume_world import World, volume_world

ROUTER = Router(SERVED)
CHANGES = ("POST", "PATCH", "DELETE", "PUT")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with volume_world(tmp_path_factory.mktemp("world")) as made:
        source = made.volume("one")
        made.replica(source, "Snapshot", "two")
        made.service.make("/v1/tenants", {"name": "other"})
        tenants = {tenant.rpartition("/")[2] for tenant in made.client.members("/redfish/v1/StorageServices")}
        home = made.home.rpartition("/")[2]
        [other] = tenants - {home}
        for name, tenant, role in (
            ("reader", home, "reader"),
            ("member", home, "member"),
            ("foreigner", other, "manager"),
            ("wanderer", None, "member"),
        ):
            made.service.make("/v1/users", {"name": name, "tenant": tenant, "roles": [role], "password": PASSWORD})
        yield made


@pytest.fixture(scope="module")
def everything(world: World) -> list[str]:
    """URIs of all that an administrator can reach, two of each kind."""
    kinds: dict[str, list[str]] = {}
    for uri in world.client.walk():
        kinds.setdefault(served(uri).path, []).append(uri)
    found = [uri for uris in kinds.values() for uri in sorted(uris)[:2]]
    assert any("/Volumes/" in uri for uri in found) and any("/StoragePools/" in uri for uri in found)
    return found


def served(uri: str) -> Served:
    found = ROUTER.find(uri)
    assert found is not None, uri
    return found[0]


def status(client: RedfishClient, method: str, uri: str) -> int:
    body: dict[str, str] | None = {} if method in ("POST", "PATCH", "PUT") else None
    return client.request(method, uri, body).status_code


def test_a_stranger_gets_401_for_everything_that_is_not_open(world: World, everything: list[str]) -> None:
    stranger = world.service.client(None)
    for uri in everything:
        one = served(uri)
        if one.open:
            assert status(stranger, "GET", uri) == 200, uri
            continue
        for method in ("GET", "HEAD", *CHANGES):
            login = isinstance(one, Collection) and one.creation is not None and one.creation.open and method == "POST"
            assert status(stranger, method, uri) == (400 if login else 401), f"{method} {uri}"


def test_after_logout_a_token_gets_401_for_everything(world: World, everything: list[str]) -> None:
    client = world.service.logged_in()
    closed = [uri for uri in everything if not served(uri).open]
    assert {status(client, "GET", uri) for uri in closed} == {200}
    [own] = set(client.members(SESSIONS))
    assert client.delete(own).status_code == 204
    for uri in closed:
        assert status(client, "GET", uri) == 401, uri
        assert status(client, "DELETE", uri) == 401, uri


def test_a_reader_changes_nothing(world: World, everything: list[str]) -> None:
    reader = world.service.client("reader", PASSWORD)
    before = {uri: world.client.body(uri) for uri in everything if "Metric" not in uri}
    for uri in everything:
        one = served(uri)
        for method in CHANGES:
            if uri == SESSIONS and method == "POST":
                continue
            answer = status(reader, method, uri)
            if one is ACCOUNT and method == "PATCH":
                # The own one may be changed: nothing was asked for.
                assert answer in (400, 403, 404), f"{method} {uri}: {answer}"
                continue
            assert answer in (403, 404, 405), f"{method} {uri}: {answer}"
            if isinstance(one, Collection) and one.creation is not None and method == "POST":
                assert answer in (403, 404), f"{method} {uri}: {answer}"
            if isinstance(one, Resource) and method == "DELETE" and one.delete is not None:
                assert answer in (403, 404), f"{method} {uri}: {answer}"
    assert {uri: world.client.body(uri) for uri in before} == before


@pytest.mark.parametrize("name", ["foreigner", "wanderer"])
def test_another_tenants_things_are_not_there(world: World, everything: list[str], name: str) -> None:
    client = world.service.client(name, PASSWORD)
    theirs = [uri for uri in everything if uri.startswith(world.home)]
    assert len(theirs) > 5
    for uri in theirs:
        assert status(client, "GET", uri) == 404, uri
        for method in CHANGES:
            assert status(client, method, uri) in (403, 404, 405), f"{method} {uri}"
    for uri in everything:
        answer = client.get(uri)
        assert world.home not in answer.text or answer.status_code == 404, uri


def test_a_member_does_not_administer(world: World, everything: list[str]) -> None:
    member = world.service.client("member", PASSWORD)
    for uri in everything:
        if "/AccountService" in uri or "/SessionService" in uri:
            for method in CHANGES:
                if (uri, method) != (SESSIONS, "POST"):
                    assert status(member, method, uri) in (403, 404, 405, 400), f"{method} {uri}"
    body = {"UserName": "more", "Password": PASSWORD, "RoleId": "ReadOnly"}
    assert member.post("/redfish/v1/AccountService/Accounts", body).status_code == 403
