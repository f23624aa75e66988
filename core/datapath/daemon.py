"""Daemons that outlive the server: started, found again, adopted and ended by name.

Each daemon has a few files in the state folder: NAME.json (pid, kernel start time, boot and arguments), NAME.log
(what it printed), NAME.pid (written by the process itself before it becomes the daemon, so that a server killed at
any moment leaves no daemon that its successor cannot find) and NAME.lock (held while it is started or ended).
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from ..errors import Invalid, Unavailable
from . import lock, process, unit
from .account import Account, account

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}\Z")
_LOG_LIMIT = 1024 * 1024
_PAUSES = (0.001, 0.001, 0.002, 0.002, 0.005, 0.005, 0.01, 0.02)
_BECOMES_SECONDS = 2.0
# setsid --fork gives the daemon a session of its own and init for a parent. Standard input is the lock: the process
# that becomes the daemon holds it until the moment it does.
_LAUNCH = 'ulimit -Sn 65536 2>/dev/null; echo $$; exec "$@" </dev/null >&2'
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True, slots=True)
class Daemon:
    """A live daemon; `started` is the kernel's start time in clock ticks since boot."""

    name: str
    pid: int
    started: int
    argv: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Record:
    """What is written about a daemon; `pid` is 0 from before it is started until it is known."""

    pid: int
    started: int
    boot: str
    argv: tuple[str, ...]
    unit: str


