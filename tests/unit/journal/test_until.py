"""A step that waits for a time holds no thread and no place, and runs again when the time has come, not before."""

from __future__ import annotations

import datetime

import pytest

from isthmus.core.errors import Refused, Transient
from isthmus.core.journal import ledger, operations
from isthmus.core.journal.step import Outcome, Run, Step, Until
from isthmus.core.model.identity import now
from isthmus.core.model.operation import OperationState
from tests.unit.journal.world import MEMBER, World, nothing, raising, until

MOMENT = datetime.timedelta(seconds=0.3)
FAR = datetime.timedelta(days=300)


def sleeping(world: World, identifier: str) -> bool:
    return world.get(identifier).state is OperationState.PENDING and bool(world.column(identifier, "run_after"))


def test_a_step_runs_again_when_the_time_has_come_and_not_before(world: World) -> None:
    begun: list[datetime.datetime] = []
    notes: list[str] = []
    due = now() + MOMENT

    def late(run: Run) -> Outcome:
        begun.append(now())
        notes.append(run.operation.note)
        run.data["seen"] = run.result["seen"] = len(begun)
        return Until(due) if now() < due else None

    ended = world.run(world.journal(threads=1), world.flow(world.backend.step("a"), Step("late", late)))
    assert (ended.state, ended.result, ended.note) == (OperationState.DONE, {"seen": len(begun)}, "")
    assert len(begun) >= 2 and begun[0] < due <= begun[-1]
    assert set(notes) == {""}
    assert world.backend.calls(ended) == ["create a"]


def test_what_waits_for_a_time_holds_no_thread_and_says_how_long(world: World) -> None:
    moment = now() + FAR
    journal = world.journal(threads=1)
    identifier = world.submit(journal, world.flow(Step("late", lambda run: Until(moment))))
    until(lambda: sleeping(world, identifier))
    assert world.column(identifier, "owner") is None
    assert world.get(identifier).note == f"waits until {moment:%Y-%m-%dT%H:%M:%S.%f}Z"
    assert world.run(journal, world.flow(Step("x", nothing))).state is OperationState.DONE


@pytest.mark.slow
def test_it_is_no_try_and_no_part_of_the_deadline(world: World) -> None:
    tries: list[int] = []

    def late(run: Run) -> Outcome:
        tries.append(run.attempt)
        if len(tries) == 3:
            raise Transient("once")
        return Until(now() + MOMENT / 4) if len(tries) < 40 else None

    ended = world.run(world.journal(sweep=0.02), world.flow(Step("late", late, deadline=0.2)))
    assert (ended.state, len(tries)) == (OperationState.DONE, 40)
    assert tries == [1, 1, 1, 2] + [1] * 36


def test_a_cancel_wakes_it_at_once(world: World) -> None:
    journal = world.journal()
    flow = world.flow(world.backend.step("a"), Step("late", lambda run: Until(now() + FAR)))
    identifier = world.submit(journal, flow)
    until(lambda: sleeping(world, identifier))
    journal.cancel(identifier)
    ended = world.end(journal, identifier)
    assert (ended.state, world.backend.of(ended)) == (OperationState.CANCELLED, [])


def test_a_cancel_that_comes_before_it_sleeps_is_not_slept_through(world: World) -> None:
    def late(run: Run) -> Outcome:
        journal.cancel(run.operation.id)
        return Until(now() + FAR)

    journal = world.journal()
    assert world.run(journal, world.flow(Step("late", late))).state is OperationState.CANCELLED


@pytest.mark.parametrize("cancelled", [False, True])
def test_an_undo_may_wait_for_a_time_too(world: World, cancelled: bool) -> None:
    due: list[datetime.datetime] = []
    runs: list[datetime.datetime] = []

    def gently(run: Run) -> Outcome:
        runs.append(now())
        due[:] = due or [now() + MOMENT]
        return Until(due[0]) if now() < due[0] else None

    def end(run: Run) -> Outcome:
        if not cancelled:
            raise Refused("no")
        journal.cancel(run.operation.id)
        return None

    journal = world.journal(sweep=0.02)
    ended = world.run(journal, world.flow(Step("a", nothing, gently), Step("b", end)))
    assert ended.state is (OperationState.CANCELLED if cancelled else OperationState.FAILED)
    assert runs[-1] >= due[0]
    assert len(runs) <= 3, "it was asked again and again while it was to wait"


