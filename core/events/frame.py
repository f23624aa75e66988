"""Events as server-sent events."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from ..model.event import Event

Render = Callable[[Event], bytes]

HEARTBEAT = b":\n\n"
"""A comment: keeps the connection alive and says nothing."""


def document(event: Event) -> dict[str, Any]:
    """The event as plain JSON; `created_at` in RFC 3339, UTC."""
    return {
        "number": event.number,
        "id": event.id,
        "kind": event.kind,
        "resource_type": event.resource_type,
        "resource": event.resource,
        "tenant": event.tenant,
        "user": event.user,
        "request_id": event.request_id,
        "operation": event.operation,
        "created_at": event.created_at.isoformat().replace("+00:00", "Z"),
        "body": dict(event.body),
    }


def server_sent(event: Event) -> bytes:
    """The event in the form of text/event-stream, its number as the id that a client comes back with."""
    data = json.dumps(document(event), separators=(",", ":"))
    return f"id: {event.number}\nevent: {event.kind}\ndata: {data}\n\n".encode()
