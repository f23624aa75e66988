"""A server's processes begin, die, come back and end as promised."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
import requests

from tests.integration.server.running import Server, alive, children, running, until


def test_a_second_server_on_the_state_folder_is_refused_by_the_name_of_the_first(server: Server) -> None:
    second = Server(server.folder)
    second.port = server.port + 1
    second.file.write_text(server.file.read_text().replace(str(server.port), str(second.port)))
    process = second.launch()
    assert process.wait(30) != 0
    said = second.log.read_text()
    assert f"Another server (process {server.pid}) works on the state folder" in said
    assert server.answers()


def test_a_port_that_another_server_has_is_refused(server: Server, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = Server(tmp_path / "other")
    other.file.write_text(other.file.read_text().replace(str(other.port), str(server.port)))
    process = other.launch()
    assert process.wait(30) != 0
    assert f"127.0.0.1 port {server.port} cannot be listened on: another program listens there" in other.log.read_text()


def test_the_worker_dies_with_its_main_process(server: Server) -> None:
    worker = server.worker()
    os.kill(server.pid, signal.SIGKILL)
    until(lambda: not alive(worker))
    assert not server.answers()
    server.start()
    assert server.worker() != worker


def test_a_killed_worker_comes_back_and_its_operations_go_on(server: Server, tmp_path: Path) -> None:
    marks = tmp_path / "marks"
    marks.mkdir()
    operation = server.json("/probe/submit", headers={"X-Marks": str(marks)})
    first = int(until(lambda: (marks / "runs").exists() and (marks / "runs").read_text()))
    assert first == server.worker()
    os.kill(first, signal.SIGKILL)
    runs = until(lambda: len(found := (marks / "runs").read_text().split()) > 1 and found)
    until(server.answers)
    assert int(runs[1]) == server.worker() != first
    (marks / "go").touch()
    until(lambda: server.json(f"/probe/operation?{operation}") == "done")


def test_a_worker_that_keeps_dying_keeps_coming_back(server: Server) -> None:
    for _ in range(3):
        os.kill(server.worker(), signal.SIGKILL)
        until(server.answers)
    assert server.process is not None
    assert server.process.poll() is None


def test_several_workers_share_the_port_and_each_comes_back(tmp_path: Path) -> None:
    with running(tmp_path, listen={"workers": 2}) as server:
        both = until(lambda: len(found := _workers(server)) == 2 and found)
        os.kill(min(both), signal.SIGKILL)
        until(lambda: len(found := _workers(server)) == 2 and found != both)
        assert server.stop() == 0


@pytest.mark.parametrize("signal_name", ["SIGTERM", "SIGINT"])
def test_stopping_ends_streams_and_waits_for_requests(server: Server, signal_name: str) -> None:
    with ExitStack() as stack:
        streams = [stack.enter_context(closing(server.get("/probe/stream", stream=True))) for _ in range(10)]
        chunks = [stream.iter_content(None) for stream in streams]
        assert all(next(chunk) for chunk in chunks)
        answers: list[requests.Response] = []
        slow = threading.Thread(target=lambda: answers.append(server.get("/probe/slow")))
        slow.start()
        until(lambda: _connections(server) > 10)
        worker = server.worker()
        os.kill(server.pid, signal.Signals[signal_name])
        assert server.process is not None
        server.process.wait(20)
        assert server.process.returncode == 0
        slow.join()
        assert [answer.status_code for answer in answers] == [200]
        # Each stream ended by itself: a connection that is cut raises here.
        for chunk in chunks:
            list(chunk)
    assert not alive(worker)
    assert "did not stop in order" not in server.log.read_text()


def test_a_stream_that_takes_no_notice_does_not_hold_up_the_end(server: Server) -> None:
    with closing(server.get("/probe/deaf", stream=True)) as stream:
        assert next(stream.iter_content(None))
        worker = server.worker()
        server.process.send_signal(signal.SIGTERM)  # type: ignore[union-attr]
        server.process.wait(20)  # type: ignore[union-attr]
    assert not alive(worker)


def test_a_clean_stop_gives_leases_back(server: Server, tmp_path: Path) -> None:
    server.stop()
    with closing(sqlite3.connect(server.state / "isthmus.db")) as database:
        held = database.execute("select name from duties where owner is not null and lease_until > 0").fetchall()
    assert held == []


def test_a_stop_while_starting_ends_at_once(tmp_path: Path) -> None:
    server = Server(tmp_path)
    try:
        process = server.launch()
        until(lambda: server.state.exists() and children(process.pid))
        process.terminate()
        process.wait(20)
    finally:
        server.kill()
    with running(tmp_path):
        pass


def test_what_no_restart_can_mend_ends_the_server_with_the_reason(tmp_path: Path) -> None:
    server = Server(tmp_path, database="oracle://user:hunter2@host/name")
    try:
        assert server.launch().wait(60) == 1
    finally:
        server.kill()
    log = server.log.read_text()
    assert "the server cannot start: The database 'oracle' is not supported" in log
    assert "hunter2" not in log


def test_a_server_waits_for_a_database_that_does_not_answer(tmp_path: Path) -> None:
    gone = tmp_path / "elsewhere"
    server = Server(tmp_path, database=f"sqlite:///{gone}/isthmus.db")
    try:
        server.launch()
        until(lambda: "The database does not answer" in server.log.read_text(), 60)
        gone.mkdir()
        until(server.answers, 60)
    finally:
        server.kill()


def test_a_first_start_that_died_before_it_wrote_the_token_down_is_made_good(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        server.stop()
        token = (server.state / "admin.token").read_text()
        (server.state / "admin.token").unlink()
        server.start()
        # The administrator may have moved the token elsewhere; nobody gets a new one for that.
        assert not (server.state / "admin.token").exists()
        server.stop()
        (server.state / "first-start").touch()
        server.start()
        assert (server.state / "admin.token").read_text() != token
        assert (server.state / "admin.token").stat().st_mode & 0o777 == 0o600


def test_nobody_else_can_read_what_a_server_keeps(shared_state: Path) -> None:
    open_to_others = [
        path.relative_to(shared_state).as_posix()
        for path in shared_state.rglob("*")
        if path.is_file() and path.stat().st_mode & 0o044
    ]
    assert set(open_to_others) <= {"tls/ca.pem", "tls/server.pem"}


@pytest.fixture
def shared_state(shared: Server) -> Iterator[Path]:
    shared.json("/probe/count")
    yield shared.state


def _workers(server: Server) -> set[int]:
    """The workers that answer, by asking often enough to meet each."""
    found: set[int] = set()
    for _ in range(30):
        try:
            found.add(server.worker())
        except requests.ConnectionError:
            continue
    return found


def _connections(server: Server) -> int:
    listing = subprocess.run(["ss", "-Htn", "state", "established"], capture_output=True, text=True, check=True)
    return sum(f":{server.port}" in line.split()[2] for line in listing.stdout.splitlines())
