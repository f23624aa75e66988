"""What the service says of itself: description, extensions, doctor, actions."""

from __future__ import annotations

from typing import Any

from ..exchange import Exchange, Reply
from ..route import Route


def _describe(x: Exchange, body: Any) -> Reply:
    return Reply(x.storage.describe())


def _doctor(x: Exchange, body: Any) -> Reply:
    return Reply({"items": x.administration.doctor()})


def _extensions(x: Exchange, body: Any) -> Reply:
    return Reply({"items": x.administration.extensions.list()})


def _extension(x: Exchange, body: Any) -> Reply:
    return Reply(x.administration.extensions.get(x.path["namespace"], x.path["name"]))


def _configure(x: Exchange, body: Any) -> Reply:
    changed = x.administration.extensions.configure(
        x.path["namespace"], x.path["name"], enabled=body.get("enabled"), settings=body.get("settings")
    )
    return Reply(changed)


ROUTES = (
    Route("GET", "/v1", "describe", "What this storage system offers", _describe, "service", response="description"),
    Route("GET", "/v1/doctor", "doctor", "What is wrong, and what to do", _doctor, "service", response="finding-list"),
    Route(
        "GET",
        "/v1/extensions",
        "list_extensions",
        "Plugins, drivers and other extensions as found",
        _extensions,
        "service",
        response="extension-list",
    ),
    Route(
        "GET",
        "/v1/extensions/{namespace}/{name}",
        "get_extension",
        "One extension",
        _extension,
        "service",
        response="extension",
    ),
    Route(
        "PATCH",
        "/v1/extensions/{namespace}/{name}",
        "configure_extension",
        "Enable, disable or configure an extension; takes effect at the next start",
        _configure,
        "service",
        request="extension-changes",
        response="extension",
    ),
)
