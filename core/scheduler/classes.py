"""Pools bucketed by their exact keys: what is true of one pool of a class is true of all."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .buckets import Buckets

_FIRST = 16


class ClassKey(NamedTuple):
    """The exact keys that make a class; `document` is a slot of `Documents`."""

    zone: str | None
    available: bool
    thin: bool
    thick: bool
    granularity: int
    document: int


class ClassTable:
    """One entry per class. Entry 0 is that of rows without a pool and never has members.

    `generation` changes whenever a pool enters or leaves a class. Not thread-safe: `Columns` holds its lock.
    """

    def __init__(self) -> None:
        self.used = 1
        self.generation = 0
        self.zone = np.full(_FIRST, -1, np.int64)
        self.available = np.zeros(_FIRST, np.bool_)
        self.thin = np.zeros(_FIRST, np.bool_)
        self.thick = np.zeros(_FIRST, np.bool_)
        self.granularity = np.ones(_FIRST, np.int64)
        self.document = np.zeros(_FIRST, np.intp)
        self.count = np.zeros(_FIRST, np.int64)
        #: The units of allocation there are, with the number of classes that have each.
        self.units: Counter[int] = Counter()
        self._buckets = Buckets()
        self._buckets.add()
        self._of: dict[ClassKey, int] = {}
        self._keys: list[ClassKey | None] = [None]
        self._free: list[int] = []
        self._zones: dict[str | None, int] = {None: -1}

    def zone_code(self, zone: str | None) -> int:
        """The number of a zone; -1 for no zone, -2 for one that no pool was ever in."""
        return self._zones.get(zone, -2)

    def members(self, klass: int) -> NDArray[np.intp]:
        """The rows of the pools of a class."""
        return self._buckets.rows(klass)

    def key(self, klass: int) -> ClassKey:
        """The exact keys of a class that has members."""
        found = self._keys[klass]
        if found is None:
            raise LookupError(f"class {klass} has no members")
        return found

    def enter(self, key: ClassKey, row: int) -> tuple[int, int]:
        """Put a row into the class of `key`; returns the class and the place in it."""
        klass = self._of.get(key)
        if klass is None:
            klass = self._new(key)
        self.count[klass] += 1
        self.generation += 1
        return klass, self._buckets.enter(klass, row)

    def leave(self, klass: int, place: int) -> int | None:
        """Take the row at `place` out of the class; returns the row that now has its place, if another does."""
        self.count[klass] -= 1
        self.generation += 1
        moved = self._buckets.leave(klass, place)
        if self.count[klass] == 0:
            key = self.key(klass)
            del self._of[key]
            self._keys[klass] = None
            self.units[key.granularity] -= 1
            self.units += Counter()
            self._free.append(klass)
        return moved

    def _new(self, key: ClassKey) -> int:
        if self._free:
            klass = self._free.pop()
            self._keys[klass] = key
        else:
            klass = self._buckets.add()
            self.used += 1
            self._keys.append(key)
            if klass == len(self.count):
                self._grow()
        self._of[key] = klass
        self.zone[klass] = self._zones.setdefault(key.zone, len(self._zones))
        self.available[klass] = key.available
        self.thin[klass] = key.thin
        self.thick[klass] = key.thick
        self.granularity[klass] = key.granularity
        self.document[klass] = key.document
        self.count[klass] = 0
        self.units[key.granularity] += 1
        return klass

    def _grow(self) -> None:
        for name in ("zone", "available", "thin", "thick", "granularity", "document", "count"):
            column = getattr(self, name)
            setattr(self, name, np.concatenate([column, np.zeros_like(column)]))
