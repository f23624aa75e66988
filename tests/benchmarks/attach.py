"""What it takes to make a volume on files and attach it over iSCSI, beside what the bare commands take.

`python -m tests.benchmarks.attach [--disk]` prints one JSON line. It needs tgt and runs best as root.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from tests.benchmarks.measure import ProcessTree, asked, percentile, report
from tests.benchmarks.serving import PLACES, Caller, serving

ROUNDS = 40
_SIZE = 1 << 30


def floor(rounds: int, place: Path) -> list[float]:
    """The bare commands: a sparse file, a target, a LUN and an ACL, by `truncate` and `tgtadm`."""
    folder = Path(tempfile.mkdtemp(prefix="isthmus-floor-", dir=place))
    environment = {**os.environ, "TGT_IPC_SOCKET": str(folder / "tgtd")}
    daemon = subprocess.Popen(
        ["tgtd", "-f", "-C", "77", "--iscsi", "portal=127.0.0.1:0"], env=environment, stderr=subprocess.DEVNULL
    )
    taken = []
    try:
        for _ in range(200):
            if (
                subprocess.run(
                    ["tgtadm", "-C", "77", "--op", "show", "--mode", "sys"], env=environment, capture_output=True
                ).returncode
                == 0
            ):
                break
            time.sleep(0.02)
        for number in range(1, rounds + 1):
            file, admin = folder / f"v{number}", ["tgtadm", "-C", "77", "--lld", "iscsi"]
            commands = (
                ["truncate", "-s", str(_SIZE), str(file)],
                [*admin, "--op", "new", "--mode", "target", "--tid", str(number), "-T", f"iqn.2026-01.test:{number}"],
                [*admin, "--op", "new", "--mode", "logicalunit", "--tid", str(number), "--lun", "1", "-b", str(file)],
                [*admin, "--op", "bind", "--mode", "target", "--tid", str(number), "-I", "ALL"],
            )
            began = time.perf_counter()
            for command in commands:
                subprocess.run(command, env=environment, check=True, capture_output=True)
            taken.append(time.perf_counter() - began)
    finally:
        daemon.kill()
        daemon.wait()
        shutil.rmtree(folder, ignore_errors=True)
    return taken


def attach(format: str, place: Path) -> tuple[list[float], float]:
    """Times of create + attach, and CPU seconds a round of the server with its daemons."""
    with serving(place) as server:
        caller, taken = Caller(server), []
        settings = {"directory": str(server.folder / "files"), "format": format}
        caller.call("POST", "/v1/backends", {"name": "files", "driver": "file", "settings": settings})
        initiators = [{"protocol": "iscsi", "name": "iqn.2004-10.com.example:bench"}]
        host = caller.call("POST", "/v1/hosts", {"name": "bench", "initiators": initiators})["id"]
        with ProcessTree(server.pid) as tree:
            for number in range(ROUNDS):
                began = time.perf_counter()
                made = caller.done(caller.call("POST", "/v1/volumes", {"name": f"v{number}", "size": _SIZE}))
                wanted = {"volume": made["volume"], "host": host}
                attached = caller.done(caller.call("POST", "/v1/attachments", wanted))
                taken.append(time.perf_counter() - began)
                operation = caller.call("DELETE", f"/v1/attachments/{attached['attachment']}")
                caller.done(operation)
        caller.close()
    return taken, tree.cpu / ROUNDS


def main() -> None:
    place = "disk" if asked(__doc__, disk=True).parse_args().disk else "tmpfs"
    bare = floor(ROUNDS, PLACES[place])
    raw, raw_cpu = attach("raw", PLACES[place])
    qcow2, qcow2_cpu = attach("qcow2", PLACES[place])
    report(
        "attach",
        place=place,
        p50_ms=percentile(raw, 50) * 1000,
        p95_ms=percentile(raw, 95) * 1000,
        floor_p50_ms=percentile(bare, 50) * 1000,
        cpu_ms=raw_cpu * 1000,
        qcow2_p50_ms=percentile(qcow2, 50) * 1000,
        qcow2_cpu_ms=qcow2_cpu * 1000,
        rounds=ROUNDS,
    )


if __name__ == "__main__":
    main()
