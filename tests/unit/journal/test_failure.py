"""A step that fails is tried again, taken back, or left to a person: by its error and by where it stands."""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Callable

import pytest

from isthmus.core.errors import (
    Busy,
    Failed,
    Forbidden,
    IsthmusError,
    NotFound,
    Overloaded,
    Refused,
    Transient,
    Unavailable,
)
from isthmus.core.journal.station import Retries
from isthmus.core.journal.step import Cancelled, Outcome, Run, Step, Transaction
from isthmus.core.model.operation import Operation, OperationState
from isthmus.core.store.database import Tx
from tests.unit.journal.world import World, nothing, raising, until

PASSING = [Transient, Busy, Unavailable, Overloaded]


def failing(times: int, error: Exception) -> Callable[[Run], Outcome]:
    """Fails so many times, then works."""
    left = [times]

    def do(run: Run) -> Outcome:
        left[0] -= 1
        if left[0] >= 0:
            raise error
        return None

    return do


@pytest.mark.parametrize("kind", PASSING)
def test_what_may_pass_is_tried_again(world: World, kind: type[IsthmusError]) -> None:
    flow = world.flow(world.backend.step("a"), world.backend.step("b", failing(5, kind("not now"))))
    ended = world.run(world.journal(), flow)
    assert ended.state is OperationState.DONE
    assert world.backend.calls(ended) == ["create a", "create b"]


@pytest.mark.parametrize("kind", [Refused, Failed, NotFound, Forbidden])
def test_what_will_not_pass_is_taken_back_at_once(world: World, kind: type[IsthmusError]) -> None:
    tries: list[int] = []

    def refuse(run: Run) -> Outcome:
        tries.append(run.attempt)
        raise kind("no room", next_step="make room", free=0)

    flow = world.flow(*(world.backend.step(name) for name in "ab"), world.backend.step("c", refuse))
    ended = world.run(world.journal(), flow)
    assert tries == [1]
    assert ended.state is OperationState.FAILED
    assert ended.error == {"code": kind.code, "message": "no room", "next_step": "make room", "details": {"free": 0}}
    assert world.get(ended.id).error == ended.error
    assert world.backend.calls(ended)[2:] == ["delete c", "delete b", "delete a"], "the interrupted step comes first"
    assert world.backend.of(ended) == []


def test_a_long_back_off_gives_up_the_thread(world: World) -> None:
    slow = Retries(first_pause=0.2, longest_pause=0.3, held_pause=0.0)
    cloned = threading.Event()

    def late_work(run: Run) -> Outcome:
        if not cloned.is_set():
            raise Busy("cloning")
        return None

    flow = world.flow(Step("late", late_work))
    other = world.flow(Step("quick", nothing))
    journal = world.journal(threads=1, retries=slow)
    late = world.submit(journal, flow)
    until(lambda: world.get(late).state is OperationState.PENDING)
    note = world.get(late).note
    assert note is not None and re.fullmatch(r"late, try \d+: cloning", note)
    assert world.run(journal, other).state is OperationState.DONE
    assert world.get(late).state.live
    cloned.set()
    ended = world.end(journal, late)
    assert ended.state is OperationState.DONE and ended.attempts >= 2


@pytest.mark.parametrize("held", [0.0, 1.0])
def test_what_does_not_pass_within_the_deadline_is_taken_back(world: World, held: float) -> None:
    flow = world.flow(world.backend.step("a"), Step("b", raising(Transient("still not")), deadline=0.3))
    ended = world.run(world.journal(retries=Retries(0.02, 0.05, held)), flow)
    assert (ended.state, world.backend.of(ended)) == (OperationState.FAILED, [])
    assert ended.error is not None and ended.error["message"] == "still not"


def test_only_progress_beyond_what_was_reached_extends_the_tries(world: World) -> None:
    def stuck(run: Run) -> Outcome:
        run.progress(0.3)
        raise Transient("lost the connection at a third")

    ended = world.run(world.journal(), world.flow(Step("copy", stuck, deadline=0.3)))
    assert ended.state is OperationState.FAILED

    def nearing(run: Run) -> Outcome:
        run.progress(run.attempt * 0.02)
        if run.attempt < 25:
            raise Transient("slowly")
        return None

    slow = Retries(first_pause=0.03, longest_pause=0.03)
    ended = world.run(world.journal(retries=slow), world.flow(Step("copy", nearing, deadline=0.3)))
    assert ended.state is OperationState.DONE


def test_a_defect_is_taken_back_and_told_by_its_request_id_only(world: World, caplog: pytest.LogCaptureFixture) -> None:
    flow = world.flow(world.backend.step("a"), world.backend.step("b", raising(KeyError("password=hunter2"))))
    with caplog.at_level(logging.ERROR):
        ended = world.run(world.journal(), flow)
    assert ended.state is OperationState.FAILED
    assert ended.error is not None and ended.error["code"] == "internal"
    assert "hunter2" not in str(ended.error)
    assert ended.request_id in str(ended.error)
    assert any(ended.request_id in record.message and record.exc_info for record in caplog.records)
    assert world.backend.of(ended) == []


def test_a_notebook_that_is_no_json_is_a_defect_of_the_step(world: World) -> None:
    def scribble(run: Run) -> Outcome:
        run.data["when"] = object()
        return None

    ended = world.run(world.journal(), world.flow(world.backend.step("a"), Step("b", scribble)))
    assert (ended.state, world.backend.of(ended)) == (OperationState.FAILED, [])


