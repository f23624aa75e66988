"""The duty that tells vCenters of events."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ....core.duties.duty import Duty

if TYPE_CHECKING:
    from .herald import Herald

INTERVAL_SECONDS = 2.0


def duty(herald: Callable[[], Herald]) -> Duty:
    """One process tells all vCenters."""
    return Duty("vsphere.events", INTERVAL_SECONDS, lambda run: herald().look(run))
