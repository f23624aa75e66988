"""Gives events consecutive numbers in the order in which they became visible.

A database sequence would lose events: a number drawn by a transaction that commits late is passed over by readers,
and a rollback leaves a hole. Here a number is given only to what is committed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import bindparam, select, update

from ..duties.duty import Duty, DutyRun
from ..store import schema
from ..store.database import Database, Tx
from ..store.dialects import insert_if_absent

BATCH = 500
COUNTER = "events"
DUTY = "events.number"

_events = schema.events
_counters = schema.counters
_counter = _counters.c.name == COUNTER
_waiting = _events.c.number.is_(None)
_any_waiting = select(_events.c.id).where(_waiting).limit(1)
_some_waiting = select(_events.c.id).where(_waiting).order_by(_events.c.created_at, _events.c.id)
_some_waiting = _some_waiting.limit(bindparam("rows"))
_lock = update(_counters).where(_counter).values(value=_counters.c.value)
_last = select(_counters.c.value).where(_counter)
_advance = update(_counters).where(_counter).values(value=bindparam("v"))
_number = update(_events).where(_events.c.id == bindparam("wanted"), _waiting).values(number=bindparam("n"))


def last_number(tx: Tx) -> int:
    """The highest number ever given, whether or not its event is still kept; 0 before the first."""
    return int(tx.execute(_last).scalar() or 0)


def number_waiting(database: Database, *, batch: int = BATCH, go_on: Callable[[], bool] = lambda: True) -> int:
    """Number every committed event that has none yet; returns how many got one. Asks before each batch to `go_on`.

    One at a time: it holds the counter's row to the end of its transaction, so that even two numberers that run at
    once give each number once and leave no hole.
    """
    with database.read() as tx:
        if tx.execute(_any_waiting).first() is None:
            return 0
    given = 0
    while go_on():
        count = database.change(lambda tx: _number_batch(tx, batch))
        given += count
        if count < batch:
            break
    return given


def _number_batch(tx: Tx, batch: int) -> int:
    if tx.execute(_lock).rowcount == 0:
        insert_if_absent(tx, _counters, {"name": COUNTER, "value": 0})
        tx.execute(_lock)
    last = last_number(tx)
    waiting = tx.execute(_some_waiting, {"rows": batch}).scalars().all()
    if waiting:
        rows: list[dict[str, Any]] = [{"wanted": id, "n": last + i} for i, id in enumerate(waiting, start=1)]
        tx.execute(_number, rows)
        tx.execute(_advance, {"v": last + len(waiting)})
    return len(waiting)


def duty(database: Database, numbered: Callable[[], None] = lambda: None) -> Duty:
    """The duty `events.number`: at most five times a second when woken after commits, else every second.

    `numbered` is called when events got numbers (to wake this process's stream); it must be cheap.
    """

    def run(this: DutyRun) -> None:
        if number_waiting(database, go_on=this.go_on):
            numbered()

    return Duty(DUTY, interval=1.0, pause=0.2, run=run)
