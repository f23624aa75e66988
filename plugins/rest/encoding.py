"""Answers as JSON: nouns are written as they are, without a copy of each first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import fields, is_dataclass
from datetime import datetime
from functools import cache
from typing import Any

from flask import Response
from werkzeug.datastructures import Headers

from ...core.model.codec import time_text
from ...core.model.json_text import encoder

_JSON = "application/json"


def _plain(value: Any) -> Any:
    """What the encoder does not know; enumerations are texts already."""
    if is_dataclass(value):
        kind: Any = type(value)
        return {name: getattr(value, name) for name in _names(kind)}
    if isinstance(value, datetime):
        return time_text(value)
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Sequence | Set):
        return list(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


@cache
def _names(kind: Any) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind))


encoded = encoder(_plain)
"""A noun, or plain JSON with nouns in it, as text; the same that `codec.to_json` gives."""


class JsonResponse(Response):
    """A response whose headers are complete: nothing of them is looked at again before it is sent."""

    default_mimetype = _JSON

    def __init__(self, text: str, status: int, headers: Mapping[str, str]) -> None:
        body = text.encode()
        super().__init__(body, status, {**headers, "Content-Length": str(len(body))})

    def get_wsgi_headers(self, environ: Any) -> Headers:
        return self.headers if self.status_code != 304 else super().get_wsgi_headers(environ)
