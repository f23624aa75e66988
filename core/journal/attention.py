"""Giving an operation up to a person: what is said, and the transaction that does it."""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from ..errors import IsthmusError, NeedsAttention, Unavailable
from ..model.identity import now
from ..model.operation import Operation, OperationState
from ..store.database import Tx
from . import ledger, waiting
from .operations import encode_error
from .station import Station
from .step import Cancelled
from .tenure import StepRun, Tenure

_log = logging.getLogger(__name__)
_FRAMES = 4

CANCELLED: Mapping[str, Any] = {"code": "cancelled", "message": "The operation was cancelled and taken back."}


def document(error: BaseException, operation: Operation) -> dict[str, Any]:
    """The error document of what a step raised; a defect of ours is told by its request id only."""
    if isinstance(error, Cancelled):
        return dict(CANCELLED)
    if isinstance(error, IsthmusError):
        return error.to_json()
    return IsthmusError(
        f"Step {operation.step} of {operation.kind} failed unexpectedly.",
        next_step=f"Look for {operation.request_id} in the log of the server and report it.",
    ).to_json()


def failing(tenure: Tenure, error: BaseException) -> NeedsAttention:
    """A step that cannot be taken back, or an undo, has failed for too long."""
    cause = document(error, tenure.operation)
    doing = "Taking back step" if tenure.undoing else "Step"
    return NeedsAttention(
        f"{doing} {tenure.step.name} of {tenure.operation.kind} keeps failing: {cause['message']}",
        next_step="Remove the cause and retry the operation, or abandon it.",
        step=tenure.step.name,
        attempts=tenure.attempts,
        cause=cause,
        because=tenure.error,
    )


def hanging(tenure: Tenure, seconds: float) -> NeedsAttention:
    """A step has made no progress for `seconds`; says in which functions it hangs."""
    where = _where(tenure.thread)
    doing = "Taking back step" if tenure.undoing else "Step"
    place = f" in {where[0]}" if where else ""
    return NeedsAttention(
        f"{doing} {tenure.step.name} of {tenure.operation.kind} hangs{place}: no progress for {seconds:.0f} s.",
        next_step="Check the storage it talks to, then retry the operation or abandon it.",
        step=tenure.step.name,
        where=where,
        because=tenure.error,
    )


def _where(thread: int | None) -> list[str]:
    frame = sys._current_frames().get(thread) if thread is not None else None
    if frame is None:
        return []
    stack = traceback.extract_stack(frame)[-_FRAMES:]
    return [f"{entry.name} ({entry.filename.rpartition('/')[2]}:{entry.lineno})" for entry in reversed(stack)]


def give_up(
    station: Station,
    tenure: Tenure,
    error: NeedsAttention,
    hold: ledger.Hold,
    still: Callable[[], bool] = lambda: True,
) -> bool:
    """Leave the operation to a person; False when it is not held as `hold` says or not `still` so.

    The flow's hook and the engine's run in the same transaction; when one of them fails, the operation is given up
    without them. Raises `Unavailable`.
    """
    said = error.to_json()
    given_up = replace(
        tenure.operation,
        state=OperationState.NEEDS_ATTENTION,
        step=hold.step,
        undoing=hold.undoing,
        progress=tenure.progress,
        error=said,
        updated_at=now(),
    )

    def work(tx: Tx, hooks: bool) -> bool:
        held = still() and ledger.end(
            tx,
            hold,
            heed_cancel=False,
            state=ledger.ATTENTION,
            step=hold.step,
            undoing=hold.undoing,
            progress=tenure.progress,
            note=tenure.note,
            data=tenure.saved,
            result=tenure.saved_result,
            error=encode_error(said),
            node=tenure.operation.node,
        )
        if not held:
            return False
        waiting.annotate(tx, given_up.id, f"waits for operation {given_up.id}, which needs attention")
        if hooks and tenure.flow.attention is not None:
            tenure.flow.attention(view(tenure, given_up), tx)
        if hooks and station.ended is not None:
            station.ended(tx, given_up)
        return True

    if not write_with_hooks(station, work, given_up):
        return False
    _log.error("operation %s needs attention [%s]: %s", given_up.id, given_up.request_id, error.message)
    station.announce(given_up)
    return True


def write_with_hooks(station: Station, work: Callable[[Tx, bool], bool], operation: Operation) -> bool:
    """Write `work(tx, True)`, and if a hook fails `work(tx, False)`."""
    try:
        return station.change(lambda tx: work(tx, True), durable=True)
    except Unavailable:
        raise
    except Exception:
        _log.exception("a hook of operation %s failed [%s]", operation.id, operation.request_id)
        return station.change(lambda tx: work(tx, False), durable=True)


def view(tenure: Tenure, operation: Operation) -> StepRun:
    """The run that a hook gets: the notebook as of the last commit."""
    run = StepRun(tenure)
    run.operation = operation
    run.data, run.result = ledger.decode(tenure.saved), ledger.decode(tenure.saved_result)
    return run
