"""What the driver asks of the file system: room, copies, reflinks, allocation, and changes that survive a crash."""

from __future__ import annotations

import ctypes
import errno
import fcntl
import logging
import os
import secrets
import stat
import struct
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from ...errors import Failed, Refused, StorageError, Transient
from ...progress import report

_log = logging.getLogger(__name__)

# _IOW(0x94, 9, int) and _IOWR('f', 11, struct fiemap) of the kernel's linux/fs.h.
_FICLONE = 0x40049409
_FS_IOC_FIEMAP = 0xC020660B
_FIEMAP_EXTENTS = 512
_EXTENT_LAST, _EXTENT_UNKNOWN, _EXTENT_SHARED = 0x1, 0x2, 0x2000
_COPY_CHUNK = 64 << 20
_ALLOCATED_AT_ONCE = 1 << 30
# SYNC_FILE_RANGE_WAIT_BEFORE, _WRITE and _WAIT_AFTER of the kernel's linux/fs.h.
_WRITE_OUT = 1 | 2 | 4
_COPY_ON_WRITE = frozenset({"btrfs", "bcachefs", "zfs"})
_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT})
FAMILIES = "families"
"""The folder of images within a back end's own."""
_CLOSED = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})


@dataclass(frozen=True, slots=True)
class Room:
    """A file system's size, what is used of it and what an ordinary account may still use; bytes."""

    total: int
    used: int
    free: int


def room(folder: Path) -> Room:
    """Measure the file system of `folder`. What is set aside for root counts as not there."""
    found = os.statvfs(folder)
    used = (found.f_blocks - found.f_bfree) * found.f_frsize
    free = found.f_bavail * found.f_frsize
    return Room(used + free, used, free)


def no_room(folder: Path, needed: int) -> Refused:
    """The error that says so, with the free and the needed bytes."""
    free = room(folder).free
    return Refused(
        f"The file system of {folder} is full: {needed} bytes are needed, {free} are free.",
        next_step="Delete what is no longer needed, or make the file system larger.",
        free=free,
        needed=needed,
    )


@contextmanager
def reported(folder: Path, needed: int, *, away: bool = False) -> Iterator[None]:
    """Turn the file system's errors into the journal's: full is `Refused`, anything else `Failed`.

    `Transient` where the folder is away, before anything is looked for in it: what is not found in a folder that is
    away is not gone. With `away` that is no hindrance, for what only lets go.
    """
    if not away:
        require_there(folder)
    try:
        yield
    except OSError as error:
        require_there(folder)
        raise storage_error(error, folder, needed) from error


def require_there(folder: Path) -> None:
    """Raise `Transient` when the back end's folder is away, as that of a file system that is not mounted.

    Where it should be is for administrators: it stands in the log and in what the check of the back end says.
    """
    if not (folder / FAMILIES).is_dir():
        _log.warning("the folder %s of a back end is away", folder)
        raise Transient(
            "The back end's folder is away.",
            next_step="Ask an administrator to look at the back end: the server's log says where the folder should be.",
        )


def storage_error(error: OSError, folder: Path, needed: int) -> StorageError:
    """What `error` means to the journal."""
    if error.errno in _NO_ROOM:
        return no_room(folder, needed)
    where = error.filename or folder
    words = os.strerror(error.errno) if error.errno else str(error)
    if error.errno in _CLOSED:
        return Failed(f"Isthmus may not write to {where}: {words}.", next_step="Correct its owner, mode or mount.")
    return Failed(f"{where}: {words}.")


def file_system(folder: Path) -> str:
    """The type of the file system that `folder` is on (ext4, xfs, tmpfs …); empty when unknown."""
    device = folder.stat().st_dev
    wanted = f"{os.major(device)}:{os.minor(device)}"
    best, kind = "", ""
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        left, _, right = line.partition(" - ")
        fields = left.split()
        mounted = fields[4].encode().decode("unicode_escape")
        # btrfs gives every subvolume a device number of its own, which the mount table does not show.
        if fields[2] == wanted:
            return right.split()[0]
        if folder.resolve().is_relative_to(mounted) and len(mounted) >= len(best):
            best, kind = mounted, right.split()[0]
    return kind


def overwrites_in_place(folder: Path) -> bool:
    """Whether space once allocated to a file is what later writes to it use, so that thick volumes can be had."""
    return file_system(folder) not in _COPY_ON_WRITE


def make_folder(path: Path) -> None:
    """Make a folder, and those above it that are missing; other accounts may pass through what is made, not look."""
    for folder in (*reversed(path.parents), path):
        if not folder.exists():
            folder.mkdir(exist_ok=True)
            folder.chmod(0o711)


def can_reflink(folder: Path) -> bool:
    """Try a reflink in `folder`."""
    source, made = folder / f".probe-{os.getpid()}-a", folder / f".probe-{os.getpid()}-b"
    try:
        source.write_bytes(b"\1" * 4096)
        reflink(source, made)
    except OSError as error:
        if error.errno in _NO_ROOM | _CLOSED:
            raise
        return False
    finally:
        source.unlink(missing_ok=True)
        made.unlink(missing_ok=True)
    return True


def reflink(source: Path, made: Path) -> None:
    """Make the file `made` share all blocks of `source`, as they are at one moment."""
    with source.open("rb") as one, made.open("wb") as other:
        os.fchmod(other.fileno(), 0o600)
        fcntl.ioctl(other.fileno(), _FICLONE, one.fileno())


