"""Lists of rows, with entering and leaving in constant time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


class Buckets:
    """Numbered buckets of rows. Not thread-safe: `Columns` holds its lock."""

    def __init__(self) -> None:
        self._rows: list[NDArray[np.intp]] = []
        self._counts: list[int] = []

    def __len__(self) -> int:
        return len(self._rows)

    def rows(self, bucket: int) -> NDArray[np.intp]:
        """The rows in a bucket, in no order."""
        return self._rows[bucket][: self._counts[bucket]]

    def add(self) -> int:
        """A new empty bucket."""
        self._rows.append(np.zeros(0, np.intp))
        self._counts.append(0)
        return len(self._rows) - 1

    def enter(self, bucket: int, row: int) -> int:
        """Put a row in; returns its place."""
        place = self._counts[bucket]
        rows = self._rows[bucket]
        if place == len(rows):
            rows = self._rows[bucket] = np.concatenate([rows, np.zeros(max(4, place), np.intp)])
        rows[place] = row
        self._counts[bucket] = place + 1
        return place

    def leave(self, bucket: int, place: int) -> int | None:
        """Take out the row at `place`; returns the row that has this place now, if another does."""
        last = self._counts[bucket] - 1
        self._counts[bucket] = last
        rows = self._rows[bucket]
        if last == 0:
            self._rows[bucket] = np.zeros(0, np.intp)
        if place == last:
            return None
        rows[place] = rows[last]
        return int(rows[place])
