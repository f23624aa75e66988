"""How long hosts wait for a datastore, as the vCenter's performance manager has it (real-time samples)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..connection.faults import translated
from ..connection.soap import Connection
from ..connection.vmodl import vim
from ..inventory.item import Reference
from .trends import Points

_COUNTERS = ("totalReadLatency", "totalWriteLatency")
_INTERVAL = 20
"""Seconds between two samples of a host."""
_SAMPLES = 180
MOST_HOSTS = 16
"""So many hosts are asked at most."""


def latencies(connection: Connection, hosts: Sequence[Reference], uuid: str) -> tuple[Points, Points]:
    """Milliseconds that reading and writing took at the slowest of the hosts; nothing where nobody measured. `uuid` is
    the file system's."""
    keys = _keys(connection)
    if len(keys) != len(_COUNTERS) or not hosts or not uuid:
        return [], []
    query = vim.PerformanceManager
    metrics = [query.MetricId(counterId=keys[name], instance=uuid) for name in _COUNTERS]
    specs = [
        query.QuerySpec(
            entity=connection.reference(each.kind, each.moid),
            metricId=metrics,
            intervalId=_INTERVAL,
            maxSample=_SAMPLES,
            format="normal",
        )
        for each in hosts[:MOST_HOSTS]
    ]
    with translated(connection.endpoint):
        found = connection.content.perfManager.QueryPerf(specs)
    return _slowest(found, keys[_COUNTERS[0]]), _slowest(found, keys[_COUNTERS[1]])


def _keys(connection: Connection) -> dict[str, int]:
    """The numbers that the counters have at this vCenter, by name."""
    counters = connection.read(connection.content.perfManager, "perfCounter").get("perfCounter") or []
    return {
        str(each.nameInfo.key): int(each.key)
        for each in counters
        if each.groupInfo.key == "datastore" and each.nameInfo.key in _COUNTERS and each.rollupType == "average"
    }


def _slowest(answers: Sequence[Any], key: int) -> Points:
    worst: dict[Any, float] = {}
    for answer in answers:
        times = [each.timestamp for each in answer.sampleInfo]
        for series in answer.value:
            if series.id.counterId != key:
                continue
            for at, value in zip(times, series.value, strict=False):
                # A negative sample says that there is none.
                if value >= 0:
                    worst[at] = max(worst.get(at, 0.0), float(value))
    return sorted(worst.items())
