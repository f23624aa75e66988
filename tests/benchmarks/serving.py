"""A server for a benchmark: a process of its own, over TLS, in a private folder; and a thin client for it."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import shutil
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.environment.ports import free_port

TMPFS = Path("/dev/shm")
DISK = Path("/var/tmp")
PLACES = {"tmpfs": TMPFS, "disk": DISK}
"""Where a server's state may lie, by the name under which it is reported."""

_PATIENCE = 30.0


@dataclass(frozen=True, slots=True)
class Serving:
    """A running server: its process, port, CA file and administrator's token. `ready` is how long its start took."""

    pid: int
    port: int
    ca: Path
    token: str
    folder: Path
    ready: float


class Caller:
    """One kept-alive connection, as a load generator has it: little more than the socket."""

    def __init__(self, server: Serving) -> None:
        context = ssl.create_default_context(cafile=str(server.ca))
        self._connection = http.client.HTTPSConnection("127.0.0.1", server.port, context=context, timeout=60)
        self._headers = {
            "Authorization": f"Bearer {server.token}",
            "X-Isthmus-Tenant": "default",
            "Content-Type": "application/json",
        }

    def call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """The decoded answer; raises RuntimeError for anything but success."""
        data = None if body is None else json.dumps(body)
        self._connection.request(method, path, data, self._headers)
        answer = self._connection.getresponse()
        content = answer.read()
        if answer.status >= 300:
            raise RuntimeError(f"{method} {path}: {answer.status} {content[:500]!r}")
        return json.loads(content) if content else None

    def done(self, operation: Mapping[str, Any]) -> Mapping[str, Any]:
        """Wait for an accepted operation, which must end well; returns its result."""
        while operation["state"] in ("pending", "running", "waiting"):
            operation = self.call("GET", f"/v1/operations/{operation['id']}?wait=30")
        if operation["state"] != "done":
            raise RuntimeError(f"{operation['kind']}: {operation['error']}")
        return dict(operation["result"])

    def close(self) -> None:
        self._connection.close()


@contextlib.contextmanager
def serving(place: Path = TMPFS, **settings: str) -> Iterator[Serving]:
    """Start a server below `place`, wait until it is ready, and end it with its daemons afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="isthmus-bench-", dir=place))
    folder.chmod(0o711)
    port = free_port()
    environment = {
        **os.environ,
        "ISTHMUS_STATE": str(folder / "state"),
        "ISTHMUS_RUNTIME": str(folder / "run"),
        "ISTHMUS_LISTEN_PORT": str(port),
        "ISTHMUS_LOG_LEVEL": "warning",
        **{f"ISTHMUS_{name.upper()}": value for name, value in settings.items()},
    }
    began = time.monotonic()
    process = subprocess.Popen([sys.executable, "-m", "isthmus", "serve"], env=environment, cwd=folder)
    try:
        ready = _wait(process, folder / "state", port) - began
        token = (folder / "state" / "admin.token").read_text().strip()
        yield Serving(process.pid, port, folder / "state" / "tls" / "ca.pem", token, folder, ready)
    finally:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(10)
        process.kill()
        process.wait()
        stop = [sys.executable, "-m", "isthmus", "data-path", "stop", "--yes"]
        subprocess.run(stop, env=environment, cwd=folder, capture_output=True, timeout=60, check=False)
        shutil.rmtree(folder, ignore_errors=True)


def _wait(process: subprocess.Popen[bytes], state: Path, port: int) -> float:
    """The moment at which the server said that it is ready."""
    until = time.monotonic() + _PATIENCE
    while time.monotonic() < until:
        if process.poll() is not None:
            raise RuntimeError(f"the server ended with {process.returncode}")
        with contextlib.suppress(OSError, http.client.HTTPException, ssl.SSLError):
            context = ssl.create_default_context(cafile=str(state / "tls" / "ca.pem"))
            connection = http.client.HTTPSConnection("127.0.0.1", port, context=context, timeout=5)
            connection.request("GET", "/readyz")
            if connection.getresponse().status == 200:
                return time.monotonic()
        time.sleep(0.01)
    raise RuntimeError("the server did not become ready in time")


def furnish_memory(caller: Caller, *, pools: int = 4) -> None:
    """A memory back end with room for everything, and a profile `memory` for it."""
    described = [{"name": f"pool{number}", "total": 1 << 50} for number in range(pools)]
    caller.call("POST", "/v1/backends", {"name": "array", "driver": "memory", "settings": {"pools": described}})
    properties = {"provisioningProperties": {"ioConnectivity": {"accessProtocol": "memory"}}}
    caller.call("POST", "/v1/profiles", {"name": "memory", "properties": properties})
