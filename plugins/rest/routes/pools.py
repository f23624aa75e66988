"""Pools."""

from __future__ import annotations

from typing import Any

from ....core.model.codec import from_json
from ....core.model.request import Changes
from ..exchange import Exchange, Reply
from ..route import Route, listing

_TAG = "pools"
_ONE = "/v1/pools/{pool}"


def _list(x: Exchange, body: Any) -> Reply:
    return Reply(x.storage.pools.list(x.query()))


def _get(x: Exchange, body: Any) -> Reply:
    return Reply(x.storage.pools.get(x.path["pool"]))


def _update(x: Exchange, body: Any) -> Reply:
    changes = from_json(Changes, body)
    return Reply(x.storage.pools.update(x.path["pool"], changes, if_version=x.if_version))


ROUTES = (
    listing(_TAG, "/v1/pools", "pool", _list, ("name", "backend", "state", "zone"), ("created_at", "name")),
    Route("GET", _ONE, "get_pool", "One pool", _get, _TAG, response="pool"),
    Route(
        "PATCH",
        _ONE,
        "update_pool",
        "Change a pool's over-subscription ratio, reserve or metadata",
        _update,
        _TAG,
        request="pool-changes",
        response="pool",
        conditional=True,
    ),
)
