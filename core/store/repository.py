"""One table of one noun: rows in, frozen dataclasses out, with statements built once."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import fields
from enum import Enum
from typing import Any, Generic, TypeVar, get_type_hints

from sqlalchemy import Column, Table, bindparam, select, update
from sqlalchemy.sql import ColumnElement

from ..errors import NotFound, Stale
from ..model.identity import now
from .database import Tx
from .statement import Statement

T = TypeVar("T")


class Repository(Generic[T]):
    """Reads and writes the rows of one noun.

    Columns that the noun does not have (a password's hash) are never read here. Enumerations are kept as their text.
    """

    def __init__(self, table: Table, noun: type[T], label: str) -> None:
        self.table = table
        self.noun = noun
        self.label = label
        hints = get_type_hints(noun)
        self.names = tuple(f.name for f in fields(noun) if f.name in table.c)  # type: ignore[arg-type]
        self._convert: tuple[tuple[int, Callable[[Any], Any]], ...] = tuple(
            (index, {str(member.value): member for member in hints[name]}.__getitem__)
            for index, name in enumerate(self.names)
            if isinstance(hints[name], type) and issubclass(hints[name], Enum)
        )
        self.columns: tuple[Column[Any], ...] = tuple(table.c[name] for name in self.names)
        self._versioned = "version" in table.c
        self._positional = len(self.names) == len(fields(noun))  # type: ignore[arg-type]
        self._select = select(*self.columns)
        this = table.c.id == bindparam("wanted")
        self._by_id = Statement(self._select.where(this))
        self._delete = Statement(table.delete().where(this))
        self._inserts: dict[tuple[str, ...], Statement] = {}
        self._updates: dict[tuple[Any, ...], Statement] = {}

    def noun_of(self, row: Sequence[Any]) -> T:
        """The noun that a selected row holds."""
        if not self._convert:
            return self.noun(*row) if self._positional else self.noun(**dict(zip(self.names, row, strict=True)))
        values = list(row)
        for index, convert in self._convert:
            values[index] = convert(values[index])
        return self.noun(*values) if self._positional else self.noun(**dict(zip(self.names, values, strict=True)))

    def insert(self, tx: Tx, noun: T, **more: Any) -> None:
        """Add a row; `more` fills columns the noun does not have."""
        values = {name: getattr(noun, name) for name in self.names}
        values.update(more)
        given = tuple(values)
        statement = self._inserts.get(given)
        if statement is None:
            statement = self._inserts[given] = Statement(self.table.insert(), given)
        tx.execute(statement, values)

    def find(self, tx: Tx, identifier: str) -> T | None:
        """The noun with this id, or None."""
        row = tx.execute(self._by_id, {"wanted": identifier}).first()
        return None if row is None else self.complete(tx, [self.noun_of(row)])[0]

    def complete(self, tx: Tx, nouns: list[T]) -> list[T]:
        """The nouns with what lies in other tables added; for most there is nothing to add."""
        return nouns

    def get(self, tx: Tx, identifier: str) -> T:
        """The noun with this id; raises `NotFound`."""
        noun = self.find(tx, identifier)
        if noun is None:
            raise NotFound(f"There is no {self.label} {identifier}.", resource=identifier)
        return noun

    def where(self, tx: Tx, *conditions: ColumnElement[bool], limit: int | None = None) -> list[T]:
        """All nouns that satisfy the conditions; for short lists and the system's own use."""
        statement = self._select.where(*conditions)
        if limit is not None:
            statement = statement.limit(limit)
        return self.complete(tx, [self.noun_of(row) for row in tx.execute(statement)])

    def change(
        self,
        tx: Tx,
        identifier: str,
        *,
        states: Collection[str] | None = None,
        if_version: int | None = None,
        **values: Any,
    ) -> bool:
        """Compare-and-swap: set `values` and raise the version where id, state and version are as said.

        Returns whether a row changed. With no `values` it raises the version only (a child changed).
        """
        names = tuple(sorted(values))
        wanted = None if states is None else len(states)
        statement = self._updates.get((names, wanted, if_version is None))
        if statement is None:
            statement = self._build_update(names, wanted, if_version is not None)
            self._updates[(names, wanted, if_version is None)] = statement
        parameters: dict[str, Any] = {f"v_{name}": values[name] for name in names}
        parameters["wanted"] = identifier
        if "updated_at" in self.table.c and "updated_at" not in values:
            parameters["v_updated_at"] = now()
        if states is not None:
            parameters.update({f"state_{i}": str(state) for i, state in enumerate(states)})
        if if_version is not None:
            parameters["if_version"] = if_version
        return bool(tx.execute(statement, parameters).rowcount == 1)

    def delete(self, tx: Tx, identifier: str) -> bool:
        """Remove the row; returns whether there was one."""
        return bool(tx.execute(self._delete, {"wanted": identifier}).rowcount == 1)

    def require_version(self, tx: Tx, identifier: str, if_version: int | None) -> T:
        """The noun, after a `change` found nothing to change: tells why by raising `NotFound` or `Stale`."""
        noun = self.get(tx, identifier)
        current = getattr(noun, "version", None)
        if if_version is not None and current != if_version:
            raise Stale(
                f"The {self.label} has changed: it is at version {current}, not {if_version}.",
                next_step="Read it again and repeat the change if it still makes sense.",
                version=current,
            )
        return noun

    def _build_update(self, names: tuple[str, ...], states: int | None, with_version: bool) -> Statement:
        table = self.table
        values: dict[str, Any] = {name: bindparam(f"v_{name}", type_=table.c[name].type) for name in names}
        if "updated_at" in table.c and "updated_at" not in values:
            values["updated_at"] = bindparam("v_updated_at", type_=table.c.updated_at.type)
        if self._versioned:
            values["version"] = table.c.version + 1
        conditions: list[ColumnElement[bool]] = [table.c.id == bindparam("wanted")]
        if states is not None:
            conditions.append(table.c.state.in_([bindparam(f"state_{i}") for i in range(states)]))
        if with_version:
            conditions.append(table.c.version == bindparam("if_version"))
        return Statement(update(table).where(*conditions).values(**values))


def changes(values: Mapping[str, Any]) -> dict[str, Any]:
    """Only what was given: drops the entries whose value is None."""
    return {name: value for name, value in values.items() if value is not None}
