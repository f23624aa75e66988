"""The application on an adapter that only says who asks, and answers what a test gives it to answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import SimpleNamespace
from typing import Any, cast

from werkzeug.test import TestResponse

from isthmus.adapters.contract import Adapter
from isthmus.core.context import Context
from isthmus.core.errors import Unauthenticated
from isthmus.core.model.description import Finding
from isthmus.core.model.request import Credential
from isthmus.core.security.policy import authorise
from isthmus.plugin_manager.contract import PluginSetup
from isthmus.plugin_manager.places import Places
from isthmus.plugins.rest.application import make_application
from isthmus.plugins.rest.route import Route
from isthmus.plugins.rest.routes.actions import action_routes
from isthmus.plugins.rest.routes.catalogue import ROUTES
from isthmus.plugins.rest.routes.documents import document_routes
from isthmus.plugins.rest.routes.system import system_routes

REQUEST_ID = "req-11111111-2222-3333-4444-555555555555"
HEADERS = {"Authorization": "Bearer right"}


class Known:
    """An adapter that knows one token and one password."""

    def __init__(self) -> None:
        self.parts = SimpleNamespace()
        self.asked: list[tuple[Credential, str | None]] = []
        self.tenant: str | None = "t1"
        self.role = "member"
        self.right = "right"

    def authenticate(self, credential: Credential, *, tenant: str | None, request_id: str | None) -> Context:
        self.asked.append((credential, tenant))
        if self.right not in (credential.token, credential.password):
            raise Unauthenticated("The credentials are not valid.")
        return Context(self.tenant, "u1", frozenset({self.role}), request_id or REQUEST_ID)

    def storage(self, context: Context) -> SimpleNamespace:
        return self.parts

    administration = storage


class Server:
    version = "1.2.3"

    def __init__(self) -> None:
        self.findings: Sequence[Finding] = ()

    def mounts(self) -> Mapping[str, str]:
        return {"/v1": "rest"}

    def ready(self) -> Sequence[Finding]:
        return self.findings

    def metrics(self, context: Context | None = None) -> tuple[bytes, str]:
        if context is not None:
            authorise(context, "metrics:read", None)
        return b"isthmus_up 1\n", "text/plain; version=1.0.0"


class Site:
    """The application, asked without a network."""

    def __init__(self, **settings: Any) -> None:
        self.adapter = Known()
        self.server, self.places = Server(), Places(2)
        actions = SimpleNamespace(list=lambda *, kind: ())
        setup = cast(PluginSetup, SimpleNamespace(server=self.server, settings=settings, actions=actions))
        routes = (*system_routes(setup), *ROUTES, *action_routes(setup.actions))
        self.routes: tuple[Route, ...] = (*routes, *document_routes(routes))
        self.app = make_application(self.routes, lambda: cast(Adapter, self.adapter), self.places)

    def offer(self, collection: str, **methods: Callable[..., Any]) -> None:
        """Let the adapter's COLLECTION have these methods."""
        setattr(self.adapter.parts, collection, SimpleNamespace(**methods))

    def ask(self, method: str, path: str, **given: Any) -> TestResponse:
        given.setdefault("headers", HEADERS)
        environ = {"isthmus.request_id": REQUEST_ID}
        return self.app.test_client().open(path, method=method, environ_overrides=environ, **given)
