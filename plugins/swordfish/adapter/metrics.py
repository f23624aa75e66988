"""What is measured (schemas VolumeMetrics and StoragePoolMetrics, and the capacities of both)."""

from __future__ import annotations

from collections.abc import Sequence

from ....core.errors import Invalid, NotFound, NotOffered
from ....core.model.identity import now
from ....core.model.measurement import Measurement
from .bodies import Body, at, link, moment, number
from .bound import Bound
from .pools import SwordfishPools
from .volumes import SwordfishVolumes

_READS = (("IOStatistics", "ReadIORequests"), ("ReadIORequests",))
_WRITES = (("IOStatistics", "WriteIORequests"), ("WriteIORequests",))
_READ_KIB = (("IOStatistics", "ReadIOKiBytes"), ("ReadIOKiBytes",))
_WRITTEN_KIB = (("IOStatistics", "WriteIOKiBytes"), ("WriteIOKiBytes",))
_KIB = 1024


class SwordfishMetrics(Bound):
    """Figures as the service tells them; where it tells none, they are None."""

    def volume(self, volume: str) -> Measurement:
        answer = SwordfishVolumes(self.context, self.site, self.operations).shown(volume)
        body, figures = answer.body, self._figures(answer.body)
        reads, writes = _first(figures, _READS), _first(figures, _WRITES)
        read, written = _first(figures, _READ_KIB), _first(figures, _WRITTEN_KIB)
        return Measurement(
            resource_type="volume",
            resource=volume,
            at=moment(figures, "Timestamp") or now(),
            allocated_bytes=_consumed(figures, body),
            read_operations=reads,
            read_bytes=None if read is None else read * _KIB,
            written_operations=writes,
            written_bytes=None if written is None else written * _KIB,
        )

    def pool(self, pool: str) -> Measurement:
        pools = SwordfishPools(self.context, self.site, self.operations)
        body = self.ask(pools.path(pool)).body
        figures = self._figures(body)
        return Measurement(
            resource_type="pool",
            resource=pool,
            at=moment(figures, "Timestamp") or now(),
            total_bytes=number(body, "Capacity", "Data", "AllocatedBytes"),
            used_bytes=_consumed(figures, body),
        )

    def history(self, resource_type: str, resource: str) -> Sequence[Measurement]:
        if resource_type not in ("volume", "pool"):
            raise Invalid("Only volumes and pools are measured.", field="resource_type")
        raise NotOffered("This system keeps no history of what was measured.")

    def _figures(self, body: Body) -> Body:
        """What the resource's metrics say: they stand behind a link, or older services have them in it."""
        inline = at(body, "Metrics")
        path = link(body, "Metrics")
        if path is None:
            return body
        if isinstance(inline, dict) and len(inline) > 1:
            return inline
        try:
            return self.ask(path).body
        except NotFound:
            return body


def _first(figures: Body, places: Sequence[Sequence[str]]) -> int | None:
    return next((found for place in places if (found := number(figures, *place)) is not None), None)


def _consumed(*bodies: Body) -> int | None:
    for body in bodies:
        for place in (("Capacity", "Data", "ConsumedBytes"), ("ConsumedBytes",)):
            found = number(body, *place)
            if found is not None:
                return found
    return None
