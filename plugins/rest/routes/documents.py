"""The API's own description: the OpenAPI document, and a page that shows it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from functools import cache
from importlib import resources
from typing import Any

from flask import Response

from ..exchange import Exchange, Reply
from ..openapi import document
from ..route import Route

_TAG = "service"
_PACKAGE = __package__.removesuffix(".routes")
_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src data:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)


def document_routes(others: Sequence[Route]) -> tuple[Route, ...]:
    """The routes of the documents; `others` are described with them."""
    made: list[bytes] = []

    def openapi(x: Exchange, body: Any) -> Reply:
        if not made:
            made.append(json.dumps(document((*others, *own)), separators=(",", ":")).encode())
        return _cached(x, made[0], "application/json")

    def page(x: Exchange, body: Any) -> Reply:
        return _cached(x, _file("docs.html"), "text/html; charset=utf-8")

    def style(x: Exchange, body: Any) -> Reply:
        return _cached(x, _file("docs.css"), "text/css; charset=utf-8")

    def script(x: Exchange, body: Any) -> Reply:
        return _cached(x, _file("docs.js"), "text/javascript; charset=utf-8")

    own: tuple[Route, ...] = (
        Route(
            "GET",
            "/v1/openapi.json",
            "openapi",
            "This API as an OpenAPI 3.1 document",
            openapi,
            _TAG,
            response="openapi",
            open=True,
        ),
        Route("GET", "/v1/docs", "docs", "This API as a page", page, _TAG, media="text/html", open=True),
        Route("GET", "/v1/docs.css", "docs_style", "Its style", style, _TAG, media="text/css", open=True),
        Route(
            "GET", "/v1/docs.js", "docs_script", "The page's script", script, _TAG, media="text/javascript", open=True
        ),
    )
    return own


@cache
def _file(name: str) -> bytes:
    return resources.files(_PACKAGE).joinpath("pages", name).read_bytes()


def _cached(x: Exchange, content: bytes, kind: str) -> Reply:
    """The content, which a browser keeps and asks for again by its ETag."""
    headers = {"Content-Security-Policy": _POLICY, "Cache-Control": "no-cache"}
    response = Response(content, content_type=kind, headers=headers)
    response.set_etag(hashlib.sha256(content).hexdigest()[:20])
    return Reply(response.make_conditional(x.request))
