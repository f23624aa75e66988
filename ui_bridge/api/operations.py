"""Operations on a vCenter's objects: listed, followed, steered by whoever may act on what they are about."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from ...core.context import Context
from ...core.errors import Forbidden, Invalid, NotFound
from ...core.model.operation import Operation
from ...core.model.page import Query
from ..block import Block
from ..objects import ObjectId
from ..platform import Operations
from .exchange import Exchange
from .explanation import explanation_blocks
from .operation import operation_json, version
from .route import Reply, Route

LONGEST_WAIT = 20.0
_SLICE = 0.4
"""Seconds after which a wait looks how far an operation is that has not ended."""
_PIECE = 100
_PIECES = 10
_NEWEST = 20
_MOST = 100


def _list(x: Exchange) -> Reply:
    context = x.admitted().context
    operations = x.platform.operations(context)
    limit = int(x.number("limit", _NEWEST, least=1, most=_MOST))
    if x.target.kind:
        searches: Sequence[Mapping[str, Any]] = [{"resource": str(x.target)}]
    else:
        searches = [{"resource_type": kind} for kind in x.surface.kinds()]
    found = [each for filters in searches for each in _newest(operations, filters, x, limit)]
    found.sort(key=lambda each: (each.created_at, each.id), reverse=True)
    return Reply({"items": [operation_json(x, each, context) for each in found[:limit]]})


def _get(x: Exchange) -> Reply:
    operation, context = _found(x)
    wait = x.number("wait", 0, most=LONGEST_WAIT)
    operations = x.platform.operations(context)
    if wait and x.asked("after"):
        with x.places.taken() as there:
            if there:
                operation = _differing(operations, operation, x.asked("after"), wait)
    return _told(x, operation, context)


def _steered(x: Exchange, verb: str) -> Reply:
    operation, context = _found(x)
    privilege = x.platform.lacking(context, verb)
    if privilege is not None:
        raise x.lacking(privilege)
    operations = x.platform.operations(context)
    verbs: Mapping[str, Callable[[str], Operation]] = {
        "cancel": operations.cancel,
        "retry": operations.retry,
        "abandon": operations.abandon,
    }
    return _told(x, verbs[verb](operation.id), context)


def _told(x: Exchange, operation: Operation, context: Context) -> Reply:
    if not operation.state.live:
        # Whoever followed it opens the object's menu next, and must not find there what was true before.
        x.dynamic.forget(str(operation.resource))
    return Reply(operation_json(x, operation, context, _explained(x, x.platform.operations(context), operation)))


def belongs(x: Exchange, operation: Operation) -> bool:
    """Whether it is one of ours, on an object of the vCenter that is asked about."""
    if not operation.kind.startswith(f"{x.surface.plugin}.") or operation.resource is None:
        return False
    try:
        return ObjectId.parse(operation.resource).guid == x.target.guid
    except Invalid:
        return False


def context_at(x: Exchange, operation: Operation) -> Context:
    """Who asks, with the rights that they have on what the operation is about.

    Of what is gone nobody has rights any more: then those on the whole vCenter count, and whoever began the operation
    may still follow it to its end. Raises `Forbidden`, `NotFound`.
    """
    subject = ObjectId.parse(str(operation.resource))
    with suppress(NotFound):
        return x.admitted(at=subject).context
    try:
        return x.admitted(at=ObjectId.whole(subject.guid)).context
    except (Forbidden, NotFound):
        asking = x.platform.identify(x.sender, subject.guid, x.request_id)
        if asking.user == operation.user and asking.tenant == operation.tenant:
            return asking
        raise


def _found(x: Exchange) -> tuple[Operation, Context]:
    asking = x.platform.identify(x.sender, x.target.guid, x.request_id)
    operation = x.platform.operations(asking).get(x.words["operation"])
    if not belongs(x, operation):
        raise NotFound("There is no such operation at this vCenter.")
    return operation, context_at(x, operation)


def _newest(operations: Operations, filters: Mapping[str, Any], x: Exchange, limit: int) -> list[Operation]:
    found: list[Operation] = []
    cursor: str | None = None
    for _ in range(_PIECES):
        page = operations.list(Query(filters=filters, sort="-created_at", limit=_PIECE, cursor=cursor))
        found += [each for each in page.items if belongs(x, each)]
        cursor = page.next
        if cursor is None or len(found) >= limit:
            break
    return found


def _differing(operations: Operations, operation: Operation, seen: str, seconds: float) -> Operation:
    """The operation as soon as it is another than was seen, or when the time is over. No vCenter is asked meanwhile,
    and one that goes on no more by itself is not waited for."""
    until = time.monotonic() + seconds
    while version(operation) == seen and operation.state.live and (left := until - time.monotonic()) > 0:
        begun, slice_ = time.monotonic(), min(left, _SLICE)
        operation = operations.wait(operation.id, slice_)
        if operation.state.live and time.monotonic() - begun < slice_ / 2:
            break  # it returns early only for an end, or because the server stops
    return operation


def _explained(x: Exchange, operations: Operations, operation: Operation) -> list[Block]:
    """Why the volumes of the operation went where they went."""
    texts, locale = x.surface.texts, x.locale
    children = operations.list(Query(filters={"parent": operation.id}, limit=_PIECE)).items
    found = [each.explanation for each in children if each.explanation]
    refused = ((operation.error or {}).get("details") or {}).get("explanation")
    if refused:
        found.append(refused)
    return [block for each in found for block in explanation_blocks(each, texts, locale)]


ROUTES = (
    Route("GET", "operations", _list),
    Route("GET", "operations/{operation}", _get),
    Route("POST", "operations/{operation}/cancel", lambda x: _steered(x, "cancel")),
    Route("POST", "operations/{operation}/retry", lambda x: _steered(x, "retry")),
    Route("POST", "operations/{operation}/abandon", lambda x: _steered(x, "abandon")),
)
