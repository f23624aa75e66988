"""Operations as tasks, and the answers that waiting for them ends with: every state, every kind."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from isthmus.core import errors
from isthmus.core.model.identity import new_id, now
from isthmus.core.model.operation import Operation, OperationState
from isthmus.plugins.swordfish.protocol.acceptance import concluded, created_by, failure_of, made_by
from isthmus.plugins.swordfish.protocol.refusal import Refusal
from isthmus.plugins.swordfish.protocol.request import Request
from isthmus.plugins.swordfish.resources import task

NOBODY = cast(Request, None)
OVER = [state for state in OperationState if not state.live]
FAILED = [state for state in OVER if state not in (OperationState.DONE, OperationState.CANCELLED)]


def _operation(state: OperationState, kind: str = "volume.create", **said: Any) -> Operation:
    values: dict[str, Any] = {
        "id": new_id(),
        "kind": kind,
        "resource_type": kind.partition(".")[0],
        "resource": "r",
        "tenant": "blue",
        "user": "somebody",
        "request_id": "req-1",
        "state": state,
        "created_at": now(),
        "updated_at": now(),
        "error": None if state in (OperationState.DONE, OperationState.PENDING) else errors.Failed("Broke.").to_json(),
    }
    return Operation(**values | said)


def _shown(operation: Operation) -> dict[str, Any]:
    found = {one.name: one.read(operation, cast(Request, Shelves("r"))) for one in task.TASK.properties}
    return {name: value for name, value in found.items() if value is not None}


@pytest.mark.parametrize(
    ("state", "said", "shown"),
    [
        (OperationState.PENDING, {}, "Pending"),
        (OperationState.RUNNING, {}, "Running"),
        (OperationState.WAITING, {}, "Suspended"),
        (OperationState.DONE, {}, "Completed"),
        (OperationState.FAILED, {}, "Exception"),
        (OperationState.CANCELLED, {}, "Cancelled"),
        (OperationState.NEEDS_ATTENTION, {}, "Exception"),
        (OperationState.ABANDONED, {}, "Exception"),
        (OperationState.RUNNING, {"undoing": True}, "Stopping"),
        (OperationState.PENDING, {"undoing": True}, "Stopping"),
        (OperationState.RUNNING, {"cancel_requested": True}, "Cancelling"),
        (OperationState.PENDING, {"cancel_requested": True}, "Cancelling"),
        (OperationState.RUNNING, {"cancel_requested": True, "undoing": True}, "Cancelling"),
        (OperationState.CANCELLED, {"cancel_requested": True, "undoing": True}, "Cancelled"),
        (OperationState.FAILED, {"undoing": True}, "Exception"),
        (OperationState.DONE, {"cancel_requested": True}, "Completed"),
        (OperationState.NEEDS_ATTENTION, {"undoing": True, "cancel_requested": True}, "Exception"),
    ],
)
def test_every_state_of_an_operation_is_one_of_a_task(state: OperationState, said: dict[str, Any], shown: str) -> None:
    assert task.state(_operation(state, **said)) == shown


@pytest.mark.parametrize("state", list(OperationState))
def test_a_task_has_an_end_and_a_status_when_it_is_over_and_not_before(state: OperationState) -> None:
    shown = _shown(_operation(state, progress=0.5))
    assert ("EndTime" in shown) == ("TaskStatus" in shown) == (not state.live)
    assert ("TaskMonitor" in shown) == (state is not OperationState.CANCELLED)
    assert shown["PercentComplete"] == (100 if state is OperationState.DONE else 50)
    assert "req-1" in shown["Description"]


@pytest.mark.parametrize("state", FAILED)
def test_a_task_that_failed_says_why_first(state: OperationState) -> None:
    shown = _shown(_operation(state))
    assert shown["TaskStatus"] == "Critical"
    assert "Broke." in shown["Messages"][0]["Resolution"]
    assert shown["Messages"][-1]["MessageId"].endswith(".TaskAborted")


@pytest.mark.parametrize("progress", [-0.5, 0.0, 0.004, 0.996, 1.0, 7.0])
def test_progress_is_whole_percents(progress: float) -> None:
    percent = _shown(_operation(OperationState.RUNNING, progress=progress))["PercentComplete"]
    assert isinstance(percent, int) and 0 <= percent <= 100


class Shelves:
    """As much of a storage system as finding what was made needs; `there` are the ids of what it has."""

    def __init__(self, *there: str) -> None:
        self.there = there
        self.storage = self.volumes = self.snapshots = self

    def get(self, wanted: str) -> str:
        if wanted not in self.there:
            raise errors.NotFound("not there")
        return wanted


def test_only_what_was_made_and_is_there_is_called_created() -> None:
    made = "/redfish/v1/StorageServices/blue/Volumes/r"
    having, empty = cast(Request, Shelves("r")), cast(Request, Shelves())
    for kind in ("volume.create", "snapshot.create"):
        assert created_by(_operation(OperationState.DONE, kind), having) == made
        assert created_by(_operation(OperationState.DONE, kind), empty) is None
        for state in OperationState:
            if state is not OperationState.DONE:
                assert created_by(_operation(state, kind), having) is None
    for kind in ("volume.extend", "volume.delete", "volume.revert", "backend.add"):
        assert created_by(_operation(OperationState.DONE, kind), having) is None


@pytest.mark.parametrize(
    ("kind", "there"),
    [("volume.extend", True), ("volume.revert", True), ("volume.delete", False), ("pool.read", False), ("x", False)],
)
def test_an_operation_has_the_uri_of_what_it_changes(kind: str, there: bool) -> None:
    assert (made_by(_operation(OperationState.DONE, kind), NOBODY) is not None) == there


def test_a_removal_that_is_done_has_nothing_to_show() -> None:
    for kind in ("volume.delete", "snapshot.delete", "attachment.delete"):
        answer = concluded(_operation(OperationState.DONE, kind), NOBODY)
        assert (answer.status, answer.body) == (204, b"")


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.Refused("r"), 409),
        (errors.Failed("f"), 500),
        (errors.Transient("t"), 503),
        (errors.Busy("b"), 503),
        (errors.NeedsAttention("n"), 500),
        (errors.Unavailable("u"), 503),
        (errors.NoPlacement("n"), 409),
        (errors.InUse("i"), 409),
        (errors.NotFound("n"), 404),
        (errors.Invalid("i"), 400),
        (errors.IsthmusError("x"), 500),
    ],
)
def test_an_error_of_an_operation_is_answered_as_if_it_had_come_at_once(
    error: errors.IsthmusError, status: int
) -> None:
    operation = _operation(OperationState.FAILED, error=error.to_json())
    refusal = failure_of(operation, "/uri")
    assert refusal.status == status
    assert ("Retry-After" in refusal.headers) == (status == 503)


def test_a_cancelled_operation_is_no_failure_of_the_service() -> None:
    cancelled = _operation(OperationState.CANCELLED, error={"code": "cancelled", "message": "Taken back."})
    refusal = failure_of(cancelled, "/uri")
    assert refusal.status == 409
    assert refusal.messages[0]["MessageId"].endswith(".TaskCancelled")


@pytest.mark.parametrize("state", [state for state in OVER if state.ended])
def test_what_has_ended_is_not_cancelled(state: OperationState) -> None:
    with pytest.raises(Refusal) as refused:
        task.cancel(NOBODY, _operation(state))
    assert refused.value.status == 409
    assert refused.value.messages[0]["MessageId"].endswith(".ResourceCannotBeDeleted")


@pytest.mark.parametrize("state", [state for state in OperationState if not state.ended])
def test_all_else_is_for_the_core_to_cancel_or_refuse(state: OperationState) -> None:
    asked: list[str] = []

    request = SimpleNamespace(storage=SimpleNamespace(operations=SimpleNamespace(cancel=asked.append)))
    operation = _operation(state)
    assert task.cancel(cast(Request, request), operation) is None
    assert asked == [operation.id]
