"""Events are inserted, still without a number, in the transaction that makes them true."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

from sqlalchemy import bindparam

from ..context import Context
from ..model.identity import new_id, now
from ..store import schema
from ..store.columns import DatabaseClock, from_micros, to_micros
from ..store.database import Tx
from ..store.statement import Statement

_given = {
    column.name: bindparam(column.name, type_=column.type) for column in schema.events.c if column.name != "number"
}
_insert = Statement(schema.events.insert().values(_given))
_insert_by_database_clock = Statement(schema.events.insert().values(_given | {"created_at": DatabaseClock()}))
_lock = threading.Lock()
_last = 0


def append(
    tx: Tx,
    kind: str,
    resource_type: str,
    resource: str,
    *,
    tenant: str | None,
    context: Context,
    body: Mapping[str, Any] | None = None,
    operation: str | None = None,
) -> str:
    """Say that something became true; returns the event's id.

    It is seen by readers soon after the commit, and never if the transaction is rolled back. `body` is plain JSON
    without secrets. Of two events on one database the one written later, after the other's commit, gets the higher
    number: the time is the database's, on SQLite this machine's, made to rise.
    """
    identifier = new_id()
    row: dict[str, Any] = {
        "id": identifier,
        "kind": kind,
        "resource_type": resource_type,
        "resource": resource,
        "tenant": tenant,
        "user": context.user,
        "request_id": context.request_id,
        "operation": operation,
        "body": body or {},
    }
    if tx.dialect.name == "sqlite":
        tx.execute(_insert, row | {"created_at": from_micros(_rising())})
    else:
        tx.execute(_insert_by_database_clock, row)
    return identifier


def _rising() -> int:
    """This machine's time in microseconds, higher at each call in this process."""
    global _last
    with _lock:
        _last = max(_last + 1, to_micros(now()))
        return _last