def copy(source: Path, made: Path) -> None:
    """Copy a file, reporting progress; what is a hole stays one."""
    with source.open("rb") as one, made.open("wb") as other:
        os.fchmod(other.fileno(), 0o600)
        size = os.fstat(one.fileno()).st_size
        os.truncate(other.fileno(), size)
        ranges = list(_data(one.fileno(), size))
        copied, total = 0, sum(end - start for start, end in ranges)
        for start, end in ranges:
            for done in _copy_range(one.fileno(), other.fileno(), start, end):
                copied += done
                report(copied / total)


def allocate(path: Path, size: int) -> None:
    """Make `path` at least `size` bytes long, every byte of it backed by blocks on the disk, reporting progress."""
    with path.open("r+b") as file:
        for start in range(0, size, _ALLOCATED_AT_ONCE):
            # Where the file system cannot allocate, this writes every block.
            end = min(start + _ALLOCATED_AT_ONCE, size)
            os.posix_fallocate(file.fileno(), start, end - start)
            report(end / size)


def write_durably(path: Path, content: bytes) -> None:
    """Replace `path` by `content`, completely or not at all, whatever crashes; returns when it is on the disk."""
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with fresh.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise
    sync(path.parent)


def sync(path: Path) -> None:
    """Write a file's or a folder's changes to the disk, reporting progress when that is much."""
    handle = os.open(path, os.O_RDONLY)
    try:
        found = os.fstat(handle)
        if stat.S_ISREG(found.st_mode) and found.st_size > _COPY_CHUNK:
            _write_out(handle, found.st_size)
        os.fsync(handle)
    finally:
        os.close(handle)


def occupied(files: Iterable[Path], *, shared: bool) -> int:
    """The bytes that the files occupy together. `shared`: blocks that several of them share count once."""
    total = 0
    ranges: list[tuple[int, int]] = []
    for path in files:
        with suppress(FileNotFoundError):
            blocks = path.lstat().st_blocks * 512
            if shared and blocks and path.is_file():
                own, common = _extents(path, blocks)
                total += own
                ranges += common
            else:
                total += blocks
    end = 0
    for start, stop in sorted(ranges):
        total += max(0, stop - max(start, end))
        end = max(end, stop)
    return total


def detach_mount(path: Path) -> None:
    """Take away whatever is mounted on `path`, a mount whose daemon has died included (umount -l)."""
    detach = 2
    if ctypes.CDLL(None, use_errno=True).umount2(os.fsencode(path), detach) != 0:
        number = ctypes.get_errno()
        if number not in (errno.EINVAL, errno.ENOENT):
            raise OSError(number, os.strerror(number), str(path))


def _data(handle: int, size: int) -> Iterator[tuple[int, int]]:
    """The ranges of a file that are not holes."""
    at = 0
    while at < size:
        try:
            start = os.lseek(handle, at, os.SEEK_DATA)
        except OSError as error:
            if error.errno == errno.ENXIO:
                return
            raise
        at = os.lseek(handle, start, os.SEEK_HOLE)
        yield start, at


def _write_out(handle: int, size: int) -> None:
    """Write a file's content to the disk piece by piece; only what `fsync` adds to it makes it durable."""
    write_out = ctypes.CDLL(None, use_errno=True).sync_file_range
    write_out.argtypes = (ctypes.c_int, ctypes.c_int64, ctypes.c_int64, ctypes.c_uint)
    for start, end in _data(handle, size):
        for at in range(start, end, _COPY_CHUNK):
            length = min(_COPY_CHUNK, end - at)
            if write_out(handle, at, length, _WRITE_OUT) != 0:
                number = ctypes.get_errno()
                # An error of the disk is told once: fsync would not repeat it.
                if number not in (errno.ENOSYS, errno.EINVAL, errno.ESPIPE):
                    raise OSError(number, os.strerror(number))
                return
            report((at + length) / size)


def _copy_range(source: int, made: int, start: int, end: int) -> Iterator[int]:
    """Copy a range piece by piece; gives the bytes of each."""
    while start < end:
        try:
            done = os.copy_file_range(source, made, min(end - start, _COPY_CHUNK), start, start)
        except OSError as error:
            if error.errno not in (errno.EXDEV, errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS):
                raise
            done = os.pwrite(made, os.pread(source, min(end - start, 1 << 20), start), start)
        if done == 0:
            return
        start += done
        yield done


def _extents(path: Path, blocks: int) -> tuple[int, list[tuple[int, int]]]:
    """The bytes of a file that are its alone, and where on the disk the shared ones lie."""
    shared: list[tuple[int, int]] = []
    header, entry = "=QQIIII", "=QQQQQIIII"
    at = 0
    with path.open("rb") as file:
        while True:
            request = bytearray(struct.calcsize(header) + _FIEMAP_EXTENTS * struct.calcsize(entry))
            struct.pack_into(header, request, 0, at, (1 << 64) - 1 - at, 0, 0, _FIEMAP_EXTENTS, 0)
            try:
                fcntl.ioctl(file.fileno(), _FS_IOC_FIEMAP, request)
            except OSError:
                return blocks, []
            count = struct.unpack_from(header, request)[3]
            last = count == 0
            for index in range(count):
                offset = struct.calcsize(header) + index * struct.calcsize(entry)
                logical, physical, length, _, _, flags, _, _, _ = struct.unpack_from(entry, request, offset)
                if flags & _EXTENT_SHARED and not flags & _EXTENT_UNKNOWN:
                    shared.append((physical, physical + length))
                at = logical + length
                last = bool(flags & _EXTENT_LAST)
            if last:
                break
    return max(0, blocks - sum(stop - start for start, stop in shared)), shared
