"""What filters and weighers see of the columns: classes of pools, a set of pools, or one pool."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..model.pool import Pool
from ..profiles.capabilities import Capabilities
from .columns import Columns
from .request import Hint, PlacementRequest, Scope

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
        return verdicts.take(classes.document[: classes.used], mode="clip") if len(verdicts) else classes.count > 0


class Pools:
    """Some pools; each vector has one entry per pool, in the order of `rows`."""

    __slots__ = ("_columns", "_room", "request", "rows")

    def __init__(self, columns: Columns, rows: NDArray[np.intp], request: PlacementRequest) -> None:
        self._columns = columns
        self._room: Sizes | None = None
        self.rows = rows
        self.request = request

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def room(self) -> Sizes:
        """Bytes that can still be promised to a placement as thin or thick as the request's; may be negative."""
        if self._room is None:
            source = self._columns.room_thin if self.request.thin else self._columns.room_thick
            self._room = source.take(self.rows)
        return self._room

    @property
    def limit(self) -> Sizes:
        """What `room` would be if nothing had been promised and nothing foreign were there."""
        return (self._columns.limit_thin if self.request.thin else self._columns.limit_thick).take(self.rows)

    @property
    def headroom(self) -> Sizes:
        """Reported free bytes above the reserve; may be negative."""
        return self._columns.headroom.take(self.rows)

    @property
    def total(self) -> Sizes:
        """Reported size in bytes."""
        return self._columns.total.take(self.rows)

    @property
    def provisioned(self) -> Sizes:
        """Bytes promised to placements and snapshots."""
        return self._columns.provisioned.take(self.rows)

    @property
    def goodness(self) -> Vector:
        """The pool's own opinion of itself, 0 to 1; 0 when it has none."""
        return self._columns.goodness.take(self.rows)

    @property
    def backend_total(self) -> Vector:
        """The size of all pools of the pool's back end together."""
        return self._columns.backend_total.take(self._columns.backend.take(self.rows))

    @property
    def backend_provisioned(self) -> Vector:
        """What all pools of the pool's back end together have promised."""
        return self._columns.backend_provisioned.take(self._columns.backend.take(self.rows))

    @property
    def needed(self) -> Sizes | int:
        """Bytes each pool would have to promise; one number when it is the same for all."""
        classes = self._columns.classes
        if len(classes.units) == 1:
            return self.request.needed(next(iter(classes.units)))
        needed = np.zeros(classes.used, np.int64)
        for unit in classes.units:
            needed[self._columns.classes.granularity[: classes.used] == unit] = self.request.needed(unit)
        return needed.take(self._columns.klass.take(self.rows))

    def at(self, hint: Hint) -> Mask:
        """Whether the pool is at one of the places that the hint names."""
        return self.among(hint.ids) if hint.scope is Scope.POOL else self.of_backends(hint.ids)

    def among(self, pool_ids: Iterable[str]) -> Mask:
        """Whether the pool is one of these."""
        marked = np.zeros(len(self._columns.pools), np.bool_)
        known = self._columns.rows
        marked[[known[pool_id] for pool_id in pool_ids if pool_id in known]] = True
        return marked.take(self.rows)

    def of_backends(self, backend_ids: Iterable[str]) -> Mask:
        """Whether the pool belongs to one of these back ends."""
        marked = np.zeros(len(self._columns.backend_total), np.bool_)
        known = self._columns.backends
        marked[[known[backend_id] for backend_id in backend_ids if backend_id in known]] = True
        return marked.take(self._columns.backend.take(self.rows))

    def narrowed(self, mask: Mask) -> Pools:
        """Those of the pools that `mask` marks."""
        rest = Pools(self._columns, self.rows.compress(mask), self.request)
        if self._room is not None:
            rest._room = self._room.compress(mask)
        return rest


class Row:
    """One pool at the moment of the decision."""

    __slots__ = ("_columns", "_row", "pool")

    def __init__(self, columns: Columns, row: int) -> None:
        pool = columns.pools[row]
        if pool is None:
            raise LookupError(f"row {row} holds no pool")
        self._columns = columns
        self._row = row
        #: The pool as it was last reported. What it promised since is in `provisioned` and `room`.
        self.pool: Pool = pool

    @property
    def capabilities(self) -> Capabilities:
        return self._columns.capabilities(self._row)

    @property
    def provisioned(self) -> int:
        return int(self._columns.provisioned[self._row])

    @property
    def headroom(self) -> int:
        return int(self._columns.headroom[self._row])

    def room(self, thin: bool) -> int:
        """Bytes that can still be promised; may be negative."""
        return int((self._columns.room_thin if thin else self._columns.room_thick)[self._row])
