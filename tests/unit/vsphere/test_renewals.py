"""What is asked for anew in the background."""

from __future__ import annotations

import threading
import time

from isthmus.plugins.vsphere.inventory.renewals import Renewals

SECONDS = 10.0


def test_a_lane_does_one_thing_after_the_other() -> None:
    renewals, done, begun, go_on = Renewals(), [], threading.Event(), threading.Event()

    def first() -> None:
        begun.set()
        go_on.wait(SECONDS)
        done.append("first")

    last = threading.Event()
    renewals.add("lane", first)
    assert begun.wait(SECONDS)
    renewals.add("lane", lambda: done.append("second"))
    renewals.add("lane", last.set)
    assert done == []
    go_on.set()

    assert last.wait(SECONDS)
    assert done == ["first", "second"]


def test_a_lane_that_hangs_keeps_up_no_other() -> None:
    renewals, go_on, other = Renewals(), threading.Event(), threading.Event()

    def hangs() -> None:
        go_on.wait(SECONDS)

    renewals.add("hanging", hangs)

    renewals.add("other", other.set)

    assert other.wait(SECONDS)
    go_on.set()


def test_what_fails_ends_nothing_else() -> None:
    renewals, after = Renewals(), threading.Event()

    def fails() -> None:
        raise RuntimeError("not now")

    renewals.add("lane", fails)
    renewals.add("lane", after.set)

    assert after.wait(SECONDS)


def test_a_lane_without_work_has_no_thread_and_takes_up_new_work() -> None:
    renewals, first, second = Renewals(), threading.Event(), threading.Event()
    before = threading.active_count()
    renewals.add("lane", first.set)
    assert first.wait(SECONDS)
    until = time.monotonic() + SECONDS
    while threading.active_count() > before and time.monotonic() < until:
        time.sleep(0.005)
    assert threading.active_count() <= before

    renewals.add("lane", second.set)

    assert second.wait(SECONDS)
