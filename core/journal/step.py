"""The declaration of a flow: a plain tuple of steps. Core and plugins declare their flows with the same words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from ..context import Context
from ..model.operation import Operation
from ..progress import Stopped

CONTRACT_VERSION = 1
DEFAULT_DEADLINE = 60.0


class Transaction(Protocol):
    """An open transaction of the store, in which a step's own rows change together with the journal's."""

    def execute(self, statement: Any, parameters: Any = None) -> Any: ...


class Run(Protocol):
    """One run of one step, as the step sees it.

    `data` is the operation's notebook: plain JSON, kept with the step's commit, shared by all steps, never holding
    an unsealed secret. What a step writes there before it dies or raises is lost; the step then runs again from the
    start. An operation that works with a system keeps its name under `system`: until it has ended the system is neither
    removed nor renamed nor disabled. `result` is kept likewise and is what the caller is told (see `Operation.result`).
    """

    operation: Operation
    context: Context
    data: dict[str, Any]
    result: dict[str, Any]

    @property
    def key(self) -> str:
        """`operation-id/step-name`: the idempotency key for any adapter call of this step (of its undo, with `/undo`
        behind it)."""

    @property
    def attempt(self) -> int:
        """1 at the first try of this step."""

    def progress(self, fraction: float, note: str = "") -> None:
        """Say how far the operation is (0.0 to 1.0). It extends the step's deadline; it is cheap to call often."""

    def cancelled(self) -> bool:
        """Whether a cancel was asked for; a long step returns early by raising `Cancelled`. False past the pivot."""


Commit = Callable[[Transaction], None]


class Cancelled(Stopped):
    """Raised by a step that stopped because `Run.cancelled()`; the operation is undone."""


@dataclass(frozen=True, slots=True)
class Wait:
    """The step needs another operation to end first. The thread is given up, and the step runs again afterwards."""

    operation: str


@dataclass(frozen=True, slots=True)
class Until:
    """The step has nothing to do before `moment` (UTC). The thread is given up, and the step runs again soon after.

    That counts neither as a try nor against the deadline, which begin anew; a cancel wakes the operation at once. Until
    then it does not count among those that wait for a thread, so a flow that lets users make such operations bounds
    their number itself. The time is kept by the database's clock: a step that is early by its own returns `Until` once
    more, as often as it likes.
    """

    moment: datetime

    def __post_init__(self) -> None:
        if self.moment.tzinfo is None:
            raise ValueError("a moment to wait for has a time zone")


Outcome = Wait | Until | Commit | None
"""What a step returns: nothing; `Wait`; `Until`; or (core flows only) what to write in the transaction that advances
the operation. Such a function runs in that transaction, may run again after a deadlock, and must not block."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step. `do` and `undo` are idempotent: they look before they create or delete, because an interrupted step
    runs again, perhaps in another process.

    Of the errors they raise, `Transient` and `Busy` (and `Unavailable`) are retried within the deadline; any other
    makes the operation undo (before the pivot) or retry with back-off and then need attention (from it on).
    `deadline` is in seconds and is extended by `Run.progress`. `node` says on which node it must run, None for any.
    `undo` runs also when `do` was interrupted or failed half-way.
    """

    name: str
    do: Callable[[Run], Outcome]
    undo: Callable[[Run], Outcome] | None = None
    deadline: float = DEFAULT_DEADLINE
    node: Callable[[Run], str | None] | None = None


@dataclass(frozen=True, slots=True)
class Flow:
    """The steps of one kind of operation.

    `kind` reads `volume.create`. `version` is raised when the steps change; a release runs its predecessor's flows
    to their end. `pivot` names the first step that destroys or withdraws something: from it on there is neither undo
    nor cancel. `undone` runs in the transaction that ends a taken-back operation, `attention` in the one that gives
    up, `retried` in the one in which a person lets it go on, `abandoned` in the one in which a person gives it up:
    core flows set the resource's state there.
    """

    kind: str
    steps: tuple[Step, ...]
    version: int = 1
    pivot: str | None = None
    undone: Callable[[Run, Transaction], None] | None = None
    attention: Callable[[Run, Transaction], None] | None = None
    retried: Callable[[Run, Transaction], None] | None = None
    abandoned: Callable[[Run, Transaction], None] | None = None

    def __post_init__(self) -> None:
        names = [step.name for step in self.steps]
        if not names or len(set(names)) != len(names):
            raise ValueError(f"flow {self.kind}: steps must be there and have names of their own")
        if self.pivot is not None and self.pivot not in names:
            raise ValueError(f"flow {self.kind}: no step is called {self.pivot}")

    def position(self, step: str) -> int:
        """The index of the step called `step`; raises `KeyError` when there is none."""
        for index, candidate in enumerate(self.steps):
            if candidate.name == step:
                return index
        raise KeyError(step)

    def past_pivot(self, step: str) -> bool:
        """Whether an operation that stands at `step` can no longer be taken back."""
        return self.pivot is not None and self.position(step) >= self.position(self.pivot)


def describe(flow: Flow) -> Mapping[str, Any]:
    """The flow as a dry run shows it: its steps in order and where there is no way back."""
    return {"kind": flow.kind, "steps": [step.name for step in flow.steps], "pivot": flow.pivot}
