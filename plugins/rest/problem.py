"""Errors as problem documents (RFC 9457)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from flask import Response

from ...core.errors import IsthmusError
from ...plugin_manager.status import status_of

TITLES: Mapping[int, str] = {
    400: "Bad request",
    401: "Not signed in",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    409: "Not possible now",
    410: "No longer kept",
    412: "Changed meanwhile",
    413: "Too large",
    415: "Not JSON",
    422: "Contradiction",
    500: "Defect in Isthmus",
    501: "Not offered",
    502: "The storage failed",
    503: "Not available now",
}
_UNAVAILABLE_RETRY = 5


def problem(error: IsthmusError, request_id: str, status: int | None = None) -> Response:
    """The error as a problem document, with the headers that its status asks for."""
    status = status or status_of(error)
    body: dict[str, Any] = {
        "type": f"urn:isthmus:problem:{error.code}",
        "title": TITLES.get(status, "Error"),
        "status": status,
        "detail": error.message,
        "code": error.code,
        "request_id": request_id,
    }
    if error.next_step:
        body["next_step"] = error.next_step
    if error.details:
        body["details"] = error.details
    response = Response(json.dumps(body, default=str), status, content_type="application/problem+json")
    if status == 401:
        response.headers["WWW-Authenticate"] = 'Bearer realm="isthmus", Basic realm="isthmus", charset="UTF-8"'
    retry_after = error.details.get("retry_after", _UNAVAILABLE_RETRY if status == 503 else None)
    if retry_after is not None:
        response.headers["Retry-After"] = str(int(retry_after))
    return response
