"""Retry and abandon: for operations that need attention, once, with the reason when they cannot."""

from __future__ import annotations

import threading

import pytest

from isthmus.core.errors import Conflict, Failed
from isthmus.core.journal.registry import Flows
from isthmus.core.journal.step import Flow, Outcome, Run, Step
from isthmus.core.model.operation import Operation, OperationState
from isthmus.core.store.database import Tx
from tests.unit.journal.world import Gate, World, nothing


class Broken:
    """A step past its pivot that fails until it is repaired."""

    def __init__(self) -> None:
        self.repaired = False

    def __call__(self, run: Run) -> Outcome:
        if not self.repaired:
            raise Failed("no spare disk")
        return None


@pytest.fixture
def broken() -> Broken:
    return Broken()


@pytest.fixture
def stuck(world: World, broken: Broken) -> Flow:
    abandoned = world.backend.history
    return world.flow(
        world.backend.step("cut"),
        Step("clean", broken, deadline=0.05),
        pivot="cut",
        abandoned=lambda run, tx: abandoned.append(f"abandoned {run.operation.id} {run.operation.state}"),
    )


def test_retry_goes_on_at_the_step(world: World, stuck: Flow, broken: Broken) -> None:
    journal = world.journal()
    operation = world.run(journal, stuck)
    assert operation.state is OperationState.NEEDS_ATTENTION
    assert world.end(journal, operation.id).state is OperationState.NEEDS_ATTENTION
    again = journal.retry(operation.id)
    assert (again.state, again.error, again.attempts) == (OperationState.PENDING, None, 0)
    assert world.end(journal, operation.id).state is OperationState.NEEDS_ATTENTION, "still broken"
    broken.repaired = True
    journal.retry(operation.id)
    ended = world.end(journal, operation.id)
    assert (ended.state, ended.error) == (OperationState.DONE, None)
    assert world.backend.calls(operation.id) == ["create cut"], "finished steps are not run again"


def test_abandon_ends_it_as_it_stands(world: World, stuck: Flow) -> None:
    told: list[OperationState] = []

    def ended(tx: Tx, operation: Operation) -> None:
        told.append(operation.state)

    journal = world.journal(ended=ended)
    operation = world.run(journal, stuck)
    assert journal.abandon(operation.id).state is OperationState.ABANDONED
    assert world.get(operation.id).state is OperationState.ABANDONED
    assert world.get(operation.id).error == operation.error, "the reason stays"
    assert world.backend.history[-1] == f"abandoned {operation.id} abandoned"
    assert told == [OperationState.NEEDS_ATTENTION, OperationState.ABANDONED]
    for ask in (journal.retry, journal.abandon):
        with pytest.raises(Conflict, match="only one that needs attention"):
            ask(operation.id)


@pytest.mark.parametrize("what", ["retry", "abandon"])
def test_an_operation_that_goes_well_is_left_alone(world: World, what: str) -> None:
    gate = Gate()
    journal = world.journal()
    identifier = world.submit(journal, world.flow(Step("a", gate)))
    with pytest.raises(Conflict, match="is running"):
        getattr(journal, what)(identifier)
    gate.open.set()
    assert world.end(journal, identifier).state is OperationState.DONE
    with pytest.raises(Conflict, match="is done"):
        getattr(journal, what)(identifier)


def test_of_many_who_retry_at_once_one_does(world: World, stuck: Flow, broken: Broken) -> None:
    operation = world.run(world.journal(), stuck)
    broken.repaired = True
    start, results = threading.Barrier(6), []

    def ask(what: str) -> None:
        journal = world.journal(start=False)
        start.wait()
        try:
            getattr(journal, what)(operation.id)
            results.append(what)
        except Conflict:
            results.append("refused")

    threads = [threading.Thread(target=ask, args=(what,)) for what in ["retry", "abandon"] * 3]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results.count("refused") == 5
    ended = world.end(world.journals[0], operation.id)
    assert ended.state is (OperationState.DONE if "retry" in results else OperationState.ABANDONED)


def test_an_operation_whose_plugin_is_gone_can_be_abandoned(world: World) -> None:
    identifier = world.accept(world.flow(Step("a", nothing)))
    journal = world.journal(flows=Flows(), start=False)
    assert journal.abandon(identifier).state is OperationState.ABANDONED
    assert world.get(identifier).error is not None
