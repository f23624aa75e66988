"""The list of versions, the API document and its page, health, readiness, metrics, and the actions of all plugins."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib import resources
from typing import Any

from flask import Response

from ....core.model.codec import to_json
from ....core.model.operation import Operation
from ....plugin_manager.action import Call, Subject
from ....plugin_manager.contract import PluginSetup
from ..exchange import Exchange, Reply
from ..openapi import document
from ..route import Route, accepted

_PAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'self'; connect-src 'self'; base-uri 'none'"


def system_routes(setup: PluginSetup, routes: tuple[Route, ...]) -> tuple[Route, ...]:
    """The routes that tell of the server itself; `routes` are the others, for the document."""
    server = setup.server

    def index(x: Exchange, body: Any) -> Reply:
        versions = [{"id": "v1", "status": "current", "href": "/v1", "docs": "/v1/docs", "openapi": "/v1/openapi.json"}]
        return Reply(
            {"product": "Isthmus", "version": server.version, "versions": versions, "mounts": dict(server.mounts())}
        )

    def health(x: Exchange, body: Any) -> Reply:
        return Reply({"status": "alive"})

    def ready(x: Exchange, body: Any) -> Reply:
        findings = [to_json(finding) for finding in server.ready()]
        wrong = any(finding["level"] == "error" for finding in findings)
        return Reply({"ready": not wrong, "findings": findings}, 503 if wrong else 200)

    def metrics(x: Exchange, body: Any) -> Reply:
        if not setup.settings.get("metrics_without_credentials", True):
            _ = x.context
        content, kind = server.metrics()
        return Reply(Response(content, content_type=kind))

    def openapi(x: Exchange, body: Any) -> Reply:
        return Reply(document((*routes, *own)))

    def docs(x: Exchange, body: Any) -> Reply:
        return _file("docs.html", "text/html; charset=utf-8")

    def script(x: Exchange, body: Any) -> Reply:
        return _file("docs.js", "text/javascript; charset=utf-8")

    def list_actions(x: Exchange, body: Any) -> Reply:
        kind = x.request.args.get("kind")
        return Reply({"items": [_shown(plugin, action) for plugin, action in setup.actions.list(kind=kind)]})

    def invoke(x: Exchange, body: Any) -> Reply:
        plugin, action = x.path["plugin"], x.path["action"]
        subject = body.get("subject")
        call = Call(x.context, Subject(**subject) if subject else None, body.get("input", {}), x.key)
        if x.dry_run:
            return Reply({"plan": dict(setup.actions.plan(plugin, action, call))})
        result = setup.actions.invoke(plugin, action, call)
        return accepted(result) if isinstance(result, Operation) else Reply({"result": dict(result)})

    own: tuple[Route, ...] = (
        Route("GET", "/", "versions", "Versions and what is mounted", index, "service", response="index", open=True),
        Route("GET", "/healthz", "health", "Whether the process lives", health, "service", open=True),
        Route("GET", "/readyz", "ready", "Whether it can serve, and what is wrong", ready, "service", open=True),
        Route("GET", "/metrics", "metrics", "Metrics for Prometheus", metrics, "service", open=True),
        Route("GET", "/v1/openapi.json", "openapi", "This document", openapi, "service", open=True),
        Route("GET", "/v1/docs", "docs", "This document as a page", docs, "service", open=True),
        Route("GET", "/v1/docs.js", "docs_script", "The page's script", script, "service", open=True),
        Route(
            "GET",
            "/v1/actions",
            "list_actions",
            "What plugins can do",
            list_actions,
            "actions",
            response="action-list",
            parameters={"kind": {"type": "string", "description": "Only those offered on this kind of thing."}},
        ),
        Route(
            "POST",
            "/v1/actions/{plugin}/{action}",
            "invoke_action",
            "Do what a plugin can do",
            invoke,
            "actions",
            request="action-call",
            keyed=True,
        ),
    )
    return own


def _file(name: str, kind: str) -> Reply:
    text = resources.files("isthmus.plugins.rest").joinpath("pages", name).read_text(encoding="utf-8")
    headers = {"Content-Security-Policy": _PAGE_POLICY, "Cache-Control": "max-age=300"}
    return Reply(Response(text, content_type=kind, headers=headers))


def _shown(plugin: str, action: Any) -> Mapping[str, Any]:
    return {
        "plugin": plugin,
        "id": action.id,
        "title": action.title,
        "summary": action.summary,
        "kinds": list(action.kinds),
        "permission": action.permission,
        "input": json.loads(json.dumps(action.input)),
    }
