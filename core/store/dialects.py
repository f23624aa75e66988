"""The few statements that databases spell differently, each behind one name.

A further database (MariaDB, TiDB) needs, apart from its driver:
- here: `INSERT IGNORE` for `insert_if_absent` and `CAST(TRUNCATE(x, 0) AS SIGNED)` for `Whole`;
- in columns.py: a spelling of `DatabaseClock` (`CAST(UNIX_TIMESTAMP(NOW(6)) * 1000000 AS SIGNED)`), and lengths or
  LONGTEXT for `Json`, whose documents may pass 64 KiB;
- in database.py: READ COMMITTED set per connection (its default is REPEATABLE READ, under which a count after a lock
  still sees the old rows), its codes for deadlock and lock wait (1213, 1205), and its durability switch;
- in schema.py: a binary collation for names and keys (its default compares without case), and plain indexes where
  a partial one stands (`ix_events_unnumbered`, `ix_operations_live`);
- in upgrade.py: a lock (`GET_LOCK`), and care, since its DDL commits by itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import BigInteger, Table
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeEngine

from .database import Tx

_statements: dict[tuple[str, Table], Any] = {}


def insert_if_absent(tx: Tx, table: Table, values: Mapping[str, Any]) -> bool:
    """Add a row unless one with its primary key or another unique value exists; returns whether it was added.

    Race-free: where another transaction is adding the same row, this waits for its end.
    """
    key = (tx.dialect.name, table)
    statement = _statements.get(key)
    if statement is None:
        insert: Any = sqlite_insert if tx.dialect.name == "sqlite" else postgresql_insert
        statement = insert(table).on_conflict_do_nothing().execution_options(preserve_rowcount=True)
        _statements[key] = statement
    return bool(tx.execute(statement, dict(values)).rowcount == 1)


class Whole(FunctionElement[int]):
    """The whole part of a positive floating-point expression, exactly as Python's `int()` gives it."""

    inherit_cache = True
    type: TypeEngine[int] = BigInteger()


@compiles(Whole, "sqlite")
def _sqlite_whole(element: Whole, compiler: Any, **options: Any) -> str:
    return f"CAST({compiler.process(element.clauses, **options)} AS INTEGER)"


@compiles(Whole, "postgresql")
def _postgresql_whole(element: Whole, compiler: Any, **options: Any) -> str:
    return f"CAST(trunc(CAST({compiler.process(element.clauses, **options)} AS DOUBLE PRECISION)) AS BIGINT)"
