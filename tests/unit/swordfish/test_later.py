"""The flow of a change that waits for a window: begun once and in it, and honest about what became of it."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest

from isthmus.adapters.contract import Storage
from isthmus.core import errors
from isthmus.core.journal.registry import Flows
from isthmus.core.journal.step import Run, Until, Wait
from isthmus.core.model.codec import time_text
from isthmus.core.model.identity import new_id, now
from isthmus.core.model.operation import Operation, OperationState
from isthmus.core.model.page import Page, Query
from isthmus.plugins.swordfish.maintenance import change as changes
from isthmus.plugins.swordfish.maintenance.change import KINDS, Change
from isthmus.plugins.swordfish.maintenance.later import Later

HOUR = timedelta(hours=1)


def operation(state: OperationState, kind: str = "volume.extend", **said: Any) -> Operation:
    moment = now()
    values: dict[str, Any] = {
        "id": new_id(),
        "kind": kind,
        "resource_type": "volume",
        "resource": "v",
        "tenant": "blue",
        "user": "ann",
        "request_id": "req-1",
        "state": state,
        "created_at": moment,
        "updated_at": moment,
    }
    return Operation(**values | said)


class Array:
    """A storage system with one volume, whose operations stay as they are put."""

    def __init__(self, *known: Operation) -> None:
        self.known = list(known)
        self.calls: list[Any] = []
        self.name = "before"
        self.raising: Exception | None = None
        self.volumes = self.operations = self

    def list(self, query: Query) -> Page[Operation]:
        found = [one for one in self.known if all(getattr(one, name) == value for name, value in query.filters.items())]
        return Page(tuple(found), None, None)

    def get(self, wanted: str) -> Any:
        return SimpleNamespace(name=self.name)

    def extend(self, volume: str, size: int, *, key: str, dry_run: bool, if_version: int | None) -> Operation:
        if self.raising is not None:
            raise self.raising
        self.calls.append(("extend", size, key, if_version))
        child = operation(OperationState.RUNNING, parent=key.partition("/")[0])
        self.known.append(child)
        return child

    def update(self, volume: str, wanted: Any, *, if_version: int | None) -> None:
        self.calls.append(("rename", wanted.name, if_version))
        self.name = wanted.name


GROW = changes.change_volume("v", size=5, name=None, if_version=3)
BOTH = changes.change_volume("v", size=5, name="after", if_version=3)
RENAME = changes.change_volume("v", size=None, name="after", if_version=3)


def running(change: Change, *, start: timedelta = -HOUR, end: timedelta = HOUR, **result: Any) -> Run:
    """A run of a step that waits for this window."""
    moment = now()
    this = operation(OperationState.RUNNING, f"swordfish.{change.kind}")
    data = {"change": change.to_json(), "start": time_text(moment + start), "end": time_text(moment + end)}
    return cast(Run, SimpleNamespace(operation=this, key=f"{this.id}/begin", data=data, result=result))


def flow(array: Array) -> Later:
    return Later(lambda run: cast(Storage, array))


def test_there_is_a_flow_for_each_change() -> None:
    assert Flows(flow(Array()).flows()).kinds == {f"swordfish.{kind}" for kind in KINDS}


def test_it_waits_for_the_start_and_tells_the_window() -> None:
    run = running(GROW, start=HOUR, end=2 * HOUR)
    waiting = flow(Array()).wait(run)
    assert isinstance(waiting, Until) and time_text(waiting.moment) == run.data["start"]
    assert run.result == {"start": run.data["start"], "end": run.data["end"]}
    assert flow(Array()).wait(running(GROW)) is None


def test_it_asks_once_and_ends_with_what_it_asked_for() -> None:
    array, run = Array(), running(BOTH)
    asked = flow(array).begin(run)
    (child,) = array.known
    assert asked == Wait(child.id)
    assert array.calls == [("extend", 5, run.key, 3), ("rename", "after", None)]
    assert (run.result["begun"]["operation"], run.result["begun"]["resource"]) == (child.id, "v")
    array.known[:] = [operation(OperationState.DONE, id=child.id, parent=run.operation.id)]
    assert flow(array).begin(run) is None
    assert len(array.calls) == 2


def test_a_death_after_it_asked_finds_what_was_asked_for_though_the_window_is_over() -> None:
    array, first = Array(), running(BOTH)
    flow(array).begin(first)
    again = running(BOTH, start=-2 * HOUR, end=-HOUR)
    again.operation = first.operation
    array.calls.clear()
    assert flow(array).begin(again) == Wait(array.known[0].id)
    assert array.calls == [("rename", "after", None)], "whether that was done is not known"


@pytest.mark.parametrize("change", [GROW, BOTH, RENAME])
def test_a_missed_window_changes_nothing(change: Change) -> None:
    array = Array()
    with pytest.raises(errors.Refused, match="window ended"):
        flow(array).begin(running(change, start=-2 * HOUR, end=-HOUR))
    assert array.calls == []


def test_a_new_name_that_a_death_left_is_not_missed() -> None:
    array = Array()
    array.name = "after"
    run = running(RENAME, start=-2 * HOUR, end=-HOUR)
    assert flow(array).begin(run) is None
    assert run.result["begun"]["operation"] is None and array.calls == []


@pytest.mark.parametrize(
    ("state", "error"),
    [
        (OperationState.FAILED, errors.Transient("not now").to_json()),
        (OperationState.FAILED, errors.Stale("changed").to_json()),
        (OperationState.CANCELLED, {"code": "cancelled", "message": "taken back"}),
        (OperationState.ABANDONED, None),
    ],
)
def test_what_fails_is_told_word_for_word_and_not_tried_again(state: OperationState, error: Any) -> None:
    array, run = Array(), running(GROW)
    flow(array).begin(run)
    array.known[:] = [operation(state, id=array.known[0].id, parent=run.operation.id, error=error)]
    with pytest.raises(errors.Failed) as failed:
        flow(array).begin(run)
    assert not isinstance(failed.value, errors.Transient)
    assert error is None or failed.value.to_json() == error
    assert type(errors.IsthmusError.from_json({"code": "storage_failed"})) is errors.Failed


def test_what_needs_attention_is_waited_for() -> None:
    array, run = Array(), running(GROW)
    flow(array).begin(run)
    child = operation(OperationState.NEEDS_ATTENTION, id=array.known[0].id, parent=run.operation.id)
    array.known[:] = [child]
    assert flow(array).begin(run) == Wait(child.id)


def test_a_volume_that_is_being_changed_is_waited_for_while_the_window_is_open() -> None:
    array = Array()
    array.raising = errors.Occupied("extending", operation="x")
    assert isinstance(flow(array).begin(running(GROW)), Until)
    with pytest.raises(errors.Occupied):
        flow(array).begin(running(GROW, end=timedelta(seconds=0.5)))
    array.raising = errors.Stale("changed")
    with pytest.raises(errors.Stale):
        flow(array).begin(running(GROW))


@pytest.mark.parametrize(
    ("said", "first"),
    [
        ({}, True),
        ({"state": OperationState.RUNNING}, True),
        ({"state": OperationState.WAITING}, False),
        ({"result": {"begun": {}}}, False),
        ({"result": {"start": "9999"}}, False),
        ({"kind": "volume.extend"}, False),
        ({"resource": "other"}, False),
        ({"created_at": now() + HOUR}, False),
    ],
)
def test_what_was_asked_for_before_goes_first(said: dict[str, Any], first: bool) -> None:
    before: dict[str, Any] = {
        "state": OperationState.PENDING,
        "kind": "swordfish.volume.delete",
        "created_at": now() - HOUR,
    }
    array = Array(operation(**{**before, **said}))
    assert isinstance(flow(array).begin(running(GROW)), Until) == first
    assert bool(array.calls) != first


@pytest.mark.parametrize("state", [OperationState.DONE, OperationState.CANCELLED])
def test_a_cancel_that_came_too_late_says_what_was_done(state: OperationState) -> None:
    array, run = Array(), running(GROW)
    array.known.append(operation(state, parent=run.operation.id))
    assert flow(array).look_back(run) is None
    assert run.result.get("done", False) == (state is OperationState.DONE)
    assert ("begun" in run.result) == (state is OperationState.DONE)
