"""Two installations: `near`, whose plugin reaches out, and `far`, which is reached."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.environment.server import Distribution, RunningServer, running_server

HERE = Path(__file__).parent
REACHER = Distribution(HERE / "reacher.py", {"isthmus.plugins": {"reacher": "Reacher"}})
FRAGILE = Distribution(HERE / "fragile.py", {"isthmus.adapters": {"fragile": "FragileAdapter"}})
MEMORY = {"provisioningProperties": {"ioConnectivity": {"accessProtocol": "memory"}}}


@dataclass(slots=True)
class Place:
    """A server and an administrator's session with it."""

    server: RunningServer
    session: requests.Session

    def ask(self, method: str, path: str, body: Any = None, token: str | None = None) -> requests.Response:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return self.session.request(method, self.server.address + path, json=body, headers=headers, timeout=60)

    def get(self, path: str, token: str | None = None) -> Any:
        answer = self.ask("GET", path, token=token)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, path: str, body: Any = None) -> Any:
        answer = self.ask("POST", path, body)
        assert answer.status_code in (200, 201), answer.text
        return answer.json()

    def patch(self, path: str, body: Any) -> Any:
        answer = self.ask("PATCH", path, body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def token_of(self, name: str, role: str, tenant: str = "default") -> tuple[str, str]:
        """Id and text of a token of a new user."""
        self.post("/v1/users", {"name": name, "tenant": self.get(f"/v1/tenants/{tenant}")["id"], "roles": [role]})
        token = self.post("/v1/tokens", {"name": "test", "user": name})
        return token["id"], token["token"]

    def volumes(self) -> set[str]:
        return {each["name"] for each in self.get("/v1/volumes?all_tenants=true")["items"]}

    def warnings(self) -> set[str]:
        """What it says of systems in `/readyz`, which must be good nevertheless."""
        ready = self.get("/readyz")
        assert ready["ready"]
        return {f"{f['check']}: {f['text']}" for f in ready["findings"] if f["check"].startswith("system ")}


@contextlib.contextmanager
def place(folder: Path, **settings: Any) -> Iterator[Place]:
    with (
        running_server(folder, distributions=[REACHER, FRAGILE], **settings) as server,
        server.session() as session,
    ):
        yield Place(server, session)


def furnish(place: Place) -> None:
    place.post(
        "/v1/backends", {"name": "array", "driver": "memory", "settings": {"pools": [{"name": "p", "total": 1 << 40}]}}
    )
    place.post("/v1/profiles", {"name": "memory", "properties": MEMORY})


def described(far: Place, name: str, token: str, **settings: Any) -> Mapping[str, Any]:
    """`far` as a system."""
    assert far.server.ca is not None
    return {
        "name": name,
        "adapter": "remote",
        "address": far.server.address,
        "settings": {"ca": far.server.ca.read_text(), **settings},
        "secrets": {"token": token},
    }


@pytest.fixture(scope="module")
def far(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with place(tmp_path_factory.mktemp("far")) as made:
        furnish(made)
        yield made


@pytest.fixture(scope="module")
def near(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with place(tmp_path_factory.mktemp("near")) as made:
        yield made
