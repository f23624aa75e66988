"""HTTPS requests, verified, with an end, heeding no environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPSConnection

from .endpoint import Endpoint

LARGEST = 4 << 20


@dataclass(frozen=True, slots=True)
class Reply:
    """Status, type of content, and the content as far as it is of use."""

    status: int
    media: str
    content: bytes


class Talk:
    """Requests to one server over one connection, which is opened for the first of them. Not for several threads."""

    def __init__(self, endpoint: Endpoint, *, seconds: float = 10.0) -> None:
        self._connection = HTTPSConnection(
            endpoint.host, endpoint.port, timeout=seconds, context=endpoint.trust.context()
        )

    def ask(
        self, method: str, path: str, *, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Reply:
        """What the server answers. Raises what the connection raises (`OSError`, `HTTPException`)."""
        self._connection.request(method, path, body, dict(headers or {}))
        answer = self._connection.getresponse()
        return Reply(answer.status, answer.getheader("Content-Type") or "", answer.read(LARGEST))

    def close(self) -> None:
        """Let go of the connection; another request opens another."""
        self._connection.close()


def ask(
    endpoint: Endpoint,
    method: str,
    path: str,
    *,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    seconds: float = 10.0,
) -> Reply:
    """What the server at `endpoint` answers. Raises what the connection raises (`OSError`, `HTTPException`)."""
    talk = Talk(endpoint, seconds=seconds)
    try:
        return talk.ask(method, path, body=body, headers=headers)
    finally:
        talk.close()
