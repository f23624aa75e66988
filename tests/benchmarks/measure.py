"""Measures what a benchmark costs: CPU time of processes and their children beside wall time, as one line of JSON.

CPU time is read from /proc (clock ticks, usually 10 ms): let a measured section use a second or more, or use
`Section`, which reads this process's own clock with nanoseconds.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

_TICKS = os.sysconf("SC_CLK_TCK")
_PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class _Reading:
    """One process in /proc: `own` and `reaped` (children that ended and were waited for) in seconds of CPU."""

    pid: int
    started: int
    parent: int
    own: float
    reaped: float


def _read(pid: int) -> _Reading | None:
    try:
        text = (_PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    # The second field is the program's name in brackets and may itself hold spaces and brackets.
    fields = text[text.rindex(")") + 2 :].split()
    user, system, child_user, child_system = (int(fields[at]) for at in (11, 12, 13, 14))
    return _Reading(
        pid=pid,
        started=int(fields[19]),
        parent=int(fields[1]),
        own=(user + system) / _TICKS,
        reaped=(child_user + child_system) / _TICKS,
    )


def _all() -> dict[int, _Reading]:
    pids = (int(entry.name) for entry in _PROC.iterdir() if entry.name.isdigit())
    return {pid: reading for pid in pids if (reading := _read(pid)) is not None}


def _descendants(readings: dict[int, _Reading], roots: Iterable[int]) -> set[int]:
    children: dict[int, list[int]] = {}
    for reading in readings.values():
        children.setdefault(reading.parent, []).append(reading.pid)
    found: set[int] = set()
    waiting = [pid for pid in roots if pid in readings]
    while waiting:
        pid = waiting.pop()
        if pid not in found:
            found.add(pid)
            waiting.extend(children.get(pid, ()))
    return found


def cpu_seconds(*pids: int) -> float:
    """CPU seconds used so far by these processes, their living descendants, and the children they waited for.

    A process that is gone counts as nothing. Take the difference of two calls; use `ProcessTree` where processes
    come and go in between or leave their parent.
    """
    readings = _all()
    return sum(readings[pid].own + readings[pid].reaped for pid in _descendants(readings, pids))


def resident_bytes(*pids: int) -> int:
    """Resident memory of these processes and their living descendants now, in bytes (shared pages count for each)."""
    total = 0
    for pid in _descendants(_all(), pids):
        try:
            total += int((_PROC / str(pid) / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        except OSError:
            continue
    return total


class ProcessTree:
    """CPU time of whole process trees while a block runs, daemons that leave their parent included.

    Samples /proc every `interval` seconds in a thread of its own. Once seen, a process is followed wherever it is
    reparented to. What a child used between its last sample and its end is known when a member of the tree waited
    for it; of a daemon that ended nobody's child, only up to the last sample. `exclude` names processes (such as
    the load generator) that are left out with their descendants.

        with ProcessTree(server.pid) as tree:
            …
        tree.cpu, tree.wall   # seconds inside the block
    """

    def __init__(self, *roots: int, interval: float = 0.05, exclude: Iterable[int] = ()) -> None:
        self.cpu = 0.0
        self.wall = 0.0
        self._roots = set(roots)
        self._excluded = frozenset(exclude)
        self._interval = interval
        self._known: dict[tuple[int, int], _Reading] = {}
        self._lost = 0.0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="process-tree", daemon=True)

    def __enter__(self) -> Self:
        self._before = self._sample()
        self._began = time.monotonic()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.wall = time.monotonic() - self._began
        self._stop.set()
        self._thread.join()
        self.cpu = self._sample() - self._before

    def _watch(self) -> None:
        while not self._stop.wait(self._interval):
            self._sample()

    def _sample(self) -> float:
        readings = _all()
        living = {pid for pid, started in self._known if pid in readings and readings[pid].started == started}
        members = _descendants(readings, self._roots | living) - _descendants(readings, self._excluded)
        for key, last in list(self._known.items()):
            if key[0] in members and readings[key[0]].started == key[1]:
                continue
            # A parent inside the tree that still lives has waited for it: its `reaped` holds this time already.
            if last.parent not in members:
                self._lost += last.own + last.reaped
            del self._known[key]
        for pid in members:
            self._known[pid, readings[pid].started] = readings[pid]
        return self._lost + sum(reading.own + reading.reaped for reading in self._known.values())


class Section:
    """CPU and wall seconds of this process (all its threads) while a block runs."""

    def __init__(self) -> None:
        self.cpu = 0.0
        self.wall = 0.0

    def __enter__(self) -> Self:
        self._wall = time.perf_counter()
        self._cpu = time.process_time()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.cpu = time.process_time() - self._cpu
        self.wall = time.perf_counter() - self._wall


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest of `values` that at least `percent` in a hundred of them do not exceed."""
    if not values:
        raise ValueError("no values were measured")
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


def asked(described: str | None, *, disk: bool = False) -> argparse.ArgumentParser:
    """The command line of a benchmark, whose help is what its module says of itself.

    With `disk` it has the option `--disk`, which sets `disk`.
    """
    parser = argparse.ArgumentParser(description=described, formatter_class=argparse.RawDescriptionHelpFormatter)
    if disk:
        parser.add_argument("--disk", action="store_true", help="state on disk instead of in memory")
    return parser


def report(name: str, **figures: object) -> None:
    """Print the figures of benchmark `name` as one line of JSON, fractions with four significant digits."""
    rounded = {key: float(f"{value:.4g}") if isinstance(value, float) else value for key, value in figures.items()}
    print(json.dumps({"benchmark": name, **rounded}), file=sys.stdout, flush=True)
