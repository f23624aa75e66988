"""All that is sealed in the database: under which root keys it is, and sealing it anew under the newest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Table, bindparam, select, tuple_, update

from ..security.sealing import SealBroken, Sealer, sealing_key
from ..store import schema
from ..store.database import Database, Tx
from ..store.records import sealing_owner

BATCH = 100


@dataclass(frozen=True, slots=True)
class Resealed:
    """`changed` values are under the newest key now; those in `broken` (their places, with the reason) open no more."""

    changed: int
    broken: tuple[str, ...] = ()


class _Place:
    """A table with sealed values. `owner` says for whom the value of a row was sealed."""

    def __init__(self, table: Table, owner: Callable[[Any], str]) -> None:
        self.owner = owner
        self.table = table
        self.names = [column.name for column in table.primary_key]
        key = [table.c[name] for name in self.names]
        this = [table.c[name] == bindparam(f"k_{name}") for name in self.names]
        first = select(*key, table.c.sealed).where(table.c.sealed.is_not(None)).order_by(*key)
        self._first = first.limit(bindparam("rows"))
        self._next = self._first.where(tuple_(*key) > tuple_(*(bindparam(f"k_{name}") for name in self.names)))
        # Only if it is still what was opened: whoever sets a secret anew meanwhile is right.
        self._swap = update(table).where(*this, table.c.sealed == bindparam("before")).values(sealed=bindparam("after"))

    def pages(self, database: Database, batch: int) -> Iterator[Sequence[Any]]:
        """All rows with a sealed value, by key."""
        given: dict[str, Any] = {"rows": batch}
        statement = self._first
        while True:
            with database.read() as tx:
                rows = tx.execute(statement, given).all()
            if rows:
                yield rows
            if len(rows) < batch:
                return
            statement, given = self._next, {**self.key(rows[-1]), "rows": batch}

    def swap(self, tx: Tx, row: Any, after: bytes) -> bool:
        given = {**self.key(row), "before": bytes(row.sealed), "after": after}
        return bool(tx.execute(self._swap, given).rowcount == 1)

    def key(self, row: Any) -> dict[str, str]:
        return {f"k_{name}": getattr(row, name) for name in self.names}

    def __str__(self) -> str:
        return str(self.table.name)


PLACES = (
    _Place(schema.secrets, lambda row: str(row.owner)),
    _Place(schema.records, lambda row: sealing_owner(row.owner)),
)
"""Every table with sealed values."""


def counted(database: Database) -> Counter[str]:
    """How many values each root key has sealed, by its id; those that are no sealed value at all under an empty one."""
    found: Counter[str] = Counter()
    for place in PLACES:
        for rows in place.pages(database, BATCH):
            found.update(_key_of(bytes(row.sealed)) for row in rows)
    return found


def reseal(database: Database, sealer: Sealer, *, batch: int = BATCH) -> Resealed:
    """Seal everything under the newest key of `sealer` that is not yet.

    In small durable transactions, so that one that is interrupted has done a part: what it did is under the newest
    key, the rest under the older ones as before. Idempotent. What cannot be opened stays as it is and is named.
    """
    changed = 0
    broken: list[str] = []
    for place in PLACES:
        for rows in place.pages(database, batch):
            fresh: list[tuple[Any, bytes]] = []
            for row in rows:
                before = bytes(row.sealed)
                try:
                    after = sealer.reseal(place.owner(row), before)
                except SealBroken as error:
                    broken.append(f"{place} {' '.join(place.key(row).values())}: {error.message}")
                else:
                    if after is not before:
                        fresh.append((row, after))
            if fresh:
                changed += _write(database, place, fresh)
    return Resealed(changed, tuple(broken))


def _write(database: Database, place: _Place, fresh: Sequence[tuple[Any, bytes]]) -> int:
    return database.change(lambda tx: sum(place.swap(tx, row, after) for row, after in fresh), durable=True)


def _key_of(sealed: bytes) -> str:
    try:
        return sealing_key(sealed)
    except SealBroken:
        return ""
