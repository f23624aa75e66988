"""Lets tgtd's account use a device, and proves that it can."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from ...datapath.account import Account, barrier
from ...datapath.impersonate import acting_as
from ...errors import Failed, Refused


def lend(path: Path, who: Account | None, readonly: bool) -> None:
    """Give the device to tgtd's account (owner, and nobody else may read or write it) and open it once as that.

    While tgtd runs as this process's own account, or the driver has given the device away already, nothing is
    changed. tgtd would open a device that it may not write to for reading only, without a word; therefore it is
    tried first. Raises `Refused` with what is in the way.
    """
    try:
        info = path.stat()
    except OSError as error:
        raise Failed(f"The device {path} is not there: {error.strerror}.") from error
    if not (stat.S_ISREG(info.st_mode) or stat.S_ISBLK(info.st_mode)):
        raise Refused(f"{path} is neither a file nor a block device.")
    if any(sign in str(path) for sign in ",= \t\n"):
        raise Refused(
            f"tgtd cannot take the path {path}: it holds a blank, a comma or an equals sign.",
            next_step="Move the pool to a path without them.",
        )
    if who is not None and (info.st_uid != who.uid or info.st_mode & 0o677 != 0o600):
        _hand_over(path, who.uid, who.gid)
    try:
        acting_as(who, lambda: os.close(os.open(path, os.O_CLOEXEC | (os.O_RDONLY if readonly else os.O_RDWR))))
    except OSError as error:
        barred = barrier(path, who) if who is not None else None
        if who is not None and barred is not None:
            raise Refused(
                f"tgtd runs as {who.name}, who may not pass through {barred} to the device.",
                next_step=f"Allow it (chmod o+x {barred}) or keep the pool elsewhere.",
            ) from error
        raise Refused(f"tgtd cannot open {path}: {error.strerror}.") from error


def _hand_over(path: Path, uid: int, gid: int) -> None:
    try:
        os.chown(path, uid, gid)
        path.chmod(0o600)
    except OSError as error:
        raise Refused(f"The owner of {path} cannot be changed: {error.strerror}.") from error
