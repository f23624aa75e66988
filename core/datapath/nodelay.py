"""Making a daemon's listening socket send small packets at once.

The NBD server of qemu before 8.1 leaves Nagle's algorithm on, and over TLS it sends the head and the data of an
answer as two records: the second waits for the client's delayed acknowledgement, 40 ms for every single read. A
socket that is accepted inherits TCP_NODELAY from the listening one, so it is enough to set it there once, from
outside, through a duplicate of the daemon's descriptor (pidfd_getfd, Linux 5.6).
"""

from __future__ import annotations

import ctypes
import os
import socket
from contextlib import suppress
from pathlib import Path

# The same number on every architecture (asm-generic/unistd.h).
_PIDFD_GETFD = 438


def send_at_once(pid: int) -> int:
    """Set TCP_NODELAY on the listening TCP sockets of a process; how many there are.

    Where the kernel does not let us (another account's process, Yama), none is found and connections are slower.
    """
    found = 0
    with suppress(OSError):
        process = os.pidfd_open(pid)
        try:
            for entry in list(Path(f"/proc/{pid}/fd").iterdir()):
                with suppress(OSError):
                    if str(entry.readlink()).startswith("socket:"):
                        found += _set(process, int(entry.name))
        finally:
            os.close(process)
    return found


def _set(process: int, descriptor: int) -> bool:
    libc = ctypes.CDLL(None, use_errno=True)
    duplicate = libc.syscall(_PIDFD_GETFD, process, descriptor, 0)
    if duplicate < 0:
        return False
    with socket.socket(fileno=duplicate) as found:
        listens = bool(found.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))
        if not listens or found.family not in (socket.AF_INET, socket.AF_INET6):
            return False
        found.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return True
