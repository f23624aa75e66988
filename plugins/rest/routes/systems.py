"""Systems: configured adapters."""

from __future__ import annotations

from typing import Any

from ....core.model.codec import from_json
from ....core.model.request import Changes, SystemRequest
from ..exchange import Exchange, Reply
from ..route import Route, listing, made

_TAG = "systems"
_ONE = "/v1/systems/{system}"


def _list(x: Exchange, body: Any) -> Reply:
    return Reply(x.administration.systems.list(x.query()))


def _get(x: Exchange, body: Any) -> Reply:
    return Reply(x.administration.systems.get(x.path["system"]))


def _add(x: Exchange, body: Any) -> Reply:
    system = x.administration.systems.add(from_json(SystemRequest, body))
    return made(system, f"/v1/systems/{system.id}")


def _try(x: Exchange, body: Any) -> Reply:
    return Reply(x.administration.systems.test(from_json(SystemRequest, body)))


def _test(x: Exchange, body: Any) -> Reply:
    return Reply(x.administration.systems.test(x.path["system"]))


def _update(x: Exchange, body: Any) -> Reply:
    changes = from_json(Changes, body)
    return Reply(x.administration.systems.update(x.path["system"], changes, if_version=x.if_version))


def _remove(x: Exchange, body: Any) -> Reply:
    x.administration.systems.remove(x.path["system"], if_version=x.if_version)
    return Reply(status=204)


ROUTES = (
    listing(
        _TAG,
        "/v1/systems",
        "system",
        _list,
        ("name", "adapter", "state", "health"),
        ("created_at", "name"),
    ),
    Route(
        "POST",
        "/v1/systems",
        "add_system",
        "Ask a system and add it",
        _add,
        _TAG,
        201,
        "system-request",
        "system",
    ),
    Route(
        "POST",
        "/v1/systems/test",
        "try_system",
        "Test a configuration without adding it",
        _try,
        _TAG,
        request="system-request",
        response="trial",
    ),
    Route("GET", _ONE, "get_system", "One system, by id or name", _get, _TAG, response="system"),
    Route("POST", f"{_ONE}/test", "test_system", "Ask a system how it is", _test, _TAG, response="trial"),
    Route(
        "PATCH",
        _ONE,
        "update_system",
        "Rename, disable, enable or configure a system",
        _update,
        _TAG,
        request="system-changes",
        response="system",
        conditional=True,
    ),
    Route("DELETE", _ONE, "remove_system", "Remove a system", _remove, _TAG, 204, conditional=True),
)
