"""A snapshot: the content of a volume at one moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class SnapshotState(StrEnum):
    CREATING = "creating"
    AVAILABLE = "available"
    DELETING = "deleting"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A snapshot of a volume. `size` is the volume's size at that moment, in bytes.

    `reserved` is what the pool promises to it, in bytes (0 where the driver's snapshots take no room at first).
    `placement` is the placement it was taken of; `reference` is the driver's own note.
    """

    id: str
    tenant: str
    volume: str
    name: str
    size: int
    state: SnapshotState
    created_at: datetime
    updated_at: datetime
    version: int = 1
    description: str = ""
    placement: str | None = None
    pool: str | None = None
    reserved: int = 0
    operation: str | None = None
    reference: Mapping[str, Any] = field(default_factory=dict)
    metadata: Mapping[str, str] = field(default_factory=dict)
