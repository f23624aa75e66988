"""What users are told when an operation fails or comes to need attention."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import bindparam, select

from ..context import Context
from ..events.log import append
from ..model.identity import new_id, now
from ..model.message import Message
from ..model.operation import Operation, OperationState
from ..store import nouns
from ..store.columns import DatabaseClock
from ..store.database import Database, Tx
from ..store.schema import operations as table

_LEVELS = {
    OperationState.FAILED: "error",
    OperationState.NEEDS_ATTENTION: "error",
    OperationState.CANCELLED: "info",
    OperationState.ABANDONED: "warning",
}
_HOLDS = select(table.c.id).where(table.c.owner == bindparam("holder"), table.c.lease_until > DatabaseClock()).limit(1)


class FailureMessage:
    """Called in the transaction in which an operation ends: it writes the message and the event."""

    def __init__(self, announce: Callable[[], None]) -> None:
        self._announce = announce

    def __call__(self, tx: Tx, operation: Operation) -> None:
        level = _LEVELS.get(operation.state)
        if level is None:
            return
        error = operation.error or {}
        message = Message(
            id=new_id(),
            tenant=operation.tenant,
            level=level,
            code=str(error.get("code", operation.state.value)),
            text=_text(operation, error.get("message")),
            request_id=operation.request_id,
            created_at=now(),
            next_step=_next_step(operation, error.get("next_step")),
            resource_type=operation.resource_type,
            resource=operation.resource,
            operation=operation.id,
            details={"kind": operation.kind, "step": operation.step},
        )
        nouns.messages.insert(tx, message)
        append(
            tx,
            f"operation.{operation.state.value}",
            "operation",
            operation.id,
            tenant=operation.tenant,
            context=Context(operation.tenant, operation.user, frozenset(), operation.request_id),
            body={"kind": operation.kind, "resource": operation.resource, "error": dict(error)},
            operation=operation.id,
        )
        self._announce()


def lease_holds(database: Database, owner: str) -> bool:
    """Whether any operation is leased to this owner now."""
    with database.read() as tx:
        return tx.execute(_HOLDS, {"holder": owner}).first() is not None


def _text(operation: Operation, said: object) -> str:
    if said is None:
        return f"The operation {operation.kind} is {operation.state.value}."
    return f"{operation.kind} was given up: {said}" if operation.state is OperationState.ABANDONED else str(said)


def _next_step(operation: Operation, said: str | None) -> str | None:
    if operation.state is OperationState.ABANDONED:
        return None  # what was said to a person who could still retry it
    if said:
        return said
    if operation.state is OperationState.NEEDS_ATTENTION:
        return f"Mend the cause and retry operation {operation.id}, or abandon it."
    return None
