"""An answer, before it goes out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from http import HTTPStatus
from typing import Any

from ....core.model.json_text import encoder

JSON = "application/json;charset=utf-8"

_dump = encoder()
_LINES = {status.value: f"{status.value} {status.phrase}" for status in HTTPStatus}


@dataclass(frozen=True, slots=True)
class Response:
    """Status, body and headers. A body that is an iterable of several pieces is a stream."""

    status: int = 200
    body: bytes | Iterable[bytes] = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    type: str = JSON

    def with_headers(self, headers: Mapping[str, str]) -> Response:
        return Response(self.status, self.body, {**self.headers, **headers}, self.type)

    @property
    def line(self) -> str:
        """The status with its phrase, as WSGI wants it."""
        return _LINES.get(self.status) or f"{self.status} Status"


def json_text(document: Mapping[str, Any]) -> bytes:
    """The document as it goes over the wire."""
    return _dump(document).encode()


def tagged(document: dict[str, Any]) -> tuple[bytes, str]:
    """A resource as it goes over the wire, with its entity tag in it and beside it.

    The tag is a digest of the content: it changes when, and only when, something a client can see does (DSP0266,
    ETags).
    """
    text = json_text(document)
    tag = f'"{blake2b(text, digest_size=10).hexdigest()}"'
    return b'%b,"@odata.etag":%b}' % (text[:-1], _dump(tag).encode()), tag
