"""Task: something that takes time, of this vCenter or of an extension."""
# ruff: noqa: N802 (methods carry their WSDL names)

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..managed import Managed
from ..registry import named_fault, vim, vmodl
from ..wire.call import Call

if TYPE_CHECKING:
    from .task_manager import TaskManager

_ENDED = ("success", "error")
_MAY_FOLLOW = {"queued": ("queued", "running", *_ENDED), "running": ("running", *_ENDED)}


class Task(Managed):
    """`info` says all there is. A client makes it go on with SetTaskState and UpdateProgress."""

    KIND = vim.Task

    def __init__(self, manager: TaskManager, moid: str, info: Any, subject: Managed) -> None:
        self._subject = subject
        self._manager = manager
        super().__init__(manager.vc, moid, info=info)

    @property
    def authority(self) -> Managed:
        return self._subject.authority

    @property
    def state(self) -> str:
        """queued, running, success or error."""
        return str(self.get("info.state"))

    @property
    def ended(self) -> bool:
        """Whether it is over."""
        return self.state in _ENDED

    def advance(self, state: str, result: Any = None, error: Any = None) -> None:
        """Another state, with a result or an error at the end. InvalidState for one that cannot follow."""
        with self.vc.model.change():
            if state not in _MAY_FOLLOW.get(self.state, ()):
                raise named_fault(vim.fault.InvalidState(), f"A task cannot go from {self.state} to {state}")
            if state == "error" and error is None:
                raise named_fault(vmodl.fault.InvalidArgument(invalidProperty="fault"), "A failed task has a fault")
            now = self.vc.clock.now()
            if state == "running" and self.get("info.startTime") is None:
                self.set("info.startTime", now)
            if state in _ENDED:
                if self.get("info.startTime") is None:
                    self.set("info.startTime", now)
                self.set("info.completeTime", now)
                self.set("info.cancelable", False)
                self.set("info.progress", None)
                self.set("info.result", result if state == "success" else None)
                self.set("info.error", error if state == "error" else None)
            self.set("info.state", state)

    def SetTaskState(self, call: Call, state: str, result: Any, fault: Any) -> None:
        self.advance(str(state), result, fault)

    def UpdateProgress(self, call: Call, percent: int) -> None:
        with self.vc.model.change():
            if self.state != "running":
                raise named_fault(vim.fault.InvalidState(), "Only a running task makes progress")
            if not 0 <= percent <= 100:
                raise named_fault(vim.fault.OutOfBounds(argumentName="percentDone"), "Progress is 0 to 100 percent")
            self.set("info.progress", percent)

    def SetTaskDescription(self, call: Call, description: Any) -> None:
        self.set("info.description", self.vc.extensions.localised(description, call.who.locale, "task"))

    def CancelTask(self, call: Call) -> None:
        if call.who.user != self.get("info.reason.userName"):
            self.vc.rights.demand(call.session, self, "Global.CancelTask")
        with self.vc.model.change():
            if self.ended:
                raise named_fault(vim.fault.InvalidState(), "The task has ended")
            if not self.get("info.cancelable"):
                raise named_fault(vmodl.fault.NotSupported(), "The task cannot be cancelled")
            self.set("info.cancelled", True)
