"""A crash before or after any write of the database, in any of these stories, loses nothing."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import pytest

from isthmus.core.model.operation import OperationState
from tests.unit.journal.chaos import Plan, Stage
from tests.unit.journal.world import World

DONE, FAILED, CANCELLED = OperationState.DONE, OperationState.FAILED, OperationState.CANCELLED
STORIES = {
    "nothing fails": (Plan([[], [], []]), {DONE}),
    "the last step is refused": (Plan([[], [], ["never"]]), {FAILED}),
    "an undo fails at first": (Plan([[], [], ["never"]], [["transient"], ["defect"], ["refused"]]), {FAILED}),
    "a pivot that fails at first": (Plan([[], ["refused", "defect"], ["transient"]], pivot=1), {DONE}),
    "refused before the pivot": (Plan([["transient"], ["never"], []], pivot=2), {FAILED}),
    "a cancel that the crash may swallow": (Plan([[], ["cancel"], []]), {CANCELLED, DONE}),
    "a child": (Plan([[], [], []], ask=1, child=Plan([[], []])), {DONE}),
    "a child that fails": (Plan([[], [], []], ask=1, child=Plan([[], ["never"]])), {FAILED}),
    "a failure after a child": (Plan([[], [], ["never"]], ask=1, child=Plan([[], []])), {FAILED}),
    "waits for a time": (Plan([[], ["later", "later"], ["later"]], pivot=2), {DONE}),
    "an undo that waits for a time": (Plan([[], [], ["never"]], [["later"], ["later"], []]), {FAILED}),
    "a cancel after a time": (Plan([[], ["later", "cancel"], []]), {CANCELLED, DONE}),
    "stuck past the pivot": (Plan([[], [], ["stuck"]], pivot=1), {DONE}),
    "stuck in the undo": (Plan([[], [], ["never"]], [[], ["stuck"], []]), {FAILED}),
}
"""What happens, and how it may end whatever crashes."""


def crash_everywhere(world: World, plan: Plan) -> Iterator[tuple[int, str, str]]:
    """Play the plan with a crash before and after each write in turn, and with its answer lost: (write, when, how it
    ended)."""
    for number in count():
        for when in ("before", "after", "lost"):
            stage = Stage(world)
            stage.crash_at = (number, when)
            yield number, when, stage.finish(plan).state
            stage.leave()
            reached = next(stage.calls) > number
        if not reached:
            return


@pytest.mark.parametrize("story", STORIES)
@pytest.mark.slow
def test_a_crash_at_any_write_loses_nothing(world: World, story: str) -> None:
    plan, allowed = STORIES[story]
    ends = list(crash_everywhere(world, plan))
    assert len(ends) >= 8
    assert {end for _, _, end in ends} <= allowed
