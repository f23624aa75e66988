"""A step that hangs does not hang its operation, nor the pool of threads, and cannot write any more."""

from __future__ import annotations

import threading
import time

import pytest

from isthmus.core.errors import Refused
from isthmus.core.journal.keeper import Keeper
from isthmus.core.journal.step import Outcome, Run, Step, Transaction
from isthmus.core.model.operation import OperationState
from tests.unit.journal.world import Gate, World, nothing, until


class Hang:
    """Hangs the first time until it is let go; works afterwards."""

    def __init__(self) -> None:
        self.gone, self.back, self.calls = threading.Event(), threading.Event(), 0

    def __call__(self, run: Run) -> Outcome:
        self.calls += 1
        if self.calls == 1:
            self.hang_here()
        return None

    def hang_here(self) -> None:
        assert self.gone.wait(20)
        self.back.set()


@pytest.fixture
def hang() -> Hang:
    return Hang()


def test_a_step_that_hangs_needs_attention_and_says_where(world: World, hang: Hang) -> None:
    attention: list[str] = []
    flow = world.flow(Step("a", hang, deadline=0.2), attention=lambda run, tx: attention.append(run.operation.id))
    operation = world.run(world.journal(), flow)
    assert operation.state is OperationState.NEEDS_ATTENTION
    assert operation.error is not None and operation.error["code"] == "needs_attention"
    assert "hang_here (test_deadline.py:" in str(operation.error["details"]["where"])
    assert attention == [operation.id]
    hang.gone.set()


def test_the_hanging_thread_is_fenced_out_when_it_comes_back(world: World, hang: Hang) -> None:
    wrote: list[str] = []

    def hanging(run: Run) -> Outcome:
        hang(run)

        def commit(tx: Transaction) -> None:
            wrote.append(run.operation.id)

        return commit

    journal = world.journal()
    operation = world.run(journal, world.flow(Step("a", hanging, deadline=0.2)))
    hang.gone.set()
    assert hang.back.wait(20)
    until(lambda: not journal._station.held)
    assert wrote == []
    assert world.get(operation.id).state is OperationState.NEEDS_ATTENTION
    journal.retry(operation.id)
    assert world.end(journal, operation.id).state is OperationState.DONE
    assert wrote == [operation.id]


@pytest.mark.slow
def test_a_hanging_thread_is_fenced_out_even_while_its_own_journal_runs_the_step_again(world: World) -> None:
    first, second = Hang(), Gate()
    wrote: list[int] = []
    threads: list[threading.Thread] = []

    def work(run: Run) -> Outcome:
        number = first.calls
        threads.append(threading.current_thread())
        first(run) if number == 0 else second(run)

        def commit(tx: Transaction) -> None:
            wrote.append(number)

        return commit

    journal = world.journal()
    operation = world.run(journal, world.flow(Step("a", work, deadline=2.0)))
    assert operation.state is OperationState.NEEDS_ATTENTION
    journal.retry(operation.id)
    second.wait()
    first.gone.set()
    until(lambda: not threads[0].is_alive())
    second.open.set()
    assert world.end(journal, operation.id).state is OperationState.DONE
    assert wrote == [1]


@pytest.mark.slow
def test_hanging_threads_are_replaced(world: World, hang: Hang) -> None:
    journal = world.journal(threads=2)

    def forever(run: Run) -> Outcome:
        assert hang.gone.wait(20)
        return None

    hung = [world.submit(journal, world.flow(Step("a", forever, deadline=0.2))) for _ in range(5)]
    for identifier in hung:
        assert world.end(journal, identifier).state is OperationState.NEEDS_ATTENTION
    assert world.run(journal, world.flow(Step("a", nothing))).state is OperationState.DONE
    hang.gone.set()
    runners = [thread for thread in threading.enumerate() if thread.name.startswith("isthmus-runner")]
    assert len(runners) >= 2
    until(lambda: sum(thread.is_alive() for thread in runners) <= 2)
    assert world.run(journal, world.flow(Step("a", nothing))).state is OperationState.DONE


@pytest.mark.slow
def test_progress_extends_the_deadline(world: World) -> None:
    def slow(run: Run) -> Outcome:
        for number in range(10):
            time.sleep(0.1)
            run.progress(0.0, f"{number}")
        return None

    assert world.run(world.journal(), world.flow(Step("a", slow, deadline=0.5))).state is OperationState.DONE


def test_an_undo_that_hangs_needs_attention_and_goes_on_when_retried(world: World, hang: Hang) -> None:
    def refuse(run: Run) -> Outcome:
        raise Refused("no")

    journal = world.journal()
    operation = world.run(journal, world.flow(world.backend.step("a"), Step("b", refuse, hang, deadline=0.2)))
    assert (operation.state, operation.undoing) == (OperationState.NEEDS_ATTENTION, True)
    journal.retry(operation.id)
    ended = world.end(journal, operation.id)
    hang.gone.set()
    assert (ended.state, world.backend.of(ended)) == (OperationState.FAILED, [])
    assert ended.error is not None and ended.error["message"] == "no"


def test_a_process_that_was_stopped_as_a_whole_blames_no_step(world: World, hang: Hang) -> None:
    journal = world.journal(heartbeat=30.0, start=False)
    journal._station.dispatcher.start(journal._stepper.run, 1)
    identifier = world.submit(journal, world.flow(Step("a", hang, deadline=5.0)))
    until(lambda: hang.calls)
    keeper = Keeper(journal._station)
    keeper.forgive(60.0)
    keeper.look(time.monotonic() + 61.0)
    assert world.get(identifier).state is OperationState.RUNNING
    keeper.look(time.monotonic() + 67.0)
    assert world.get(identifier).state is OperationState.NEEDS_ATTENTION
    hang.gone.set()
