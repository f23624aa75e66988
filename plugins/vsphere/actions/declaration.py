"""The actions on objects of the inventory and their flows, as every face offers them.

Plain declarations: what does them is imported when it is first called.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from ....core.duties.duty import Duty
from ....core.journal.step import Flow, Outcome, Run, Step
from ....core.model.operation import Operation
from ....plugin_manager.action import Action, Call
from ..vcenters.privileges import PROVISION as MAY_PROVISION
from . import input as inputs

if TYPE_CHECKING:
    from .offered import Offered

STEP_SECONDS = 600.0
LOOK_SECONDS = 1.0
_ANNOUNCE = "announce"


class Deed(Protocol):
    """What does an action. Its steps are methods by their names, and by those of their undos."""

    def check(self, call: Call) -> str | None: ...

    def plan(self, call: Call) -> Mapping[str, Any]: ...


@dataclass(frozen=True, slots=True)
class Declared:
    """One action. `steps` are names, each with its undo's (or None)."""

    id: str
    title: str
    summary: str
    permission: str
    kinds: tuple[str, ...]
    input: Mapping[str, Any]
    steps: Mapping[str, str | None]
    pivot: str | None = None
    privilege: str = field(default=MAY_PROVISION)

    @property
    def kind(self) -> str:
        """Of its operations."""
        return f"vsphere.{self.id}"

    def action(self, offered: Callable[[], Offered]) -> Action:
        def check(call: Call) -> str | None:
            return offered().deed(self.id).check(call)

        def plan(call: Call) -> Mapping[str, Any]:
            return {**offered().deed(self.id).plan(call), **self.described()}

        def run(call: Call) -> Operation:
            return offered().desk.begin(call, self.kind, self.id)

        return Action(
            self.id,
            self.title,
            self.permission,
            input=self.input,
            kinds=self.kinds,
            summary=self.summary,
            privilege=self.privilege,
            check=check,
            plan=plan,
            run=run,
        )

    def flow(self, offered: Callable[[], Offered]) -> Flow:
        def method(name: str) -> Callable[[Run], Outcome]:
            def work(run: Run) -> Outcome:
                found: Outcome = getattr(offered().deed(self.id), name)(run)
                return found

            return work

        def announce(run: Run) -> None:
            offered().mirror.announce(run)

        steps = [Step(_ANNOUNCE, announce)]
        for name, undo in self.steps.items():
            steps.append(Step(name, method(name), method(undo) if undo else None, STEP_SECONDS))
        return Flow(self.kind, tuple(steps), pivot=self.pivot)

    def described(self) -> dict[str, Any]:
        """The flow as a dry run shows it."""
        return {"kind": self.kind, "steps": [_ANNOUNCE, *self.steps], "pivot": self.pivot}


PROVISION = Declared(
    "provision",
    "Provision a datastore",
    "A VMFS datastore on a new volume, on a host or on all hosts of a cluster.",
    "volume:create",
    ("HostSystem", "ClusterComputeResource"),
    inputs.PROVISION,
    {
        "volume": "no_volume",
        "attach": "detach",
        "targets": "no_targets",
        "scan": None,
        "format": "unformat",
        "mount": None,
        "read_back": None,
    },
)

DELETE = Declared(
    "delete",
    "Delete a datastore",
    "Remove the datastore from all hosts and delete the volume behind it.",
    "volume:delete",
    ("Datastore",),
    inputs.DELETE,
    {
        "examine": None,
        "unmount": "remount",
        "destroy": None,
        "detach": None,
        "targets": None,
        "withdraw": None,
        "volume": None,
        "read_back": None,
    },
    pivot="destroy",
)

EXPAND = Declared(
    "expand",
    "Expand a datastore",
    "Enlarge the volume and the file system on it together, while both are used.",
    "volume:extend",
    ("Datastore",),
    inputs.EXPAND,
    {"examine": None, "extend": None, "scan": None, "grow": None, "read_back": None},
    # What has grown is not made smaller again.
    pivot="extend",
)

MOUNT = Declared(
    "mount",
    "Mount a datastore on hosts",
    "Let more hosts reach the volume behind the datastore, and mount it there.",
    "attachment:create",
    ("Datastore",),
    inputs.HOSTS,
    {
        "examine": None,
        "attach": "detach",
        "targets": "no_targets",
        "mount": "unmount",
        "read_back": None,
    },
)

UNMOUNT = Declared(
    "unmount",
    "Unmount a datastore from hosts",
    "Unmount the datastore from some of its hosts, which then no longer reach the volume.",
    "attachment:delete",
    ("Datastore",),
    inputs.HOSTS,
    {
        "examine": None,
        "unmount": "remount",
        "withdraw": None,
        "detach": None,
        "read_back": None,
    },
    pivot="withdraw",
)

DECLARED = (PROVISION, DELETE, EXPAND, MOUNT, UNMOUNT)


def duty(offered: Callable[[], Offered]) -> Duty:
    """Lets the tasks in the vCenters say what the journal says."""
    return Duty("vsphere.tasks", LOOK_SECONDS, lambda run: offered().mirror.look(run))
