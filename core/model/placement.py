"""A placement: where the bytes of a volume are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class PlacementRole(StrEnum):
    """What a placement is to its volume; exactly one placement of a live volume is `active`."""

    ACTIVE = "active"
    SOURCE = "source"
    TARGET = "target"
    REPLICA = "replica"


@dataclass(frozen=True, slots=True)
class Placement:
    """One copy of a volume on one pool.

    `size` is what was reserved for it, in bytes, already rounded to the driver's granularity.
    `reference` is the driver's own note of where the object is; only the driver reads it.
    `identifier` is the durable wire identifier; a placement that replaces another takes it over.
    """

    id: str
    volume: str
    pool: str
    backend: str
    role: PlacementRole
    size: int
    thin: bool
    identifier: str
    created_at: datetime
    reference: Mapping[str, Any] = field(default_factory=dict)


def naa_identifier(placement_id: str) -> str:
    """The NAA identifier made from a placement's id: `naa.6` and the first 31 hex digits of the UUID.

    NAA format 6 is the 128-bit IEEE registered extended form (SPC-4 7.8.6.6.5).
    """
    return "naa.6" + placement_id.replace("-", "")[:31]
