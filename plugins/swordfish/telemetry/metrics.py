"""The metrics there are: each is a figure that a driver or a target measures, never one that is worked out here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ....core.model.measurement import Measurement

KIBIBYTE = 1024


@dataclass(frozen=True, slots=True)
class Metric:
    """One figure: of `pool` or `volume`, with its type and unit (UCUM) as MetricDefinition has them.

    `pointer` is the JSON pointer of the property that shows it, within the resource or its metrics resource; None
    where no property does.
    """

    id: str
    of: str
    type: str
    unit: str
    description: str
    read: Callable[[Measurement], int | None]
    pointer: str | None = None
    in_metrics: bool = False


def _kibibytes(count: int | None) -> int | None:
    return None if count is None else count // KIBIBYTE


METRICS = (
    Metric(
        "PoolTotalBytes",
        "pool",
        "Gauge",
        "By",
        "Room of a pool, as its back end reports it",
        lambda found: found.total_bytes,
        "/Capacity/Data/AllocatedBytes",
    ),
    Metric(
        "PoolUsedBytes",
        "pool",
        "Gauge",
        "By",
        "Room of a pool that is occupied, by whatever",
        lambda found: found.used_bytes,
        "/Capacity/Data/ConsumedBytes",
    ),
    Metric(
        "PoolPromisedBytes",
        "pool",
        "Gauge",
        "By",
        "Room of a pool that is promised to volumes and snapshots",
        lambda found: found.provisioned_bytes,
    ),
    Metric(
        "VolumeAllocatedBytes",
        "volume",
        "Gauge",
        "By",
        "Room that a volume's content occupies on its back end",
        lambda found: found.allocated_bytes,
    ),
    Metric(
        "VolumeReadRequests",
        "volume",
        "Counter",
        "1",
        "Reads of a volume by its hosts",
        lambda found: found.read_operations,
        "/IOStatistics/ReadIORequests",
        True,
    ),
    Metric(
        "VolumeReadKibibytes",
        "volume",
        "Counter",
        "KiBy",
        "What hosts read of a volume",
        lambda found: _kibibytes(found.read_bytes),
        "/IOStatistics/ReadIOKiBytes",
        True,
    ),
    Metric(
        "VolumeWriteRequests",
        "volume",
        "Counter",
        "1",
        "Writes to a volume by its hosts",
        lambda found: found.written_operations,
        "/IOStatistics/WriteIORequests",
        True,
    ),
    Metric(
        "VolumeWriteKibibytes",
        "volume",
        "Counter",
        "KiBy",
        "What hosts wrote to a volume",
        lambda found: _kibibytes(found.written_bytes),
        "/IOStatistics/WriteIOKiBytes",
        True,
    ),
)

BY_ID = {metric.id: metric for metric in METRICS}


def io_statistics(found: Measurement) -> dict[str, int] | None:
    """What hosts did, in the words of the schema IOStatistics; None where nobody counts."""
    shown = {
        "ReadIORequests": found.read_operations,
        "ReadIOKiBytes": _kibibytes(found.read_bytes),
        "WriteIORequests": found.written_operations,
        "WriteIOKiBytes": _kibibytes(found.written_bytes),
    }
    return {name: value for name, value in shown.items() if value is not None} or None
