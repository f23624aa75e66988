"""What clients see of an operation that waits for a window: its task is that of the change itself."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ....core.errors import NotFound
from ....core.model.codec import time_of
from ....core.model.operation import Operation, OperationState
from .later import PREFIX, is_later

if TYPE_CHECKING:
    from ..protocol.request import Request


_WAITS = "waits"


def seen(operation: Operation, request: Request) -> Operation:
    """The operation as if the change had been asked for when it began; pending until then. Any other as it is."""
    if not is_later(operation):
        return operation
    shown = replace(operation, kind=operation.kind.removeprefix(PREFIX))
    begun = operation.result.get("begun")
    if begun is None:
        if not operation.state.live or operation.undoing:
            return shown
        return replace(shown, state=OperationState.PENDING, attempts=0, result={**operation.result, _WAITS: True})
    shown = replace(shown, created_at=time_of(begun["at"]), resource=begun["resource"])
    if operation.state is OperationState.CANCELLED and operation.result.get("done"):
        # The cancel came too late.
        return replace(shown, state=OperationState.DONE, error=None)
    if operation.state.ended:
        return shown
    try:
        doing = request.storage.operations.get(str(begun["operation"]))
    except NotFound:
        return shown
    return replace(
        shown,
        state=doing.state,
        undoing=doing.undoing,
        progress=doing.progress,
        error=doing.error,
        attempts=doing.attempts,
        updated_at=doing.updated_at,
        cancel_requested=operation.cancel_requested or doing.cancel_requested,
    )


def waits(operation: Operation) -> bool:
    """Whether what was seen has not been begun."""
    return _WAITS in operation.result
