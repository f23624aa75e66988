"""A remote plug-in that does nothing by itself: with it is tested what the client shows of a manifest, and what pages
may ask of the client."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from tests.simulators.vcenter import VCenter, issue
from tests.simulators.vcenter.objects.extension_manager import MANIFEST_SERVER, REMOTE_CLIENT
from tests.simulators.vcenter.registry import vim

KEY = "test.sample.plugin"
_POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'"
_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Sample</title>
<script src="/api/ui/htmlClientSdk.js"></script></head>
<body><h1>Sample</h1><button>First</button></body></html>
"""
_TEXTS = {
    "plugin": {"en-US": "Sample", "de-DE": "Muster"},
    "one": {"en-US": "Do one", "de-DE": "Eines tun"},
    "two": {"en-US": "Do two", "de-DE": "Zweites tun"},
    "three": {"en-US": "Do three", "de-DE": "Drittes tun"},
    "page": {"en-US": "Sample page", "de-DE": "Musterseite"},
    "hidden": {"en-US": "Hidden page", "de-DE": "Verborgene Seite"},
}


def _action(name: str) -> dict[str, Any]:
    return {
        "id": name,
        "labelKey": name,
        "trigger": {"type": "modal", "uri": "page.html", "titleKey": name, "size": {"width": 500, "height": 300}},
    }


_VIEWS = [
    {"navigationId": "shown", "labelKey": "page", "uri": "page.html"},
    {"navigationId": "unshown", "labelKey": "hidden", "uri": "page.html"},
]
_MANIFEST = {
    "manifestVersion": "1.1.0",
    "requirements": {"plugin.api.version": "1.1.0"},
    "configuration": {"nameKey": "plugin", "icon": {"name": "main"}},
    "global": {"view": {"navigationId": "start", "uri": "page.html", "navigationVisible": True}},
    "objects": {
        "Datastore": {
            "summary": {"view": {"uri": "page.html"}},
            "monitor": {"views": _VIEWS, "dynamicUri": "dynamic"},
            "menu": {
                "actions": [_action("one"), {"type": "separator"}, _action("two"), _action("three")],
                "dynamicUri": "dynamic",
            },
        }
    },
    "definitions": {
        "iconSpriteSheet": {"uri": "icons.svg", "definitions": {"main": {"x": 0, "y": 0}}},
        "i18n": {"locales": ["en-US", "de-DE"], "definitions": _TEXTS},
    },
}
_ITEMS = [
    {"id": "two", "visible": False, "reason": "Not now."},
    {"id": "three", "visible": False, "relevant": False},
    {"id": "unshown", "visible": False},
]
_FILES = {
    "/sample/plugin.json": ("application/json", json.dumps(_MANIFEST)),
    "/sample/page.html": ("text/html", _PAGE),
    "/sample/icons.svg": ("image/svg+xml", '<svg xmlns="http://www.w3.org/2000/svg" width="16" height="16"/>'),
}


class Sample:
    """Its server, on loopback over TLS; a context manager."""

    def __init__(self) -> None:
        self.certificate = issue()
        self.asked: list[tuple[dict[str, str], Any]] = []

    def __enter__(self) -> Self:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._server.socket = self.certificate.server_context().wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def register(self, vc: VCenter) -> None:
        """As an extension of the vCenter."""
        url = f"https://127.0.0.1:{self._server.server_address[1]}/sample/plugin.json"
        about = {"description": vim.Description(label="Sample", summary=""), "company": "test", "url": url}
        server = vim.Extension.ServerInfo(
            type=MANIFEST_SERVER, adminEmail=["root@localhost"], serverThumbprint=self.certificate.thumbprint, **about
        )
        client = vim.Extension.ClientInfo(type=REMOTE_CLIENT, version="1.0", **about)
        extension = vim.Extension(
            key=KEY, version="1.0", description=about["description"], server=[server], client=[client]
        )
        vc.extensions.set("extensionList", [extension])

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        asked = self.asked

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                media, content = _FILES.get(self.path, ("text/plain", ""))
                self._reply(200 if content else 404, media, content)

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                asked.append(({name.lower(): value for name, value in self.headers.items()}, body))
                self._reply(200, "application/json", json.dumps({"version": "1.1.0", "items": _ITEMS}))

            def log_message(self, format: str, *args: Any) -> None:
                """Nothing."""

            def _reply(self, status: int, media: str, content: str) -> None:
                self.send_response(status)
                self.send_header("Content-Type", media)
                self.send_header("Content-Security-Policy", _POLICY)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content.encode())

        return Handler
