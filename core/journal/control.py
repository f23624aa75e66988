"""What a person may do to an operation: cancel, retry, abandon. Each is a compare-and-swap on its row."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy import Text, bindparam, case, update

from ..errors import Conflict, NotFound, NotOffered
from ..model.identity import now
from ..model.operation import Operation, OperationState
from ..store.database import Tx
from ..store.schema import operations as table
from . import ledger, operations, waiting
from .attention import view
from .operations import encode_error
from .station import Station
from .step import Flow
from .tenure import Tenure

_SEEN = (
    table.c.id == bindparam("wanted"),
    table.c.state == bindparam("seen_state"),
    table.c.step == bindparam("seen_step"),
    table.c.undoing == bindparam("seen_undoing"),
)
_TIME = {"updated_at": bindparam("moment", type_=table.c.updated_at.type)}
_CANCEL = update(table).where(*_SEEN).values(cancel_requested=True, **_TIME)
_CANCEL_PARKED = _CANCEL.values(state=ledger.PENDING, waits_for=None, run_after=0)
_RETRY = (
    update(table)
    .where(*_SEEN)
    .values(
        state=ledger.PENDING,
        attempts=0,
        crashes=0,
        step_started=0,
        run_after=0,
        error=bindparam("because", type_=Text),
        **_TIME,
    )
)
_ABANDON = (
    update(table)
    .where(*_SEEN)
    .values(
        state=str(OperationState.ABANDONED),
        epoch=table.c.epoch + 1,
        owner=None,
        lease_until=0,
        waits_for=None,
        error=case(
            (table.c.error.is_(None), bindparam("said", type_=Text)),
            else_=table.c.error,
        ),
        **_TIME,
    )
)
_TRIES = 50


def _swap(tx: Tx, statement: Any, operation: Operation, **more: Any) -> bool:
    parameters = {
        "wanted": operation.id,
        "seen_state": str(operation.state),
        "seen_step": operation.step,
        "seen_undoing": operation.undoing,
        "moment": now(),
    }
    return bool(tx.execute(statement, {**parameters, **more}).rowcount == 1)


def cancel(station: Station, operation_id: str) -> Operation:
    """Ask that the operation be taken back. Idempotent; when this returns, it will be (or is being) taken back.

    Raises `Conflict` when it has ended, needs attention, or cannot be taken back any more.
    """
    for _ in range(_TRIES):
        seen = _read(station, operation_id)
        if seen.state.live and (seen.undoing or seen.cancel_requested):
            return seen
        _refuse_cancel(station, seen)
        parked = seen.state in (OperationState.PENDING, OperationState.WAITING)
        statement = _CANCEL_PARKED if parked else _CANCEL
        if station.change(lambda tx, s=seen, u=statement: _swap(tx, u, s), durable=True):  # type: ignore[misc]
            tenure = station.held.get(operation_id)
            if tenure is not None:
                tenure.cancel = True
                tenure.signal()
            if parked:
                station.dispatch(operation_id, seen.node)
            return replace(seen, cancel_requested=True, state=OperationState.PENDING if parked else seen.state)
    raise _changing(operation_id)


def _refuse_cancel(station: Station, seen: Operation) -> None:
    if seen.state is OperationState.NEEDS_ATTENTION:
        raise Conflict(
            f"Operation {seen.id} needs attention and cannot be cancelled.",
            next_step="Retry it or abandon it.",
            operation=seen.id,
        )
    if not seen.state.live:
        raise Conflict(f"Operation {seen.id} has ended: it is {seen.state}.", operation=seen.id, state=str(seen.state))
    if seen.step is not None and _flow(station, seen).past_pivot(seen.step):
        raise Conflict(
            f"Operation {seen.id} is past the point of no return and will be finished.",
            operation=seen.id,
            step=seen.step,
        )


def retry(station: Station, operation_id: str) -> Operation:
    """Let an operation that needs attention go on at its step, with all its tries anew. Raises `Conflict`."""
    seen = _needing_attention(station, operation_id, "retried")
    because = (seen.error or {}).get("details", {}).get("because") if seen.undoing else None
    flow = station.flows.find(seen.kind, seen.flow_version)
    pending = replace(seen, state=OperationState.PENDING, attempts=0, error=because)

    def work(tx: Tx) -> bool:
        row = ledger.read(tx, operation_id)
        if row is None or not _swap(tx, _RETRY, seen, because=encode_error(because)):
            return False
        if flow is not None and flow.retried is not None:
            flow.retried(view(Tenure(row, flow, station.owner, row.epoch), pending), tx)
        waiting.annotate(tx, operation_id, "")
        waiting.free_keys(tx, operation_id)
        return True

    if not station.change(work, durable=True):
        raise _changing(operation_id)
    station.dispatch(operation_id, seen.node)
    return pending


def abandon(station: Station, operation_id: str) -> Operation:
    """End an operation that needs attention as it stands; what it left behind stays. Raises `Conflict`.

    An operation whose flow is loaded nowhere (its plugin is gone) never runs; such a one may be abandoned too, as
    long as nobody runs it.
    """
    seen = _read(station, operation_id)
    flow = station.flows.find(seen.kind, seen.flow_version)
    if not (flow is None and seen.state in (OperationState.PENDING, OperationState.WAITING)):
        seen = _needing_attention(station, operation_id, "abandoned")
    ended = replace(seen, state=OperationState.ABANDONED)

    def work(tx: Tx) -> list[tuple[str, str | None]] | None:
        row = ledger.read(tx, operation_id)
        said = encode_error({"code": "needs_attention", "message": "Its flow is not loaded; it was abandoned."})
        if row is None or not _swap(tx, _ABANDON, seen, said=said):
            return None
        if flow is not None and flow.abandoned is not None:
            flow.abandoned(view(Tenure(row, flow, station.owner, row.epoch), ended), tx)
        if station.ended is not None:
            station.ended(tx, ended)
        return waiting.wake(tx, operation_id)

    woken = station.change(work, durable=True)
    if woken is None:
        raise _changing(operation_id)
    station.announce(ended)
    for waiter, node in woken:
        station.dispatch(waiter, node)
    return ended


def _read(station: Station, operation_id: str) -> Operation:
    with station.database.read() as tx:
        return operations.get(tx, operation_id)


def _needing_attention(station: Station, operation_id: str, what: str) -> Operation:
    seen = _read(station, operation_id)
    if seen.state is not OperationState.NEEDS_ATTENTION:
        raise Conflict(
            f"Operation {seen.id} is {seen.state}; only one that needs attention can be {what}.",
            operation=seen.id,
            state=str(seen.state),
        )
    return seen


def _flow(station: Station, seen: Operation) -> Flow:
    flow = station.flows.find(seen.kind, seen.flow_version)
    if flow is None:
        raise NotOffered(
            f"This server has not loaded operations of kind {seen.kind} version {seen.flow_version}.",
            next_step="Enable the plugin that brings them, or ask the server that runs them.",
        )
    return flow


def _changing(operation_id: str) -> Conflict:
    return Conflict(
        f"Operation {operation_id} has just changed.", next_step="Look at it again.", operation=operation_id
    )


def take_back_child(station: Station, child: str) -> None:
    """Cancel an operation that a step asked for, if that is still possible."""
    try:
        cancel(station, child)
    except (Conflict, NotFound, NotOffered):
        return
