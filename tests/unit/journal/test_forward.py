"""An operation that nothing disturbs goes through its steps in order and ends done."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select

from isthmus.core.journal.step import Outcome, Run, Step, Transaction
from isthmus.core.model.operation import Operation, OperationState
from isthmus.core.store.database import Tx
from isthmus.core.store.schema import operations as table
from tests.unit.journal.world import World, nothing, until


def test_steps_run_once_each_in_order(world: World) -> None:
    flow = world.flow(*(world.backend.step(name) for name in "abc"))
    ended = world.run(world.journal(), flow)
    assert ended.state is OperationState.DONE
    assert world.backend.calls(ended) == ["create a", "create b", "create c"]
    assert (ended.progress, ended.error, ended.undoing) == (1.0, None, False)
    assert world.get(ended.id).state is OperationState.DONE


def test_the_notebook_goes_from_step_to_step_and_the_result_to_the_caller(world: World) -> None:
    seen: list[Any] = []

    def second(run: Run) -> Outcome:
        seen.append(dict(run.data))
        run.result["warning"] = "later"
        return None

    def first(run: Run) -> Outcome:
        run.data["made"] = {"id": 7}
        return None

    flow = world.flow(Step("first", first), Step("second", second), Step("third", nothing))
    ended = world.run(world.journal(), flow, data={"size": 5})
    assert seen == [{"size": 5, "made": {"id": 7}}]
    assert ended.result == {"warning": "later"} == world.get(ended.id).result


def test_a_step_sees_who_asked_and_acts_as_the_operation(world: World) -> None:
    seen: list[Run] = []
    flow = world.flow(Step("look", lambda run: seen.append(run)))
    ended = world.run(world.journal(), flow)
    (run,) = seen
    assert (run.context.user, run.context.tenant, run.context.parent) == ("ann", "acme", ended.id)
    assert (run.key, run.attempt, run.operation.step) == (f"{ended.id}/look", 1, "look")


def test_a_steps_own_rows_change_in_the_transaction_that_advances_it(world: World) -> None:
    standing: list[str | None] = []

    def write(run: Run) -> Outcome:
        def commit(tx: Transaction) -> None:
            # Within the transaction the operation stands at the next step already.
            standing.append(tx.execute(select(table.c.step).where(table.c.id == run.operation.id)).scalar_one())

        return commit

    world.run(world.journal(), world.flow(Step("one", write), Step("two", write)))
    assert standing == ["two", "two"]


def test_the_end_is_told_in_its_transaction_and_after_it(world: World) -> None:
    inside: list[tuple[str, str]] = []
    after: list[Operation] = []

    def ended(tx: Tx, operation: Operation) -> None:
        inside.append((operation.state, tx.execute(select(table.c.state)).scalar_one()))

    world.run(world.journal(ended=ended, on_end=after.append), world.flow(Step("only", nothing)))
    assert inside == [("done", "done")]
    until(lambda: [told.state for told in after] == [OperationState.DONE])


def test_progress_is_seen_from_outside_while_the_step_runs(world: World) -> None:
    seen: list[tuple[float, str]] = []

    def work(run: Run) -> Outcome:
        run.progress(0.4, "copying")
        seen.append(until(lambda: (lambda o: (o.progress, o.note) if o.note else None)(world.get(run.operation.id))))
        return None

    world.run(world.journal(), world.flow(Step("copy", work), Step("rest", nothing)))
    assert seen == [(0.4, "copying")]


def test_the_commit_before_a_pivot_is_durable_and_the_others_need_not_be(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    flags: list[bool] = []
    change = world.database.change

    def watched(work: Callable[[Tx], Any], *, durable: bool = False) -> Any:
        flags.append(durable)
        return change(work, durable=durable)

    monkeypatch.setattr(world.database, "change", watched)
    flow = world.flow(Step("look", nothing), Step("destroy", nothing), Step("clean", nothing), pivot="destroy")
    journal = world.journal(heartbeat=30.0, sweep=30.0)
    world.run(journal, flow)
    assert flags == [True, True, False, False], "accept, into the pivot, out of it, the end"


def test_an_operation_that_nobody_submitted_is_found(world: World) -> None:
    journal = world.journal()
    identifier = world.accept(world.flow(world.backend.step("a")))
    assert world.end(journal, identifier).state is OperationState.DONE
    assert world.backend.calls(identifier) == ["create a"]
