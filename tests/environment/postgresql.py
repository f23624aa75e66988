"""A private PostgreSQL for the tests, and databases that are empty at the start of each.

One server per test process (so one per xdist worker), in a folder of its own, on a Unix socket and a free
loopback port. It ends with the process that started it, whatever becomes of that process.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import pwd
import re
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import IO, Any

import pytest

from tests.environment.ports import free_port

START_SECONDS = 60
STOP_SECONDS = 30
ROOM_BYTES = 1 << 30
PREFIX = "isthmus-postgresql-"
_PR_SET_PDEATHSIG = 1


class NotAvailable(Exception):
    """This machine cannot run PostgreSQL; the text says why and what to install."""


@cache
def programs() -> Path:
    """The folder of initdb and postgres; the newest version where there are several.

    Raises NotAvailable when there is none.
    """
    found = list(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if found:
        return max(found, key=lambda path: [int(part) for part in re.findall(r"\d+", path.parts[4])]).parent
    on_path = shutil.which("initdb")
    if on_path is None:
        raise NotAvailable("PostgreSQL is not installed (Debian package postgresql)")
    return Path(on_path).resolve().parent


def _account() -> dict[str, Any]:
    """Arguments for subprocess that give up root, which PostgreSQL refuses to run as."""
    if os.geteuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
    raise NotAvailable("PostgreSQL does not run as root, and there is neither a user postgres nor nobody")


def base_folder() -> Path:
    """Memory where there is room for it: the server keeps fsync on, and there it costs nothing."""
    memory = Path("/dev/shm")
    if memory.is_dir() and os.access(memory, os.W_OK | os.X_OK) and shutil.disk_usage(memory).free > ROOM_BYTES:
        return memory
    return Path(tempfile.gettempdir())


def _end_with_parent() -> None:
    """Runs in the child: a killed test run leaves no server (SIGINT is PostgreSQL's fast shutdown)."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGINT)


def clear_dead(base: Path) -> None:
    """Remove the folders of runs that were killed: nobody holds their lock any more."""
    for folder in base.glob(f"{PREFIX}*"):
        try:
            with (folder / "lock").open() as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
        except OSError:
            continue


@dataclass
class Server:
    """A private PostgreSQL that belongs to this process alone."""

    folder: Path
    password: str = field(repr=False)
    account: dict[str, Any]
    lock: IO[str]
    port: int = 0
    process: subprocess.Popen[bytes] | None = None

    def url(self, database: str = "postgres", *, tcp: bool = False) -> str:
        """An SQLAlchemy URL of `database`: over the Unix socket, or over loopback TCP with a password."""
        if tcp:
            return f"postgresql+psycopg://isthmus:{self.password}@127.0.0.1:{self.port}/{database}"
        return f"postgresql+psycopg://isthmus@/{database}?host={self.folder}&port={self.port}"

    def create_database(self) -> str:
        """A new empty database; answers its name, for `url`."""
        name = f"t_{secrets.token_hex(6)}"
        self.execute(f'CREATE DATABASE "{name}" TEMPLATE template0')
        return name

    def drop_database(self, name: str) -> None:
        """Remove a database, ending what is still connected to it. Idempotent."""
        self.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def execute(self, statement: str) -> None:
        """Run one statement as the administrator, outside a transaction."""
        import psycopg

        with psycopg.connect(self._conninfo(), autocommit=True) as connection:
            connection.execute(statement.encode())

    def answers(self) -> bool:
        """Whether the server takes connections now."""
        import psycopg

        try:
            with psycopg.connect(self._conninfo(), connect_timeout=2):
                return True
        except psycopg.OperationalError:
            return False

    @contextmanager
    def outage(self) -> Iterator[None]:
        """Within the block the server is down, as after a crash: its clients lose their connections."""
        self._halt(signal.SIGQUIT)
        try:
            yield
        finally:
            if not self._launch():
                raise RuntimeError(f"PostgreSQL did not start again:\n{self._log()}")

    def start(self) -> None:
        """Start on a free port. Raises RuntimeError with the server's own log when it does not come up."""
        for _ in range(5):
            self.port = free_port()
            if self._launch():
                return
        raise RuntimeError(f"PostgreSQL did not start:\n{self._log()}")

    def stop(self) -> None:
        """End the server and remove its folder. Idempotent."""
        self._halt(signal.SIGINT)
        shutil.rmtree(self.folder, ignore_errors=True)
        self.lock.close()

    def _launch(self) -> bool:
        """Start and wait until it answers; False when it ended, for instance because another took the port."""
        settings = {
            "port": self.port,
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": self.folder,
            "max_connections": 300,
            "shared_buffers": "32MB",
            "max_wal_size": "128MB",
            "min_wal_size": "32MB",
            "timezone": "UTC",
        }
        arguments = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [programs() / "postgres", "-D", self.folder / "data", *arguments],
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # A signal to the terminal's process group (Ctrl-C) must not end it under a test's tear-down.
                start_new_session=True,
                preexec_fn=_end_with_parent,
                **self.account,
            )
        until = time.monotonic() + START_SECONDS
        while self.process.poll() is None and time.monotonic() < until:
            if self.answers():
                return True
            time.sleep(0.05)
        self._halt(signal.SIGKILL)
        return False

    def _halt(self, how: signal.Signals) -> None:
        if self.process is None:
            return
        self.process.send_signal(how)
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(STOP_SECONDS)
        self.process = None

    def _log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")

    def _conninfo(self) -> str:
        return f"host={self.folder} port={self.port} user=isthmus dbname=postgres"


