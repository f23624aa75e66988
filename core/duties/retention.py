"""What is over is kept for a while: operations after their end, and messages."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BindParameter, Table, and_, bindparam, delete, exists, or_, select
from sqlalchemy.sql import ColumnElement, Select

from ..model.identity import now
from ..model.operation import OperationState
from ..store import schema
from ..store.database import Database
from .duty import Duty, DutyRun

BATCH = 200
PAUSE = 0.05
"""Seconds between two transactions, so that those who wait to write come in between."""

_ENDED = tuple(state.value for state in OperationState if state.ended)
_operations, _messages = schema.operations, schema.messages
_others = _operations.alias("others")


@dataclass(frozen=True, slots=True)
class Kept:
    """How long what is over is kept: `operations` after their end, `messages` after they were written.

    An operation that has an idempotency key is kept for `keys` after its end at least: so long, the same request under
    the key is answered with it.
    """

    operations: timedelta = timedelta(days=30)
    messages: timedelta = timedelta(days=30)
    keys: timedelta = timedelta(days=7)


def _unfinished(condition: ColumnElement[bool]) -> ColumnElement[bool]:
    return exists().where(condition, _others.c.state.not_in(_ENDED))


def _before(table: Table, column: str, name: str) -> ColumnElement[bool]:
    return table.c[column] < bindparam(name, type_=table.c[column].type)


def _oldest(table: Table, *conditions: ColumnElement[bool]) -> Select[Any]:
    order = (table.c.created_at, table.c.id)
    return select(table.c.id).where(*conditions).order_by(*order).limit(bindparam("rows"))


# `created_at` is never after `updated_at`, the time of the end; it is what the index is over. What an unfinished
# operation asked for stays, since a step that runs again looks for it.
_OLD_OPERATIONS = _oldest(
    _operations,
    _before(_operations, "created_at", "ended_before"),
    _before(_operations, "updated_at", "ended_before"),
    _operations.c.state.in_(_ENDED),
    or_(_operations.c.idempotency_key.is_(None), _before(_operations, "updated_at", "keys_before")),
    or_(_operations.c.parent.is_(None), ~_unfinished(_others.c.id == _operations.c.parent)),
    ~exists().where(_others.c.waits_for == _operations.c.id),
)
_OLD_MESSAGES = _oldest(
    _messages,
    _before(_messages, "created_at", "written_before"),
    or_(_messages.c.operation.is_(None), ~_unfinished(_others.c.id == _messages.c.operation)),
)
_SOME: BindParameter[Any] = bindparam("some", expanding=True)
# An operation that has ended never goes on, so that nothing else need be asked again.
_DISCARD_OPERATIONS = delete(_operations).where(and_(_operations.c.id.in_(_SOME), _operations.c.state.in_(_ENDED)))
_DISCARD_MESSAGES = delete(_messages).where(_messages.c.id.in_(_SOME))


def discard_operations(
    database: Database, kept: Kept = Kept(), *, batch: int = BATCH, go_on: Callable[[], bool] = lambda: True
) -> int:
    """Remove operations that ended long ago, the oldest first, in small transactions; returns how many went.

    Asks before each transaction to `go_on`. An operation that is live or needs attention stays, however old, and so do
    those that its steps asked for.
    """
    moment = now()
    times = {"ended_before": moment - kept.operations, "keys_before": moment - kept.keys}
    return _discard(database, _OLD_OPERATIONS, _DISCARD_OPERATIONS, times, batch, go_on)


def discard_messages(
    database: Database, kept: Kept = Kept(), *, batch: int = BATCH, go_on: Callable[[], bool] = lambda: True
) -> int:
    """Remove old messages as `discard_operations` does; what is said of an unfinished operation stays."""
    times = {"written_before": now() - kept.messages}
    return _discard(database, _OLD_MESSAGES, _DISCARD_MESSAGES, times, batch, go_on)


def _discard(
    database: Database,
    find: Select[Any],
    remove: Any,
    times: dict[str, datetime],
    batch: int,
    go_on: Callable[[], bool],
) -> int:
    """Look without holding the writer, then remove what was found."""
    discarded = 0
    while go_on():
        with database.read() as tx:
            found = list(tx.execute(find, {**times, "rows": batch}).scalars())
        if found:
            discarded += database.change(lambda tx, some=found: int(tx.execute(remove, {"some": some}).rowcount))  # type: ignore[misc]
        if len(found) < batch:
            break
    return discarded


def duty(database: Database, kept: Kept = Kept()) -> Duty:
    """The duty `history.retention`, every ten minutes: operations and messages."""

    def run(this: DutyRun) -> None:
        def go_on() -> bool:
            return this.go_on() and this.wait(PAUSE)

        discard_messages(database, kept, go_on=go_on)
        discard_operations(database, kept, go_on=go_on)

    return Duty("history.retention", interval=600.0, run=run)
