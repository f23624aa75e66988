"""A session with qemu-storage-daemon over its control socket (QMP), opened for a few commands and closed again.

qemu serves one client of a control socket at a time; a second one waits for the greeting until the first has gone.
So sessions take turns by a lock on a file beside the socket, and every wait is bounded.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import socket
import struct
import time
from pathlib import Path
from typing import Any

from ..errors import Busy, Failed, Misconfigured, Refused, StorageError, Transient

# The longest path that fits sockaddr_un with its final zero byte.
LONGEST_SOCKET_PATH = 107
_PAUSE = 0.002


class DaemonGone(Transient):
    """The daemon does not answer on its control socket: it has ended, or is about to."""


class Qmp:
    """One session; a context manager. Raises `DaemonGone`, or `Transient` when no turn comes within `timeout` s."""

    def __init__(self, control: Path, timeout: float) -> None:
        self._control = control
        self._timeout = timeout
        self._deadline = 0.0
        self._lock = -1
        self._socket = socket.socket(socket.AF_UNIX)
        self._pending = b""

    def __enter__(self) -> Qmp:
        self._deadline = time.monotonic() + self._timeout
        try:
            self._take_turn()
            self._connect()
            while "QMP" not in self._read():
                pass
            self.run("qmp_capabilities")
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    @property
    def process(self) -> int:
        """The pid of the daemon at the other end."""
        credentials = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        pid: int = struct.unpack("3i", credentials)[0]
        return pid

    def run(self, command: str, **arguments: Any) -> Any:
        """Run a command and return what it returns; `_` in an argument's name stands for `-`.

        Raises `Busy`, `Refused` or `Failed` with qemu's own words, `Transient` when it does not answer in time.
        """
        given = {name.replace("_", "-"): value for name, value in arguments.items()}
        mark = secrets.token_hex(8)
        self._send(json.dumps({"execute": command, "arguments": given, "id": mark}).encode() + b"\n")
        while True:
            answer = self._read()
            # The answer to a client that was killed before it could read it may come to the next one.
            if answer.get("id") != mark:
                continue
            if "error" in answer:
                raise _error(command, str(answer["error"].get("desc", "unknown error")))
            if "return" in answer:
                return answer["return"]

    def _take_turn(self) -> None:
        try:
            self._lock = os.open(
                self._control.with_suffix(".turn"),
                os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW,
                0o600,
            )
        except FileNotFoundError:
            raise self._gone() from None
        except OSError as error:
            raise Failed(f"{error.filename} cannot be locked: {os.strerror(error.errno or 0)}.") from error
        while True:
            try:
                fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except BlockingIOError:
                self._check_time("is being spoken to by another process")
                time.sleep(_PAUSE)

    def _connect(self) -> None:
        path = str(self._control)
        if len(os.fsencode(path)) > LONGEST_SOCKET_PATH:
            raise Misconfigured(
                f"The path of the socket {path} is too long for a Unix socket.",
                next_step="Choose a shorter runtime folder.",
            )
        self._socket.settimeout(self._left())
        try:
            self._socket.connect(path)
        except (FileNotFoundError, ConnectionRefusedError, ConnectionResetError):
            raise self._gone() from None
        except TimeoutError:
            raise self._slow() from None

    def _send(self, data: bytes) -> None:
        self._socket.settimeout(self._left())
        try:
            self._socket.sendall(data)
        except TimeoutError:
            raise self._slow() from None
        except OSError:
            raise self._gone() from None

    def _read(self) -> dict[str, Any]:
        while b"\n" not in self._pending:
            self._socket.settimeout(self._left())
            try:
                part = self._socket.recv(65536)
            except TimeoutError:
                raise self._slow() from None
            except OSError:
                raise self._gone() from None
            if not part:
                raise self._gone()
            self._pending += part
        line, _, self._pending = self._pending.partition(b"\n")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _left(self) -> float:
        return max(0.001, self._deadline - time.monotonic())

    def _check_time(self, what: str) -> None:
        if time.monotonic() >= self._deadline:
            raise Transient(f"qemu-storage-daemon at {self._control} {what} for {self._timeout:g} s.")

    def _gone(self) -> DaemonGone:
        return DaemonGone(
            f"qemu-storage-daemon at {self._control} does not run any longer.",
            next_step="It is started again when the volume is next published.",
        )

    def _slow(self) -> Transient:
        return Transient(f"qemu-storage-daemon at {self._control} did not answer within {self._timeout:g} s.")

    def _close(self) -> None:
        self._socket.close()
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1


def _error(command: str, words: str) -> StorageError:
    sentence = f"qemu-storage-daemon refused {command}: {words}"
    if " lock" in words and "Failed to get" in words:
        return Busy(sentence, next_step="Another process has the image open.")
    if "No space left on device" in words or "Disk quota exceeded" in words:
        return Refused(sentence)
    return Failed(sentence)
