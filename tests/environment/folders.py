"""Folders for tests that start daemons: reachable by the daemons' account, short, and on a chosen file system."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

USER = "nobody" if os.geteuid() == 0 else None


@contextmanager
def short_folder() -> Iterator[Path]:
    """A folder that every account may pass through, with a path short enough for the sockets below it."""
    made = Path(tempfile.mkdtemp(prefix="isthmus-"))
    made.chmod(0o711)
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


@contextmanager
def file_system(*make: str, size: int = 512 << 20) -> Iterator[Path]:
    """A file system of its own, made by the command `make` in a file; skips where that takes more than we have."""
    if os.geteuid() != 0:
        pytest.skip("mounting a file system takes root")
    if shutil.which(make[0]) is None:
        pytest.skip(f"{make[0]} is not installed")
    with short_folder() as folder:
        disk, point = folder / "disk", folder / "mnt"
        point.mkdir()
        with disk.open("wb") as file:
            file.truncate(size)
        subprocess.run([*make, str(disk)], capture_output=True, check=True, timeout=30)
        done = subprocess.run(
            ["mount", "-o", "loop", str(disk), str(point)], capture_output=True, text=True, timeout=30, check=False
        )
        if done.returncode != 0:
            pytest.skip(f"this machine does not mount it: {done.stderr.strip()}")
        try:
            yield point
        finally:
            subprocess.run(["umount", "-l", str(point)], capture_output=True, timeout=30, check=False)
