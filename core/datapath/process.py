"""Who a process is: its pid alone says little, pid and kernel start time together name it until the next boot."""

from __future__ import annotations

import os
import select
import signal
from contextlib import suppress
from pathlib import Path


def boot_id() -> str:
    """The kernel's id of this boot; pids and start times of another boot mean nothing."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def started_at(pid: int) -> int | None:
    """The start time of a live process in clock ticks since boot; None when it is gone or only a zombie."""
    state, started = _stat(pid)
    return None if state in "ZX" else started


def _stat(pid: int) -> tuple[str, int]:
    try:
        text = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except OSError:
        return "X", 0
    # The command's name may hold blanks and brackets; the fields after its last bracket are plain.
    fields = text.rpartition(")")[2].split()
    return (fields[0], int(fields[19])) if len(fields) >= 20 else ("X", 0)


def arguments(pid: int) -> tuple[str, ...]:
    """The arguments of a process; empty when it is gone."""
    try:
        raw = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return ()
    return tuple(os.fsdecode(part) for part in raw.removesuffix(b"\0").split(b"\0")) if raw else ()


def end(pid: int, started: int, number: signal.Signals, timeout: float) -> bool:
    """Send `number` to exactly the process (`pid`, `started`) and wait; True when it is gone.

    Another process that got the same pid is never touched. A process that we may not signal counts as alive.
    """
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        if started_at(pid) == started:
            try:
                signal.pidfd_send_signal(handle, number)
            except ProcessLookupError:
                return True
            except PermissionError:
                return False
            if not _ends(handle, timeout):
                return False
    finally:
        os.close(handle)
    return True


def settled(pid: int, started: int, timeout: float) -> bool:
    """Wait for a dying process to let go of everything (threads may keep its sockets a moment); True when it has."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return _stat(pid)[1] != started or _ends(handle, timeout)
    finally:
        os.close(handle)


def _ends(handle: int, timeout: float) -> bool:
    waiter = select.poll()
    waiter.register(handle, select.POLLIN)
    return bool(waiter.poll(max(0, int(timeout * 1000))))


def reap(pid: int) -> None:
    """Collect a dead process if it has become our child (we may be the first process of a container).

    Only for processes that no `Popen` of ours waits for.
    """
    with suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
