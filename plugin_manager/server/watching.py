"""What the metrics of a server ask for when they are read."""

from __future__ import annotations

from ...core.engine.engine import Engine
from ...core.telemetry.database_errors import count_errors
from ...core.telemetry.inventory import operation_families, pool_families
from ...core.telemetry.metrics import Metrics
from .application import Front


def watch(metrics: Metrics, engine: Engine, front: Front) -> None:
    """Let `metrics` show how full the engine's queues and pools are, and how many event streams are open."""
    database, journal = engine.database, engine.parts.journal
    count_errors(database, metrics)
    metrics.follow(
        "isthmus_backlog",
        "Operations that were accepted here and have not ended, but for those that wait for others.",
        lambda: [({}, float(journal.backlog))],
    )
    metrics.follow("isthmus_event_streams", "Event streams that are open.", lambda: [({}, float(front.streams))])
    metrics.collect(lambda: operation_families(database))
    metrics.collect(lambda: pool_families(database))
