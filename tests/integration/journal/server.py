"""A process that runs one journal: `python -m tests.integration.journal.server URL FOLDER NODE LEASE`.

Its flow `work` creates a thing, works until a file tells it to go on (if the operation asks for that), and finishes.
Things are files in FOLDER, so that they outlive processes. SIGTERM stops it cleanly.
"""

from __future__ import annotations

import signal
import sys
import threading
import time
from pathlib import Path

from isthmus.core.journal.registry import Flows
from isthmus.core.journal.runner import Journal
from isthmus.core.journal.step import Flow, Outcome, Run, Step, Transaction
from isthmus.core.store.database import Database
from tests.unit.journal.chaos import effects
from tests.unit.journal.world import QUICK

STEPS = ("create", "work", "finish")


def work_flow(folder: Path) -> Flow:
    """The flow `work`; what a step did stands in `folder`, what it wrote in the table of effects."""

    def step(name: str) -> Step:
        def do(run: Run) -> Outcome:
            here = folder / f"{run.operation.id}.{name}"
            (folder / f"{here.name}.begun").touch()
            here.touch()
            while name == "work" and run.data.get("waits") and not (folder / "go").exists():
                time.sleep(0.01)
            time.sleep(float(run.data.get("pause", 0.0)))

            def commit(tx: Transaction) -> None:
                tx.execute(effects.insert().values(operation=run.operation.id, what=name))

            return commit

        return Step(name, do, lambda run: (folder / f"{run.operation.id}.{name}").unlink(missing_ok=True))

    return Flow("work", tuple(step(name) for name in STEPS))


def main(url: str, folder: str, node: str, lease: str) -> None:
    seconds = float(lease)
    journal = Journal(
        Database(url, pool_size=8),
        Flows([work_flow(Path(folder))]),
        node=node,
        lease=seconds,
        heartbeat=min(0.2, seconds / 3),
        sweep=0.1,
        threads=4,
        retries=QUICK,
    )
    stopped = threading.Event()
    signal.signal(signal.SIGTERM, lambda number, frame: stopped.set())
    journal.start()
    print("started", flush=True)
    stopped.wait()
    journal.stop(drain=0.2)


if __name__ == "__main__":
    main(*sys.argv[1:])
