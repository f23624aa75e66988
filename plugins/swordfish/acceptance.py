"""What becomes of an accepted change: done within a moment, or a task (DSP0266, Asynchronous operations)."""

from __future__ import annotations

from typing import Any

from ...core import errors
from ...core.model.operation import Operation, OperationState
from . import uris
from .core_errors import refusal_of
from .refusal import Refusal
from .request import Request

MOMENT = 0.25
"""Seconds that a request waits for its operation: common clients handle 201 better than 202."""


def awaited(operation: Operation, request: Request) -> Operation:
    """The operation as it is after a moment at most; raises a refusal when it failed.

    A client that says `Prefer: respond-async` (RFC 7240) is not made to wait at all.
    """
    if operation.state.live and "respond-async" not in (request.header("Prefer") or ""):
        operation = request.storage.operations.wait(operation.id, MOMENT)
    if not operation.state.live and operation.state is not OperationState.DONE:
        raise failure_of(operation, request)
    return operation


def failure_of(operation: Operation, request: Request) -> Refusal:
    """How the request that asked for a failed operation is answered."""
    if operation.error is None:
        cancelled = errors.Conflict(f"The operation was {operation.state.value.replace('_', ' ')}.")
        return refusal_of(cancelled, request.path)
    return refusal_of(errors.IsthmusError.from_json(dict(operation.error)), request.path)


def made_by(operation: Operation, request: Request) -> str | None:
    """The URI of what an operation makes or changes; None once that is gone, or where it has none here."""
    kind, _, verb = operation.kind.partition(".")
    if verb == "delete" or operation.resource is None:
        return None
    if kind in ("volume", "snapshot"):
        return None if operation.tenant is None else uris.volume(operation.tenant, operation.resource)
    if kind == "attachment":
        attachment = request.storage.attachments.get(operation.resource)
        return uris.connection(attachment.protocol, attachment.id)
    return None


def waiting_headers(operation: Operation) -> dict[str, Any]:
    """Where to wait for a live operation, and when to come back."""
    return {"Location": uris.task_monitor(operation.id), "Retry-After": "1"}
