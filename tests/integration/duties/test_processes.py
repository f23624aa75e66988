"""A duty and real processes: killed, paused, continued, ended."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from itertools import groupby
from pathlib import Path

import pytest

from isthmus.core.store.database import Database

WAIT = 30.0
Start = Callable[[], "subprocess.Popen[bytes]"]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Where the processes say that they do the work."""
    path = tmp_path / "log"
    path.touch()
    return path


@pytest.fixture
def start(database: Database, log: Path, checkout: Path) -> Iterator[Start]:
    """Starts a process that would do the duty; all are killed at the end."""
    url = database.engine.url.render_as_string(hide_password=False)
    started: list[subprocess.Popen[bytes]] = []

    def begin() -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "tests.integration.duties.worker", url, str(log)]
        started.append(subprocess.Popen(command, cwd=checkout))
        return started[-1]

    yield begin
    for process in started:
        process.kill()
        process.wait(WAIT)


def workers(log: Path) -> list[int]:
    """Who did the work, in order."""
    return [int(line) for line in log.read_text().split()]


def doing(log: Path, *, but: int = 0) -> int:
    """Wait until somebody, other than `but`, goes on with the work; who it is."""
    before = len(workers(log))
    until = time.monotonic() + WAIT
    while time.monotonic() < until:
        fresh = workers(log)[before:]
        if len(fresh) > 5 and fresh[-1] != but:
            return fresh[-1]
        time.sleep(0.02)
    raise AssertionError("nobody does the work")


def test_one_at_a_time_does_the_work_whatever_happens_to_the_others(start: Start, log: Path) -> None:
    processes = {process.pid: process for process in (start(), start(), start())}
    first = doing(log)
    processes.pop(first).send_signal(signal.SIGKILL)
    second = doing(log, but=first)
    processes[second].send_signal(signal.SIGSTOP)
    third = doing(log, but=second)
    continued = len(workers(log))
    processes[second].send_signal(signal.SIGCONT)
    assert doing(log, but=second) == third
    # It may have been stopped just before it wrote; then it wrote once, and asked.
    assert workers(log)[continued:].count(second) <= 1
    processes[third].terminate()
    assert processes[third].wait(WAIT) == 0
    assert doing(log, but=third) == second
    turns = [who for who, times in groupby(workers(log)) if len(list(times)) > 1]
    assert [who for who, _ in groupby(turns)] == [first, second, third, second]
