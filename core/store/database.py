"""The connection to the database: reads, writes, durability, and deadlocks retried in one place."""

from __future__ import annotations

import contextlib
import random
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from sqlalchemy import Connection, create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

from ..errors import Misconfigured, Unavailable

T = TypeVar("T")
Tx = Connection

_ATTEMPTS = 8
_RETRIED_SQLSTATES = frozenset({"40001", "40P01"})


class Database:
    """An open database.

    On SQLite (WAL) one writer goes at a time: a lock in the process queues the threads, since SQLite's own busy
    handler sleeps; other processes are waited for up to `busy_timeout` seconds.
    """

    def __init__(self, url: str, *, pool_size: int = 32, busy_timeout: float = 10.0) -> None:
        parsed = make_url(url)
        self.is_sqlite = parsed.get_backend_name() == "sqlite"
        if not self.is_sqlite and parsed.get_backend_name() != "postgresql":
            raise Misconfigured(
                f"The database {parsed.get_backend_name()!r} is not supported.", next_step="Use sqlite or postgresql."
            )
        self.url = parsed.render_as_string(hide_password=True)
        options: dict[str, Any] = {"pool_size": pool_size, "max_overflow": 64, "pool_use_lifo": True}
        if self.is_sqlite:
            options["connect_args"] = {"timeout": busy_timeout, "check_same_thread": False}
        self.engine = create_engine(parsed, **options)
        self._writer: contextlib.AbstractContextManager[Any] = (
            threading.Lock() if self.is_sqlite else contextlib.nullcontext()
        )
        event.listen(self.engine, "connect", self._connected)
        event.listen(self.engine, "begin", self._begun)

    @contextlib.contextmanager
    def read(self) -> Iterator[Tx]:
        """A connection for reading, with one consistent view on SQLite; raises `Unavailable`."""
        try:
            with self.engine.connect() as connection:
                yield connection
        except DBAPIError as error:
            raise _unavailable(error) from error

    def change(self, work: Callable[[Tx], T], *, durable: bool = False) -> T:
        """Run `work` in one transaction and commit it; deadlocks and lost connections run it again.

        `durable` says that the commit must survive a power loss when this returns. Raises what `work` raises, and
        `Unavailable` when the database does not answer (then nothing of it is known to be committed).
        """
        attempt = 0
        while True:
            attempt += 1
            committing = False
            try:
                with self._writer, self.engine.connect() as connection:
                    if self.is_sqlite:
                        self._set_synchronous(connection, durable)
                    with contextlib.closing(_Rollback(connection)) as guard:
                        connection.info["isthmus_write"] = True
                        connection.begin()
                        if durable and not self.is_sqlite:
                            connection.exec_driver_sql("SET LOCAL synchronous_commit = on")
                        result = work(connection)
                        committing = True
                        connection.commit()
                        guard.done = True
                        return result
            except DBAPIError as error:
                again = _is_conflict(error) or (error.connection_invalidated and not committing)
                if not again or attempt >= _ATTEMPTS:
                    raise _unavailable(error) from error
            time.sleep(random.uniform(0.001, 0.01) * attempt)  # noqa: S311 - jitter, not a secret

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()

    def ping(self) -> None:
        """Raise `Unavailable` when the database does not answer."""
        with self.read() as connection:
            connection.execute(text("SELECT 1"))

    def _connected(self, connection: Any, record: Any) -> None:
        if self.is_sqlite:
            connection.isolation_level = None
            for pragma in ("journal_mode=WAL", "foreign_keys=ON", "synchronous=FULL", "cache_size=-16384"):
                connection.execute(f"PRAGMA {pragma}")
            record.info["isthmus_durable"] = True
        else:
            previous, connection.autocommit = connection.autocommit, True
            with connection.cursor() as cursor:
                cursor.execute("SET synchronous_commit = off")
                cursor.execute("SET lock_timeout = '10s'")
                # A process that is frozen in the middle of a transaction must not keep its locks for ever.
                cursor.execute("SET idle_in_transaction_session_timeout = '30s'")
            connection.autocommit = previous

    def _begun(self, connection: Connection) -> None:
        if not self.is_sqlite:
            return
        begin = "BEGIN IMMEDIATE" if connection.info.pop("isthmus_write", False) else "BEGIN"
        try:
            # Past SQLAlchemy, whose way of saying this one word costs more than many a statement.
            _driver_of(connection).execute(begin)
        except sqlite3.Error as error:
            raise OperationalError(begin, {}, error) from error

    def _set_synchronous(self, connection: Connection, durable: bool) -> None:
        if connection.info.get("isthmus_durable") is not durable:
            _driver_of(connection).execute(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")
            connection.info["isthmus_durable"] = durable


def _driver_of(connection: Connection) -> Any:
    return connection.connection.driver_connection


class _Rollback:
    """Rolls back on the way out unless the commit happened."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.done = False

    def close(self) -> None:
        if not self.done:
            with contextlib.suppress(DBAPIError):
                self.connection.rollback()


def _is_conflict(error: DBAPIError) -> bool:
    original = error.orig
    if getattr(original, "sqlstate", None) in _RETRIED_SQLSTATES:
        return True
    return "database is locked" in str(original) or "database table is locked" in str(original)


def _unavailable(error: DBAPIError) -> Exception:
    """Connection trouble becomes `Unavailable`; a broken statement or constraint stays what it is, a defect of ours."""
    if error.connection_invalidated or isinstance(error, OperationalError | InterfaceError):
        reason = str(error.orig).strip().splitlines()[0] if str(error.orig).strip() else "no answer"
        return Unavailable(
            f"The database does not answer: {reason}",
            next_step="Check the database and its disk; requests are safe to repeat.",
        )
    return error
