"""What filters and weighers see of the columns: classes of pools, a set of pools, or one pool."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from ..model.pool import Pool
from ..profiles.capabilities import Capabilities
from .columns import Columns
from .request import Hint, PlacementRequest, Scope

T = TypeVar("T", bound=np.generic)

#: Entries that are looked at first where a few are wanted.
_GLANCE = 256

Mask: TypeAlias = NDArray[np.bool_]
Sizes: TypeAlias = NDArray[np.int64]
Vector: TypeAlias = NDArray[np.float64]


class Classes:
    """All classes of pools; each vector has one entry per class."""

    __slots__ = ("_columns",)

    def __init__(self, columns: Columns) -> None:
        self._columns = columns

    @property
    def available(self) -> Mask:
        """Whether the pools are in state `available`."""
        return self._columns.classes.available[: self._columns.classes.used]

    @property
    def thin(self) -> Mask:
        """Whether the pools take thin placements."""
        return self._columns.classes.thin[: self._columns.classes.used]

    @property
    def thick(self) -> Mask:
        """Whether the pools take thick placements."""
        return self._columns.classes.thick[: self._columns.classes.used]

    @property
    def granularity(self) -> Sizes:
        """The unit of allocation in bytes."""
        return self._columns.classes.granularity[: self._columns.classes.used]

    def in_zone(self, zone: str) -> Mask:
        """Whether the pools are in this zone."""
        classes = self._columns.classes
        mask: Mask = classes.zone[: classes.used] == classes.zone_code(zone)
        return mask

    def matching(self, key: str, predicate: Callable[[Capabilities], bool]) -> Mask:
        """Whether `predicate` holds for the pools' capabilities.

        It is asked once for each distinct document and its answers are remembered under `key`: the key must name
        everything that the answer depends on besides the document, the filter's own name first.
        """
        classes = self._columns.classes
        verdicts = self._columns.documents.matching(key, predicate)
        if not len(verdicts):
            return np.zeros(classes.used, np.bool_)
        return verdicts.take(classes.document[: classes.used])


class Pools:
    """Some pools; each vector has `len()` entries, in one order.

    Where most pools of the installation are left, the vectors also have entries of pools that are out already: what
    is said of those is ignored.
    """

    __slots__ = ("_columns", "_left", "_rows", "count", "request")

    def __init__(
        self, columns: Columns, request: PlacementRequest, rows: NDArray[np.intp] | None, left: Mask | None = None
    ) -> None:
        self._columns = columns
        self._rows = rows
        self._left = left
        self.request = request
        #: How many pools these are.
        self.count: int = len(rows) if rows is not None else 0 if left is None else int(np.count_nonzero(left))

    def __len__(self) -> int:
        return len(self._rows) if self._rows is not None else len(self._columns.pools)

    @property
    def rows(self) -> NDArray[np.intp]:
        """The pools' row numbers, without those that are out."""
        if self._rows is not None:
            return self._rows
        return np.zeros(0, np.intp) if self._left is None else self._left.nonzero()[0]

    def _of(self, column: NDArray[T]) -> NDArray[T]:
        return column.take(self._rows) if self._rows is not None else column[: len(self._columns.pools)]

    @property
    def room(self) -> Sizes:
        """Bytes that can be promised to a placement as thin or thick as the request's; may be negative.

        Not above 0 for a thin one where the pool reports no free space above its reserve.
        """
        return self._of(self._columns.usable_thin if self.request.thin else self._columns.room_thick)

    @property
    def total(self) -> Sizes:
        """Reported size in bytes."""
        return self._of(self._columns.total)

    @property
    def provisioned(self) -> Sizes:
        """Bytes promised to placements and snapshots."""
        return self._of(self._columns.provisioned)

    @property
    def backend_spare(self) -> Vector:
        """1 / (1 + promised / size), both summed over all pools of the pool's back end; a copy."""
        return self._columns.backend_spare.take(self._of(self._columns.backend))

    @property
    def needed(self) -> Sizes | int:
        """Bytes each pool would have to promise; one number when it is the same for all."""
        classes = self._columns.classes
        if len(classes.units) == 1:
            return self.request.needed(next(iter(classes.units)))
        needed = np.zeros(classes.used, np.int64)
        for unit in classes.units:
            needed[self._columns.classes.granularity[: classes.used] == unit] = self.request.needed(unit)
        return needed.take(self._of(self._columns.klass))

    def at(self, hint: Hint) -> Mask:
        """Whether the pool is at one of the places that the hint names."""
        return self.among(hint.ids) if hint.scope is Scope.POOL else self.of_backends(hint.ids)

    def among(self, pool_ids: Iterable[str]) -> Mask:
        """Whether the pool is one of these."""
        marked = np.zeros(len(self._columns.pools), np.bool_)
        known = self._columns.rows
        marked[[known[pool_id] for pool_id in pool_ids if pool_id in known]] = True
        return self._of(marked)

    def of_backends(self, backend_ids: Iterable[str]) -> Mask:
        """Whether the pool belongs to one of these back ends."""
        marked = np.zeros(len(self._columns.backend_total), np.bool_)
        known = self._columns.backends
        marked[[known[backend_id] for backend_id in backend_ids if backend_id in known]] = True
        return marked.take(self._of(self._columns.backend))

    def kept(self, mask: Mask) -> Pools:
        """Those of the pools that `mask` marks."""
        if self._rows is not None:
            return Pools(self._columns, self.request, self._rows.compress(mask))
        return Pools(self._columns, self.request, None, mask if self._left is None else self._left & mask)

    def lost(self, mask: Mask, most: int | None = None) -> Pools:
        """Those of the pools that `mask` does not mark, or the first few of them."""
        if most is not None and len(mask) > _GLANCE:
            # A few are mostly found among the first.
            rows = self._lost(mask, _GLANCE)[:most]
            if len(rows) == most:
                return Pools(self._columns, self.request, rows)
        return Pools(self._columns, self.request, self._lost(mask, len(mask))[:most])

    def _lost(self, mask: Mask, end: int) -> NDArray[np.intp]:
        """The rows of the pools among the first `end` entries that `mask` does not mark."""
        if self._rows is not None:
            return self._rows.take((~mask[:end]).nonzero()[0])
        rows: NDArray[np.intp] = (~mask[:end] if self._left is None else self._left[:end] > mask[:end]).nonzero()[0]
        return rows

    def gathered(self) -> Pools:
        """The same pools, with vectors that have entries of no others."""
        return self if self._rows is not None else Pools(self._columns, self.request, self.rows)


class Row:
    """One pool as it is at this moment."""

    __slots__ = ("_room_thick", "_room_thin", "capabilities", "headroom", "number", "pool", "provisioned")

    def __init__(self, columns: Columns, row: int) -> None:
        pool = columns.pools[row]
        if pool is None:
            raise LookupError(f"row {row} holds no pool")
        self.number = row
        #: The pool as it was last reported. What it promised since is in `provisioned` and `room`.
        self.pool: Pool = pool
        self.capabilities: Capabilities = columns.capabilities[row]
        #: Bytes promised to placements and snapshots.
        self.provisioned: int = columns.provisioned.item(row)
        #: Reported free bytes above the reserve; may be negative.
        self.headroom: int = columns.headroom.item(row)
        self._room_thin: int = columns.room_thin.item(row)
        self._room_thick: int = columns.room_thick.item(row)

    def room(self, thin: bool) -> int:
        """Bytes that can still be promised; may be negative."""
        return self._room_thin if thin else self._room_thick

    def limit(self, thin: bool) -> int:
        """What `room` would be if nothing had been promised and nothing foreign were there."""
        usable = self.pool.total * (1.0 - self.pool.reserve)
        return int(usable * self.pool.ratio) if thin else int(usable)
