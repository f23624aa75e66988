"""What class filters make of a request: the same for all requests that agree in what those filters look at."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from .columns import Columns
from .contract import ClassFilter, Row
from .refusal import Refusal
from .request import PlacementRequest
from .view import Classes, Mask

#: Plans and rows in them that are kept (8 bytes a row).
_KEPT_PLANS = 512
_KEPT_ROWS = 4_000_000
#: From one in so many pools on, looking at all rows costs less than gathering some.
_MOST = 4


@dataclass(slots=True)
class Refused:
    """What one class filter refused of the pools that earlier ones left: how many, and some of their rows."""

    filter: ClassFilter
    count: int
    rows: tuple[int, ...]
    _told: dict[int, Refusal] = field(default_factory=dict)

    def tell(self, columns: Columns, request: PlacementRequest, most: int) -> list[Refusal]:
        """Up to `most` of the refused pools. What was told of a pool stands until the pool is reported anew."""
        told: list[Refusal] = []
        for row in self.rows[:most]:
            known = self._told.get(row)
            if known is None or known.pool is not columns.pools[row]:
                known = self._told[row] = Refusal(self.filter, Row(columns, row), request)
            told.append(known)
        return told


@dataclass(frozen=True, slots=True)
class Plan:
    """What every class filter left, as rows or, where that is most of all pools, as a mask over all rows.

    `refused` has one entry for each class filter.
    """

    rows: NDArray[np.intp] | None
    left: Mask | None
    refused: tuple[Refused, ...]


class Plans:
    """Plans, each made once and kept until some pool enters or leaves a class. `listed` bounds the refused rows.

    Not thread-safe: the caller holds the columns' lock.
    """

    def __init__(self, columns: Columns, filters: Sequence[ClassFilter], listed: int) -> None:
        self._columns = columns
        self._filters = tuple(filters)
        self._listed = listed
        self._generation = -1
        self._kept: dict[tuple[Hashable, ...], Plan] = {}
        self._kept_rows = 0

    def plan(self, request: PlacementRequest) -> Plan:
        """What the class filters make of this request now."""
        generation = self._columns.classes.generation
        if self._generation != generation or len(self._kept) >= _KEPT_PLANS or self._kept_rows >= _KEPT_ROWS:
            self._kept.clear()
            self._kept_rows = 0
            self._generation = generation
        key = tuple([found.key(request) for found in self._filters])
        plan = self._kept.get(key)
        if plan is None:
            plan = self._kept[key] = self._make(request, key)
            self._kept_rows += len(self._columns.pools) if plan.rows is None else len(plan.rows)
        return plan

    def _make(self, request: PlacementRequest, key: tuple[Hashable, ...]) -> Plan:
        view = Classes(self._columns)
        counts = self._columns.classes.count[: self._columns.classes.used]
        passed = counts > 0
        trail: list[Refused] = []
        for found, asked in zip(self._filters, key, strict=True):
            if asked is None:
                trail.append(Refused(found, 0, ()))
                continue
            refused = passed > found.classes(view, request)
            where = refused.nonzero()[0]
            count = int(counts.take(where).sum()) if len(where) else 0
            trail.append(Refused(found, count, self._some(where)))
            passed ^= refused
        left = len(self._columns) - sum(each.count for each in trail)
        if left * _MOST > len(self._columns.pools):
            return Plan(None, passed.take(self._columns.klass[: len(self._columns.pools)]), tuple(trail))
        return Plan(self._columns.members(passed), None, tuple(trail))

    def _some(self, classes: NDArray[np.intp]) -> tuple[int, ...]:
        rows: list[int] = []
        for klass in classes.tolist():
            rows.extend(self._columns.classes.members(klass)[: self._listed - len(rows)].tolist())
            if len(rows) >= self._listed:
                break
        return tuple(rows)
