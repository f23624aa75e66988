"""What it costs to make a volume: accepted over TLS, journaled at full durability on SQLite, made, read back.

`python -m tests.benchmarks.create_volume [--disk]` prints one JSON line. CPU is that of the server's processes; the
load generator is another process. Times run from sending the request to having read that the volume is available.
"""

from __future__ import annotations

import multiprocessing
import threading
import time

from tests.benchmarks.measure import ProcessTree, asked, percentile, report
from tests.benchmarks.serving import PLACES, Caller, Serving, furnish_memory, serving

WARM_UP = 100


def make_volumes(server: Serving, name: str, count: int) -> list[float]:
    """Make `count` volumes one after the other; returns the seconds that each took."""
    caller, taken = Caller(server), []
    for number in range(count):
        began = time.perf_counter()
        wanted = {"name": f"{name}-{number}", "size": 1 << 30, "profile": "memory"}
        caller.done(caller.call("POST", "/v1/volumes", wanted))
        taken.append(time.perf_counter() - began)
    caller.close()
    return taken


def several(server: Serving, clients: int, count: int) -> tuple[list[float], float]:
    """`clients` make `count` volumes each at the same time; all their times, and how long it took altogether."""
    taken: list[float] = []
    threads = [
        threading.Thread(target=lambda number=number: taken.extend(make_volumes(server, f"c{number}", count)))
        for number in range(clients)
    ]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return taken, time.perf_counter() - began


def main() -> None:
    parser = asked(__doc__, disk=True)
    parser.add_argument("--count", type=int, default=400)
    given = parser.parse_args()
    place = "disk" if given.disk else "tmpfs"
    with serving(PLACES[place]) as server:
        caller = Caller(server)
        furnish_memory(caller)
        caller.close()
        # A process of its own makes the load, so that what it costs is not counted.
        with multiprocessing.get_context("spawn").Pool(1) as load:
            load.apply(make_volumes, (server, "warm", WARM_UP))
            with ProcessTree(server.pid) as tree:
                alone = load.apply(make_volumes, (server, "one", given.count))
            cpu_alone = tree.cpu
            with ProcessTree(server.pid) as tree:
                together, wall = load.apply(several, (server, 8, given.count // 8 * 2))
    count = len(alone) + len(together)
    report(
        "create_volume",
        place=place,
        cpu_ms_per_create=(cpu_alone + tree.cpu) / count * 1000,
        cpu_ms_one_client=cpu_alone / len(alone) * 1000,
        p50_ms=percentile(alone, 50) * 1000,
        p95_ms=percentile(alone, 95) * 1000,
        per_second=len(together) / wall,
        p50_ms_8=percentile(together, 50) * 1000,
        p95_ms_8=percentile(together, 95) * 1000,
        creates=count,
    )


if __name__ == "__main__":
    main()
