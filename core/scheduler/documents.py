"""Capability documents, each kept once: many pools report the same."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..model.pool import Pool
from ..profiles.capabilities import Capabilities

_REMEMBERED = 1024


@dataclass(slots=True)
class _Verdicts:
    """What a predicate said of each slot; `known` marks the slots it was asked about."""

    flags: NDArray[np.bool_]
    known: NDArray[np.bool_]
    generation: int = -1


class Documents:
    """Distinct capabilities in numbered slots, and remembered verdicts about them.

    A slot is reused when no pool has its document any longer. Not thread-safe: `Columns` holds its lock.
    """

    def __init__(self) -> None:
        self.slots: list[Capabilities] = []
        self._keys: list[str] = []
        self._uses: list[int] = []
        self._of: dict[str, int] = {}
        self._free: list[int] = []
        self._generation = 0
        self._verdicts: OrderedDict[str, _Verdicts] = OrderedDict()

    def intern(self, pool: Pool) -> int:
        """The slot of the pool's capabilities, abilities and protocols; to be given back by `release`."""
        key = json.dumps(
            [pool.capabilities, sorted(pool.abilities), sorted(pool.protocols)], sort_keys=True, default=str
        )
        slot = self._of.get(key)
        if slot is not None:
            self._uses[slot] += 1
            return slot
        found = Capabilities(pool.capabilities, pool.abilities, pool.protocols)
        self._generation += 1
        if self._free:
            slot = self._free.pop()
            self.slots[slot], self._keys[slot], self._uses[slot] = found, key, 1
            for verdicts in self._verdicts.values():
                verdicts.known[slot : slot + 1] = False
        else:
            slot = len(self.slots)
            self.slots.append(found)
            self._keys.append(key)
            self._uses.append(1)
        self._of[key] = slot
        return slot

    def release(self, slot: int) -> None:
        """A pool no longer has the document in this slot."""
        self._uses[slot] -= 1
        if self._uses[slot] == 0:
            del self._of[self._keys[slot]]
            self._free.append(slot)

    def matching(self, key: str, predicate: Callable[[Capabilities], bool]) -> NDArray[np.bool_]:
        """For each slot whether `predicate` holds; it is asked once per document and remembered under `key`."""
        verdicts = self._verdicts.get(key)
        if verdicts is not None and verdicts.generation == self._generation:
            return verdicts.flags
        if verdicts is None:
            verdicts = self._verdicts[key] = _Verdicts(np.zeros(0, np.bool_), np.zeros(0, np.bool_))
            if len(self._verdicts) > _REMEMBERED:
                self._verdicts.popitem(last=False)
        missing = len(self.slots) - len(verdicts.flags)
        verdicts.flags = np.concatenate([verdicts.flags, np.zeros(missing, np.bool_)])
        verdicts.known = np.concatenate([verdicts.known, np.zeros(missing, np.bool_)])
        for slot in (~verdicts.known).nonzero()[0].tolist():
            verdicts.flags[slot] = predicate(self.slots[slot])
        verdicts.known[:] = True
        verdicts.generation = self._generation
        return verdicts.flags
