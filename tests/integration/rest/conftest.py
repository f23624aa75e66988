"""One server for all of these tests, with two tenants, somebody for each role, and a memory array."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.environment.server import Distribution, RunningServer, running_server
from tests.integration.rest.client import Client, Description

ODD = Distribution(Path(__file__).with_name("odd_driver.py"), {"isthmus.drivers": {"odd": "OddDriver"}})
PASSWORD = "correct horse battery"
MEMORY = {"provisioningProperties": {"ioConnectivity": {"accessProtocol": "memory"}}}
THREADS = 24
BODY_LIMIT = 1 << 16


@dataclass(slots=True)
class World:
    """`admin` acts for no tenant; `as_` gives somebody with one role in a tenant."""

    server: RunningServer
    description: Description
    admin: Client
    folder: Path
    tenants: dict[str, str] = field(default_factory=dict)
    users: dict[str, str] = field(default_factory=dict)
    _clients: dict[tuple[str, str], Client] = field(default_factory=dict)

    def tenant(self, name: str) -> str:
        """The id of a tenant, made when it is first asked for."""
        if name not in self.tenants:
            self.tenants[name] = self.admin.post("/v1/tenants", {"name": name})["id"]
        return self.tenants[name]

    def as_(self, role: str, tenant: str = "blue") -> Client:
        """Somebody with this role in this tenant."""
        key = (role, tenant)
        if key not in self._clients:
            name = f"{tenant}-{role}"
            body = {"name": name, "tenant": self.tenant(tenant), "roles": [role], "password": PASSWORD}
            self.users[name] = self.admin.post("/v1/users", body)["id"]
            token = self.admin.post("/v1/tokens", {"name": "test", "user": name})["token"]
            self._clients[key] = self.client(token)
        return self._clients[key]

    def client(self, token: str | None = None, *, tenant: str | None = None) -> Client:
        return Client(self.server, self.description, token, tenant=tenant)

    def close(self) -> None:
        for client in (self.admin, *self._clients.values()):
            client.close()


def furnish(server: RunningServer, folder: Path) -> World:
    """A world on a fresh server."""
    with server.session() as session:
        description = Description(session.get(f"{server.address}/v1/openapi.json", timeout=30).json())
    world = World(server, description, Client(server, description), folder)
    pools = [{"name": f"pool{number}", "total": 1 << 40} for number in range(2)]
    marks = folder / "marks"
    marks.mkdir(exist_ok=True)
    world.admin.post("/v1/backends", {"name": "array", "driver": "memory", "settings": {"pools": pools}})
    odd = {"pools": [{"name": "odd", "total": 1 << 40}], "marks": str(marks)}
    world.admin.post(
        "/v1/backends", {"name": "odd", "driver": "odd", "settings": odd, "secrets": {"password": PASSWORD + "!"}}
    )
    world.admin.post("/v1/profiles", {"name": "memory", "properties": MEMORY})
    return world


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("rest")
    listen = {"threads": THREADS, "body_limit": BODY_LIMIT}
    with running_server(folder, distributions=[ODD], listen=listen, log={"level": "debug"}) as server:
        made = furnish(server, folder)
        yield made
        made.close()


@pytest.fixture(scope="session")
def second(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Another server: over plain HTTP, which browsers need, and with a second for a driver's call."""
    folder = tmp_path_factory.mktemp("second")
    given = {"tls": {"mode": "off"}, "data_path": {"timeout": 1}, "journal": {"threads": 4}}
    with running_server(folder, distributions=[ODD], **given) as server:
        made = furnish(server, folder)
        yield made
        made.close()


@pytest.fixture(scope="session")
def member(world: World) -> Client:
    """A member of the tenant blue."""
    return world.as_("member")


@pytest.fixture(scope="session")
def admin(world: World) -> Client:
    """An administrator who acts for no tenant."""
    return world.admin
