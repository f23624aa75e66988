"""An extension as a remote plug-in registers it, and a server for its manifest."""

from __future__ import annotations

import io
import json
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

from tests.simulators.vcenter import Certificate
from tests.simulators.vcenter.registry import vim

KEY = "org.example.storage"
TEXTS = {
    "en": {"task": {f"{KEY}.provision.label": "Provision datastore", f"{KEY}.step": "Formatting LUN {lun}"}},
    "de": {"task": {f"{KEY}.provision.label": "Datastore bereitstellen"}},
}
TEXTS["en"]["event"] = {f"{KEY}.full.fullFormat": "{objectName} is {percent} percent full"}
TEXTS["en"]["auth"] = {f"{KEY}.Provision.label": "Provision"}


def extension(
    url: str = "https://127.0.0.1:1/plugin.json", *, pin: str | None = None, pem: str | None = None, **more: Any
) -> Any:
    """What is registered."""
    description = vim.Description(label="Storage", summary="Storage plug-in")
    server = vim.Extension.ServerInfo(
        url=url, description=description, company="Example", type="MANIFEST_SERVER", adminEmail=["a@example.org"]
    )
    server.serverThumbprint = pin
    server.serverCertificate = pem
    fields = {
        "key": KEY,
        "version": "1.2.3",
        "description": description,
        "lastHeartbeatTime": datetime.fromtimestamp(0, UTC),
        "server": [server],
        "client": [
            vim.Extension.ClientInfo(
                version="1.2.3", description=description, company="Example", type="vsphere-client-remote", url=url
            )
        ],
        "taskList": [vim.Extension.TaskTypeInfo(taskID=f"{KEY}.provision")],
        "eventList": [vim.Extension.EventTypeInfo(eventID=f"{KEY}.full")],
        "privilegeList": [vim.Extension.PrivilegeInfo(privID=f"{KEY}.Provision", privGroupName=KEY)],
        "resourceList": [
            vim.Extension.ResourceInfo(
                locale=locale,
                module=module,
                data=[vim.KeyValue(key=key, value=value) for key, value in texts.items()],
            )
            for locale, modules in TEXTS.items()
            for module, texts in modules.items()
        ],
    }
    return vim.Extension(**{**fields, **more})


def manifest(**more: Any) -> dict[str, Any]:
    """The least a vCenter reads."""
    return {
        "manifestVersion": "1.0.0",
        "requirements": {"plugin.api.version": "1.0.0"},
        "configuration": {"nameKey": "plugin.name", "icon": {"name": "main"}},
        "objects": {},
        "definitions": {"i18n": {"locales": ["en"], "definitions": {"plugin.name": {"en": "Storage"}}}},
        **more,
    }


def zipped(content: dict[str, Any]) -> bytes:
    """A manifest as `plugin.zip`."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("plugin.json", json.dumps(content))
    return buffer.getvalue()


@contextmanager
def served(files: dict[str, bytes], certificate: Certificate) -> Iterator[str]:
    """Serves files over TLS; the URL of their folder, with a slash at its end."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = files.get(self.path.strip("/"))
            self.send_response(404 if body is None else 200)
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, format: str, *args: Any) -> None:
            """Silent."""

    class Server(HTTPServer):
        def handle_error(self, request: Any, client_address: Any) -> None:
            """A client that did not like the certificate."""

    server = Server(("127.0.0.1", 0), Handler)
    server.socket = certificate.server_context().wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"https://127.0.0.1:{server.server_address[1]}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
