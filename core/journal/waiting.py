"""Operations that wait for operations, and threads that wait for an end.

A parent is parked under a lock on its child's row, and the child's end locks that row first: whichever comes first,
the other sees it, so no wake-up is lost under READ COMMITTED.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from sqlalchemy import bindparam, or_, select, update

from ..model.identity import now
from ..model.operation import Operation, OperationState
from ..store.database import Tx
from ..store.schema import operations as table
from ..store.statement import Statement
from .ledger import _AMONG_LIVE, ENDED, PENDING, WAITING

_LOOK = 1.0
_LOCK = Statement(update(table).where(table.c.id == bindparam("wanted")).values(waits_for=table.c.waits_for))
_STATE = Statement(select(table.c.state).where(table.c.id == bindparam("wanted")))
_WAITERS = Statement(
    select(table.c.id, table.c.node).where(table.c.waits_for == bindparam("child"), table.c.state == WAITING)
)
_WAKE = Statement(
    update(table)
    .where(table.c.id == bindparam("wanted"), table.c.waits_for == bindparam("child"), table.c.state == WAITING)
    .values(
        state=PENDING,
        waits_for=None,
        run_after=0,
        note="",
        updated_at=bindparam("moment", type_=table.c.updated_at.type),
    )
)
_NOTE = (
    update(table)
    .where(table.c.waits_for == bindparam("child"), table.c.state == WAITING)
    .values(note=bindparam("text"), updated_at=bindparam("moment", type_=table.c.updated_at.type))
)
_children = table.alias("children")
_OVERDUE = (
    select(table.c.id, table.c.waits_for)
    .select_from(table.outerjoin(_children, _children.c.id == table.c.waits_for))
    .where(_AMONG_LIVE, table.c.state == WAITING, or_(_children.c.id.is_(None), _children.c.state.in_(ENDED)))
    .limit(200)
)
_LIVE_CHILD = (
    select(table.c.id)
    .where(table.c.parent == bindparam("parent_id"), table.c.state.not_in(ENDED))
    .order_by(table.c.created_at)
    .limit(1)
)


_FREE_KEYS = (
    update(table)
    .where(
        table.c.parent == bindparam("asking"),
        table.c.idempotency_key.is_not(None),
        table.c.state.in_([state for state in ENDED if state != str(OperationState.DONE)]),
    )
    .values(idempotency_scope=None, idempotency_key=None)
)


def free_keys(tx: Tx, parent: str) -> None:
    """Let a step that is tried again ask anew for what failed; what was done is found again under its key."""
    tx.execute(_FREE_KEYS, {"asking": parent})


def lock_state(tx: Tx, operation_id: str) -> OperationState | None:
    """The state of an operation, which stays as it is until this transaction ends; None when there is no such row."""
    if tx.execute(_LOCK, {"wanted": operation_id}).rowcount != 1:
        return None
    return OperationState(tx.execute(_STATE, {"wanted": operation_id}).scalar())


def wake(tx: Tx, child: str) -> list[tuple[str, str | None]]:
    """Let run what waits for `child`, which ends in this transaction; returns (id, node) of each."""
    waiters = [(row[0], row[1]) for row in tx.execute(_WAITERS, {"child": child})]
    return [waiter for waiter in waiters if wake_one(tx, waiter[0], child)]


def wake_one(tx: Tx, parent: str, child: str) -> bool:
    """Let `parent` run if it waits for `child`."""
    return bool(tx.execute(_WAKE, {"wanted": parent, "child": child, "moment": now()}).rowcount == 1)


def annotate(tx: Tx, child: str, text: str) -> None:
    """Tell those who look at the operations that wait for `child` what keeps them waiting."""
    tx.execute(_NOTE, {"child": child, "text": text, "moment": now()})


def overdue(tx: Tx) -> list[tuple[str, str]]:
    """What waits for an operation that has ended or is gone: (id, waits_for)."""
    return [(row[0], row[1]) for row in tx.execute(_OVERDUE)]


def live_child(tx: Tx, parent: str) -> str | None:
    """An operation that a step of `parent` asked for and that has not ended, or None."""
    found: Any = tx.execute(_LIVE_CHILD, {"parent_id": parent}).scalar_one_or_none()
    return None if found is None else str(found)


class Waiters:
    """The threads of this process that wait for operations to end."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: dict[str, list[_Waiter]] = {}

    def notify(self, operation: Operation) -> None:
        """Wake those who wait for this operation, and hand it to them."""
        if not self._waiting:
            return
        with self._lock:
            waiters = self._waiting.pop(operation.id, ())
        for waiter in waiters:
            waiter.ended = operation
            waiter.event.set()

    def wait(
        self,
        operation_id: str,
        timeout: float,
        look: Callable[[], Operation],
        runs_here: Callable[[], bool],
    ) -> Operation:
        """The operation as soon as it has ended or needs attention, or as it is after `timeout` seconds.

        `look` reads it from the database: at first, unless it runs in this process, whose `notify` cannot be missed
        from then on; afterwards now and then, since another process may end it.
        """
        until = time.monotonic() + timeout
        waiter = _Waiter()
        with self._lock:
            self._waiting.setdefault(operation_id, []).append(waiter)
        try:
            pause = 0.05
            if runs_here() and waiter.event.wait(min(timeout, _LOOK)) and waiter.ended is not None:
                return waiter.ended
            while True:
                operation = look()
                left = until - time.monotonic()
                if not operation.state.live or left <= 0:
                    return operation
                if waiter.event.wait(min(left, pause)) and waiter.ended is not None:
                    return waiter.ended
                pause = min(pause * 1.5, _LOOK)
        finally:
            with self._lock:
                others = self._waiting.get(operation_id)
                if others is not None and waiter in others:
                    others.remove(waiter)
                    if not others:
                        del self._waiting[operation_id]


class _Waiter:
    __slots__ = ("ended", "event")

    def __init__(self) -> None:
        self.event = threading.Event()
        self.ended: Operation | None = None