def start() -> Server:
    """Make and start a private server; it answers when this returns.

    Raises NotAvailable when this machine has no PostgreSQL, RuntimeError with the server's own words when it
    does not come up.
    """
    initdb, account, base = programs() / "initdb", _account(), base_folder()
    clear_dead(base)
    folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=base))
    lock = (folder / "locking").open("w")
    fcntl.flock(lock, fcntl.LOCK_EX)
    (folder / "locking").rename(folder / "lock")  # never seen unlocked, so nobody takes it for a dead run's
    server = Server(folder, secrets.token_hex(16), account, lock)
    (folder / "password").write_text(server.password + "\n")
    if account:
        for path in (folder, folder / "password"):
            os.chown(path, account["user"], account["group"])
    command: list[str | Path] = [initdb, "-D", folder / "data", "-U", "isthmus", "--encoding=UTF8"]
    command += ["--locale=C.UTF-8", "--no-sync", "--auth-local=trust", "--auth-host=scram-sha-256"]
    made = subprocess.run(
        [*command, "--pwfile", folder / "password"],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=START_SECONDS,
        check=False,
        **account,
    )
    try:
        if made.returncode:
            raise RuntimeError(f"initdb failed:\n{made.stdout}")
        server.start()
    except BaseException:
        server.stop()
        raise
    return server


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[Server]:
    """The private PostgreSQL of this test process; tests that use it carry the marker `server`."""
    try:
        pytest.importorskip("psycopg", reason="psycopg is not installed (extra postgresql)")
        server = start()
    except NotAvailable as reason:
        pytest.skip(str(reason))
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture
def postgresql_url(postgresql_server: Server) -> Iterator[str]:
    """The URL of a PostgreSQL database that is empty and this test's own."""
    name = postgresql_server.create_database()
    try:
        yield postgresql_server.url(name)
    finally:
        postgresql_server.drop_database(name)


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """The URL of an SQLite database that does not exist yet and is this test's own."""
    return f"sqlite:///{tmp_path / 'isthmus.db'}"


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.server)])
def database_url(request: pytest.FixtureRequest) -> str:
    """The URL of an empty database: the test runs once on SQLite and once on PostgreSQL."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url
