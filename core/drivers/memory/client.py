"""A host's end of a volume of the memory array."""

from __future__ import annotations

import errno
import hashlib
import sqlite3
from pathlib import Path

from ...errors import StorageError
from ...model.attachment import AccessMode, Connection
from . import content, traffic
from .array import Array


def proof_of(secret: str) -> str:
    """What the array keeps of an attachment's secret."""
    return hashlib.sha256(secret.encode()).hexdigest() if secret else ""


class MemoryClient:
    """Reads and writes a volume through the connection of one attachment, as a host does.

    Every call asks the array whether the attachment still holds, so a detach is felt at the next read or write.
    Raises `OSError`: ENODEV (not attached), EACCES (wrong secret or initiator), EROFS (read-only), ENOSPC (the pool
    is full), EINVAL (outside the volume), EIO (the array does not answer).
    """

    def __init__(self, connection: Connection, initiator: str = "") -> None:
        self._array = Array(Path(connection.public["array"]), timeout=30.0)
        self._placement = str(connection.public["placement"])
        self._attachment = str(connection.public["attachment"])
        self._proof = proof_of(connection.secrets.get("secret", ""))
        self._initiator = initiator

    @property
    def size(self) -> int:
        """The size in bytes that the host sees now."""
        return self._look()[1]

    @property
    def identifier(self) -> str:
        """The wire identifier that the host sees."""
        return self._look()[3]

    def read(self, offset: int, length: int) -> bytes:
        try:
            with self._array.changing() as array:
                _, size, _, _ = self._enter(array)
                _check_range(offset, length, size)
                traffic.count_read(array, self._placement, length)
                return content.read(array, self._placement, offset, length)
        except StorageError as error:
            raise OSError(errno.EIO, error.message) from error

    def write(self, offset: int, data: bytes) -> None:
        try:
            with self._array.changing() as array:
                pool, size, mode, _ = self._enter(array)
                if mode != AccessMode.READ_WRITE:
                    raise OSError(errno.EROFS, "the volume is attached read-only")
                _check_range(offset, len(data), size)
                content.write(array, self._placement, pool, offset, data)
                traffic.count_write(array, self._placement, len(data))
        except content.Full as full:
            raise OSError(errno.ENOSPC, f"pool {full.pool} is full") from full
        except StorageError as error:
            raise OSError(errno.EIO, error.message) from error

    def close(self) -> None:
        """Let go of the array's file; a later call opens it again."""
        self._array.close()

    def _look(self) -> tuple[str, int, str, str]:
        try:
            with self._array.reading() as array:
                return self._enter(array)
        except StorageError as error:
            raise OSError(errno.EIO, error.message) from error

    def _enter(self, array: sqlite3.Connection) -> tuple[str, int, str, str]:
        row = array.execute(
            "SELECT pool, size, mode, identifier, initiators, proof FROM access JOIN object ON id = object"
            " WHERE object = ? AND attachment = ?",
            (self._placement, self._attachment),
        ).fetchone()
        if row is None:
            raise OSError(errno.ENODEV, "the volume is not attached here")
        pool, size, mode, identifier, initiators, proof = row
        if proof != self._proof:
            raise OSError(errno.EACCES, "the secret is wrong")
        if initiators and self._initiator not in initiators.split("\n"):
            raise OSError(errno.EACCES, "the attachment is another initiator's")
        return pool, size, mode, identifier


def _check_range(offset: int, length: int, size: int) -> None:
    if offset < 0 or length < 1 or offset + length > size:
        raise OSError(errno.EINVAL, f"{length} bytes at {offset} are not within {size}")
