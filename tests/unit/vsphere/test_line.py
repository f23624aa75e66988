"""The way to a vCenter: bounded, closed while it is dead, tried again."""

from __future__ import annotations

import threading
from dataclasses import dataclass

import pytest

from isthmus.core.errors import Failed, Overloaded
from isthmus.plugins.vsphere.connection import line as module
from isthmus.plugins.vsphere.connection.errors import Unreachable
from isthmus.plugins.vsphere.connection.line import CALLS_AT_ONCE, FIRST_PAUSE, LONGEST_PAUSE, Line
from tests.environment.server import until


@dataclass(slots=True)
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


def dead() -> None:
    raise Unreachable("Nobody listens there.", next_step="Look.")


def refuses() -> None:
    raise Failed("No.")


def test_what_is_asked_is_answered() -> None:
    assert Line("vc").call(lambda: 4, seconds=5) == 4


def test_after_a_failure_of_the_way_nothing_is_asked_for_a_while() -> None:
    clock, asked = Clock(), list[int]()
    line = Line("vc", clock=clock)
    with pytest.raises(Unreachable):
        line.call(dead, seconds=5)
    with pytest.raises(Unreachable) as error:
        line.call(lambda: asked.append(1), seconds=5)
    assert (asked, error.value.message, error.value.next_step) == ([], "Nobody listens there.", "Look.")
    assert not line.condition().open and line.condition().reason == "Nobody listens there."
    clock.now += FIRST_PAUSE
    line.call(lambda: asked.append(2), seconds=5)
    assert asked == [2] and line.condition().open


def test_the_pause_doubles_up_to_a_limit() -> None:
    clock, pauses = Clock(), []
    line = Line("vc", clock=clock)
    for _ in range(10):
        with pytest.raises(Unreachable):
            line.call(dead, seconds=5)
        pauses.append(line.condition().seconds)
        clock.now += pauses[-1]
    assert pauses[:4] == [1, 2, 4, 8]
    assert pauses[-1] == LONGEST_PAUSE


def test_one_call_tries_while_the_others_are_refused() -> None:
    clock = Clock()
    line = Line("vc", clock=clock)
    with pytest.raises(Unreachable):
        line.call(dead, seconds=5)
    clock.now += FIRST_PAUSE
    trying, end = threading.Event(), threading.Event()

    def slow() -> None:
        trying.set()
        assert end.wait(20)

    thread = threading.Thread(target=line.call, args=(slow,), kwargs={"seconds": 20})
    thread.start()
    assert trying.wait(20)
    with pytest.raises(Unreachable):
        line.call(lambda: None, seconds=5)
    end.set()
    thread.join(20)
    line.call(lambda: None, seconds=5)


def test_a_refusal_of_the_vcenter_is_no_failure_of_the_way() -> None:
    line = Line("vc")
    with pytest.raises(Failed):
        line.call(refuses, seconds=5)
    assert line.condition().open


def test_a_call_that_takes_too_long_is_given_up() -> None:
    line, end = Line("vc"), threading.Event()
    with pytest.raises(Unreachable, match="did not answer within"):
        line.call(lambda: end.wait(20), seconds=0.05)
    end.set()


def test_no_more_calls_than_allowed_wait_for_one_vcenter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_PATIENCE", 0.05)
    line, end = Line("vc"), threading.Event()
    begun = threading.Semaphore(0)

    def slow() -> None:
        begun.release()
        assert end.wait(20)

    threads = [threading.Thread(target=line.call, args=(slow,), kwargs={"seconds": 20}) for _ in range(CALLS_AT_ONCE)]
    for each in threads:
        each.start()
    for _ in threads:
        assert begun.acquire(timeout=20)
    with pytest.raises(Overloaded):
        line.call(lambda: None, seconds=5)
    end.set()
    for each in threads:
        each.join(20)
    line.call(lambda: None, seconds=5)


def test_a_change_of_the_settings_lets_the_next_call_through() -> None:
    line = Line("vc", clock=Clock())
    with pytest.raises(Unreachable):
        line.call(dead, seconds=5)
    line.forgive()
    assert line.call(lambda: 4, seconds=5) == 4


def test_threads_are_used_again_and_end_when_nobody_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_IDLE_SECONDS", 0.05)
    line = Line("reused")
    names = {line.call(threading.get_ident, seconds=5) for _ in range(3)}
    assert len(names) == 1
    until(lambda: not [each for each in threading.enumerate() if each.name == "vcenter-reused"])
    assert line.call(lambda: 4, seconds=5) == 4


def test_calls_at_once_have_a_thread_each() -> None:
    line, together = Line("vc"), threading.Barrier(CALLS_AT_ONCE)
    line.call(lambda: None, seconds=5)

    def meet() -> None:
        line.call(lambda: together.wait(5), seconds=10)

    threads = [threading.Thread(target=meet) for _ in range(CALLS_AT_ONCE)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(10)
    assert not together.broken and not any(each.is_alive() for each in threads)
