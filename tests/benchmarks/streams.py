"""What 50 open event streams cost everybody else: `/readyz` and creates without them and with them.

`python -m tests.benchmarks.streams` prints one JSON line.
"""

from __future__ import annotations

import http.client
import ssl
import threading
import time

from tests.benchmarks.create_volume import make_volumes
from tests.benchmarks.measure import ProcessTree, asked, percentile, report
from tests.benchmarks.serving import Caller, Serving, furnish_memory, serving

STREAMS = 50
ROUNDS = 300
CREATES = 100


class Listener:
    """One open stream, read in a thread; `events` counts what came."""

    def __init__(self, server: Serving) -> None:
        context = ssl.create_default_context(cafile=str(server.ca))
        self._connection = http.client.HTTPSConnection("127.0.0.1", server.port, context=context, timeout=60)
        headers = {"Authorization": f"Bearer {server.token}", "X-Isthmus-Tenant": "default"}
        self._connection.request("GET", "/v1/events/stream", headers=headers)
        self._answer = self._connection.getresponse()
        if self._answer.status != 200:
            raise RuntimeError(f"stream refused: {self._answer.status}")
        self.events = 0
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        while line := self._answer.readline():
            self.events += line.startswith(b"id:")


def look(server: Serving, name: str) -> tuple[float, float, float]:
    """Milliseconds of `/readyz` (median) and of a create (median), and CPU milliseconds a create."""
    caller, taken = Caller(server), []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        caller.call("GET", "/readyz")
        taken.append(time.perf_counter() - began)
    caller.close()
    with ProcessTree(server.pid) as tree:
        created = make_volumes(server, name, CREATES)
    return percentile(taken, 50) * 1000, percentile(created, 50) * 1000, tree.cpu / CREATES * 1000


def main() -> None:
    asked(__doc__).parse_args()
    with serving() as server:
        caller = Caller(server)
        furnish_memory(caller)
        caller.close()
        make_volumes(server, "warm", CREATES)
        ready, created, cpu = look(server, "without")
        listeners = [Listener(server) for _ in range(STREAMS)]
        ready_with, created_with, cpu_with = look(server, "with")
        time.sleep(2)
        missed = sum(CREATES - listener.events for listener in listeners)
    report(
        "streams",
        streams=STREAMS,
        readyz_p50_ms=ready,
        readyz_p50_ms_with=ready_with,
        create_p50_ms=created,
        create_p50_ms_with=created_with,
        cpu_ms_per_create=cpu,
        cpu_ms_per_create_with=cpu_with,
        events_missed=missed,
    )


if __name__ == "__main__":
    main()
