"""The client's own server: its page, the library for plug-ins, and the reverse proxy."""

from __future__ import annotations

import json
import socket
import ssl
import threading
from contextlib import suppress
from http.cookies import SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from .inventory import tasks, tree
from .plugin import PROXIED
from .proxy import BadGateway, forward

if TYPE_CHECKING:
    from .shell import Shell

COOKIE = "client_session"
_HERE = Path(__file__).parent
_MEDIA = {".js": "text/javascript", ".css": "text/css", ".html": "text/html"}
_LIBRARY = "/api/ui/htmlClientSdk.js"
_IDLE_SECONDS = 300.0


class Listener(ThreadingHTTPServer):
    """Listens on loopback until `close`."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(self, shell: Shell, port: int, context: ssl.SSLContext) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.shell = shell
        self._context = context
        self._thread = threading.Thread(target=self.serve_forever, args=(0.05,), name="client-shell", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop listening."""
        self.shutdown()
        self.server_close()
        self._thread.join()

    def finish_request(self, request: Any, client_address: Any) -> None:
        """In the connection's own thread."""
        request.settimeout(_IDLE_SECONDS)
        request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            secured = self._context.wrap_socket(request, server_side=True)
        except (OSError, ValueError):
            return
        try:
            super().finish_request(secured, client_address)
        finally:
            with suppress(OSError):
                secured.close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that went away is none of ours."""


class _Handler(BaseHTTPRequestHandler):
    server: Listener
    protocol_version = "HTTP/1.1"
    wbufsize = -1

    def do_GET(self) -> None:
        self._answer()

    def do_HEAD(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def do_PUT(self) -> None:
        self._answer()

    def do_DELETE(self) -> None:
        self._answer()

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: the tests watch requests in the browser."""

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = urlsplit(self.path).path
        if path.startswith(PROXIED):
            self._proxy(body)
        elif self.command == "POST":
            self._change(path, body)
        elif path.startswith("/shell/") and "." not in path:
            self._tell(path)
        else:
            self._file(path)

    def _proxy(self, body: bytes) -> None:
        prefix = "/".join(self.path.split("/", 3)[:3])
        plugin = self.server.shell.plugin(prefix)
        if plugin is None or plugin.upstream is None:
            self._reply(404, b"no such plug-in", "text/plain")
            return
        try:
            reply = forward(plugin.upstream, self.command, self.path.removeprefix(prefix), self.headers.items(), body)
        except BadGateway as error:
            self._reply(502, str(error).encode(), "text/plain")
            return
        self._reply(reply.status, reply.content, None, reply.headers)

    def _change(self, path: str, body: bytes) -> None:
        shell = self.server.shell
        if path == "/shell/login":
            given = json.loads(body)
            try:
                cookie = shell.enter(given["user"], given["password"])
            except PermissionError:
                self._reply(401, b"", "text/plain")
                return
            self._json({}, (("Set-Cookie", f"{COOKIE}={cookie}; Path=/; HttpOnly; Secure; SameSite=Strict"),))
        elif path == "/shell/logout":
            shell.leave(self._cookie())
            self._json({})
        else:
            self._reply(404, b"", "text/plain")

    def _tell(self, path: str) -> None:
        shell = self.server.shell
        visit = shell.visit(self._cookie())
        if visit is None:
            # Not 401: that nobody is logged in yet is no failure of the page.
            self._reply(204, b"", None)
        elif path == "/shell/session":
            self._json(shell.described(visit))
        elif path == "/shell/tree":
            self._json(tree(shell.vcenters, visit.user))
        elif path == "/shell/tasks":
            (locale,) = parse_qs(urlsplit(self.path).query).get("locale", ["en"])[:1]
            self._json(tasks(shell.vcenters, locale))
        else:
            self._reply(404, b"", "text/plain")

    def _file(self, path: str) -> None:
        name = {"/": "page.html", _LIBRARY: "library.js"}.get(path, path.removeprefix("/shell/"))
        served = {each.name: each for each in _HERE.iterdir() if each.suffix in _MEDIA}
        if name not in served:
            self._reply(404, b"", "text/plain")
            return
        self._reply(200, served[name].read_bytes(), f"{_MEDIA[served[name].suffix]}; charset=utf-8")

    def _cookie(self) -> str:
        morsel = SimpleCookie(self.headers.get("Cookie", "")).get(COOKIE)
        return morsel.value if morsel else ""

    def _json(self, document: object, headers: tuple[tuple[str, str], ...] = ()) -> None:
        self._reply(200, json.dumps(document).encode(), "application/json", headers)

    def _reply(self, status: int, content: bytes, media: str | None, headers: tuple[tuple[str, str], ...] = ()) -> None:
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        if media is not None:
            self.send_header("Content-Type", media)
            self.send_header("Cache-Control", "no-store")
        if status not in (204, 304):
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD" and status not in (204, 304):
            self.wfile.write(content)
        self.wfile.flush()
