"""The administrators' choices about extensions, in the table `extensions`; secrets sealed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from ...core.model.identity import now
from ...core.security.sealing import Sealer
from ...core.store import schema, secrets
from ...core.store.database import Database, Tx
from ..manager import Choice

_table = schema.extensions


def owner(namespace: str, name: str) -> str:
    """Whose secrets they are."""
    return f"extension:{namespace}/{name}"


class StoredChoices:
    """`Choices` in the database; every call is a transaction of its own."""

    def __init__(self, database: Database, sealer: Sealer) -> None:
        self._database = database
        self._sealer = sealer

    def all(self) -> Mapping[tuple[str, str], Choice]:
        columns = (_table.c.namespace, _table.c.name, _table.c.enabled, _table.c.settings)
        with self._database.read() as tx:
            return {
                (row.namespace, row.name): Choice(
                    row.enabled, row.settings, self._secrets(tx, owner(row.namespace, row.name))
                )
                for row in tx.execute(select(*columns)).all()
            }

    def put(
        self,
        namespace: str,
        name: str,
        *,
        enabled: bool,
        settings: Mapping[str, Any],
        secrets: Mapping[str, str | None],
    ) -> None:
        self._database.change(lambda tx: self._put(tx, namespace, name, enabled, settings, secrets), durable=True)

    def _put(
        self,
        tx: Tx,
        namespace: str,
        name: str,
        enabled: bool,
        settings: Mapping[str, Any],
        given: Mapping[str, str | None],
    ) -> None:
        this = (_table.c.namespace == namespace) & (_table.c.name == name)
        values = {"enabled": enabled, "settings": dict(settings), "updated_at": now()}
        changed = tx.execute(_table.update().where(this).values(**values, version=_table.c.version + 1))
        if changed.rowcount == 0:
            tx.execute(_table.insert().values(namespace=namespace, name=name, **values))
        whose = owner(namespace, name)
        for secret, text in given.items():
            if text is None:
                secrets.delete(tx, whose, secret)
            else:
                secrets.put(tx, whose, secret, self._sealer.seal(whose, text.encode()))

    def _secrets(self, tx: Tx, whose: str) -> Mapping[str, str] | None:
        opened = {}
        for name in secrets.names(tx, whose):
            sealed = secrets.get(tx, whose, name)
            if sealed is not None:
                opened[name] = self._sealer.open(whose, sealed).decode()
        return opened or None
