"""The image daemons of one owner: started, found again and ended by name."""

from __future__ import annotations

import shutil
import time
from contextlib import suppress
from pathlib import Path

from ..errors import Misconfigured, Transient, Unavailable
from .account import account, barrier
from .daemon import Daemons
from .image_daemon import ImageDaemon
from .qmp import LONGEST_SOCKET_PATH

_PROGRAM = "qemu-storage-daemon"
_SEARCH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_GRACE_SECONDS = 5.0
_PAUSE = 0.002


class ImageDaemons:
    """The image daemons of one owner (a back end's driver, a target), by name.

    They run as `user` where this process is root. `state` and `runtime` are folders of this owner; the sockets lie
    in `runtime`, which the user must be able to pass through.
    """

    def __init__(self, state: Path, runtime: Path, *, user: str | None, timeout: float) -> None:
        self._daemons = Daemons(state, runtime)
        self._runtime = runtime
        self._user = user
        self._timeout = timeout

    def ensure(self, name: str) -> ImageDaemon:
        """The daemon of that name, started if it does not live; it may have no image open yet.

        Raises `Unavailable` when it cannot be started, `Misconfigured` when its account cannot reach its socket.
        """
        folder = self._daemons.folder(name, self._user)
        control = folder / "qmp"
        if len(str(control).encode()) > LONGEST_SOCKET_PATH:
            raise Misconfigured(
                f"The path of the socket {control} is too long for a Unix socket.",
                next_step="Choose a shorter runtime folder.",
            )
        who = account(self._user) if self._user else None
        closed = barrier(control, who) if who else None
        if who and closed:
            raise Misconfigured(
                f"The account {who.name} cannot reach {folder}: {closed} is closed to it.",
                next_step=f"chmod o+x {closed}",
            )
        # wait=on: the daemon goes on starting when the first client is there. A client that connects a moment later
        # may meet the socket on its way to another thread, and make the daemon hang or crash (1 of 3000 starts).
        chardev = f"socket,id=control,path={str(control).replace(',', ',,')},server=on,wait=on"
        argv = (program(), "--chardev", chardev, "--monitor", "chardev=control")
        daemon = ImageDaemon(control, self._timeout)
        self._daemons.ensure(name, argv, user=self._user, ready=daemon.alive, timeout=self._timeout)
        return daemon

    def find(self, name: str) -> ImageDaemon | None:
        """The daemon if it lives; one that has just been started is waited for.

        Raises `Transient` when it neither answers nor ends.
        """
        daemon = ImageDaemon(self._runtime / name / "qmp", self._timeout)
        deadline = time.monotonic() + self._timeout
        while self._daemons.find(name) is not None:
            if daemon.alive():
                return daemon
            if time.monotonic() >= deadline:
                raise Transient(f"{_PROGRAM} ({name}) runs, but its control socket is not there.")
            time.sleep(_PAUSE)
        return None

    def end(self, name: str) -> None:
        """End the daemon with all its exports; returns when it is gone. Absent is success."""
        # One that hangs cannot close its image; it is ended all the same.
        with suppress(Transient):
            daemon = self.find(name)
            if daemon is not None:
                daemon.end()
        try:
            self._daemons.end(name, grace=_GRACE_SECONDS)
        except Unavailable as error:
            raise Transient(error.message, next_step=error.next_step) from error
        shutil.rmtree(self._runtime / name, ignore_errors=True)

    def names(self) -> tuple[str, ...]:
        """The daemons that were started and not ended since, alive or dead."""
        return self._daemons.names()


def program() -> str:
    """The path of qemu-storage-daemon. Raises `Unavailable` when it is not installed."""
    found = shutil.which(_PROGRAM, path=_SEARCH)
    if found is None:
        raise Unavailable(f"{_PROGRAM} is not installed.", next_step="apt install qemu-utils qemu-system-common")
    return found
