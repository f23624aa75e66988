"""One caller at a time for an object of a back end, across threads and processes, with fencing of the dead.

A call into a back end may outlive the lease of the operation that made it: its process hung, was stopped, or lost
the database. The successor that took the operation over must not work on the object beside it, so it ends that
process first.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ..errors import Busy
from . import lock
from .process import end, started_at

_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}\Z")
_PAUSES = (0.001, 0.002, 0.005, 0.01, 0.02)
_LEASE_CHECK_SECONDS = 0.5
_KILL_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a lock: a process (pid and kernel start time) and the owner of the lease it works under."""

    pid: int
    started: int
    owner: str


class ObjectLocks:
    """Locks named after objects, kept as files in `folder` (one per node, on a local file system).

    `lease_alive(owner)` says whether that owner's lease still holds; it is asked about other processes only, a few
    times a second at most, and may query a database.
    """

    def __init__(self, folder: Path, lease_alive: Callable[[str], bool]) -> None:
        self._folder = folder
        self._lease_alive = lease_alive

    @contextmanager
    def hold(self, object_id: str, owner: str, timeout: float) -> Iterator[None]:
        """Be the only one that works on `object_id` while the block runs. Not re-entrant.

        A holder in another process whose lease has lapsed is killed (SIGKILL, pid and start time checked). For any
        other holder it waits up to `timeout` seconds, then raises `Busy` naming the holder's owner in `details`.
        """
        path = self._path(object_id)
        handle = self._acquire(path, object_id, timeout)
        try:
            self._sign(handle, owner)
            yield
        finally:
            lock.remove(path, handle)

    def holder(self, object_id: str) -> Holder | None:
        """Who wrote itself into the lock of `object_id` last and lives; None when nobody holds it."""
        found = _read(self._path(object_id))
        return found if found is not None and started_at(found.pid) == found.started else None

    def prune(self) -> int:
        """Remove the lock files that dead processes left; the number removed. Safe beside others."""
        removed = 0
        for path in self._folder.glob("*.lock"):
            handle = lock.attempt(path)
            if handle is not None:
                lock.remove(path, handle)
                removed += 1
        return removed

    def _path(self, object_id: str) -> Path:
        plain = object_id if _PLAIN.match(object_id) else hashlib.sha256(object_id.encode()).hexdigest()
        return self._folder / f"{plain}.lock"

    def _acquire(self, path: Path, object_id: str, timeout: float) -> int:
        deadline = time.monotonic() + timeout
        asked: tuple[Holder, float] | None = None
        attempts = 0
        while True:
            try:
                handle = lock.attempt(path)
            except FileNotFoundError:
                self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
                continue
            if handle is not None:
                return handle
            found = _read(path)
            if found is not None and found.pid != os.getpid():
                due = asked is None or asked[0] != found or time.monotonic() - asked[1] >= _LEASE_CHECK_SECONDS
                if due:
                    asked = (found, time.monotonic())
                    self._fence(path, found)
            if time.monotonic() >= deadline:
                raise Busy(
                    f"Another call is still working on {object_id}.",
                    next_step="It is tried again; if this stays, look at the operation that holds it.",
                    object=object_id,
                    holder=found.owner if found else "",
                )
            time.sleep(_PAUSES[min(attempts, len(_PAUSES) - 1)])
            attempts += 1

    def _fence(self, path: Path, found: Holder) -> None:
        """Kill the holder when its lease is gone; it is read again, for it may have let go while we asked."""
        if self._lease_alive(found.owner) or _read(path) != found:
            return
        end(found.pid, found.started, signal.SIGKILL, _KILL_SECONDS)

    def _sign(self, handle: int, owner: str) -> None:
        pid = os.getpid()
        text = json.dumps({"pid": pid, "started": _own_start(pid), "owner": owner}).encode()
        os.ftruncate(handle, 0)
        os.pwrite(handle, text, 0)


@cache
def _own_start(pid: int) -> int | None:
    """The start time of this process, which never changes; by pid, since a fork is another."""
    return started_at(pid)


def _read(path: Path) -> Holder | None:
    try:
        document = json.loads(path.read_text())
        return Holder(int(document["pid"]), int(document["started"]), str(document["owner"]))
    except (OSError, ValueError, KeyError, TypeError):
        # Gone, or being written at this moment: the next look tells.
        return None
