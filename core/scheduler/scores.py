"""What the weighers say of every pool, kept and brought up to date only where something changed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..profiles.requirement import Requirement
from .columns import Columns
from .contract import Weigher
from .request import PlacementRequest
from .view import Pools, Vector


class Scores:
    """The values of steady weighers for thin, or for thick, placements. Not thread-safe: the caller holds the lock."""

    def __init__(self, columns: Columns, weighers: Sequence[tuple[Weigher, float]], thin: bool) -> None:
        self._columns = columns
        self._weighers = [weigher for weigher, _ in weighers]
        self._weights = np.array([weight for _, weight in weighers], np.float64)
        self._request = PlacementRequest(1, thin, Requirement(""))
        self._changed = columns.watch()
        self._values: NDArray[np.float64] = np.zeros((len(weighers), 0), np.float64)
        self._total: Vector = np.zeros(0, np.float64)

    def total(self, rows: NDArray[np.intp]) -> Vector:
        """The weighted sum for each of the rows."""
        if self._changed:
            self._refresh()
        return self._total.take(rows)

    def values(self, rows: NDArray[np.intp]) -> NDArray[np.float64]:
        """One line for each weigher, one column for each of the rows."""
        return self._values.take(rows, axis=1)

    def _refresh(self) -> None:
        missing = len(self._columns.klass) - len(self._total)
        if missing:
            self._total = np.concatenate([self._total, np.zeros(missing, np.float64)])
            self._values = np.concatenate([self._values, np.zeros((len(self._weighers), missing), np.float64)], axis=1)
        lists = [self._columns.backend_rows.rows(backend) for backend in self._changed]
        rows = lists[0] if len(lists) == 1 else np.concatenate(lists)
        self._changed.clear()
        if not self._weighers:
            return
        pools = Pools(self._columns, self._request, rows)
        values = np.array([weigher.weigh(pools, self._request) for weigher in self._weighers], np.float64)
        self._values[:, rows] = values
        self._total[rows] = self._weights @ values
