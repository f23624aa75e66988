"""What was measured of a volume or a pool at one moment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Measurement:
    """Figures as they were measured at `at` (UTC); None is what nobody measured, never zero and never an estimate.

    `allocated_bytes` is what the content occupies on the back end, shared blocks included; of a pool, what all
    objects of Isthmus occupy in it. `total_bytes` and `used_bytes` (by whatever) are of pools, `provisioned_bytes`
    is what was promised of a pool.
    The four counters are of what hosts did. They run up from zero and fall back to it when what counts begins anew
    (its daemon was started again; over iSCSI, also when a host connected or left, for tgtd counts by session).
    Two measurements with the same `series` may be subtracted, others never. `since` (UTC) is when the series began,
    None where what counts does not say.
    """

    resource_type: str
    resource: str
    at: datetime
    allocated_bytes: int | None = None
    total_bytes: int | None = None
    used_bytes: int | None = None
    provisioned_bytes: int | None = None
    read_operations: int | None = None
    read_bytes: int | None = None
    written_operations: int | None = None
    written_bytes: int | None = None
    series: str | None = None
    since: datetime | None = None
