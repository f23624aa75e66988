"""What of the installation could not be reached without an extension."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, select

from ..store import schema
from ..store.database import Database

_USES: dict[str, tuple[str, ColumnElement[Any], ColumnElement[Any]]] = {
    "drivers": ("back ends", schema.backends.c.name, schema.backends.c.driver),
    "adapters": ("systems", schema.systems.c.name, schema.systems.c.adapter),
}
_SHOWN = 5


def dependants(database: Database, namespace: str, name: str) -> str:
    """Who uses the extension, as a text for a person: "the back ends fast, slow"; empty when nobody does."""
    if namespace not in _USES:
        return ""
    noun, called, uses = _USES[namespace]
    statement = select(called).where(uses == name).order_by(called).limit(_SHOWN + 1)
    with database.read() as tx:
        found = [str(row[0]) for row in tx.execute(statement)]
    if not found:
        return ""
    return f"the {noun} {', '.join(found[:_SHOWN])}{' and more' if len(found) > _SHOWN else ''}"
