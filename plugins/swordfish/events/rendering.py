"""The core's events in Redfish's words (DSP0266, Eventing; schema Event 1.13).

An event of the core becomes one record about the resource and, where an operation ended with it, one about its task.
Both carry the number that the core gave the event, so a reader who comes back with the last one misses nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ....core.model.codec import time_text
from ....core.model.event import Event
from .. import uris
from ..protocol.messages import said
from ..protocol.response import json_text

TYPE = "#Event.v1_13_0.Event"

# Kinds end in a verb; those that are not here say that something changed.
_VERBS = {
    "created": ("ResourceEvent.ResourceCreated", "ResourceAdded"),
    "deleted": ("ResourceEvent.ResourceRemoved", "ResourceRemoved"),
}
_CHANGED = ("ResourceEvent.ResourceChanged", "ResourceUpdated")

_ENDS = {
    "operation.failed": "TaskEvent.TaskAborted",
    "operation.abandoned": "TaskEvent.TaskAborted",
    "operation.cancelled": "TaskEvent.TaskCancelled",
    "operation.needs_attention": "TaskEvent.TaskAborted",
}
_TYPES = {
    "volume": "Volume",
    "snapshot": "Volume",
    "attachment": "Connection",
    "host": "EndpointGroup",
    "backend": "Storage",
    "pool": "StoragePool",
    "profile": "ClassOfService",
    "tenant": "StorageService",
    "user": "ManagerAccount",
    "operation": "Task",
}

RESOURCE_TYPES = tuple(sorted(set(_TYPES.values())))
"""The schema names that events may be about."""


def records(event: Event) -> list[dict[str, Any]]:
    """The event's records; none for what has no place in Redfish."""
    made = []
    kind = _TYPES.get(event.resource_type)
    if event.kind in _ENDS:
        made.append(_record(event, _ENDS[event.kind], "Alert", uris.task(event.resource), event.resource))
    elif kind is not None and kind != "Task":
        name, old_type = _VERBS.get(event.kind.rpartition(".")[2], _CHANGED)
        made.append(_record(event, name, old_type, _origin(event)))
        if event.operation is not None:
            task = uris.task(event.operation)
            made.append(_record(event, "TaskEvent.TaskCompletedOK", "Alert", task, event.operation))
    for number, record in enumerate(made):
        record["MemberId"] = str(number)
    return made


def resource_type(event: Event) -> str | None:
    """The schema name of what the event is about."""
    return _TYPES.get(event.resource_type)


def payload(number: int, made: Sequence[Mapping[str, Any]], context: str | None = None) -> dict[str, Any]:
    """An event message with these records; `number` is that of the last event in it."""
    body: dict[str, Any] = {
        "@odata.type": TYPE,
        "Id": str(number),
        "Name": "Event",
        "Events": [{**record, "MemberId": str(place)} for place, record in enumerate(made)],
    }
    if context is not None:
        body["Context"] = context
    return body


def server_sent(event: Event) -> bytes:
    """The event on a stream (DSP0266, Server-sent events); nothing for one that has no place in Redfish."""
    made = records(event)
    if not made:
        return b""
    return b"id: %d\ndata: %b\n\n" % (event.number or 0, json_text(payload(event.number or 0, made)))


def _record(event: Event, name: str, old_type: str, origin: str | None, *arguments: str) -> dict[str, Any]:
    message = said(name, *arguments)
    record = {
        # Deprecated, and still required by the schema.
        "EventType": old_type,
        "EventId": event.id,
        "EventTimestamp": time_text(event.created_at),
        "MessageId": message["MessageId"],
        "Message": message["Message"],
        "MessageSeverity": message["MessageSeverity"],
        "Resolution": message["Resolution"],
    }
    if arguments:
        record["MessageArgs"] = list(arguments)
    if origin is not None:
        record["OriginOfCondition"] = uris.link(origin)
    if event.number is not None:
        record["EventGroupId"] = event.number
    return record


def _origin(event: Event) -> str | None:
    """Where the resource is, or was."""
    kind, identifier, tenant, body = event.resource_type, event.resource, event.tenant, event.body
    if kind in ("volume", "snapshot"):
        return None if tenant is None else uris.volume(tenant, identifier)
    if kind == "attachment":
        return uris.connection(str(body.get("protocol")), identifier)
    if kind == "host":
        protocols = [str(one.get("protocol")) for one in body.get("initiators", ())]
        return uris.endpoint_group(protocols[0], identifier) if protocols else None
    if kind == "pool":
        return uris.storage_pool(str(body.get("backend")), identifier)
    return {
        "backend": uris.storage(identifier),
        "tenant": uris.storage_service(identifier),
        "user": uris.account(identifier),
    }.get(kind)
