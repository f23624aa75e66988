from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from isthmus.core.security.lockout import NONE, Attempts, LockOut

START = datetime(2026, 1, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def fail(rule: LockOut, times: int) -> tuple[Attempts, datetime]:
    """The state after that many failures, each as soon as it is let through."""
    attempts, now = NONE, START
    for _ in range(times):
        now = max(now, attempts.locked_until or now)
        attempts = rule.failed(attempts, now)
    return attempts, now


def test_four_wrong_passwords_cost_nothing_and_the_fifth_a_minute() -> None:
    rule = LockOut()
    assert not fail(rule, 4)[0].locked(START)
    attempts, now = fail(rule, 5)
    assert attempts.locked_until == now + MINUTE
    assert attempts.locked(now + MINUTE - timedelta(microseconds=1))
    assert not attempts.locked(now + MINUTE)


def test_each_further_failure_doubles_the_wait_up_to_an_hour() -> None:
    waits = []
    for times in range(5, 14):
        attempts, now = fail(LockOut(), times)
        assert attempts.locked_until is not None
        waits.append((attempts.locked_until - now) // MINUTE)
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60, 60]


def test_guesses_while_locked_do_not_lengthen_the_wait() -> None:
    attempts, now = fail(LockOut(), 5)
    assert LockOut().failed(attempts, now + timedelta(seconds=30)) == attempts


def test_failures_are_forgotten_after_a_day_without_another() -> None:
    attempts, now = fail(LockOut(), 4)
    assert LockOut().failed(attempts, now + timedelta(hours=24)).failures == 1
    assert LockOut().failed(attempts, now + timedelta(hours=23)).failures == 5


def test_the_wait_is_told_in_whole_seconds_rounded_up() -> None:
    attempts, now = fail(LockOut(), 5)
    assert attempts.retry_after(now) == 60
    assert attempts.retry_after(now + timedelta(seconds=59.5)) == 1
    assert attempts.retry_after(now + MINUTE) == 0
    assert NONE.retry_after(now) == 0


@given(st.integers(min_value=0, max_value=10**9))
def test_no_number_of_failures_overflows(failures: int) -> None:
    rule = LockOut()
    attempts = rule.failed(Attempts(failures, START, None), START + MINUTE)
    assert attempts.locked_until is None or attempts.locked_until <= START + MINUTE + rule.longest
