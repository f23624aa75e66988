"""Events, as the service streams them (DSP0266, Server-sent events; schema Event).

There is no asking for what was: a service keeps nothing that a client could name. Where ids of events are numbers they
are the numbers of the core's events, and a reader who comes back with the last one may get what came since.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence

import requests

from ....adapters.contract.storage import Feed
from ....core.errors import NotOffered
from ....core.model.event import Event
from ....core.model.identity import new_id, now
from .bodies import Body, link, mappings, moment, number, text
from .bound import Bound
from .fabrics import host_id
from .paths import id_of, last, parent

_COMMENT = b":\n\n"
_LARGEST = 1 << 20

_TYPES: Mapping[str, str] = {
    "Volumes": "volume",
    "Connections": "attachment",
    "EndpointGroups": "host",
    "Endpoints": "host",
    "StoragePools": "pool",
    "ClassesOfService": "profile",
    "Storage": "backend",
    "StorageServices": "tenant",
    "Tasks": "operation",
}
"""What a resource is here, by the collection that it is in."""

_VERBS: Mapping[str, str] = {
    "ResourceCreated": "created",
    "ResourceRemoved": "deleted",
    "ResourceChanged": "updated",
    "TaskCompletedOK": "done",
    "TaskCompletedWarning": "done",
    "TaskAborted": "failed",
    "TaskCancelled": "cancelled",
    "TaskPaused": "needs_attention",
}


class SwordfishEvents(Bound):
    """What happens there from now on, as far as it is about the tenant's things."""

    def newest(self) -> int:
        raise NotOffered("This system does not count its events.")

    def after(self, number: int, limit: int = 100) -> Sequence[Event]:
        raise NotOffered("This system keeps no events.", next_step="Read its stream.")

    def stream(self, after: int | None = None, *, render: Callable[[Event], bytes]) -> Feed:
        path = self.site.stream()
        if path is None:
            raise NotOffered("This system streams no events.")
        answer = self.client.stream(path, after, self.context.request_id)
        return SwordfishFeed(answer, self._read, render)

    def _read(self, body: Body, count: int | None) -> Iterator[Event]:
        """The events in a message that are the tenant's."""
        for record in mappings(body, "Events"):
            origin = link(record, "OriginOfCondition")
            if origin is None or not self._own(origin):
                continue
            kind = _TYPES.get(last(parent(origin)))
            key = text(record, "MessageId").rpartition(".")[2]
            if kind is None:
                continue
            yield Event(
                id=text(record, "EventId") or new_id(),
                kind=f"{kind}.{_VERBS.get(key, 'updated')}",
                resource_type=kind,
                resource=host_id(origin) if kind == "host" else id_of(origin),
                tenant=self.context.tenant,
                user="",
                request_id="",
                created_at=moment(record, "EventTimestamp") or now(),
                number=count if count is not None else number(record, "EventGroupId"),
                body={"message": text(record, "Message")[:1000], "message_id": text(record, "MessageId")[:200]},
            )

    def _own(self, origin: str) -> bool:
        """Where tenants are kept apart, only what is below their own services is told."""
        if not self.site.shared or self.context.tenant is None:
            return True
        return any(origin.startswith(f"{place.path}/") for place in self.share.places)


class SwordfishFeed:
    """An open stream. It ends when the service ends it."""

    def __init__(
        self,
        answer: requests.Response,
        read: Callable[[Body, int | None], Iterator[Event]],
        render: Callable[[Event], bytes],
    ) -> None:
        self._answer = answer
        self._read = read
        self._render = render

    def __iter__(self) -> Iterator[bytes]:
        data: list[bytes] = []
        count: int | None = None
        size = 0
        try:
            for line in self._answer.iter_lines(chunk_size=1):
                if line.startswith(b"data:") and size < _LARGEST:
                    size += len(line)
                    data.append(line[5:].strip())
                elif line.startswith(b"id:"):
                    said = line[3:].strip()
                    count = int(said) if said.isdigit() and len(said) < 19 else None
                elif line.startswith(b":"):
                    yield _COMMENT
                elif not line and data:
                    yield from self._rendered(b"\n".join(data), count)
                    data.clear()
                    size = 0
        except (requests.exceptions.RequestException, AttributeError, ValueError, OSError):
            # Closed from another thread, or by the service.
            return
        finally:
            self.close()

    def close(self) -> None:
        """End the stream. Idempotent."""
        self._answer.close()

    def _rendered(self, data: bytes, count: int | None) -> Iterator[bytes]:
        try:
            body = json.loads(data)
        except ValueError:
            return
        for event in self._read(body, count):
            yield self._render(event)
