"""All pools in numpy columns, kept up to date one pool at a time."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from ..model.pool import Pool, PoolState
from ..profiles.capabilities import Capabilities
from .classes import ClassKey, ClassTable
from .documents import Documents
from .request import LARGEST

T = TypeVar("T", bound=np.generic)

_FIRST = 64
#: Beyond this number of classes it is quicker to look at every row than to join the classes' lists of rows.
_MANY_CLASSES = 24


class Columns:
    """One row per pool; a row keeps its number as long as the pool is known. Sizes are in bytes.

    All methods may be called from several threads. Who reads the columns holds `lock` for as long as the rows must
    not move; nothing slow may be done meanwhile.
    """

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.documents = Documents()
        self.classes = ClassTable()
        self.pools: list[Pool | None] = []
        self.rows: dict[str, int] = {}
        self.backends: dict[str, int] = {}
        self.klass = np.zeros(_FIRST, np.intp)
        self.backend = np.zeros(_FIRST, np.intp)
        self.total = np.zeros(_FIRST, np.int64)
        self.provisioned = np.zeros(_FIRST, np.int64)
        #: What can still be promised, as `Pool.room` has it.
        self.room_thin = np.zeros(_FIRST, np.int64)
        self.room_thick = np.zeros(_FIRST, np.int64)
        #: What could be promised if nothing were.
        self.limit_thin = np.zeros(_FIRST, np.int64)
        self.limit_thick = np.zeros(_FIRST, np.int64)
        #: Reported free bytes above the reserve; thin volumes need some.
        self.headroom = np.zeros(_FIRST, np.int64)
        self.goodness = np.zeros(_FIRST, np.float64)
        #: Per back end: sums over its pools, and how many pools it has.
        self.backend_total = np.zeros(_FIRST, np.float64)
        self.backend_provisioned = np.zeros(_FIRST, np.float64)
        self._backend_pools: list[int] = []
        self._place = np.zeros(_FIRST, np.intp)
        self._free_rows: list[int] = []
        self._free_backends: list[int] = []

    def __len__(self) -> int:
        return len(self.rows)

    def upsert(self, pool: Pool) -> None:
        """Take in a pool, or what has changed of it. The pool's `provisioned` replaces all earlier adjustments."""
        with self.lock:
            row = self.rows.get(pool.id)
            if row is None:
                row = self._new_row(pool.id)
            else:
                self._leave(row)
            self.pools[row] = pool
            usable = pool.total * (1.0 - pool.reserve)
            self.total[row] = _bounded(pool.total)
            self.provisioned[row] = _bounded(pool.provisioned)
            self.room_thin[row] = _bounded(pool.room(True))
            self.room_thick[row] = _bounded(pool.room(False))
            self.limit_thin[row] = _bounded(int(usable * pool.ratio))
            self.limit_thick[row] = _bounded(int(usable))
            self.headroom[row] = _bounded(pool.free - int(pool.total * pool.reserve))
            self._enter(row, pool)

    def remove(self, pool_id: str) -> None:
        """Forget a pool; an unknown one is no error."""
        with self.lock:
            row = self.rows.pop(pool_id, None)
            if row is None:
                return
            self._leave(row)
            self.pools[row] = None
            self.klass[row] = 0
            self._free_rows.append(row)

    def replace(self, pools: Iterable[Pool]) -> None:
        """Know exactly these pools from now on."""
        with self.lock:
            kept = set()
            for pool in pools:
                self.upsert(pool)
                kept.add(pool.id)
            for pool_id in self.rows.keys() - kept:
                self.remove(pool_id)

    def adjust(self, pool_id: str, delta: int) -> bool:
        """Add `delta` bytes (negative: take away) to what the pool has promised; False when it is not known."""
        with self.lock:
            row = self.rows.get(pool_id)
            if row is None:
                return False
            self.provisioned[row] += delta
            self.room_thin[row] -= delta
            self.room_thick[row] -= delta
            self.backend_provisioned[self.backend[row]] += delta
            return True

    def members(self, passed: NDArray[np.bool_]) -> NDArray[np.intp]:
        """The rows of all pools of the classes marked in `passed`."""
        chosen = np.flatnonzero(passed)
        if len(chosen) > _MANY_CLASSES:
            return np.flatnonzero(passed.take(self.klass[: len(self.pools)]))
        lists = [self.classes.members(klass) for klass in chosen.tolist()]
        return np.concatenate(lists) if lists else np.zeros(0, np.intp)

    def capabilities(self, row: int) -> Capabilities:
        """The capabilities of the pool in this row."""
        return self.documents.slots[self.classes.key(int(self.klass[row])).document]

    def _enter(self, row: int, pool: Pool) -> None:
        document = self.documents.intern(pool)
        available = pool.state is PoolState.AVAILABLE
        key = ClassKey(pool.zone, available, pool.thin, pool.thick, max(1, pool.granularity), document)
        self.klass[row], self._place[row] = self.classes.enter(key, row)
        self.goodness[row] = self.documents.slots[document].goodness
        backend = self.backends.get(pool.backend)
        if backend is None:
            backend = self._new_backend(pool.backend)
        self.backend[row] = backend
        self._backend_pools[backend] += 1
        self.backend_total[backend] += float(self.total[row])
        self.backend_provisioned[backend] += float(self.provisioned[row])

    def _leave(self, row: int) -> None:
        known = self.pools[row]
        klass = int(self.klass[row])
        self.documents.release(self.classes.key(klass).document)
        moved = self.classes.leave(klass, int(self._place[row]))
        if moved is not None:
            self._place[moved] = self._place[row]
        backend = int(self.backend[row])
        self._backend_pools[backend] -= 1
        if self._backend_pools[backend] == 0 and known is not None:
            del self.backends[known.backend]
            self._free_backends.append(backend)
            # Sums of fractions would drift if they were only ever added to.
            self.backend_total[backend] = self.backend_provisioned[backend] = 0.0
        else:
            self.backend_total[backend] -= float(self.total[row])
            self.backend_provisioned[backend] -= float(self.provisioned[row])

    def _new_row(self, pool_id: str) -> int:
        if self._free_rows:
            row = self._free_rows.pop()
        else:
            row = len(self.pools)
            self.pools.append(None)
            if row == len(self.klass):
                self._grow()
        self.rows[pool_id] = row
        return row

    def _new_backend(self, backend_id: str) -> int:
        if self._free_backends:
            backend = self._free_backends.pop()
        else:
            backend = len(self._backend_pools)
            self._backend_pools.append(0)
            if backend == len(self.backend_total):
                self.backend_total = _doubled(self.backend_total)
                self.backend_provisioned = _doubled(self.backend_provisioned)
        self.backends[backend_id] = backend
        return backend

    def _grow(self) -> None:
        self.klass, self.backend, self._place = _doubled(self.klass), _doubled(self.backend), _doubled(self._place)
        self.total, self.provisioned = _doubled(self.total), _doubled(self.provisioned)
        self.room_thin, self.room_thick = _doubled(self.room_thin), _doubled(self.room_thick)
        self.limit_thin, self.limit_thick = _doubled(self.limit_thin), _doubled(self.limit_thick)
        self.headroom, self.goodness = _doubled(self.headroom), _doubled(self.goodness)


def _bounded(size: int) -> int:
    return max(-LARGEST, min(LARGEST, size))


def _doubled(column: NDArray[T]) -> NDArray[T]:
    return np.concatenate([column, np.zeros_like(column)])
