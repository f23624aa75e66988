"""An advisory file lock that may be removed: whoever gets it makes sure that it is still the file of that name."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path


def attempt(path: Path) -> int | None:
    """Lock `path` (made if absent) without waiting; the descriptor that holds the lock, None when another holds it.

    Two threads of one process exclude each other too, since each has a descriptor of its own. The lock ends when
    the descriptor is closed, at the latest with the process.
    """
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        ours, named = os.fstat(handle), path.stat()
    except (BlockingIOError, FileNotFoundError):
        os.close(handle)
        return None
    except BaseException:
        os.close(handle)
        raise
    # A previous holder may have removed the file while we were opening it; then the name is another file's.
    if (ours.st_dev, ours.st_ino) != (named.st_dev, named.st_ino):
        os.close(handle)
        return None
    return handle


def remove(path: Path, handle: int) -> None:
    """Remove a lock file that `handle` holds, and let go."""
    try:
        path.unlink(missing_ok=True)
    finally:
        os.close(handle)
