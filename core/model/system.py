"""A system: a configured adapter to a storage system."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from .backend import Health

LOCAL = "local"
"""The name, and the adapter, of the system that is this installation itself; nothing else is called so."""


class SystemState(StrEnum):
    ENABLED = "enabled"
    DISABLED = "disabled"


@dataclass(frozen=True, slots=True)
class System:
    """A storage system that plugins reach through an adapter: this engine, another Isthmus, a foreign array.

    `settings` hold no secrets; sealed credentials stay in the store. A disabled system is not reached by anybody.
    `health` is how it answered last; `product` and `offers` are what it last said of itself (`Description`).
    """

    id: str
    name: str
    adapter: str
    address: str | None
    state: SystemState
    health: Health
    created_at: datetime
    updated_at: datetime
    version: int = 1
    health_reason: str = ""
    product: str = ""
    offers: tuple[str, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    metadata: Mapping[str, str] = field(default_factory=dict)


def local_system(identifier: str, moment: datetime) -> System:
    """This installation itself, as the first start records it."""
    return System(
        id=identifier,
        name=LOCAL,
        adapter=LOCAL,
        address=None,
        state=SystemState.ENABLED,
        health=Health.HEALTHY,
        created_at=moment,
        updated_at=moment,
        product="Isthmus",
    )
