"""What is asked for anew in the background: one thing after the other, so that those who wait for an answer in the
foreground have the processor."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable

_log = logging.getLogger(__name__)


class Renewals:
    """A lane has a thread while there is something to do in it; work that hangs keeps up its own lane only, and what
    it raises ends nothing else. Safe for several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lanes: dict[str, deque[Callable[[], None]]] = {}

    def add(self, lane: str, work: Callable[[], None]) -> None:
        """Do it soon."""
        with self._lock:
            waiting = self._lanes.get(lane)
            if waiting is not None:
                waiting.append(work)
                return
            self._lanes[lane] = deque((work,))
        threading.Thread(target=self._work, args=(lane,), name="vcenter-glance", daemon=True).start()

    def _work(self, lane: str) -> None:
        while True:
            with self._lock:
                waiting = self._lanes[lane]
                if not waiting:
                    del self._lanes[lane]
                    return
                work = waiting.popleft()
            try:
                work()
            except Exception:
                _log.exception("asking anew failed")
