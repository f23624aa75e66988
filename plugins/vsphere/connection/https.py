"""One HTTPS request, verified, with an end, heeding no environment."""

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
    connection = HTTPSConnection(endpoint.host, endpoint.port, timeout=seconds, context=endpoint.trust.context())
    try:
        connection.request(method, path, body, dict(headers or {}))
        answer = connection.getresponse()
        return Reply(answer.status, answer.getheader("Content-Type") or "", answer.read(LARGEST))
    finally:
        connection.close()
