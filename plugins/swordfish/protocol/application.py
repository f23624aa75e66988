"""The WSGI application: every request goes through here, whatever it asks for.

Order matters: credentials come before anything that could tell a stranger something (DSP0266, Security: headers are
evaluated first), then the method, the privilege, the resource, the condition, and only then the change.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from ....core.errors import IsthmusError
from ..accounts import privileges
from ..service import Service
from .changing import act, create, delete, update
from .core_errors import refusal_of
from .messages import said
from .options import refuse_options
from .reading import read
from .refusal import Refusal, missing, not_allowed, refuse
from .request import Request
from .resource import Action, Collection, Endpoint, Resource, Served
from .response import Response, json_text
from .router import Router

_log = logging.getLogger(__name__)

KNOWN_METHODS = frozenset({"GET", "HEAD", "POST", "PATCH", "PUT", "DELETE", "OPTIONS"})
"""Methods that some resource may take; any other is answered 501 (DSP0266, HTTP methods)."""

_ALWAYS = (("OData-Version", "4.0"), ("Cache-Control", "no-cache"))


class SwordfishApplication:
    """Serves what the catalogue declares. `authenticate` says who asks."""

    def __init__(self, service: Service, served: Sequence[Served], authenticate: Callable[[Request], Any]) -> None:
        self.service = service
        self._authenticate = authenticate
        self._router = Router(served)
        service.router = self._router

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        request = Request(environ, self.service, self._authenticate)
        try:
            response = self._answer(request)
            response = response.with_headers(request.answering) if request.answering else response
        except Refusal as refusal:
            response = _refused(refusal)
        except IsthmusError as error:
            response = _refused(refusal_of(error, request.path))
        except Exception:
            _log.exception("a defect in %s %s", request.method[:20], request.path[:200])
            response = _refused(Refusal(500, [said("InternalError")]))
        body = response.body
        headers = [*_ALWAYS, *response.headers.items()]
        if response.status != 204 and response.status != 304:
            headers.append(("Content-Type", response.type))
        if isinstance(body, bytes):
            headers.append(("Content-Length", str(len(body))))
            body = (b"",) if request.method == "HEAD" else (body,)
        start_response(response.line, headers)
        return body

    def _answer(self, request: Request) -> Response:
        if request.method not in KNOWN_METHODS:
            raise refuse(501, "OperationNotAllowed")
        if request.header("OData-Version") not in (None, "4.0"):
            raise refuse(412, "HeaderInvalid", "OData-Version", resolution="This service speaks OData-Version 4.0.")
        found, action, params = self._find(request.path)
        if found is None or not _open(found, request) or (request.identified and request.method in ("GET", "HEAD")):
            # What is open to everybody is still no place to be called by a name that is not one's own.
            _ = request.context
        if found is None:
            raise missing(request.path)
        request.environ["isthmus.route"] = found.path
        request.params = params
        if isinstance(found, Endpoint):
            return self._endpoint(found, request)
        allowed: Sequence[str] = ("POST",) if action is not None else methods(found)
        if request.method not in allowed:
            raise not_allowed(allowed)
        if not _open(found, request):
            privileges.check(request.context, found.privileges, request.method)
            if "tenant" in params:
                # Another tenant's things are not there, whatever was sent to them.
                _ = request.tenant_storage
        if request.method in ("GET", "HEAD"):
            if not found.open:
                allowed = privileges.permitted(request.context, found.privileges, allowed)
            return read(found, request, allowed)
        if request.query:
            refuse_options(request.query, reading=False)
        if isinstance(found, Collection):
            if found.creation is not None:
                return create(found, found.creation, request)
        elif action is not None:
            return act(found, action, request)
        elif request.method == "PATCH" and found.update is not None:
            return update(found, found.update, request)
        elif request.method == "DELETE" and found.delete is not None:
            return delete(found, found.delete, request)
        raise not_allowed(allowed)

    def _find(self, path: str) -> tuple[Served | None, Action | None, dict[str, str]]:
        """What is served at a path, the action of it that the path names, and the names in the path."""
        if path.rstrip("/").endswith("/Members"):
            # POST to `Members` is POST to the collection (DSP0266, POST create); no member has this for its id.
            found = self._router.find(path.rpartition("/Members")[0])
            if found is not None and isinstance(found[0], Collection):
                return found[0], None, found[1]
        found = self._router.find(path)
        if found is not None:
            return found[0], None, found[1]
        stem, separator, name = path.rpartition("/Actions/")
        if separator:
            found = self._router.find(stem)
            if found is not None and isinstance(found[0], Resource):
                action = next((one for one in found[0].actions if one.name == name), None)
                if action is not None:
                    return found[0], action, found[1]
        return None, None, {}

    def _endpoint(self, endpoint: Endpoint, request: Request) -> Response:
        if not endpoint.open:
            privileges.check(request.context, endpoint.entity, request.method)
        handler = endpoint.handlers.get("GET" if request.method == "HEAD" else request.method)
        if handler is None:
            raise not_allowed(endpoint_methods(endpoint))
        if request.query:
            refuse_options(request.query, reading=request.method in ("GET", "HEAD"))
        response: Response = handler(request)
        if request.method in ("GET", "HEAD") and "Allow" not in response.headers:
            return Response(
                response.status,
                response.body,
                {**response.headers, "Allow": ", ".join(endpoint_methods(endpoint))},
                response.type,
            )
        return response


def methods(served: Resource | Collection) -> tuple[str, ...]:
    """What a resource takes: its `Allow` header."""
    if isinstance(served, Collection):
        return ("GET", "HEAD", "POST") if served.creation is not None else ("GET", "HEAD")
    changes = (("PATCH", served.update), ("DELETE", served.delete))
    return ("GET", "HEAD", *(name for name, done_by in changes if done_by is not None))


def _open(served: Served, request: Request) -> bool:
    """Whether this request needs no credentials."""
    if isinstance(served, Collection) and request.method == "POST":
        return served.creation is not None and served.creation.open
    return served.open


def endpoint_methods(endpoint: Endpoint) -> tuple[str, ...]:
    given = tuple(endpoint.handlers)
    return (*given, "HEAD") if "GET" in given else given


def _refused(refusal: Refusal) -> Response:
    return Response(refusal.status, json_text(refusal.body()), refusal.headers)
