"""An event: something that became true."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Event:
    """Something that became true, inserted in the transaction that made it true.

    `number` is given afterwards by one numberer, consecutive and without holes; readers see numbered events only.
    `kind` reads like `volume.created`; `body` is the resource's public representation or the facts that changed.
    """

    id: str
    kind: str
    resource_type: str
    resource: str
    tenant: str | None
    user: str
    request_id: str
    created_at: datetime
    operation: str | None = None
    number: int | None = None
    body: Mapping[str, Any] = field(default_factory=dict)