def test_a_failed_try_leaves_nothing_in_the_notebook(world: World) -> None:
    seen: list[list[str]] = []

    def write(run: Run) -> Outcome:
        seen.append(sorted(run.data))
        run.data[f"try{run.attempt}"] = True
        if run.attempt < 3:
            raise Transient("again")
        return None

    world.run(
        world.journal(), world.flow(Step("write", write), Step("read", lambda run: seen.append(sorted(run.data))))
    )
    assert seen == [[], [], [], ["try3"]]


def test_what_a_step_wanted_to_write_and_could_not_takes_it_back(world: World) -> None:
    def write(run: Run) -> Outcome:
        def commit(tx: Transaction) -> None:
            raise NotFound("the volume has gone")

        return commit

    ended = world.run(world.journal(), world.flow(world.backend.step("a"), Step("b", write)))
    assert ended.error is not None and ended.error["message"] == "the volume has gone"
    assert (ended.state, world.backend.of(ended)) == (OperationState.FAILED, [])


def test_undone_runs_in_the_transaction_that_ends_it(world: World) -> None:
    seen: list[tuple[str, str, dict[str, object]]] = []

    def undone(run: Run, tx: Transaction) -> None:
        seen.append((run.operation.state, str(run.operation.error and run.operation.error["code"]), run.data))

    steps = (Step("a", lambda run: run.data.update(x=1)), Step("b", raising(Refused("no"))))
    ended = world.run(world.journal(), world.flow(*steps, undone=undone))
    assert seen == [("failed", "storage_refused", {"x": 1})]
    assert ended.state is OperationState.FAILED


def test_an_undo_that_fails_is_tried_again(world: World) -> None:
    undo = failing(4, Refused("busy for now"))
    flow = world.flow(world.backend.step("a"), Step("b", raising(Refused("no")), undo))
    ended = world.run(world.journal(), flow)
    assert (ended.state, world.backend.of(ended)) == (OperationState.FAILED, [])
    assert ended.error is not None and ended.error["message"] == "no"


def test_an_undo_that_keeps_failing_needs_attention_and_goes_on_when_retried(world: World) -> None:
    broken = [True]

    def undo(run: Run) -> Outcome:
        if broken[0]:
            raise Failed("the array is on fire")
        return None

    attention: list[str] = []
    flow = world.flow(
        world.backend.step("a"),
        Step("b", raising(Refused("no")), undo, deadline=0.1),
        attention=lambda run, tx: attention.append(run.operation.state),
    )
    journal = world.journal()
    ended = world.run(journal, flow)
    assert (ended.state, ended.step, ended.undoing) == (OperationState.NEEDS_ATTENTION, "b", True)
    assert ended.error is not None and "on fire" in ended.error["message"]
    assert attention == ["needs_attention"]
    assert world.backend.of(ended) == ["a"]
    broken[0] = False
    journal.retry(ended.id)
    ended = world.end(journal, ended.id)
    assert (ended.state, world.backend.of(ended)) == (OperationState.FAILED, [])
    assert ended.error is not None and ended.error["message"] == "no", "the reason it was taken back for"


@pytest.mark.parametrize("error", [Refused("no"), Transient("later"), ValueError("defect"), Cancelled()])
def test_from_the_pivot_on_everything_is_tried_again(world: World, error: Exception) -> None:
    flow = world.flow(world.backend.step("a"), world.backend.step("cut", failing(5, error)), pivot="cut")
    ended = world.run(world.journal(), flow)
    assert ended.state is OperationState.DONE
    assert world.backend.of(ended) == ["a", "cut"]


@pytest.mark.slow
def test_what_keeps_failing_past_the_pivot_needs_attention_and_is_never_undone(world: World) -> None:
    told: list[OperationState] = []

    def ended(tx: Tx, operation: Operation) -> None:
        told.append(operation.state)

    broken = [True]

    def clean(run: Run) -> Outcome:
        if broken[0]:
            raise Refused("the disk is gone")
        return None

    flow = world.flow(world.backend.step("cut"), Step("clean", clean, deadline=1.0), pivot="cut")
    journal = world.journal(ended=ended)
    operation = world.run(journal, flow)
    assert (operation.state, operation.step) == (OperationState.NEEDS_ATTENTION, "clean")
    assert operation.error is not None and operation.error["details"]["cause"]["code"] == "storage_refused"
    assert operation.attempts > 3
    assert world.backend.of(operation) == ["cut"]
    broken[0] = False
    journal.retry(operation.id)
    assert world.end(journal, operation.id).state is OperationState.DONE
    assert told == [OperationState.NEEDS_ATTENTION, OperationState.DONE]


def test_a_hook_that_fails_does_not_keep_an_operation_running(world: World) -> None:
    def broken(run: Run, tx: Transaction) -> None:
        raise RuntimeError("hook")

    steps = (Step("cut", raising(Failed("no")), deadline=0.05),)
    operation = world.run(world.journal(), world.flow(*steps, pivot="cut", attention=broken))
    assert operation.state is OperationState.NEEDS_ATTENTION
    steps = (Step("first", raising(Failed("no")), nothing, deadline=0.05),)
    operation = world.run(world.journal(), world.flow(*steps, undone=broken))
    assert operation.state is OperationState.NEEDS_ATTENTION


def test_a_flow_without_any_undo_just_fails(world: World) -> None:
    undone: list[str] = []
    flow = world.flow(Step("a", raising(Refused("no"))), undone=lambda run, tx: undone.append(run.operation.step or ""))
    ended = world.run(world.journal(), flow)
    assert (ended.state, ended.undoing, undone) == (OperationState.FAILED, True, ["a"])
