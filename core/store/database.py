"""The connection to the database: reads, writes, durability, and deadlocks retried in one place."""

from __future__ import annotations

import contextlib
import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from sqlalchemy import create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

from ..errors import Misconfigured, Unavailable
from .transaction import Tx as Tx

T = TypeVar("T")

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
        # Connections stay taken from SQLAlchemy's pool: giving one back and taking it again costs as much as a row.
        self._idle: Mapping[bool, list[Tx]] = {True: [], False: []}
        self._keeps = pool_size
        event.listen(self.engine, "connect", self._connected)

    @contextlib.contextmanager
    def read(self) -> Iterator[Tx]:
        """A connection for reading, with one consistent view on SQLite; raises `Unavailable`."""
        try:
            with self._opened() as tx:
                if self.is_sqlite:
                    tx.tell("BEGIN")
                yield tx
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
                with self._opened(durable) as tx, self._writer:
                    try:
                        self._begin(tx, durable)
                        result = work(tx)
                        committing = True
                        tx.commit()
                        return result
                    except BaseException:
                        # While this one has its turn, so that the next finds no lock of the file.
                        with contextlib.suppress(DBAPIError):
                            tx.rollback()
                        raise
            except DBAPIError as error:
                again = _is_conflict(error) or (error.connection_invalidated and not committing)
                if not again or attempt >= _ATTEMPTS:
                    raise _unavailable(error) from error
            time.sleep(random.uniform(0.001, 0.01) * attempt)  # noqa: S311 - jitter, not a secret

    def close(self) -> None:
        """Close all connections."""
        self._keeps = 0
        self._let_go()
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
        else:
            previous, connection.autocommit = connection.autocommit, True
            with connection.cursor() as cursor:
                cursor.execute("SET synchronous_commit = off")
                cursor.execute("SET lock_timeout = '10s'")
                # A process that is frozen in the middle of a transaction must not keep its locks for ever.
                cursor.execute("SET idle_in_transaction_session_timeout = '30s'")
            connection.autocommit = previous

    @contextlib.contextmanager
    def _opened(self, durable: bool = False) -> Iterator[Tx]:
        """A connection with no transaction begun, if possible one that is as durable already.

        Whatever is not committed is taken back on the way out.
        """
        tx = self._kept(durable) or self._kept(not durable) or Tx(self.engine)
        try:
            yield tx
        finally:
            self._give_back(tx)

    def _kept(self, durable: bool) -> Tx | None:
        try:
            return self._idle[durable].pop()
        except IndexError:
            return None

    def _give_back(self, tx: Tx) -> None:
        """Keep the connection for the next; one that is lost takes all others with it, for they will be lost too."""
        with contextlib.suppress(DBAPIError):
            tx.rollback()
        idle = self._idle[tx.durable]
        if tx.invalidated:
            self._let_go()
        elif len(idle) < self._keeps:
            idle.append(tx)
            return
        with contextlib.suppress(DBAPIError):
            tx.close()

    def _let_go(self) -> None:
        """Close the connections that nobody uses."""
        for durable in (True, False):
            while (tx := self._kept(durable)) is not None:
                with contextlib.suppress(DBAPIError):
                    tx.close()

    def _begin(self, tx: Tx, durable: bool) -> None:
        """Begin to write."""
        if not self.is_sqlite:
            if durable:
                tx.tell("SET LOCAL synchronous_commit = on")
            return
        if tx.durable is not durable:
            tx.tell(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")
            tx.durable = durable
        tx.tell("BEGIN IMMEDIATE")


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
