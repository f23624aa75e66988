"""How long a server takes from nothing to ready, and how much memory its processes hold then.

    python -m tests.benchmarks.startup [--disk]

prints `ready_s` (the first start: tables, keys, certificate and all) and `again_s` (a later start), both from the
start of the process until `/readyz` says yes over TLS and with byte code there, as pip leaves it; `cpu_s` (processor
time of the first start); and `rss_mb` (resident memory of all processes when ready, pages that they share counted for
each).
"""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from isthmus.plugin_manager.configuration import load
from isthmus.plugin_manager.server import data_path_stop
from tests.benchmarks.measure import asked, cpu_seconds, report, resident_bytes
from tests.benchmarks.serving import PLACES

SERVE = "import sys; from isthmus.plugin_manager.server import run; sys.exit(run(sys.argv[1]))"
PATIENCE = 60.0


def main() -> None:
    """Start a server twice in a private folder, and measure; before that once elsewhere, for the byte code."""
    place = "disk" if asked(__doc__, disk=True).parse_args().disk else "tmpfs"
    with tempfile.TemporaryDirectory(prefix="isthmus-startup-", dir=PLACES[place]) as name:
        folder = Path(name)
        # Daemons of the data path run as another account.
        folder.chmod(0o711)
        port = _configure(folder, "warm")
        try:
            _start(folder, port)
            port = _configure(folder, "state")
            first, cpu, memory = _start(folder, port)
            again, _, _ = _start(folder, port)
        finally:
            for state in ("warm", "state"):
                data_path_stop(load(folder / "isthmus.toml", {"ISTHMUS_STATE": str(folder / state)}))
    report("startup", place=place, ready_s=first, again_s=again, cpu_s=cpu, rss_mb=memory / (1 << 20))


def _configure(folder: Path, state: str) -> int:
    """Write a configuration for a server on a free port, which is returned."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    (folder / "isthmus.toml").write_text(
        f'state = "{state}"\nruntime = "run"\n[listen]\nport = {port}\n[log]\nlevel = "error"\n'
    )
    return port


def _start(folder: Path, port: int) -> tuple[float, float, int]:
    """One start and stop: seconds until ready, seconds of processor time, bytes resident."""
    left_out = ("ISTHMUS_", "PYTHONDONTWRITEBYTECODE")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(left_out)}
    environment["PYTHONPYCACHEPREFIX"] = str(folder / "bytecode")
    began = time.monotonic()
    process = subprocess.Popen([sys.executable, "-c", SERVE, str(folder / "isthmus.toml")], env=environment)
    try:
        while not _ready(port):
            if process.poll() is not None or time.monotonic() - began > PATIENCE:
                raise SystemExit("the server did not become ready")
            time.sleep(0.01)
        took = time.monotonic() - began
        return took, cpu_seconds(process.pid), resident_bytes(process.pid)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(10)


def _ready(port: int) -> bool:
    # Whom one speaks to is not what is measured here.
    context = ssl._create_unverified_context()
    connection = http.client.HTTPSConnection("127.0.0.1", port, context=context, timeout=5)
    with contextlib.closing(connection), contextlib.suppress(OSError, http.client.HTTPException):
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    return False


if __name__ == "__main__":
    main()
