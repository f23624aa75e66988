"""Statements that are compiled once for each dialect and then given to the database's driver as they are.

Building a statement anew, or leading it through SQLAlchemy's execution each time, costs several times what the
database itself needs for a row by its key. What runs at every request is therefore kept as a `Statement`; everything
else is executed as SQLAlchemy does it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Dialect
from sqlalchemy.sql import Delete, Insert, Select, Update
from sqlalchemy.sql.compiler import SQLCompiler

Process = Callable[[Any], Any]


class Statement:
    """A statement of Core whose parameters are all named binds; `Tx.execute` takes it in place of the clause.

    An insert without values needs the `names` of the columns that are given.
    Lists (`IN` with an expanding bind) and several rows at once are for SQLAlchemy itself.
    """

    __slots__ = ("_forms", "_names", "clause")

    def __init__(self, clause: Select[Any] | Insert | Update | Delete, names: Sequence[str] | None = None) -> None:
        self.clause = clause
        self._names = names
        self._forms: dict[str, _Form] = {}

    def form(self, dialect: Dialect) -> _Form:
        """The statement as text of this dialect."""
        form = self._forms.get(dialect.name)
        if form is None:
            form = self._forms[dialect.name] = _Form(self.clause, self._names, dialect)
        return form


class _Form:
    """The text, what is bound to it, and how its rows are read."""

    __slots__ = ("_bound", "_columns", "_dialect", "_given", "_positional", "_read", "text")

    def __init__(self, clause: Any, names: Sequence[str] | None, dialect: Dialect) -> None:
        compiled: SQLCompiler = clause.compile(dialect=dialect, column_keys=names)
        defaults: dict[str, Any] = {column.key: column.default for column in compiled.insert_prefetch}
        if compiled.post_compile_params or not all(default.is_scalar for default in defaults.values()):
            raise ValueError(f"a statement with lists or computed defaults is not compiled once: {compiled.string}")
        self.text = compiled.string
        self._positional = compiled.positiontup is not None
        order = compiled.positiontup if compiled.positiontup is not None else sorted(set(compiled.bind_names.values()))
        self._bound: list[Any] = []
        self._given: list[tuple[Any, str, Process | None]] = []
        for place, name in enumerate(order):
            bind = compiled.binds[name]
            process: Process | None = bind.type.dialect_impl(dialect).bind_processor(dialect)
            fixed = defaults[name].arg if name in defaults else bind.effective_value
            self._bound.append(fixed if process is None or bind.required else process(fixed))
            if bind.required:
                self._given.append((place if self._positional else name, name, process))
        if not self._positional:
            self._bound = [dict(zip(order, self._bound, strict=True))]
        self._columns = tuple(clause.selected_columns) if isinstance(clause, Select) else ()
        self._dialect = dialect
        self._read: list[tuple[int, Process]] | None = None

    def execute(self, driver: Any, parameters: Mapping[str, Any] | None) -> Rows:
        """Run it on the driver's connection; raises what the driver raises."""
        bound: Any = list(self._bound) if self._positional else dict(self._bound[0])
        for place, name, process in self._given:
            value = parameters[name]  # type: ignore[index]
            bound[place] = value if process is None else process(value)
        cursor = driver.execute(self.text, bound)
        if not self._columns:
            return Rows((), cursor.rowcount)
        rows = cursor.fetchall()
        read = self._read
        if read is None:
            read = self._read = self._readers(cursor.description)
        if read:
            rows = [list(row) for row in rows]
            for values in rows:
                for place, reader in read:
                    values[place] = reader(values[place])
        return Rows(rows, len(rows))

    def _readers(self, description: Sequence[Sequence[Any]]) -> list[tuple[int, Process]]:
        """What must be done to which value of a row; the driver says in which types it gives them."""
        found: list[tuple[int, Process]] = []
        for place, (column, described) in enumerate(zip(self._columns, description, strict=True)):
            reader = column.type.dialect_impl(self._dialect).result_processor(self._dialect, described[1])
            if reader is not None:
                found.append((place, reader))
        return found


class Rows:
    """What a statement gave: all its rows as plain sequences, or how many rows it changed (`rowcount`)."""

    __slots__ = ("_rows", "rowcount")

    def __init__(self, rows: Sequence[Sequence[Any]], rowcount: int) -> None:
        self._rows = rows
        self.rowcount = rowcount

    def all(self) -> Sequence[Sequence[Any]]:
        return self._rows

    def __iter__(self) -> Iterator[Sequence[Any]]:
        return iter(self._rows)

    def first(self) -> Sequence[Any] | None:
        """The first row, None without one."""
        return self._rows[0] if self._rows else None

    def scalar(self) -> Any:
        """The first value of the first row, None without one."""
        return self._rows[0][0] if self._rows else None
