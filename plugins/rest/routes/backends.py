"""Back ends."""

from __future__ import annotations

from typing import Any

from ....core.model.codec import from_json
from ....core.model.request import BackendRequest, Changes
from ..exchange import Exchange, Reply
from ..route import Route, listing, made

_TAG = "backends"
_ONE = "/v1/backends/{backend}"


def _list(x: Exchange, body: Any) -> Reply:
    return Reply(x.administration.backends.list(x.query()))


def _get(x: Exchange, body: Any) -> Reply:
    return Reply(x.administration.backends.get(x.path["backend"]))


def _add(x: Exchange, body: Any) -> Reply:
    backend = x.administration.backends.add(from_json(BackendRequest, body))
    return made(backend, f"/v1/backends/{backend.id}")


def _try(x: Exchange, body: Any) -> Reply:
    return Reply(x.administration.backends.test(from_json(BackendRequest, body)))


def _test(x: Exchange, body: Any) -> Reply:
    return Reply(x.administration.backends.test(x.path["backend"]))


def _update(x: Exchange, body: Any) -> Reply:
    changes = from_json(Changes, body)
    return Reply(x.administration.backends.update(x.path["backend"], changes, if_version=x.if_version))


def _remove(x: Exchange, body: Any) -> Reply:
    x.administration.backends.remove(x.path["backend"], if_version=x.if_version)
    return Reply(status=204)


ROUTES = (
    listing(
        _TAG,
        "/v1/backends",
        "backend",
        _list,
        ("name", "driver", "state", "health", "node", "zone"),
        ("created_at", "name"),
    ),
    Route(
        "POST",
        "/v1/backends",
        "add_backend",
        "Test a back end and add it",
        _add,
        _TAG,
        201,
        "backend-request",
        "backend",
    ),
    Route(
        "POST",
        "/v1/backends/test",
        "try_backend",
        "Test a configuration without adding it",
        _try,
        _TAG,
        request="backend-request",
        response="trial",
    ),
    Route("GET", _ONE, "get_backend", "One back end, by id or name", _get, _TAG, response="backend"),
    Route("POST", f"{_ONE}/test", "test_backend", "Test and measure a back end", _test, _TAG, response="trial"),
    Route(
        "PATCH",
        _ONE,
        "update_backend",
        "Rename, disable or enable a back end",
        _update,
        _TAG,
        request="backend-changes",
        response="backend",
        conditional=True,
    ),
    Route("DELETE", _ONE, "remove_backend", "Remove an empty back end", _remove, _TAG, 204, conditional=True),
)
