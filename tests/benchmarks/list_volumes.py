"""What a page of 1000 volumes takes, over TLS, out of 10,000 that the tenant has.

`python -m tests.benchmarks.list_volumes [--disk]` prints one JSON line.
"""

from __future__ import annotations

import sqlite3
import time
import uuid

from tests.benchmarks.measure import ProcessTree, asked, percentile, report
from tests.benchmarks.serving import PLACES, Caller, Serving, furnish_memory, serving

VOLUMES = 10_000
ROUNDS = 60


def multiply(server: Serving) -> None:
    """Copy the one volume's row until there are enough; its makers are measured elsewhere."""
    database = sqlite3.connect(server.folder / "state" / "isthmus.db", timeout=30)
    with database:
        names = [row[1] for row in database.execute("PRAGMA table_info(volumes)")]
        row = dict(zip(names, database.execute("SELECT * FROM volumes").fetchone(), strict=True))
        marks = ", ".join("?" for _ in names)
        rows = (
            [
                {**row, "id": str(uuid.uuid4()), "name": f"v{number}", "created_at": row["created_at"] + number}[name]
                for name in names
            ]
            for number in range(VOLUMES)
        )
        database.executemany(f"INSERT INTO volumes VALUES ({marks})", rows)
    database.close()


def main() -> None:
    place = "disk" if asked(__doc__, disk=True).parse_args().disk else "tmpfs"
    with serving(PLACES[place]) as server:
        caller = Caller(server)
        furnish_memory(caller)
        caller.done(caller.call("POST", "/v1/volumes", {"name": "first", "size": 1 << 30, "profile": "memory"}))
        multiply(server)
        taken, cursor, count = [], "", 0
        caller.call("GET", "/v1/volumes?limit=1000")
        with ProcessTree(server.pid) as tree:
            for _ in range(ROUNDS):
                began = time.perf_counter()
                page = caller.call("GET", f"/v1/volumes?limit=1000{cursor}")
                taken.append(time.perf_counter() - began)
                count += len(page["items"])
                cursor = f"&cursor={page['next']}" if page["next"] else ""
        caller.close()
    report(
        "list_volumes",
        place=place,
        p50_ms_1000=percentile(taken, 50) * 1000,
        p95_ms_1000=percentile(taken, 95) * 1000,
        cpu_ms_1000=tree.cpu / ROUNDS * 1000,
        volumes=VOLUMES,
        listed=count,
    )


if __name__ == "__main__":
    main()
