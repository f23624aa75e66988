"""Find a noun by something other than its id, with a statement built once."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

from sqlalchemy import bindparam, select

from .database import Tx
from .repository import Repository
from .statement import Statement

T = TypeVar("T")


class Lookup(Generic[T]):
    """Nouns by equality on the named columns, in the order of their ids."""

    def __init__(self, repository: Repository[T], *columns: str) -> None:
        table = repository.table
        self._repository = repository
        self._columns = columns
        self._statement = Statement(
            select(*repository.columns)
            .where(*(table.c[name] == bindparam(f"w_{name}", type_=table.c[name].type) for name in columns))
            .order_by(table.c.id)
        )

    def find(self, tx: Tx, *values: Any) -> T | None:
        """The first noun whose columns have these values, or None."""
        found = self.all(tx, *values)
        return found[0] if found else None

    def all(self, tx: Tx, *values: Any) -> list[T]:
        """All nouns whose columns have these values."""
        parameters = {f"w_{name}": value for name, value in zip(self._columns, values, strict=True)}
        rows = tx.execute(self._statement, parameters)
        return self._repository.complete(tx, [self._repository.noun_of(row) for row in rows])
