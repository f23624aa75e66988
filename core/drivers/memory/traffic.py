"""What hosts have read from and written to the array's volumes, counted by the array itself."""

from __future__ import annotations

import sqlite3
import time
from datetime import UTC, datetime

from ..contract import Counters


def begin(array: sqlite3.Connection, volume: str) -> None:
    """Count from now on; does nothing where that is done already (by an array of an earlier release it is not)."""
    array.execute("INSERT OR IGNORE INTO traffic (object, since) VALUES (?, ?)", (volume, time.time()))


def count_read(array: sqlite3.Connection, volume: str, length: int) -> None:
    """One read of `length` bytes."""
    begin(array, volume)
    array.execute(
        "UPDATE traffic SET reads = reads + 1, read_bytes = read_bytes + ? WHERE object = ?", (length, volume)
    )


def count_write(array: sqlite3.Connection, volume: str, length: int) -> None:
    """One write of `length` bytes."""
    begin(array, volume)
    array.execute(
        "UPDATE traffic SET writes = writes + 1, written_bytes = written_bytes + ? WHERE object = ?", (length, volume)
    )


def counted(array: sqlite3.Connection, volume: str) -> Counters | None:
    """The counters of a volume; None while nothing is counted yet."""
    row = array.execute(
        "SELECT reads, read_bytes, writes, written_bytes, since FROM traffic WHERE object = ?", (volume,)
    ).fetchone()
    if row is None:
        return None
    reads, read_bytes, writes, written_bytes, since = row
    return Counters(reads, read_bytes, writes, written_bytes, f"{volume} {since}", datetime.fromtimestamp(since, UTC))


def forget(array: sqlite3.Connection, volume: str) -> None:
    """The volume goes; absent is success."""
    array.execute("DELETE FROM traffic WHERE object = ?", (volume,))
