"""A real server in processes of its own."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import requests

from tests.environment.ports import free_port

SERVE = "import sys; from isthmus.plugin_manager.server import run; sys.exit(run(sys.argv[1]))"
PLUGINS = {"probe": "Probe", "outdated": "Outdated", "zgreedy": "Greedy", "crashing": "Crashing"}


def until(true: Callable[[], Any], seconds: float = 20.0) -> Any:
    """What `true` returns as soon as it is something; fails when that takes longer than `seconds`."""
    deadline = time.monotonic() + seconds
    while not (found := true()):
        assert time.monotonic() < deadline, "it did not come to pass in time"
        time.sleep(0.02)
    return found


def children(pid: int) -> list[int]:
    try:
        return [int(text) for text in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def alive(pid: int) -> bool:
    """Whether the process runs; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def install_probe(folder: Path) -> None:
    """Lay a distribution with the probe into `folder`, as pip would."""
    folder.mkdir()
    shutil.copy(Path(__file__).parent / "probe.py", folder / "isthmus_probe.py")
    info = folder / "isthmus_probe-3.2.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: isthmus-probe\nVersion: 3.2\n")
    points = [f"{name} = isthmus_probe:{kind}" for name, kind in PLUGINS.items()]
    points.append("absent = isthmus_probe_that_is_not_there:Plugin")
    (info / "entry_points.txt").write_text("[isthmus.plugins]\n" + "\n".join(points) + "\n")
    (info / "RECORD").write_text("")


class Server:
    """A server on a state folder; `start` may be called again after it ended."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.folder = folder
        self.state = folder / "state"
        self.port = free_port()
        self.plugins = folder / "plugins"
        if not self.plugins.exists():
            install_probe(self.plugins)
        document = {
            "state": str(self.state),
            "runtime": str(folder / "run"),
            "node": "n1",
            **{name: value for name, value in settings.items() if not isinstance(value, dict)},
            "listen": {"port": self.port, **settings.get("listen", {})},
            "journal": {"lease": 1.0, "heartbeat": 0.3, "sweep": 0.2, **settings.get("journal", {})},
            **{n: v for n, v in settings.items() if isinstance(v, dict) and n not in ("listen", "journal")},
        }
        self.file = folder / f"isthmus-{self.port}.toml"
        self.file.write_text(_toml(document))
        self.scheme = "http" if settings.get("tls", {}).get("mode") == "off" else "https"
        self.log = folder / f"server-{self.port}.log"
        self.process: subprocess.Popen[bytes] | None = None

    def launch(self) -> subprocess.Popen[bytes]:
        """Start the process and wait for nothing."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("ISTHMUS_")}
        environment["PYTHONPATH"] = str(self.plugins)
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-c", SERVE, str(self.file)],
                stdout=log,
                stderr=log,
                env=environment,
                cwd=self.folder,
                start_new_session=True,
            )
        return self.process

    def start(self) -> Server:
        """Start and wait until it answers."""
        process = self.launch()
        until(lambda: self.answers() or process.poll() is not None, 60)
        assert process.poll() is None, self.log.read_text()
        return self

    def answers(self) -> bool:
        with contextlib.suppress(requests.RequestException, OSError):
            return self.get("/").status_code == 200
        return False

    def request(self, method: str, path: str, **options: Any) -> requests.Response:
        options.setdefault("verify", str(self.state / "tls" / "ca.pem") if self.scheme == "https" else None)
        options.setdefault("timeout", 10)
        return requests.request(method, f"{self.scheme}://127.0.0.1:{self.port}{path}", **options)

    def get(self, path: str, **options: Any) -> requests.Response:
        return self.request("GET", path, **options)

    def json(self, path: str, **options: Any) -> Any:
        answer = self.get(path, **options)
        assert answer.status_code == 200, answer.text
        return answer.json()

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def worker(self) -> int:
        return int(self.json("/probe/echo")["pid"])

    def stop(self, seconds: float = 20.0) -> int:
        """SIGTERM; the exit code."""
        assert self.process is not None
        self.process.terminate()
        return self.process.wait(seconds)

    def kill(self) -> None:
        """Whatever is left of it goes."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(10)


@contextlib.contextmanager
def running(folder: Path, **settings: Any) -> Iterator[Server]:
    server = Server(folder, **settings)
    try:
        yield server.start()
    finally:
        server.kill()


def _toml(document: dict[str, Any]) -> str:
    plain = "".join(f"{n} = {json.dumps(v)}\n" for n, v in document.items() if not isinstance(v, dict))
    tables = "".join(f"[{n}]\n{_toml(v)}" for n, v in document.items() if isinstance(v, dict))
    return plain + tables
