"""Whatever fails, crashes or is cancelled, in whatever order: the operation ends, wholly done or wholly undone."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from tests.environment.postgresql import base_folder
from tests.unit.journal.chaos import DO, UNDO, Plan, Stage
from tests.unit.journal.world import World


@some.composite
def plans(draw: some.DrawFn, children: bool = True) -> Plan:
    """Up to four steps, each with up to three mishaps in either direction, perhaps a pivot and a child."""
    count = draw(some.integers(1, 4))
    do = [draw(some.lists(some.sampled_from(DO), max_size=3)) for _ in range(count)]
    undo = [draw(some.lists(some.sampled_from(UNDO), max_size=3)) for _ in range(count)]
    pivot = draw(some.none() | some.integers(0, count - 1))
    ask = draw(some.none() | some.integers(0, count - 1)) if children else None
    child = draw(plans(children=False)) if ask is not None else None
    return Plan(do, undo, pivot, ask, child)


crashes = some.none() | some.tuples(some.integers(0, 30), some.sampled_from(["before", "after", "lost"]))


@pytest.fixture(scope="module")
def lasting() -> Iterator[World]:
    with tempfile.TemporaryDirectory(prefix="isthmus-journal-", dir=base_folder()) as folder:
        world = World(f"sqlite:///{folder}/isthmus.db")
        yield world
        world.close()


def play(world: World, plan: Plan, crash: tuple[int, str] | None) -> None:
    """Play a plan to its end, with a crash at one of its writes."""
    stage = Stage(world)
    stage.crash_at = crash
    try:
        stage.finish(plan)
    finally:
        stage.leave()


@pytest.mark.slow
@given(plan=plans(), crash=crashes)
@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
def test_every_story_has_an_end(lasting: World, plan: Plan, crash: tuple[int, str] | None) -> None:
    play(lasting, plan, crash)
