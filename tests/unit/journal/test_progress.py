"""How far the calls of a step are is the operation's progress, and gives the step its time anew."""

from __future__ import annotations

import contextvars
import threading
import time

import pytest

from isthmus.core.errors import Refused, Transient
from isthmus.core.journal.step import Outcome, Run, Step
from isthmus.core.model.operation import OperationState
from isthmus.core.progress import Stopped, report
from tests.unit.journal.world import Gate, World, nothing, until

DEADLINE = 0.6


def copy() -> None:
    """Takes twice the deadline."""
    for number in range(60):
        time.sleep(DEADLINE / 30)
        report(number / 60)


@pytest.mark.slow
def test_a_call_that_gets_further_extends_the_deadline_of_its_step(world: World) -> None:
    flow = world.flow(Step("a", lambda run: copy(), deadline=DEADLINE))
    assert world.run(world.journal(), flow).state is OperationState.DONE


@pytest.mark.slow
def test_it_extends_that_of_an_undo_as_well(world: World) -> None:
    def refuse(run: Run) -> Outcome:
        raise Refused("no")

    flow = world.flow(Step("a", nothing, lambda run: copy(), deadline=DEADLINE), Step("b", refuse))
    assert world.run(world.journal(), flow).state is OperationState.FAILED


def test_a_call_is_as_much_of_the_operation_as_its_step(world: World) -> None:
    half, go_on = threading.Event(), threading.Event()

    def call(run: Run) -> Outcome:
        report(0.5)
        half.set()
        assert go_on.wait(20)
        report(0.1)
        return None

    journal = world.journal()
    identifier = world.submit(journal, world.flow(Step("a", nothing), Step("b", call)))
    assert half.wait(20)
    # The second of two steps is half done.
    until(lambda: world.get(identifier).progress == 0.75)
    go_on.set()
    assert world.end(journal, identifier).progress == 1.0


@pytest.mark.slow
def test_a_call_that_was_turned_away_from_counts_no_longer(world: World) -> None:
    stop = threading.Event()

    def turned_away(run: Run) -> Outcome:
        context = contextvars.copy_context()

        def late() -> None:
            while not stop.wait(DEADLINE / 30):
                report(0.9)

        if run.attempt == 1:
            threading.Thread(target=context.run, args=(late,), daemon=True).start()
            raise Transient("turned away from")
        assert stop.wait(20)
        return None

    operation = world.run(world.journal(), world.flow(Step("a", turned_away, deadline=DEADLINE)))
    stop.set()
    assert operation.state is OperationState.NEEDS_ATTENTION


def test_a_cancel_stops_a_call_when_it_next_reports(world: World) -> None:
    reached, stopped = threading.Event(), threading.Event()

    def endless(run: Run) -> Outcome:
        try:
            while True:
                report(0.5)
                reached.set()
                time.sleep(0.01)
        except Stopped:
            stopped.set()
            raise

    journal = world.journal()
    identifier = world.submit(journal, world.flow(world.backend.step("a"), Step("copy", endless, deadline=20.0)))
    assert reached.wait(20)
    journal.cancel(identifier)
    ended = world.end(journal, identifier)
    assert (ended.state, world.backend.of(ended)) == (OperationState.CANCELLED, [])
    assert stopped.is_set()


def test_a_call_that_was_turned_away_from_is_stopped_when_its_step_is_taken_back(world: World) -> None:
    stopped = threading.Event()

    def late() -> None:
        try:
            while True:
                report(0.5)
                time.sleep(0.01)
        except Stopped:
            stopped.set()

    def turned_away(run: Run) -> Outcome:
        threading.Thread(target=contextvars.copy_context().run, args=(late,), daemon=True).start()
        raise Refused("turned away from")

    def undo(run: Run) -> Outcome:
        assert stopped.wait(20)
        return None

    flow = world.flow(Step("a", turned_away, undo, deadline=20.0))
    assert world.run(world.journal(), flow).state is OperationState.FAILED


def test_an_undo_is_not_stopped_by_the_cancel_that_it_follows(world: World) -> None:
    gate = Gate()

    def undo(run: Run) -> Outcome:
        report(0.5)
        return None

    journal = world.journal()
    identifier = world.submit(journal, world.flow(Step("a", gate, undo)))
    gate.wait()
    journal.cancel(identifier)
    gate.open.set()
    assert world.end(journal, identifier).state is OperationState.CANCELLED
