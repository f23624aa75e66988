"""The API of the pages, below `PREFIX/api/`. Every request acts in the session of the person before the browser; none
has rights of its own, and nothing is answered that a page of another origin could have asked for."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable, Sequence
from http import HTTPStatus
from typing import Any

from ...core.errors import IsthmusError, NotFound
from ...plugin_manager.action import Actions
from ...plugin_manager.places import Places
from ..dynamic import DynamicItems
from ..manifest import Surface
from ..platform import Platform
from .actions import ROUTES as ACTIONS
from .exchange import Exchange, Offering, demand_own_pages, reader
from .explain import ROUTES as EXPLAIN
from .operations import ROUTES as OPERATIONS
from .problem import defect, problem
from .route import Reply, Route, find
from .session import ROUTES as SESSION
from .texts import ROUTES as TEXTS
from .views import ROUTES as VIEWS

ROUTES: Sequence[Route] = (*SESSION, *TEXTS, *VIEWS, *ACTIONS, *OPERATIONS, *EXPLAIN)

_log = logging.getLogger(__name__)
Headers = list[tuple[str, str]]


class Api:
    """A WSGI application."""

    def __init__(
        self,
        prefix: str,
        platform: Platform,
        actions: Actions,
        surface: Surface,
        dynamic: DynamicItems,
        places: Places,
    ) -> None:
        self._prefix = f"{prefix.rstrip('/')}/api/"
        self.offering = Offering(platform, actions, surface, dynamic, places)

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        try:
            reply, headers = self._reply(environ)
        except IsthmusError as error:
            reply, headers = self._refusal(environ, error)
        except Exception:
            _log.exception("%s %s failed", environ["REQUEST_METHOD"], environ.get("PATH_INFO"))
            broken = defect(self.offering.surface.texts, reader(environ), str(environ.get("isthmus.request_id", "")))
            reply, headers = self._refusal(environ, broken)
        content = json.dumps(reply.body, default=str).encode()
        start_response(
            f"{reply.status} {HTTPStatus(reply.status).phrase}",
            [
                ("Content-Type", "application/json; charset=utf-8"),
                ("Content-Length", str(len(content))),
                ("Cache-Control", reply.cache),
                *headers,
            ],
        )
        return [content]

    def _reply(self, environ: dict[str, Any]) -> tuple[Reply, Headers]:
        method = environ["REQUEST_METHOD"]
        found = find(ROUTES, method, environ.get("PATH_INFO", "").removeprefix(self._prefix))
        if not found.methods:
            raise NotFound("There is no such address.")
        if found.route is None:
            allowed = ", ".join(found.methods)
            said = {"code": "invalid", "message": f"This address answers {allowed}.", "next_step": ""}
            return Reply({**said, "request_id": environ.get("isthmus.request_id", "")}, 405), [("Allow", allowed)]
        environ["isthmus.route"] = f"{self._prefix}{found.route.pattern}"
        exchange = Exchange(self.offering, environ, found.words)
        if method != "GET":
            demand_own_pages(environ)
            # Read in any case: a body that is no JSON, or endless, is refused before anybody is asked who this is.
            _ = exchange.body
        return found.route.work(exchange), []

    def _refusal(self, environ: dict[str, Any], error: IsthmusError) -> tuple[Reply, Headers]:
        platform, texts = self.offering.platform, self.offering.surface.texts
        request_id = str(environ.get("isthmus.request_id", ""))
        status, body, headers = problem(error, platform, texts, reader(environ), request_id)
        return Reply(body, status), headers
