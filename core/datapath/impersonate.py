"""Doing one small thing with another account's rights, in one thread, while all others keep theirs.

Credentials belong to threads in Linux; the C library's functions set them for the whole process, the bare system
calls used here for the calling thread only (credentials(7), "C library/kernel differences"). File access and what
a peer of a Unix socket sees (SO_PEERCRED, taken at connect) go by them.
"""

from __future__ import annotations

import ctypes
import os
import platform
import threading
from collections.abc import Callable
from functools import cache
from typing import TypeVar

from ..errors import Unavailable
from .account import Account

# The numbers of setresuid and setresgid, which the C library does not offer bare.
_CALLS = {
    "x86_64": (117, 119),
    "aarch64": (147, 149),
    "riscv64": (147, 149),
    "loongarch64": (147, 149),
    "ppc64le": (164, 169),
    "s390x": (208, 210),
}
_KEEP = -1

Result = TypeVar("Result")


def possible() -> bool:
    """Whether this machine's system call numbers are known here."""
    return platform.machine() in _CALLS


def acting_as(who: Account | None, work: Callable[[], Result]) -> Result:
    """Call `work` with the effective user and group of `who` (None or our own: as we are) and return its result.

    `work` must not start threads or processes. In the main thread it runs in a thread of its own: signal handlers
    run there, and a change of credentials clears the thread's parent-death signal.
    """
    if who is None or (who.uid, who.gid) == (os.geteuid(), os.getegid()):
        return work()
    if threading.current_thread() is not threading.main_thread():
        return _switched(who, work)
    outcome: list[Result] = []
    failure: list[BaseException] = []

    def run() -> None:
        try:
            outcome.append(_switched(who, work))
        except BaseException as error:
            failure.append(error)

    thread = threading.Thread(target=run, name=f"as-{who.name}")
    thread.start()
    thread.join()
    if failure:
        raise failure[0]
    return outcome[0]


def _switched(who: Account, work: Callable[[], Result]) -> Result:
    numbers = _CALLS.get(platform.machine())
    if numbers is None:
        raise Unavailable(f"Acting as {who.name} is not known on {platform.machine()}.")
    set_user, set_group = numbers
    uid, gid = os.geteuid(), os.getegid()
    _call(set_group, who.gid)
    try:
        _call(set_user, who.uid)
        try:
            return work()
        finally:
            _call(set_user, uid)
    finally:
        _call(set_group, gid)


@cache
def _library() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _call(number: int, effective: int) -> None:
    if _library().syscall(ctypes.c_long(number), _KEEP, effective, _KEEP) != 0:
        code = ctypes.get_errno()
        raise Unavailable(f"The account of this process cannot be changed: {os.strerror(code)}.")
