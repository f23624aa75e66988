"""What the server itself answers when it cannot let a plugin answer: RFC 9457 problem documents."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete answer."""

    status: str
    headers: list[tuple[str, str]]
    body: bytes


def status_line(status: int) -> str:
    """`404 Not Found`."""
    return f"{status} {HTTPStatus(status).phrase}"


def problem(
    status: int,
    code: str,
    detail: str,
    request_id: str,
    *,
    next_step: str | None = None,
    headers: Sequence[tuple[str, str]] = (),
) -> Answer:
    """A problem document with Isthmus' members: `code`, `request_id` and, if there is one, `next_step`."""
    document: dict[str, object] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "code": code,
        "request_id": request_id,
    }
    if next_step:
        document["next_step"] = next_step
    return _answer(status, "application/problem+json", document, headers)


def document(content: object) -> Answer:
    """A plain JSON answer, 200."""
    return _answer(200, "application/json", content, ())


def _answer(status: int, media: str, content: object, headers: Sequence[tuple[str, str]]) -> Answer:
    body = json.dumps(content).encode()
    return Answer(status_line(status), [("Content-Type", media), ("Content-Length", str(len(body))), *headers], body)
