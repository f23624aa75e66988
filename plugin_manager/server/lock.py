"""One server at a time on a state folder."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path

from ...core.errors import Conflict, Misconfigured

LOCK_FILE = "server.lock"
_TRIES = 5
_PAUSE = 0.05


class StateLock:
    """Held by a server for as long as one of its processes lives: workers inherit it when they are forked.

    The kernel gives it back however the processes end, so nothing is ever left over.
    """

    def __init__(self, state: Path) -> None:
        self.path = state / LOCK_FILE
        self._descriptor: int | None = None

    def acquire(self) -> None:
        """Take the lock; makes the state folder if need be. Raises `Conflict` naming the process that has it."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o711)
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise Misconfigured(
                f"The state folder {self.path.parent} cannot be used: {error.strerror}.",
                next_step="Give it to the user that runs Isthmus, or set another one with the key state.",
            ) from None
        if not _lock(descriptor):
            holder = os.pread(descriptor, 32, 0).decode("ascii", "replace").strip() or "unknown"
            os.close(descriptor)
            raise Conflict(
                f"Another server (process {holder}) works on the state folder {self.path.parent}.",
                next_step=f"Stop it (`kill {holder}`), or give this one another state folder and port.",
                pid=holder,
            ) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode("ascii"), 0)
        self._descriptor = descriptor

    def release(self) -> None:
        """Give it back. Idempotent."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def holder(self) -> int | None:
        """The process that has the lock now, None when nobody has. Takes nothing."""
        try:
            descriptor = os.open(self.path, os.O_RDWR | os.O_CLOEXEC)
        except OSError:
            return None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            text = os.pread(descriptor, 32, 0).decode("ascii", "replace").strip()
            return int(text) if text.isdigit() else 0
        else:
            return None
        finally:
            os.close(descriptor)


def _lock(descriptor: int) -> bool:
    """Whether the lock was free. Tried for a moment: somebody may just be asking for the holder."""
    for attempt in range(_TRIES):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            time.sleep(_PAUSE if attempt < _TRIES - 1 else 0)
        else:
            return True
    return False
