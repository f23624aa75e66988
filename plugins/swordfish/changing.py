"""POST, PATCH and DELETE: conditions before, read back after."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...core.errors import IsthmusError
from ...core.model.operation import Operation
from . import uris
from .acceptance import awaited, made_by, waiting_headers
from .core_errors import refusal_of
from .messages import said
from .reading import body_at, matches
from .refusal import Refusal, refuse
from .representation import represented
from .request import Request
from .resource import Action, Creation, Delete, Outcome, Resource, Update
from .response import Response, json_text, tagged
from .values import check_changes, check_creation, check_parameters


def create(creation: Creation, request: Request) -> Response:
    """POST to a collection: 201 with the new resource, or 202 with the task that makes it."""
    values = check_creation(request.body, creation.body)
    try:
        outcome = creation.run(request, values)
    except IsthmusError as error:
        raise refusal_of(error, request.path, creation.body.core) from error
    return created(outcome, request)


def created(outcome: Outcome, request: Request, headers: Mapping[str, str] | None = None) -> Response:
    """The answer to a request that made something."""
    if isinstance(outcome, Operation):
        outcome = awaited(outcome, request)
        if outcome.state.live:
            return accepted(outcome, request)
        outcome = made_by(outcome, request)
    if outcome is None:
        return Response(200, json_text(_success()))
    body = body_at(outcome, request)
    return Response(201, json_text(body), {"Location": outcome, "ETag": body["@odata.etag"], **(headers or {})})


def accepted(operation: Operation, request: Request) -> Response:
    """202 with the task (DSP0266, Asynchronous operations)."""
    return Response(202, json_text(body_at(uris.task(operation.id), request)), waiting_headers(operation))


def update(resource: Resource, change: Update, request: Request) -> Response:
    """PATCH: the acceptable part is done, and what was wrong with the rest is said beside it."""
    noun, current = _conditioned(resource, request)
    changes, messages = check_changes(request.body, resource.properties, current)
    names = {one.core: f"/{one.name}" for one in resource.properties if one.core is not None}
    try:
        outcome = change(request, noun, changes)
    except IsthmusError as error:
        raise refusal_of(error, request.path, names) from error
    if isinstance(outcome, Operation):
        outcome = awaited(outcome, request)
        if outcome.state.live:
            return accepted(outcome, request)
    body = body_at(request.path.rstrip("/"), request)
    tag = body["@odata.etag"]
    for message in messages:
        for pointer in message.get("RelatedProperties", ()):
            name = pointer[1:].partition("/")[0]
            body.setdefault(f"{name}@Message.ExtendedInfo", []).append(message)
    if messages:
        body["@Message.ExtendedInfo"] = messages
    return Response(200, json_text(body), {"ETag": tag, "Link": f"<{resource.schema}>; rel=describedby"})


def delete(resource: Resource, removal: Delete, request: Request) -> Response:
    """DELETE: 204, or 202 with the task that removes it."""
    noun, _ = _conditioned(resource, request)
    outcome = removal(request, noun)
    if isinstance(outcome, Operation):
        outcome = awaited(outcome, request)
        if outcome.state.live:
            return accepted(outcome, request)
    return Response(204)


def act(resource: Resource, action: Action, request: Request) -> Response:
    """POST to an action: 201 with what it made, 200, or 202 with a task."""
    noun, _ = _conditioned(resource, request)
    if not action.offered(noun, request):
        raise refuse(400, "ActionNotSupported", action.name)
    values = check_parameters(request.body, action.body, action.name)
    try:
        outcome = action.run(request, noun, values)
    except IsthmusError as error:
        raise refusal_of(error, request.path, action.body.core) from error
    if isinstance(outcome, Operation) and outcome.kind not in _MAKING:
        outcome = awaited(outcome, request)
        if outcome.state.live:
            return accepted(outcome, request)
        return Response(200, json_text(_success()))
    return created(outcome, request)


_MAKING = frozenset({"volume.create", "snapshot.create", "attachment.create"})


def _conditioned(resource: Resource, request: Request) -> tuple[Any, dict[str, Any]]:
    """The noun and its representation, once the condition of the request holds for them (DSP0266, ETags)."""
    path = request.path.rstrip("/").partition("/Actions/")[0]
    there = request.at(path, request.params)
    noun = resource.load(there)
    current = represented(resource, noun, there)
    condition = request.header("If-Match")
    if condition is not None and not matches(condition, tagged(current)[1]):
        raise refuse(412, "PreconditionFailed")
    return noun, current


def _success() -> dict[str, Any]:
    return Refusal(200, [said("Success")]).body()
