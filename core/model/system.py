"""A system: a configured adapter to a storage system."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from .backend import Health


@dataclass(frozen=True, slots=True)
class System:
    """A storage system that plugins reach through an adapter: this engine, another Isthmus, a foreign array.

    `settings` hold no secrets; sealed credentials stay in the store.
    """

    id: str
    name: str
    adapter: str
    address: str | None
    health: Health
    created_at: datetime
    updated_at: datetime
    version: int = 1
    health_reason: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    metadata: Mapping[str, str] = field(default_factory=dict)
