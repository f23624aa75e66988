"""All pools in numpy columns, kept up to date one pool at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from ..model.pool import Pool, PoolState
from ..profiles.capabilities import NOTHING, Capabilities
from .classes import ClassKey, ClassTable
from .documents import Documents
from .request import LARGEST

T = TypeVar("T", bound=np.generic)

_FIRST = 64


class Columns:
    """One row per pool; a row keeps its number as long as the pool is known. Sizes are in bytes.

    `changed` is called with a row's number whenever something of its pool was changed.

    All methods may be called from several threads. Who reads the columns holds `lock` for as long as the rows must
    not move; nothing slow may be done meanwhile.
    """

    def __init__(self, changed: Callable[[int], None] | None = None) -> None:
        self._changed = changed or (lambda row: None)
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
        #: `room_thin`, but nothing where the reported free space is not above the reserve.
        self.usable_thin = np.zeros(_FIRST, np.int64)
        #: Reported free bytes above the reserve; thin volumes need some.
        self.headroom = np.zeros(_FIRST, np.int64)
        #: What the pool in each row offers; several rows share one object.
        self.capabilities: list[Capabilities] = []
        #: Per back end: sums over its pools, and its size divided by its size and its promises together.
        self.backend_total = np.zeros(_FIRST, np.float64)
        self.backend_provisioned = np.zeros(_FIRST, np.float64)
        self.backend_spare = np.ones(_FIRST, np.float64)
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
            known = self.pools[row]
            if known is not None:
                self._leave_backend(row, known)
            self._classify(row, known, pool)
            self.pools[row] = pool
            self.total[row] = _bounded(pool.total)
            self.provisioned[row] = _bounded(pool.provisioned)
            self.headroom[row] = _bounded(pool.free - int(pool.total * pool.reserve))
            self._set_room(row, _bounded(pool.room(True)), _bounded(pool.room(False)))
            self._enter_backend(row, pool)
            self._changed(row)

    def remove(self, pool_id: str) -> None:
        """Forget a pool; an unknown one is no error."""
        with self.lock:
            row = self.rows.pop(pool_id, None)
            known = None if row is None else self.pools[row]
            if row is None or known is None:
                return
            self._leave_backend(row, known)
            self.documents.release(self._leave_class(row))
            self.pools[row] = None
            self._free_rows.append(row)

    def replace(self, pools: Iterable[Pool]) -> None:
        """Know exactly these pools from now on. Decisions go on meanwhile: pools are taken in one by one."""
        kept = set()
        for pool in pools:
            self.upsert(pool)
            kept.add(pool.id)
        for pool_id in [known for known in list(self.rows) if known not in kept]:
            self.remove(pool_id)

    def adjust(self, pool_id: str, delta: int) -> bool:
        """Add `delta` bytes (negative: take away) to what the pool has promised; False when it is not known."""
        with self.lock:
            row = self.rows.get(pool_id)
            if row is None:
                return False
            self.provisioned[row] = self.provisioned.item(row) + delta
            self._set_room(row, self.room_thin.item(row) - delta, self.room_thick.item(row) - delta)
            self._load(self.backend.item(row), 0.0, float(delta))
            self._changed(row)
            return True

    def members(self, passed: NDArray[np.bool_]) -> NDArray[np.intp]:
        """The rows of all pools of the classes marked in `passed`."""
        lists = [self.classes.members(klass) for klass in passed.nonzero()[0].tolist()]
        return np.concatenate(lists) if lists else np.zeros(0, np.intp)

    def _set_room(self, row: int, thin: int, thick: int) -> None:
        self.room_thin[row] = thin
        self.room_thick[row] = thick
        self.usable_thin[row] = thin if self.headroom.item(row) > 0 else min(thin, 0)

    def _load(self, backend: int, total: float, provisioned: float) -> None:
        size = self.backend_total[backend] = self.backend_total.item(backend) + total
        promised = self.backend_provisioned[backend] = self.backend_provisioned.item(backend) + provisioned
        size = max(1.0, size)
        self.backend_spare[backend] = size / (size + promised)

    def _classify(self, row: int, known: Pool | None, pool: Pool) -> None:
        """Put the row where the pool belongs; nothing moves when its exact keys are as they were."""
        if known is not None and _alike(known, pool):
            return
        document = self.documents.intern(pool)
        available = pool.state is PoolState.AVAILABLE
        key = ClassKey(pool.zone, available, pool.thin, pool.thick, max(1, pool.granularity), document)
        if known is not None:
            self.documents.release(self._leave_class(row))
        self.klass[row], self._place[row] = self.classes.enter(key, row)
        self.capabilities[row] = self.documents.slots[document]

    def _leave_class(self, row: int) -> int:
        """Take the row out of its class; returns the slot of its document, which is still to be released."""
        klass, place = int(self.klass[row]), int(self._place[row])
        document = self.classes.key(klass).document
        moved = self.classes.leave(klass, place)
        if moved is not None:
            self._place[moved] = place
        self.klass[row] = 0
        return document

    def _enter_backend(self, row: int, pool: Pool) -> None:
        backend = self.backends.get(pool.backend)
        if backend is None:
            backend = self._new_backend(pool.backend)
        self.backend[row] = backend
        self._backend_pools[backend] += 1
        self._load(backend, float(self.total[row]), float(self.provisioned[row]))

    def _leave_backend(self, row: int, known: Pool) -> None:
        backend = int(self.backend[row])
        self._backend_pools[backend] -= 1
        if self._backend_pools[backend]:
            self._load(backend, -float(self.total[row]), -float(self.provisioned[row]))
            return
        del self.backends[known.backend]
        self._free_backends.append(backend)
        # Sums of fractions would drift if they were only ever added to.
        self.backend_total[backend] = self.backend_provisioned[backend] = 0.0
        self.backend_spare[backend] = 1.0

    def _new_row(self, pool_id: str) -> int:
        if self._free_rows:
            row = self._free_rows.pop()
        else:
            row = len(self.pools)
            self.pools.append(None)
            self.capabilities.append(NOTHING)
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
                self.backend_spare = _doubled(self.backend_spare)
        self.backends[backend_id] = backend
        return backend

    def _grow(self) -> None:
        self.klass, self._place, self.backend = _doubled(self.klass), _doubled(self._place), _doubled(self.backend)
        self.total, self.provisioned = _doubled(self.total), _doubled(self.provisioned)
        self.room_thin, self.room_thick = _doubled(self.room_thin), _doubled(self.room_thick)
        self.usable_thin, self.headroom = _doubled(self.usable_thin), _doubled(self.headroom)


def _alike(one: Pool, other: Pool) -> bool:
    """Whether two reports of a pool put it into the same class."""
    return (
        one.state is other.state
        and one.zone == other.zone
        and (one.thin, one.thick, one.granularity) == (other.thin, other.thick, other.granularity)
        and one.protocols == other.protocols
        and one.abilities == other.abilities
        and one.capabilities == other.capabilities
    )


def _bounded(size: int) -> int:
    return max(-LARGEST, min(LARGEST, size))


def _doubled(column: NDArray[T]) -> NDArray[T]:
    return np.concatenate([column, np.zeros_like(column)])
