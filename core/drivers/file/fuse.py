"""A raw view of a qcow2 image: a file on which qemu-storage-daemon mounts the image through FUSE."""

from __future__ import annotations

import ctypes
import errno
import os
import shutil
import stat
import subprocess
from pathlib import Path

from ...datapath.account import Account
from ...datapath.image_daemon import ImageDaemon
from ...errors import Failed
from . import disk

EXPORT = "view"
_SECONDS = 10.0


def fuse_obstacle() -> str:
    """Why this process cannot have a FUSE export made, "" when it can."""
    try:
        os.close(os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC))
    except OSError as error:
        return f"/dev/fuse cannot be opened ({os.strerror(error.errno or 0)})"
    if os.geteuid() != 0 and _fusermount() is None:
        return "fusermount3 is not installed"
    return ""


class RawView:
    """The views of one back end, each the file `folder/PLACEMENT`. They belong to `who`, the daemons' account."""

    def __init__(self, folder: Path, who: Account | None) -> None:
        self._folder = folder
        self._who = who

    def show(self, placement: str, daemon: ImageDaemon) -> Path:
        """Mount the image that `daemon` has open; idempotent. A mount whose daemon has died is cleared away first."""
        path = self._folder / placement
        if _mounted(path) and EXPORT not in daemon.exports():
            self.clear(placement)
        if not _mounted(path):
            self._folder.mkdir(parents=True, exist_ok=True)
            self._folder.chmod(0o711)
            path.touch(mode=0o600)
            daemon.add_fuse(EXPORT, path, others=os.geteuid() == 0)
        if not _mounted(path):
            raise Failed(f"qemu-storage-daemon says that it shows {path}, but nothing is mounted there.")
        if self._who is not None and path.stat().st_uid != self._who.uid:
            os.chown(path, self._who.uid, self._who.gid)
        return path

    def grow(self, placement: str, size: int) -> None:
        """Make the image larger through its view, the new space allocated on the disk."""
        with (self._folder / placement).open("r+b") as file:
            now = os.fstat(file.fileno()).st_size
            if now < size:
                os.posix_fallocate(file.fileno(), now, size - now)

    def look_again(self, placement: str, size: int) -> None:
        """Have the kernel forget what it remembers of the view, whose image has grown to `size` bytes.

        It keeps a file's size for a second. Whoever opens the view within that second, as tgtd does to take up a new
        size, would keep the old one for as long as the file is open. Raises `Failed` when the view has another size.
        """
        path = self._folder / placement
        shown = _size(path)
        if shown != size:
            raise Failed(f"{path} shows {shown} bytes of an image of {size}.")

    def clear(self, placement: str) -> None:
        """Take the view away, also one whose daemon has died (its users get errors until then). Absent: nothing."""
        path = self._folder / placement
        if _mounted(path):
            self._unmount(path)
        path.unlink(missing_ok=True)

    def _unmount(self, path: Path) -> None:
        if os.geteuid() == 0:
            disk.detach_mount(path)
            return
        program = _fusermount()
        if program is not None:
            subprocess.run(
                [program, "-u", "-z", str(path)], capture_output=True, timeout=_SECONDS, check=False, cwd="/"
            )


def _mounted(path: Path) -> bool:
    """Whether something is mounted on the file, alive or dead."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return False
    except OSError as error:
        if error.errno in (errno.ENOTCONN, errno.EIO, errno.ECONNABORTED):
            return True
        raise
    return found.st_dev != path.parent.stat().st_dev and stat.S_ISREG(found.st_mode)


_AT_FDCWD = -100
_AT_STATX_FORCE_SYNC = 0x2000
_STATX_SIZE = 0x200
_SIZE_AT = 40
"""Where `struct statx` (linux/stat.h) holds the size."""
_libc = ctypes.CDLL(None, use_errno=True)


def _size(path: Path) -> int:
    """The file's size, asked of the file system itself and not of what the kernel remembers (statx(2))."""
    found = ctypes.create_string_buffer(256)
    if _libc.statx(_AT_FDCWD, os.fsencode(path), _AT_STATX_FORCE_SYNC, _STATX_SIZE, found):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), str(path))
    return int.from_bytes(found.raw[_SIZE_AT : _SIZE_AT + 8], "little")


def _fusermount() -> str | None:
    return shutil.which("fusermount3", path="/usr/local/bin:/usr/bin:/bin")
