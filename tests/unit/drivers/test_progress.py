"""A call that gets further is waited for; one that hangs, even half-way, is not."""

from __future__ import annotations

import threading
import time

import pytest

from isthmus.core.drivers.wrappers import Bound
from isthmus.core.errors import Transient
from isthmus.core.progress import heard, report

PAUSE, STEPS = 0.02, 100


def copy() -> str:
    """Takes twice as long as it is given below, and gets further all the time."""
    for number in range(STEPS):
        time.sleep(PAUSE)
        report(number / STEPS)
    return "copied"


@pytest.mark.slow
def test_a_call_that_gets_further_is_waited_for_longer_than_its_time() -> None:
    bound = Bound()
    assert bound.call("copy", copy, PAUSE * STEPS / 2) == "copied"
    assert bound.hung == 0


def test_a_call_that_stops_half_way_is_left_behind() -> None:
    bound, go_on = Bound(), threading.Event()

    def stuck() -> None:
        report(0.5)
        go_on.wait(20)

    with pytest.raises(Transient, match="copy went no further"):
        bound.call("copy", stuck, 0.1)
    assert bound.hung == 1
    go_on.set()


def test_what_is_reported_inside_a_bounded_call_reaches_whoever_listens_around_it() -> None:
    told: list[float] = []
    with heard(told.append):
        Bound().call("outer", lambda: Bound().call("inner", lambda: report(0.25), 20), 20)
    report(0.5)
    assert told == [0.25]


def test_what_is_out_of_bounds_is_told_as_the_nearest_that_is_not() -> None:
    told: list[float] = []
    with heard(told.append):
        report(-1.0)
        report(7.0)
    assert told == [0.0, 1.0]
