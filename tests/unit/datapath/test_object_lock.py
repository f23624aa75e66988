"""One caller at a time for an object; a holder without a live lease is ended, one with a lease is waited for."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from isthmus.core.datapath.object_lock import ObjectLocks
from isthmus.core.errors import Busy

HOLD = """
import sys, time
from pathlib import Path
from isthmus.core.datapath.object_lock import ObjectLocks
with ObjectLocks(Path(sys.argv[1]), lambda owner: True).hold("volume", "runner-1", 10):
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def another_process(folder: Path) -> Iterator[subprocess.Popen[str]]:
    child = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "held\n"
    try:
        yield child
    finally:
        child.kill()
        child.wait()


def locks(folder: Path, alive: Callable[[str], bool] = lambda owner: True) -> ObjectLocks:
    return ObjectLocks(folder, alive)


def test_a_holder_without_a_live_lease_is_killed(tmp_path: Path) -> None:
    asked: list[str] = []

    def dead(owner: str) -> bool:
        asked.append(owner)
        return False

    with another_process(tmp_path) as child, locks(tmp_path, dead).hold("volume", "runner-2", 10):
        assert child.wait(5) == -signal.SIGKILL
        held = locks(tmp_path).holder("volume")
        assert held is not None and (held.pid, held.owner) == (os.getpid(), "runner-2")
    assert set(asked) == {"runner-1"}


def test_a_holder_with_a_live_lease_is_waited_for_and_named(tmp_path: Path) -> None:
    with another_process(tmp_path) as child:
        with pytest.raises(Busy) as caught, locks(tmp_path).hold("volume", "runner-2", 0.2):
            raise AssertionError
        assert caught.value.details["holder"] == "runner-1"
        assert child.poll() is None
        assert child.stdin is not None
        child.stdin.close()
        with locks(tmp_path).hold("volume", "runner-2", 10):
            pass


def test_a_process_of_another_start_time_is_never_killed(tmp_path: Path) -> None:
    with another_process(tmp_path) as child:
        path = tmp_path / "volume.lock"
        path.write_text(path.read_text().replace('"started": ', '"started": 9'))
        with pytest.raises(Busy), locks(tmp_path, lambda owner: False).hold("volume", "runner-2", 0.2):
            raise AssertionError
        assert child.poll() is None


def test_what_a_dead_process_held_is_free_at_once(tmp_path: Path) -> None:
    with another_process(tmp_path) as child:
        child.kill()
        child.wait()
        assert locks(tmp_path).holder("volume") is None
        with locks(tmp_path).hold("volume", "runner-2", 5):
            pass


def test_threads_of_one_process_take_turns_and_are_not_killed(tmp_path: Path) -> None:
    inside = 0
    most = 0
    shared = locks(tmp_path, lambda owner: False)

    def work() -> None:
        nonlocal inside, most
        for _ in range(20):
            with shared.hold("volume", "me", 30):
                inside += 1
                most = max(most, inside)
                inside -= 1

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1
    assert list(tmp_path.iterdir()) == []


def test_objects_do_not_wait_for_each_other_and_odd_names_stay_in_the_folder(tmp_path: Path) -> None:
    with locks(tmp_path).hold("../../a", "me", 1), locks(tmp_path).hold("b", "me", 1):
        assert len(list(tmp_path.glob("*.lock"))) == 2


def test_pruning_removes_what_nobody_holds(tmp_path: Path) -> None:
    (tmp_path / "old.lock").touch()
    with locks(tmp_path).hold("b", "me", 1):
        assert locks(tmp_path).prune() == 1
        assert [path.name for path in tmp_path.iterdir()] == ["b.lock"]
