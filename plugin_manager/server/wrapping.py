"""What stands between the engine and every driver: measured, not too many at once, never longer than allowed."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from ...core.drivers.contract import Driver
from ...core.drivers.wrappers import Bound, CallMetrics, alone, bounded, ends_in_time, limited, measured
from ...core.model.backend import Backend

CALLS_AT_ONCE = 16
"""How many calls of one back end may run at a time; more threads than this hardly ever ask."""

PATIENCE = 1.2
"""A driver is given a little more than its time, so that its own words come first about what took so long."""


@dataclass(slots=True)
class _Kept:
    """What outlives a driver object: calls that hang go on when the driver is made anew."""

    bound: Bound = field(default_factory=lambda: Bound(CALLS_AT_ONCE))
    busy: set[str] = field(default_factory=set)


class Wrapping:
    """Puts the wrappers around a driver; `timeout` is the longest that one call may take, in seconds."""

    def __init__(self, metrics: CallMetrics, timeout: float) -> None:
        self._metrics = metrics
        self._timeout = timeout
        self._kept: dict[str, _Kept] = {}
        self._guard = threading.Lock()

    def __call__(self, driver: Driver, backend: Backend) -> Driver:
        inner = limited(measured(driver, self._metrics, backend.name), CALLS_AT_ONCE, self._timeout)
        if ends_in_time(driver):
            return inner
        with self._guard:
            kept = self._kept.setdefault(backend.id, _Kept())
        return bounded(alone(inner, kept.busy), self._timeout * PATIENCE, kept.bound)
