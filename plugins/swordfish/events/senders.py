"""Threads that look after subscriptions, dealt out so that nobody waits for another's destination."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Sequence

from .subscription import Subscription

MOST = 32
"""Subscriptions looked after at once."""
EACH = 2
"""Of these, for one owner."""
_MOST_FAILING = MOST // 2
_EACH_FAILING = 1

Work = Callable[[Subscription], None]


class Senders:
    """Each owner has a few at once. Subscriptions whose destination failed last time (`failing`) get fewer, so that
    one that answers is reached past those that do not: the owner's own and everybody's."""

    def __init__(self, failing: Callable[[str], bool]) -> None:
        self._failing = failing
        self._lock = threading.Lock()
        self._waiting: list[Subscription] = []
        self._busy: dict[str, tuple[str, bool]] = {}

    def offer(self, waiting: Sequence[Subscription], work: Work) -> None:
        """These wait now, in place of those that waited before; `work`, which must not raise, is done on each in turn.

        Returns at once. Nobody is worked on twice at a time. The threads do not keep the process alive.
        """
        with self._lock:
            self._waiting = list(waiting)
        while (one := self._next()) is not None:
            threading.Thread(target=self._serve, args=(one, work), name=f"deliver-{one.id[:8]}", daemon=True).start()

    def _serve(self, first: Subscription, work: Work) -> None:
        one: Subscription | None = first
        while one is not None:
            try:
                work(one)
            finally:
                with self._lock:
                    del self._busy[one.id]
            one = self._next()

    def _next(self) -> Subscription | None:
        """One that waits and whose turn it is, marked as busy."""
        with self._lock:
            owners = Counter(self._busy.values())
            failing = sum(count for (_, fails), count in owners.items() if fails)
            if len(self._busy) >= MOST:
                return None
            for place, one in enumerate(self._waiting):
                fails, owner = self._failing(one.id), one.owner
                if (
                    one.id not in self._busy
                    and owners[owner, True] + owners[owner, False] < EACH
                    and not (fails and (owners[owner, True] >= _EACH_FAILING or failing >= _MOST_FAILING))
                ):
                    del self._waiting[place]
                    self._busy[one.id] = (owner, fails)
                    return one
            return None
