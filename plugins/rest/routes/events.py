"""Events: page by page after a number, or as a stream."""

from __future__ import annotations

import json
from typing import Any

from flask import Response

from ....core.errors import Invalid
from ....core.model.codec import to_json
from ....core.model.event import Event
from ..exchange import Exchange, Reply
from ..route import Route

_TAG = "events"
_AFTER = {"type": "integer", "minimum": 0, "description": "The number of the last event that is known."}


def server_sent(event: Event) -> bytes:
    """An event in the form of text/event-stream; its number is the id that a client comes back with."""
    data = json.dumps(to_json(event), separators=(",", ":"))
    return f"id: {event.number}\nevent: {event.kind}\ndata: {data}\n\n".encode()


def _after(x: Exchange, body: Any) -> Reply:
    number = int(x.number("after", 0, most=2**62))
    limit = int(x.number("limit", 100, least=1, most=1000))
    events = [to_json(event) for event in x.storage.events.after(number, limit)]
    return Reply({"items": events, "last": events[-1]["number"] if events else number})


def _stream(x: Exchange, body: Any) -> Reply:
    known = x.request.headers.get("Last-Event-ID") or x.request.args.get("after")
    if known is not None and not known.isdigit():
        raise Invalid("after and Last-Event-ID are event numbers.", field="after")
    feed = x.storage.events.stream(None if known is None else int(known), render=server_sent)
    response = Response(iter(feed), content_type="text/event-stream", headers={"X-Accel-Buffering": "no"})
    response.call_on_close(feed.close)
    return Reply(response)


ROUTES = (
    Route(
        "GET",
        "/v1/events",
        "list_events",
        "Events after a number, oldest first; 410 when some of them are no longer kept",
        _after,
        _TAG,
        response="event-page",
        parameters={"after": _AFTER, "limit": {"type": "integer", "minimum": 1, "maximum": 1000, "default": 100}},
    ),
    Route(
        "GET",
        "/v1/events/stream",
        "stream_events",
        "Events as they come (text/event-stream); Last-Event-ID continues",
        _stream,
        _TAG,
        parameters={"after": _AFTER},
    ),
)
