"""Durable names (schema Resource, Identifier)."""

from __future__ import annotations

import re

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def identifier(id: str) -> dict[str, str] | None:
    """A thing of the core by its id, which is a UUID; None for the few that were given names for ids."""
    return {"DurableName": id, "DurableNameFormat": "UUID"} if _UUID.fullmatch(id) else None
