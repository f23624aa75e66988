"""What is measured of volumes and pools."""

from __future__ import annotations

from typing import Any

from ..exchange import Exchange, Reply
from ..route import Route

_VOLUME = "/v1/volumes/{volume}/metrics"
_POOL = "/v1/pools/{pool}/metrics"


def _volume(x: Exchange, body: Any) -> Reply:
    return Reply(x.storage.metrics.volume(x.path["volume"]))


def _volume_history(x: Exchange, body: Any) -> Reply:
    return Reply({"items": x.storage.metrics.history("volume", x.path["volume"])})


def _pool(x: Exchange, body: Any) -> Reply:
    return Reply(x.storage.metrics.pool(x.path["pool"]))


def _pool_history(x: Exchange, body: Any) -> Reply:
    return Reply({"items": x.storage.metrics.history("pool", x.path["pool"])})


ROUTES = (
    Route(
        "GET",
        _VOLUME,
        "measure_volume",
        "What a volume occupies, and what its hosts read and wrote",
        _volume,
        "volumes",
        response="measurement",
    ),
    Route(
        "GET",
        f"{_VOLUME}/history",
        "get_volume_history",
        "What was measured of a volume in the last hour, while it was attached",
        _volume_history,
        "volumes",
        response="measurement-list",
    ),
    Route(
        "GET",
        _POOL,
        "measure_pool",
        "What a pool holds, and how much of it is occupied and promised",
        _pool,
        "pools",
        response="measurement",
    ),
    Route(
        "GET",
        f"{_POOL}/history",
        "get_pool_history",
        "What was measured of a pool in the last day",
        _pool_history,
        "pools",
        response="measurement-list",
    ),
)
