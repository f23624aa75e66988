"""The privilege registry is true: what it lets a role do is done, and what it does not let is refused."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
import requests

from isthmus.plugins.swordfish.accounts.privileges import REGISTRY, ROLES, role_of
from tests.environment.redfish import PASSWORD, ROOT, RedfishClient
from tests.integration.swordfish.volume_world import World, volume_world

ROLES_OF_CORE = ("admin", "manager", "member", "reader")
MANAGERS_ALONE = {"Endpoint", "EndpointGroup", "ManagerAccount"}
"""Managers and members are both Operators, and only managers may change these: the manual says so."""
FABRIC = f"{ROOT}/Fabrics/iscsi"
LINES = "DataStorageLinesOfService"


@dataclass(frozen=True, slots=True)
class Kind:
    """How one of a kind is made at `where`, by whom, and a change of it."""

    where: Callable[[World], str]
    body: Callable[[], dict[str, Any]]
    made_by: str
    change: Mapping[str, Any] | None = None
    below: str = ""
    """What of it is tried, where not itself."""


def fresh() -> str:
    return f"one-{uuid.uuid4()}"


def a_class() -> dict[str, Any]:
    return {"Name": fresh(), LINES: [{"ProvisioningPolicy": "Thin"}]}


def an_endpoint() -> dict[str, Any]:
    name = f"iqn.2004-10.com.example:{fresh()}"
    return {"Identifiers": [{"DurableName": name, "DurableNameFormat": "iQN"}]}


KINDS = {
    "Volume": Kind(lambda w: w.volumes, dict, "manager", {"DisplayName": "other"}),
    "ClassOfService": Kind(lambda w: f"{w.home}/ClassesOfService", a_class, "admin", {LINES: [{"Id": "storage"}]}),
    "DataStorageLineOfService": Kind(
        lambda w: f"{w.home}/ClassesOfService", a_class, "admin", {"IsSpaceEfficient": True}, f"/{LINES}/storage"
    ),
    "Endpoint": Kind(lambda w: f"{FABRIC}/Endpoints", an_endpoint, "manager"),
    "EndpointGroup": Kind(
        lambda w: f"{FABRIC}/EndpointGroups", lambda: {"Name": fresh()}, "manager", {"Links": {"Endpoints": []}}
    ),
    "ManagerAccount": Kind(
        lambda w: f"{ROOT}/AccountService/Accounts",
        lambda: {"UserName": fresh(), "Password": PASSWORD, "RoleId": "ReadOnly"},
        "manager",
        {"Enabled": False},
    ),
}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with volume_world(tmp_path_factory.mktemp("world")) as made:
        for role in ROLES_OF_CORE[1:]:
            tenant = made.home.rpartition("/")[2]
            made.service.make("/v1/users", {"name": role, "tenant": tenant, "roles": [role], "password": PASSWORD})
        yield made


def who(world: World, role: str) -> RedfishClient:
    return world.client if role == "admin" else world.service.client(role, PASSWORD)


def made(world: World, client: RedfishClient, kind: Kind) -> requests.Response:
    return client.finished(client.post(kind.where(world), kind.body() or world.body(fresh())))


def let(role: str, entity: str, method: str) -> bool:
    """Whether the registry lets the role do it."""
    return any(needed <= ROLES[role_of([role])] for needed in REGISTRY[entity][method])


def expected(role: str, entity: str, method: str) -> bool:
    kept_from_members = role == "member" and entity.removesuffix("Collection") in MANAGERS_ALONE
    return let(role, entity, method) and not kept_from_members


@pytest.mark.parametrize("role", ROLES_OF_CORE)
@pytest.mark.parametrize("entity", [name for name, kind in KINDS.items() if not kind.below])
def test_what_the_registry_lets_a_role_make_it_makes(world: World, entity: str, role: str) -> None:
    kind, client = KINDS[entity], who(world, role)
    answer = made(world, client, kind)
    wanted = expected(role, f"{entity}Collection", "POST")
    assert answer.status_code == (201 if wanted else 403), answer.text
    allowed = client.get(kind.where(world)).headers["Allow"].split(", ")
    assert ("POST" in allowed) == let(role, f"{entity}Collection", "POST"), "Allow says what the registry lets"


@pytest.mark.parametrize("role", ROLES_OF_CORE)
@pytest.mark.parametrize("entity", KINDS)
def test_what_the_registry_lets_a_role_change_and_remove_it_does(world: World, entity: str, role: str) -> None:
    kind, client = KINDS[entity], who(world, role)
    uri = made(world, who(world, kind.made_by), kind).headers["Location"] + kind.below
    if kind.change is not None:
        answer = client.finished(client.patch(uri, kind.change))
        assert (answer.status_code == 200) == expected(role, entity, "PATCH"), answer.text
        assert answer.status_code in (200, 403, 404)
    answer = client.finished(client.delete(uri))
    assert (answer.status_code == 204) == expected(role, entity, "DELETE"), answer.text
    assert answer.status_code in (204, 403, 404)


def test_who_is_refused_is_told_whom_to_ask(world: World) -> None:
    def advice(role: str, entity: str) -> str:
        (message,) = made(world, who(world, role), KINDS[entity]).json()["error"]["@Message.ExtendedInfo"]
        return str(message["Resolution"])

    assert advice("manager", "ClassOfService").endswith("Ask an administrator.")
    assert advice("member", "Endpoint").endswith("Ask a manager of the tenant or an administrator.")
    with world.service.server.session() as session:
        answer = session.post(
            f"{world.service.server.address}/v1/profiles",
            json={"name": fresh(), "properties": {}},
            auth=("manager", PASSWORD),
            headers={"Authorization": None},
            timeout=30,
        )
    assert answer.status_code == 403 and "Ask an administrator." in answer.text
