"""A few threads that are made when there is work and end when there is none for a while."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

IDLE_SECONDS = 30.0

Work = Callable[[], None]


class Workers:
    """Runs each piece of work at once, in an idle thread or a new one. The threads do not keep the process alive."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._changed = threading.Condition()
        self._pending: deque[Work] = deque()
        self._idle = 0
        self._made = 0
        self._stopped = False

    def submit(self, work: Work) -> None:
        """Run `work`, which must not raise."""
        with self._changed:
            self._pending.append(work)
            if self._idle >= len(self._pending):
                self._changed.notify()
                return
            self._made += 1
            name = f"{self._name}-{self._made}"
        threading.Thread(target=self._serve, name=name, daemon=True).start()

    def stop(self) -> None:
        """Let the idle threads end, and the others when their work is done."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def _serve(self) -> None:
        while (work := self._next()) is not None:
            work()

    def _next(self) -> Work | None:
        with self._changed:
            self._idle += 1
            try:
                while not self._pending:
                    if self._stopped or not self._changed.wait(IDLE_SECONDS):
                        return self._pending.popleft() if self._pending else None
                return self._pending.popleft()
            finally:
                self._idle -= 1
