"""What was measured of volumes and pools, for those who may read them."""

from __future__ import annotations

from ..context import Context
from ..model.measurement import Measurement
from ..telemetry.metering import Metering
from .pools import Pools
from .volumes import Volumes


class Metrics:
    """Whoever may read a volume or pool may read what is measured of it."""

    def __init__(self, metering: Metering, volumes: Volumes, pools: Pools) -> None:
        self._metering = metering
        self._volumes = volumes
        self._pools = pools

    def volume(self, context: Context, volume: str) -> Measurement:
        """Measure the volume now; takes a few seconds at most, then raises `Transient`."""
        return self._metering.volume(self._volumes.get(context, volume))

    def pool(self, context: Context, pool: str) -> Measurement:
        """Measure the pool now; takes a few seconds at most, then raises `Transient`."""
        return self._metering.pool(self._pools.get(context, pool))
