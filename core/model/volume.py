"""A volume: a promise of block storage to a tenant."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class VolumeState(StrEnum):
    """States of a volume. *In use* is derived from attachments and never stored."""

    CREATING = "creating"
    AVAILABLE = "available"
    EXTENDING = "extending"
    REVERTING = "reverting"
    RETYPING = "retyping"
    MIGRATING = "migrating"
    DELETING = "deleting"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Volume:
    """A volume as every platform sees it.

    `size` is in bytes: what was promised while creating, then what was read back from the back end.
    `placement`, `pool` and `identifier` are those of the active placement. `identifier` is the durable
    identifier on the wire (for example `naa.6…`), the join key to `/dev/disk/by-id`.
    `operation` is the live operation that changes the volume, or the one that left it in `error`.
    `protection` is what the volume says of its own snapshots (`core/profiles/schema.json`, `protection`); empty: as its
    profile says.
    `source_volume` and `source_snapshot` say what it was made from; they may no longer exist.
    """

    id: str
    tenant: str
    name: str
    size: int
    profile: str
    state: VolumeState
    protocol: str
    created_at: datetime
    updated_at: datetime
    version: int = 1
    description: str = ""
    zone: str | None = None
    placement: str | None = None
    pool: str | None = None
    identifier: str | None = None
    source_volume: str | None = None
    source_snapshot: str | None = None
    operation: str | None = None
    protection: Mapping[str, Any] = field(default_factory=dict)
    metadata: Mapping[str, str] = field(default_factory=dict)
