"""One runner's time with one operation, and what a step sees of it."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from typing import Any

from ..model.operation import Operation, OperationState
from .ledger import Hold, decode
from .operations import encode
from .row import Row
from .step import Cancelled, Flow, Step


class Tenure:
    """What a runner knows of the operation it holds.

    `data` and `result` are what steps write to; `saved` and `saved_result` are their texts as of the last commit,
    to which a failed try falls back, just as a crashed one does. Times are of the monotonic clock, in seconds.
    """

    def __init__(self, row: Row, flow: Flow, owner: str, epoch: int) -> None:
        self.flow, self.owner, self.epoch = flow, owner, epoch
        self.cancel = False
        self.lost = False
        self.thread: int | None = None
        self.began: float | None = None
        self.watched: float | None = None
        self.renewed = time.monotonic()
        self.told = True
        self.spins = 0
        self.crashes = row.crashes
        self._signal: threading.Event | None = None
        self.load(row)

    def load(self, row: Row) -> None:
        """Stand where the row stands."""
        self.operation: Operation = row.operation
        self.context = row.context
        self.acting = replace(row.context, parent=row.operation.id)
        self.saved, self.saved_result = row.data, encode(dict(row.operation.result))
        self.data, self.result = decode(self.saved), decode(self.saved_result)
        self.index = 0 if row.operation.step is None else self.flow.position(row.operation.step)
        self.undoing = row.operation.undoing
        self.cancel = self.cancel or row.operation.cancel_requested
        self.error = row.operation.error
        self.attempts = row.operation.attempts
        self.progress, self.note = row.operation.progress, row.operation.note
        self.peak = self.progress
        self.began = None if row.step_age == 0.0 else time.monotonic() - row.step_age

    @property
    def step(self) -> Step:
        return self.flow.steps[self.index]

    @property
    def past_pivot(self) -> bool:
        """Whether there is neither undo nor cancel any more."""
        return not self.undoing and self.flow.past_pivot(self.step.name)

    @property
    def patient(self) -> bool:
        """Whether failures are retried whatever they are, since there is no way back from here."""
        return self.undoing or self.past_pivot

    def following(self) -> int | None:
        """The index of the step to go to after this one, forward or back; None when there is none."""
        if not self.undoing:
            return self.index + 1 if self.index + 1 < len(self.flow.steps) else None
        return next((i for i in range(self.index - 1, -1, -1) if self.flow.steps[i].undo is not None), None)

    def outcome(self) -> OperationState:
        """How the operation ends when its last step is done."""
        if not self.undoing:
            return OperationState.DONE
        cancelled = self.error is not None and self.error.get("code") == "cancelled"
        return OperationState.CANCELLED if cancelled else OperationState.FAILED

    def hold(self) -> Hold:
        return Hold(self.operation.id, self.owner, self.epoch, self.step.name, self.undoing)

    def begin(self) -> StepRun:
        """A try of the current step begins in this thread: its deadline is watched from now on."""
        moment = time.monotonic()
        if self.began is None:
            self.began = moment
        self.attempts += 1
        self.operation = replace(
            self.operation,
            step=self.step.name,
            undoing=self.undoing,
            progress=self.progress,
            attempts=self.attempts,
            cancel_requested=self.cancel,
        )
        self.thread = threading.get_ident()
        self.watched = moment
        return StepRun(self)

    def fall_back(self) -> None:
        """Forget what the failed try wrote into the notebook."""
        self.data, self.result = decode(self.saved), decode(self.saved_result)

    def age(self) -> float:
        """For how many seconds the step has been tried, its real progress aside."""
        return 0.0 if self.began is None else max(0.0, time.monotonic() - self.began)

    def stand(self, index: int, undoing: bool) -> None:
        """The row stands at another step now."""
        self.index, self.undoing = index, undoing
        self.attempts = self.crashes = self.spins = 0
        self.began = None

    def pause(self, seconds: float) -> None:
        """Wait, but not longer than until `signal`."""
        if self._signal is None:
            self._signal = threading.Event()
        self._signal.wait(seconds)

    def signal(self) -> None:
        """End a pause."""
        if self._signal is not None:
            self._signal.set()

    def advance_progress(self, fraction: float, note: str) -> None:
        """Progress that a step reports: it is watched anew; only what is further than ever extends its retries."""
        moment = time.monotonic()
        if self.watched is not None:
            self.watched = moment
        if fraction > self.peak:
            self.peak = fraction
            self.began = moment
        self.progress, self.note, self.told = min(1.0, max(0.0, fraction)), note or self.note, False

    def advance_call(self, fraction: float) -> None:
        """Progress of a call that the current step makes, as a part of the step's share of the operation."""
        if not self.undoing:
            reached = (self.index + fraction) / len(self.flow.steps)
            self.advance_progress(max(self.progress, reached), "")
        elif self.watched is not None:
            self.watched = time.monotonic()


class StepRun:
    """One try of one step; see `step.Run`."""

    __slots__ = ("_tenure", "_undoing", "attempt", "context", "data", "key", "operation", "over", "result")

    def __init__(self, tenure: Tenure) -> None:
        self._tenure = tenure
        self.operation = tenure.operation
        self.context = tenure.acting
        self.data: dict[str, Any] = tenure.data
        self.result: dict[str, Any] = tenure.result
        self.attempt = tenure.attempts
        name = f"{tenure.operation.id}/{tenure.step.name}"
        self.key = f"{name}/undo" if tenure.undoing else name
        self._undoing, self.over = tenure.undoing, False

    def progress(self, fraction: float, note: str = "") -> None:
        self._tenure.advance_progress(fraction, note)

    def heard(self, fraction: float) -> None:
        """A call that this try made reports its progress. Raises `Cancelled` when it is not wanted any more.

        When the try is over, the call was turned away from: it counts no longer, and taking back waits for its end.
        """
        tenure = self._tenure
        taking_back = tenure.undoing and not self._undoing and not tenure.lost
        if taking_back if self.over else self.cancelled():
            raise Cancelled
        if not self.over:
            tenure.advance_call(fraction)

    def cancelled(self) -> bool:
        tenure = self._tenure
        return (tenure.cancel or tenure.lost) and not tenure.patient
