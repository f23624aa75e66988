"""A process that ends with its parent, however that one ends."""

from __future__ import annotations

import ctypes
import os
import signal

_PR_SET_PDEATHSIG = 1


def die_with(parent: int) -> None:
    """Let the kernel kill this process when `parent` dies; ends it now when that has happened already.

    Daemons that this process starts are not concerned: the wish is not inherited.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")
    # The parent may have died between the fork and the call above.
    if os.getppid() != parent:
        os._exit(1)
