"""Where a Redfish service's events go: a destination that they are pushed to, and a reader of its stream."""

from __future__ import annotations

import contextlib
import json
import queue
import socket
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import requests

from .redfish import RedfishClient

STREAM = "/redfish/v1/EventService/SSE"


def origins(body: dict[str, Any]) -> list[str]:
    """What an event message tells of."""
    return [record.get("OriginOfCondition", {}).get("@odata.id", "") for record in body.get("Events", ())]


class Destination:
    """A receiver of events on loopback: keeps what it gets, refuses as long as it is told to (`refusing`), and does not
    answer while `answering` is not set. With a certificate (PEM, with its key) it is there over TLS."""

    def __init__(self, certificate: Path | None = None) -> None:
        received: queue.Queue[tuple[dict[str, str], dict[str, Any]]] = queue.Queue()
        refusing, answering = threading.Event(), threading.Event()
        answering.set()
        attempts: list[int] = []

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                attempts.append(1)
                answering.wait()
                self.send_response(500 if refusing.is_set() else 204)
                self.end_headers()
                if not refusing.is_set():
                    received.put((dict(self.headers), json.loads(body)))

            def log_message(self, *arguments: Any) -> None:
                """Quiet."""

        self.received, self.refusing, self.answering, self.attempts = received, refusing, answering, attempts
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        scheme = "http"
        if certificate is not None:
            scheme, context = "https", ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.url = f"{scheme}://127.0.0.1:{self._server.server_port}/events"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def next(self) -> tuple[dict[str, str], dict[str, Any]]:
        return self.received.get(timeout=20)

    def until(self, origin: str) -> list[tuple[dict[str, str], dict[str, Any]]]:
        """What came, up to the message that tells of `origin`."""
        found = [self.next()]
        while origin not in origins(found[-1][1]):
            found.append(self.next())
        return found

    def close(self) -> None:
        self.answering.set()
        self._server.shutdown()
        self._server.server_close()


class Hanging:
    """Takes connections on loopback and never answers; a `dripping` one never stops beginning to, a byte at a time."""

    def __init__(self, *, dripping: bool = False) -> None:
        self.taken: list[socket.socket] = []
        self._dripping = dripping
        self._closed = threading.Event()
        self._server = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._server.getsockname()[1]}/events"
        threading.Thread(target=self._take, daemon=True).start()

    def _take(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                self.taken.append(self._server.accept()[0])
                if self._dripping:
                    threading.Thread(target=self._drip, args=(self.taken[-1],), daemon=True).start()

    def _drip(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError):
            connection.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
            while not self._closed.wait(0.05):
                connection.sendall(b"x")

    def close(self) -> None:
        self._closed.set()
        # A close alone would not end the `accept` of another thread.
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        for connection in self.taken:
            connection.close()


class Reader:
    """Reads a stream in a thread of its own: blocks of `field: value` by field."""

    def __init__(self, client: RedfishClient, **headers: str) -> None:
        self.answer = client.get(STREAM, stream=True, headers={"Accept": "text/event-stream", **headers}, timeout=60)
        self.blocks: queue.Queue[dict[str, str] | None] = queue.Queue()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        block: dict[str, str] = {}
        with contextlib.suppress(requests.RequestException, AttributeError, ValueError):
            for line in self.answer.iter_lines(chunk_size=1, decode_unicode=True):
                if not line and block:
                    self.blocks.put(block)
                    block = {}
                elif line and not line.startswith(":"):
                    name, _, value = line.partition(": ")
                    block[name] = value
        self.blocks.put(None)

    def next(self) -> dict[str, Any]:
        block = self.blocks.get(timeout=20)
        assert block is not None, "the stream ended"
        return {"id": block["id"], "body": json.loads(block["data"])}

    def next_event(self) -> dict[str, Any]:
        """The next that is no metric report."""
        while "Events" not in (found := self.next())["body"]:
            pass
        return found

    def until(self, origin: str) -> list[dict[str, Any]]:
        """The events that came, up to the one that tells of `origin`."""
        found = [self.next_event()]
        while origin not in origins(found[-1]["body"]):
            found.append(self.next_event())
        return found

    def close(self) -> None:
        self.answer.close()
