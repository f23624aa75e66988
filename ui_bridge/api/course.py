"""How far an operation is, step by step, told from its journal's record alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from ...core.model.operation import Operation, OperationState

StepState = Literal["done", "running", "waiting", "undone", "failed", "pending"]

_ROUNDING = 1e-6


@dataclass(frozen=True, slots=True)
class Course:
    """The steps of an action's flow, in their order. From the step `pivot` on there is no way back."""

    steps: Sequence[str]
    pivot: str | None = None

    def past_pivot(self, step: str | None) -> bool:
        """Whether an operation that stands at `step` can no longer be taken back."""
        if self.pivot is None or step not in self.steps:
            return False
        return self.steps.index(step) >= self.steps.index(self.pivot)

    def states(self, operation: Operation) -> list[StepState]:
        """One for each step. `undone`: it ran and was taken back; `failed`: there it turned back, or stands."""
        count = len(self.steps)
        if operation.state is OperationState.DONE:
            return ["done"] * count
        if operation.step not in self.steps:
            return ["pending"] * count
        at = self.steps.index(operation.step)
        return self._backward(operation, at) if operation.undoing else self._forward(operation, at)

    def _forward(self, operation: Operation, at: int) -> list[StepState]:
        return [*["done"] * at, _now(operation, first=at == 0), *["pending"] * (len(self.steps) - at - 1)]  # type: ignore[list-item]

    def _backward(self, operation: Operation, at: int) -> list[StepState]:
        # The share that is done grows with each step and stays when an operation turns: it tells how far it came.
        furthest = max(at, min(len(self.steps) - 1, int(operation.progress * len(self.steps) + _ROUNDING)))
        cancelled = _cancelled(operation)
        found: list[StepState] = []
        for index in range(len(self.steps)):
            if index > furthest:
                found.append("pending")
            elif index == furthest and not cancelled:
                found.append("failed")
            elif index > at or operation.state in _TAKEN_BACK:
                found.append("undone")
            else:
                found.append("done" if index < at else _now(operation))
        return found


_TAKEN_BACK = (OperationState.FAILED, OperationState.CANCELLED)


def _cancelled(operation: Operation) -> bool:
    """Whether it turned because a person asked for that."""
    error = operation.error or {}
    if operation.state is OperationState.NEEDS_ATTENTION:
        # What keeps it from being taken back stands before why it is.
        error = (error.get("details") or {}).get("because") or {}
    return error["code"] == "cancelled" if "code" in error else operation.cancel_requested


def _now(operation: Operation, *, first: bool = False) -> StepState:
    """The step at which the operation stands."""
    if operation.state is OperationState.RUNNING:
        return "running"
    if operation.state is OperationState.PENDING:
        return "pending" if first else "waiting"
    return "waiting" if operation.state is OperationState.WAITING else "failed"
