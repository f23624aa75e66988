"""Wrong passwords for names that nobody has: refused as those of users are, so that no answer tells who exists."""

from __future__ import annotations

import threading
from collections import OrderedDict
from datetime import datetime

from .lockout import NONE, Attempts, LockOut

_MOST = 4096


class Strangers:
    """Kept in memory for the latest names, at most so many; each process counts for itself. Safe for threads."""

    def __init__(self, rule: LockOut) -> None:
        self._rule = rule
        self._lock = threading.Lock()
        self._known: OrderedDict[str, Attempts] = OrderedDict()

    def attempts(self, name: str) -> Attempts:
        """How often the name was tried."""
        with self._lock:
            return self._known.get(name, NONE)

    def failed(self, name: str, moment: datetime) -> None:
        """Count another attempt at `moment` (UTC)."""
        with self._lock:
            self._known[name] = self._rule.failed(self._known.pop(name, NONE), moment)
            if len(self._known) > _MOST:
                self._known.popitem(last=False)
