"""A real server in processes of its own, on a free port and in private folders.

    with running_server(folder, journal={"threads": 2}) as server:
        with server.session() as client:
            client.get(server.address + "/v1/volumes")

Settings are those of isthmus.toml; tables are given as dictionaries. `distributions` are modules with extensions, laid
where the server finds them as if pip had installed them.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests
from requests.adapters import HTTPAdapter

from tests.environment.ports import free_port

_SERVE = "import sys; from isthmus.plugin_manager.server import run; sys.exit(run(sys.argv[1]))"
START_SECONDS = 60.0
STOP_SECONDS = 20.0
_JOURNAL = {"lease": 1.0, "heartbeat": 0.3, "sweep": 0.2}


@dataclass(frozen=True, slots=True)
class Distribution:
    """A module of tests that brings extensions: `points` by entry point group, then name, each with its class."""

    module: Path
    points: Mapping[str, Mapping[str, str]]

    def install(self, folder: Path) -> None:
        """Lay it into `folder`, as pip would."""
        name = self.module.stem
        shutil.copy(self.module, folder / self.module.name)
        info = folder / f"{name}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (info / "RECORD").write_text("")
        lines = [
            line
            for group, classes in self.points.items()
            for line in (f"[{group}]", *(f"{point} = {name}:{kind}" for point, kind in classes.items()), "")
        ]
        (info / "entry_points.txt").write_text("\n".join(lines))


@dataclass(slots=True)
class RunningServer:
    """A server that answers. `ca` is the file to verify it with (None over plain HTTP), `token` the administrator's."""

    address: str
    ca: Path | None
    token: str
    state: Path
    pid: int
    log: Path
    process: subprocess.Popen[bytes] = field(repr=False)

    def session(self, token: str | None = None, *, tenant: str | None = None) -> requests.Session:
        """A client with the administrator's token, or another; it heeds no environment. The caller closes it."""
        session = requests.Session()
        session.trust_env = False
        session.verify = str(self.ca) if self.ca is not None else False
        session.headers["Authorization"] = f"Bearer {token or self.token}"
        if tenant is not None:
            session.headers["X-Isthmus-Tenant"] = tenant
        for scheme in ("https://", "http://"):
            session.mount(scheme, HTTPAdapter(pool_maxsize=64))
        return session

    def stop(self, seconds: float = STOP_SECONDS) -> int:
        """SIGTERM; returns the exit code, and fails when the end takes longer than `seconds`."""
        self.process.terminate()
        return self.process.wait(seconds)

    def kill(self) -> None:
        """Whatever is left of its processes ends now."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self.process.wait(10)


def until(true: Callable[[], Any], seconds: float = 20.0, why: str = "it did not come to pass in time") -> Any:
    """What `true` returns as soon as it is something; fails when that takes longer than `seconds`."""
    deadline = time.monotonic() + seconds
    while not (found := true()):
        assert time.monotonic() < deadline, why
        time.sleep(0.01)
    return found


@contextlib.contextmanager
def running_server(
    folder: Path, *, distributions: Sequence[Distribution] = (), **settings: Any
) -> Iterator[RunningServer]:
    """Start a server on `folder/state` and wait until it is ready; afterwards everything it started is gone.

    Called again with the same folder it goes on with the same state.
    """
    folder.mkdir(parents=True, exist_ok=True)
    # Paths of sockets are short, those of pytest's folders are not.
    runtime = Path(tempfile.mkdtemp(prefix="ist", dir="/tmp"))
    port = free_port()
    plain = settings.get("tls", {}).get("mode") == "off"
    file = folder / "isthmus.toml"
    file.write_text(_toml(_document(folder, runtime, port, settings)))
    plugins = folder / "extensions"
    if distributions and not plugins.exists():
        plugins.mkdir()
        for distribution in distributions:
            distribution.install(plugins)
    log = folder / "server.log"
    address = _address(plain, {"port": port, **settings.get("listen", {})})
    process = _launch(file, log, plugins)
    state = folder / "state"
    server = RunningServer(address, None if plain else state / "tls" / "ca.pem", "", state, process.pid, log, process)
    try:
        until(lambda: _ready(server) or process.poll() is not None, START_SECONDS, "the server is not ready")
        assert process.poll() is None, log.read_text()[-4000:]
        server.token = (state / "admin.token").read_text().strip()
        yield server
    finally:
        server.kill()
        shutil.rmtree(runtime, ignore_errors=True)


def _address(plain: bool, listen: Mapping[str, Any]) -> str:
    """How clients say where it is: a browser's way, without the usual port."""
    place = f"{'http' if plain else 'https'}://{listen.get('host', '127.0.0.1')}"
    return place if listen["port"] == 443 else f"{place}:{listen['port']}"


def _document(folder: Path, runtime: Path, port: int, settings: Mapping[str, Any]) -> dict[str, Any]:
    given = {"state": str(folder / "state"), "runtime": str(runtime), "node": "n1", **settings}
    given["listen"] = {"port": port, **settings.get("listen", {})}
    given["journal"] = {**_JOURNAL, **settings.get("journal", {})}
    return given


def _launch(file: Path, log: Path, plugins: Path) -> subprocess.Popen[bytes]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ISTHMUS_")}
    environment["PYTHONPATH"] = str(plugins)
    with log.open("ab") as stream:
        return subprocess.Popen(
            [sys.executable, "-c", _SERVE, str(file)],
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=stream,
            env=environment,
            cwd=file.parent,
            start_new_session=True,
        )


def _ready(server: RunningServer) -> bool:
    if server.ca is not None and not server.ca.exists():
        return False
    with contextlib.suppress(requests.RequestException, OSError), server.session("none") as client:
        return client.get(f"{server.address}/readyz", timeout=5).status_code == 200
    return False


def _toml(document: Mapping[str, Any]) -> str:
    # JSON strings, numbers and lists are TOML too.
    plain = "".join(f"{n} = {json.dumps(v)}\n" for n, v in document.items() if not isinstance(v, Mapping))
    tables = "".join(f"[{n}]\n{_toml(v)}" for n, v in document.items() if isinstance(v, Mapping))
    return plain + tables
