"""A duty is done by one process at a time, and by another when that one is gone."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import pytest

from isthmus.core.duties import leases
from isthmus.core.duties.duty import Duty, DutyRun
from isthmus.core.duties.keeper import MOST_GIVEN_UP, Keeper
from isthmus.core.errors import Unavailable
from isthmus.core.store import schema
from isthmus.core.store.database import Database

WAIT = 20.0
Make = Callable[..., Keeper]


@pytest.fixture
def make(database: Database) -> Iterator[Make]:
    """Makes and starts keepers that are stopped at the end; their lease is half a second."""
    made: list[Keeper] = []

    def make(owner: str, *duties: Duty, **more: Any) -> Keeper:
        keeper = Keeper(database, owner, duties, **({"lease": 0.5} | more))
        made.append(keeper)
        keeper.start()
        return keeper

    yield make
    for keeper in made:
        keeper.stop(1)


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + WAIT
    while not condition():
        assert time.monotonic() < end, "it did not become true in time"
        time.sleep(0.01)


def status(database: Database, name: str = "work") -> leases.DutyStatus:
    with database.read() as tx:
        return next(status for status in leases.statuses(tx) if status.name == name)


def die(keeper: Keeper) -> None:
    """Let the keeper end as a killed process does: nothing is given back."""
    keeper.stop(0, release=False)


def test_a_duty_runs_at_once_and_again_after_its_interval(make: Make) -> None:
    runs: list[float] = []
    make("a", Duty("work", 0.05, lambda run: runs.append(time.monotonic())))
    until(lambda: len(runs) >= 3)
    assert all(later - earlier >= 0.05 for earlier, later in pairwise(runs))


def test_a_woken_duty_runs_soon_but_not_before_its_pause(make: Make) -> None:
    runs: list[float] = []
    keeper = make("a", Duty("work", 1000.0, lambda run: runs.append(time.monotonic()), pause=0.1))
    until(lambda: len(runs) == 1)
    end = time.monotonic() + WAIT
    while len(runs) < 4 and time.monotonic() < end:
        keeper.wake("work")
        time.sleep(0.001)
    assert len(runs) == 4
    assert all(later - earlier >= 0.1 for earlier, later in pairwise(runs))
    keeper.wake("unknown")


def test_a_duty_woken_while_it_runs_runs_once_more(make: Make) -> None:
    entered, leave = threading.Semaphore(0), threading.Semaphore(0)

    def work(run: DutyRun) -> None:
        entered.release()
        assert leave.acquire(timeout=WAIT)

    keeper = make("a", Duty("work", 1000.0, work))
    assert entered.acquire(timeout=WAIT)
    keeper.wake("work")
    keeper.wake("work")
    leave.release()
    assert entered.acquire(timeout=WAIT)
    leave.release()
    assert not entered.acquire(timeout=0.2)


def test_of_two_processes_one_has_the_duty_and_a_clean_stop_hands_it_over(make: Make, database: Database) -> None:
    runs: list[str] = []
    first = make("a", Duty("work", 0.02, lambda run: runs.append("a")), lease=60.0)
    until(lambda: "a" in runs)
    second = make("b", Duty("work", 0.02, lambda run: runs.append("b")))
    until(lambda: len(runs) > 10)
    assert set(runs) == {"a"}
    assert (first.holds("work"), second.holds("work")) == (True, False)
    assert status(database).owner == "a"
    first.stop()
    del runs[:]
    until(lambda: len(runs) > 3)
    assert set(runs) == {"b"}
    assert (status(database).owner, status(database).epoch) == ("b", 2)


def test_a_killed_process_loses_its_duty_when_the_lease_lapses(make: Make) -> None:
    runs: list[str] = []
    first = make("a", Duty("work", 0.02, lambda run: runs.append("a")))
    until(lambda: "a" in runs)
    second = make("b", Duty("work", 0.02, lambda run: runs.append("b")))
    die(first)
    until(lambda: "b" in runs)
    assert second.holds("work")
    assert not first.holds("work")


def test_what_a_known_dead_process_held_is_taken_over_at_once(make: Make, database: Database) -> None:
    runs: list[str] = []
    first = make("a", Duty("work", 0.02, lambda run: runs.append("a")), lease=3600.0)
    until(lambda: "a" in runs)
    die(first)
    make("b", Duty("work", 0.02, lambda run: runs.append("b")), is_dead=lambda owner: owner == "a")
    until(lambda: "b" in runs)
    assert status(database).owner == "b"


def test_a_long_run_learns_that_it_lost_the_duty(make: Make, database: Database) -> None:
    held: list[bool] = []
    ended = threading.Event()

    def work(run: DutyRun) -> None:
        held.append(run.held())
        while run.wait(0.01):
            pass
        held.append(run.held())
        ended.set()

    make("a", Duty("work", 1000.0, work))
    until(lambda: bool(held))
    far = 1 << 51
    duties = schema.duties
    database.change(
        lambda tx: tx.execute(duties.update().values(owner="thief", epoch=duties.c.epoch + 1, lease_until=far))
    )
    assert ended.wait(WAIT)
    assert held == [True, False]
    assert status(database).owner == "thief"


def test_a_process_that_cannot_renew_stops_by_itself(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    running, ended = threading.Event(), threading.Event()

    def work(run: DutyRun) -> None:
        running.set()
        while run.wait(0.01):
            pass
        ended.set()

    keeper = make("a", Duty("work", 1000.0, work))
    assert running.wait(WAIT)

    def away(*_: Any, **__: Any) -> None:
        raise Unavailable("The database does not answer.")

    with monkeypatch.context() as patch:
        patch.setattr(keeper._database, "change", away)
        assert ended.wait(WAIT)
        assert not keeper.holds("work")
    until(lambda: keeper.holds("work"))


def test_an_error_is_kept_and_the_next_run_comes_later(make: Make, database: Database) -> None:
    runs: list[float] = []

    def work(run: DutyRun) -> None:
        runs.append(time.monotonic())
        raise RuntimeError("the array is away")

    keeper = make("a", Duty("work", 0.01, work))
    until(lambda: (len(runs) == 1) and status(database).last_error is not None)
    assert status(database).last_error == "RuntimeError: the array is away"
    held = keeper._known["work"].held
    assert held is not None
    assert held.due - held.ended >= 2.0


def test_a_hanging_run_is_given_up_and_the_work_is_done_nonetheless(make: Make) -> None:
    hang, done = threading.Event(), threading.Event()
    runs: list[DutyRun] = []

    def work(run: DutyRun) -> None:
        runs.append(run)
        if len(runs) == 1:
            hang.wait(WAIT)
        done.set()

    make("a", Duty("work", 1000.0, work, deadline=0.2))
    try:
        assert done.wait(WAIT)
        assert not runs[0].held()
        assert runs[1].epoch > runs[0].epoch
    finally:
        hang.set()


@pytest.mark.slow
def test_where_every_run_hangs_another_process_gets_the_duty(make: Make, database: Database) -> None:
    hang, done = threading.Event(), threading.Event()
    hung = threading.Semaphore(0)

    def work(run: DutyRun) -> None:
        hung.release()
        hang.wait(WAIT)

    make("a", Duty("work", 1000.0, work, deadline=0.2))
    try:
        for _ in range(MOST_GIVEN_UP):
            assert hung.acquire(timeout=WAIT)
        make("b", Duty("work", 1000.0, lambda run: done.set()))
        assert done.wait(WAIT)
        assert not hung.acquire(timeout=0.3)
        assert "hung" in str(status(database).last_error) or status(database).owner == "b"
    finally:
        hang.set()


@pytest.mark.slow
def test_a_run_that_says_it_is_alive_is_not_given_up(make: Make) -> None:
    finished = threading.Event()

    def work(run: DutyRun) -> None:
        begun = time.monotonic()
        while time.monotonic() - begun < 1.0:
            run.alive()
            time.sleep(0.02)
        assert run.held()
        finished.set()

    make("a", Duty("work", 1000.0, work, deadline=0.3))
    assert finished.wait(WAIT)


def test_a_restart_does_not_run_early_what_ran_a_moment_ago(make: Make, database: Database) -> None:
    runs: list[str] = []
    make("a", Duty("work", 1000.0, lambda run: runs.append("a"))).stop()
    first = make("a2", Duty("work", 1000.0, lambda run: runs.append("a2")))
    until(lambda: bool(runs) and first.holds("work"))
    first.stop()
    assert status(database).last_ended is not None
    second = make("b", Duty("work", 1000.0, lambda run: runs.append("b")), lease=60.0)
    until(lambda: second.holds("work"))
    time.sleep(0.1)
    assert len(runs) == 1


def test_duties_do_not_wait_for_each_other(make: Make) -> None:
    leave, ran = threading.Event(), threading.Event()

    def wait(run: DutyRun) -> None:
        leave.wait(WAIT)

    slow = [Duty(f"slow{i}", 1000.0, wait) for i in range(6)]
    make("a", *slow, Duty("work", 1000.0, lambda run: ran.set()))
    assert ran.wait(WAIT)
    leave.set()


def test_a_name_is_given_once(make: Make) -> None:
    keeper = make("a", Duty("work", 1000.0, lambda run: None))
    with pytest.raises(ValueError, match="work"):
        keeper.add(Duty("work", 1.0, lambda run: None))
    ran = threading.Event()
    keeper.add(Duty("more", 1.0, lambda run: ran.set()))
    assert ran.wait(WAIT)
