"""A program that works on files: it may take as long as it likes while it gets further."""

from __future__ import annotations

import os
import re
import selectors
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from ...errors import Transient
from ...progress import report

_LOOK_SECONDS = 0.25
_MOST_KEPT = 1 << 16
_PERCENT = re.compile(rb"(\d+\.\d+)/100%")
_TRAFFIC = re.compile(r"[rw]char: (\d+)")


def run(command: Sequence[str], folder: Path, timeout: float, inherited: tuple[int, ...] = ()) -> tuple[int, str]:
    """Run a program in `folder` to its end, reporting progress: its exit status, and what it said on stderr.

    How far it is, it says itself (`12.34/100%`, as `qemu-img -p` does); that it moves at all is seen by the bytes that
    it reads and writes. When it does nothing of all that for `timeout` seconds it is killed, with `Transient`. It
    keeps the descriptors `inherited` open.
    """
    with subprocess.Popen(
        command,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        pass_fds=inherited,
    ) as running:
        try:
            complaints = _followed(running, timeout)
            return running.wait(timeout), complaints.decode(errors="replace")
        except (TimeoutError, subprocess.TimeoutExpired):
            running.kill()
            what = " ".join((Path(command[0]).name, *command[1:2]))
            raise Transient(f"{what} went no further for {timeout:g} s.") from None
        except BaseException:
            running.kill()
            raise


def _followed(running: subprocess.Popen[bytes], timeout: float) -> bytes:
    """What the program says on stderr until it closes that; raises `TimeoutError` when it stands still."""
    out, complaints = (stream.fileno() for stream in (running.stdout, running.stderr) if stream is not None)
    said = {out: b"", complaints: b""}
    moved, since = 0, time.monotonic()
    with selectors.DefaultSelector() as streams:
        for stream in said:
            streams.register(stream, selectors.EVENT_READ)
        while streams.get_map():
            for key, _ in streams.select(_LOOK_SECONDS):
                part = os.read(key.fd, _MOST_KEPT)
                said[key.fd] = (said[key.fd] + part)[-_MOST_KEPT:]
                if not part:
                    streams.unregister(key.fd)
            percent = _percent(said[out])
            now, moment = _traffic(running.pid) + int(percent * 100), time.monotonic()
            if now > moved:
                moved, since = now, moment
                report(percent / 100)
            elif moment - since > timeout:
                raise TimeoutError
    return said[complaints]


def _percent(text: bytes) -> float:
    """The latest percentage in what a program said; 0 when there is none."""
    found = _PERCENT.findall(text)
    return float(found[-1]) if found else 0.0


def _traffic(pid: int) -> int:
    """The bytes that a process has read and written; 0 when the kernel does not say."""
    try:
        return sum(int(found) for found in _TRAFFIC.findall(Path(f"/proc/{pid}/io").read_text()))
    except OSError:
        return 0
