"""What holds for the server itself: the list of versions, health, readiness and metrics."""

from __future__ import annotations

from typing import Any

from flask import Response

from ....plugin_manager.contract import PluginSetup
from ..exchange import Exchange, Reply
from ..route import Route

_TAG = "service"
_VERSION = {"id": "v1", "status": "current", "href": "/v1", "docs": "/v1/docs", "openapi": "/v1/openapi.json"}


def system_routes(setup: PluginSetup) -> tuple[Route, ...]:
    """The routes that tell of the server itself."""
    server = setup.server

    def index(x: Exchange, body: Any) -> Reply:
        mounts = dict(server.mounts())
        return Reply({"product": "Isthmus", "version": server.version, "versions": [_VERSION], "mounts": mounts})

    def health(x: Exchange, body: Any) -> Reply:
        return Reply({"status": "alive"})

    def ready(x: Exchange, body: Any) -> Reply:
        findings = server.ready()
        wrong = any(finding.level == "error" for finding in findings)
        return Reply({"ready": not wrong, "findings": findings}, 503 if wrong else 200)

    def metrics(x: Exchange, body: Any) -> Reply:
        open_to_all = setup.settings.get("metrics_without_credentials", True)
        content, kind = server.metrics(None if open_to_all else x.context)
        return Reply(Response(content, content_type=kind))

    return (
        Route("GET", "/", "versions", "Versions and what is mounted", index, _TAG, response="index", open=True),
        Route("GET", "/healthz", "health", "Whether the process lives", health, _TAG, response="health", open=True),
        Route(
            "GET",
            "/readyz",
            "ready",
            "Whether it can serve, and what is wrong",
            ready,
            _TAG,
            response="readiness",
            also={503: ("readiness", "It cannot serve now; the findings say why.")},
            open=True,
        ),
        Route("GET", "/metrics", "metrics", "Metrics for Prometheus", metrics, _TAG, media="text/plain", open=True),
    )
