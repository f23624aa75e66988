"""How far an operation is, told by the state of each of its steps."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from isthmus.core.model.operation import Operation, OperationState
from isthmus.ui_bridge.api.course import Course

COURSE = Course(("announce", "make", "give", "read_back"), "give")
MOMENT = datetime(2026, 1, 1, tzinfo=UTC)
FAILED = {"code": "storage_failed", "message": "No."}
CANCELLED = {"code": "cancelled", "message": "Cancelled."}


def operation(state: str, step: str | None = "make", **more: Any) -> Operation:
    return Operation(
        "op-1", "farm.grow", "Barn", "barn-1", "t1", "anna", "req-1", OperationState(state), MOMENT, MOMENT,
        step=step, **more,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (operation("pending", "announce"), "pending pending pending pending"),
        (operation("running", "announce"), "running pending pending pending"),
        (operation("running"), "done running pending pending"),
        (operation("pending"), "done waiting pending pending"),
        (operation("waiting"), "done waiting pending pending"),
        (operation("done", "read_back", progress=1.0), "done done done done"),
        (operation("needs_attention", "read_back", error=FAILED), "done done done failed"),
        (operation("abandoned", "give", error=FAILED), "done done failed pending"),
        (operation("running", "make", undoing=True, progress=0.5, error=FAILED), "done running failed pending"),
        (operation("waiting", "make", undoing=True, progress=0.5, error=FAILED), "done waiting failed pending"),
        (operation("running", "make", undoing=True, progress=0.75, error=CANCELLED), "done running undone undone"),
        (operation("failed", "announce", undoing=True, progress=0.5, error=FAILED), "undone undone failed pending"),
        (operation("failed", "make", undoing=True, progress=0.25, error=FAILED), "undone failed pending pending"),
        (operation("cancelled", "make", undoing=True, progress=0.5, error=CANCELLED), "undone undone undone pending"),
        (operation("running", "of another release"), "pending pending pending pending"),
    ],
)
def test_each_step_says_how_it_stands(found: Operation, expected: str) -> None:
    assert " ".join(COURSE.states(found)) == expected


def test_an_undo_that_keeps_failing_stands_where_it_is() -> None:
    stuck = {"code": "needs_attention", "message": "It keeps failing.", "details": {"because": FAILED}}
    found = operation("needs_attention", "make", undoing=True, progress=0.5, error=stuck)
    assert COURSE.states(found) == ["done", "failed", "failed", "pending"]
    stuck["details"] = {"because": CANCELLED}
    assert COURSE.states(found) == ["done", "failed", "undone", "pending"]


def test_from_the_pivot_on_there_is_no_way_back() -> None:
    assert [COURSE.past_pivot(step) for step in COURSE.steps] == [False, False, True, True]
    assert not Course(COURSE.steps).past_pivot("read_back")
