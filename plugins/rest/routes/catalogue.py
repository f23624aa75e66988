"""All routes."""

from __future__ import annotations

from ..route import Route
from . import (
    administration,
    attachments,
    backends,
    events,
    hosts,
    metrics,
    operations,
    pools,
    profiles,
    service,
    snapshots,
    systems,
    volumes,
)

ROUTES: tuple[Route, ...] = tuple(
    route
    for module in (
        service,
        volumes,
        snapshots,
        attachments,
        hosts,
        pools,
        metrics,
        profiles,
        operations,
        events,
        administration,
        backends,
        systems,
    )
    for route in module.ROUTES
)
