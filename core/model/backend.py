"""A back end: one configured instance of a driver."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class BackendState(StrEnum):
    ENABLED = "enabled"
    DISABLED = "disabled"


class Health(StrEnum):
    UNKNOWN = "unknown"
    HEALTHY = "healthy"
    DEGRADED = "degraded"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Backend:
    """A configured driver. Several back ends of one driver are normal.

    `settings` are the driver's own, without secrets (those are sealed in the store); `node` is the machine whose
    processes reach it, None when every node does. A disabled back end takes no new placements; what is on it stays.
    """

    id: str
    name: str
    driver: str
    state: BackendState
    health: Health
    created_at: datetime
    updated_at: datetime
    version: int = 1
    node: str | None = None
    zone: str | None = None
    health_reason: str = ""
    abilities: tuple[str, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    metadata: Mapping[str, str] = field(default_factory=dict)
