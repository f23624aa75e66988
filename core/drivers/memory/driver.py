"""The memory driver: every ability, on an array in one small file."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

from ...errors import Failed, Refused
from ...model.attachment import Connection
from ..contract import Allocated, DriverSetup, Export, Grant, Item, Metered, PoolReport, Resized, Taken, Wanted
from . import content, traffic
from .array import Array
from .client import proof_of
from .settings import SCHEMA, PoolSettings, pools_of

PROTOCOL = "memory"
_VOLUME, _SNAPSHOT = "volume", "snapshot"


class MemoryDriver:
    """An array that is a file: thin and thick volumes, snapshots and clones that share blocks, exports of its own.

    It publishes with the protocol `memory`, which `MemoryClient` speaks. A thin volume occupies what was written to
    it; a thick one its whole size, and a snapshot of it reserves that size once more, so that no later write to it
    finds the pool full. It keeps no reference: objects are found by their id.
    """

    name: ClassVar[str] = "memory"
    settings_schema: ClassVar[Mapping[str, Any]] = SCHEMA

    def __init__(self, setup: DriverSetup) -> None:
        self._pools: Mapping[str, PoolSettings] = pools_of(setup.settings)
        self._latency = float(setup.settings.get("latency", 0.0))
        #: Nothing is waited for but the file, and that not longer than allowed. Of what is derived nobody knows.
        self.ends_in_time = type(self) is MemoryDriver and not self._latency
        path = setup.settings.get("path")
        self._array = Array(Path(path) if path else setup.state / "array.sqlite", setup.timeout)

    def start(self) -> None:
        self._array.open()
        with self._array.changing() as array:
            array.executemany(
                "INSERT INTO pool (name, total, foreign_used) VALUES (?, ?, ?)"
                " ON CONFLICT (name) DO UPDATE SET total = excluded.total, foreign_used = excluded.foreign_used",
                [(pool.name, pool.total, pool.foreign) for pool in self._pools.values()],
            )

    def stop(self) -> None:
        self._array.close()

    def check(self) -> None:
        with self._reading() as array:
            array.execute("SELECT count(*) FROM pool").fetchone()

    def pools(self) -> Sequence[PoolReport]:
        with self._reading() as array:
            used = dict(array.execute("SELECT name, used FROM pool").fetchall())
        return [pool.report(used.get(pool.name, 0)) for pool in self._pools.values()]

    def create(self, wanted: Wanted) -> Allocated:
        with self._changing() as array:
            return _existing(array, wanted) or self._make(array, wanted, wanted.size)

    def delete(self, placement: str, reference: Mapping[str, Any]) -> None:
        with self._changing() as array:
            _refuse_attached(array, placement, "deleted")
            _remove(array, _VOLUME, placement)

    def inspect(self, placement: str, reference: Mapping[str, Any]) -> Allocated | None:
        with self._reading() as array:
            row = _find(array, _VOLUME, placement)
        return None if row is None else Allocated(placement, row[0], row[1])

    def meter(self, placement: str, reference: Mapping[str, Any]) -> Metered | None:
        with self._reading() as array:
            if _find(array, _VOLUME, placement) is None:
                return None
            return Metered(content.occupied(array, placement), traffic.counted(array, placement))

    def inventory(self) -> Iterable[Item]:
        with self._reading() as array:
            rows = array.execute("SELECT kind, id, pool, size FROM object ORDER BY id").fetchall()
        return [Item(*row) for row in rows]

    def extend(self, placement: str, reference: Mapping[str, Any], size: int) -> Allocated:
        with self._changing() as array:
            pool, now = _require(array, _VOLUME, placement)
            if now < size:
                array.execute("UPDATE object SET size = ? WHERE id = ?", (size, placement))
                content.settle(array, placement)
            return Allocated(placement, pool, max(now, size))

    def snapshot(self, placement: str, reference: Mapping[str, Any], snapshot: str) -> Taken:
        with self._changing() as array:
            if taken := _taken(array, snapshot):
                return taken
            _refuse_attached(array, placement, "kept by a snapshot of a detached volume")
            return _take(array, placement, snapshot)

    def live_snapshot(self, placement: str, reference: Mapping[str, Any], snapshot: str) -> Taken:
        with self._changing() as array:
            return _taken(array, snapshot) or _take(array, placement, snapshot)

    def delete_snapshot(self, snapshot: str, reference: Mapping[str, Any]) -> None:
        with self._changing() as array:
            _remove(array, _SNAPSHOT, snapshot)

    def inspect_snapshot(self, snapshot: str, reference: Mapping[str, Any]) -> Taken | None:
        with self._reading() as array:
            return _taken(array, snapshot)

    def revert(
        self, wanted: Wanted, placement: str, reference: Mapping[str, Any], snapshot: str, taken: Mapping[str, Any]
    ) -> Allocated:
        with self._changing() as array:
            if made := _find(array, _VOLUME, wanted.placement):
                return Allocated(wanted.placement, made[0], made[1])
            _refuse_attached(array, placement, "reverted")
            return self._copy(array, wanted, _SNAPSHOT, snapshot)

    def clone_snapshot(self, wanted: Wanted, snapshot: str, taken: Mapping[str, Any]) -> Allocated:
        with self._changing() as array:
            return _existing(array, wanted) or self._copy(array, wanted, _SNAPSHOT, snapshot)

    def clone(self, wanted: Wanted, placement: str, reference: Mapping[str, Any]) -> Allocated:
        with self._changing() as array:
            return _existing(array, wanted) or self._copy(array, wanted, _VOLUME, placement)

    def protocols(self) -> Sequence[str]:
        return (PROTOCOL,)

    def grant(self, export: Export, grant: Grant) -> Connection:
        with self._changing() as array:
            _require(array, _VOLUME, export.placement)
            array.execute(
                "INSERT OR REPLACE INTO access (object, attachment, mode, identifier, initiators, proof)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                (
                    export.placement,
                    grant.attachment,
                    grant.mode.value,
                    export.identifier,
                    "\n".join(grant.initiators),
                    proof_of(grant.secret),
                ),
            )
        return Connection(
            PROTOCOL,
            {
                "array": str(self._array.path),
                "placement": export.placement,
                "attachment": grant.attachment,
                "identifier": export.identifier,
                **({"chap_user": grant.user} if grant.user else {}),
            },
            {"secret": grant.secret} if grant.secret else {},
        )

    def withdraw(self, export: Export, attachment: str) -> None:
        with self._changing() as array:
            array.execute("DELETE FROM access WHERE object = ? AND attachment = ?", (export.placement, attachment))

    def granted(self, export: Export) -> frozenset[str]:
        with self._reading() as array:
            rows = array.execute("SELECT attachment FROM access WHERE object = ?", (export.placement,)).fetchall()
        return frozenset(row[0] for row in rows)

    def resize(self, export: Export, grow: Callable[[], Allocated]) -> Resized:
        return Resized(grow(), online=True)

    def _make(self, array: sqlite3.Connection, wanted: Wanted, size: int) -> Allocated:
        pool = self._pools.get(wanted.pool)
        if pool is None:
            raise Refused(f"the memory array has no pool {wanted.pool}", next_step="refresh the back end's pools")
        pool.admit(size, wanted.thin)
        reserved = 0 if wanted.thin else content.blocks_of(size)
        content.charge(array, pool.name, reserved)
        _insert(array, wanted.placement, _VOLUME, pool.name, size, not wanted.thin, reserved)
        traffic.begin(array, wanted.placement)
        return Allocated(wanted.placement, pool.name, size)

    def _copy(self, array: sqlite3.Connection, wanted: Wanted, kind: str, source: str) -> Allocated:
        pool, size = _require(array, kind, source)
        made = self._make(array, wanted, max(wanted.size, size))
        if made.pool == pool:
            content.share(array, source, wanted.placement)
        else:
            content.duplicate(array, source, wanted.placement, made.pool)
        return made

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        self._wait()
        with self._array.reading() as array:
            yield array

    @contextmanager
    def _changing(self) -> Iterator[sqlite3.Connection]:
        self._wait()
        try:
            with self._array.changing() as array:
                yield array
        except content.Full as full:
            raise Refused(
                f"pool {full.pool} is full: {full.needed} bytes are needed, {full.free} are free",
                next_step="delete what is no longer needed or grow the pool",
                free=full.free,
                needed=full.needed,
            ) from None

    def _wait(self) -> None:
        if self._latency:
            time.sleep(self._latency)


def _find(array: sqlite3.Connection, kind: str, object_id: str) -> tuple[str, int] | None:
    row: tuple[str, int] | None = array.execute(
        "SELECT pool, size FROM object WHERE id = ? AND kind = ?", (object_id, kind)
    ).fetchone()
    return row


def _require(array: sqlite3.Connection, kind: str, object_id: str) -> tuple[str, int]:
    found = _find(array, kind, object_id)
    if found is None:
        raise Failed(f"the memory array has no {kind} {object_id}")
    return found


def _existing(array: sqlite3.Connection, wanted: Wanted) -> Allocated | None:
    found = _find(array, _VOLUME, wanted.placement)
    if found is None:
        return None
    if found[1] != wanted.size:
        raise Refused(f"volume {wanted.placement} exists with {found[1]} bytes instead of {wanted.size}")
    return Allocated(wanted.placement, *found)


def _insert(
    array: sqlite3.Connection, object_id: str, kind: str, pool: str, size: int, thick: bool, reserved: int
) -> None:
    array.execute(
        "INSERT INTO object (id, kind, pool, size, thick, reserved) VALUES (?, ?, ?, ?, ?, ?)",
        (object_id, kind, pool, size, thick, reserved),
    )


def _remove(array: sqlite3.Connection, kind: str, object_id: str) -> None:
    row = array.execute("SELECT pool, reserved FROM object WHERE id = ? AND kind = ?", (object_id, kind)).fetchone()
    if row is not None:
        array.execute("DELETE FROM object WHERE id = ?", (object_id,))
        traffic.forget(array, object_id)
        content.charge(array, row[0], -row[1])
        content.discard(array, object_id, row[0])


def _taken(array: sqlite3.Connection, snapshot: str) -> Taken | None:
    found = _find(array, _SNAPSHOT, snapshot)
    return None if found is None else Taken(snapshot, found[1])


def _take(array: sqlite3.Connection, placement: str, snapshot: str) -> Taken:
    pool, size = _require(array, _VOLUME, placement)
    _insert(array, snapshot, _SNAPSHOT, pool, size, False, 0)
    content.share(array, placement, snapshot)
    return Taken(snapshot, size)


def _refuse_attached(array: sqlite3.Connection, placement: str, what: str) -> None:
    row = array.execute("SELECT attachment FROM access WHERE object = ? LIMIT 1", (placement,)).fetchone()
    if row is not None:
        raise Refused(
            f"volume {placement} is attached ({row[0]}) and is not {what}", next_step="withdraw the attachment first"
        )
