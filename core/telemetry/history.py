"""Recent measurements, in the memory of this process."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Collection

from ..model.measurement import Measurement


class History:
    """The last `most` measurements of each thing, oldest first. Safe from any thread."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._guard = threading.Lock()
        self._kept: dict[str, deque[Measurement]] = {}

    def keep(self, measurement: Measurement) -> None:
        with self._guard:
            self._kept.setdefault(measurement.resource, deque(maxlen=self._most)).append(measurement)

    def of(self, resource: str) -> tuple[Measurement, ...]:
        """What is kept of it; nothing when it was never measured."""
        with self._guard:
            return tuple(self._kept.get(resource, ()))

    def forget_others(self, resources: Collection[str]) -> None:
        """Keep only what is of these."""
        with self._guard:
            for gone in self._kept.keys() - set(resources):
                del self._kept[gone]
