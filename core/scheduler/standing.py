"""What pool weighers say of every pool, kept ready; asked again for a pool in which something changed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .columns import Columns
from .contract import PoolWeigher
from .view import Row, Vector

_FIRST = 64


class Standing:
    """One value for each weigher, row and kind of provisioning, and their weighted sums.

    Not thread-safe: the caller holds the columns' lock.
    """

    def __init__(self, weighers: Sequence[tuple[PoolWeigher, float]]) -> None:
        self._weighers = tuple(weighers)
        #: The weighers' names, in the order of the lines of `values`.
        self.names = tuple(weigher.name for weigher, _ in weighers)
        self._values = {thin: np.zeros((len(self.names), _FIRST), np.float64) for thin in (True, False)}
        self._touched: set[int] = set()
        self._totals = {thin: np.zeros(_FIRST, np.float64) for thin in (True, False)}

    def touch(self, row: int) -> None:
        """Something of the pool of this row has changed."""
        self._touched.add(row)

    def settle(self, columns: Columns) -> None:
        """Ask the weighers again about the pools that have changed."""
        for at in self._touched:
            if columns.pools[at] is not None:
                self._renew(Row(columns, at))
        self._touched.clear()

    def _renew(self, row: Row) -> None:
        at = row.number
        if at >= len(self._totals[True]):
            self._grow(at)
        for thin in (True, False):
            if not (row.pool.thin if thin else row.pool.thick):
                continue
            values, total = self._values[thin], 0.0
            for line, (weigher, weight) in enumerate(self._weighers):
                value = weigher.value(row, thin)
                values[line, at] = value
                total += value * weight
            self._totals[thin][at] = total

    def totals(self, rows: NDArray[np.intp], thin: bool) -> Vector:
        """The weighted sum for each of the rows; a copy."""
        return self._totals[thin].take(rows)

    def of(self, row: int, thin: bool) -> dict[str, float]:
        """What each weigher says of one row now, by name."""
        values = self._values[thin]
        return {name: values.item(line, row) for line, name in enumerate(self.names)}

    def _grow(self, at: int) -> None:
        missing = max(at + 1, 2 * len(self._totals[True])) - len(self._totals[True])
        for thin in (True, False):
            self._totals[thin] = np.concatenate([self._totals[thin], np.zeros(missing, np.float64)])
            more = np.zeros((len(self.names), missing), np.float64)
            self._values[thin] = np.concatenate([self._values[thin], more], axis=1)
