"""Hosts and their initiators."""

from __future__ import annotations

from typing import Any

from ....core.model.codec import from_json
from ....core.model.request import Changes, HostRequest
from ..exchange import Exchange, Reply
from ..route import Route, listing, made

_TAG = "hosts"
_ONE = "/v1/hosts/{host}"


def _list(x: Exchange, body: Any) -> Reply:
    return Reply(x.storage.hosts.list(x.query()))


def _get(x: Exchange, body: Any) -> Reply:
    return Reply(x.storage.hosts.get(x.path["host"]))


def _create(x: Exchange, body: Any) -> Reply:
    host = x.storage.hosts.create(from_json(HostRequest, body))
    return made(host, f"/v1/hosts/{host.id}")


def _ensure(x: Exchange, body: Any) -> Reply:
    return Reply(x.storage.hosts.ensure(from_json(HostRequest, body)))


def _update(x: Exchange, body: Any) -> Reply:
    changes = from_json(Changes, body)
    return Reply(x.storage.hosts.update(x.path["host"], changes, if_version=x.if_version))


def _delete(x: Exchange, body: Any) -> Reply:
    x.storage.hosts.delete(x.path["host"], if_version=x.if_version)
    return Reply(status=204)


ROUTES = (
    listing(_TAG, "/v1/hosts", "host", _list, ("name", "initiator", "protocol"), ("created_at", "name")),
    Route("POST", "/v1/hosts", "create_host", "Make a host known", _create, _TAG, 201, "host-request", "host"),
    Route(
        "POST",
        "/v1/hosts/ensure",
        "ensure_host",
        "The host that has these initiators, made or completed where needed",
        _ensure,
        _TAG,
        request="host-request",
        response="host",
    ),
    Route("GET", _ONE, "get_host", "One host", _get, _TAG, response="host"),
    Route(
        "PATCH",
        _ONE,
        "update_host",
        "Change a host's name, address, initiators or metadata",
        _update,
        _TAG,
        request="host-changes",
        response="host",
        conditional=True,
    ),
    Route("DELETE", _ONE, "delete_host", "Forget a host", _delete, _TAG, 204, conditional=True),
)
