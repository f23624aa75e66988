"""POST, PATCH and DELETE: conditions before, read back after."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ....core.errors import Conflict, Invalid, IsthmusError, NotFound
from ....core.model.operation import Operation
from .acceptance import answered, done, made
from .core_errors import refusal_of
from .reading import body_at, description_of, matches
from .refusal import Refusal, not_allowed, refuse
from .representation import represented
from .request import Request
from .resource import Action, Collection, Creation, Delete, Outcome, Resource, Update
from .response import Response, json_text, tagged
from .values import check_apply_times, check_changes, check_creation, check_parameters


def create(collection: Collection, creation: Creation, request: Request) -> Response:
    """POST to a collection: 201 with the new resource, or 202 with the task that makes it."""
    if not creation.keyed and request.key is not None:
        # What is sent again would be made again, or refused because it is there.
        advice = "This is no request that is done once however often it comes. Look whether it was done."
        raise refuse(400, "HeaderInvalid", "Idempotency-Key", resolution=advice)
    values = check_creation(request.body, creation.body)
    try:
        outcome = creation.run(request, values)
    except IsthmusError as error:
        kind = collection.type.removesuffix("Collection")
        raise refusal_of(error, request.path, creation.body.core, kind=kind) from error
    return created(outcome, request)


def created(outcome: Outcome, request: Request, headers: Mapping[str, str] | None = None) -> Response:
    """The answer to a request that made something."""
    if isinstance(outcome, Operation):
        return answered(outcome, request)
    if outcome is None:
        return done()
    answer = made(outcome, request)
    return Response(answer.status, answer.body, {**answer.headers, **(headers or {})})


def update(resource: Resource, change: Update, request: Request) -> Response:
    """PATCH: the acceptable part is done, and what was wrong with the rest is said beside it."""
    noun, current = _conditioned(resource, request)
    changes, messages = check_changes(request.body, resource.properties, current, later=resource.later)
    names = {one.core: f"/{one.name}" for one in resource.properties if one.core is not None}
    try:
        outcome = change(request, noun, changes)
    except IsthmusError as error:
        raise _faulty(error, resource, request, names) from error
    if isinstance(outcome, Operation):
        answer = answered(outcome, request, messages)
        if answer.status != 200:
            return answer
    uri = request.path.rstrip("/")
    body = body_at(uri, request)
    headers = description_of(uri, body, request)
    for message in messages:
        for pointer in message.get("RelatedProperties", ()):
            name = pointer[1:].partition("/")[0]
            body.setdefault(f"{name}@Message.ExtendedInfo", []).append(message)
    if messages:
        body["@Message.ExtendedInfo"] = messages
    return Response(200, json_text(body), headers)


def delete(resource: Resource, removal: Delete, request: Request) -> Response:
    """DELETE: 204, or 202 with the task that removes it."""
    noun, _ = _conditioned(resource, request)
    if resource.stays is not None and resource.stays(noun, request):
        raise not_allowed(("GET", "HEAD", "PATCH") if resource.update is not None else ("GET", "HEAD"))
    # What was to be removed at another time must not be removed now.
    check_apply_times(request.body, resource.later)
    try:
        outcome = removal(request, noun)
    except IsthmusError as error:
        raise _faulty(error, resource, request, {}) from error
    return answered(outcome, request) if isinstance(outcome, Operation) else Response(204)


def act(resource: Resource, action: Action, request: Request) -> Response:
    """POST to an action: 201 with what it made, 200, 204 for what it removed, or 202 with a task."""
    noun, _ = _conditioned(resource, request)
    if not action.offered(noun, request):
        raise refuse(400, "ActionNotSupported", action.name)
    values = check_parameters(request.body, action.body, action.name)
    try:
        outcome = action.run(request, noun, values)
    except IsthmusError as error:
        raise _faulty(error, resource, request, action.body.core, action.name) from error
    return created(outcome, request)


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


def _faulty(
    error: IsthmusError, resource: Resource, request: Request, names: Mapping[str, str], action: str = ""
) -> Refusal:
    """How a conditional change ends that met an error.

    Whoever was overtaken by another change under the same entity tag may meet anything (the size asked for is there
    already, the resource is being changed or gone). What counts is that the condition holds no more.
    """
    if isinstance(error, Conflict | Invalid | NotFound) and request.header("If-Match") is not None:
        try:
            _conditioned(resource, request)
        except NotFound:
            return refuse(412, "PreconditionFailed")
        except Refusal as overtaken:
            return overtaken
    return refusal_of(error, request.path, names, action)
