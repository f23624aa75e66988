"""A server with the Redfish service, and clients that hold every answer against the standard.

    with redfish_service(folder) as service:
        client = service.client()                       # Basic, as administrator
        volumes = client.body("/redfish/v1/StorageServices/blue/Volumes")
        answer = client.post(volumes["@odata.id"], {"Name": "one", "CapacityBytes": 1 << 30})
        service.check()

Whatever a client receives is validated: headers, entity tags, bodies against the official schemas and registries (where
these are at hand). What is wrong is collected; `check`, which the end of the context calls too, fails with all of it.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

import requests

from . import redfish_schemas
from .redfish_answers import Answer, faults
from .server import RunningServer, running_server

ROOT = "/redfish/v1"
SESSIONS = f"{ROOT}/SessionService/Sessions"
ADMINISTRATOR = "operator-in-chief"
PASSWORD = "Correct-horse1battery"
_SECONDS = 30.0


class RedfishClient:
    """Asks as one user, by Basic or, after `login`, with a session's token. Every answer goes to `judge`."""

    def __init__(self, address: str, ca: Path | None, judge: Callable[[Answer], None]) -> None:
        self.address = address
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.verify = str(ca) if ca is not None else False
        self._judge = judge

    def basic(self, user: str, password: str) -> Self:
        """From now on with these credentials in each request."""
        self.session.auth = (user, password)
        return self

    def login(self, user: str, password: str) -> requests.Response:
        """Make a session and go on with its token. The answer of the login, whatever it was."""
        answer = self.post(SESSIONS, {"UserName": user, "Password": password})
        if answer.status_code == 201:
            self.session.auth = None
            self.session.headers["X-Auth-Token"] = answer.headers["X-Auth-Token"]
        return answer

    def request(self, method: str, path: str, body: Any = None, **options: Any) -> requests.Response:
        """One request; redirects are not followed. `body` is sent as JSON, `data=` as it is. `stream=True` is judged
        by nobody."""
        if body is not None:
            options["data"] = json.dumps(body)
            options["headers"] = {"Content-Type": "application/json", **options.get("headers", {})}
        options = {"timeout": _SECONDS, "allow_redirects": False, **options}
        answer = self.session.request(method, self.address + path, **options)
        if not options.get("stream"):
            self._judge(Answer.of(answer))
        return answer

    def get(self, path: str, **options: Any) -> requests.Response:
        return self.request("GET", path, **options)

    def head(self, path: str, **options: Any) -> requests.Response:
        return self.request("HEAD", path, **options)

    def post(self, path: str, body: Any = None, **options: Any) -> requests.Response:
        return self.request("POST", path, body, **options)

    def patch(self, path: str, body: Any = None, **options: Any) -> requests.Response:
        return self.request("PATCH", path, body, **options)

    def delete(self, path: str, **options: Any) -> requests.Response:
        return self.request("DELETE", path, **options)

    def body(self, path: str, **options: Any) -> dict[str, Any]:
        """What a GET gives; fails unless it is 200."""
        answer = self.get(path, **options)
        assert answer.status_code == 200, f"GET {path}: {answer.status_code} {answer.text[:1000]}"
        found: dict[str, Any] = answer.json()
        return found

    def members(self, path: str) -> list[str]:
        """The URIs of all members of a collection, page after page."""
        found: list[str] = []
        while path:
            page = self.body(path)
            found += [member["@odata.id"] for member in page["Members"]]
            path = page.get("Members@odata.nextLink", "")
        return found

    def finished(self, answer: requests.Response, seconds: float = _SECONDS) -> requests.Response:
        """The final answer of an operation: for 202, what its monitor says when it no longer says 202."""
        monitor = urlsplit(answer.headers.get("Location", "")).path
        deadline = time.monotonic() + seconds
        while answer.status_code == 202:
            assert time.monotonic() < deadline, f"{monitor} is not done after {seconds} s: {answer.text[:1000]}"
            time.sleep(0.02)
            answer = self.get(monitor)
        return answer

    def walk(self, start: str = f"{ROOT}/") -> dict[str, dict[str, Any]]:
        """Every resource that can be reached by links, by URI. Links under Oem are not followed."""
        found: dict[str, dict[str, Any]] = {}
        waiting = [start]
        while waiting:
            uri = waiting.pop()
            if uri not in found:
                found[uri] = self.body(uri)
                waiting += [link for link in _links(found[uri]) if link not in found]
        return found

    def close(self) -> None:
        self.session.close()


@dataclass(slots=True)
class RedfishService:
    """A running server, and what its answers had wrong. `faults` may be cleared by a test that provokes some."""

    server: RunningServer
    faults: list[str] = field(default_factory=list)
    _clients: list[RedfishClient] = field(default_factory=list)

    def client(self, user: str | None = ADMINISTRATOR, password: str = PASSWORD) -> RedfishClient:
        """A client with Basic credentials; `user=None` is a stranger."""
        client = RedfishClient(self.server.address, self.server.ca, self.judge)
        self._clients.append(client)
        return client if user is None else client.basic(user, password)

    def logged_in(self, user: str = ADMINISTRATOR, password: str = PASSWORD) -> RedfishClient:
        """A client with a session of its own."""
        client = self.client(None)
        answer = client.login(user, password)
        assert answer.status_code == 201, f"login: {answer.status_code} {answer.text[:1000]}"
        return client

    def judge(self, answer: Answer) -> None:
        """Remember what is wrong with an answer."""
        schemas = None if redfish_schemas.missing() else redfish_schemas.official()
        self.faults += faults(answer, schemas)

    def check(self) -> None:
        """Fail with everything that was wrong since the last time."""
        found, self.faults = list(dict.fromkeys(self.faults)), []
        assert not found, f"{len(found)} faults:\n" + "\n".join(found[:50])

    def make(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Create something through Isthmus's own interface ("/v1/tenants"), as its administrator."""
        with self.server.session() as session:
            answer = session.post(self.server.address + path, json=body, timeout=_SECONDS)
            assert answer.ok, f"POST {path}: {answer.status_code} {answer.text[:1000]}"
            made: dict[str, Any] = answer.json()
            return made

    def close(self) -> None:
        """Close all its clients."""
        for client in self._clients:
            client.close()


@contextlib.contextmanager
def redfish_service(folder: Path, **settings: Any) -> Iterator[RedfishService]:
    """A server on `folder` with an administrator who has a password. Settings are those of `running_server`.

    Fails at its end when an answer had something wrong and nobody looked (`check`).
    """
    with running_server(folder, **settings) as server:
        service = RedfishService(server)
        service.make("/v1/users", {"name": ADMINISTRATOR, "tenant": None, "roles": ["admin"], "password": PASSWORD})
        try:
            yield service
            service.check()
        finally:
            service.close()


def _links(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            if key in ("@odata.id", "Members@odata.nextLink") and isinstance(inner, str) and "#" not in inner:
                yield inner
            elif key != "Oem":
                yield from _links(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _links(inner)
