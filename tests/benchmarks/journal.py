"""What the journal costs: an operation of three trivial steps, from its durable acceptance to its end.

    python -m tests.benchmarks.journal [--operations N] [--url URL]

Prints one line of JSON for each database: SQLite in memory, SQLite on disk, and PostgreSQL in memory where it is
installed. `cpu_ms` is that of this process, which accepts, runs and waits; of PostgreSQL's own it has none.
"""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from isthmus.core.context import Context
from isthmus.core.journal import operations
from isthmus.core.journal.registry import Flows
from isthmus.core.journal.runner import Journal
from isthmus.core.journal.step import Flow, Run, Step
from isthmus.core.model.identity import new_id
from isthmus.core.model.operation import OperationState
from isthmus.core.store.database import Database
from isthmus.core.store.schema import metadata
from tests.benchmarks.measure import Section, asked, percentile, report
from tests.environment import postgresql

WARM_UP = 50
CLIENTS = 8
CALLER = Context("acme", "ann", frozenset({"member"}))


def nothing(run: Run) -> None:
    """A trivial step."""


FLOW = Flow("benchmark", tuple(Step(name, nothing) for name in ("reserve", "create", "export")))


class Bench:
    """A journal on one database, and clients that each wait for the end of what they ask."""

    def __init__(self, url: str) -> None:
        self.database = Database(url)
        metadata.create_all(self.database.engine)
        self.journal = Journal(self.database, Flows([FLOW]), node="benchmark")
        self.journal.start()

    def one(self) -> float:
        """Accept one operation, run it, wait for it; the seconds that took."""
        began = time.perf_counter()
        identifier = new_id()
        self.database.change(
            lambda tx: operations.accept(
                tx,
                id=identifier,
                flow=FLOW,
                resource_type="volume",
                resource=None,
                context=CALLER,
                claim=self.journal.owner,
            ),
            durable=True,
        )
        self.journal.submit(identifier)
        ended = self.journal.wait(identifier, 30.0)
        if ended.state is not OperationState.DONE:
            raise RuntimeError(f"operation {identifier} is {ended.state}")
        return time.perf_counter() - began

    def many(self, count: int) -> list[float]:
        return [self.one() for _ in range(count)]

    def measure(self, where: str, count: int) -> None:
        """Print the figures of one client and of eight."""
        self.many(WARM_UP)
        with Section() as alone:
            waits = self.many(count)
        threads = [threading.Thread(target=self.many, args=(count // CLIENTS,)) for _ in range(CLIENTS)]
        with Section() as together:
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        report(
            "journal",
            store=where,
            cpu_ms=alone.cpu / count * 1000,
            p50_ms=percentile(waits, 50) * 1000,
            p95_ms=percentile(waits, 95) * 1000,
            cpu_ms_8=together.cpu / (count // CLIENTS * CLIENTS) * 1000,
            per_second_8=count // CLIENTS * CLIENTS / together.wall,
        )

    def close(self) -> None:
        self.journal.stop()
        self.database.close()


@contextmanager
def stores() -> Iterator[list[tuple[str, str]]]:
    """Where to measure: (name, URL)."""
    with (
        tempfile.TemporaryDirectory(dir=postgresql.base_folder()) as memory,
        tempfile.TemporaryDirectory(dir=Path.home()) as disk,
    ):
        found = [
            ("sqlite, memory", f"sqlite:///{memory}/isthmus.db"),
            ("sqlite, disk", f"sqlite:///{disk}/isthmus.db"),
        ]
        try:
            server = postgresql.start()
        except postgresql.NotAvailable:
            yield found
            return
        try:
            yield [*found, ("postgresql, memory", server.url(server.create_database()))]
        finally:
            server.stop()


def main() -> None:
    parser = asked(__doc__)
    parser.add_argument("--operations", type=int, default=1000)
    parser.add_argument("--url", help="measure this database only")
    arguments = parser.parse_args()
    with stores() as found:
        for where, url in [("given", arguments.url)] if arguments.url else found:
            bench = Bench(url)
            try:
                bench.measure(where, arguments.operations)
            finally:
                bench.close()


if __name__ == "__main__":
    main()
