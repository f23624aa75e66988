"""When a destination is tried again (DSP0266, Event retry)."""

from __future__ import annotations

import pytest

from isthmus.plugins.swordfish.events.retries import LONGEST_INTERVAL, Retries


def pauses(retries: Retries, policy: str, times: int) -> list[float]:
    """How long it was left alone each time it failed, as soon as it could be tried."""
    found = []
    moment = 1000.0
    for _ in range(times):
        assert retries.failed("one", policy, moment)
        later = moment
        while not retries.due("one", later):
            later += 1.0
        found.append(later - moment)
        moment = later
    return found


def test_the_pause_doubles_with_backoff_up_to_an_hour() -> None:
    assert pauses(Retries(30.0), "RetryForeverWithBackoff", 9) == [
        30, 60, 120, 240, 480, 960, 1920, LONGEST_INTERVAL, LONGEST_INTERVAL
    ]  # fmt: skip


def test_the_pause_stays_the_same_without() -> None:
    assert pauses(Retries(30.0, attempts=3), "RetryForever", 6) == [30] * 6


@pytest.mark.parametrize("policy", ["TerminateAfterRetries", "SuspendRetries"])
def test_it_ends_after_as_many_attempts_as_the_service_says(policy: str) -> None:
    retries = Retries(30.0, attempts=3)
    assert [retries.failed("one", policy, 0.0) for _ in range(4)] == [True, True, True, False]
    assert not retries.failing("one")


def test_what_succeeded_counts_anew() -> None:
    retries = Retries(30.0, attempts=1)
    assert retries.failed("one", "TerminateAfterRetries", 0.0)
    retries.succeeded("one")
    assert retries.due("one", 0.0)
    assert retries.failed("one", "TerminateAfterRetries", 0.0)
    assert not retries.failed("one", "TerminateAfterRetries", 60.0)


def test_a_pause_is_no_failure() -> None:
    retries = Retries(30.0)
    retries.pause("one", 60.0)
    assert [retries.due("one", 59.0), retries.due("one", 60.0), retries.failing("one")] == [False, True, False]


def test_what_is_gone_is_forgotten() -> None:
    retries = Retries(30.0)
    for one in ("gone", "there"):
        assert retries.failed(one, "RetryForever", 0.0)
    retries.keep({"there"})
    assert [retries.failing("gone"), retries.failing("there")] == [False, True]
