"""The plugin: what it mounts and how ready it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from ...plugin_manager.base import Base
from ...plugin_manager.contract import LOCAL_SYSTEM, Application


class RestPlugin(Base):
    """The API under `/v1`, the list of versions at `/`, health, readiness and metrics."""

    name: ClassVar[str] = "rest"
    contract_version: ClassVar[int] = 1
    settings_schema: ClassVar[Mapping[str, Any]] = {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "metrics_without_credentials": {
                "type": "boolean",
                "default": True,
                "description": "Whether /metrics answers without a token, as Prometheus expects by default.",
            }
        },
    }

    def prefixes(self) -> Sequence[str]:
        return ("/", "/v1", "/healthz", "/readyz", "/metrics")

    def wsgi(self) -> Application:
        from .application import make_application
        from .routes.actions import action_routes
        from .routes.catalogue import ROUTES
        from .routes.documents import document_routes
        from .routes.system import system_routes

        setup = self.setup
        routes = (*system_routes(setup), *ROUTES, *action_routes(setup.actions))
        served = (*routes, *document_routes(routes))
        return make_application(served, lambda: setup.systems[LOCAL_SYSTEM], setup.server.places)
