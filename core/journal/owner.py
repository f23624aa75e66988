"""Who owns an operation: a text that names one journal of one process, and how to see that it is dead."""

from __future__ import annotations

import hashlib
import os
import secrets
import threading
from pathlib import Path

_UNKNOWN = "unknown"
_living: set[str] = set()
_lock = threading.Lock()


def new_owner(node: str) -> str:
    """`node:pid:starttime:place:random` of this process; it counts as living until `retire`.

    `place` is a digest of the kernel's boot id and the PID namespace: only where it is the same does a pid mean
    anything.
    """
    owner = f"{node}:{os.getpid()}:{_started_at(os.getpid())}:{_place()}:{secrets.token_hex(4)}"
    with _lock:
        _living.add(owner)
    return owner


def retire(owner: str) -> None:
    """This journal of this process will write nothing any more."""
    with _lock:
        _living.discard(owner)


def is_dead(owner: str, node: str) -> bool:
    """Whether `owner` is known to be dead. False for another node, another boot or container, or an unknown text:
    there only the lease tells."""
    parts = owner.rsplit(":", 4)
    if len(parts) != 5 or parts[0] != node or parts[3] != _place() or not (parts[1].isdigit() and parts[2].isdigit()):
        return False
    pid, started = int(parts[1]), int(parts[2])
    if pid == os.getpid() and started == _started_at(pid):
        with _lock:
            return owner not in _living
    if parts[3] == _UNKNOWN or _hidden(pid):
        return False
    return _started_at(pid) != started


def _hidden(pid: int) -> bool:
    """Whether the process lives but belongs to somebody whose processes we may not see."""
    try:
        os.kill(pid, 0)
    except PermissionError:
        return not Path(f"/proc/{pid}/stat").exists()
    except ProcessLookupError:
        return False
    return False


def _started_at(pid: int) -> int:
    """The start time of a process in clock ticks since boot; -1 when it is gone or only a zombie."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except OSError:
        return -1
    # The command's name may hold blanks and brackets; the fields after its last bracket are plain.
    fields = text.rpartition(")")[2].split()
    return -1 if len(fields) < 20 or fields[0] in "ZX" else int(fields[19])


def _place() -> str:
    try:
        namespace = Path("/proc/self/ns/pid").readlink()
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return _UNKNOWN
    return hashlib.sha256(f"{boot} {namespace}".encode()).hexdigest()[:12]
