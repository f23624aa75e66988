"""Has tgtd take up a device's new size without failing a host's command.

tgtd learns a size only by closing and opening the device again. Its first thread does that while the worker threads
read the number of the open file from memory without a lock: a worker that begins a command in between meets a
closed file, and the host gets a medium error (tgt 1.0.85; with 32 commands in flight one resize in 200 to 500). So
the device is opened again when no host has read or written for a moment. Where no such moment comes, sessions are
closed, logins answered with an error that initiators try again after, and the device opened again between the
sessions; the hosts' initiators come back by themselves and repeat what was not answered. SCSI reservations end with
a session, so on a shared target the quiet moment is waited for longer.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from .layout import LUN
from .ledger import Entry, Ledger
from .tgt import Tgt

_QUIET_SECONDS = 0.1
_LOOK_SECONDS = 0.3
_LOOK_SECONDS_SHARED = 5.0


def open_again(tgt: Tgt, ledger: Ledger, entry: Entry, path: str, end_sessions: Callable[[Entry], None]) -> None:
    """Open `path` again, or in place of the former device. `end_sessions` closes all sessions of the target.

    The caller is the only one that changes this target. After a crash `make_ready` must follow.
    """
    if not tgt.sessions(entry.tid) or _quiet(tgt, entry):
        _open(tgt, entry, path)
        return
    ledger.write(replace(entry, halted=True))
    try:
        tgt.set_ready(entry.tid, False)
        end_sessions(entry)
        _open(tgt, entry, path)
    finally:
        make_ready(tgt, ledger, entry)


def make_ready(tgt: Tgt, ledger: Ledger, entry: Entry) -> Entry:
    """Let hosts log in again, whether or not a crash kept them from it."""
    tgt.set_ready(entry.tid, True)
    entry = replace(entry, halted=False)
    ledger.write(entry)
    return entry


def _open(tgt: Tgt, entry: Entry, path: str) -> None:
    # In one request, so that no command comes between.
    tgt.update_lun(entry.tid, LUN, {"online": 0, "path": path})


def _quiet(tgt: Tgt, entry: Entry) -> bool:
    """Wait for a moment without reads and writes; False when none came."""
    deadline = time.monotonic() + (_LOOK_SECONDS_SHARED if entry.name.shared else _LOOK_SECONDS)
    counters, since = tgt.statistics(entry.tid), time.monotonic()
    while time.monotonic() < deadline:
        time.sleep(0.01)
        seen = tgt.statistics(entry.tid)
        if seen != counters:
            counters, since = seen, time.monotonic()
        elif time.monotonic() - since >= _QUIET_SECONDS:
            return True
    return False