def test_beyond_the_pivot_it_waits_and_is_finished(world: World) -> None:
    due = now() + MOMENT
    flow = world.flow(Step("cut", lambda run: Until(due) if now() < due else None), pivot="cut")
    assert world.run(world.journal(), flow).state is OperationState.DONE


def test_it_is_no_part_of_the_backlog_of_any_journal(world: World) -> None:
    journal, other = world.journal(threads=1, backlog=1), world.journal(threads=1, backlog=1)
    flow = world.flow(Step("late", lambda run: Until(now() + FAR)))
    for _ in range(12):
        identifier = world.submit(journal, flow)
        until(lambda i=identifier: sleeping(world, i))  # type: ignore[misc]
    for each in (journal, other):
        each.sweep()
        assert each.backlog == 0
        each.admit()
    with world.database.read() as tx:
        assert ledger.pending(tx, "here", 100) == []


def test_what_has_become_due_counts_again(world: World) -> None:
    journal = world.journal()
    identifier = world.submit(journal, world.flow(Step("late", lambda run: Until(now() + FAR))))
    until(lambda: sleeping(world, identifier))
    journal.stop()
    world.set(identifier, run_after=1)
    with world.database.read() as tx:
        assert ledger.pending(tx, "here", 100) == [identifier]


def test_others_go_on_after_a_death(world: World) -> None:
    due = now() + MOMENT
    runs: list[str] = []

    def late(run: Run) -> Outcome:
        runs.append(run.key)
        return Until(due) if now() < due else None

    first = world.journal()
    identifier = world.submit(first, world.flow(world.backend.step("a"), Step("late", late)))
    until(lambda: sleeping(world, identifier))
    first.kill()
    ended = world.end(world.journal(), identifier)
    assert (ended.state, world.backend.calls(ended)) == (OperationState.DONE, ["create a"])
    assert set(runs) == {f"{identifier}/late"}


def test_a_wrong_clock_of_a_machine_only_asks_once_more(world: World) -> None:
    """To the database the time has come; the step sees its own clock, and waits until that agrees."""
    clock = [now() - FAR]
    runs: list[int] = []

    def late(run: Run) -> Outcome:
        runs.append(1)
        if len(runs) == 5:
            clock[0] += 2 * FAR
        return Until(now() - MOMENT) if clock[0] < now() else None

    ended = world.run(world.journal(), world.flow(Step("late", late)))
    assert (ended.state, len(runs)) == (OperationState.DONE, 5)


def test_a_time_without_a_zone_is_a_defect_of_the_step(world: World) -> None:
    flow = world.flow(world.backend.step("a"), Step("late", lambda run: Until(datetime.datetime(2100, 1, 1))))
    ended = world.run(world.journal(), flow)
    assert (ended.state, world.backend.of(ended)) == (OperationState.FAILED, [])


def test_what_was_asked_for_before_it_slept_is_there_when_it_wakes(world: World) -> None:
    """A parent sleeps between two looks at what it asked for; taking it back takes that back too."""
    journal = world.journal()
    inner = world.flow(Step("x", lambda run: Until(now() + FAR)))

    def ask(run: Run) -> Outcome:
        if "child" not in run.data:
            run.data["child"] = world.accept(inner, context=run.context)
        return Until(now() + FAR)

    identifier = world.submit(journal, world.flow(Step("ask", ask)))
    until(lambda: sleeping(world, identifier))
    journal.cancel(identifier)
    assert world.end(journal, identifier).state is OperationState.CANCELLED
    with world.database.read() as tx:
        (child,) = operations.children(tx, identifier)
    assert child.state is OperationState.CANCELLED and child.user == MEMBER.user


def test_a_refusal_after_the_time_takes_back(world: World) -> None:
    due = now() + MOMENT
    steps = (Step("wait", lambda run: Until(due) if now() < due else None), Step("no", raising(Refused("no"))))
    ended = world.run(world.journal(), world.flow(world.backend.step("a"), *steps))
    assert (ended.state, world.backend.of(ended)) == (OperationState.FAILED, [])
