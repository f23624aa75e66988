"""A step that waits for another operation holds no thread, and is woken by its end, whatever that is."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from isthmus.core.errors import Conflict, Failed, Refused
from isthmus.core.journal import operations
from isthmus.core.journal.runner import Journal
from isthmus.core.journal.step import Flow, Outcome, Run, Step, Wait
from isthmus.core.model.identity import new_id
from isthmus.core.model.operation import Operation, OperationState
from isthmus.core.store.database import Tx
from tests.unit.journal.world import Gate, World, nothing, raising, until


def asking(world: World, journal: Callable[[], Journal], child: Flow) -> Callable[[Run], Outcome]:
    """A step that asks for a child operation under its key, waits for it, and fails when the child did."""

    def do(run: Run) -> Outcome:
        def work(tx: Tx) -> Operation:
            return operations.accept(
                tx,
                id=new_id(),
                flow=child,
                resource_type="thing",
                resource=None,
                context=run.context,
                idempotency_key=run.key,
                request_hash="same",
                claim=journal().owner,
            )

        operation, new = operations.once(world.database, run.context, run.key, "same", work)
        if new:
            journal().submit(operation.id)
        if operation.state is OperationState.DONE:
            return None
        if operation.state.ended:
            raise Failed(f"The child operation is {operation.state}.")
        return Wait(operation.id)

    return do


def child_of(world: World, identifier: str) -> Operation:
    with world.database.read() as tx:
        (child,) = operations.children(tx, identifier)
    return child


def test_the_parent_waits_without_a_thread_and_goes_on(world: World) -> None:
    gate = Gate()
    child = world.flow(Step("slow", gate), Step("end", nothing))
    journal = world.journal(threads=1)
    parent = world.flow(
        world.backend.step("a"), world.backend.step("b", asking(world, lambda: journal, child)), world.backend.step("c")
    )
    identifier = world.submit(journal, parent)
    until(lambda: world.get(identifier).state is OperationState.WAITING)
    assert world.column(identifier, "owner") is None
    assert world.get(identifier).note == f"waits for operation {child_of(world, identifier).id}"
    gate.open.set()
    ended = world.end(journal, identifier)
    assert ended.state is OperationState.DONE
    assert child_of(world, identifier).parent == identifier
    assert world.backend.of(ended) == ["a", "b", "c"]


def test_two_hundred_parents_on_four_threads_all_finish(world: World) -> None:
    journal = world.journal(threads=4, backlog=1000)
    child = world.flow(Step("work", nothing))
    parent = world.flow(Step("ask", asking(world, lambda: journal, child)))
    identifiers = [world.submit(journal, parent) for _ in range(200)]
    assert {world.end(journal, identifier).state for identifier in identifiers} == {OperationState.DONE}


def test_a_child_that_fails_makes_the_parent_take_back(world: World) -> None:
    journal = world.journal()
    child = world.flow(Step("no", raising(Refused("no"))))
    parent = world.flow(world.backend.step("a"), Step("b", asking(world, lambda: journal, child)))
    ended = world.run(journal, parent)
    assert (ended.state, world.backend.of(ended)) == (OperationState.FAILED, [])


def test_a_child_that_needs_attention_keeps_the_parent_waiting_and_it_says_so(world: World) -> None:
    broken = [True]

    def cut(run: Run) -> Outcome:
        if broken[0]:
            raise Refused("no")
        return None

    journal = world.journal()
    child = world.flow(Step("cut", cut, deadline=0.05), pivot="cut")
    identifier = world.submit(journal, world.flow(Step("ask", asking(world, lambda: journal, child))))
    needing = until(
        lambda: [o for o in [world.get(identifier)] if o.state is OperationState.WAITING and "attention" in o.note]
    )
    assert child_of(world, identifier).id in needing[0].note
    broken[0] = False
    journal.retry(child_of(world, identifier).id)
    assert world.end(journal, identifier).state is OperationState.DONE


def test_a_child_that_is_abandoned_lets_the_parent_go_on(world: World) -> None:
    journal = world.journal()
    child = world.flow(Step("cut", raising(Refused("no")), deadline=0.05), pivot="cut")
    parent = world.flow(world.backend.step("a"), Step("ask", asking(world, lambda: journal, child)))
    identifier = world.submit(journal, parent)
    until(lambda: "attention" in world.get(identifier).note)
    journal.abandon(child_of(world, identifier).id)
    ended = world.end(journal, identifier)
    assert (ended.state, world.backend.of(ended)) == (OperationState.FAILED, [])


def test_taking_back_cancels_the_child_and_waits_for_its_end_first(world: World) -> None:
    gate = Gate()
    journal = world.journal()
    child = world.flow(world.backend.step("inner", gate))
    parent = world.flow(world.backend.step("a"), Step("ask", asking(world, lambda: journal, child), nothing))
    identifier = world.submit(journal, parent)
    gate.wait()
    until(lambda: world.get(identifier).state is OperationState.WAITING)
    journal.cancel(identifier)
    inner = child_of(world, identifier).id
    until(lambda: world.get(inner).cancel_requested)
    assert world.get(identifier).state.live and not world.get(identifier).undoing
    assert world.backend.of(identifier) == ["a"], "nothing is undone before the child has ended"
    gate.open.set()
    ended = world.end(journal, identifier)
    assert (ended.state, world.get(inner).state) == (OperationState.CANCELLED, OperationState.CANCELLED)
    assert world.backend.of(ended) == world.backend.of(inner) == []


def test_a_child_past_its_pivot_is_waited_for_when_the_parent_is_cancelled(world: World) -> None:
    gate = Gate()
    journal = world.journal()
    child = world.flow(Step("cut", gate), pivot="cut")
    parent = world.flow(world.backend.step("a"), Step("ask", asking(world, lambda: journal, child)))
    identifier = world.submit(journal, parent)
    gate.wait()
    until(lambda: world.get(identifier).state is OperationState.WAITING)
    journal.cancel(identifier)
    gate.open.set()
    ended = world.end(journal, identifier)
    assert ended.state is OperationState.CANCELLED
    assert child_of(world, identifier).state is OperationState.DONE
    assert world.backend.of(ended) == []


def test_an_undo_may_wait_for_an_operation_of_its_own(world: World) -> None:
    journal = world.journal()
    child = world.flow(Step("remove", nothing))
    parent = world.flow(Step("a", nothing, asking(world, lambda: journal, child)), Step("b", raising(Refused("no"))))
    ended = world.run(journal, parent)
    assert ended.state is OperationState.FAILED
    assert child_of(world, ended.id).state is OperationState.DONE
    assert child_of(world, ended.id).idempotency_key == f"{ended.id}/a/undo"


def test_an_end_that_came_before_the_wait_is_not_waited_for(world: World) -> None:
    journal = world.journal()
    done = world.run(journal, world.flow(Step("x", nothing)))
    waits = [True, True]

    def ask(run: Run) -> Outcome:
        return Wait(done.id) if waits and waits.pop() else None

    assert world.run(journal, world.flow(Step("ask", ask))).state is OperationState.DONE


@pytest.mark.parametrize("what", ["itself", "the same end for ever"])
def test_a_wait_that_cannot_end_is_a_failure(world: World, what: str) -> None:
    journal = world.journal()
    other = world.run(journal, world.flow(Step("x", nothing)))
    flow = world.flow(Step("ask", lambda run: Wait(run.operation.id if what == "itself" else other.id)))
    assert world.run(journal, flow).state is OperationState.FAILED


@pytest.mark.slow
def test_an_operation_of_another_system_is_looked_at_again_and_again(world: World) -> None:
    looks: list[int] = []

    def ask(run: Run) -> Outcome:
        looks.append(run.attempt)
        return Wait("elsewhere") if len(looks) < 3 else None

    ended = world.run(world.journal(), world.flow(Step("ask", ask, deadline=0.5)))
    assert (ended.state, looks) == (OperationState.DONE, [1, 1, 1])


def test_a_wake_up_that_was_lost_is_made_up_for(world: World) -> None:
    journal = world.journal(start=False)
    flow = world.flow(Step("x", nothing))
    child = world.accept(flow)
    parent = world.accept(flow)
    world.set(parent, state="waiting", waits_for=child)
    world.set(child, state="done")
    journal.start()
    assert world.end(journal, parent).state is OperationState.DONE


def test_nothing_is_accepted_for_a_parent_that_has_ended_or_lost_its_runner(world: World) -> None:
    journal = world.journal()
    child = world.flow(Step("x", nothing))
    ended = world.run(journal, child)
    with pytest.raises(Conflict):
        world.accept(child, parent=ended.id)
    refused: list[Exception] = []

    def ask(run: Run) -> Outcome:
        world.set(run.operation.id, epoch=9)
        try:
            world.accept(child, context=run.context)
        except Conflict as error:
            refused.append(error)
        world.set(run.operation.id, epoch=1)
        return None

    assert world.run(journal, world.flow(Step("ask", ask))).state is OperationState.DONE
    assert len(refused) == 1
