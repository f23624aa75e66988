"""The actions on objects of the inventory and their flows, as every face offers them.

Plain declarations: what does them is imported when it is first called.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from ....core.duties.duty import Duty
from ....core.errors import IsthmusError
from ....core.journal.step import Flow, Outcome, Run, Step
from ....core.model.operation import Operation
from ....plugin_manager.action import Action, Call, Choice, Result
from ..vcenters.privileges import PROVISION as MAY_PROVISION

if TYPE_CHECKING:
    from .offered import Offered

STEP_SECONDS = 600.0
LOOK_SECONDS = 1.0
_ANNOUNCE = "announce"


class Deed(Protocol):
    """What does an action. Its steps are methods by their names, and by those of their undos; the choices for a
    property of its input come from `PROPERTY_choices(call)`, what bounds them from `bounds(call)`."""

    def check(self, call: Call) -> object:
        """Raises what doing it now would end with."""

    def plan(self, call: Call) -> Mapping[str, Any]: ...


@dataclass(frozen=True, slots=True)
class Declared:
    """One action. `steps` are names, each with its undo's (or None). `deed` is what does it, `MODULE:CLASS` of this
    package. Without steps it is done at once, by the deed's `run(call)`."""

    id: str
    deed: str
    title: str
    summary: str
    permission: str
    kinds: tuple[str, ...]
    input: Mapping[str, Any]
    steps: Mapping[str, str | None]
    pivot: str | None = None
    privilege: str = MAY_PROVISION
    choices: Sequence[str] = ()
    bounded: bool = False

    @property
    def kind(self) -> str:
        """Of its operations."""
        return f"vsphere.{self.id}"

    def action(self, offered: Callable[[], Offered]) -> Action:
        def check(call: Call) -> IsthmusError | None:
            try:
                offered().deed(self.id).check(call)
            except IsthmusError as error:
                return error
            return None

        def plan(call: Call) -> Mapping[str, Any]:
            found = {**offered().deed(self.id).plan(call), **self.described()}
            if self.steps:
                desk = offered().desk
                desk.demand_task(desk.seat(call))
            return found

        def run(call: Call) -> Operation | Result:
            if not self.steps:
                answer: Result = getattr(offered().deed(self.id), "run")(call)  # noqa: B009
                return answer
            return offered().desk.begin(call, self.kind, self.id)

        def bounds(call: Call) -> Mapping[str, Mapping[str, Any]]:
            found: Mapping[str, Mapping[str, Any]] = getattr(offered().deed(self.id), "bounds")(call)  # noqa: B009
            return found

        def choose(name: str) -> Callable[[Call], Sequence[Choice]]:
            def choices(call: Call) -> Sequence[Choice]:
                found: Sequence[Choice] = getattr(offered().deed(self.id), f"{name}_choices")(call)
                return found

            return choices

        return Action(
            self.id,
            self.title,
            self.permission,
            input=self.input,
            kinds=self.kinds,
            summary=self.summary,
            privilege=self.privilege,
            check=check,
            choices={name: choose(name) for name in self.choices},
            bounds=bounds if self.bounded else None,
            plan=plan,
            run=run,
        )

    def flow(self, offered: Callable[[], Offered]) -> Flow:
        def method(name: str) -> Callable[[Run], Outcome]:
            def work(run: Run) -> Outcome:
                found: Outcome = getattr(offered().deed(self.id), name)(run)
                return found

            return work

        def deciding(name: str) -> Callable[[Run], Outcome]:
            def work(run: Run) -> Outcome:
                with offered().stage.deciding():
                    return method(name)(run)

            return work

        def announce(run: Run) -> None:
            offered().exclusion.demand_first(run)
            offered().mirror.announce(run)

        steps = [Step(_ANNOUNCE, announce)]
        for name, undo in self.steps.items():
            # The first step finds out what is meant, so it sees what the user sees, and no more.
            work = deciding(name) if len(steps) == 1 else method(name)
            steps.append(Step(name, work, method(undo) if undo else None, STEP_SECONDS))
        return Flow(self.kind, tuple(steps), pivot=self.pivot)

    def described(self) -> dict[str, Any]:
        """The flow as a dry run shows it; nothing where there is none."""
        return {} if not self.steps else {"kind": self.kind, "steps": [_ANNOUNCE, *self.steps], "pivot": self.pivot}


def duty(offered: Callable[[], Offered]) -> Duty:
    """Lets the tasks in the vCenters say what the journal says."""
    return Duty("vsphere.tasks", LOOK_SECONDS, lambda run: offered().mirror.look(run))
