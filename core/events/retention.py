"""Events are kept 30 days, and never more than a million of them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from sqlalchemy import bindparam, func, select

from ..duties.duty import Duty, DutyRun
from ..model.identity import now
from ..store import schema
from ..store.columns import to_micros
from ..store.database import Database, Tx

KEPT_FOR = timedelta(days=30)
KEPT_AT_MOST = 1_000_000
BATCH = 1000

_events = schema.events
_oldest = (
    select(_events.c.number, _events.c.created_at)
    .where(_events.c.number.is_not(None))
    .order_by(_events.c.number)
    .limit(bindparam("rows"))
)
_highest = select(func.max(_events.c.number))
_discard = _events.delete().where(_events.c.number <= bindparam("last"))


def discard_old(
    database: Database,
    *,
    kept_for: timedelta = KEPT_FOR,
    kept_at_most: int = KEPT_AT_MOST,
    batch: int = BATCH,
    go_on: Callable[[], bool] = lambda: True,
) -> int:
    """Remove numbered events from the oldest on, in small transactions; returns how many went.

    Asks before each transaction to `go_on`.
    Only a beginning of the numbered events goes, so that what is left has no hole. The counter stays: numbers are
    never given twice.
    """
    discarded = 0
    while go_on():
        count = database.change(lambda tx: _discard_batch(tx, kept_for, kept_at_most, batch))
        discarded += count
        if count < batch:
            break
    return discarded


def _discard_batch(tx: Tx, kept_for: timedelta, kept_at_most: int, batch: int) -> int:
    highest = tx.execute(_highest).scalar()
    if highest is None:
        return 0
    too_old = to_micros(now() - kept_for)
    last = None
    for number, created_at in tx.execute(_oldest, {"rows": batch}):
        if to_micros(created_at) >= too_old and number > highest - kept_at_most:
            break
        last = number
    return 0 if last is None else int(tx.execute(_discard, {"last": last}).rowcount)


def duty(database: Database, *, kept_for: timedelta = KEPT_FOR, kept_at_most: int = KEPT_AT_MOST) -> Duty:
    """The duty `events.retention`, every ten minutes."""

    def run(this: DutyRun) -> None:
        discard_old(database, kept_for=kept_for, kept_at_most=kept_at_most, go_on=this.go_on)

    return Duty("events.retention", interval=600.0, run=run)
