"""What was measured of volumes and pools, for those who may read them."""

from __future__ import annotations

from collections.abc import Sequence

from ..context import Context
from ..errors import Invalid
from ..model.measurement import Measurement
from ..telemetry.metering import Metering
from ..telemetry.sampling import Sampler
from .pools import Pools
from .volumes import Volumes


class Metrics:
    """Whoever may read a volume or pool may read what is measured of it."""

    def __init__(self, metering: Metering, sampler: Sampler, volumes: Volumes, pools: Pools) -> None:
        self._metering = metering
        self._sampler = sampler
        self._volumes = volumes
        self._pools = pools

    @property
    def sampled(self) -> bool:
        """Whether a history is kept."""
        return self._sampler.enabled

    def volume(self, context: Context, volume: str) -> Measurement:
        """Measure the volume now. Raises `StorageError` with the reason, after a few seconds at most."""
        return self._metering.volume(self._volumes.get(context, volume))

    def pool(self, context: Context, pool: str) -> Measurement:
        """Measure the pool now. Raises `StorageError` with the reason, after a few seconds at most."""
        return self._metering.pool(self._pools.get(context, pool))

    def history(self, context: Context, resource_type: str, resource: str) -> Sequence[Measurement]:
        """What was sampled of a volume or pool, oldest first: an hour of a volume that is attached, a day of a pool, as
        far as this process has seen it. Raises `Invalid` for another type."""
        if resource_type == "volume":
            return self._sampler.volumes.of(self._volumes.get(context, resource).id)
        if resource_type == "pool":
            return self._sampler.pools.of(self._pools.get(context, resource).id)
        raise Invalid("Only volumes and pools are measured.", field="resource_type")
