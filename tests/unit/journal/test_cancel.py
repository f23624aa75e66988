"""Cancel is a promise: once it is accepted the operation is taken back; where that cannot be, it is refused."""

from __future__ import annotations

import threading

import pytest

from isthmus.core.errors import Busy, Conflict, NotFound, NotOffered
from isthmus.core.journal.registry import Flows
from isthmus.core.journal.station import Retries
from isthmus.core.journal.step import Cancelled, Outcome, Run, Step
from isthmus.core.model.operation import OperationState
from tests.unit.journal.world import Gate, World, nothing, raising, until

NAMES = "abcd"


@pytest.mark.parametrize("at", NAMES)
def test_a_cancel_at_any_step_is_taken_back_from_there(world: World, at: str) -> None:
    gate = Gate()
    flow = world.flow(*(world.backend.step(name, gate if name == at else None) for name in NAMES))
    journal = world.journal()
    identifier = world.submit(journal, flow)
    gate.wait()
    accepted = journal.cancel(identifier)
    assert accepted.cancel_requested
    gate.open.set()
    ended = world.end(journal, identifier)
    assert ended.state is OperationState.CANCELLED
    assert ended.error == {"code": "cancelled", "message": "The operation was cancelled and taken back."}
    done = NAMES[: NAMES.index(at) + 1]
    assert world.backend.calls(ended) == [f"create {n}" for n in done] + [f"delete {n}" for n in reversed(done)]


@pytest.mark.parametrize("at", ["b", "c"])
def test_from_the_pivot_on_cancel_is_refused_and_the_operation_finished(world: World, at: str) -> None:
    gate = Gate()
    flow = world.flow(*(world.backend.step(name, gate if name == at else None) for name in "abc"), pivot="b")
    journal = world.journal()
    identifier = world.submit(journal, flow)
    gate.wait()
    with pytest.raises(Conflict, match="past the point of no return"):
        journal.cancel(identifier)
    gate.open.set()
    ended = world.end(journal, identifier)
    assert (ended.state, world.backend.of(ended)) == (OperationState.DONE, ["a", "b", "c"])


def test_a_long_step_sees_the_cancel_and_stops(world: World) -> None:
    reached = threading.Event()

    def copy(run: Run) -> Outcome:
        reached.set()
        until(run.cancelled)
        raise Cancelled

    journal = world.journal()
    identifier = world.submit(journal, world.flow(world.backend.step("a"), Step("copy", copy)))
    assert reached.wait(20)
    journal.cancel(identifier)
    ended = world.end(journal, identifier)
    assert (ended.state, world.backend.of(ended)) == (OperationState.CANCELLED, [])


def test_a_cancel_asked_of_another_process_reaches_the_step(world: World) -> None:
    reached = threading.Event()

    def copy(run: Run) -> Outcome:
        reached.set()
        until(run.cancelled)
        raise Cancelled

    runner, other = world.journal(), world.journal(start=False)
    identifier = world.submit(runner, world.flow(Step("copy", copy)))
    assert reached.wait(20)
    other.cancel(identifier)
    assert world.end(other, identifier).state is OperationState.CANCELLED


def test_cancel_is_idempotent_and_says_why_it_is_too_late(world: World) -> None:
    gate = Gate()
    journal = world.journal()
    identifier = world.submit(journal, world.flow(Step("a", gate)))
    gate.wait()
    assert journal.cancel(identifier).cancel_requested
    assert journal.cancel(identifier).cancel_requested
    gate.open.set()
    world.end(journal, identifier)
    with pytest.raises(Conflict, match="has ended: it is cancelled"):
        journal.cancel(identifier)
    with pytest.raises(NotFound):
        journal.cancel("nobody")


def test_what_nobody_runs_yet_can_be_cancelled(world: World) -> None:
    flow = world.flow(world.backend.step("a"))
    identifier = world.accept(flow)
    world.journal(start=False).cancel(identifier)
    ended = world.end(world.journal(), identifier)
    assert (ended.state, world.backend.calls(ended)) == (OperationState.CANCELLED, ["delete a"])


@pytest.mark.parametrize("held", [0.0, 30.0])
def test_a_cancel_does_not_wait_for_the_back_off(world: World, held: float) -> None:
    slow = Retries(first_pause=20.0, longest_pause=20.0, held_pause=held)
    journal = world.journal(retries=slow)
    identifier = world.submit(journal, world.flow(world.backend.step("a"), Step("b", raising(Busy("wait")))))
    if held:
        until(lambda: world.get(identifier).note)
    else:
        until(lambda: world.get(identifier).state is OperationState.PENDING)
    journal.cancel(identifier)
    ended = world.end(journal, identifier)
    assert (ended.state, world.backend.of(ended)) == (OperationState.CANCELLED, [])


def test_what_needs_attention_is_not_cancelled(world: World) -> None:
    journal = world.journal()
    operation = world.run(journal, world.flow(Step("cut", raising(Busy("no")), deadline=0.05), pivot="cut"))
    with pytest.raises(Conflict, match="needs attention"):
        journal.cancel(operation.id)


def test_a_server_that_does_not_know_the_flow_cannot_promise_a_cancel(world: World) -> None:
    identifier = world.accept(world.flow(Step("a", nothing)))
    with pytest.raises(NotOffered):
        world.journal(start=False, flows=Flows()).cancel(identifier)
