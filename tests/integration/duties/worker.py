"""A process that would do the duty `work`: python -m tests.integration.duties.worker URL FILE

While it does it, it appends its process id to FILE, a line at a time.
"""

from __future__ import annotations

import os
import signal
import sys
import threading

from isthmus.core.duties.duty import Duty, DutyRun
from isthmus.core.duties.keeper import Keeper
from isthmus.core.store.database import Database


def main() -> None:
    url, path = sys.argv[1:]
    file = os.open(path, os.O_WRONLY | os.O_APPEND)
    line = f"{os.getpid()}\n".encode()

    def work(run: DutyRun) -> None:
        for _ in range(50):
            if not run.held():
                return
            os.write(file, line)
            run.wait(0.005)

    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    keeper = Keeper(Database(url), f"process-{os.getpid()}", [Duty("work", 0.005, work)], lease=5.0)
    keeper.start()
    ended.wait()
    keeper.stop()


if __name__ == "__main__":
    main()
