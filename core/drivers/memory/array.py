"""The array itself: one small file that outlives a process and is shared by several, as an array is."""

from __future__ import annotations

import fcntl
import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ...errors import Failed, Transient, Unavailable

_SCHEMA = """
CREATE TABLE IF NOT EXISTS pool (
    name TEXT PRIMARY KEY, total INTEGER NOT NULL, foreign_used INTEGER NOT NULL, used INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS object (
    id TEXT PRIMARY KEY, kind TEXT NOT NULL, pool TEXT NOT NULL, size INTEGER NOT NULL,
    thick INTEGER NOT NULL, reserved INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS block (number INTEGER PRIMARY KEY, data BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS map (
    object TEXT NOT NULL, position INTEGER NOT NULL, block INTEGER NOT NULL, PRIMARY KEY (object, position)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS map_block ON map (block);
CREATE TABLE IF NOT EXISTS access (
    object TEXT NOT NULL, attachment TEXT NOT NULL, mode TEXT NOT NULL, identifier TEXT NOT NULL,
    initiators TEXT NOT NULL, proof TEXT NOT NULL, PRIMARY KEY (object, attachment)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS traffic (
    object TEXT PRIMARY KEY, since REAL NOT NULL, reads INTEGER NOT NULL DEFAULT 0,
    read_bytes INTEGER NOT NULL DEFAULT 0, writes INTEGER NOT NULL DEFAULT 0, written_bytes INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
"""


class Array:
    """One connection of this process to the file, used by one thread at a time.

    A commit survives the death of the process at once; it is not forced to the disk, so a power failure may take
    the last ones. A process that was forked off opens a connection of its own.
    """

    def __init__(self, path: Path, timeout: float) -> None:
        self.path = path
        self._timeout = timeout
        self._turn = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._process = 0

    def open(self) -> None:
        """Make the file where there is none. Raises `Unavailable` with the reason."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self._turn:
                self._live()
        except (OSError, sqlite3.Error) as error:
            raise Unavailable(
                f"the memory array {self.path} cannot be opened: {error}",
                next_step="check that the folder exists and can be written",
            ) from error

    def close(self) -> None:
        with self._turn:
            if self._connection is not None and self._process == os.getpid():
                self._connection.close()
            self._connection = None

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """The array as of one moment. Raises `Transient` or `Failed`."""
        with self._in_turn(), _translated(self.path):
            connection = self._live()
            connection.execute("BEGIN")
            try:
                yield connection
            finally:
                connection.execute("COMMIT")

    @contextmanager
    def changing(self) -> Iterator[sqlite3.Connection]:
        """One change, whole or not at all, alone among all processes. Raises `Transient` or `Failed`."""
        with self._in_turn(), _translated(self.path):
            connection = self._live()
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    @contextmanager
    def _in_turn(self) -> Iterator[None]:
        if not self._turn.acquire(timeout=self._timeout):
            raise Transient(f"the memory array {self.path} is busy")
        try:
            yield
        finally:
            self._turn.release()

    def _live(self) -> sqlite3.Connection:
        if self._connection is None or self._process != os.getpid():
            connection = sqlite3.connect(
                self.path, timeout=self._timeout, isolation_level=None, check_same_thread=False
            )
            with _alone(self.path.with_name(self.path.name + "-lock")):
                connection.execute("PRAGMA journal_mode=WAL")
                connection.execute("PRAGMA synchronous=OFF")
                connection.executescript(_SCHEMA)
            self._connection, self._process = connection, os.getpid()
        return self._connection


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    # Two processes that make the file WAL at once refuse each other, however long SQLite is told to wait.
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.OperationalError as error:
        raise Transient(f"the memory array {path} does not answer: {error}") from error
    except sqlite3.Error as error:
        raise Failed(f"the memory array {path} is damaged: {error}") from error
