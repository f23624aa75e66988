"""The one tgtd of a node: started, adopted, spoken to under a lock, ended.

It runs in the foreground as a daemon of `core/datapath`, with a control socket and a control number of its own, so
that a tgtd of the distribution is neither met nor disturbed.
"""

from __future__ import annotations

import ipaddress
import json
import os
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ...datapath import lock
from ...datapath.account import Account, account, barrier
from ...datapath.daemon import Daemon, Daemons
from ...datapath.impersonate import possible
from ...errors import Busy, Misconfigured, StorageError, Unavailable
from .accounts import Places
from .tgt import Tgt

DAEMON = "tgtd"
_CONTROL = 1
_START_SECONDS = 15.0
_LONGEST_SOCKET = 107


USUAL_PORT = 3260


class Server:
    """tgtd with its state in `state` and its socket in `runtime`, listening on `address` and `port`.

    `port` 0 means: choose a free one the first time and keep it; None: 3260 if it is free that time, else as 0.
    `threads` serve each logical unit.
    """

    def __init__(
        self,
        state: Path,
        runtime: Path,
        *,
        address: str,
        port: int | None,
        threads: int,
        user: str | None,
        timeout: float,
    ) -> None:
        self._state = state
        self._address = address
        self._wanted_port = port
        self._threads = threads
        self._user = user
        self._timeout = timeout
        self._daemons = Daemons(state, runtime)
        self._runtime = runtime
        self._within = threading.Lock()
        self._held = -1
        self.account: Account | None = None
        self.tgt = Tgt(runtime / DAEMON / f"socket.{_CONTROL}", None, timeout)
        self.places = Places(self.tgt, state / "hole")

    def prepare(self) -> None:
        """Find out what this machine allows. Raises `Unavailable` or `Misconfigured` with what to do."""
        if _program() is None:
            raise Unavailable("tgtd is not installed.", next_step="Install it: apt install tgt")
        self.account = account(self._user) if self._user else None
        if self.account is not None and not possible():
            raise Unavailable(f"tgtd cannot run as {self.account.name} on this kind of machine.")
        self._state.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = self._daemons.folder(DAEMON, self._user) / f"socket.{_CONTROL}"
        if len(os.fsencode(path)) > _LONGEST_SOCKET:
            raise Misconfigured(
                f"The path of tgtd's socket is too long: {path}", next_step="Set a shorter runtime folder."
            )
        if self.account is not None:
            barred = barrier(path, self.account)
            if barred is not None:
                raise Unavailable(
                    f"tgtd runs as {self.account.name}, who may not pass through {barred}.",
                    next_step=f"Allow it (chmod o+x {barred}) or choose another runtime folder.",
                )
        self.tgt = Tgt(path, self.account, self._timeout)
        self.places = Places(self.tgt, self._state / "hole")

    def ensure(self) -> bool:
        """Have tgtd running; True when it had to be started, so that it publishes nothing yet.

        Raises `Unavailable` when it cannot be, for one because another program has its port.
        """
        if self._find() is not None:
            if self.tgt.alive():
                return False
            raise Unavailable(
                "tgtd runs but does not answer.", next_step="If this stays, end it: isthmus data-path stop"
            )
        address, port = self._listen()
        self._free(address, port)
        shown = f"[{address}]" if ":" in address else address
        argv = (
            _program() or "tgtd",
            "-f",
            "-C",
            str(_CONTROL),
            "--iscsi",
            f"portal={shown}:{port}",
            "-t",
            str(self._threads),
        )
        path = self._daemons.folder(DAEMON, self._user) / "socket"
        self._daemons.ensure(
            DAEMON,
            argv,
            user=self._user,
            ready=self.tgt.alive,
            timeout=_START_SECONDS,
            environment={"TGT_IPC_SOCKET": str(path)},
        )
        # Where it cannot listen it goes on without, or listens on port 3260 of every address instead.
        if (address, port) not in self.tgt.portals():
            self._daemons.end(DAEMON, grace=1.0)
            raise Unavailable(f"tgtd could not listen on {shown}:{port}.", next_step="Choose a free address and port.")
        (self._state / "hole").unlink(missing_ok=True)
        return True

    def generation(self) -> str:
        """Names this life of tgtd; another one when it died and was started again, empty when it does not live."""
        daemon = self._find()
        return f"{daemon.pid}.{daemon.started}" if daemon else ""

    def portal(self) -> tuple[str, int]:
        """Where tgtd listens; of a live one what it was started with, whatever the settings say now."""
        daemon = self._find()
        if daemon is not None:
            for argument in daemon.argv:
                if argument.startswith("portal="):
                    host, _, port = argument.removeprefix("portal=").rpartition(":")
                    return host.strip("[]"), int(port)
        return self._listen()

    def check(self) -> None:
        """Raise `Unavailable` when tgtd has died, does not answer, or does not listen."""
        if self._find() is None:
            raise Unavailable("tgtd is not running; what it published must be published again.")
        if not self.tgt.alive():
            raise Unavailable("tgtd runs but does not answer.")
        if self.portal() not in self.tgt.portals():
            raise Unavailable("tgtd does not listen on its portal.")

    def end(self) -> None:
        """End tgtd: at once when it has no targets any more, else by SIGKILL after a second."""
        if self._find() is not None:
            with suppress(StorageError):
                self.tgt.shut_down()
        self._daemons.end(DAEMON, grace=1.0)
        (self._state / "hole").unlink(missing_ok=True)

    @contextmanager
    def locked(self, timeout: float) -> Iterator[None]:
        """Be the only one on this node that speaks to tgtd of its targets. Raises `Busy` after `timeout` seconds."""
        deadline = time.monotonic() + timeout
        if not self._within.acquire(timeout=timeout):
            raise Busy("Another thread has been changing tgtd for too long.")
        try:
            self._state.mkdir(parents=True, exist_ok=True, mode=0o700)
            pause = 0.0005
            while (handle := lock.attempt(self._state / "control.lock")) is None:
                if time.monotonic() >= deadline:
                    raise Busy("Another process has been changing tgtd for too long.")
                time.sleep(pause)
                pause = min(pause * 2, 0.02)
            self._held = handle
            try:
                yield
            finally:
                os.close(handle)
        finally:
            self._within.release()

    def changes(self) -> int:
        """How often tgtd's targets have been changed, by any process. Under the lock."""
        return int.from_bytes(os.pread(self._held, 8, 0), "little")

    def count_change(self) -> None:
        """Note that tgtd's targets are about to be changed. Under the lock."""
        os.pwrite(self._held, (self.changes() + 1).to_bytes(8, "little"), 0)

    def _find(self) -> Daemon | None:
        return self._daemons.find(DAEMON)

    def _listen(self) -> tuple[str, int]:
        """The address in the form that tgtd shows it, and the port."""
        try:
            address = str(ipaddress.ip_address(self._address.strip("[]")))
        except ValueError:
            try:
                address = str(socket.getaddrinfo(self._address, None, type=socket.SOCK_STREAM)[0][4][0])
            except OSError as error:
                raise Misconfigured(f"{self._address} is no address of this node: {error.strerror}.") from error
        if self._wanted_port:
            return address, self._wanted_port
        kept = self._state / "portal.json"
        try:
            return address, int(json.loads(kept.read_text())["port"])
        except (OSError, ValueError, KeyError, TypeError):
            port = self._choose(address)
            kept.write_text(json.dumps({"port": port}))
            return address, port

    def _choose(self, address: str) -> int:
        """The usual port, unless another program has it already and none was asked for."""
        for port in (USUAL_PORT, 0) if self._wanted_port is None else (0,):
            with suppress(OSError), _bound(address, port) as probe:
                return int(probe.getsockname()[1])
        raise Unavailable(f"{address} has no free port.")

    def _free(self, address: str, port: int) -> None:
        try:
            _bound(address, port).close()
        except OSError as error:
            raise Unavailable(
                f"tgtd cannot listen on {address} port {port}: {error.strerror}.",
                next_step="Another program may listen there (a tgtd of the distribution uses 3260): end it or choose "
                "another port.",
            ) from error


def _program() -> str | None:
    return shutil.which("tgtd", path=f"/usr/sbin:/sbin:{os.environ.get('PATH', '')}")


def _bound(address: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    probe = socket.socket(family, socket.SOCK_STREAM)
    try:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((address, port))
        return probe
    except BaseException:
        probe.close()
        raise
