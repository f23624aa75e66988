"""What it costs to read one volume: over TLS with a token on a kept-alive connection, and through the local adapter.

`python -m tests.benchmarks.get_volume` prints one JSON line. `cpu_ms` is the CPU of the server's processes a request;
`authenticate_ms`, `get_ms` and `adapter_ms` (both together) are the CPU of the part that every plugin needs, in this
process.
"""

from __future__ import annotations

import multiprocessing
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from isthmus.core.model.request import Credential, VolumeRequest
from isthmus.core.store.database import Database
from isthmus.core.store.upgrade import upgrade
from tests.benchmarks.measure import ProcessTree, asked, percentile, report
from tests.benchmarks.serving import TMPFS, Caller, Serving, furnish_memory, serving
from tests.environment.engine import Installation, done

REQUESTS = 3000
CALLS = 5000


def read(server: Serving, path: str, count: int) -> list[float]:
    """Read `path` so many times one after the other; returns the seconds that each took."""
    caller, taken = Caller(server), []
    for _ in range(count):
        began = time.perf_counter()
        caller.call("GET", path)
        taken.append(time.perf_counter() - began)
    caller.close()
    return taken


def over_the_network() -> tuple[float, float]:
    """CPU milliseconds a request, and the median of the milliseconds that one takes."""
    with serving() as server:
        caller = Caller(server)
        furnish_memory(caller)
        wanted = {"name": "one", "size": 1 << 30, "profile": "memory"}
        made = caller.done(caller.call("POST", "/v1/volumes", wanted))
        caller.close()
        path = f"/v1/volumes/{made['volume']}"
        with multiprocessing.get_context("spawn").Pool(1) as load:
            load.apply(read, (server, path, 200))
            with ProcessTree(server.pid) as tree:
                taken = load.apply(read, (server, path, REQUESTS))
    return tree.cpu / REQUESTS * 1000, percentile(taken, 50) * 1000


def through_the_adapter() -> dict[str, float]:
    """CPU milliseconds of who asks, of the volume, and of both."""
    with tempfile.TemporaryDirectory(prefix="isthmus-bench-", dir=TMPFS) as name:
        folder = Path(name)
        database = Database(f"sqlite:///{folder}/isthmus.db")
        upgrade(database)
        installation = Installation.begin(database, folder)
        engine = installation.engine()
        engine.start()
        try:
            context = installation.furnish(engine)
            operation = done(
                engine, engine.volumes.create(context, VolumeRequest("one", size=1 << 30, profile="memory"))
            )
            adapter, volume = installation.adapter(engine), str(operation.result["volume"])
            credential = Credential(token=installation.prepared.token)

            def authenticate() -> None:
                adapter.authenticate(credential, tenant="default", request_id=context.request_id)

            def get() -> None:
                adapter.storage(context).volumes.get(volume)

            def both() -> None:
                asking = adapter.authenticate(credential, tenant="default", request_id=context.request_id)
                adapter.storage(asking).volumes.get(volume)

            return {"authenticate_ms": spent(authenticate), "get_ms": spent(get), "adapter_ms": spent(both)}
        finally:
            engine.stop(drain=1.0)
            database.close()


def spent(call: Callable[[], None]) -> float:
    """CPU milliseconds of this thread a call."""
    for _ in range(200):
        call()
    began = time.thread_time_ns()
    for _ in range(CALLS):
        call()
    return (time.thread_time_ns() - began) / CALLS / 1e6


def main() -> None:
    asked(__doc__).parse_args()
    parts = through_the_adapter()
    cpu, median = over_the_network()
    report("get_volume", cpu_ms=cpu, p50_ms=median, **parts, requests=REQUESTS)


if __name__ == "__main__":
    main()
