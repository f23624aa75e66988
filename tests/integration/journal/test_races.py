"""Many at once: wake-ups, idempotency keys and journals that compete, with nobody to make up for what is lost."""

from __future__ import annotations

import random
import threading
from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from sqlalchemy import select

from isthmus.core.errors import Conflict
from isthmus.core.journal.step import Outcome, Run, Step, Transaction, Wait
from isthmus.core.model.operation import OperationState
from tests.unit.journal.chaos import Plan, effects
from tests.unit.journal.test_acceptance import once
from tests.unit.journal.test_machine import crashes, plans, play
from tests.unit.journal.test_waiting import asking
from tests.unit.journal.world import World, nothing, until

NEVER = 3600.0


def counted(name: str) -> Step:
    """A step that writes one row in its transaction."""

    def do(run: Run) -> Outcome:
        def commit(tx: Transaction) -> None:
            tx.execute(effects.insert().values(operation=run.operation.id, what=name))

        return commit

    return Step(name, do)


def test_no_wake_up_is_lost_between_journals(world: World) -> None:
    """Parents and children run in two journals that never sweep: only the wake-up itself can go on with a parent."""
    journals = [world.journal(sweep=NEVER, threads=4, backlog=1000) for _ in range(2)]
    child = world.flow(Step("work", nothing))
    flows = [world.flow(Step("ask", asking(world, lambda j=journal: j, child))) for journal in journals]  # type: ignore[misc]
    identifiers = [world.submit(journals[n % 2], flows[(n + 1) % 2]) for n in range(200)]
    assert {world.end(journals[0], identifier).state for identifier in identifiers} == {OperationState.DONE}


def test_many_parents_wait_for_one_child_that_ends_meanwhile(world: World) -> None:
    journals = [world.journal(sweep=NEVER, threads=4, backlog=1000) for _ in range(2)]
    for _ in range(10):
        target = world.accept(world.flow(Step("x", nothing)), claim=journals[0].owner)
        asked: set[str] = set()

        def ask(run: Run, target: str = target, asked: set[str] = asked) -> Outcome:
            if run.operation.id in asked and world.get(target).state.ended:
                return None
            asked.add(run.operation.id)
            return Wait(target)

        flow = world.flow(Step("ask", ask))
        parents = [world.submit(journals[n % 2], flow) for n in range(10)]
        journals[0].submit(target)
        assert {world.end(journals[1], parent).state for parent in parents} == {OperationState.DONE}


@pytest.mark.parametrize("round_", range(5))
def test_one_key_raced_by_eight_threads_is_one_operation(world: World, round_: int) -> None:
    flow = world.flow(Step("a", nothing))
    start, made = threading.Barrier(8), []

    def ask() -> None:
        start.wait()
        made.append(once(world, flow, f"key {round_}", "hash"))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({operation.id for operation, _ in made}) == 1
    assert [new for _, new in made].count(True) == 1


def test_journals_that_compete_run_every_step_once(world: World) -> None:
    effects.metadata.create_all(world.database.engine)
    flow = world.flow(*(counted(name) for name in "abc"))
    identifiers = [world.accept(flow) for _ in range(100)]
    journals = [world.journal(sweep=0.02, threads=4, lease=30.0) for _ in range(4)]
    for identifier in identifiers:
        assert world.end(journals[0], identifier).state is OperationState.DONE
        assert world.column(identifier, "epoch") == 3, "accepted, claimed once, ended"
    with world.database.read() as tx:
        written = Counter(tx.execute(select(effects.c.operation)).scalars())
    assert set(written.values()) == {3}


def test_cancels_race_with_ends(world: World) -> None:
    """A cancel that was accepted is always carried out, and one that was refused never."""
    journal = world.journal(threads=4)
    flow = world.flow(*(world.backend.step(name) for name in "abc"))
    chance, accepted = random.Random(3), {}
    for _ in range(60):
        identifier = world.submit(journal, flow)
        at = chance.choice("abc")
        until(lambda a=at, i=identifier: a in world.backend.of(i) or not world.get(i).state.live)  # type: ignore[misc]
        try:
            journal.cancel(identifier)
            accepted[identifier] = True
        except Conflict:
            accepted[identifier] = False
    for identifier, promised in accepted.items():
        ended = world.end(journal, identifier)
        assert ended.state is (OperationState.CANCELLED if promised else OperationState.DONE)
        assert world.backend.of(ended) == ([] if promised else ["a", "b", "c"])


@pytest.mark.slow
@given(plan=plans(), crash=crashes)
@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
def test_every_story_has_an_end(world: World, plan: Plan, crash: tuple[int, str] | None) -> None:
    play(world, plan, crash)
