"""Deleting what an operation left in error: the operation that needs attention is given up with it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import bindparam, update

from ..errors import Occupied
from ..journal.operations import repository
from ..model.identity import now
from ..model.operation import OperationState
from ..store.database import Tx
from ..store.schema import operations as table
from .failure_message import FailureMessage

_GIVE_UP = (
    update(table)
    .where(table.c.id == bindparam("wanted"), table.c.state == OperationState.NEEDS_ATTENTION.value)
    .values(
        state=OperationState.ABANDONED.value,
        epoch=table.c.epoch + 1,
        owner=None,
        lease_until=0,
        updated_at=bindparam("moment", type_=table.c.updated_at.type),
    )
)


# The deletion announces its own events; nobody need be woken for this one.
_told = FailureMessage(lambda: None)


def supersede(tx: Tx, operation: str | None) -> None:
    """Abandon the operation if it needs attention, and say so; a parent that waits for it is woken by the sweeper.

    Raises `Occupied` when it was let go on meanwhile: two operations must never work on one thing.
    """
    if operation is None:
        return
    parameters: dict[str, Any] = {"wanted": operation, "moment": now()}
    given_up = tx.execute(_GIVE_UP, parameters).rowcount
    known = repository.find(tx, operation)
    if known is None:
        return
    if given_up:
        _told(tx, known)
    elif known.state.live:
        raise Occupied(
            "The operation that left it in error is being retried.",
            next_step=f"Wait for operation {operation}.",
            operation=operation,
        )
