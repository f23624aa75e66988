"""qcow2 files, made and changed while no daemon has them open: with qemu-img, but for empty ones that are thin."""

from __future__ import annotations

import shutil
from pathlib import Path

from ...errors import Busy, Failed, Unavailable
from .command import run
from .disk import no_room
from .header import LARGEST_WRITTEN, write_empty

_SEARCH = "/usr/local/bin:/usr/bin:/bin"


def program() -> str:
    """The path of qemu-img. Raises `Unavailable` when it is not installed."""
    found = shutil.which("qemu-img", path=_SEARCH)
    if found is None:
        raise Unavailable("qemu-img is not installed.", next_step="apt install qemu-utils")
    return found


class Images:
    """qemu-img in one folder; All paths lie in that folder. A call that for `timeout` seconds moves nothing is ended.

    `lock` is a descriptor that qemu-img keeps open while it runs (see `Family.lock`).
    """

    def __init__(self, folder: Path, timeout: float, lock: int = -1) -> None:
        self._folder = folder
        self._timeout = timeout
        self._inherited = (lock,) if lock >= 0 else ()

    def make(self, path: Path, size: int, *, thin: bool, backing: Path | None = None) -> None:
        """An image of `size` bytes that reads as zeros, or as `backing` and zeros beyond its end.

        Not thin: all its clusters are allocated on the disk. With a backing file that takes subclusters, which say
        whether a piece of an allocated cluster is still read from below.
        """
        if thin and size <= LARGEST_WRITTEN:
            write_empty(path, size, backing.name if backing else None)
            return
        options = []
        if not thin:
            options = ["preallocation=falloc", *(["extended_l2=on"] if backing else [])]
        below = ["-u", "-b", backing.name, "-F", "qcow2"] if backing else []
        chosen = ["-o", ",".join(options)] if options else []
        needed = 0 if thin else size
        self._run(["create", "-q", "-f", "qcow2", *below, *chosen, path.name, str(size)], needed)

    def grow(self, path: Path, size: int, *, thin: bool) -> None:
        """Make the image `size` bytes large."""
        allocation = [] if thin else ["--preallocation=falloc"]
        self._run(["resize", "-q", "-f", "qcow2", *allocation, path.name, str(size)], 0 if thin else size)

    def flatten(self, source: Path, made: Path, *, thin: bool) -> None:
        """Copy what `source` shows, its lower layers included, into the new image `made`."""
        allocation = [] if thin else ["-o", "preallocation=falloc"]
        self._run(["convert", "-p", "-f", "qcow2", "-O", "qcow2", *allocation, source.name, str(made)], 0)

    def push_down(self, upper: Path, lower: Path) -> None:
        """Copy the data of `upper` into the layer right below it, which then shows the same."""
        self._run(["commit", "-p", "-d", "-f", "qcow2", "-b", lower.name, upper.name], 0)

    def pull_up(self, upper: Path, base: Path | None) -> None:
        """Copy into `upper` what it reads from the layers between it and `base`; then it rests on `base`."""
        below = ["-b", base.name, "-F", "qcow2"] if base else ["-b", ""]
        self._run(["rebase", "-p", "-f", "qcow2", *below, upper.name], 0)

    def relink(self, upper: Path, base: Path) -> None:
        """Let `upper` rest on `base`, which shows the same as the layer it rested on."""
        self._run(["rebase", "-q", "-u", "-f", "qcow2", "-b", base.name, "-F", "qcow2", upper.name], 0)

    def _run(self, arguments: list[str], needed: int) -> None:
        status, words = run([program(), *arguments], self._folder, self._timeout, self._inherited)
        if status != 0:
            words = " ".join(words.split()) or f"exit status {status}"
            if "No space left" in words or "quota exceeded" in words or "not supported: File too large" in words:
                raise no_room(self._folder, needed)
            if "Failed to get" in words and "lock" in words:
                raise Busy(f"Another process has the image open: {words}")
            raise Failed(f"qemu-img {arguments[0]} failed: {words}")
