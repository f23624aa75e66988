"""Reads numbered events."""

from __future__ import annotations

from sqlalchemy import bindparam, func, select

from ..errors import Gone, Invalid
from ..model.event import Event
from ..model.page import LARGEST_PAGE
from ..store import schema
from ..store.database import Tx
from ..store.nouns import events
from .numberer import last_number

_events = schema.events
_after = select(*events.columns).where(_events.c.number > bindparam("n")).order_by(_events.c.number)
_after = _after.limit(bindparam("rows"))
_after_of_tenant = _after.where(_events.c.tenant == bindparam("t"))
_oldest = select(func.min(_events.c.number))


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
    check_start(tx, number, known=bool(found))
    return found


def oldest_number(tx: Tx) -> int:
    """The number of the oldest event kept; with none kept, the number that the next event will get."""
    number = tx.execute(_oldest).scalar()
    return last_number(tx) + 1 if number is None else int(number)


def check_start(tx: Tx, number: int, *, known: bool = False) -> None:
    """Raise `Gone` unless one can follow the events from `number` on; `known` says that there are later ones."""
    oldest = oldest_number(tx)
    next_step = f"Read the resources anew, then follow the events after number {oldest - 1}."
    if number < oldest - 1:
        raise Gone(f"Events before number {oldest} are no longer kept.", next_step=next_step, oldest=oldest)
    if not known and number > last_number(tx):
        raise Gone(f"No event has had the number {number} yet.", next_step=next_step, oldest=oldest)
