"""Operations, messages and explanations."""

from __future__ import annotations

from typing import Any

from ..exchange import Exchange, Reply
from ..route import Route, accepted, listing

_TAG = "operations"
_ONE = "/v1/operations/{operation}"


def _list(x: Exchange, body: Any) -> Reply:
    return Reply(x.storage.operations.list(x.query()))


def _get(x: Exchange, body: Any) -> Reply:
    wait = x.number("wait", 0, most=30)
    operations, name = x.storage.operations, x.path["operation"]
    if not wait:
        return Reply(operations.get(name))
    with x.places.taken() as there:
        return Reply(operations.wait(name, wait if there else 0))


def _cancel(x: Exchange, body: Any) -> Reply:
    return accepted(x.storage.operations.cancel(x.path["operation"]))


def _retry(x: Exchange, body: Any) -> Reply:
    return accepted(x.storage.operations.retry(x.path["operation"]))


def _abandon(x: Exchange, body: Any) -> Reply:
    return accepted(x.storage.operations.abandon(x.path["operation"]))


def _explain(x: Exchange, body: Any) -> Reply:
    return Reply(x.storage.operations.explain(x.path["request_id"]))


def _messages(x: Exchange, body: Any) -> Reply:
    return Reply(x.storage.messages.list(x.query()))


ROUTES = (
    listing(
        _TAG,
        "/v1/operations",
        "operation",
        _list,
        ("state", "kind", "resource", "resource_type", "request_id", "parent", "user"),
        ("created_at",),
    ),
    Route(
        "GET",
        _ONE,
        "get_operation",
        "One operation, as it is or as soon as it has ended",
        _get,
        _TAG,
        response="operation",
        parameters={
            "wait": {
                "type": "number",
                "minimum": 0,
                "maximum": 30,
                "description": "Seconds to wait for its end; it is not waited for where many wait already.",
            }
        },
    ),
    Route("POST", f"{_ONE}/cancel", "cancel_operation", "Take it back", _cancel, _TAG, 202, response="operation"),
    Route(
        "POST",
        f"{_ONE}/retry",
        "retry_operation",
        "Go on with one that needs attention",
        _retry,
        _TAG,
        202,
        response="operation",
    ),
    Route(
        "POST",
        f"{_ONE}/abandon",
        "abandon_operation",
        "Give up one that needs attention",
        _abandon,
        _TAG,
        202,
        response="operation",
    ),
    Route(
        "GET",
        "/v1/explanations/{request_id}",
        "explain",
        "All that a request led to: operations, placement, messages and events",
        _explain,
        _TAG,
        response="explanation",
    ),
    listing(
        "messages",
        "/v1/messages",
        "message",
        _messages,
        ("level", "code", "resource", "resource_type", "operation", "request_id"),
        ("created_at",),
    ),
)
