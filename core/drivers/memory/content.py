"""What stands in the array's objects: blocks that copies share until one of them is written.

A pool's `used` is the sum of all blocks and of what its thick objects reserve. The reserve of a thick object is its
size less the blocks that it alone holds, so that no write to it ever finds the pool full.
"""

from __future__ import annotations

import sqlite3

BLOCK = 4096


class Full(Exception):
    """The pool has no room for this; `free` and `needed` are in bytes."""

    def __init__(self, pool: str, free: int, needed: int) -> None:
        super().__init__(pool, free, needed)
        self.pool, self.free, self.needed = pool, free, needed


def blocks_of(size: int) -> int:
    """The bytes that `size` bytes occupy, in whole blocks."""
    return -(-size // BLOCK) * BLOCK


def charge(array: sqlite3.Connection, pool: str, amount: int) -> None:
    """Take `amount` bytes of the pool, or give them back where it is negative. Raises `Full`."""
    if not amount:
        return
    taken = array.execute(
        "UPDATE pool SET used = used + :amount"
        " WHERE name = :pool AND (:amount < 0 OR foreign_used + used + :amount <= total)",
        {"amount": amount, "pool": pool},
    ).rowcount
    if not taken:
        row = array.execute("SELECT total - used - foreign_used FROM pool WHERE name = ?", (pool,)).fetchone()
        raise Full(pool, max(0, row[0]) if row else 0, amount)


def settle(array: sqlite3.Connection, object_id: str) -> None:
    """Bring the reserve of an object to what the rule says, after its size or its sharing changed. Raises `Full`."""
    row = array.execute("SELECT pool, size, reserved FROM object WHERE id = ? AND thick", (object_id,)).fetchone()
    if row is None:
        return
    pool, size, reserved = row
    alone = array.execute(
        "SELECT count(*) FROM map WHERE object = ? AND NOT EXISTS"
        " (SELECT 1 FROM map AS other WHERE other.block = map.block AND other.object <> map.object)",
        (object_id,),
    ).fetchone()[0]
    due = blocks_of(size) - alone * BLOCK
    charge(array, pool, due - reserved)
    array.execute("UPDATE object SET reserved = ? WHERE id = ?", (due, object_id))


def share(array: sqlite3.Connection, source: str, copy: str) -> None:
    """Give `copy` the content of `source`, which lies in the same pool. Raises `Full`."""
    array.execute(
        "INSERT INTO map (object, position, block) SELECT ?, position, block FROM map WHERE object = ?",
        (copy, source),
    )
    for object_id in (source, copy):
        settle(array, object_id)


def duplicate(array: sqlite3.Connection, source: str, copy: str, pool: str) -> None:
    """Give `copy`, which lies in another pool, blocks of its own with the content of `source`. Raises `Full`."""
    rows = array.execute("SELECT position FROM map WHERE object = ?", (source,)).fetchall()
    for (position,) in rows:
        _put(array, copy, pool, position, read(array, source, position * BLOCK, BLOCK))


def discard(array: sqlite3.Connection, object_id: str, pool: str) -> None:
    """Forget the content and give the pool the blocks that nothing else shares."""
    sharing = array.execute(
        "SELECT DISTINCT other.object FROM map JOIN map AS other ON other.block = map.block"
        " WHERE map.object = :object AND other.object <> :object",
        {"object": object_id},
    ).fetchall()
    freed = array.execute(
        "DELETE FROM block WHERE number IN (SELECT block FROM map WHERE object = :object)"
        " AND NOT EXISTS (SELECT 1 FROM map WHERE map.block = block.number AND map.object <> :object)",
        {"object": object_id},
    ).rowcount
    array.execute("DELETE FROM map WHERE object = ?", (object_id,))
    charge(array, pool, -freed * BLOCK)
    for (other,) in sharing:
        settle(array, other)


def occupied(array: sqlite3.Connection, object_id: str) -> int:
    """The bytes that the object occupies: its blocks, the shared ones included, and what it reserves."""
    row = array.execute(
        "SELECT reserved + ? * (SELECT count(*) FROM map WHERE map.object = object.id) FROM object WHERE id = ?",
        (BLOCK, object_id),
    ).fetchone()
    return int(row[0]) if row else 0


def read(array: sqlite3.Connection, object_id: str, offset: int, length: int) -> bytes:
    """`length` bytes from `offset`; what was never written reads as zeros."""
    first, last = offset // BLOCK, (offset + length - 1) // BLOCK
    content = bytearray((last - first + 1) * BLOCK)
    for position, data in array.execute(
        "SELECT position, data FROM map JOIN block ON number = block WHERE object = ? AND position BETWEEN ? AND ?",
        (object_id, first, last),
    ):
        start = (position - first) * BLOCK
        content[start : start + BLOCK] = data
    start = offset - first * BLOCK
    return bytes(content[start : start + length])


def write(array: sqlite3.Connection, object_id: str, pool: str, offset: int, data: bytes) -> None:
    """Put `data` at `offset`; blocks that others share are left to them. Raises `Full`."""
    position, end = offset // BLOCK, offset + len(data)
    while position * BLOCK < end:
        start = position * BLOCK
        low, high = max(offset, start), min(end, start + BLOCK)
        part = data[low - offset : high - offset]
        if len(part) < BLOCK:
            whole = bytearray(read(array, object_id, start, BLOCK))
            whole[low - start : high - start] = part
            part = bytes(whole)
        _put(array, object_id, pool, position, part)
        position += 1


def _put(array: sqlite3.Connection, object_id: str, pool: str, position: int, data: bytes) -> None:
    held = array.execute("SELECT block FROM map WHERE object = ? AND position = ?", (object_id, position)).fetchone()
    sharing: list[tuple[str]] = []
    if held is not None:
        sharing = array.execute("SELECT object FROM map WHERE block = ? AND object <> ?", (*held, object_id)).fetchall()
        if not sharing:
            array.execute("UPDATE block SET data = ? WHERE number = ?", (data, *held))
            return
    if not _spend_reserve(array, object_id):
        charge(array, pool, BLOCK)
    number = array.execute("INSERT INTO block (data) VALUES (?)", (data,)).lastrowid
    array.execute(
        "INSERT OR REPLACE INTO map (object, position, block) VALUES (?, ?, ?)", (object_id, position, number)
    )
    if len(sharing) == 1 and _spend_reserve(array, sharing[0][0]):
        charge(array, pool, -BLOCK)


def _spend_reserve(array: sqlite3.Connection, object_id: str) -> bool:
    return bool(
        array.execute(
            "UPDATE object SET reserved = reserved - ? WHERE id = ? AND reserved > 0", (BLOCK, object_id)
        ).rowcount
    )
