"""The unprivileged account that daemons run as, and whether it can reach a path."""

from __future__ import annotations

import grp
import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path

from ..errors import Misconfigured


@dataclass(frozen=True, slots=True)
class Account:
    """A user with its primary group."""

    name: str
    uid: int
    gid: int

    def groups(self) -> frozenset[int]:
        """The primary group alone: daemons are started without supplementary ones."""
        return frozenset({self.gid})


def account(configured: str | None = None) -> Account | None:
    """The account for daemons: `configured`, else `nobody`; None when this process is not root and cannot change.

    Raises `Misconfigured` when the configured account does not exist.
    """
    if os.geteuid() != 0:
        return None
    try:
        entry = pwd.getpwnam(configured or "nobody")
    except KeyError:
        if configured is None:
            return None
        raise Misconfigured(
            f"There is no account {configured!r} for daemons to run as.",
            next_step=f"Create it (adduser --system {configured}) or name another.",
        ) from None
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def group_name(gid: int) -> str:
    """The group's name, or its number where it has none."""
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)


def barrier(path: Path, who: Account) -> Path | None:
    """The first folder on the way to `path` that `who` may not pass through; None when it can reach `path`.

    Goes by owner, group and mode; an access control list is not looked at.
    """
    for folder in reversed(path.resolve().parents):
        try:
            info = folder.stat()
        except OSError:
            return folder
        if info.st_uid == who.uid:
            allowed = info.st_mode & stat.S_IXUSR
        elif info.st_gid in who.groups():
            allowed = info.st_mode & stat.S_IXGRP
        else:
            allowed = info.st_mode & stat.S_IXOTH
        if not allowed and who.uid != 0:
            return folder
    return None
