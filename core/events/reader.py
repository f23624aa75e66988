"""Reads numbered events."""

from __future__ import annotations

from sqlalchemy import bindparam, func, select

from ..errors import Gone, Invalid
from ..model.event import Event
from ..model.page import LARGEST_PAGE
from ..store import schema
from ..store.database import Tx
from ..store.nouns import events
from .numberer import COUNTER

_events = schema.events
_after = select(*events.columns).where(_events.c.number > bindparam("n")).order_by(_events.c.number)
_after = _after.limit(bindparam("rows"))
_after_of_tenant = _after.where(_events.c.tenant == bindparam("t"))
# One statement, so that both numbers are of one moment.
_bounds = select(
    select(func.min(_events.c.number)).scalar_subquery(),
    select(schema.counters.c.value).where(schema.counters.c.name == COUNTER).scalar_subquery(),
)


def after(tx: Tx, number: int, limit: int = 100, *, tenant: str | None = None) -> list[Event]:
    """The events with higher numbers than `number` in order, at most `limit` (1 to 1000); 0 asks for all there were.

    With `tenant` only that tenant's. Raises `Gone`, with the number of the oldest event kept in
    `details["oldest"]`, when events after `number` have been discarded, or when no event has had that number yet
    (the database was restored from an older copy): either way the caller must read everything anew.
    """
    if not 1 <= limit <= LARGEST_PAGE:
        raise Invalid(f"The limit must be a whole number from 1 to {LARGEST_PAGE}.")
    parameters: dict[str, object] = {"n": number, "rows": limit}
    statement = _after
    if tenant is not None:
        statement, parameters["t"] = _after_of_tenant, tenant
    found = [events.noun_of(row) for row in tx.execute(statement, parameters)]
    # Checked after the reading: what is still here now was not missing then.
    check_start(tx, number)
    return found


def oldest_number(tx: Tx) -> int:
    """The number of the oldest event kept; with none kept, the number that the next event will get."""
    return _read_bounds(tx)[0]


def check_start(tx: Tx, number: int) -> None:
    """Raise `Gone` unless every event after `number` is still here."""
    oldest, last = _read_bounds(tx)
    next_step = f"Read the resources anew, then follow the events after number {oldest - 1}."
    if number < oldest - 1:
        raise Gone(f"Events before number {oldest} are no longer kept.", next_step=next_step, oldest=oldest)
    if number > last:
        raise Gone(f"No event has had the number {number} yet.", next_step=next_step, oldest=oldest)


def _read_bounds(tx: Tx) -> tuple[int, int]:
    oldest, last = tx.execute(_bounds).one()
    return (last or 0) + 1 if oldest is None else oldest, last or 0
