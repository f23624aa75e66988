"""The default dispatcher: threads of this process and a queue in its memory.

A process that dies loses its queue; the sweeper of the next one finds the operations.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from queue import SimpleQueue

MOST_HANGING = 64
_log = logging.getLogger(__name__)


class LocalDispatcher:
    """Runs operations in threads of this process."""

    runs_here = True

    def __init__(self) -> None:
        self._queue: SimpleQueue[str | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._working: set[int] = set()
        self._hanging: set[int] = set()
        self._started = 0
        self._stopped = False
        self._run: Callable[[str], None] | None = None

    def start(self, run: Callable[[str], None], threads: int) -> None:
        """Start `threads` threads."""
        with self._lock:
            if self._run is not None:
                raise RuntimeError("the dispatcher is started already")
            self._run = run
            for _ in range(threads):
                self._add_thread()

    def dispatch(self, operation_id: str, node: str | None = None) -> None:
        """Put the operation into the queue; one for another node is left to that node's sweeper by `run`."""
        if not self._stopped:
            self._queue.put(operation_id)

    def backlog(self) -> int:
        """How many operations wait for a thread."""
        return self._queue.qsize()

    def replace(self, thread: int) -> None:
        """Write the thread off: it ends when it comes back, and another works instead. Idempotent.

        When very many hang, more threads would not help: the last ones are not replaced.
        """
        with self._lock:
            if thread in self._working and not self._stopped and len(self._hanging) < MOST_HANGING:
                self._working.discard(thread)
                self._hanging.add(thread)
                self._add_thread()

    def stop(self) -> None:
        """Threads end after what they do now."""
        with self._lock:
            if self._stopped:
                return
            self._stopped = True
            while not self._queue.empty():
                self._queue.get()
            for _ in range(len(self._working)):
                self._queue.put(None)

    def _add_thread(self) -> None:
        self._started += 1
        thread = threading.Thread(target=self._work, name=f"isthmus-runner-{self._started}", daemon=True)
        thread.start()
        if thread.ident is not None:
            self._working.add(thread.ident)

    def _work(self) -> None:
        me = threading.get_ident()
        with self._lock:
            run = self._run
        if run is None:
            return
        while True:
            operation_id = self._queue.get()
            if operation_id is None:
                return
            if self._stopped:
                continue
            try:
                run(operation_id)
            except BaseException:
                # Not even an exit asked for inside a step may take a thread from the pool.
                _log.critical("the runner of operation %s died", operation_id, exc_info=True)
            if me not in self._working:
                with self._lock:
                    self._hanging.discard(me)
                return
