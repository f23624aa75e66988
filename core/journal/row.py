"""An operation as a runner has it: the noun and what only runners see."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from dataclasses import dataclass

from ..context import Context
from ..model.operation import Operation


@dataclass(slots=True)
class Row:
    """`data` is the notebook's text, `step_age` for how many seconds the step has been tried."""

    operation: Operation
    context: Context
    data: str
    owner: str | None
    epoch: int
    waits_for: str | None = None
    crashes: int = 0
    step_age: float = 0.0


class JustAccepted:
    """What this process accepted and claimed a moment ago, so that its runner need not read it from the database.

    It only saves a read: whatever is forgotten is read, and what changed meanwhile refuses the runner's first write.
    """

    def __init__(self, most: int = 256) -> None:
        self._most = most
        self._rows: OrderedDict[str, tuple[float, Row]] = OrderedDict()
        self._lock = threading.Lock()

    def put(self, row: Row, seconds: float) -> None:
        """Remember a row for so many seconds, which must end before its lease does."""
        with self._lock:
            self._rows[row.operation.id] = (time.monotonic() + seconds, row)
            while len(self._rows) > self._most:
                self._rows.popitem(last=False)

    def take(self, operation_id: str, owner: str) -> Row | None:
        """The row, once, if `owner` accepted it not too long ago."""
        with self._lock:
            until, row = self._rows.pop(operation_id, (0.0, None))
        return row if row is not None and row.owner == owner and time.monotonic() < until else None
