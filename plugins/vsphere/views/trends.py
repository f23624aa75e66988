"""What was measured over time: by the storage system, and of latency by the vCenter's hosts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from itertools import pairwise

from ....core.model.measurement import Measurement
from ....ui_bridge.block import Trend
from .words import Words

Points = list[tuple[datetime, float | None]]


def capacity(words: Words, history: Sequence[Measurement]) -> Trend:
    """How much is occupied."""
    return Trend(words("capacity"), "bytes", _measured(words, history, "allocated_bytes"), words("capacity.none"))


def filling(words: Words, history: Sequence[Measurement]) -> Trend:
    """How much of a pool is used, and promised."""
    return Trend(
        words("capacity"), "bytes", _measured(words, history, "used_bytes", "provisioned_bytes"), words("capacity.none")
    )


def throughput(words: Words, history: Sequence[Measurement]) -> Trend:
    """What hosts read and write, in bytes per second."""
    series = [
        (words("read"), rates(history, lambda each: each.read_bytes)),
        (words("written"), rates(history, lambda each: each.written_bytes)),
    ]
    return Trend(words("throughput"), "per_second", _there(series), words("throughput.none"))


def latency(words: Words, reads: Points, writes: Points) -> Trend:
    """How long the slowest host waits."""
    series = [(words("read"), reads), (words("written"), writes)]
    return Trend(words("latency"), "milliseconds", _there(series), words("latency.none"))


def rates(history: Sequence[Measurement], counter: Callable[[Measurement], int | None]) -> Points:
    """What a counter rose per second between two measurements of one series; a hole where nobody can tell."""
    points: Points = []
    for before, after in pairwise(history):
        seconds = (after.at - before.at).total_seconds()
        first, last = counter(before), counter(after)
        same = before.series is not None and before.series == after.series
        known = same and seconds > 0 and first is not None and last is not None and last >= first
        points.append((after.at, ((last or 0) - (first or 0)) / seconds if known else None))
    return points


def _measured(words: Words, history: Sequence[Measurement], *names: str) -> list[tuple[str, Points]]:
    return _there([(words(name), [(each.at, getattr(each, name)) for each in history]) for name in names])


def _there(series: Sequence[tuple[str, Points]]) -> list[tuple[str, Points]]:
    """Those that somebody measured."""
    return [(label, points) for label, points in series if any(value is not None for _, value in points)]
