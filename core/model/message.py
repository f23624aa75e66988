"""A message: what happened, said to the people it concerns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Message:
    """A failure or warning for users, kept after the resource and the operation are gone.

    `level` is `info`, `warning` or `error`; `code` is that of the error class; `text` is one or two sentences.
    """

    id: str
    tenant: str | None
    level: str
    code: str
    text: str
    request_id: str
    created_at: datetime
    next_step: str | None = None
    resource_type: str | None = None
    resource: str | None = None
    operation: str | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