class Daemons:
    """The daemons of one state folder. Safe for several threads and processes at once.

    `state` keeps the files named above (mode 0700); `runtime` is for the daemons' sockets, see `folder`.
    A daemon inherits nothing from the server: no descriptor, no environment but PATH, LANG and what is given.
    Where systemd is process 1 and the server is root, a daemon is a transient unit; elsewhere a process of its own
    session. A server that is itself a unit without being root needs KillMode=process, or systemd ends its daemons.
    """

    def __init__(self, state: Path, runtime: Path) -> None:
        self._state = state
        self._runtime = runtime

    def ensure(
        self,
        name: str,
        argv: Sequence[str],
        *,
        user: str | None = None,
        ready: Callable[[], bool],
        timeout: float,
        environment: Mapping[str, str] | None = None,
    ) -> Daemon:
        """The daemon `name`: the one that lives, whatever its arguments, else a new one with `argv`.

        Returns when `ready()` is true. `user` is the account to run as when this process is root. No secret may
        stand in `argv` or `environment`. Several callers at once get the same daemon.
        Raises `Unavailable`: the program is missing, it died while starting (with the last line it printed), or it
        was not ready within `timeout` seconds; a new one that did not become ready is ended, one that lived before
        is left alone.
        """
        deadline = time.monotonic() + timeout
        with self._locked(name, timeout) as held:
            found = self.find(name)
            fresh = found is None
            daemon = found or self._start(name, tuple(argv), account(user) if user else None, environment or {}, held)
            self._write(name, _Record(daemon.pid, daemon.started, process.boot_id(), daemon.argv, self._unit(name)))
            attempts = 0
            while not ready():
                if process.started_at(daemon.pid) != daemon.started:
                    process.reap(daemon.pid)
                    raise self._died(name, daemon.argv)
                if time.monotonic() >= deadline:
                    if fresh:
                        process.end(daemon.pid, daemon.started, signal.SIGKILL, 5.0)
                        process.reap(daemon.pid)
                    raise Unavailable(
                        f"{Path(daemon.argv[0]).name} ({name}) is not ready after {timeout:g} s.{self._last(name)}"
                    )
                time.sleep(_PAUSES[min(attempts, len(_PAUSES) - 1)])
                attempts += 1
            return daemon

    def find(self, name: str) -> Daemon | None:
        """The daemon if it lives: pid, start time, boot and arguments are those that were written."""
        record = self._read(name)
        if record is None or record.boot != process.boot_id():
            return None
        pid, started = record.pid, record.started
        if pid == 0:
            # Whoever started it was killed before it could write the pid down.
            pid = self._launched(name, record)
            started = process.started_at(pid) or 0 if pid else 0
            if not started or not self._becomes(pid, started, record.argv):
                return None
        if process.started_at(pid) != started or process.arguments(pid) != record.argv:
            process.reap(pid)
            return None
        return Daemon(name, pid, started, record.argv)

    def end(self, name: str, *, grace: float) -> None:
        """End the daemon: SIGTERM, after `grace` seconds SIGKILL; returns when it is gone. Absent is success.

        Raises `Unavailable` when even that does not end it (it hangs in the kernel, or is not ours to signal).
        """
        with self._locked(name, grace + 10.0):
            daemon = self.find(name)
            if (
                daemon is not None
                and not process.end(daemon.pid, daemon.started, signal.SIGTERM, grace)
                and not process.end(daemon.pid, daemon.started, signal.SIGKILL, 10.0)
            ):
                raise Unavailable(f"{Path(daemon.argv[0]).name} ({name}, process {daemon.pid}) cannot be ended.")
            if daemon is not None:
                process.reap(daemon.pid)
            for suffix in ("json", "pid", "log"):
                self._file(name, suffix).unlink(missing_ok=True)
            # Whoever waits for the lock sees that the file has gone and makes a new one.
            self._file(name, "lock").unlink(missing_ok=True)

    def names(self) -> tuple[str, ...]:
        """The daemons that were started and not ended since, alive or dead."""
        return tuple(sorted(path.name.removesuffix(".json") for path in self._state.glob("*.json")))

    def folder(self, name: str, user: str | None = None) -> Path:
        """A folder for the daemon's sockets, which its user may write to and nobody else may enter."""
        self._check(name)
        made = self._runtime / name
        made.mkdir(parents=True, exist_ok=True, mode=0o700)
        who = account(user) if user else None
        if who is not None and made.stat().st_uid != who.uid:
            os.chown(made, who.uid, who.gid)
        return made

    def log(self, name: str) -> Path:
        """Where the daemon's output goes; truncated when a start finds it larger than 1 MiB."""
        return self._file(name, "log")

    def _start(
        self, name: str, argv: tuple[str, ...], who: Account | None, environment: Mapping[str, str], held: int
    ) -> Daemon:
        former = self._read(name)
        if former is not None and former.pid and former.boot == process.boot_id():
            process.settled(former.pid, former.started, 5.0)
        log = self.log(name)
        output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            if os.fstat(output).st_size > _LOG_LIMIT:
                os.ftruncate(output, 0)
            given = {"PATH": _PATH, "LANG": "C.UTF-8", **environment}
            if unit.systemd_runs():
                self._write(name, _Record(0, 0, process.boot_id(), argv, self._unit(name)))
                ids = (who.uid, who.gid) if who else None
                pid = unit.start(self._unit(name), argv, user=ids, environment=given, log=log)
            else:
                pid = self._launch(name, argv, who, given, held, output)
        finally:
            os.close(output)
        started = process.started_at(pid)
        if started is None or not self._becomes(pid, started, argv):
            if started is not None:
                process.end(pid, started, signal.SIGKILL, 5.0)
            process.reap(pid)
            raise self._died(name, argv)
        return Daemon(name, pid, started, argv)

    def _launch(
        self,
        name: str,
        argv: tuple[str, ...],
        who: Account | None,
        environment: Mapping[str, str],
        held: int,
        output: int,
    ) -> int:
        own = os.open(self._file(name, "pid"), os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            self._write(name, _Record(0, 0, process.boot_id(), argv, ""))
            try:
                launcher = subprocess.Popen(
                    ["/usr/bin/setsid", "--fork", "/bin/sh", "-c", _LAUNCH, "sh", *argv],
                    stdin=held,
                    stdout=own,
                    stderr=output,
                    cwd="/",
                    env=environment,
                    umask=0o077,
                    user=who.uid if who else None,
                    group=who.gid if who else None,
                    extra_groups=[] if who else None,
                )
            except OSError as error:
                raise Unavailable(f"{argv[0]} cannot be started: {error.strerror}.") from error
            launcher.wait(timeout=_BECOMES_SECONDS * 5)
            deadline = time.monotonic() + _BECOMES_SECONDS
            while not (text := os.pread(own, 32, 0)).endswith(b"\n"):
                if time.monotonic() >= deadline:
                    raise self._died(name, argv)
                time.sleep(0.0005)
            return int(text)
        finally:
            os.close(own)

    def _becomes(self, pid: int, started: int, argv: tuple[str, ...]) -> bool:
        """Wait for the launching shell to turn into the daemon; False when it ended instead."""
        deadline = time.monotonic() + _BECOMES_SECONDS
        while process.started_at(pid) == started:
            if process.arguments(pid) == argv:
                return True
            if time.monotonic() >= deadline:
                return False
            time.sleep(0.0005)
        return False

    def _launched(self, name: str, record: _Record) -> int:
        if record.unit:
            return unit.main_process(record.unit) or 0
        with suppress(OSError, ValueError):
            return int(self._file(name, "pid").read_text())
        return 0

    def _died(self, name: str, argv: tuple[str, ...]) -> Unavailable:
        return Unavailable(
            f"{Path(argv[0]).name} ({name}) ended while it was starting.{self._last(name)}",
            next_step=f"Its output is in {self.log(name)}.",
        )

    def _last(self, name: str) -> str:
        """The last line that the daemon printed, as the end of a sentence."""
        try:
            lines = self.log(name).read_text(errors="replace").strip().splitlines()
        except OSError:
            return ""
        return f" Its last words: {lines[-1].strip()[:300]}" if lines else ""

    @contextmanager
    def _locked(self, name: str, timeout: float) -> Iterator[int]:
        self._check(name)
        self._state.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = self._file(name, "lock")
        deadline = time.monotonic() + timeout
        while (handle := lock.attempt(path)) is None:
            if time.monotonic() >= deadline:
                raise Unavailable(f"Another process has been starting or ending {name} for {timeout:g} s.")
            time.sleep(0.002)
        try:
            yield handle
        finally:
            os.close(handle)

    def _read(self, name: str) -> _Record | None:
        self._check(name)
        try:
            document = json.loads(self._file(name, "json").read_text())
            argv = tuple(str(part) for part in document["argv"])
            return _Record(
                int(document["pid"]), int(document["started"]), str(document["boot"]), argv, str(document["unit"])
            )
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def _write(self, name: str, record: _Record) -> None:
        if self._read(name) == record:
            return
        path = self._file(name, "json")
        document = {
            "pid": record.pid,
            "started": record.started,
            "boot": record.boot,
            "argv": list(record.argv),
            "unit": record.unit,
        }
        fresh = path.with_suffix(f".new{os.getpid()}")
        fresh.write_text(json.dumps(document))
        fresh.replace(path)

    def _file(self, name: str, suffix: str) -> Path:
        return self._state / f"{name}.{suffix}"

    def _unit(self, name: str) -> str:
        if not unit.systemd_runs():
            return ""
        place = hashlib.sha256(str(self._state.resolve()).encode()).hexdigest()[:8]
        return f"isthmus-{place}-{name}.service"

    def _check(self, name: str) -> None:
        if not _NAME.match(name):
            raise Invalid(f"{name!r} is no name for a daemon.")
