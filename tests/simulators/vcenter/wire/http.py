"""HTTPS on loopback: threads, connections kept alive, every reply written at once."""

from __future__ import annotations

import logging
import socket
import ssl
import threading
from contextlib import suppress
from http.cookies import CookieError, SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ..interference import Dropped
from ..rest.router import Answer, Question
from .call import Call

if TYPE_CHECKING:
    from ..vcenter import VCenter
    from .dispatcher import Dispatcher

log = logging.getLogger(__name__)
_COOKIE = "vmware_soap_session"
_IDLE_SECONDS = 300.0
_LARGEST_BODY = 64 << 20


class Listener(ThreadingHTTPServer):
    """Listens for one vCenter until `close`, which also ends the connections that are open."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, vc: VCenter, address: str, port: int, context: ssl.SSLContext) -> None:
        super().__init__((address, port), _Handler)
        self.vc = vc
        self._context = context
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self.serve_forever, args=(0.05,), name="vcenter-listener", daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self.server_address[1])

    def close(self) -> None:
        """Stop listening and cut every connection."""
        self.shutdown()
        self.server_close()
        self._thread.join()
        with self._lock:
            connections = list(self._open)
        for each in connections:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def finish_request(self, request: Any, client_address: Any) -> None:
        """In the connection's own thread, so that a client that is slow to greet stops no other."""
        request.settimeout(_IDLE_SECONDS)
        request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self._lock:
            self._open.add(request)
        try:
            secured = self._context.wrap_socket(request, server_side=True)
        except (OSError, ValueError):
            with self._lock:
                self._open.discard(request)
            return
        with self._lock:
            self._open.discard(request)
            self._open.add(secured)
        try:
            super().finish_request(secured, client_address)
        finally:
            with self._lock:
                self._open.discard(secured)
            with suppress(OSError):
                secured.close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is none of ours."""
        log.debug("a connection failed", exc_info=True)


class _Handler(BaseHTTPRequestHandler):
    server: Listener
    protocol_version = "HTTP/1.1"
    wbufsize = -1

    def do_POST(self) -> None:
        path = urlsplit(self.path).path
        if path.rstrip("/") == "/sdk" or path.startswith("/sdk/vimService"):
            self._soap(self.server.vc.dispatcher)
        elif path.rstrip("/") == "/pbm/sdk":
            self._soap(self.server.vc.policy_dispatcher)
        else:
            self._rest("POST")

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        if path == "/sdk/vimServiceVersions.xml":
            self._reply(200, self.server.vc.release.service_versions().encode(), "text/xml; charset=utf-8")
        else:
            self._rest("GET")

    def do_DELETE(self) -> None:
        self._rest("DELETE")

    def do_PATCH(self) -> None:
        self._rest("PATCH")

    def do_PUT(self) -> None:
        self._rest("PUT")

    def log_message(self, format: str, *args: Any) -> None:
        log.debug(format, *args)

    def _soap(self, dispatcher: Dispatcher) -> None:
        vc = self.server.vc
        cookie = self._cookie()
        body = self._body()
        before = vc.sessions.find(cookie) if cookie else None
        call = Call(
            version=vc.release.api,
            session=before,
            address=self.client_address[0],
            agent=self.headers.get("User-Agent", ""),
        )
        try:
            status, reply = dispatcher.answer(body, self.headers.get("SOAPAction", ""), call)
        except Dropped:
            self._drop()
            return
        headers = {}
        if dispatcher is vc.dispatcher and call.session is not None and call.session is not before:
            headers["Set-Cookie"] = f'{_COOKIE}="{call.session.cookie}"; Path=/; HttpOnly; Secure; '
        self._reply(status, reply, "text/xml; charset=utf-8", headers)

    def _rest(self, method: str) -> None:
        parts = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        question = Question(method, parts.path, parts.query, headers, self._body(), self.client_address[0])
        try:
            answer: Answer = self.server.vc.router.answer(question)
        except Dropped:
            self._drop()
            return
        self._reply(answer.status, answer.encoded(), "application/json", answer.headers)

    def _cookie(self) -> str:
        try:
            morsel = SimpleCookie(self.headers.get("Cookie", "")).get(_COOKIE)
        except CookieError:
            return ""
        return morsel.value if morsel else ""

    def _body(self) -> bytes:
        length = int(self.headers.get("Content-Length") or 0)
        if length > _LARGEST_BODY:
            self.close_connection = True
            return b""
        return self.rfile.read(length)

    def _drop(self) -> None:
        self.close_connection = True
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

    def _reply(self, status: int, body: bytes, kind: str, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()
