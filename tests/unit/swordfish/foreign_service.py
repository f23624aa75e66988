"""A Redfish service of another maker, over HTTP on loopback: bodies by path, and answers to changes as a test says."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

ROOT = "/redfish/v1/"


@dataclass(slots=True)
class Said:
    """An answer. A body that is text goes out as it is."""

    body: Any = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Asked:
    """A request that came."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: Any


@dataclass(slots=True)
class ForeignService:
    """`bodies` answer GET; `answers` any request by method and path, before that. `asked` are all requests."""

    bodies: dict[str, Any]
    address: str = ""
    answers: dict[tuple[str, str], Callable[[Asked], Said]] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)

    def answer(self, asked: Asked) -> Said:
        self.asked.append(asked)
        own = self.answers.get((asked.method, asked.path))
        if own is not None:
            return own(asked)
        found = self.bodies.get(asked.path, self.bodies.get(asked.path.rstrip("/")))
        if asked.method == "GET" and found is not None:
            return found if isinstance(found, Said) else Said(found)
        return Said("<html>Not Found</html>", 404)

    def changes(self) -> list[tuple[str, str, Any]]:
        """What was asked for that is no reading and no login."""
        return [
            (one.method, one.path, one.body)
            for one in self.asked
            if one.method != "GET" and not one.path.endswith("/Sessions")
        ]


@contextmanager
def serving(bodies: dict[str, Any]) -> Iterator[ForeignService]:
    service = ForeignService(bodies)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1

        def handle_any(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            content = self.rfile.read(length)
            body = json.loads(content) if content else None
            said = service.answer(Asked(self.command, self.path, dict(self.headers), body))
            if isinstance(said.body, str):
                text = said.body.encode()
            else:
                text = b"" if said.body is None else json.dumps(said.body).encode()
            self.send_response(said.status)
            for name, value in said.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_POST = do_PATCH = do_DELETE = handle_any  # noqa: N815

        def log_message(self, *words: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    service.address = f"http://127.0.0.1:{server.server_port}"
    try:
        yield service
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


def collection(path: str, *members: str, **more: Any) -> dict[str, Any]:
    return {"@odata.id": path, "Name": "C", "Members": [{"@odata.id": one} for one in members], **more}
