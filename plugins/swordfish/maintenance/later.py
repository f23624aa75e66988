"""Operations that wait for a maintenance window, and what they tell.

One of kind `swordfish.volume.create` waits, then asks the storage system for a `volume.create` on behalf of whoever
asked, and ends as that does. `Operation.result` has the window (`start`, `end`), and once it was begun `begun`: when
(`at`), the operation that does it (`operation`, None where none is needed), and what that is about (`resource`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from ....adapters.contract import Storage
from ....core.errors import Failed, Occupied, Refused
from ....core.journal.step import Flow, Outcome, Run, Step, Until, Wait
from ....core.model.codec import time_of, time_text
from ....core.model.identity import now
from ....core.model.operation import Operation, OperationState
from ....core.model.page import LARGEST_PAGE, Query
from .change import KINDS, Change

PREFIX = "swordfish."
"""Stands before the kind of the change."""

_PAUSE = timedelta(seconds=1)
"""After which it is looked again whether a volume that others change, or are to change before, is free."""


class _Ended(Failed):
    """What was asked for did not end well: its error is told as it is, whatever it is, and nothing is tried again."""

    def __init__(self, child: Operation) -> None:
        self._document = dict(child.error or Failed(f"{child.kind} did not end well.").to_json())
        super().__init__(str(self._document.get("message")))

    def to_json(self) -> dict[str, Any]:
        return self._document


class Later:
    """The flows. `storage` gives the storage system on behalf of whoever asked."""

    def __init__(self, storage: Callable[[Run], Storage]) -> None:
        self._storage = storage

    def flows(self) -> Sequence[Flow]:
        """One for each kind of change."""
        steps = (Step("wait", self.wait), Step("begin", self.begin, self.look_back))
        return tuple(Flow(PREFIX + kind, steps) for kind in KINDS)

    def wait(self, run: Run) -> Outcome:
        """Until the window opens."""
        run.result.update(start=run.data["start"], end=run.data["end"])
        start = time_of(run.data["start"])
        return Until(start) if now() < start else None

    def begin(self, run: Run) -> Outcome:
        """Ask for the change, once, while the window is open, and wait for its end."""
        storage, change = self._storage(run), Change.of(run.data["change"])
        child = _asked_for(run, storage)
        begun = child is not None or "begun" in run.result or change.is_there(storage)
        if not begun:
            moment = now()
            end = time_of(run.data["end"])
            if moment >= end:
                raise Refused(
                    f"The maintenance window ended at {run.data['end']}, before this could be begun.",
                    next_step="Nothing was changed. Ask for it again.",
                )
            if _others_first(run, storage):
                return Until(moment + _PAUSE)
            try:
                child = change.begin(storage, key=run.key)
            except Occupied:
                if moment + _PAUSE >= end:
                    raise
                return Until(moment + _PAUSE)
        if "begun" not in run.result:
            if not change.is_there(storage):
                change.finish(storage)
            _note(run, child, change)
        if child is None:
            return None
        if not child.state.ended:
            return Wait(child.id)
        if child.state is not OperationState.DONE:
            raise _Ended(child)
        return None

    def look_back(self, run: Run) -> Outcome:
        """Nothing is undone here: what goes on was taken back. But what was done all the same is told."""
        storage, change = self._storage(run), Change.of(run.data["change"])
        child = _asked_for(run, storage)
        if change.is_there(storage) if child is None else child.state is OperationState.DONE:
            _note(run, child, change)
            run.result["done"] = True
        return None


def _note(run: Run, child: Operation | None, change: Change) -> None:
    run.result.setdefault("begun", {"at": time_text(now())}).update(
        operation=None if child is None else child.id,
        resource=change.resource if child is None else child.resource,
    )


def _asked_for(run: Run, storage: Storage) -> Operation | None:
    """What an earlier try has asked for, whatever became of it."""
    found = storage.operations.list(Query(filters={"parent": run.operation.id}, limit=1)).items
    return found[0] if found else None


def _others_first(run: Run, storage: Storage) -> bool:
    """Whether something else that waits to be begun on the same resource was asked for before (DSP0266, Operation apply
    time: in the order of the requests)."""
    this = run.operation
    if not this.resource:
        return False
    for state in (OperationState.PENDING, OperationState.RUNNING):
        wanted = {"resource": this.resource, "state": state.value}
        for other in storage.operations.list(Query(filters=wanted, limit=LARGEST_PAGE)).items:
            before = (other.created_at, other.id) < (this.created_at, this.id)
            if (
                before
                and is_later(other)
                and "begun" not in other.result
                and other.result.get("start", "") <= run.data["start"]
            ):
                return True
    return False


def is_later(operation: Operation) -> bool:
    """Whether it is one of those that wait for a window."""
    return operation.kind.startswith(PREFIX)


def window_start(operation: Operation) -> datetime | None:
    """When the window opens that it waits for; None for one that does not wait."""
    start = operation.result.get("start")
    return None if start is None or operation.state is not OperationState.PENDING else time_of(str(start))
