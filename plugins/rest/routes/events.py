"""Events: page by page after a number, or as a stream."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator
from typing import Any

from flask import Response

from ....core.errors import Invalid
from ....core.model.event import Event
from ....core.model.page import DEFAULT_PAGE, LARGEST_PAGE
from ..encoding import encoded
from ..exchange import Exchange, Reply
from ..route import LIMIT, Route

_TAG = "events"
RECHECK_SECONDS = 1.0
"""So long at most something is still told to whom it is no longer to be told."""
_NUMBER = re.compile(r"[0-9]{1,18}")
_AFTER = {"type": "integer", "minimum": 0, "description": "The number of the last event that you know."}


def server_sent(event: Event) -> bytes:
    """An event in the form of text/event-stream; its number is the id that a client comes back with."""
    return f"id: {event.number}\nevent: {event.kind}\ndata: {encoded(event)}\n\n".encode()


def _after(x: Exchange, body: Any) -> Reply:
    number = x.whole("after", 0)
    limit = x.whole("limit", DEFAULT_PAGE, least=1, most=LARGEST_PAGE)
    events = x.storage.events.after(number, limit)
    return Reply({"items": events, "last": events[-1].number if events else number})


def _stream(x: Exchange, body: Any) -> Reply:
    feed = x.storage.events.stream(_known(x), render=server_sent)
    response = Response(_while_admitted(x, feed), content_type="text/event-stream", headers={"X-Accel-Buffering": "no"})
    response.call_on_close(feed.close)
    return Reply(response)


def _while_admitted(x: Exchange, feed: Iterable[bytes]) -> Iterator[bytes]:
    """What comes, heartbeats too, until the credential counts no more: the stream outlives its request's check."""
    asked = time.monotonic()
    for chunk in feed:
        if time.monotonic() - asked >= RECHECK_SECONDS:
            if not x.still_admitted():
                return
            asked = time.monotonic()
        yield chunk


def _known(x: Exchange) -> int | None:
    """The number of the last event that the client knows: a browser that comes back says it in a header."""
    header = x.request.headers.get("Last-Event-ID")
    if header is None:
        return x.whole("after", 0) if "after" in x.args else None
    if not _NUMBER.fullmatch(header):
        raise Invalid("Last-Event-ID is the number of an event.", next_step="Leave it out to begin with what is new.")
    return int(header)


ROUTES = (
    Route(
        "GET",
        "/v1/events",
        "list_events",
        "Events after a number, oldest first; 410 when some of them are no longer kept",
        _after,
        _TAG,
        response="event-page",
        parameters={"after": {**_AFTER, "default": 0}, "limit": {**LIMIT, "description": "The most events to answer."}},
    ),
    Route(
        "GET",
        "/v1/events/newest",
        "get_newest_event_number",
        "The number of the newest event, whoever may see it; what comes after it is new",
        lambda x, body: Reply({"number": x.storage.events.newest()}),
        _TAG,
        response="event-number",
    ),
    Route(
        "GET",
        "/v1/events/stream",
        "stream_events",
        "Events as they come; Last-Event-ID goes on after an event, a comment comes every 10 s, the end after an hour "
        "or with the credential",
        _stream,
        _TAG,
        media="text/event-stream",
        parameters={"after": _AFTER},
    ),
)
