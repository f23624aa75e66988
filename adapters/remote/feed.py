"""An event stream over HTTP."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import requests

from ...core.model.event import Event
from .bound import Caller, read
from .client import error_of

_COMMENT = b":\n\n"


class RemoteFeed:
    """Reads text/event-stream and gives each event as `render` writes it, and the comments as they come."""

    def __init__(self, caller: Caller, after: int | None, render: Callable[[Event], bytes]) -> None:
        self._render = render
        self._answer = caller.client.send(
            "GET",
            "/v1/events/stream",
            credential=caller.credential,
            tenant=caller.context.tenant,
            request_id=caller.context.request_id,
            query={"after": after},
            stream=True,
        )
        if self._answer.status_code >= 400:
            try:
                raise error_of(self._answer)
            finally:
                self._answer.close()

    def __iter__(self) -> Iterator[bytes]:
        data: list[bytes] = []
        try:
            for line in self._answer.iter_lines(chunk_size=1):
                if line.startswith(b"data:"):
                    data.append(line[5:].strip())
                elif line.startswith(b":"):
                    yield _COMMENT
                elif not line and data:
                    yield self._render(read(Event, json.loads(b"\n".join(data))))
                    data.clear()
        except requests.exceptions.RequestException:
            return
        finally:
            self.close()

    def close(self) -> None:
        """End the stream. Idempotent."""
        self._answer.close()
