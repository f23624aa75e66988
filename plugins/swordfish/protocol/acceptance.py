"""What becomes of an accepted change: done within a moment, or a task (DSP0266, Asynchronous operations).

An operation's last answer follows from the operation alone. So a request that waited, a monitor that is asked later,
and a monitor on another server all give the same one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil
from typing import Any

from ....core import errors
from ....core.model.identity import now
from ....core.model.operation import Operation, OperationState
from .. import uris
from ..maintenance.later import window_start
from ..maintenance.seen import seen, waits
from .core_errors import refusal_of
from .messages import said
from .reading import body_at, description_of
from .refusal import Refusal, missing, refuse
from .request import Request
from .response import Response, json_text

MOMENT = 0.25
"""Seconds that a request waits for its operation: common clients handle 201 better than 202."""
RETRY_AFTER = 1
"""Seconds after which to ask a monitor again."""
LONGEST_RETRY_AFTER = 60
"""The same for what waits for the maintenance window."""


def answered(operation: Operation, request: Request, messages: Sequence[Mapping[str, Any]] = ()) -> Response:
    """The answer to a request that began this operation: its last one, or 202 if it takes longer than a moment.

    A client that says `Prefer: respond-async` (RFC 7240) is not made to wait at all, nor one whose operation waits for
    the maintenance window. `messages` are about what was asked for besides and is not done: they go with a 202, for
    neither the task nor its monitor knows of them. Raises a refusal when the operation failed.
    """
    operation = seen(operation, request)
    if operation.state.live and not waits(operation) and "respond-async" not in (request.header("Prefer") or ""):
        operation = seen(request.storage.operations.wait(operation.id, MOMENT), request)
    return accepted(operation, request, messages) if operation.state.live else concluded(operation, request)


def accepted(operation: Operation, request: Request, messages: Sequence[Mapping[str, Any]] = ()) -> Response:
    """202 with the task, with these messages in it, where to wait for it, and when to come back."""
    start = window_start(operation)
    left = RETRY_AFTER if start is None else ceil((start - now()).total_seconds())
    seconds = max(RETRY_AFTER, min(LONGEST_RETRY_AFTER, left))
    headers = {"Location": uris.task_monitor(operation.id), "Retry-After": str(seconds)}
    body = body_at(uris.task(operation.id), request)
    if messages:
        body["@Message.ExtendedInfo"] = messages
    return Response(202, json_text(body), headers)


def concluded(operation: Operation, request: Request) -> Response:
    """The last answer of an operation that is no longer live: 201 for what made something, 200 with the resource for
    what changed one, 204 for what removed one. Raises a refusal when it did not end well."""
    if operation.state is not OperationState.DONE:
        raise failure_of(operation, request.path)
    verb = operation.kind.rpartition(".")[2]
    uri = made_by(operation, request)
    if verb == "delete":
        return Response(204)
    if uri is None:
        return done()
    return made(uri, request) if verb == "create" else shown(uri, request)


def done() -> Response:
    """200 for what was done and left nothing to show."""
    return Response(200, json_text(Refusal(200, [said("Success")]).body()))


def made(uri: str, request: Request) -> Response:
    """201 with the new resource and where it is."""
    body = _body(uri, request)
    return Response(201, json_text(body), {"Location": uri, **description_of(uri, body, request)})


def shown(uri: str, request: Request) -> Response:
    """200 with the resource as it is now."""
    body = _body(uri, request)
    return Response(200, json_text(body), description_of(uri, body, request))


def _body(uri: str, request: Request) -> dict[str, Any]:
    """The resource; where it is gone meanwhile, that is what is missing, and not the monitor that was asked."""
    try:
        return body_at(uri, request)
    except errors.NotFound as gone:
        raise missing(uri) from gone


def failure_of(operation: Operation, uri: str) -> Refusal:
    """How a request to `uri` is answered whose operation did not end well."""
    if operation.state is OperationState.CANCELLED:
        return refuse(409, "TaskEvent.TaskCancelled", operation.id)
    return refusal_of(errors.IsthmusError.from_json(dict(operation.error or {})), uri)


def made_by(operation: Operation, request: Request) -> str | None:
    """The URI of what an operation makes or changes; None for what it removes, and for what has none here."""
    kind, _, verb = operation.kind.partition(".")
    if verb == "delete" or operation.resource is None:
        return None
    if kind in ("volume", "snapshot"):
        return None if operation.tenant is None else uris.volume(operation.tenant, operation.resource)
    if kind == "attachment":
        try:
            attachment = request.storage.attachments.get(operation.resource)
        except errors.NotFound:
            return None
        return uris.connection(attachment.protocol, attachment.id)
    return None


def created_by(operation: Operation, request: Request) -> str | None:
    """The URI of what an operation has made, for as long as that is there."""
    if operation.state is not OperationState.DONE or not operation.kind.endswith(".create"):
        return None
    try:
        if operation.kind == "volume.create":
            request.storage.volumes.get(str(operation.resource))
        elif operation.kind == "snapshot.create":
            request.storage.snapshots.get(str(operation.resource))
    except errors.NotFound:
        return None
    return made_by(operation, request)
