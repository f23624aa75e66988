"""Daemons outlive their starter, are found again exactly, and end when told."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from isthmus.core.datapath import process, unit
from isthmus.core.datapath.daemon import Daemon, Daemons
from isthmus.core.errors import Invalid, Unavailable
from tests.contract.patience import eventually

SLEEPER = ("/bin/sleep", "300")


@pytest.fixture
def daemons(tmp_path: Path) -> Iterator[Daemons]:
    made = Daemons(tmp_path / "state", tmp_path / "run")
    yield made
    for name in made.names():
        made.end(name, grace=0.2)


def start(daemons: Daemons, name: str = "d", argv: tuple[str, ...] = SLEEPER) -> Daemon:
    return daemons.ensure(name, argv, ready=lambda: True, timeout=10)


def test_a_second_ensure_returns_the_daemon_that_lives(daemons: Daemons) -> None:
    first = start(daemons)
    assert start(daemons, argv=("/bin/sleep", "301")) == first
    assert daemons.find("d") == first
    assert daemons.names() == ("d",)


def held_by(pid: int) -> list[str]:
    """What its descriptors are of; one that is closed meanwhile is left out."""
    found = []
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):
            found.append(str(entry.readlink()))
    return sorted(found)


def test_it_has_a_session_of_its_own_and_no_descriptor_or_variable_of_its_starter(
    daemons: Daemons, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("ISTHMUS_TEST_SECRET", "swordfish")
    leak = os.open(tmp_path / "leak", os.O_CREAT | os.O_RDWR)
    os.set_inheritable(leak, True)
    try:
        daemon = start(daemons)
    finally:
        os.close(leak)
    assert os.getsid(daemon.pid) == daemon.pid
    # What the program itself opens while it starts comes and goes.
    expected = sorted(["/dev/null", str(daemons.log("d")), str(daemons.log("d"))])
    eventually(lambda: held_by(daemon.pid) == expected, "only the log is open")
    assert b"swordfish" not in Path(f"/proc/{daemon.pid}/environ").read_bytes()


def test_it_outlives_the_process_that_started_it_even_when_that_is_killed(daemons: Daemons, tmp_path: Path) -> None:
    script = (
        "import os, signal, sys; from pathlib import Path; from isthmus.core.datapath.daemon import Daemons;"
        "kept = Daemons(Path(sys.argv[1]), Path(sys.argv[2]));"
        "kept.ensure('d', ['/bin/sleep', '300'], ready=lambda: True, timeout=9);"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    run = subprocess.run([sys.executable, "-c", script, str(tmp_path / "state"), str(tmp_path / "run")], check=False)
    assert run.returncode == -signal.SIGKILL
    found = daemons.find("d")
    assert found is not None and found.argv == SLEEPER
    assert start(daemons) == found


def test_a_starter_killed_before_it_could_write_the_pid_leaves_a_daemon_that_is_found(
    daemons: Daemons, tmp_path: Path
) -> None:
    daemon = start(daemons)
    path = tmp_path / "state" / "d.json"
    record = json.loads(path.read_text())
    path.write_text(json.dumps({**record, "pid": 0, "started": 0}))
    assert daemons.find("d") == daemon
    assert start(daemons) == daemon
    assert json.loads(path.read_text())["pid"] == daemon.pid


@pytest.mark.parametrize("change", [{"started": 1}, {"argv": ["/bin/sleep", "299"]}, {"boot": "another"}])
def test_another_process_under_the_written_pid_is_neither_adopted_nor_ended(
    daemons: Daemons, tmp_path: Path, change: dict[str, object]
) -> None:
    daemon = start(daemons)
    path = tmp_path / "state" / "d.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    try:
        assert daemons.find("d") is None
        daemons.end("d", grace=0.1)
        assert process.started_at(daemon.pid) == daemon.started
    finally:
        process.end(daemon.pid, daemon.started, signal.SIGKILL, 5)


def test_a_dead_daemon_is_started_again(daemons: Daemons) -> None:
    first = start(daemons)
    os.kill(first.pid, signal.SIGKILL)
    assert process.settled(first.pid, first.started, 5)
    assert daemons.find("d") is None
    assert start(daemons).pid != first.pid


def test_a_daemon_that_ignores_the_request_to_end_is_killed(daemons: Daemons) -> None:
    stubborn = ("/bin/sh", "-c", "trap '' TERM; echo ready; while :; do sleep 0.05; done")
    daemon = daemons.ensure("d", stubborn, ready=lambda: b"ready" in daemons.log("d").read_bytes(), timeout=10)
    daemons.end("d", grace=0.1)
    assert process.started_at(daemon.pid) is None
    assert daemons.names() == ()
    daemons.end("d", grace=0.1)


def test_a_daemon_that_dies_while_starting_is_reported_with_its_last_words(daemons: Daemons) -> None:
    with pytest.raises(Unavailable, match="port 3260 is taken"):
        daemons.ensure(
            "d", ("/bin/sh", "-c", "echo port 3260 is taken >&2; sleep 0.1; exit 1"), ready=lambda: False, timeout=10
        )
    with pytest.raises(Unavailable, match="no-such-program"):
        daemons.ensure("e", ("/no-such-program",), ready=lambda: True, timeout=10)


def test_a_new_daemon_that_does_not_become_ready_is_ended(daemons: Daemons) -> None:
    with pytest.raises(Unavailable, match=r"not ready after 0\.2 s"):
        daemons.ensure("d", SLEEPER, ready=lambda: False, timeout=0.2)
    assert daemons.find("d") is None


def test_many_starters_at_once_get_one_daemon(daemons: Daemons, tmp_path: Path) -> None:
    found: list[Daemon] = []
    others = [Daemons(tmp_path / "state", tmp_path / "run") for _ in range(8)]
    threads = [threading.Thread(target=lambda one=one: found.append(start(one))) for one in others]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8 and len(set(found)) == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can start a daemon as another user")
def test_it_runs_as_the_account_named_without_other_groups(daemons: Daemons) -> None:
    daemon = daemons.ensure("d", SLEEPER, user="nobody", ready=lambda: True, timeout=10)
    status = Path(f"/proc/{daemon.pid}/status").read_text()
    fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    assert set(fields["Uid"].split()) == {"65534"} and fields["Groups"].strip() == ""
    assert int(fields["CapEff"], 16) == 0
    folder = daemons.folder("d", "nobody")
    assert folder.stat().st_uid == 65534 and folder.stat().st_mode & 0o777 == 0o700


def test_the_log_is_truncated_at_a_start_once_it_is_large(daemons: Daemons, tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    daemons.log("d").write_bytes(b"x" * (1024 * 1024 + 1))
    start(daemons)
    assert daemons.log("d").stat().st_size == 0


def test_a_name_that_is_a_path_is_refused(daemons: Daemons) -> None:
    with pytest.raises(Invalid):
        daemons.find("../d")


def test_the_unit_keeps_user_log_and_arguments_apart_from_the_daemons_own(tmp_path: Path) -> None:
    argv = ["/bin/d", "--user", "$HOME"]
    made = unit.command("u.service", argv, user=(65534, 65534), environment={"A": "b"}, log=tmp_path)
    assert made[made.index("--") :] == ["--", "/bin/d", "--user", "$$HOME"]
    assert {"--unit=u.service", "--collect", "--property=User=65534", "--setenv=A=b"} <= set(made)


def test_a_process_that_is_dead_but_not_collected_counts_as_gone() -> None:
    child = subprocess.Popen(["/bin/true"])
    started = None
    deadline = time.monotonic() + 5
    while (started := process.started_at(child.pid)) is not None and time.monotonic() < deadline:
        time.sleep(0.001)
    assert started is None
    child.wait()
