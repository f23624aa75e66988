"""Ids and times, made in one place."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime


def new_id() -> str:
    """A fresh random UUID as text."""
    return str(uuid.uuid4())


def now() -> datetime:
    """This machine's time in UTC. Leases never use it; they go by the database's clock."""
    return datetime.now(UTC)
