"""The WSGI application: routes, authentication, validation, and problem documents for whatever goes wrong."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from typing import Any

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException
from werkzeug.routing import BaseConverter

from ...adapters.contract import Adapter
from ...core.errors import Invalid, IsthmusError, NotFound
from ...core.model.page import Page
from ...plugin_manager.places import Places
from .encoding import JsonResponse, encoded
from .exchange import Exchange, Reply
from .problem import problem
from .route import Route
from .schema import checker

_log = logging.getLogger(__name__)
_PARAMETER = re.compile(r"\{(\w+)\}")
_CONDITIONS = frozenset({"HTTP_IF_NONE_MATCH", "HTTP_IF_MATCH"})


class _Segment(BaseConverter):
    """One path segment, as short as any id or name may be; no database takes NUL."""

    regex = r"[^/\x00]{1,255}"


def make_application(routes: tuple[Route, ...], adapter: Callable[[], Adapter], places: Places) -> Flask:
    """A Flask application that serves `routes` on what `adapter` gives; who waits takes one of the `places`."""
    app = Flask("isthmus.rest", static_folder=None)
    app.url_map.converters["segment"] = _Segment
    app.url_map.strict_slashes = False
    # Otherwise a path with two slashes would be redirected to whatever host the request names.
    app.url_map.merge_slashes = False
    for route in routes:
        rule = _PARAMETER.sub(r"<segment:\1>", route.path)
        app.add_url_rule(rule, route.name, _serve(route, adapter, places), methods=[route.method])
    app.register_error_handler(IsthmusError, _isthmus_error)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(Exception, _defect)
    return app


def _serve(route: Route, adapter: Callable[[], Adapter], places: Places) -> Callable[..., Response]:
    known = frozenset(route.known_parameters)
    check = checker(route.request) if route.request is not None else None
    makes_at_once = route.status == 201 and not route.keyed

    def view(**path: str) -> Response:
        # What metrics call this request; the path itself would make a series of its own for each id.
        request.environ["isthmus.route"] = route.path
        exchange = Exchange(adapter(), request, path, places)
        if not route.open:
            _ = exchange.context
        if not route.listed:
            exchange.only(known)
        if makes_at_once and exchange.key is not None:
            raise Invalid(
                f"{route.method} {route.path} takes no Idempotency-Key: a second one would be made all the same.",
                next_step="Leave it out. When you do not know whether a request arrived, look whether it is there.",
            )
        body = None
        if check is not None:
            body = exchange.body()
            check(body)
        elif request.content_length:
            raise Invalid(f"{route.method} {route.path} takes no body.")
        return _respond(route.handler(exchange, body))

    return view


def _respond(reply: Reply) -> Response:
    body = reply.body
    if isinstance(body, Response):
        return body
    headers = dict(reply.headers)
    if body is None:
        return Response(status=reply.status, headers=headers)
    if isinstance(body, Page):
        document: Any = {"items": body.items, "next": body.next}
        if body.total is not None:
            document["total"] = body.total
    else:
        document = body
        version = getattr(body, "version", None)
        if isinstance(version, int):
            headers["ETag"] = f'"{version}"'
    response = JsonResponse(encoded(document), reply.status, headers)
    if "ETag" in headers and request.method in ("GET", "HEAD") and not _CONDITIONS.isdisjoint(request.environ):
        response.make_conditional(request)
    return response


def _request_id() -> str:
    return str(request.environ.get("isthmus.request_id", ""))


def _isthmus_error(error: IsthmusError) -> Response:
    return problem(error, _request_id())


def _http_error(error: HTTPException) -> Response:
    status = error.code or 500
    if status == 404:
        return problem(NotFound("There is no such path.", next_step="See /v1/docs."), _request_id())
    if status == 405:
        allowed = ", ".join(sorted(getattr(error, "valid_methods", None) or ()))
        said = Invalid(f"{request.method[:20]} is not possible here.", next_step=f"Use {allowed}.")
        response = problem(said, _request_id(), 405)
        response.headers["Allow"] = allowed
        return response
    if status == 413:
        return problem(Invalid("The body is too large."), _request_id(), 413)
    return problem(Invalid(error.description or "The request is not usable."), _request_id(), status)


def _defect(error: Exception) -> Response:
    _log.exception("a defect in %s %s", request.method, request.path)
    said = IsthmusError(
        "Something went wrong inside Isthmus; nothing more is known to have been changed than the operations say.",
        next_step=f"Look into the server's log for {_request_id()}, and please report it.",
    )
    return problem(said, _request_id(), 500)
